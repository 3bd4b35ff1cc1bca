"""The public Python API: what it offers, what it costs to import, and that it says what the
commands say, to the last bit."""

from __future__ import annotations

import contextlib
import doctest
import inspect
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as parquet
import pytest
from few_kinds import simulate_few_kinds

import leadscore as ls
from commands.cli import run
from scoring.scorecard.scorecard import default_scorecard
from training.candidates.linear import LinearCandidate

pytestmark = pytest.mark.filterwarnings("ignore:.* are older than any learned from:UserWarning")

QUICK: dict[str, Any] = {"jobs": 1, "time_budget_s": 0.0}


@pytest.fixture(scope="module", autouse=True)
def one_candidate() -> Iterator[None]:
    """One quick candidate: the API and the commands are compared, not the models."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "training.model_selection.selection.default_candidates",
            lambda *_, **__: (LinearCandidate(),),
        )
        yield


class Shell:
    """The command in this process, which is quicker than one process a command."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, *arguments: str) -> str:
        """What one command told on stdout."""
        out = io.StringIO()
        with contextlib.chdir(self.folder), contextlib.redirect_stdout(out):
            assert run(arguments) == 0
        return out.getvalue()


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A dataset folder, and a release that the command trained from it."""
    made = Shell(tmp_path_factory.mktemp("api"))
    simulate_few_kinds(300, seed=4).save(made.folder / "leads")
    made.run(
        "train", "leads", "--out", "R", "--no-register", "--jobs", "1", "--time-budget", "0",
        "--hot-per-week", "5",
    )  # fmt: skip
    return made


@pytest.fixture(scope="module")
def data(house: Shell) -> ls.Dataset:
    return ls.read_dataset(house.folder / "leads")


@pytest.fixture(scope="module")
def fitted(data: ls.Dataset) -> ls.TrainingResult:
    return ls.train(data, hot_per_week=5, **QUICK)


def test_every_public_name_is_there_and_documented() -> None:
    for name in ls.__all__:
        assert inspect.getdoc(getattr(ls, name)), name
    assert set(ls.__all__) <= set(dir(ls))
    with pytest.raises(AttributeError, match="no attribute 'forcast'"):
        ls.forcast  # noqa: B018


def test_the_examples_of_the_reference_hold(
    fitted: ls.TrainingResult, data: ls.Dataset, tmp_path: Path
) -> None:
    (tmp_path / "rules.toml").write_text(default_scorecard().to_toml())
    names = {"ls": ls, "data": data, "fitted": fitted, "release": fitted.release}
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    told: list[str] = []
    with contextlib.chdir(tmp_path):
        for module in ("analysis", "data", "forecast", "release", "train"):
            found = doctest.DocTestFinder().find(import_module(f"commands.python_api.{module}"))
            for one in found:
                one.globs = {**names}
                runner.run(one, out=told.append)
    assert runner.failures == 0, "".join(told)
    assert runner.tries >= 15


def test_the_import_is_quick_and_loads_nothing_heavy() -> None:
    program = (
        "import time; t = time.process_time(); import leadscore; s = time.process_time() - t; "
        "import sys; heavy = {'numpy', 'pandas', 'pyarrow', 'sklearn', 'lightgbm', 'mlflow'}; "
        "print(s, sorted(heavy & set(sys.modules)))"
    )
    seconds = []
    for _ in range(3):
        out = subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True
        ).stdout
        taken, loaded = out.split(" ", 1)
        assert loaded.strip() == "[]"
        seconds.append(float(taken))
    assert min(seconds) < 0.1


def test_six_lines_from_three_frames_to_a_scored_frame() -> None:
    made = simulate_few_kinds(300, seed=1)
    leads, outcomes, interactions = made.leads, made.outcomes, made.interactions
    cell = """
