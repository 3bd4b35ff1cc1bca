"""The peers of the quality benchmark, each as its documentation suggests: with its defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from catboost import CatBoostClassifier
from lightgbm import LGBMClassifier
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from scoring.scorecard.scorecard import default_scorecard
from training.labels.splits import Fold
from training.labels.training_data import TrainingData
from training.model_selection.platt import platt


@dataclass(frozen=True)
class Given:
    """What everyone learns from, and what they are asked. NaN is unknown."""

    vectors: np.ndarray
    label: np.ndarray
    weight: np.ndarray
    asked: np.ndarray
    fold: Fold
    flaml_seconds: float


Answer = Callable[[], np.ndarray]


def every_peer(given: Given, source: TrainingData) -> dict[str, Answer]:
    """Name → a function that learns and answers with probabilities of ``given.asked``."""
    there = {
        "base rate": lambda: _base_rate(given),
        "logistic regression": lambda: _logistic(given),
        "HistGradientBoosting": lambda: _fitted(
            HistGradientBoostingClassifier(random_state=0), given
        ),
        "LightGBM": lambda: _fitted(LGBMClassifier(random_state=0, n_jobs=1, verbosity=-1), given),
        "CatBoost": lambda: _fitted(
            CatBoostClassifier(
                random_seed=0, verbose=False, thread_count=2, allow_writing_files=False
            ),
            given,
        ),
        "FLAML": lambda: _flaml(given),
    }  # fmt: skip
    if len(default_scorecard().points(source.histories, _references(source, given)).points):
        there["default scorecard"] = lambda: _scorecard(given, source)
    return there


def _references(source: TrainingData, given: Given):
    return source.labelled.take(given.fold.test).references


def _base_rate(given: Given) -> np.ndarray:
    return np.full(len(given.asked), np.average(given.label, weights=given.weight))


def _logistic(given: Given) -> np.ndarray:
    model = make_pipeline(
        SimpleImputer(strategy="median", keep_empty_features=True),
        StandardScaler(),
        LogisticRegression(max_iter=1000),
    )
    model.fit(given.vectors, given.label, logisticregression__sample_weight=given.weight)
    return model.predict_proba(given.asked)[:, 1]


def _fitted(model, given: Given) -> np.ndarray:
    model.fit(given.vectors, given.label, sample_weight=given.weight)
    return model.predict_proba(given.asked)[:, 1]


TUNED_DEPTHS, TUNED_RATES, TUNED_TREES = (4, 6, 8), (0.02, 0.05), 1500


HELD_OUT = 0.2
"""Share of the references, the newest, that choose among CatBoost's settings."""


def tuned_catboost(given: Given) -> np.ndarray:
    """Depth, rate and trees with the lowest log loss on the newest fifth; then all references."""
    n = len(given.label)
    first = n - int(HELD_OUT * n)
    tried = []
    for depth in TUNED_DEPTHS:
        for rate in TUNED_RATES:
            model = _catboost(iterations=TUNED_TREES, depth=depth, learning_rate=rate)
            model.fit(
                given.vectors[:first],
                given.label[:first],
                sample_weight=given.weight[:first],
                eval_set=(given.vectors[first:], given.label[first:]),
                early_stopping_rounds=100,
            )
            loss = model.get_best_score()["validation"]["Logloss"]
            tried.append((loss, depth, rate, model.get_best_iteration() + 1))
    _, depth, rate, trees = min(tried)
    return _fitted(_catboost(iterations=trees, depth=depth, learning_rate=rate), given)


def _catboost(**settings: float) -> CatBoostClassifier:
    return CatBoostClassifier(
        random_seed=0, verbose=False, thread_count=1, allow_writing_files=False, **settings
    )


def _flaml(given: Given) -> np.ndarray:
    """Without weights: references weigh alike, and its own holdout fails with weights; without its
    logistic regression, which fails on unknown values."""
    from flaml import AutoML

    model = AutoML()
    model.fit(
        given.vectors,
        given.label,
        task="classification",
        metric="log_loss",
        time_budget=given.flaml_seconds,
        estimator_list=["lgbm", "catboost", "rf", "extra_tree"],
        split_type="time" if given.fold.cutoff_us is not None else "stratified",
        seed=0,
        verbose=0,
        n_jobs=1,
    )
    return np.asarray(model.predict_proba(given.asked))[:, 1]


def _scorecard(given: Given, source: TrainingData) -> np.ndarray:
    """Points turned into probabilities by a line fitted on the training references."""
    card, labelled = default_scorecard(), source.labelled
    points = [
        card.points(source.histories, labelled.take(rows).references).points
        for rows in (given.fold.train, given.fold.test)
    ]
    slope, intercept = platt(points[0] / 50, given.label.astype(float), given.weight)
    return 1 / (1 + np.exp(-(slope * points[1] / 50 + intercept)))
