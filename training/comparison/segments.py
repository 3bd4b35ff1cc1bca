"""For whom is it better: the comparison within segments and by the age of the lead."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import DAY_US, Bools, Object, Rows
from features.contract import AttributeType, Available, Group
from features.histories.arrays import NO_TIME
from training.comparison.compare import LEARNED, RULES, ComparisonRun
from training.comparison.costs import cost_table
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
    """One group of leads. Differences are learned minus rules; negative log loss is better.

    ``rate``: share of the group's leads that convert, each once. ``log_loss_gap``: of the
    probabilities that a user gets, or recalibrated ones for rules, which give none.
    """

    by: str
    name: str
    leads: int
    conversions: int
    rate: Estimate
    rules_auc: float
    learned_auc: float
    auc_gap: Estimate
    log_loss_gap: Estimate


def add_segments(
    run: ComparisonRun,
    source: TrainingData,
    rows: Rows,
    cost: str | None = None,
    origin: str | None = None,
) -> dict[str, list[Any]]:
    """Segments by attribute and by age, and costs by source and band where a cost is known.

    ``cost``, ``origin``: the attributes of cost and of source; None looks for them.
    """
    attributes = list(_categories(source))
    words = {name: as_of_words(source, rows, name) for name in attributes}
    return {
        "segments": [s for name, column in words.items() for s in _segments(run, name, column)],
        "ages": list(_segments(run, "age", _ages(source, rows))),
        "costs": cost_table(run, source, rows, cost, origin),
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
    label, weight = test_set.label[rows], test_set.weight[rows]
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
    members = np.unique(test_set.member[rows])
    won = np.bincount(test_set.member[rows], weights=label, minlength=test_set.n_leads)[members] > 0
    return SegmentComparison(
        by,
        name,
        len(members),
        int(won.sum()),
        rate_of(won.astype(np.int8), np.ones(len(members)), test_set.unit_of_lead[members]),
        areas[1].value,
        areas[0].value,
        auc_difference(areas[0], areas[1])[0],
        quantiles(float(sums.sum() / mass.sum()), values),
    )