import leadscore as ls
data = ls.Dataset.from_frames(leads=leads, outcomes=outcomes, interactions=interactions)
fitted = ls.train(data, jobs=1, time_budget_s=0)
scores = fitted.release.score(data)
"""
    names: dict[str, Any] = {
        "leads": leads, "outcomes": outcomes, "interactions": interactions
    }  # fmt: skip
    assert len(cell.strip().splitlines()) <= 6
    exec(cell, names)
    scores = names["scores"]
    assert isinstance(scores, pd.DataFrame)
    still_open = set(leads["lead_id"]) - set(outcomes["lead_id"])
    assert set(scores["lead_id"]) == still_open
    assert scores["probability"].between(0, 1).all()


def test_a_training_makes_the_release_of_the_command(
    fitted: ls.TrainingResult, house: Shell
) -> None:
    saved = fitted.release.save(house.folder / "by-api")
    for path in sorted((house.folder / "R").iterdir()):
        assert (saved / path.name).read_bytes() == path.read_bytes(), path.name
    assert len(list(saved.iterdir())) == len(list((house.folder / "R").iterdir()))
    assert ls.load_release(saved).release_id == fitted.release.release_id


def test_scores_are_those_of_the_command(
    fitted: ls.TrainingResult, data: ls.Dataset, house: Shell
) -> None:
    house.run("score", "leads", "--release", "R", "--out", "scores.parquet")
    by_command = parquet.read_table(house.folder / "scores.parquet").to_pandas()
    by_api = fitted.release.score(data)
    pd.testing.assert_frame_equal(by_api, by_command, check_exact=True)
    pd.testing.assert_frame_equal(ls.score(data, house.folder / "R"), by_api, check_exact=True)


def test_references_are_a_frame_and_keep_their_order(
    fitted: ls.TrainingResult, data: ls.Dataset
) -> None:
    asked = ls.label_references(data)[["lead_id", "as_of"]].iloc[[5, 2, 2]]
    asked = pd.concat([asked, asked.iloc[:1].assign(lead_id="nobody")])
    scores = fitted.release.score(data, asked)
    assert scores["lead_id"].tolist() == asked["lead_id"].tolist()
    assert scores["error"].notna().tolist() == [False, False, False, True]
    assert scores["probability"][1] == scores["probability"][2]


def test_the_card_is_that_of_the_command(fitted: ls.TrainingResult, house: Shell) -> None:
    assert fitted.release.card().to_markdown() == house.run("card", "R")


def test_the_card_against_another_release_is_that_of_the_command(
    data: ls.Dataset, fitted: ls.TrainingResult, house: Shell
) -> None:
    earlier = trained_until_summer(data)
    earlier.save(house.folder / "earlier")
    written = house.run("card", "R", "--against", "earlier")
    assert "## What changed since release" in written
    assert fitted.release.card(earlier).to_markdown() == written
    assert fitted.release.card(house.folder / "earlier").to_markdown() == written


def test_an_explanation_is_that_of_the_command(
    fitted: ls.TrainingResult, data: ls.Dataset, house: Shell
) -> None:
    lead = fitted.release.score(data)["lead_id"][0]
    told = json.loads(house.run("explain", "leads", "--lead", lead, "--release", "R", "--json"))
    found = ls.explain(fitted.release, data, lead)
    assert found.after.log_odds == told["after"]["log_odds"]
    assert [part.log_odds for part in found.parts] == [p["log_odds"] for p in told["parts"]]
    assert sum(part.log_odds for part in found.parts) == pytest.approx(
        found.after.log_odds - found.before.log_odds, abs=1e-9
    )


def test_an_explanation_takes_moments_as_the_command_does(
    fitted: ls.TrainingResult, data: ls.Dataset, house: Shell
) -> None:
    lead = fitted.release.score(data)["lead_id"][0]
    created = data.leads.set_index("lead_id").loc[lead, "created_at"]
    start, end = (str(created + pd.Timedelta(days=days)) for days in (1, 4))
    asked = ["explain", "leads", "--lead", lead, "--release", "R", "--from", start, "--to", end]
    told = json.loads(house.run(*asked, "--json"))
    found = ls.explain(fitted.release, data, lead, start=start, end=end)
    assert found.after.log_odds == told["after"]["log_odds"]
    assert found.to_dict()["after"] == told["after"]


def test_the_forecast_is_that_of_the_command(
    fitted: ls.TrainingResult, data: ls.Dataset, house: Shell
) -> None:
    told = json.loads(
        house.run("forecast", "leads", "--release", "R", "--horizons", "10,30", "--json")
    )
    found = ls.forecast(data, fitted.release, horizons=[10, 30])
    assert [row.to_dict() for row in found.rows] == told["rows"]
    assert (
        found.leads["probability_30d"].tolist()
        == fitted.release.score(data)["probability"].tolist()
    )
    assert (found.leads["probability_10d"] <= found.leads["probability_30d"]).all()
    assert "open leads" in repr(found)
    assert "<table" in found._repr_html_()


def test_the_audit_and_the_comparison_are_those_of_the_commands(
    data: ls.Dataset, house: Shell
) -> None:
    told = json.loads(house.run("audit", "leads", "--no-costs", "--json"))
    assert json.loads(json.dumps(ls.audit(data, costs=False).to_dict())) == told
    told = json.loads(house.run("compare", "leads", "--json"))
    found = ls.compare(data)
    assert found.verdict.headline == told["verdict"]["headline"]
    ours = {s.name: s.log_loss.value for s in found.comparison.scores}
    assert ours == {s["name"]: s["log_loss"]["value"] for s in told["scores"]}
    assert_is_embedded_page(found._repr_html_(), found.to_html())


def test_monitoring_is_that_of_the_command(fitted: ls.TrainingResult, house: Shell) -> None:
    simulate_few_kinds(300, seed=9).save(house.folder / "later")
    toml = (house.folder / "later" / "dataset.toml").read_text()
    assert "observed_until" in toml
    known = ls.read_dataset(house.folder / "later")
    release = trained_until_summer(known)
    release.save(house.folder / "early")
    told = json.loads(house.run("monitor", "later", "--release", "early", "--json"))
    found = ls.monitor(release, known)
    assert (found.verdict, found.expected) == (told["verdict"], told["expected"])
    del fitted


def trained_until_summer(known: ls.Dataset) -> ls.Release:
    """A release that learned from the first half of the leads."""
    half = known.leads["created_at"].median()
    leads = known.leads[known.leads["created_at"] < half]
    outcomes = known.outcomes[known.outcomes["occurred_at"] < half]
    early = ls.Dataset.from_frames(
        leads=leads, outcomes=outcomes[outcomes["lead_id"].isin(leads["lead_id"])],
        horizon_days=known.settings.horizon_days, observed_until=half.isoformat(),
    )  # fmt: skip
    return ls.train(early, **QUICK).release


def assert_is_embedded_page(shown: str, page: str) -> None:
    """An iframe that holds the page and runs no script."""
    import html

    assert shown.startswith("<iframe")
    assert " sandbox " in shown
    assert html.escape(page) in shown


def test_results_show_themselves(fitted: ls.TrainingResult, data: ls.Dataset) -> None:
    lead = fitted.release.score(data)["lead_id"][0]
    for result in (
        fitted.release.card(),
        ls.audit(data, costs=False),
        fitted.release.explain(data, lead),
    ):
        assert_is_embedded_page(result._repr_html_(), result.to_html())
    assert fitted._repr_html_() == fitted.release.card()._repr_html_()


def test_vectors_have_names_units_and_sentences(
    fitted: ls.TrainingResult, data: ls.Dataset
) -> None:
    X = ls.vectorize(data, spec=fitted.release.spec)
    assert list(X.columns) == list(fitted.release.spec.names)
    assert X.index.names == ["lead_id", "as_of"]
    assert len(X) == len(ls.label_references(data))
    about = X.attrs["features"]
    assert set(about) == set(X.columns)
    assert all(one["unit"] and one["null"] and one["sentence"] for one in about.values())
    chosen = ls.vectorize(data)
    assert np.isfinite(chosen.to_numpy()).any()


def test_labels_are_known_or_not_yet(data: ls.Dataset) -> None:
    asked = ls.label_references(data)
    assert set(asked["label"].dropna()) == {0.0, 1.0}
    assert asked["label"].isna().any()
    assert asked["as_of"].is_monotonic_increasing


def test_errors_are_the_one_tree(data: ls.Dataset) -> None:
    with pytest.raises(ls.errors.UsageError, match="no release folder"):
        ls.load_release("nowhere")
    with pytest.raises(ls.errors.DataError, match="no lead 'nobody'"):
        ls.vectorize(data, {"lead_id": ["nobody"], "as_of": ["2024-05-01T00:00:00Z"]})
    with pytest.raises(ls.errors.UsageError, match="given twice"):
        ls.train(data, ls.TrainingConfig(), hot_per_week=5)
    with pytest.raises(ls.errors.UsageError, match="unknown world 'flat'"):
        ls.simulate(10, world="flat")


def test_a_simulation_is_the_dataset_that_it_writes(tmp_path: Path) -> None:
    made = ls.simulate(60, seed=4)
    assert made.to_dataset().fingerprint == ls.read_dataset(made.save(tmp_path)).fingerprint


def test_a_scorecard_is_read(tmp_path: Path) -> None:
    (tmp_path / "rules.toml").write_text(default_scorecard().to_toml())
    assert ls.Scorecard.read(tmp_path / "rules.toml") == default_scorecard()


def test_progress_is_a_bar_in_a_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    from commands.output import progress_bar

    seen: list[dict[str, str]] = []

    class Handle:
        def update(self, data: dict[str, str], raw: bool) -> None:
            assert raw
            seen.append(data)

    def display(data: dict[str, str], raw: bool, display_id: bool) -> Handle:
        seen.append(data)
        assert raw
        assert display_id
        return Handle()

    monkeypatch.setattr("commands.output.notebook_display", lambda: display)
    with progress_bar(quiet=True) as tell:
        tell("candidates", 1, 2)
        tell("candidates", 2, 2)
    bars = [shown["text/html"] for shown in seen]
    assert bars[1] == '<progress value="2" max="2"></progress> candidates 2/2'
    assert bars[-1] == ""


def test_nothing_is_printed_outside_of_a_notebook(capsys: pytest.CaptureFixture[str]) -> None:
    from commands.output import progress_bar

    with progress_bar(quiet=True) as tell:
        tell("candidates", 1, 2)
    assert capsys.readouterr() == ("", "")
