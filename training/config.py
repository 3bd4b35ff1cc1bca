"""Every option of a training, in one object that travels through model selection and backtest."""

from __future__ import annotations

from dataclasses import dataclass, field

from scoring.scorecard.scorecard import Scorecard
from training.labels.censoring import CensoringTreatment
from training.thresholds import ThresholdPolicy


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """What the user decides; the defaults are those that did best on the benchmark.

    ``thresholds``: where warm and hot begin. ``scorecard``: the rules that compete and are shipped
    with the release, None for none. ``exclude``: attributes, and ``kind:`` interaction kinds, not
    to be used. ``treatment``: of immature references. ``time_budget_s``: estimated seconds
    for one model selection (see :mod:`training.model_selection.time_budget`), None for no limit.
    ``jobs``: fits side by side, in worker processes; the result does not depend on it.
    ``choose_on``: on how many leads a recipe is chosen that is then fitted on all; 0 for all, None
    for :data:`training.model_selection.choice_sample.REFERENCES_TO_CHOOSE`.
    ``enforce_monotone``: boosted candidates keep the directions of
    :mod:`training.candidates.monotonicity`. ``candidates``: scikit-learn classifiers of the
    user, or pairs (name, classifier), that compete too.

    >>> TrainingConfig(seed=3, exclude=("phone",)).jobs
    2
    """

    seed: int = 0
    thresholds: ThresholdPolicy = field(default_factory=ThresholdPolicy)
    scorecard: Scorecard | None = None
    exclude: tuple[str, ...] = ()
    treatment: CensoringTreatment = CensoringTreatment.ADAPTIVE
    time_budget_s: float | None = None
    jobs: int = 2
    choose_on: int | None = None
    enforce_monotone: bool = True
    candidates: tuple[object, ...] = ()
