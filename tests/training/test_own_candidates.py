"""Estimators of the user compete on the same folds, and are released only as data."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from few_kinds import simulate_few_kinds
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB

import leadscore as ls
from commands.cli import run

CANDIDATES = [
    ("forest", RandomForestClassifier(10, max_depth=3)),
    ("bayes", GaussianNB()),
]


@pytest.fixture(scope="module")
def data() -> ls.Dataset:
    return simulate_few_kinds(260, seed=4).to_dataset()


@pytest.fixture(scope="module")
def fitted(data: ls.Dataset) -> ls.TrainingResult:
    with pytest.warns(UserWarning, match="'bayes' is compared, and cannot be released: GaussianNB"):
        return ls.train(data, candidates=CANDIDATES, jobs=1, time_budget_s=0.0)


def test_they_are_compared_on_the_same_rows(fitted: ls.TrainingResult) -> None:
    table = fitted.candidates.set_index("candidate")
    assert {"forest", "bayes", "base_rate"} <= set(table.index)
    assert table["not_released"]["forest"] == ""
    assert "cannot be" not in table["not_released"]["bayes"]
    assert (
        "GaussianNB is no arithmetic that can be written as data" in table["not_released"]["bayes"]
    )
    assert not table["used"]["bayes"]


def test_the_release_says_which_competed(fitted: ls.TrainingResult) -> None:
    settings = fitted.release.content.manifest["settings"]
    assert settings["candidates"] == {
        "forest": "sklearn.ensemble._forest.RandomForestClassifier",
        "bayes": "sklearn.naive_bayes.GaussianNB",
    }


def test_without_them_nothing_changes_in_a_release(data: ls.Dataset) -> None:
    made = ls.train(data, jobs=1, time_budget_s=0.0)
    assert "candidates" not in made.release.content.manifest["settings"]
    assert "compared" not in made.metrics["choice"]


def test_what_is_no_candidate_is_refused_before_any_work(data: ls.Dataset) -> None:
    with pytest.raises(ls.errors.UsageError, match="is a class"):
        ls.train(data, candidates=[GaussianNB], jobs=1)


def test_the_command_takes_a_factory_from_the_current_folder(
    data: ls.Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "my_model.py").write_text(
        "from sklearn.tree import DecisionTreeClassifier\n\n"
        "def tree():\n    return ('my_tree', DecisionTreeClassifier(max_depth=2))\n"
    )
    simulate_few_kinds(260, seed=4).save(tmp_path / "leads")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    options = ["--no-register", "--jobs", "1", "--time-budget", "0"]
    done = run(["train", "leads", "--out", "R", *options, "--candidate", "my_model:tree"])
    assert done == 0
    tried = ls.load_release(tmp_path / "R").metrics["choice"]["candidates"]
    assert "my_tree" in {one["name"] for one in tried}
    assert run(["train", "leads", "--out", "R", *options, "--candidate", "my_model:forest"]) == 2
