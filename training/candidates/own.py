"""Candidates of one's own: any scikit-learn classifier competes on the same folds."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import cloudpickle
import numpy as np
from sklearn.base import clone, is_classifier
from sklearn.utils import get_tags
from sklearn.utils.validation import has_fit_parameter

from features.compute.array_types import Float64
from features.errors import UsageError
from scoring.model.component import ModelComponent
from training.candidates.base import Candidate, TrainingSet, newton_path_seconds
from training.candidates.conversion import CannotRelease, component_of, estimator_log_odds

TAKEN = frozenset(
    {"base_rate", "linear", "additive", "boosted", "randomised", "symmetric", "linear_bant",
     "scorecard"}
)  # fmt: skip
"""Names of the candidates that compete in every training."""


MAX_CANDIDATES = 4
"""Every subset of the candidates is tried as an ensemble, and each one more doubles them."""


@dataclass(frozen=True, slots=True)
class EstimatorCandidate:
    """A scikit-learn classifier with a ``predict_proba``, cloned for every fit.

    It gets the vectors (float64, NaN is unknown); one that takes no NaN gets each column's median
    of the training rows instead. Weights are given where its ``fit`` takes them.
    """

    name: str
    estimator: Any
    hyperparameter_grid: tuple[float, ...] = (1.0,)
    default_step: float | None = 1.0

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        """A guess, for nothing is known of the estimator; it decides only when workers start."""
        return 1.0 + newton_path_seconds(n_rows, n_columns)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (1, n) of ``vectors``, learned from ``sample``."""
        fitted, fill = self._fitted(sample)
        return estimator_log_odds(fitted, vectors, fill)[None, :]

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """The fitted estimator as data. Raises CannotRelease when it cannot be written so."""
        del step
        fitted, fill = self._fitted(sample)
        return component_of(fitted, sample.vectors, fill)

    def _fitted(self, sample: TrainingSet) -> tuple[Any, Float64]:
        estimator = clone(self.estimator)
        fill = self._fill(sample.vectors)
        seen = np.where(np.isnan(sample.vectors), fill, sample.vectors)
        estimator.fit(seen, sample.label.astype(np.int64), **self._weights(sample))
        return estimator, fill

    def _fill(self, vectors: Float64) -> Float64:
        """Medians where unknown must not reach the estimator (0 where nothing is known)."""
        if get_tags(self.estimator).input_tags.allow_nan:
            return np.full(vectors.shape[1], np.nan)
        fill, known = np.zeros(vectors.shape[1]), ~np.isnan(vectors).all(axis=0)
        fill[known] = np.nanmedian(vectors[:, known], axis=0)
        return fill

    def _weights(self, sample: TrainingSet) -> Mapping[str, Float64]:
        name, last = "sample_weight", self.estimator
        if hasattr(last, "steps"):
            step, last = last.steps[-1]
            name = f"{step}__sample_weight"
        return {name: sample.weight} if has_fit_parameter(last, "sample_weight") else {}


def own_candidates(given: Iterable[object], seed: int) -> tuple[EstimatorCandidate, ...]:
    """The candidates of estimators, or of pairs (name, estimator).

    A ``random_state`` that is None becomes ``seed``, so that a training can be repeated. Raises
    UsageError for what is no classifier with probabilities, cannot be pickled, or has a name that
    is taken; and for more than ``MAX_CANDIDATES``.
    """
    made: list[EstimatorCandidate] = []
    for one in given:
        name, estimator = one if isinstance(one, tuple) else (_name_of(one), one)
        if name in TAKEN or name in {candidate.name for candidate in made}:
            raise UsageError(f"a candidate is called {name!r} already; give ('a name', estimator)")
        made.append(EstimatorCandidate(str(name), _checked(str(name), estimator, seed)))
    if len(made) > MAX_CANDIDATES:
        raise UsageError(f"{len(made)} candidates; at most {MAX_CANDIDATES} compete in a training")
    return tuple(made)


def _name_of(estimator: object) -> str:
    last = estimator.steps[-1][1] if hasattr(estimator, "steps") else estimator
    return type(last).__name__


def _checked(name: str, estimator: Any, seed: int) -> Any:
    if isinstance(estimator, type):
        raise UsageError(f"candidate {name!r} is a class; give an estimator, {name}()")
    if not hasattr(estimator, "fit") or not is_classifier(estimator):
        raise UsageError(f"candidate {name!r} is no scikit-learn classifier")
    if not hasattr(estimator, "predict_proba"):
        raise UsageError(
            f"candidate {name!r} has no predict_proba; wrap it in CalibratedClassifierCV"
        )
    try:
        cloudpickle.dumps(estimator)
    except Exception as problem:
        raise UsageError(
            f"candidate {name!r} cannot be sent to a worker process: {problem}; it must be "
            "picklable (no open files, locks or connections in it)"
        ) from problem
    own = clone(estimator)
    states = [key for key in own.get_params() if key.split("__")[-1] == "random_state"]
    unset = {key: seed for key in states if own.get_params()[key] is None}
    return own.set_params(**unset) if unset else own


def not_released(candidates: Sequence[Candidate], sample: TrainingSet) -> dict[str, str]:
    """Why candidates of one's own cannot be part of a release, by name; empty when all can."""
    reasons: dict[str, str] = {}
    for candidate in candidates:
        if is_own(candidate):
            try:
                candidate.fit(sample, 1.0)
            except CannotRelease as problem:
                reasons[candidate.name] = str(problem)
    return reasons


def is_own(candidate: Candidate) -> bool:
    """Whether a candidate is the user's (it may read some of the columns only)."""
    return isinstance(getattr(candidate, "candidate", candidate), EstimatorCandidate)


def load_candidates(reference: str) -> tuple[object, ...]:
    """What ``module:factory`` gives: an estimator, a pair (name, estimator), or several.

    Raises UsageError when there is no such module or name, or it fails.
    """
    module, _, name = reference.partition(":")
    if not module or not name:
        raise UsageError(f"--candidate {reference!r}: expected module:factory, like mine:forest")
    try:
        made = getattr(import_module(module), name)
    except (ImportError, AttributeError) as problem:
        raise UsageError(f"--candidate {reference}: {problem}") from problem
    if isinstance(made, type) or (callable(made) and not hasattr(made, "fit")):
        made = made()
    return tuple(made) if isinstance(made, list) else (made,)


def warn_not_released(reasons: Mapping[str, str]) -> None:
    """One warning for each candidate that is compared and cannot be released."""
    for name, reason in reasons.items():
        warnings.warn(
            f"candidate {name!r} is compared, and cannot be released: {reason}",
            UserWarning,
            stacklevel=2,
        )
