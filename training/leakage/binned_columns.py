"""The input of the audit: every attribute in a few bins, beside the outcome of each lead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.compute.array_types import Bools, Float64, Int64
from features.contract import Outcome
from features.dataset import Dataset
from features.schemas import LEAD_COLUMNS

MAX_BINS = 20


OWN_BIN_SHARE = 0.04
"""A number that this share of leads has gets a bin of its own (zero, most often)."""


MIN_LEADS_PER_LEVEL = 10


MAX_LEVELS = 200


UNKNOWN = "unknown"


MAX_BLOCKS = 20


MAX_ROWS = 60_000


MIN_POSITIVES_PER_BLOCK, MIN_ROWS_PER_BLOCK = 25, 150


@dataclass(frozen=True, eq=False)
class Column:
    """One attribute, binned.

    ``code`` (n,): bin of each row; 0 is unknown. ``bins``: the name of each. ``number`` (n,): its
    values (NaN unknown), None for a category. ``ordered``: bins 1.. ascend.
    """

    name: str
    code: Int64
    bins: tuple[str, ...]
    number: Float64 | None = None

    @property
    def ordered(self) -> bool:
        """Whether neighbouring bins are neighbours in value."""
        return self.number is not None

    @property
    def filled(self) -> Bools:
        """Rows in which the value is known."""
        return np.asarray(self.code != 0)


@dataclass(frozen=True, eq=False)
class AuditFrame:
    """Leads (or references) in order of time, with their outcomes.

    ``label`` (n,): 1 converted, 0 not, -1 not known (still open). ``block`` (n,): period of time;
    rates are compared within one, so that what merely follows the calendar explains nothing.
    ``first`` (n,): the earlier half; each half is scored by what the other was fitted on. Without
    time there is one block and the halves are drawn by chance.
    """

    label: npt.NDArray[np.int8]
    block: Int64
    first: Bools
    columns: tuple[Column, ...]

    @property
    def known(self) -> Bools:
        """Rows whose outcome is known."""
        return np.asarray(self.label >= 0)

    def rate(self) -> Float64:
        """Rate of conversion in each row's block, shrunk slightly to the overall rate."""
        known = self.known
        n = int(self.block.max()) + 1
        won = np.bincount(self.block[known], self.label[known] == 1, minlength=n)
        total = np.bincount(self.block[known], minlength=n)
        overall = (won.sum() + 0.5) / (total.sum() + 1)
        return np.asarray(((won + 5 * overall) / (total + 5))[self.block])

    def with_columns(self, columns: Sequence[Column]) -> AuditFrame:
        """The same rows with other columns."""
        return replace(self, columns=tuple(columns))


def frame_at_creation(dataset: Dataset) -> tuple[AuditFrame, Int64]:
    """Every lead with its attributes, and the row of ``dataset.leads`` each comes from.

    Open leads have no label; but where nothing but conversions is recorded, all others are 0.
    At most ``MAX_ROWS`` leads, evenly spaced in time.
    """
    leads = dataset.leads
    outcome = leads["lead_id"].map(dataset.outcomes.set_index("lead_id")["outcome"])
    label = np.full(len(leads), -1, np.int8)
    label[(outcome == Outcome.LOST.value).to_numpy()] = 0
    label[(outcome == Outcome.CONVERTED.value).to_numpy()] = 1
    if (label == 0).sum() < 20:
        label[label < 0] = 0
    row = np.arange(len(leads))
    if dataset.has_time:
        row = np.argsort(leads["created_at"].to_numpy(), kind="stable")
    if len(row) > MAX_ROWS:
        row = row[np.linspace(0, len(row) - 1, MAX_ROWS).astype(np.int64)]
    columns = [column_of(str(name), leads[name].iloc[row]) for name in attributes_of(dataset)]
    return frame_of(label[row], columns, timed=dataset.has_time), row


def attributes_of(dataset: Dataset) -> list[str]:
    """Names of the attributes in the table of leads."""
    fixed = set(LEAD_COLUMNS) - set(dataset.settings.attributes)
    return [str(name) for name in dataset.leads.columns if name not in fixed]


def frame_of(label: npt.NDArray[np.int8], columns: Sequence[Column], *, timed: bool) -> AuditFrame:
    """Rows, already in order of time if ``timed``, cut into blocks and two parts."""
    n = len(label)
    known = np.flatnonzero(label >= 0)
    if not timed:
        first = np.random.default_rng(0).random(n) < 0.5
        return AuditFrame(label, np.zeros(n, np.int64), first, tuple(columns))
    n_blocks = max(
        1,
        min(
            (label == 1).sum() // MIN_POSITIVES_PER_BLOCK,
            len(known) // MIN_ROWS_PER_BLOCK,
            MAX_BLOCKS,
        ),
    )
    block = np.zeros(n, np.int64)
    if len(known):
        edges = known[(np.arange(1, n_blocks) * len(known)) // n_blocks]
        block = np.searchsorted(edges, np.arange(n), side="right")
    middle = known[len(known) // 2] if len(known) else 0
    return AuditFrame(label, block, np.arange(n) < middle, tuple(columns))


def column_of(name: str, values: pd.Series) -> Column:
    """Bin a column of numbers (NaN unknown) or words (None unknown)."""
    if pd.api.types.is_numeric_dtype(values.dtype):
        number = values.to_numpy(dtype=np.float64)
        code, bins = number_bins(number)
        return Column(name, code, bins, number)
    codes, levels = pd.factorize(values.astype(object), sort=False)
    counts = np.bincount(codes[codes >= 0], minlength=len(levels))
    frequent = np.argsort(-counts, kind="stable")[:MAX_LEVELS]
    frequent = frequent[counts[frequent] >= MIN_LEADS_PER_LEVEL]
    place = np.full(len(levels) + 1, len(frequent) + 1)
    place[frequent] = np.arange(1, len(frequent) + 1)
    place[-1] = 0
    bins = (UNKNOWN, *(str(levels[k]) for k in frequent), "a rare value")
    return Column(name, place[codes], bins)


def number_bins(number: Float64) -> tuple[Int64, tuple[str, ...]]:
    """Frequent values for themselves, the others in bins of about equal size; 0 is unknown."""
    known = number[np.isfinite(number)]
    if not len(known):
        return np.zeros(len(number), np.int64), (UNKNOWN,)
    values, counts = np.unique(known, return_counts=True)
    if len(values) <= MAX_BINS:
        edges = values
    else:
        own = values[counts >= OWN_BIN_SHARE * len(known)]
        after = values[np.minimum(np.searchsorted(values, own) + 1, len(values) - 1)]
        rest = known[~np.isin(known, own)]
        cuts = np.quantile(rest, np.arange(MAX_BINS) / MAX_BINS) if len(rest) else own
        edges = np.unique(np.concatenate([values[:1], own, after, cuts]))
    code = np.searchsorted(edges, number, side="right").clip(1)
    code[~np.isfinite(number)] = 0
    ends = [*(f"{edge:g}" for edge in edges[1:]), "any more"]
    single = [
        (known >= low).sum() and len(np.unique(known[code[np.isfinite(number)] == i + 1])) == 1
        for i, low in enumerate(edges)
    ]
    names = [
        f"{low:g}" if is_single else f"{low:g} to {high}"
        for low, high, is_single in zip(edges, ends, single, strict=True)
    ]
    return code.astype(np.int64), (UNKNOWN, *names)
