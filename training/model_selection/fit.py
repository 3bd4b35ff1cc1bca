"""Learning at one moment: only what was known then goes in, one calibrated model comes out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from threadpoolctl import threadpool_limits

from features.compute.array_types import Float64, Int64
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from scoring.model.component import ConstantComponent
from scoring.model.model import Model
from scoring.scorecard.scorecard import Scorecard
from training.candidates.base import BaseRate, Candidate, TrainingSet
from training.candidates.factory import default_candidates
from training.candidates.pool import CandidatePool, entrants_of
from training.candidates.scorecard import SCORECARD
from training.feature_selection.choose import choose_spec
from training.feature_selection.screening import select_by_gain
from training.labels.censoring import CensoringTreatment, training_rows
from training.labels.references import Bool, Int8, LabelledReferences, label_counts
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import (
    CandidateResult,
    CVPlan,
    OutOfFoldRows,
    Progress,
    cross_validate,
    log_odds_losses,
    out_of_fold_rows,
    prepare_folds,
    recency_weighted,
    recency_weighted_folds,
)
from training.model_selection.ensemble import EnsembleChoice, choose_ensemble, weights_of
from training.model_selection.time_budget import within_budget
from training.model_selection.worker_pool import WorkerPool

FEWEST_ORIGINS = 3
"""With fewer rolling origins, whether newer references should weigh more is not asked."""


FEWEST = 10
"""With fewer references of either class than this, nothing is learned but the base rate."""


@dataclass(frozen=True, slots=True)
class SearchSettings:
    """How to learn; the defaults are those that did best on the benchmark.

    ``scorecard``: the rules that compete, None for none. ``enforce_monotone``: boosted candidates
    keep the
    directions that a person would insist on (``training.candidates.monotonicity``). ``pool``:
    worker processes
    to share among several learnings; None starts ``jobs`` of them for each that is worth it.
    """

    seed: int = 0
    treatment: CensoringTreatment = CensoringTreatment.ADAPTIVE
    time_budget_s: float | None = None
    jobs: int = 2
    progress: Progress | None = None
    scorecard: Scorecard | None = None
    enforce_monotone: bool = True
    pool: WorkerPool | None = field(default=None, compare=False)

    def workers(self) -> AbstractContextManager[WorkerPool]:
        """The pool given, which stays open, or one for this learning alone."""
        return WorkerPool(self.jobs) if self.pool is None else nullcontext(self.pool)


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model with what its choice rests on.

    ``tested``: the rows predicted out of time when choosing; ``log_odds`` (m): calibrated scores
    of them. ``by_time``: the folds followed time. ``sample``: what the model was fitted on.
    ``families``: those that can fit the recipe again.
    """

    spec: FeatureSpec
    model: Model
    recipe: EnsembleChoice
    trials: tuple[CandidateResult, ...]
    tested: OutOfFoldRows
    log_odds: Float64
    by_time: bool
    sample: TrainingSet
    rows: Int64
    families: tuple[Candidate, ...] = ()


