"""Evidence in the histories: attributes that correlate with what happened after creation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from features.compute.array_types import Bools, Float64, Int64
from features.dataset import Dataset
from features.histories.arrays import Histories
from training.labels.references import OPEN, closings
from training.leakage.binned_columns import Column
from training.leakage.values import Evidence, LeakSignal

MAX_KINDS = 60


MIN_CORRELATION = 0.85
"""Rank correlation (or agreement) with later events from which an attribute is suspected."""


MIN_CORRELATION_WITH_MOMENT = 0.97


MIN_ROWS = 50


MIN_AGREEMENT, MIN_ANSWERS = 0.9, 30


SECOND_US = 1_000_000


@dataclass(frozen=True, eq=False)
class LaterEvents:
    """What happened with each lead after its creation, up to the end of observation.

    ``counts`` (n, kinds) of ``kinds``; ``amounts``: name → (n,) totals; ``last_kind`` (n,), None
    where nothing happened, and ``last_s`` (n,), its moment; ``seconds_to_close`` (n,), NaN while
    open; ``created_s`` (n,);
    ``answers``: attribute → last value (n,), None where never answered after creation;
    ``changed``: attribute → whether the last value differs from the first.
    """

    kinds: tuple[str, ...]
    counts: Float64
    amounts: dict[str, Float64]
    last_kind: np.ndarray
    last_s: Float64
    seconds_to_close: Float64
    created_s: Float64
    answers: dict[str, np.ndarray]
    changed: dict[str, Bools]


def later_events(dataset: Dataset, histories: Histories) -> LaterEvents:
    """Sum up every lead's history after its creation; rows as in ``dataset.leads``."""
    n, created = len(histories), histories.created_at_us
    table = histories.interactions
    lead = np.repeat(np.arange(n), np.diff(table.offsets))
    after = table.at_us > created[lead]
    lead, kind = lead[after], table.kind[after].astype(np.int64)
    frequent = np.argsort(-np.bincount(kind, minlength=len(table.kinds)), kind="stable")
    frequent = np.sort(frequent[:MAX_KINDS])
    place = np.full(len(table.kinds) + 1, len(frequent))
    place[frequent] = np.arange(len(frequent))
    width = len(frequent) + 1
    counts = np.bincount(lead * width + place[kind], minlength=n * width).reshape(n, width)
    names = np.array([*table.kinds, None], dtype=object)
    last_kind, last_s = np.full(n, len(table.kinds)), np.full(n, np.nan)
    last_kind[lead], last_s[lead] = kind, table.at_us[after] / SECOND_US
    amounts: dict[str, Float64] = {
        "interactions": np.bincount(lead, minlength=n).astype(np.float64)
    }
    for name, amount in (("duration_s", table.duration_s), ("value", table.value)):
        known = np.nan_to_num(amount[after])
        total = np.bincount(lead, known, minlength=n)
        amounts[f"{name} of interactions"] = np.asarray(total, dtype=np.float64)
    closed, _ = closings(dataset, histories)
    seconds = np.where(closed == OPEN, np.nan, (closed - created) / SECOND_US)
    answers, changed = _last_answers(histories)
    return LaterEvents(
        kinds=tuple(table.kinds[code] for code in frequent),
        counts=counts[:, :-1].astype(np.float64),
        amounts=amounts,
        last_kind=names[last_kind],
        last_s=last_s,
        seconds_to_close=seconds,
        created_s=created / SECOND_US,
        answers=answers,
        changed=changed,
    )


def _last_answers(histories: Histories) -> tuple[dict[str, np.ndarray], dict[str, Bools]]:
    table = histories.answers
    lead = np.repeat(np.arange(len(histories)), np.diff(table.offsets))
    after = table.at_us > histories.created_at_us[lead]
    words = np.array([*table.values, None], dtype=object)
    answers, changed = {}, {}
    for code, name in enumerate(table.attributes):
        rows = after & (table.attribute == code)
        first, last = np.full((2, len(histories)), len(table.values))
        first[lead[rows][::-1]] = table.value[rows][::-1]
        last[lead[rows]] = table.value[rows]
        answers[name], changed[name] = words[last], np.asarray(first != last)
    return answers, changed


def correlates_with_future(
    later: LaterEvents, row: Int64, columns: tuple[Column, ...]
) -> dict[str, Evidence]:
    """Attributes that follow later events; ``row``: the lead of each row of the columns."""
    evidence_by_name: dict[str, Evidence] = {}
    for column in columns:
        text = (
            _follows_numbers(later, row, column)
            or _follows_last_kind(later, row, column)
            or _follows_last_moment(later, row, column)
            or _follows_closing(later, row, column)
            or _follows_answers(later, row, column)
        )
        if text is not None:
            evidence_by_name[column.name] = Evidence(LeakSignal.HOLDS_THE_FUTURE, text)
    return evidence_by_name


