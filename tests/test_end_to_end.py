"""The whole path through real processes: simulate, check, train, promote, score, serve, ask."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

START_WITHIN_S = 60.0
QUICK = ("--time-budget", "4")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, new_house: Callable[[Path], Any]) -> Any:
    """A house in which version 1 was trained on simulated leads and promoted."""
    made = new_house(tmp_path_factory.mktemp("house"))
    made.run("simulate", "leads", "--leads", "800", "--seed", "5")
    assert "800 leads" in made.run("check", "leads")
    trained = json.loads(made.run("train", "leads", "--out", "release", *QUICK, "--json"))
    assert trained["version"] == "1"
    assert trained["metrics"]["test"]["references"] > 0
    made.run("promote", "1")
    made.run("score", "leads", "--out", "scores.csv")
    return made


@pytest.fixture(scope="module")
def quick(house: Any, new_quick_house: Callable[..., Any]) -> Any:
    """The same house, for commands whose process was tried already."""
    return new_quick_house(house.folder)


@pytest.fixture(scope="module")
def service(house: Any) -> Iterator[str]:
    """The address of a server in a process of its own."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "leadscore", "serve", "--port", str(port)],
        cwd=house.folder,
        env=house.settings,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        wait_until_ready(address, process)
        yield address
    finally:
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=120)
        assert process.returncode in (0, -signal.SIGTERM), said.decode()


def wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_WITHIN_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "the server ended before it was ready"
        try:
            with urllib.request.urlopen(f"{address}/health/ready", timeout=2):
                return
        except OSError:
            time.sleep(0.1)
    raise AssertionError(f"not ready within {START_WITHIN_S} s")


def ask(address: str, body: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{address}/v1/scores", body.encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def test_the_table_of_scores_holds_every_open_lead(house: Any, quick: Any) -> None:
    summary = json.loads(quick.run("check", "leads", "--json"))
    rows = house.scores("scores.csv")
    assert len(rows) == summary["open"]
    assert {row["model_version"] for row in rows} == {"1"}
    for row in rows:
        low, p, high = (float(row[name]) for name in ("low", "probability", "high"))
        assert 0 <= low <= p <= high <= 1
        assert row["band"] in ("cold", "warm", "hot")
        assert row["rule_band"] in ("cold", "warm", "hot")
        assert row["error"] == ""


def test_a_folder_and_its_version_score_alike(house: Any, quick: Any) -> None:
    quick.run("score", "leads", "--release", "release", "--out", "again.csv")
    folder, version = house.scores("again.csv"), house.scores("scores.csv")
    for row in (*folder, *version):
        row.pop("model_version")
    assert folder == version


def test_references_are_answered_in_the_order_asked_or_say_why_not(house: Any, quick: Any) -> None:
    (house.folder / "asked.csv").write_text(
        "lead_id,as_of\nL000400,2024-12-30T00:00:00Z\nnobody,2024-12-30T00:00:00Z\n"
        "L000400,2020-01-01T00:00:00Z\nL000001,2024-06-30T00:00:00Z\n"
    )
    quick.run("score", "leads", "--references", "asked.csv", "--out", "asked-scores.csv")
    rows = house.scores("asked-scores.csv")
    assert [row["lead_id"] for row in rows] == ["L000400", "nobody", "L000400", "L000001"]
    assert [bool(row["error"]) for row in rows] == [False, True, True, False]
    assert [row["probability"] != "" for row in rows] == [True, False, False, True]


def test_the_api_answers_what_the_batch_wrote_to_the_last_digit(
    house: Any, quick: Any, service: str
) -> None:
    row = house.scores("scores.csv")[0]
    body = quick.run("lead", "leads", row["lead_id"], "--as-of", row["as_of"])
    answer = ask(service, body)
    assert answer["probability"] == float(row["probability"])
    assert answer["interval"] == {"low": float(row["low"]), "high": float(row["high"])}
    assert answer["band"] == row["band"]
    assert answer["rules"]["points"] == pytest.approx(float(row["rule_points"]), abs=1e-9)
    shares = answer["base"] + sum(r["contribution"] for r in answer["reasons"])
    assert shares + answer["other_reasons"] == pytest.approx(answer["log_odds"], abs=1e-9)
    assert answer["model"]["version"] == "1"


def test_a_bad_request_is_a_problem_not_a_trace(service: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        ask(service, '{"lead_id": "A", "created_at": "yesterday"}')
    with refused.value as answer:
        problem = json.load(answer)
    assert answer.code in (400, 422)
    assert problem["status"] == answer.code
    assert "Traceback" not in json.dumps(problem)


def test_doctor_finds_the_champion_verified(house: Any, service: str) -> None:
    told = json.loads(house.run("doctor", "--url", service, "--json"))
    states = {finding["what"]: finding["state"] for finding in told["findings"]}
    assert states["champion"] == states["service"] == states["registry"] == "fine"


def test_a_flipped_bit_in_a_release_is_refused(house: Any, quick: Any, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "release"
    shutil.copytree(house.folder / "release", copy)
    (copy / "spec.json").write_bytes((copy / "spec.json").read_bytes().replace(b"7", b"8", 1))
    quick.run("score", "leads", "--release", str(copy), "--out", "never.csv", code=5)
    assert not (house.folder / "never.csv").exists()


def test_models_lists_the_champion(quick: Any) -> None:
    rows = json.loads(quick.run("models", "--json"))
    assert [row["version"] for row in rows] == ["1"]
    assert "champion" in rows[0]["aliases"]


def test_training_twice_gives_the_same_release(house: Any, quick: Any) -> None:
    options = ("--out", "twin", "--no-register", "--jobs", "1", "--time-budget", "4")
    made = json.loads(quick.run("train", "leads", *options, "--json"))
    first = json.loads((house.folder / "release" / "manifest.json").read_text())
    assert first["digest"].startswith(made["release_id"])
