"""The commands about data, run in this process: what they print and what they refuse."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from commands import cli
from features.errors import GateError
from training.registry.gate_criteria import GateLimits


def run_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, object]:
    assert cli.run([*arguments, "--json"]) == 0
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("data") / "leads"
    assert cli.run(["simulate", str(out), "--leads", "300", "--seed", "3"]) == 0
    return out


def test_simulate_tells_what_it_wrote(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = run_json(capsys, "simulate", str(tmp_path / "x"), "--leads", "50", "--seed", "1")
    assert told["leads"] == 50
    assert told["seed"] == 1
    assert (tmp_path / "x" / "dataset.toml").is_file()


def test_every_world_of_the_simulator_can_be_asked_for() -> None:
    from commands.data import WorldName
    from training.simulator import SCENARIOS

    assert {name.value for name in WorldName} == set(SCENARIOS)


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
    assert cli.run(["check", str(simulated)]) == 0
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
    assert cli.run(["check", str(tmp_path), "--quarantine", str(tmp_path / "bad")]) == 3
    refused = capsys.readouterr().err
    assert "'win'" in refused
    assert "dataset.toml" in refused  # the key that says what the word means


@pytest.fixture(scope="module")
def leaking(simulated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The simulated leads with a column that was filled in when they closed."""
    folder = tmp_path_factory.mktemp("leaking")
    for file in simulated.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    leads = pd.read_csv(folder / "leads.csv")
    outcomes = pd.read_csv(folder / "outcomes.csv").set_index("lead_id")["outcome"]
    leads["reason_closed"] = leads["lead_id"].map(outcomes).map({"converted": "a", "lost": "b"})
    leads.to_csv(folder / "leads.csv", index=False)
    return folder


def test_audit_names_a_sure_leak_and_exits_with_4(
    leaking: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["audit", str(leaking), "--no-costs"]) == 4
    assert "sure      attribute 'reason_closed'" in capsys.readouterr().out


def test_audit_finds_nothing_in_what_is_honest(
    simulated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["audit", str(simulated), "--no-costs", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [s["name"] for s in told["suspects"] if s["verdict"] == "sure"] == []


def test_training_stops_on_a_sure_leak_before_it_starts(
    leaking: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "release"
    assert cli.run(["train", str(leaking), "--out", str(out), "--no-register"]) == 4
    assert "reason_closed" in capsys.readouterr().err
    assert not out.exists()


def test_training_that_would_keep_nothing_is_refused(
    simulated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["train", str(simulated), "--no-register"]) == 2
    assert "--out" in capsys.readouterr().err


def test_a_foreign_attribute_cannot_be_excluded(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "release")
    arguments = ["train", str(simulated), "--out", out, "--no-register", "--exclude", "sise"]
    assert cli.run(arguments) == 2
    assert "'sise'" in capsys.readouterr().err


def test_a_lead_is_printed_as_the_api_takes_it(
    simulated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["lead", str(simulated), "L000003"]) == 0
    assert json.loads(capsys.readouterr().out)["lead_id"] == "L000003"
    assert cli.run(["lead", str(simulated), "L000003", "--as-of", "yesterday"]) == 2
    assert "'yesterday'" in capsys.readouterr().err


def test_scores_go_to_csv_or_parquet_only(
    simulated: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["score", str(simulated), "--release", "x", "--out", "scores.xls"]) == 2
    assert ".csv or .parquet" in capsys.readouterr().err


def test_a_release_that_is_refused_is_reported_first(
    simulated: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "release").mkdir()
    (tmp_path / "no-leads").mkdir()
    for dataset in (simulated, tmp_path / "no-leads"):
        asked = ["score", str(dataset), "--release", str(tmp_path / "release"), "--out", "s.csv"]
        assert cli.run(asked) == 5
        assert "manifest.json is missing" in capsys.readouterr().err


def test_the_age_of_a_champion_reaches_the_gate(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[GateLimits] = []

    def refuse(version: str, *, limits: GateLimits, **_: object) -> None:
        asked.append(limits)
        raise GateError(f"version {version} is not promoted")

    monkeypatch.setattr("training.registry.promote.promote", refuse)
    assert cli.run(["promote", "3", "--max-age-days", "30"]) == 4
    assert cli.run(["promote", "3"]) == 4
    assert asked == [GateLimits(max_age_days=30.0), GateLimits()]
    assert cli.run(["promote", "3", "--max-age-days", "-1"]) == 2
    assert "--max-age-days" in capsys.readouterr().err


def test_nothing_registered_is_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("LEADSCORE_HOME", str(tmp_path))
    assert cli.run(["models"]) == 0
    assert "leadscore train" in capsys.readouterr().out
    assert cli.run(["promote", "1"]) == 5
    assert cli.run(["rollback"]) == 2
    assert cli.run(["score", str(tmp_path), "--out", "s.csv"]) == 5
