"""For whom is it better: the comparison within segments, by lead age, and what leads cost."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import DAY_US, Bools, Float64, Object, Rows
from features.contract import AttributeType, Available, Group
from features.errors import UsageError
from features.histories.arrays import NO_TIME
from scoring.bands import Band
from training.comparison.bands import equal_workload
from training.comparison.compare import LEARNED, RULES, ComparisonRun
from training.comparison.metrics import quantiles
from training.evaluation.confidence import auc_difference, delong, rate_of
from training.evaluation.metrics import Estimate, log_losses
from training.labels.columns_as_of import as_of_words
from training.labels.training_data import TrainingData

MIN_CONVERSIONS = 10


MAX_LEVELS = 8


MAX_ATTRIBUTES = 4


FIRST_GROUPS = (Group.SOURCE, Group.FIT)


AGE_EDGES_DAYS = (0.0, 1.0, 7.0, 14.0, 30.0, 60.0)


@dataclass(frozen=True)
class SegmentComparison:
    """One group of leads. Differences are learned minus rules; negative log loss is better."""

    by: str
    name: str
    leads: int
    conversions: int
    rate: Estimate
    rules_auc: float
    learned_auc: float
    auc_gap: Estimate
    log_loss_gap: Estimate


@dataclass(frozen=True)
class Cost:
    """What the leads of one source and band cost, in the currency of the cost attribute."""

    source: str
    band: str
    leads: int
    cost: float
    cost_per_lead: float
    conversions: float
    cost_per_conversion: float | None


def add_segments(
    run: ComparisonRun, source: TrainingData, rows: Rows, cost: str | None
) -> dict[str, list[Any]]:
    """Segments by attribute and by age, and cost by band where a cost is known."""
    attributes = list(_categories(source))
    words = {name: as_of_words(source, rows, name) for name in attributes}
    return {
        "segments": [s for name, column in words.items() for s in _segments(run, name, column)],
        "ages": list(_segments(run, "age", _ages(source, rows))),
        "costs": _costs(run, source, words, cost),
    }


def _categories(source: TrainingData) -> list[str]:
    """Up to four categories to split by: sources and firmographics before others."""
    declared = source.settings.attributes
    names = [
        name
        for name, a in declared.items()
        if a.type in (AttributeType.CATEGORY, AttributeType.BOOLEAN)
        and a.available != Available.AFTER_OUTCOME
    ]
    order = {group: i for i, group in enumerate(FIRST_GROUPS)}
    names.sort(key=lambda n: (order.get(declared[n].group or Group.OTHER, len(order)), n))
    return names[:MAX_ATTRIBUTES]


def _ages(source: TrainingData, rows: Rows) -> Object:
    """Age of the lead at each reference, in words that sort by age."""
    created = source.histories.created_at_us[source.labelled.lead[rows]]
    if (created == NO_TIME).any():
        return np.full(len(rows), "unknown", dtype=object)
    days = (source.labelled.as_of_us[rows] - created) / DAY_US
    place = np.searchsorted(AGE_EDGES_DAYS, days, side="right")
    names = ["", "first day", "1 to 7 days", "7 to 14 days", "14 to 30 days", "30 to 60 days"]
    names.append("60 days or more")
    return np.array([names[p] for p in place], dtype=object)


def _segments(run: ComparisonRun, by: str, column: Object) -> Iterator[SegmentComparison]:
    """The commonest levels with enough conversions; nothing where all leads are alike."""
    values, counts = np.unique(column, return_counts=True)
    if len(values) < 2:
        return
    common = values[np.argsort(-counts, kind="stable")][:MAX_LEVELS]
    order = [v for v in values if v in set(common)] if by != "age" else _by_age(common)
    for value in order:
        rows = np.asarray(column == value, dtype=np.bool_)
        if (
            int(run.test_set.label[rows].sum()) >= MIN_CONVERSIONS
            and not run.test_set.label[rows].all()
        ):
            yield _segment(run, by, str(value), rows)


def _by_age(common: Object) -> list[str]:
    names = ("first day", "1 to 7 days", "7 to 14 days", "14 to 30 days", "30 to 60 days")
    return [n for n in (*names, "60 days or more") if n in set(common)]


def _segment(run: ComparisonRun, by: str, name: str, rows: Bools) -> SegmentComparison:
    test_set = run.test_set
    label, weight, lead = test_set.label[rows], test_set.weight[rows], test_set.lead[rows]
    unit = test_set.unit[rows]
    rules, learned = run.evaluated[RULES], run.evaluated[LEARNED]
    areas = [delong(label, m.column.score[rows], weight, unit) for m in (learned, rules)]
    gap = test_set.weight * (
        log_losses(test_set.label, learned.probability)
        - log_losses(test_set.label, rules.probability)
    )
    sums = np.bincount(test_set.member, weights=gap * rows)
    mass = np.bincount(test_set.member, weights=test_set.weight * rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = (run.times @ sums) / (run.times @ mass)
    return SegmentComparison(
        by,
        name,
        len(np.unique(lead)),
        len(np.unique(lead[label == 1])),
        rate_of(label, weight, unit),
        areas[1].value,
        areas[0].value,
        auc_difference(areas[0], areas[1])[0],
        quantiles(float(sums.sum() / mass.sum()), values),
    )


def cost_attribute(source: TrainingData, name: str | None) -> str | None:
    """The attribute that holds what a lead cost: ``name`` if given, else a number called cost.

    Raises:
        UsageError: ``name`` is not a numeric attribute.
    """
    numbers = [n for n, a in source.settings.attributes.items() if a.type == AttributeType.NUMBER]
    if name is not None and name not in numbers:
        there = ", ".join(numbers) or "none"
        raise UsageError(f"--cost-attribute {name!r} is not a number here; numbers are: {there}")
    called_cost = [number for number in numbers if "cost" in number.lower().split("_")]
    return name or (called_cost[0] if called_cost else None)


def _costs(
    run: ComparisonRun, source: TrainingData, words: dict[str, Object], cost: str | None
) -> list[Cost]:
    """Cost per lead and per conversion, by source (where there is one) and learned band."""
    name = cost_attribute(source, cost)
    column = source.histories.attributes.get(name) if name else None
    if column is None or column.dtype == object:
        return []
    test_set = run.test_set
    _, newest = np.unique(test_set.member[::-1], return_index=True)
    last = len(test_set) - 1 - newest  # the last reference of each lead
    spent = column[test_set.lead[last]].astype(np.float64)
    learned = run.evaluated[LEARNED].column.score
    band, _ = equal_workload(test_set, learned, run.evaluated[RULES].column.band, None)
    won = np.bincount(test_set.member, weights=test_set.label) > 0
    of = next((n for n in words if source.settings.attributes[n].group == Group.SOURCE), None)
    sources = words[of][last] if of else np.full(len(last), "all", dtype=object)
    known = np.isfinite(spent)
    return [
        _cost(str(s), b, spent, won, known & (sources == s) & (band[last] == b))
        for s in np.unique(sources)
        for b in [str(band) for band in Band]
    ]


def _cost(source: str, band: str, spent: Float64, won: Bools, rows: Bools) -> Cost:
    total, conversions = float(spent[rows].sum()), float(won[rows].sum())
    return Cost(
        source,
        band,
        int(rows.sum()),
        total,
        total / rows.sum() if rows.any() else 0.0,
        conversions,
        total / conversions if conversions else None,
    )
