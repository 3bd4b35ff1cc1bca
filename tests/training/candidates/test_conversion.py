"""Fitted scikit-learn classifiers written as data: the same log-odds, exact shares."""

from __future__ import annotations

from typing import Any

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    ExtraTreesClassifier,
    GradientBoostingClassifier,
    HistGradientBoostingClassifier,
    RandomForestClassifier,
)
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression, SGDClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler, RobustScaler, StandardScaler
from sklearn.tree import DecisionTreeClassifier

from features.compute.array_types import Float64
from features.errors import UsageError
from scoring.model.forest import ForestComponent
from scoring.model.model import LOG_ODDS_LIMIT, Model
from training.candidates.base import TrainingSet
from training.candidates.conversion import CannotRelease, component_of, estimator_log_odds
from training.candidates.own import (
    EstimatorCandidate,
    load_candidates,
    not_released,
    own_candidates,
)
from training.candidates.tree_text import double_thresholds

UNKNOWN = np.full(4, np.nan)


@pytest.fixture(scope="module")
def sample() -> TrainingSet:
    """Four columns with unknown values, of sizes from shares to thousands."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, 4)) * [1.0, 0.1, 1000.0, 3.0]
    X[:, 3] = X[:, 3].round()
    label = (X[:, 0] + X[:, 2] / 1000 + rng.normal(size=400) > 0).astype(np.int8)
    X[rng.random(X.shape) < 0.1] = np.nan
    return TrainingSet(X, label, rng.uniform(0.5, 1.0, 400))


@pytest.fixture(scope="module")
def asked() -> Float64:
    """Other rows, some beyond what was learned from, one with nothing known."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(200, 4)) * [2.0, 0.2, 2000.0, 5.0]
    X[rng.random(X.shape) < 0.2] = np.nan
    X[0] = np.nan
    return X


WRITABLE: list[Any] = [
    LogisticRegression(),
    make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression()),
    make_pipeline(StandardScaler(), SimpleImputer(strategy="median"), LogisticRegression()),
    make_pipeline(MinMaxScaler(), SimpleImputer(), RobustScaler(), LogisticRegression()),
    make_pipeline(SimpleImputer(), StandardScaler(), SGDClassifier(loss="log_loss")),
    DecisionTreeClassifier(max_depth=4),
    RandomForestClassifier(15, max_depth=5),
    RandomForestClassifier(5, min_samples_leaf=3),
    ExtraTreesClassifier(10, max_depth=4),
    make_pipeline(SimpleImputer(strategy="median"), RandomForestClassifier(5, max_depth=4)),
    GradientBoostingClassifier(n_estimators=12),
    HistGradientBoostingClassifier(max_iter=12),
    lgb.LGBMClassifier(n_estimators=12, verbosity=-1, num_threads=1),
]


def name_of(estimator: Any) -> str:
    steps = getattr(estimator, "steps", [("", estimator)])
    return "-".join(type(step).__name__ for _, step in steps)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
@pytest.mark.parametrize("estimator", WRITABLE, ids=name_of)
def test_the_data_say_what_the_estimator_says(
    estimator: Any, sample: TrainingSet, asked: Float64
) -> None:
    (candidate,) = own_candidates([("mine", estimator)], seed=0)
    part = candidate.fit(sample, 1.0)
    model = Model((part,), (1.0,), 1.0, 0.0, 4)
    expected = np.clip(candidate.fit_path(sample, asked)[0], -LOG_ODDS_LIMIT, LOG_ODDS_LIMIT)
    explained = model.explain(asked)
    np.testing.assert_allclose(explained.log_odds, expected, rtol=0, atol=1e-9)
    np.testing.assert_allclose(
        explained.base + explained.contributions.sum(axis=1), expected, rtol=0, atol=1e-9
    )
    again = Model.from_files(model.to_files())
    assert (again.explain(asked).log_odds == explained.log_odds).all()


def test_the_shares_of_a_forest_are_those_of_its_probability(
    sample: TrainingSet, asked: Float64
) -> None:
    (candidate,) = own_candidates([RandomForestClassifier(8, max_depth=3)], seed=0)
    forest = candidate.fit(sample, 1.0)
    assert isinstance(forest, ForestComponent)
    of_probability, of_log_odds = np.zeros(asked.shape), np.zeros(asked.shape)
    forest.trees.accumulate_contributions(asked, 1.0, of_probability)
    forest.accumulate_contributions(asked, 1.0, of_log_odds)
    stretch = of_log_odds / np.where(of_probability == 0, np.nan, of_probability)
    spread = np.nanmax(stretch, axis=1) / np.nanmin(stretch, axis=1)
    np.testing.assert_allclose(spread, 1.0, rtol=1e-9)


def test_the_bits_of_a_row_do_not_depend_on_the_others(sample: TrainingSet, asked: Float64) -> None:
    forest = own_candidates([RandomForestClassifier(8)], seed=0)[0].fit(sample, 1.0)
    model = Model((forest,), (1.0,), 1.0, 0.0, 4)
    together = model.explain(asked)
    for row in (0, 7, 199):
        alone = model.explain(asked[row : row + 1])
        assert (alone.contributions[0] == together.contributions[row]).all()


