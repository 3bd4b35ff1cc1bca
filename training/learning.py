"""Learning at one moment: only what was known then goes in, one calibrated model comes out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from features.contract import DatasetSettings
from features.histories import Float64, Histories, Int64
from features.spec import FeatureSpec
from features.vectors import vectors
from scoring.model import Model
from scoring.parts import ConstantPart
from training.blends import Recipe, choose_recipe, label_counts
from training.candidates import BaseRate, Family, Sample, make_candidates
from training.delay import Lesson, Treatment, lesson
from training.feature_choice import choose_spec
from training.out_of_time import Progress, Round, TestRows, Trial, test_rows_of, try_families
from training.references import Bool, LabelledReferences
from training.splits import Fold, grouped_folds, identical_rows, time_folds

SMALL = 2_000
"""Below this many references grouped folds are dealt several times, against the luck of one."""
REPEATS = 3
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
    treatment: Treatment = Treatment.MATURE
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
    rounds, by_time, unit = _rounds(source, allowed, until_us, matrix, method)
    families = make_candidates(method.seed) if min(label_counts(known.label)) >= FEWEST else ()
    tested = test_rows_of(rounds, labelled.labels_by(until_us), labelled.weight)
    with threadpool_limits(1):
        floor = try_families([BaseRate()], rounds, matrix, tested)[0]
        trials = try_families(
            families, rounds, matrix, tested, jobs=method.jobs, progress=method.progress
        )
        recipe, log_odds = choose_recipe(trials, floor, tested, unit[tested.rows])
        sample = Sample(matrix[known.rows], known.label, known.weight)
        model = fit_recipe(recipe, families, sample)
    return Learned(
        spec, model, recipe, (floor, *trials), tested, log_odds, by_time, sample, known.rows
    )


def fit_recipe(recipe: Recipe, families: Sequence[Family], sample: Sample) -> Model:
    """The recipe's parts fitted on all of ``sample``, with its calibration."""
    width = sample.vectors.shape[1]
    if not recipe.signal:
        return Model((ConstantPart(sample.base_log_odds, width),), (1.0,), 1.0, 0.0, width)
    chosen = [family for family in families if family.name in recipe.steps]
    parts = tuple(family.fit(sample, recipe.steps[family.name]) for family in chosen)
    weights = (1.0 / len(parts),) * len(parts)
    return Model(parts, weights, recipe.slope, recipe.intercept, width)


def _rounds(
    source: Source, allowed: Bool, until_us: int, matrix: Float64, method: Method
) -> tuple[list[Round], bool, Int64]:
    """The folds to choose by, whether they follow time, and each row's unit of observation."""
    labelled = source.labelled
    unit = labelled.lead if labelled.has_time else identical_rows(matrix)
    folds = time_folds(labelled, until_us, allowed=allowed)
    by_time = bool(folds)
    if not by_time:
        label = np.where(allowed, labelled.labels_by(until_us), -1).astype(np.int8)
        rng = np.random.default_rng(method.seed)
        repeats = REPEATS if int((label >= 0).sum()) < SMALL else 1
        folds = grouped_folds(unit, label, rng, repeats=repeats)
    rounds = [_round(labelled, allowed, unit, fold, until_us, method.treatment) for fold in folds]
    usable = [r for r in rounds if len(r.test) and min(label_counts(r.lesson.label)) > 0]
    return usable or [_everything(labelled, allowed, until_us)], by_time, unit


def _everything(labelled: LabelledReferences, allowed: Bool, until_us: int) -> Round:
    """All there is on both sides: good for the base rate alone, where no fold has both classes."""
    known = lesson(labelled, allowed, until_us, Treatment.MATURE)
    return Round(known, known.rows)


def _round(
    labelled: LabelledReferences,
    allowed: Bool,
    unit: Int64,
    fold: Fold,
    until_us: int,
    treatment: Treatment,
) -> Round:
    apart = allowed & ~np.isin(unit, unit[fold.test])
    cutoff = until_us if fold.cutoff_us is None else fold.cutoff_us
    learned: Lesson = lesson(labelled, apart, cutoff, treatment)
    return Round(learned, fold.test)
