"""Feature screening by gain: which of many overlapping counts are kept.

The same events are counted over five windows and three half-lives for every kind, so most of these
columns repeat a neighbour. Quick trees on the oldest origin alone choose among them: its labels
were known before any reference that an ensemble is chosen on, so the choice does not bias what is
measured later.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Bools, Float64
from features.histories.arrays import Histories
from features.vectors.catalogue import Source
from features.vectors.compile import FIXED_STREAMS
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.labels.references import LabelledReferences, label_counts
from training.labels.splits import time_folds

MAX_COLUMNS = 60
"""Columns counted from interactions that may remain."""


MIN_LABELS_TO_SCREEN = 50
"""With fewer references of either class at the oldest origin every column is kept."""


N_TREES = 60


LEARNING_RATE = 0.1


def select_by_gain(
    spec: FeatureSpec,
    histories: Histories,
    labelled: LabelledReferences,
    allowed: Bools,
    until_us: int,
    seed: int,
) -> FeatureSpec:
    """``spec`` with at most ``MAX_COLUMNS`` interaction columns, those with the highest gain.

    One count of every interaction kind stays, however little it was worth: a rare signal is worth
    little to the whole and much to the lead that gave it. Attributes stay, and so do columns that
    were constant at the oldest origin: a kind that came later cannot have been judged by then.
    Without rolling origins (no time, or a short history) everything stays.
    """
    counted = np.array([f.source == Source.INTERACTIONS for f in spec.features], bool)
    folds = time_folds(labelled, until_us, allowed=allowed)
    if counted.sum() <= MAX_COLUMNS or not folds:
        return spec
    oldest = folds[0]
    label = labelled.labels_as_of(int(oldest.cutoff_us or until_us))[oldest.train]
    if min(label_counts(label)) < MIN_LABELS_TO_SCREEN:
        return spec
    train = labelled.take(oldest.train)
    matrix = compute_vectors(spec, histories, train.references)
    varying = counted & ~constant(matrix)
    gain = np.where(
        varying, gain_importance(TrainingSet(matrix, label, train.weight), seed), np.inf
    )
    gain[one_of_each_kind(spec, gain)] = np.inf
    out = np.argsort(gain, kind="stable")[: max(0, int(varying.sum()) - MAX_COLUMNS)]
    return spec.keep(np.setdiff1d(np.arange(len(spec)), out).tolist())


def one_of_each_kind(spec: FeatureSpec, gain: Float64) -> list[int]:
    """Position of one column of each interaction kind: the count of it with the highest gain.

    Counts are 0 and not unknown without an interaction, and mean what they say. Of equal ones,
    the one over the longest time. A kind that has no count of its own (the only outbound kind is
    counted as *outbound*) keeps its best other column.
    """
    best: dict[str, tuple[bool, float, float, int]] = {}
    for position, feature in enumerate(spec.features):
        if feature.source != Source.INTERACTIONS or feature.topic in FIXED_STREAMS:
            continue
        counts = feature.aggregate in ("count", "decayed")
        days = feature.half_life_days or feature.window_days or np.inf
        mine = (counts, float(gain[position]), days, position)
        best[feature.topic] = max(best.get(feature.topic, mine), mine)
    return [position for *_, position in best.values()]


def gain_importance(sample: TrainingSet, seed: int) -> Float64:
    """(F) mean share of two quick models' gain: shallow trees, and deeper randomised ones.

    Either alone would prefer the one of two near-equal columns that suits it.
    """
    shallow = BoostedTrees("shallow", additive=False, seed=seed, learning_rate=LEARNING_RATE)
    deep = BoostedTrees(
        "deep",
        additive=False,
        seed=seed,
        depth=5,
        feature_share=0.5,
        randomised=True,
        learning_rate=LEARNING_RATE,
    )
    shares = [trees.gain_shares(sample, N_TREES) for trees in (shallow, deep)]
    return np.asarray(np.mean(shares, axis=0))


def constant(matrix: Float64) -> npt.NDArray[np.bool_]:
    """(F) whether a column has one value or is unknown throughout.

    >>> constant(np.array([[1.0, 2.0, np.nan], [1.0, np.nan, np.nan]])).tolist()
    [True, False, True]
    """
    same = (matrix == matrix[:1]) | (np.isnan(matrix) & np.isnan(matrix[:1]))
    return np.asarray(same.all(axis=0))
