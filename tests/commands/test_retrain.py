"""``leadscore retrain``: every outcome, its line and its exit code, on a small dataset."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from empty_registry import empty_registry
from few_kinds import simulate_few_kinds

from commands import cli, retrain
from commands.retrain import RetrainOutcome, RetrainStatus
from features.errors import GateError
from features.reading.read import read_dataset
from scoring.release.release import load_release
from training.monitoring.monitor import MonitoringVerdict
from training.monitoring.new_outcomes import new_outcomes
from training.registry.resolve import locate, models
from training.simulator import write_simulation

QUICK = ("--time-budget", "0", "--jobs", "1", "--json")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with a dataset, and a home in which nothing was trained yet."""
    folder = tmp_path_factory.mktemp("retrain")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("LEADSCORE_HOME", str(folder / "var"))
        empty_registry(folder / "var")
        write_simulation(simulate_few_kinds(1200, seed=5), folder / "leads", truth=False)
        yield folder


@pytest.fixture(scope="module")
def first(home: Path) -> tuple[int, dict[str, Any]]:
    """(exit code, outcome) of the first run in the home."""
    return run_in_module(home)


def run_in_module(home: Path) -> tuple[int, dict[str, Any]]:
    import contextlib
    import io

    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        code = cli.run(["retrain", "leads", *QUICK])
    return code, json.loads(out.getvalue())


def test_the_first_release_is_promoted(first: tuple[int, dict[str, Any]]) -> None:
    code, said = first
    assert code == 0, said
    assert said["outcome"] == "promoted"
    assert said["champion"] == "1"
    assert said["champion_before"] is None
    assert said["line"].startswith("promoted: version 1 answers (release ")
    assert said["line"].endswith(", the first")


def test_the_same_data_again_train_nothing(
    first: tuple[int, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["retrain", "leads"]) == 6
    said = capsys.readouterr()
    assert said.out == "no new outcomes: version 1 answers on; 0 new outcomes\n"
    assert "not monitored: nothing here is later" in said.err
    assert [row.version for row in models()] == ["1"]


def test_what_the_gate_refuses_leaves_the_champion(
    first: tuple[int, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trained = SimpleNamespace(version="1", to_dict=dict)
    asked: list[object] = []

    def refuse(version: str, **how: object) -> None:
        asked.append((version, how["dataset"]))
        raise GateError("version 1 is no better\n  than the champion")

    monkeypatch.setattr("commands.train.train_on", lambda _data, _wanted: trained)
    monkeypatch.setattr("training.registry.promote.promote", refuse)
    assert cli.run(["retrain", "leads", "--least-outcomes", "0"]) == 4
    assert capsys.readouterr().out == (
        "refused: version 1 is not promoted, version 1 answers on; "
        "version 1 is no better than the champion; 0 new outcomes\n"
    )
    assert asked == [("1", "leads")]
    assert locate("champion").version == "1"


def test_a_sure_leak_is_refused_before_any_training(
    first: tuple[int, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    def leak(_data: object, _wanted: object) -> None:
        raise GateError("duration is a sure leak")

    monkeypatch.setattr("commands.train.train_on", leak)
    assert cli.run(["retrain", "leads", "--least-outcomes", "0", "--json"]) == 4
    said = json.loads(capsys.readouterr().out)
    assert (said["outcome"], said["training"], said["champion"]) == ("refused", None, "1")
    assert said["because"] == ["duration is a sure leak"]


def test_a_champion_that_is_still_true_is_kept_when_that_was_asked(
    first: tuple[int, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = SimpleNamespace(
        verdict=MonitoringVerdict.KEEP, because=("probabilities agree",), to_dict=dict
    )
    monkeypatch.setattr(retrain, "monitoring_of", lambda *_: found)
    assert cli.run(["retrain", "leads", "--when-needed", "--least-outcomes", "0"]) == 0
    assert capsys.readouterr().out == (
        "kept: version 1 answers on; probabilities agree; 0 new outcomes; "
        "monitoring of version 1 says keep\n"
    )


def test_outcomes_are_new_once_their_horizon_has_passed(
    first: tuple[int, dict[str, Any]],
) -> None:
    data = read_dataset("leads")
    release = load_release(Path(locate("champion").path))
    assert new_outcomes(release, data) == 0
    learned = dict(release.manifest["data"])
    known = int(learned["positives"]) + int(learned["negatives"])
    never = replace(
        release,
        manifest={**release.manifest, "data": {**learned, "observed_until": "2001-01-01T00:00Z"}},
    )
    assert new_outcomes(never, data) == known


def test_bad_data_and_a_bad_option_fail_with_their_own_codes(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run(["retrain", "nowhere"]) in (2, 3, 5)
    assert cli.run(["retrain", "leads", "--sign-with", "absent.pem"]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert "cannot read absent.pem" in said.err


def test_the_help_names_the_exit_code_of_every_outcome(capsys: pytest.CaptureFixture[str]) -> None:
    assert set(retrain.EXIT_CODES) == set(RetrainStatus)
    assert {RetrainOutcome(each).exit_code for each in RetrainStatus} == {0, 4, 6}
    assert cli.run(["retrain", "--help"]) == 0
    words = " ".join(capsys.readouterr().out.split())
    for code, word in ((0, "promoted"), (4, "refused by the gate"), (6, "no new outcomes")):
        assert f"{code} {word}" in words.replace("│ ", "")