def _follows_numbers(later: LaterEvents, row: Int64, column: Column) -> str | None:
    if column.number is None:
        return None
    measures = {f"number of {kind}": later.counts[row, i] for i, kind in enumerate(later.kinds)}
    measures |= {f"total {name}": amounts[row] for name, amounts in later.amounts.items()}
    measures["time until closing"] = later.seconds_to_close[row]
    for name, measure in measures.items():
        follows = abs(rank_correlation(column.number, measure))
        if follows >= MIN_CORRELATION:
            return f"it follows the {name} after creation (rank correlation {follows:.2f})"
    return None


def _follows_last_kind(later: LaterEvents, row: Int64, column: Column) -> str | None:
    if column.ordered:
        return None
    words, last = np.array(column.bins, object)[column.code], later.last_kind[row]
    both = column.filled & (last != None)  # noqa: E711  element by element
    if both.sum() < MIN_ROWS or len(set(last[both])) < 3:
        return None
    agree = float((words[both] == last[both]).mean())
    return (
        f"it is the last interaction's kind for {agree:.0%} of leads"
        if agree >= MIN_CORRELATION
        else None
    )


def _follows_last_moment(later: LaterEvents, row: Int64, column: Column) -> str | None:
    """The moment of the last interaction, or the time since it, and not merely the calendar."""
    if column.number is None:
        return None
    known = np.isfinite(later.last_s[row])
    number = np.where(known, column.number, np.nan)
    follows = abs(rank_correlation(number, later.last_s[row]))
    calendar = abs(rank_correlation(number, later.created_s[row]))
    if follows >= MIN_CORRELATION_WITH_MOMENT and 1 - follows < 0.5 * (1 - calendar):
        return f"it follows the moment of the last interaction (rank correlation {follows:.2f})"
    return None


def _follows_closing(later: LaterEvents, row: Int64, column: Column) -> str | None:
    """A moment, in days, seconds or finer, whose gap from creation is the time until closing."""
    if column.number is None:
        return None
    for unit in (1.0, 1e3, 1e6, 1 / 86_400):
        created = later.created_s[row] * unit
        if rank_correlation(column.number, created) >= MIN_CORRELATION:
            gap = rank_correlation(column.number - created, later.seconds_to_close[row])
            if gap >= MIN_CORRELATION:
                return f"its distance from creation follows the time until closing ({gap:.2f})"
    return None


def _follows_answers(later: LaterEvents, row: Int64, column: Column) -> str | None:
    for name, last in later.answers.items():
        answered = last[row] != None  # noqa: E711  element by element
        both = answered & column.filled
        if both.sum() < MIN_ANSWERS or len(set(last[row][both])) < 2:
            continue
        same = _values_as_text(column) == _as_text(last[row])
        changed = both & later.changed[name][row]
        filled_when_answered = column.filled[answered].mean() >= 2 * column.filled[~answered].mean()
        follows_change = changed.sum() >= 20 and same[changed].mean() >= MIN_AGREEMENT
        if same[both].mean() >= MIN_AGREEMENT and (filled_when_answered or follows_change):
            return (
                f"it holds what was answered to '{name}' later ({same[both].mean():.0%} of "
                f"{both.sum():,} leads agree with the last answer)"
            )
    return None


def _values_as_text(column: Column) -> np.ndarray:
    if column.number is None:
        return np.array(column.bins, object)[column.code]
    return _as_text(column.number)


def _as_text(values: np.ndarray) -> np.ndarray:
    """Numbers written one way, so that '1', '1.0' and 1 are the same."""
    numbers = pd.to_numeric(pd.Series(values, dtype=object), errors="coerce").to_numpy(dtype=float)
    as_number = np.array([f"{number:.9g}" for number in numbers], dtype=object)
    return np.where(np.isfinite(numbers), as_number, np.asarray(values, dtype=object))


def rank_correlation(one: Float64, two: Float64) -> float:
    """Spearman's correlation over rows known in both; 0 if too few or all the same.

    >>> round(rank_correlation(np.arange(60.0), np.arange(60.0) ** 3), 6)
    1.0
    """
    both = np.isfinite(one) & np.isfinite(two)
    if both.sum() < MIN_ROWS:
        return 0.0
    x, y = rankdata(one[both]), rankdata(two[both])
    if x.std() == 0 or y.std() == 0:
        return 0.0
    return float(np.corrcoef(x, y)[0, 1])
