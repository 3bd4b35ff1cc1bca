"""Evidence in where an attribute is missing: open leads, batches, copies, differences."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.compute.array_types import Bools, Float64
from training.leakage.binned_columns import AuditFrame, Column, column_of
from training.leakage.univariate import UnivariateResult, univariate
from training.leakage.values import Evidence, LeakSignal

MIN_EXPECTED_OPEN = 15


MAX_SHARE_OPEN = 0.05


MIN_CLOSED_NEARBY = 8


MAX_SHARE_LOW, MIN_SHARE_HIGH, ROWS_PER_PERIOD = 0.15, 0.65, 50


MIN_BATCH_GAIN = 0.03


MIN_COPY_AGREEMENT, MIN_SHARED_WORDS, MIN_SHARE_OF_ONE_WORD = 0.35, 0.4, 0.75


MIN_PAIR_CORRELATION = 0.95


MIN_DIFFERENCE_GAIN = 0.10


MAX_NUMBERS = 40


def open_leads_lack(frame: AuditFrame, column: Column) -> Evidence | None:
    """Values that leads of the same time have once closed, and hardly ever while open.

    Each open lead is compared with the closed ones created next to it; where these are too few,
    as among the newest, it is left out.
    """
    is_open, weight = _closed_neighbours(frame)
    if is_open.sum() < MIN_EXPECTED_OPEN:
        return None
    flags = [(column.bins[i], column.code == i) for i in range(len(column.bins))]
    if 0.02 < column.filled.mean() < 0.98:
        flags.append(("any value", column.filled))
    for label, has in flags:
        expected = float(weight[has].sum())
        seen = int((has & is_open).sum())
        if expected >= MIN_EXPECTED_OPEN and seen <= MAX_SHARE_OPEN * expected:
            return Evidence(
                LeakSignal.OPEN_LEADS_LACK_IT,
                f"filled in only after closing: {seen:,} leads still open have {label!r}, where "
                f"{expected:,.0f} closed ones of the same time would",
            )
    return None


def _closed_neighbours(frame: AuditFrame) -> tuple[Bools, Float64]:
    """Open leads that have closed neighbours, and the weight of each closed lead for them.

    The weights (n,) sum to the number of these open leads: the sum over the closed leads with some
    value is how many open ones should have it.
    """
    n = len(frame.label)
    half = max(20, n // 50)
    closed = frame.known
    before = np.concatenate([[0], np.cumsum(closed)])
    low, high = np.clip(np.arange(n) - half, 0, n), np.clip(np.arange(n) + half, 0, n)
    near = before[high] - before[low]
    is_open = ~closed & (near >= MIN_CLOSED_NEARBY)
    steps = np.zeros(n + 1)
    np.add.at(steps, low[is_open], 1 / near[is_open])
    np.add.at(steps, high[is_open], -1 / near[is_open])
    return is_open, np.where(closed, np.cumsum(steps)[:-1], 0.0)


def filled_in_batches(
    frame: AuditFrame, results: dict[str, UnivariateResult]
) -> dict[str, Evidence]:
    """Attributes filled for the leads of some periods, not for those between, and of use.

    Columns filled in for exactly the same leads are one batch; if one of them is of use, all are
    suspected.
    """
    blocks: dict[bytes, list[Column]] = {}
    for column in frame.columns:
        if 0.02 < column.filled.mean() < 0.98:
            blocks.setdefault(np.packbits(column.filled).tobytes(), []).append(column)
    found: dict[str, Evidence] = {}
    for same_rows in blocks.values():
        shares = _shares_in_time(same_rows[0].filled)
        if (
            _comes_and_goes(shares)
            and max(results[c.name].low for c in same_rows) >= MIN_BATCH_GAIN
        ):
            text = (
                f"filled in by batches: for {shares.max():.0%} of the leads of some periods and "
                f"{shares.min():.0%} in others, with {len(same_rows) - 1} other attributes for the "
                "same leads; it seems to be computed afterwards"
            )
            found |= {c.name: Evidence(LeakSignal.FILLED_IN_BATCHES, text) for c in same_rows}
    return found


def _shares_in_time(filled: Bools) -> Float64:
    n_parts = int(np.clip(len(filled) // ROWS_PER_PERIOD, 1, 20))
    return np.array([part.mean() for part in np.array_split(filled.astype(float), n_parts)])


def _comes_and_goes(shares: Float64) -> bool:
    """Whether the share is low between two highs, or high between two lows."""
    state = np.where(shares >= MIN_SHARE_HIGH, 1, np.where(shares <= MAX_SHARE_LOW, -1, 0))
    firm = state[state != 0]
    return int((np.diff(firm) != 0).sum()) >= 2


def overwritten(frame: AuditFrame) -> dict[str, Evidence]:
    """Copies of another attribute in which one further word replaced what stood there."""
    found = {}
    words = [c for c in frame.columns if not c.ordered and len(c.bins) > 4]
    for one, two in combinations(words, 2):
        for original, copy in ((one, two), (two, one)):
            evidence = _overwritten(frame, original, copy)
            if evidence is not None:
                found[copy.name] = evidence
    return found


def _overwritten(frame: AuditFrame, original: Column, copy: Column) -> Evidence | None:
    shared = set(original.bins[1:-1]) & set(copy.bins[1:-1])
    least = min(len(original.bins), len(copy.bins)) - 2
    if len(shared) < max(3, MIN_SHARED_WORDS * least):
        return None
    before = np.array(original.bins, object)[original.code]
    after = np.array(copy.bins, object)[copy.code]
    same = before == after
    if not MIN_COPY_AGREEMENT <= same.mean() <= 0.97:
        return None
    values, counts = np.unique(after[~same].astype(str), return_counts=True)
    word, count = str(values[np.argmax(counts)]), counts.max()
    if (
        count < MIN_SHARE_OF_ONE_WORD * counts.sum()
        or (before == word).mean() > 0.2 * (after == word).mean()
    ):
        return None
    flag = Column(copy.name, (after == word).astype(np.int64), ("kept", "overwritten"))
    if univariate(frame, flag).low <= 0:
        return None
    known = frame.known
    rates = [frame.label[known & ((after == word) == x)].mean() for x in (False, True)]
    return Evidence(
        LeakSignal.OVERWRITTEN,
        f"it repeats {original.name!r} except where {word!r} has replaced it "
        f"({(after == word).mean():.0%} of leads); of those {rates[1]:.0%} convert, of the others "
        f"{rates[0]:.0%}",
    )


def differences(
    frame: AuditFrame, results: dict[str, UnivariateResult], created: Float64 | None
) -> dict[str, Evidence]:
    """Numbers with little predictive power whose difference to another (or to creation) has much.

    ``created`` (n,): seconds since 1970, None without time. Two moments are such a pair.
    """
    found: dict[str, Evidence] = {}
    numbers = [c for c in frame.columns if c.number is not None and len(c.bins) > 8]
    numbers = numbers[:MAX_NUMBERS]
    for one, two in combinations(numbers, 2):
        if one.number is not None and two.number is not None:
            evidence = _gap(frame, one.number, two.number, two.name, results, (one.name, two.name))
            if evidence is not None:
                found.setdefault(one.name, evidence)
                found[two.name] = _gap_text(evidence, one.name)
    if created is not None:
        for column in numbers:
            for unit in (1.0, 1e3, 1e6, 1 / 86_400):
                if column.number is not None and column.name not in found:
                    evidence = _gap(
                        frame, created * unit, column.number, "creation", results, (column.name,)
                    )
                    if evidence is not None:
                        found[column.name] = evidence
    return found


def _gap_text(evidence: Evidence, other: str) -> Evidence:
    head, _, tail = evidence.text.partition("' ")
    del head
    return Evidence(evidence.sign, f"its distance from '{other}' {tail}")


def _gap(
    frame: AuditFrame,
    one: Float64,
    two: Float64,
    other: str,
    results: dict[str, UnivariateResult],
    names: tuple[str, ...],
) -> Evidence | None:
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < 50 or not _nearly_equal(one[both], two[both]):
        return None
    gap = column_of("gap", pd.Series(two - one))
    found = univariate(frame, gap)
    best = max(results[name].gain for name in names)
    if found.low < MIN_DIFFERENCE_GAIN or found.gain < 1.5 * best:
        return None
    return Evidence(
        LeakSignal.DIFFERENCE_KNOWS,
        f"its distance from '{other}' explains {found.gain:.0%} (AUC {found.auc:.2f}), the values "
        f"themselves {max(best, 0.0):.0%}: two moments whose gap is a duration",
    )


def _nearly_equal(one: Float64, two: Float64) -> bool:
    """Nearly the same number, as two moments of one lead are."""
    if one.std() == 0 or two.std() == 0:
        return False
    close: npt.NDArray[np.float64] = np.corrcoef(one, two)
    return bool(close[0, 1] > MIN_PAIR_CORRELATION and (two - one).std() < 0.5 * one.std())
