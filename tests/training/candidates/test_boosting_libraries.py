"""XGBoost's and CatBoost's classifiers written as data (needs them: make bench installs both)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from features.compute.array_types import Float64
from scoring.model.model import Model
from training.candidates.base import TrainingSet
from training.candidates.own import not_released, own_candidates


@pytest.fixture(scope="module")
def sample() -> TrainingSet:
    """Four columns with unknown values, whole numbers and halves among them."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4)) * [1.0, 0.1, 1000.0, 3.0]
    X[:, 3] = X[:, 3].round()
    label = (X[:, 0] + X[:, 2] / 1000 + rng.normal(size=400) > 0).astype(np.int8)
    X[rng.random(X.shape) < 0.1] = np.nan
    return TrainingSet(X, label, rng.uniform(0.5, 1.0, 400))


@pytest.fixture(scope="module")
def other() -> Float64:
    """Rows beyond what was learned from, one with nothing known."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4)) * [2.0, 0.2, 2000.0, 5.0]
    X[:, 3] = X[:, 3].round()
    X[rng.random(X.shape) < 0.2] = np.nan
    X[0] = np.nan
    return X


def classifier(library: str, **settings: Any) -> Any:
    """A small classifier of a library, or a skip that says what to install."""
    module = pytest.importorskip(library, reason=f"{library} is not installed (extra: bench)")
    if library == "xgboost":
        return module.XGBClassifier(**{"n_estimators": 12, "max_depth": 3, "n_jobs": 1} | settings)
    fixed = {"iterations": 12, "depth": 3, "verbose": 0, "thread_count": 1}
    return module.CatBoostClassifier(**fixed | {"allow_writing_files": False} | settings)


CASES: list[tuple[str, dict[str, Any], float]] = [
    ("xgboost", {}, 1e-5),  # it adds its trees in single precision
    ("xgboost", {"max_depth": 1, "base_score": 0.2}, 1e-5),
    ("xgboost", {"grow_policy": "lossguide", "max_leaves": 6, "tree_method": "hist"}, 1e-5),
    ("catboost", {}, 1e-9),
    ("catboost", {"depth": 1}, 1e-9),
    ("catboost", {"nan_mode": "Max", "boost_from_average": True}, 1e-9),
]


@pytest.mark.parametrize(("library", "settings", "tolerance"), CASES)
def test_the_data_give_the_log_odds_of_the_library(
    library: str, settings: dict[str, Any], tolerance: float, sample: TrainingSet, other: Float64
) -> None:
    (candidate,) = own_candidates([("mine", classifier(library, **settings))], seed=0)
    model = Model((candidate.fit(sample, 1.0),), (1.0,), 1.0, 0.0, 4)
    explained, expected = model.explain(other), candidate.fit_path(sample, other)[0]
    np.testing.assert_allclose(explained.log_odds, expected, rtol=0, atol=tolerance)
    total = explained.base + explained.contributions.sum(axis=1)
    np.testing.assert_allclose(total, explained.log_odds, rtol=0, atol=1e-9)
    again = Model.from_files(model.to_files())
    assert (again.explain(other).log_odds == explained.log_odds).all()


def test_a_value_on_a_split_goes_where_the_library_sends_it(sample: TrainingSet) -> None:
    for library in ("xgboost", "catboost"):
        (candidate,) = own_candidates([("mine", classifier(library))], seed=0)
        component = candidate.fit(sample, 1.0)
        files = Model((component,), (1.0,), 1.0, 0.0, 4).to_files()
        (text,) = (content for content in files.values() if b"threshold=" in content)
        lines = [x for x in text.decode().splitlines() if x.startswith("threshold=")]
        limits = np.unique([float(v) for x in lines for v in x.split("=")[1].split()])
        edges = np.concatenate([limits, np.nextafter(limits, np.inf)]).astype(np.float32)
        rows = np.repeat(edges.astype(np.float64)[:, None], 4, axis=1)
        got = Model((component,), (1.0,), 1.0, 0.0, 4).explain(rows).log_odds
        np.testing.assert_allclose(got, candidate.fit_path(sample, rows)[0], rtol=0, atol=1e-5)


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("xgboost", {"booster": "dart"}, "booster 'dart'"),
    ("catboost", {"grow_policy": "Depthwise"}, "grow_policy other than SymmetricTree"),
]


@pytest.mark.parametrize(("library", "settings", "reason"), REFUSED)
def test_what_cannot_be_written_says_why(
    library: str, settings: dict[str, Any], reason: str, sample: TrainingSet
) -> None:
    (candidate,) = own_candidates([("mine", classifier(library, **settings))], seed=0)
    assert reason in not_released([candidate], sample)["mine"]


def test_an_imputation_before_it_is_refused(sample: TrainingSet) -> None:
    piped = make_pipeline(SimpleImputer(), classifier("xgboost"))
    (candidate,) = own_candidates([("mine", piped)], seed=0)
    assert "reads unknown values itself" in not_released([candidate], sample)["mine"]
