"""Fitted scikit-learn classifiers as data: the same log-odds, with no code of theirs.

What can be written: logistic regression (also by SGD), decision trees, random forests and extra
trees, gradient boosting of scikit-learn (both kinds), LightGBM, XGBoost and CatBoost; alone, or in
a Pipeline after imputation, and, for linear models, after scaling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.errors import ReleaseError
from scoring.model.component import ModelComponent
from scoring.model.forest import LEAST, ForestComponent
from scoring.model.linear import LinearComponent
from scoring.model.trees import TreeComponent
from training.candidates.boosting_libraries import catboost_trees, xgboost_trees
from training.candidates.tree_text import NodeTable, booster_text, double_thresholds

TOLERANCE = 1e-9
"""The data must give the estimator's log-odds on the training rows to this."""


SINGLE_PRECISION_TOLERANCE = 1e-5
"""The same for XGBoost, which adds its trees in single precision; the data are added in double."""


CHECKED_ROWS = 2_000


class CannotRelease(Exception):
    """Why an estimator cannot be written as data; its message completes "it is compared, …"."""


@dataclass(frozen=True)
class InputColumns:
    """What an estimator sees of each column: ``scale`` × value + ``shift``, unknown as ``fill``.

    ``fill`` (F) is in the column's own unit; NaN where unknown stays unknown. ``scaled``: whether
    any scale or shift is there.
    """

    scale: Float64
    shift: Float64
    fill: Float64

    @property
    def scaled(self) -> bool:
        """Whether values are changed at all."""
        return bool((self.scale != 1.0).any() or (self.shift != 0.0).any())


def component_of(estimator: Any, vectors: Float64, fill: Float64) -> ModelComponent:
    """The component that gives a fitted binary classifier's log-odds.

    ``vectors`` (n, F): training rows, on which both are compared; ``fill`` (F): what unknown was
    replaced by before the estimator saw it, NaN where it saw it as unknown. Raises CannotRelease.
    """
    columns = InputColumns(np.ones(len(fill)), np.zeros(len(fill)), fill)
    last, columns = _through_pipeline(estimator, columns)
    writer = next((w for name, w in WRITERS.items() if name in _names_of(last)), None)
    if writer is None:
        raise CannotRelease(f"{type(last).__name__} is no arithmetic that can be written as data")
    try:
        component = writer(last, columns, vectors)
    except ReleaseError as problem:
        raise CannotRelease(f"{type(last).__name__}: {problem}") from problem
    _check(component, estimator, vectors[:CHECKED_ROWS], fill)
    return component


def _names_of(estimator: Any) -> set[str]:
    """Module and name of the estimator's own class; a subclass may compute something else."""
    kind = type(estimator)
    return {f"{kind.__module__.split('.')[0]}.{kind.__name__}"}


def estimator_log_odds(estimator: Any, vectors: Float64, fill: Float64) -> Float64:
    """(n,) log-odds of class 1, from its probabilities or its own log-odds where it has them."""
    seen = np.where(np.isnan(vectors), fill, vectors)
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    if _names_of(last) & LOG_ODDS_BY_DECISION:
        return np.asarray(estimator.decision_function(seen), dtype=np.float64)
    if _names_of(last) & {"lightgbm.LGBMClassifier"}:
        return np.asarray(estimator.predict_proba(seen, raw_score=True), dtype=np.float64)
    if _names_of(last) & {"xgboost.XGBClassifier"}:
        return np.asarray(estimator.predict(seen, output_margin=True), dtype=np.float64)
    if _names_of(last) & {"catboost.CatBoostClassifier"}:
        raw = estimator.predict(seen, prediction_type="RawFormulaVal")
        return np.asarray(raw, dtype=np.float64)
    chance = np.clip(np.asarray(estimator.predict_proba(seen))[:, 1], LEAST, 1 - LEAST)
    return np.asarray(np.log(chance) - np.log1p(-chance), dtype=np.float64)


LOG_ODDS_BY_DECISION = {
    "sklearn.LogisticRegression",
    "sklearn.LogisticRegressionCV",
    "sklearn.SGDClassifier",
    "sklearn.GradientBoostingClassifier",
    "sklearn.HistGradientBoostingClassifier",
}


def _check(component: ModelComponent, estimator: Any, vectors: Float64, fill: Float64) -> None:
    shares = np.zeros(vectors.shape)
    component.accumulate_contributions(np.ascontiguousarray(vectors), 1.0, shares)
    computed = component.base + shares.sum(axis=1)
    off = float(np.abs(computed - estimator_log_odds(estimator, vectors, fill)).max(initial=0.0))
    single = bool(_names_of(estimator) & {"xgboost.XGBClassifier"})
    if not off <= (SINGLE_PRECISION_TOLERANCE if single else TOLERANCE):
        raise CannotRelease(f"written as data its log-odds differ by {off:.1e} from its own")


