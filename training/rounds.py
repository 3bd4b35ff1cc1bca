"""The folds to choose by, made ready: what each may learn, and which rows it predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.histories import Float64, Int64
from training.blends import label_counts
from training.delay import Lesson, Treatment, lesson
from training.drift import RECENT_SHARE, recent
from training.references import Bool, LabelledReferences
from training.splits import Fold, grouped_folds, identical_rows, time_folds

SMALL = 2_000
"""Below this many references grouped folds are dealt several times, against the luck of one."""
REPEATS = 2
LARGE = 5_000_000
"""Above this many numbers to learn from only the newest ``LARGE_FOLDS`` origins are used."""
LARGE_FOLDS = 3


@dataclass(frozen=True, slots=True)
class Round:
    """One fold made ready: what may be learned at ``cutoff_us``, and the rows to predict."""

    lesson: Lesson
    test: npt.NDArray[np.intp]
    cutoff_us: int = 0


@dataclass(frozen=True, slots=True)
class Rounds:
    """All folds. ``by_time``: they follow time. ``unit`` (n): each reference's unit of
    observation, which never stands on two sides: its lead, or its group of identical rows."""

    rounds: tuple[Round, ...]
    by_time: bool
    unit: Int64


def make_rounds(
    labelled: LabelledReferences,
    matrix: Float64,
    allowed: Bool,
    until_us: int,
    treatment: Treatment,
    rng: np.random.Generator,
) -> Rounds:
    """Rolling origins where the history is long enough for its horizon, else grouped folds.

    ``matrix`` (n, F): vectors, of which identical ones are kept together where there is no time.
    """
    unit = labelled.lead if labelled.has_time else identical_rows(matrix)
    folds = time_folds(labelled, until_us, allowed=allowed)
    by_time = bool(folds)
    label = np.where(allowed, labelled.labels_by(until_us), -1).astype(np.int8)
    known = int((label >= 0).sum())
    if by_time and known * matrix.shape[1] > LARGE:
        folds = folds[-LARGE_FOLDS:]
    if not by_time:
        folds = grouped_folds(unit, label, rng, repeats=REPEATS if known < SMALL else 1)
    ready = [_ready(labelled, allowed, unit, fold, until_us, treatment) for fold in folds]
    usable = [r for r in ready if len(r.test) and min(label_counts(r.lesson.label)) > 0]
    return Rounds(
        tuple(usable) or (_everything(labelled, allowed, until_us),), by_time, unit
    )  # fmt: skip


def recent_rounds(rounds: Rounds, labelled: LabelledReferences) -> Rounds:
    """The same rounds with older references weighing less."""
    turned = tuple(
        Round(recent_lesson(r.lesson, labelled, r.cutoff_us), r.test, r.cutoff_us)
        for r in rounds.rounds
    )
    return Rounds(turned, rounds.by_time, rounds.unit)


def recent_lesson(learned: Lesson, labelled: LabelledReferences, cutoff_us: int) -> Lesson:
    """The lesson with a half-life of a quarter of the time it spans."""
    span_us = cutoff_us - int(labelled.as_of_us[learned.rows].min())
    return recent(learned, labelled.as_of_us, cutoff_us, RECENT_SHARE * span_us)


def _everything(labelled: LabelledReferences, allowed: Bool, until_us: int) -> Round:
    """All there is on both sides: good for the base rate alone, where no fold has both classes."""
    known = lesson(labelled, allowed, until_us, Treatment.MATURE)
    return Round(known, known.rows, until_us)


def _ready(
    labelled: LabelledReferences,
    allowed: Bool,
    unit: Int64,
    fold: Fold,
    until_us: int,
    treatment: Treatment,
) -> Round:
    apart = allowed & ~np.isin(unit, unit[fold.test])
    cutoff = until_us if fold.cutoff_us is None else fold.cutoff_us
    return Round(lesson(labelled, apart, cutoff, treatment), fold.test, cutoff)