REFUSED = [
    (GaussianNB(), "GaussianNB is no arithmetic that can be written as data"),
    (CalibratedClassifierCV(LogisticRegression()), "CalibratedClassifierCV is no arithmetic"),
    (make_pipeline(StandardScaler(), DecisionTreeClassifier()), "trees need no scaling"),
    (make_pipeline(SimpleImputer(add_indicator=True), LogisticRegression()), "adds or drops"),
]


@pytest.mark.parametrize(("estimator", "reason"), REFUSED, ids=[r for _, r in REFUSED])
def test_what_cannot_be_written_says_why(estimator: Any, reason: str, sample: TrainingSet) -> None:
    (candidate,) = own_candidates([("mine", estimator)], seed=0)
    assert reason in not_released([candidate], sample)["mine"]


def test_a_subclass_is_not_taken_for_its_parent(sample: TrainingSet) -> None:
    class Shifted(LogisticRegression):  # type: ignore[misc]
        def predict_proba(self, X: Float64) -> Float64:
            return np.asarray(super().predict_proba(X))[:, ::-1]

    (candidate,) = own_candidates([Shifted()], seed=0)
    assert "Shifted" in not_released([candidate], sample)["Shifted"]


def test_data_that_differ_are_refused(sample: TrainingSet) -> None:
    known = np.nan_to_num(sample.vectors)
    fitted = LogisticRegression().fit(known, sample.label)
    fitted.decision_function = lambda X: X[:, 0]  # what it says is not what it learned
    with pytest.raises(CannotRelease, match="log-odds differ by"):
        component_of(fitted, sample.vectors, np.zeros(4))


def test_thresholds_part_doubles_as_singles_are_parted() -> None:
    rng = np.random.default_rng(3)
    thresholds = np.concatenate([rng.normal(size=200), rng.integers(-5, 5, 50) + 0.5])
    limits = double_thresholds(thresholds)
    for nudge in (-1, 0, 1):
        values = limits if nudge == 0 else np.nextafter(limits, nudge * np.inf)
        np.testing.assert_array_equal(
            values <= limits, values.astype(np.float32).astype(np.float64) <= thresholds
        )


def test_unknown_reaches_an_estimator_only_if_it_can_take_it(sample: TrainingSet) -> None:
    (linear,) = own_candidates([LogisticRegression()], seed=0)
    (trees,) = own_candidates([HistGradientBoostingClassifier()], seed=0)
    assert np.isfinite(linear.fit_path(sample, UNKNOWN[None, :])).all()
    assert np.isfinite(trees._fill(sample.vectors)).sum() == 0


def test_an_unset_random_state_is_the_seed() -> None:
    given = [RandomForestClassifier(), ("b", RandomForestClassifier(random_state=5))]
    made = own_candidates(given, 3)
    assert [one.estimator.random_state for one in made] == [3, 5]


def test_what_is_no_candidate_is_refused() -> None:
    with pytest.raises(UsageError, match="is a class"):
        own_candidates([LogisticRegression], 0)
    with pytest.raises(UsageError, match="no scikit-learn classifier"):
        own_candidates([("mine", StandardScaler())], 0)
    with pytest.raises(UsageError, match="no predict_proba"):
        own_candidates([SGDClassifier()], 0)
    with pytest.raises(UsageError, match="called 'linear' already"):
        own_candidates([("linear", LogisticRegression())], 0)
    with pytest.raises(UsageError, match="at most 4"):
        own_candidates([(str(i), LogisticRegression()) for i in range(5)], 0)


def test_what_cannot_be_pickled_is_refused_before_any_work() -> None:
    import threading

    model = LogisticRegression(C=1.0)
    model.lock = threading.Lock()
    with pytest.raises(UsageError, match="cannot be sent to a worker process"):
        own_candidates([model], 0)


def test_a_factory_is_loaded_by_name() -> None:
    (made,) = load_candidates("sklearn.linear_model:LogisticRegressionCV")
    assert type(made).__name__ == "LogisticRegressionCV"
    with pytest.raises(UsageError, match="expected module:factory"):
        load_candidates("sklearn")
    with pytest.raises(UsageError, match="nowhere_at_all"):
        load_candidates("nowhere_at_all:make")


def test_log_odds_are_those_of_the_probabilities(sample: TrainingSet) -> None:
    candidate = EstimatorCandidate("nb", GaussianNB())
    fitted, fill = candidate._fitted(sample)
    log_odds = estimator_log_odds(fitted, sample.vectors, fill)
    chance = fitted.predict_proba(np.where(np.isnan(sample.vectors), fill, sample.vectors))[:, 1]
    inner = (chance > 1e-3) & (chance < 1 - 1e-3)
    np.testing.assert_allclose(1 / (1 + np.exp(-log_odds[inner])), chance[inner], rtol=1e-9)