def _through_pipeline(estimator: Any, columns: InputColumns) -> tuple[Any, InputColumns]:
    if _names_of(estimator) != {"sklearn.Pipeline"}:
        return estimator, columns
    for name, step in estimator.steps[:-1]:
        if step is None or step == "passthrough":
            continue
        change = STEPS.get(type(step).__name__) if _is_sklearn(step) else None
        if change is None:
            raise CannotRelease(
                f"its step {name!r} ({type(step).__name__}) cannot be written as data"
            )
        columns = change(step, columns)
    return estimator.steps[-1][1], columns


def _is_sklearn(step: Any) -> bool:
    return type(step).__module__.startswith("sklearn.")


def _imputed(step: Any, columns: InputColumns) -> InputColumns:
    known = np.asarray(step.statistics_, dtype=np.float64)
    if step.add_indicator or len(known) != len(columns.fill) or np.isnan(known).any():
        raise CannotRelease("its SimpleImputer adds or drops columns")
    own = (known - columns.shift) / columns.scale
    return InputColumns(
        columns.scale, columns.shift, np.where(np.isnan(columns.fill), own, columns.fill)
    )


def _scaled(scale: Float64 | None, shift: Float64 | None, columns: InputColumns) -> InputColumns:
    times = np.ones(len(columns.scale)) if scale is None else scale
    plus = np.zeros(len(columns.scale)) if shift is None else shift
    return InputColumns(columns.scale * times, columns.shift * times + plus, columns.fill)


def _standardised(step: Any, columns: InputColumns) -> InputColumns:
    scale = None if step.scale_ is None else 1.0 / np.asarray(step.scale_, dtype=np.float64)
    mean = getattr(step, "mean_", None) if hasattr(step, "mean_") else step.center_
    if (hasattr(step, "with_mean") and not step.with_mean) or mean is None:
        return _scaled(scale, None, columns)
    times = np.ones(len(columns.scale)) if scale is None else scale
    return _scaled(scale, -np.asarray(mean, dtype=np.float64) * times, columns)


STEPS: dict[str, Callable[[Any, InputColumns], InputColumns]] = {
    "SimpleImputer": _imputed,
    "StandardScaler": _standardised,
    "RobustScaler": _standardised,
    "MinMaxScaler": lambda step, columns: _scaled(step.scale_, step.min_, columns),
    "MaxAbsScaler": lambda step, columns: _scaled(1.0 / step.scale_, None, columns),
}


def _linear(estimator: Any, columns: InputColumns, vectors: Float64) -> ModelComponent:
    """Each column centred at its mean, so that a share is against the usual lead."""
    if getattr(estimator, "loss", "log_loss") != "log_loss":
        raise CannotRelease(f"{type(estimator).__name__} with this loss gives no log-odds")
    coef = np.asarray(estimator.coef_, dtype=np.float64)[0]
    filled = np.where(np.isnan(vectors), columns.fill, vectors)
    center, own = filled.mean(axis=0), coef * columns.scale
    start = float(np.asarray(estimator.intercept_).ravel()[0])
    return LinearComponent(
        transform=("identity",) * len(own),
        fill=np.where(np.isnan(columns.fill), 0.0, columns.fill),
        center=center,
        scale=np.ones(len(own)),
        coef=own,
        missing_coef=np.zeros(len(own)),
        intercept=start + float(coef @ columns.shift + own @ center),
    )


def _not_scaled(estimator: Any, columns: InputColumns) -> None:
    if columns.scaled:
        raise CannotRelease(
            f"{type(estimator).__name__} after a scaler rounds where data would not; trees need no "
            "scaling, so leave it out"
        )


def _nodes(tree: Any, columns: InputColumns, value: Float64) -> NodeTable:
    """A tree of scikit-learn, whose values are rounded to single precision."""
    feature = np.asarray(tree.feature, dtype=np.int64)
    threshold = double_thresholds(np.asarray(tree.threshold, dtype=np.float64))
    own = columns.fill[np.maximum(feature, 0)]
    unknown_left = np.where(
        np.isnan(own), np.asarray(tree.missing_go_to_left, bool), own <= threshold
    )
    count = np.asarray(tree.weighted_n_node_samples, dtype=np.float64)
    return NodeTable(
        feature,
        threshold,
        unknown_left,
        np.asarray(tree.children_left, dtype=np.int64),
        np.asarray(tree.children_right, dtype=np.int64),
        value,
        count if (count > 0).all() else np.asarray(tree.n_node_samples, dtype=np.float64),
    )


