"""Learning at one moment: only what was known then goes in, one calibrated model comes out."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

import numpy as np
from threadpoolctl import threadpool_limits

from features.contract import DatasetSettings
from features.histories import Float64, Histories, Int64
from features.spec import FeatureSpec
from features.vectors import vectors
from scoring.model import Model
from scoring.parts import ConstantPart
from scoring.scorecard import Scorecard
from training.blended import weights_of
from training.blends import Recipe, choose_recipe, label_counts
from training.budget import affordable
from training.candidates.family import BaseRate, Family, Sample, make_candidates
from training.candidates.rules import SCORECARD
from training.delay import Treatment, lesson
from training.entrants import Entrants, entrants_of
from training.feature_choice import choose_spec
from training.out_of_time import (
    Progress,
    TestRows,
    Trial,
    log_odds_losses,
    test_rows_of,
    try_families,
)
from training.references import Bool, Int8, LabelledReferences
from training.rounds import Rounds, make_rounds, recent_lesson, recent_rounds
from training.screening import screened
from training.worker_pool import WorkerPool

FEWEST_ORIGINS = 3
"""With fewer rolling origins, whether newer references should weigh more is not asked."""
FEWEST = 10
"""With fewer references of either class than this, nothing is learned but the base rate."""


@dataclass(frozen=True, slots=True)
class Source:
    """What there is to learn from; ``settings`` say which attributes may be used."""

    settings: DatasetSettings
    histories: Histories
    labelled: LabelledReferences


@dataclass(frozen=True, slots=True)
class Method:
    """How to learn; the defaults are those that did best on the benchmark.

    ``scorecard``: the rules that compete, None for none. ``insist``: boosted candidates keep the
    directions that a person would insist on (``training.monotone``). ``pool``: worker processes
    to share among several learnings; None starts ``jobs`` of them for each that is worth it.
    """

    seed: int = 0
    treatment: Treatment = Treatment.ADAPTIVE
    time_budget_s: float | None = None
    jobs: int = 2
    progress: Progress | None = None
    scorecard: Scorecard | None = None
    insist: bool = True
    pool: WorkerPool | None = field(default=None, compare=False)

    def workers(self) -> AbstractContextManager[WorkerPool]:
        """The pool given, which stays open, or one for this learning alone."""
        return WorkerPool(self.jobs) if self.pool is None else nullcontext(self.pool)


@dataclass(frozen=True, slots=True)
class Learned:
    """A model with what its choice rests on.

    ``tested``: the rows predicted out of time when choosing; ``log_odds`` (m): calibrated scores
    of them. ``by_time``: the folds followed time. ``sample``: what the model was fitted on.
    ``families``: those that can fit the recipe again.
    """

    spec: FeatureSpec
    model: Model
    recipe: Recipe
    trials: tuple[Trial, ...]
    tested: TestRows
    log_odds: Float64
    by_time: bool
    sample: Sample
    rows: Int64
    families: tuple[Family, ...] = ()


def learn(source: Source, allowed: Bool, until_us: int, method: Method) -> Learned:
    """Choose, calibrate and fit on the references ``allowed`` (n, bool), as known at ``until_us``.

    Byte-identical for the same data and seed: linear algebra runs on one thread, and the order
    of work does not depend on ``jobs``.
    """
    labelled = source.labelled
    known = lesson(labelled, allowed, until_us, method.treatment)
    taught = labelled.take(known.rows)
    spec = choose_spec(source.settings, source.histories, taught.references)
    spec = screened(spec, source.histories, labelled, allowed, until_us, method.seed)
    every = entrants_of(spec, method.scorecard)
    matrix = vectors(every.spec, source.histories, labelled.references)
    every = every.speaking_of(matrix[known.rows])
    matrix = matrix[:, : len(every.spec)]
    rng = np.random.default_rng(method.seed)
    own = matrix[:, : every.width]
    rounds = make_rounds(labelled, own, allowed, until_us, method.treatment, rng)
    label = labelled.labels_by(until_us)
    tested = test_rows_of(rounds.rounds, label, labelled.weight, rounds.unit)
    every = _entered(every, known.label, rounds, method)
    with threadpool_limits(1), method.workers() as pool:
        floor = try_families([BaseRate()], rounds.rounds, matrix, tested)[0]
        trials, is_recent = _trials(
            every.families, rounds, labelled, matrix, tested, replace(method, pool=pool)
        )
        if is_recent:  # the base rate that those models were trained at
            newer = recent_rounds(rounds, labelled).rounds
            floor = try_families([BaseRate()], newer, matrix, tested)[0]
        recipe, log_odds = choose_recipe(trials, floor, tested, by_time=rounds.by_time)
        if is_recent and recipe.signal:
            recipe = replace(recipe, recent=True)
            known = recent_lesson(known, labelled, until_us)
        every = every.used(tuple(recipe.steps))
        sample = Sample(matrix[known.rows, : len(every.spec)], known.label, known.weight)
        model = fit_recipe(recipe, every.families, sample)
    return Learned(
        every.spec, model, recipe, (floor, *trials), tested, log_odds, rounds.by_time, sample,
        known.rows, every.families,
    )  # fmt: skip


def fit_recipe(recipe: Recipe, families: Sequence[Family], sample: Sample) -> Model:
    """The recipe's parts fitted on all of ``sample``, spread around its base rate."""
    width, base = sample.vectors.shape[1], sample.base_log_odds
    if not recipe.signal:
        return Model((ConstantPart(base, width),), (1.0,), 1.0, 0.0, width)
    chosen = [family for family in families if family.name in recipe.steps]
    parts = tuple(family.fit(sample, recipe.steps[family.name]) for family in chosen)
    weights = weights_of([family.name for family in chosen], recipe.rule)
    return Model(parts, weights, recipe.slope, (1 - recipe.slope) * base + recipe.level, width)


