"""The commands about data, run in this process: what they print and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import leadscore


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert leadscore.run([*arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "leads"
    assert leadscore.run(["simulate", str(out), "--leads", "300", "--seed", "3"]) == 0
    return out


def test_simulate_tells_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run_json(capsys, "simulate", str(tmp_path / "x"), "--leads", "50", "--seed", "1")
    assert told["leads"] == 50
    assert told["seed"] == 1
    assert (tmp_path / "x" / "dataset.toml").is_file()


def test_every_world_of_the_simulator_can_be_asked_for() -> None:
    from commands.data import WorldName
    from training.simulator import WORLDS

    assert {name.value for name in WorldName} == set(WORLDS)


def test_check_counts_every_lead_once(simulated: Path, capsys: pytest.CaptureFixture[str]) -> None:
    summary = run_json(capsys, "check", str(simulated))
    assert summary["leads"] == 300
    converted, lost, still_open = summary["converted"], summary["lost"], summary["open"]
    assert isinstance(converted, int)
    assert isinstance(lost, int)
    assert converted + lost + still_open == 300  # type: ignore[operator]
    kinds = summary["kinds"]
    assert isinstance(kinds, list)
    assert sum(kind["rows"] for kind in kinds) == summary["interactions"]


def test_check_shows_a_person_counts_and_inferences(
    simulated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert leadscore.run(["check", str(simulated)]) == 0
    shown = capsys.readouterr()
    assert "300 leads" in shown.out
    assert "budget" in shown.out
    assert "read " in shown.err
    assert "read " not in shown.out


def test_check_refuses_a_wrong_outcome_and_names_it(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in simulated.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    outcomes = tmp_path / "outcomes.csv"
    outcomes.write_text(outcomes.read_text().replace("converted", "win"))
    assert leadscore.run(["check", str(tmp_path), "--quarantine", str(tmp_path / "bad")]) == 3
    assert "'win'" in capsys.readouterr().err
    assert (tmp_path / "bad" / "outcomes.csv").is_file()
