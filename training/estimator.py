"""scikit-learn's ways in: a calibrated classifier of attributes, and histories as vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.utils import Tags
from sklearn.utils.multiclass import check_classification_targets, type_of_target
from sklearn.utils.validation import check_is_fitted, validate_data

from features.compute.array_types import Float64, Int64, Object
from features.contract import AttributeType, Group
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.errors import DataError
from features.histories.arrays import NO_TIME, Answers, Histories, Interactions, References
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec

if TYPE_CHECKING:
    from features.dataset import Dataset

NAME = "attributes"


class LeadClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Calibrated probabilities from attributes alone, as a scikit-learn classifier.

    The candidates of a training compete on grouped folds (equal rows stay together), their average
    is calibrated, and where nothing is clearly better than the base rate, everybody gets the base
    rate. For histories and time see :func:`train`; there is no time here, so scores of
    cross-validation are those of random folds.

    Args:
        seed: the same rows and seed give the same model.
        time_budget_s: candidates estimated to take longer are left out; None tries all.
        jobs: fits side by side, in worker processes; the result does not depend on it.

    ``fit(X, y)``: X (n, F) is a DataFrame or an array; a column of numbers or booleans is a number,
    any other is a category; NaN and None are unknown, and stay so. y (n,) has two classes.
    Attributes: ``classes_`` (2,), ``n_features_in_``, ``feature_names_in_`` (of a DataFrame),
    ``spec_`` (the columns made of X), ``model_`` (its arithmetic), ``verdict_``.

    Raises:
        ValueError: infinite numbers, no rows, other columns than at ``fit``, or not two classes.

    >>> import pandas as pd
    >>> X = pd.DataFrame({"industry": ["food", "steel"] * 60, "employees": range(120)})
    >>> made = LeadClassifier(time_budget_s=0).fit(X, [1, 0] * 60)
    >>> made.predict_proba(X.head(2)).shape
    (2, 2)
    """

    def __init__(self, *, seed: int = 0, time_budget_s: float | None = None, jobs: int = 1) -> None:
        self.seed = seed
        self.time_budget_s = time_budget_s
        self.jobs = jobs

    def fit(self, X: Any, y: Any) -> Self:
        """Learn from X (n, F) and y (n,) with two classes."""
        from training.config import TrainingConfig
        from training.labels.references import LabelledReferences
        from training.labels.training_data import TrainingData
        from training.model_selection.fit import select_and_fit

        rows, target = validate_data(self, X, y, ensure_min_samples=2, **READING)
        self.classes_, label = self._classes(target)
        self._kinds = [_kind_of(column) for column in _columns(rows)]
        histories = self._histories(rows)
        n = len(label)
        references = References(np.arange(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
        closed = np.zeros(n, dtype=np.int64)
        labelled = LabelledReferences(
            references, closed, label.astype(bool), np.ones(n), 0, 0, has_time=False
        )
        settings = DatasetSettings(
            name=NAME,
            attributes={
                name: AttributeSettings(type=kind, group=Group.OTHER)
                for name, kind in zip(histories.attributes, self._kinds, strict=True)
            },
        )
        config = TrainingConfig(self.seed, time_budget_s=self.time_budget_s, jobs=self.jobs)
        source = TrainingData(settings, histories, labelled)
        fitted = select_and_fit(source, np.ones(n, dtype=bool), 0, config)
        self.spec_, self.model_ = fitted.spec, fitted.model
        self.verdict_ = fitted.ensemble.name
        return self

    def _classes(self, target: Any) -> tuple[Any, Int64]:
        check_classification_targets(target)
        classes, label = np.unique(target, return_inverse=True)
        if len(classes) > 2:
            kind = type_of_target(target, input_name="y")
            raise ValueError(
                f"Only binary classification is supported. The type of the target is {kind}."
            )
        if len(classes) < 2:
            raise ValueError(
                f"one class only: {classes.tolist()}; LeadClassifier needs rows of two classes"
            )
        return classes, label.astype(np.int64)

    def predict_proba(self, X: Any) -> Float64:
        """Probabilities (n, 2), columns as ``classes_``, each row summing to 1."""
        vectors = self._vectors(X)
        chance = self.model_.probability(vectors)
        return np.column_stack([1.0 - chance, chance])

    def decision_function(self, X: Any) -> Float64:
        """Log-odds (n,) of the second class."""
        vectors = self._vectors(X)
        return np.asarray(self.model_.log_odds(vectors))

    def predict(self, X: Any) -> Any:
        """The class of probability 0.5 and more, (n,)."""
        likely = self.decision_function(X) > 0.0
        return self.classes_[likely.astype(np.intp)]

    def explain(self, X: Any) -> pd.DataFrame:
        """Each feature's share of the log-odds of each row of X, (n, features made of X).

        ``.attrs["base"]`` plus the shares of a row is its log-odds.
        """
        vectors = self._vectors(X)
        found = self.model_.explain(vectors)
        frame = pd.DataFrame(found.contributions, columns=list(self.spec_.names))
        frame.attrs["base"] = found.base
        return frame

    def _vectors(self, X: Any) -> Float64:
        check_is_fitted(self)
        rows = validate_data(self, X, reset=False, **READING)
        histories = self._histories(rows)
        n = len(histories)
        references = References(np.arange(n, dtype=np.int64), np.zeros(n, dtype=np.int64))
        return compute_vectors(self.spec_, histories, references)

    def _histories(self, rows: Any) -> Histories:
        columns = _columns(rows)
        names = [f"x{i}" for i in range(len(columns))]
        given = getattr(self, "feature_names_in_", None)
        if given is not None and not {"lead", "bant"} & set(given):
            names = [str(name) for name in given]
        return _without_history(
            {
                name: _typed(column, kind)
                for name, column, kind in zip(names, columns, self._kinds, strict=True)
            },
            len(rows),
        )

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        return tags


READING: dict[str, Any] = {"dtype": None, "ensure_all_finite": "allow-nan"}


def _columns(rows: Any) -> list[Any]:
    return [rows[:, i] for i in range(rows.shape[1])]


def _kind_of(column: Any) -> AttributeType:
    """A number where every known value is one (or a boolean); a category otherwise."""
    if column.dtype.kind in "biuf":
        return AttributeType.NUMBER
    known = [value for value in column.tolist() if not _unknown(value)]
    if bad := [value for value in known if not isinstance(value, str | int | float | bool)]:
        raise TypeError(
            f"argument must be a string or a number, not {type(bad[0]).__name__!r}: {bad[0]!r}"
        )
    numeric = all(not isinstance(value, str) for value in known)
    return AttributeType.NUMBER if numeric else AttributeType.CATEGORY


def _typed(column: Any, kind: AttributeType) -> Float64 | Object:
    if kind is AttributeType.CATEGORY:
        words = [None if _unknown(value) else str(value) for value in column.tolist()]
        return np.array(words, dtype=object)
    if column.dtype.kind in "biuf":
        return np.asarray(column, dtype=np.float64)
    return np.array([_number(value) for value in column.tolist()], dtype=np.float64)


def _number(value: Any) -> float:
    if _unknown(value):
        return np.nan
    number = float(value)
    if np.isinf(number):
        raise ValueError("Input X contains infinity or a value too large for dtype('float64').")
    return number


def _unknown(value: Any) -> bool:
    return value is None or value is pd.NA or value is pd.NaT or value != value


def _without_history(attributes: dict[str, Float64 | Object], n: int) -> Histories:
    """Leads of whom attributes alone are known."""
    nothing, starts = np.empty(0), np.zeros(n + 1, dtype=np.int64)
    moments, codes = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int32)
    return Histories(
        np.array([str(i) for i in range(n)], dtype=object),
        np.full(n, NO_TIME, dtype=np.int64),
        attributes,
        Interactions(starts, moments, codes, nothing, nothing, ()),
        Answers(starts, codes, moments, codes, (), ()),
    )


class HistoryVectorizer(TransformerMixin, BaseEstimator):  # type: ignore[misc]
    """Histories as vectors, for an estimator of one's own in a Pipeline.

    ``fit(X)`` chooses the features that vary over the references X, without looking at outcomes;
    ``transform(X)`` says what was known of each strictly before its ``as_of``.

    Args:
        data: the dataset with the histories.
        spec: the features, such as ``release.spec``; None chooses them.

    X: a frame with ``lead_id`` and ``as_of``, such as :func:`label_references` gives; the result is
    (n, F) float64, NaN is unknown. Attributes: ``spec_``, ``n_features_in_``. With
    ``set_output(transform="pandas")`` the columns have their names.

    Raises:
        DataError: an unknown lead, or a moment before its creation.

    >>> import leadscore as ls
    >>> data = ls.simulate(60, seed=1).to_dataset()
    >>> references = ls.label_references(data)
    >>> ls.HistoryVectorizer(data).fit_transform(references).shape[0] == len(references)
    True
    """

    def __init__(self, data: Dataset, *, spec: FeatureSpec | None = None) -> None:
        self.data = data
        self.spec = spec

    def __sklearn_clone__(self) -> HistoryVectorizer:
        """Without a copy of the data, which nothing changes."""
        return HistoryVectorizer(self.data, spec=self.spec)

    def fit(self, X: Any, y: Any = None) -> Self:
        """Choose the features from the references X."""
        from training.feature_selection.choose import choose_spec

        del y
        histories, references = self._references_of(X)
        chosen = self.spec or choose_spec(self.data.settings, histories, references)
        self.spec_: FeatureSpec = chosen
        self.n_features_in_ = 2
        return self

    def transform(self, X: Any) -> Float64:
        """The vectors (n, F) of the references X, in their order."""
        check_is_fitted(self)
        histories, references = self._references_of(X)
        return compute_vectors(self.spec_, histories, references)

    def get_feature_names_out(self, input_features: Any = None) -> Object:
        """The features' names."""
        del input_features
        check_is_fitted(self)
        return np.asarray(self.spec_.names, dtype=object)

    def _references_of(self, X: Any) -> tuple[Histories, References]:
        from features.histories.build import histories_from_dataset
        from features.reading.frames import references_from_frame

        histories = histories_from_dataset(self.data)
        columns = X[["lead_id", "as_of"]] if hasattr(X, "columns") else X
        read = references_from_frame(columns, self.data.settings)
        rows = pd.Index(histories.lead_ids).get_indexer(pd.Index(read["lead_id"]))
        if (rows < 0).any():
            unknown = read["lead_id"].iloc[int(np.argmin(rows))]
            raise DataError(f"no lead {unknown!r} in the dataset")
        moments = read["as_of"].to_numpy(dtype="datetime64[us]").astype("int64")
        created = histories.created_at_us[rows]
        known = np.where(created == NO_TIME, 0, moments).astype(np.int64)
        return histories, References(rows.astype(np.int64), known)