def _entered(every: Entrants, label: Int8, rounds: Rounds, method: Method) -> Entrants:
    """With the families that the budget allows; none where there is too little to learn from."""
    if min(label_counts(label)) < FEWEST:
        return every.without_rules()
    made = make_candidates(method.seed, every.own_spec, insist=method.insist)
    n_folds = len(rounds.rounds)
    learned = affordable(made, len(label), every.width, n_folds, method.time_budget_s)
    return replace(every, learned=learned)


def _trials(
    families: Sequence[Family],
    rounds: Rounds,
    labelled: LabelledReferences,
    matrix: Float64,
    tested: TestRows,
    method: Method,
) -> tuple[list[Trial], bool]:
    """Every family's trial, and whether older references weigh less in them.

    They do when every family is better for it, on the pooled folds and on the newest: one alone
    may gain by chance. The quickest is asked first, and the first that is not better ends it.
    """

    def tried(some: Sequence[Family], there: Rounds) -> list[Trial]:
        return try_families(
            some, there.rounds, matrix, tested, pool=method.pool, progress=method.progress
        )

    trials = tried(families, rounds)
    if not rounds.by_time or len(rounds.rounds) < FEWEST_ORIGINS or not families:
        return trials, False
    newer = recent_rounds(rounds, labelled)
    turned: list[Trial] = []
    for before in trials:
        turned += tried([before.family], newer)
        is_asked = before.family.name != SCORECARD  # rules that people wrote do not age
        if is_asked and not _better(turned[-1], before, tested):
            return trials, False
    return turned, True


def _better(after: Trial, before: Trial, tested: TestRows) -> bool:
    """Whether the losses are lower over all folds and in the newest one."""
    saved = log_odds_losses(tested.label, before.log_odds) - log_odds_losses(
        tested.label, after.log_odds
    )
    newest = tested.fold == tested.fold.max()
    return bool(
        tested.weight @ saved > 0 and tested.weight[newest] @ saved[newest] > 0
    )  # fmt: skip