def _forest(estimator: Any, columns: InputColumns, vectors: Float64) -> ModelComponent:
    """Trees whose leaves hold shares of a probability; one tree is a forest of one."""
    _not_scaled(estimator, columns)
    members = getattr(estimator, "estimators_", [estimator])
    tables = []
    for member in members:
        votes = np.asarray(member.tree_.value, dtype=np.float64)[:, 0, :]
        share = votes[:, 1] / votes.sum(axis=1) / len(members)
        tables.append(_nodes(member.tree_, columns, share))
    return ForestComponent(TreeComponent.from_text(booster_text(tables, vectors.shape[1])))


def _boosted(estimator: Any, columns: InputColumns, vectors: Float64) -> ModelComponent:
    _not_scaled(estimator, columns)
    if estimator.init not in (None, "zero"):
        raise CannotRelease("its first guess (init) is an estimator of its own")
    if estimator.loss != "log_loss":
        raise CannotRelease(f"GradientBoostingClassifier with loss {estimator.loss!r}")
    tables = [
        _nodes(stage.tree_, columns, stage.tree_.value[:, 0, 0] * estimator.learning_rate)
        for stage in estimator.estimators_[:, 0]
    ]
    return _with_start(tables, estimator, columns, vectors)


def _hist_boosted(estimator: Any, columns: InputColumns, vectors: Float64) -> ModelComponent:
    _not_scaled(estimator, columns)
    if estimator.is_categorical_ is not None and estimator.is_categorical_.any():
        raise CannotRelease("HistGradientBoostingClassifier with categorical features")
    tables = []
    for (predictor,) in estimator._predictors:
        nodes, leaf = predictor.nodes, predictor.nodes["is_leaf"].astype(bool)
        feature = np.where(leaf, 0, nodes["feature_idx"]).astype(np.int64)
        threshold = np.where(leaf, 0.0, nodes["num_threshold"])
        own = columns.fill[feature]
        tables.append(
            NodeTable(
                feature,
                threshold,
                np.where(np.isnan(own), nodes["missing_go_to_left"].astype(bool), own <= threshold),
                np.where(leaf, -1, nodes["left"].astype(np.int64)),
                np.where(leaf, -1, nodes["right"].astype(np.int64)),
                nodes["value"].astype(np.float64),
                nodes["count"].astype(np.float64),
            )
        )
    return _with_start(tables, estimator, columns, vectors)


def _with_start(
    tables: list[NodeTable], estimator: Any, columns: InputColumns, vectors: Float64
) -> ModelComponent:
    """The trees with what the estimator begins from: its own log-odds of one row minus theirs."""
    width = vectors.shape[1]
    bare = TreeComponent.from_text(booster_text(tables, width))
    row, share = np.ascontiguousarray(vectors[:1]), np.zeros((1, width))
    bare.accumulate_contributions(row, 1.0, share)
    computed = estimator.decision_function(np.where(np.isnan(row), columns.fill, row))[0]
    start = float(computed) - bare.base - float(share.sum())
    return TreeComponent.from_text(booster_text(tables, width, start))


def _lightgbm(estimator: Any, columns: InputColumns, vectors: Float64) -> ModelComponent:
    _not_scaled(estimator, columns)
    if not np.isnan(columns.fill).all():
        raise CannotRelease("LGBMClassifier after imputation; it reads unknown values itself")
    text: str = estimator.booster_.model_to_string(num_iteration=-1)
    return TreeComponent.from_text(text, vectors.shape[1])


def _of_library(
    trees_of: Callable[[Any], tuple[list[NodeTable], float]],
) -> Callable[[Any, InputColumns, Float64], ModelComponent]:
    def write(estimator: Any, columns: InputColumns, vectors: Float64) -> ModelComponent:
        _not_scaled(estimator, columns)
        name, width = type(estimator).__name__, vectors.shape[1]
        if not np.isnan(columns.fill).all():
            raise CannotRelease(f"{name} after imputation; it reads unknown values itself")
        try:
            trees, start = trees_of(estimator)
        except ValueError as problem:
            raise CannotRelease(str(problem)) from problem
        return TreeComponent.from_text(booster_text(trees, width, start), width)

    return write


WRITERS: dict[str, Callable[[Any, InputColumns, Float64], ModelComponent]] = {
    "sklearn.LogisticRegression": _linear,
    "sklearn.LogisticRegressionCV": _linear,
    "sklearn.SGDClassifier": _linear,
    "sklearn.DecisionTreeClassifier": _forest,
    "sklearn.ExtraTreeClassifier": _forest,
    "sklearn.RandomForestClassifier": _forest,
    "sklearn.ExtraTreesClassifier": _forest,
    "sklearn.GradientBoostingClassifier": _boosted,
    "sklearn.HistGradientBoostingClassifier": _hist_boosted,
    "lightgbm.LGBMClassifier": _lightgbm,
    "xgboost.XGBClassifier": _of_library(xgboost_trees),
    "catboost.CatBoostClassifier": _of_library(catboost_trees),
}
