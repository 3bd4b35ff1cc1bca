"""Learning at one moment: only what was known then goes in, one calibrated model comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from features.contract import DatasetSettings
from features.histories import Float64, Histories, Int64
from features.spec import FeatureSpec
from features.vectors import vectors
from scoring.model import Model
from scoring.parts import ConstantPart
from training.blends import Recipe, choose_recipe, label_counts
from training.budget import affordable
from training.candidates.family import BaseRate, Family, Sample, make_candidates
from training.delay import Treatment, lesson
from training.feature_choice import choose_spec
from training.out_of_time import (
    Progress,
    TestRows,
    Trial,
    log_odds_losses,
    test_rows_of,
    try_families,
)
from training.references import Bool, LabelledReferences
from training.rounds import Rounds, make_rounds, recent_lesson, recent_rounds

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
    """How to learn; the defaults are those that did best on the benchmark."""

    seed: int = 0
    treatment: Treatment = Treatment.ADAPTIVE
    time_budget_s: float | None = None
    jobs: int = 2
    progress: Progress | None = None


@dataclass(frozen=True, slots=True)
class Learned:
    """A model with what its choice rests on.

    ``tested``: the rows predicted out of time when choosing; ``log_odds`` (m): calibrated scores
    of them. ``by_time``: the folds followed time. ``sample``: what the model was fitted on.
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


def learn(source: Source, allowed: Bool, until_us: int, method: Method) -> Learned:
    """Choose, calibrate and fit on the references ``allowed`` (n, bool), as known at ``until_us``.

    Byte-identical for the same data and seed: linear algebra runs on one thread, and the order
    of work does not depend on ``jobs``.
    """
    labelled = source.labelled
    known = lesson(labelled, allowed, until_us, method.treatment)
    taught = labelled.take(known.rows)
    spec = choose_spec(source.settings, source.histories, taught.references)
    matrix = vectors(spec, source.histories, labelled.references)
    rng = np.random.default_rng(method.seed)
    rounds = make_rounds(labelled, matrix, allowed, until_us, method.treatment, rng)
    tested = test_rows_of(rounds.rounds, labelled.labels_by(until_us), labelled.weight)
    few = min(label_counts(known.label)) < FEWEST
    families = () if few else _families(len(known.rows), len(spec), rounds, method)
    with threadpool_limits(1):
        floor = try_families([BaseRate()], rounds.rounds, matrix, tested)[0]
        trials, is_recent = _trials(families, rounds, labelled, matrix, tested, method)
        if is_recent:  # the base rate that those models were trained at
            newer = recent_rounds(rounds, labelled).rounds
            floor = try_families([BaseRate()], newer, matrix, tested)[0]
        unit = rounds.unit[tested.rows]
        recipe, log_odds = choose_recipe(trials, floor, tested, unit, by_time=rounds.by_time)
        if is_recent and recipe.signal:
            recipe = replace(recipe, recent=True)
            known = recent_lesson(known, labelled, until_us)
        sample = Sample(matrix[known.rows], known.label, known.weight)
        model = fit_recipe(recipe, families, sample)
    return Learned(
        spec, model, recipe, (floor, *trials), tested, log_odds, rounds.by_time, sample, known.rows
    )


def fit_recipe(recipe: Recipe, families: Sequence[Family], sample: Sample) -> Model:
    """The recipe's parts fitted on all of ``sample``, spread around its base rate."""
    width, base = sample.vectors.shape[1], sample.base_log_odds
    if not recipe.signal:
        return Model((ConstantPart(base, width),), (1.0,), 1.0, 0.0, width)
    chosen = [family for family in families if family.name in recipe.steps]
    parts = tuple(family.fit(sample, recipe.steps[family.name]) for family in chosen)
    weights = (1.0 / len(parts),) * len(parts)
    return Model(parts, weights, recipe.slope, (1 - recipe.slope) * base + recipe.level, width)


def _families(n_rows: int, width: int, rounds: Rounds, method: Method) -> tuple[Family, ...]:
    every = make_candidates(method.seed)
    return affordable(every, n_rows, width, len(rounds.rounds), method.time_budget_s)


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
            some, there.rounds, matrix, tested, jobs=method.jobs, progress=method.progress
        )

    trials = tried(families, rounds)
    if not rounds.by_time or len(rounds.rounds) < FEWEST_ORIGINS or not families:
        return trials, False
    newer = recent_rounds(rounds, labelled)
    turned: list[Trial] = []
    for before in trials:
        turned += tried([before.family], newer)
        if not _better(turned[-1], before, tested):
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
