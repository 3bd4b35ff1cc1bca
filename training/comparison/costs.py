"""What leads cost, by source and band: each lead and each conversion once, with totals."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Bools, Float64, Object, Rows
from features.contract import AttributeType, Group
from features.errors import UsageError
from scoring.bands import Band
from training.comparison.bands import same_workload
from training.comparison.compare import LEARNED, RULES, ComparisonRun
from training.labels.columns_as_of import as_of_words
from training.labels.training_data import TrainingData

ALL = "all"


SOURCE_NAMES = ("source", "lead_source", "origin", "utm_source")
"""Of several attributes of the group source, the one that says where a lead comes from."""


@dataclass(frozen=True)
class Cost:
    """What the leads of one source and band cost, in the currency of the cost attribute.

    ``leads``: those whose cost is known; ``unknown``: those whose cost is not, which are in no
    other figure. ``conversions``: leads that converted. ``is_total``: a sum over sources, bands
    or both, called ``all``. Figures per lead and per conversion are None where there are none.
    """

    source: str
    band: str
    leads: int
    unknown: int
    cost: float
    cost_per_lead: float | None
    conversions: int
    cost_per_conversion: float | None
    is_total: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain data: one row of the table, as CSV or JSON."""
        return asdict(self)


def check_names(source: TrainingData, cost: str | None, origin: str | None) -> None:
    """Raise UsageError unless ``cost`` is a number and ``origin`` a category, where given."""
    for option, name, kinds, word in (
        ("--cost-attribute", cost, (AttributeType.NUMBER,), "number"),
        (
            "--source-attribute",
            origin,
            (AttributeType.CATEGORY, AttributeType.BOOLEAN),
            "category",
        ),
    ):
        there = [n for n, a in source.settings.attributes.items() if a.type in kinds]
        if name is not None and name not in there:
            raise UsageError(
                f"{option} {name!r} is not a {word} here; there are: {', '.join(there) or 'none'}"
            )


def cost_attribute(source: TrainingData, name: str | None) -> str | None:
    """The attribute that holds what a lead cost: ``name`` if given, else one of the group cost."""
    declared = source.settings.attributes
    found = (
        n for n, a in declared.items() if a.group == Group.COST and a.type == AttributeType.NUMBER
    )
    return name or next(found, None)


def source_attribute(source: TrainingData, name: str | None) -> str | None:
    """The category that says where leads come from: ``name`` if given, else of group source."""
    declared = source.settings.attributes
    found = sorted(
        n
        for n, a in declared.items()
        if a.group == Group.SOURCE and a.type in (AttributeType.CATEGORY, AttributeType.BOOLEAN)
    )
    usual = [n for word in SOURCE_NAMES for n in found if n.lower().replace(" ", "_") == word]
    return name or next(iter(usual or found), None)


def cost_table(
    run: ComparisonRun, source: TrainingData, rows: Rows, cost: str | None, origin: str | None
) -> list[Cost]:
    """Costs by source (as of each lead's last question) and by band of the learned score.

    A lead is in the band that it reached in the test, once. Totals follow: of each source, of each
    band, and of everything. Empty where no cost is known.
    """
    name = cost_attribute(source, cost)
    column = source.histories.attributes.get(name) if name else None
    if column is None or column.dtype == object:
        return []
    test_set = run.test_set
    last = last_rows(test_set.member, test_set.as_of_us)
    spent = column[test_set.lead[last]].astype(np.float64)
    _, learned, _ = same_workload(
        test_set, run.evaluated[RULES].column, run.evaluated[LEARNED].column
    )
    names = np.array([str(band) for band in Band], dtype=object)
    of = source_attribute(source, origin)
    words = as_of_words(source, rows[last], of) if of else np.full(len(last), ALL, dtype=object)
    return list(_rows(spent, test_set.converted, words, names[learned.argmax(axis=1)]))


def last_rows(member: Rows, as_of_us: np.ndarray) -> Rows:
    """Row of the last reference of each lead, (leads,).

    >>> last_rows(np.array([1, 0, 1]), np.array([5, 2, 3])).tolist()
    [1, 0]
    """
    order = np.lexsort((as_of_us, member))
    ends = np.append(member[order][1:] != member[order][:-1], True)
    return np.asarray(order[ends])


def _rows(spent: Float64, won: Bools, sources: Object, bands: Object) -> Iterator[Cost]:
    names = [str(s) for s in np.unique(sources)]
    everything = np.ones(len(spent), dtype=np.bool_)
    by_band = [(str(b), np.asarray(bands == str(b), dtype=np.bool_)) for b in Band]
    if names != [ALL]:
        for name in names:
            of = np.asarray(sources == name, dtype=np.bool_)
            yield from (_cost(name, b, spent, won, of & rows) for b, rows in by_band)
            yield _cost(name, ALL, spent, won, of, is_total=True)
    yield from (_cost(ALL, b, spent, won, rows, is_total=True) for b, rows in by_band)
    yield _cost(ALL, ALL, spent, won, everything, is_total=True)


def _cost(
    source: str, band: str, spent: Float64, won: Bools, rows: Bools, *, is_total: bool = False
) -> Cost:
    known = rows & np.isfinite(spent)
    leads, total, conversions = int(known.sum()), float(spent[known].sum()), int(won[known].sum())
    return Cost(
        source,
        band,
        leads,
        int(rows.sum()) - leads,
        total,
        total / leads if leads else None,
        conversions,
        total / conversions if conversions else None,
        is_total,
    )
