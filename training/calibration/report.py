"""What a release records of its calibration: the diagram, the segments and the warnings."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from features.compute.array_types import Float64, Object, Rows
from features.contract import AttributeType, Available, Group
from features.vectors.catalogue import Source as FeatureSource
from features.vectors.compute import compute_vectors
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from training.backtest import BacktestResult
from training.calibration.reliability import Reliability, reliability
from training.calibration.segments import calibration_by_segment
from training.labels.columns_as_of import as_of_words
from training.labels.training_data import TrainingData

MAX_ATTRIBUTES = 6


MAX_LEVELS = 12
"""Rarer values of a category share the segment ``(other)``."""


FIRST_GROUPS = (Group.SOURCE, Group.FIT)


def diagram_of(backtest: BacktestResult, seed: int) -> Reliability:
    """The reliability diagram of the backtest."""
    rng = np.random.default_rng(seed)
    return reliability(backtest.label, backtest.probability, backtest.weight, backtest.unit, rng)


def calibration_of(data: TrainingData, backtest: BacktestResult, seed: int) -> dict[str, Any]:
    """Plain data: ``reliability``, ``segments`` and ``warnings`` (sentences).

    See :class:`training.calibration.reliability.Reliability` and
    :class:`training.calibration.segments.SegmentCalibration`.
    """
    columns = segment_columns(data, backtest.rows)
    segments = calibration_by_segment(
        backtest.label, backtest.probability, backtest.weight, backtest.unit, columns
    )
    return {
        "reliability": diagram_of(backtest, seed).to_dict(),
        "segments": [segment.to_dict() for segment in segments],
        "warnings": [segment.warning for segment in segments if segment.warning],
    }


def segment_columns(data: TrainingData, rows: Rows) -> dict[str, Object]:
    """Up to six attributes as words per reference, sources and firmographics first.

    Categories by value, numbers by thirds of those that are known; ``unknown`` is a segment.
    """
    declared = data.settings.attributes
    names = [n for n, a in declared.items() if a.available != Available.AFTER_OUTCOME and a.type]
    order = {group: i for i, group in enumerate(FIRST_GROUPS)}
    names.sort(key=lambda n: (order.get(declared[n].group or Group.OTHER, len(order)), n))
    columns = {}
    for name in names[:MAX_ATTRIBUTES]:
        if declared[name].type == AttributeType.NUMBER:
            columns[name] = thirds(_as_of_number(data, rows, name))
        else:
            columns[name] = common(as_of_words(data, rows, name))
    return {name: column for name, column in columns.items() if len(set(column)) > 1}


def _as_of_number(data: TrainingData, rows: Rows, name: str) -> Float64:
    spec = FeatureSpec(
        (Feature(FeatureSource.ATTRIBUTE, name, "value"),),
        (AttributeSpec(name, AttributeType.NUMBER),),
    )
    return compute_vectors(spec, data.histories, data.labelled.take(rows).references)[:, 0]


def thirds(values: Float64) -> Object:
    """Numbers (n,) as words: three ranges of about equal number, and ``unknown``.

    >>> thirds(np.array([1.0, 2.0, 3.0, 4.0, np.nan])).tolist()
    ['up to 2', 'up to 2', '2 to 3', 'above 3', 'unknown']
    """
    known = values[~np.isnan(values)]
    if not len(known):
        return np.full(len(values), "unknown", dtype=object)
    cuts = np.unique(np.quantile(known, [1 / 3, 2 / 3], method="nearest"))
    cuts = cuts[cuts < known.max()]
    names = [f"up to {cut:g}" for cut in cuts[:1]]
    names += [f"{low:g} to {high:g}" for low, high in pairwise(cuts.tolist())]
    names += [f"above {cuts[-1]:g}" if len(cuts) else "known"]
    place = np.searchsorted(cuts, np.nan_to_num(values), side="left")
    words = np.array(names, dtype=object)[place]
    words[np.isnan(values)] = "unknown"
    return np.asarray(words, dtype=object)


def common(words: Object) -> Object:
    """The most frequent values as they are, the others as ``(other)``."""
    names, counts = np.unique(words.astype(str), return_counts=True)
    kept = set(names[np.argsort(-counts, kind="stable")[:MAX_LEVELS]])
    return np.array([word if word in kept else "(other)" for word in words.astype(str)], object)