def select_and_fit(
    source: TrainingData, allowed: Bool, until_us: int, method: SearchSettings
) -> FittedModel:
    """Choose, calibrate and fit on the references ``allowed`` (n, bool), as known at ``until_us``.

    Byte-identical for the same data and seed: linear algebra runs on one thread, and the order
    of work does not depend on ``jobs``.
    """
    labelled = source.labelled
    known = training_rows(labelled, allowed, until_us, method.treatment)
    taught = labelled.take(known.rows)
    spec = choose_spec(source.settings, source.histories, taught.references)
    spec = select_by_gain(spec, source.histories, labelled, allowed, until_us, method.seed)
    every = entrants_of(spec, method.scorecard)
    matrix = compute_vectors(every.spec, source.histories, labelled.references)
    every = every.drop_constant_rules(matrix[known.rows])
    matrix = matrix[:, : len(every.spec)]
    rng = np.random.default_rng(method.seed)
    own = matrix[:, : every.width]
    rounds = prepare_folds(labelled, own, allowed, until_us, method.treatment, rng)
    label = labelled.labels_as_of(until_us)
    tested = out_of_fold_rows(rounds.rounds, label, labelled.weight, rounds.unit)
    every = _entered(every, known.label, rounds, method)
    with threadpool_limits(1), method.workers() as pool:
        floor = cross_validate([BaseRate()], rounds.rounds, matrix, tested)[0]
        trials, is_recent = _trials(
            every.families, rounds, labelled, matrix, tested, replace(method, pool=pool)
        )
        if is_recent:  # the base rate that those models were trained at
            newer = recency_weighted_folds(rounds, labelled).rounds
            floor = cross_validate([BaseRate()], newer, matrix, tested)[0]
        recipe, log_odds = choose_ensemble(trials, floor, tested, by_time=rounds.by_time)
        if is_recent and recipe.signal:
            recipe = replace(recipe, recent=True)
            known = recency_weighted(known, labelled, until_us)
        every = every.used(tuple(recipe.steps))
        sample = TrainingSet(matrix[known.rows, : len(every.spec)], known.label, known.weight)
        model = fit_ensemble(recipe, every.families, sample)
    return FittedModel(
        every.spec, model, recipe, (floor, *trials), tested, log_odds, rounds.by_time, sample,
        known.rows, every.families,
    )  # fmt: skip


def fit_ensemble(
    recipe: EnsembleChoice, families: Sequence[Candidate], sample: TrainingSet
) -> Model:
    """The recipe's parts fitted on all of ``sample``, spread around its base rate."""
    width, base = sample.vectors.shape[1], sample.base_log_odds
    if not recipe.signal:
        return Model((ConstantComponent(base, width),), (1.0,), 1.0, 0.0, width)
    chosen = [family for family in families if family.name in recipe.steps]
    parts = tuple(family.fit(sample, recipe.steps[family.name]) for family in chosen)
    weights = weights_of([family.name for family in chosen], recipe.rule)
    return Model(parts, weights, recipe.slope, (1 - recipe.slope) * base + recipe.level, width)


def _entered(
    every: CandidatePool, label: Int8, rounds: CVPlan, method: SearchSettings
) -> CandidatePool:
    """With the families that the budget allows; none where there is too little to learn from."""
    if min(label_counts(label)) < FEWEST:
        return every.without_rules()
    made = default_candidates(method.seed, every.own_spec, enforce_monotone=method.enforce_monotone)
    n_folds = len(rounds.rounds)
    learned = within_budget(made, len(label), every.width, n_folds, method.time_budget_s)
    return replace(every, learned=learned)


def _trials(
    families: Sequence[Candidate],
    rounds: CVPlan,
    labelled: LabelledReferences,
    matrix: Float64,
    tested: OutOfFoldRows,
    method: SearchSettings,
) -> tuple[list[CandidateResult], bool]:
    """Every family's trial, and whether older references weigh less in them.

    They do when every family is better for it, on the pooled folds and on the newest: one alone
    may gain by chance. The quickest is asked first, and the first that is not better ends it.
    """

    def tried(some: Sequence[Candidate], there: CVPlan) -> list[CandidateResult]:
        return cross_validate(
            some, there.rounds, matrix, tested, pool=method.pool, progress=method.progress
        )

    trials = tried(families, rounds)
    if not rounds.by_time or len(rounds.rounds) < FEWEST_ORIGINS or not families:
        return trials, False
    newer = recency_weighted_folds(rounds, labelled)
    turned: list[CandidateResult] = []
    for before in trials:
        turned += tried([before.family], newer)
        is_asked = before.family.name != SCORECARD  # rules that people wrote do not age
        if is_asked and not _better(turned[-1], before, tested):
            return trials, False
    return turned, True


def _better(after: CandidateResult, before: CandidateResult, tested: OutOfFoldRows) -> bool:
    """Whether the losses are lower over all folds and in the newest one."""
    saved = log_odds_losses(tested.label, before.log_odds) - log_odds_losses(
        tested.label, after.log_odds
    )
    newest = tested.fold == tested.fold.max()
    return bool(
        tested.weight @ saved > 0 and tested.weight[newest] @ saved[newest] > 0
    )  # fmt: skip
