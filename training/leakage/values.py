"""Evidence in the values of one attribute, and in its power compared with all others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import chdtri

from features.compute.array_types import Bools, Float64, Int64
from training.leakage.binned_columns import AuditFrame, Column
from training.leakage.univariate import UnivariateResult, log_odds_of_bins, multivariate, univariate


class LeakSignal(StrEnum):
    """The kinds of evidence; ``docs/guide/audit.md`` says what each means."""

    OUT_OF_PROPORTION = "out_of_proportion"
    IS_THE_OUTCOME = "is_the_outcome"
    NEVER_WITHOUT = "never_without"
    DECIDES_BOTH_WAYS = "decides_both_ways"
    UNKNOWN_KNOWS = "unknown_knows"
    OPEN_LEADS_LACK_IT = "open_leads_lack_it"
    FILLED_IN_BATCHES = "filled_in_batches"
    OVERWRITTEN = "overwritten"
    DIFFERENCE_KNOWS = "difference_knows"
    HOLDS_THE_FUTURE = "holds_the_future"
    ANSWERED_AT_CLOSING = "answered_at_closing"
    AT_OR_AFTER_OUTCOME = "at_or_after_outcome"
    ANNOUNCES_OUTCOME = "announces_outcome"
    ONLY_ONE_OUTCOME = "only_one_outcome"
    ALWAYS_WITH = "always_with"
    WRITTEN_FORM_KNOWS = "written_form_knows"


EVIDENCE_STRENGTH = {
    LeakSignal.OUT_OF_PROPORTION: 2,
    LeakSignal.IS_THE_OUTCOME: 3,
    LeakSignal.NEVER_WITHOUT: 2,
    LeakSignal.DECIDES_BOTH_WAYS: 2,
    LeakSignal.UNKNOWN_KNOWS: 2,
    LeakSignal.OPEN_LEADS_LACK_IT: 4,
    LeakSignal.FILLED_IN_BATCHES: 1,
    LeakSignal.OVERWRITTEN: 2,
    LeakSignal.DIFFERENCE_KNOWS: 3,
    LeakSignal.HOLDS_THE_FUTURE: 4,
    LeakSignal.ANSWERED_AT_CLOSING: 2,
    LeakSignal.AT_OR_AFTER_OUTCOME: 0,
    LeakSignal.ANNOUNCES_OUTCOME: 1,
    LeakSignal.ONLY_ONE_OUTCOME: 2,
    LeakSignal.ALWAYS_WITH: 2,
    LeakSignal.WRITTEN_FORM_KNOWS: 3,
}
"""How much each weighs; from four on, taken together, a leak is sure. 0: reported, but harmless."""


@dataclass(frozen=True)
class Evidence:
    """One reason to suspect, in a sentence with its figures."""

    sign: LeakSignal
    text: str


OUTCOME_GAIN = 0.55


LARGE_GAIN = 0.25


NOTABLE_GAIN = 0.12


MIN_RATIO_TO_OTHERS = 1.25


MIN_EXPECTED_PER_BIN = 3.0


MAX_RATE_RATIO = 0.03


PURE_BIN_FACTOR = 5.0


PURE_LOW, PURE_LOW_EXPECTED, PURE_HIGH_ROWS = 0.15, 20, 30


MIN_LEADS_ALWAYS, MIN_RATE_ALWAYS, MIN_SHARE_OF_CONVERSIONS = 10, 0.97, 0.05


MAX_LOG_CHANCE, MAX_USUAL_SHARE = float(np.log(1e-7)), 0.8


UNKNOWN_GAIN, UNKNOWN_LOW = 0.11, 0.08


UNKNOWN_ODDS, MIN_UNKNOWN_GAIN_LOW = 10.0, 0.03


def value_evidence(frame: AuditFrame, column: Column, found: UnivariateResult) -> list[Evidence]:
    """Evidence in the values of one attribute by themselves."""
    checks = (
        _is_the_outcome(found),
        near_deterministic_values(frame, column),
        nearly_always_convert(frame, column),
        _decides_both_ways(frame, column),
        _unknown_knows(frame, column),
    )
    return [evidence for evidence in checks if evidence is not None]


def out_of_proportion(
    frame: AuditFrame, results: dict[str, UnivariateResult], suspected: set[str]
) -> dict[str, Evidence]:
    """Attributes with implausible power alone: very much, or more than all the rest together.

    The rest are the weaker ones that nothing else makes suspect. Several may stand out together,
    but no more than a third of all.
    """
    ranked = sorted(results, key=lambda name: -results[name].gain)
    strong = [name for name in ranked if results[name].low >= NOTABLE_GAIN]
    found = {
        name: _alone_evidence(results[name]) for name in strong if results[name].low >= LARGE_GAIN
    }
    open_question = [name for name in strong if name not in found]
    for n_first in range(len(open_question), 0, -1):
        leaders = open_question[:n_first]
        rest = [name for name in ranked if name not in {*found, *suspected, *leaders}]
        if len(leaders) * 2 > len(rest):
            continue
        others = multivariate(frame, tuple(c for c in frame.columns if c.name in rest)).gain
        best = max(others, *(results[name].gain for name in rest))
        if min(results[name].low for name in leaders) >= MIN_RATIO_TO_OTHERS * best:
            return found | {
                name: _compared_evidence(results[name], len(rest), others) for name in leaders
            }
    return found


def _alone_evidence(own: UnivariateResult) -> Evidence:
    text = f"alone it explains {own.gain:.0%} of what is to be known (AUC {own.auc:.2f})"
    return Evidence(LeakSignal.OUT_OF_PROPORTION, text)


def _compared_evidence(own: UnivariateResult, n_others: int, others: float) -> Evidence:
    text = (
        f"alone it explains {own.gain:.0%} (AUC {own.auc:.2f}), the {n_others} others together "
        f"{max(others, 0.0):.0%}"
    )
    return Evidence(LeakSignal.OUT_OF_PROPORTION, text)


def _is_the_outcome(found: UnivariateResult) -> Evidence | None:
    if found.low < OUTCOME_GAIN:
        return None
    return Evidence(
        LeakSignal.IS_THE_OUTCOME,
        f"it is nearly the outcome itself: alone it explains {found.gain:.0%}",
    )


def near_deterministic_values(frame: AuditFrame, column: Column) -> Evidence | None:
    """Values with which hardly anyone converts though a hundred or more should."""
    won, expected = _counts(frame, column, frame.known, frame.rate())
    barren = (expected >= MIN_EXPECTED_PER_BIN) & (won <= MAX_RATE_RATIO * expected)
    most = chdtri(2 * (won[barren].sum() + 1), 0.05) / 2
    if not barren.any() or barren.all() or most > MAX_RATE_RATIO * expected[barren].sum():
        return None
    return Evidence(
        LeakSignal.NEVER_WITHOUT,
        f"with {_names(column, barren)} {won[barren].sum():,.0f} converted where "
        f"{expected[barren].sum():,.0f} would be usual",
    )


def nearly_always_convert(frame: AuditFrame, column: Column) -> Evidence | None:
    """Values with which nearly everyone converts, of a part of the conversions that matters.

    As where one attribute is overwritten when some of the leads sign. Words and repeated numbers.
    """
    code, names = (column.code, column.bins) if column.number is None else _repeated(column)
    known, rate = frame.known, frame.rate()
    n = len(names)
    size = np.bincount(code[known], minlength=n)
    won = np.bincount(code[known], frame.label[known] == 1, minlength=n)
    by_chance = np.bincount(code[known], np.log(np.clip(rate[known], 1e-6, 1.0)), minlength=n)
    usual = np.bincount(code[known], rate[known], minlength=n)
    total = max(float((frame.label[known] == 1).sum()), 1.0)
    always = (size >= MIN_LEADS_ALWAYS) & (won >= MIN_RATE_ALWAYS * size)
    always &= (by_chance < MAX_LOG_CHANCE) & (won >= MIN_SHARE_OF_CONVERSIONS * total)
    always[0] = False
    if not always.any() or usual[always].sum() > MAX_USUAL_SHARE * size[always].sum():
        return None
    return Evidence(
        LeakSignal.ALWAYS_WITH,
        f"with {_names(Column(column.name, code, names), always)} {won[always].sum():,.0f} of "
        f"{size[always].sum():,.0f} converted where {usual[always].sum():,.0f} would be usual",
    )


def _repeated(column: Column) -> tuple[Int64, tuple[str, ...]]:
    """(code, names) of the numbers that enough leads share; 0 all others."""
    number = np.asarray(column.number)
    values, place, counts = np.unique(number, return_inverse=True, return_counts=True)
    often = np.flatnonzero((counts >= MIN_LEADS_ALWAYS) & np.isfinite(values))
    code = np.zeros(len(values), np.int64)
    code[often] = np.arange(1, len(often) + 1)
    return code[place], ("other", *(f"{values[i]:g}" for i in often))


def _decides_both_ways(frame: AuditFrame, column: Column) -> Evidence | None:
    """Words of which some nearly always and others nearly never go with a conversion."""
    if column.ordered and len(column.bins) > 12:
        return None
    known, rate = frame.known, frame.rate()
    won, expected = _counts(frame, column, known, rate)
    size = np.bincount(column.code[known], minlength=len(column.bins)).astype(float)
    base = float(frame.label[known].mean()) if known.any() else 0.0
    words = np.arange(len(column.bins)) > 0
    low = words & (size >= 20) & (won <= PURE_LOW * expected)
    shrunk = (won + base) / (size + 1)
    high = words & (size >= 10) & (1 - shrunk <= (1 - base) / PURE_BIN_FACTOR)
    if expected[low].sum() < PURE_LOW_EXPECTED or size[high].sum() < PURE_HIGH_ROWS:
        return None
    return Evidence(
        LeakSignal.DECIDES_BOTH_WAYS,
        f"its values read like a verdict: with {_names(column, high)} "
        f"{won[high].sum() / size[high].sum():.0%} convert, with {_names(column, low)} "
        f"{won[low].sum() / size[low].sum():.1%}",
    )


def _unknown_knows(frame: AuditFrame, column: Column) -> Evidence | None:
    """Whether missingness predicts the outcome, with the same sign in both halves of time."""
    known = frame.known
    share = float((~column.filled[known]).mean()) if known.any() else 0.0
    if not 0.01 <= share <= 0.99:
        return None
    flag = Column(column.name, column.filled.astype(np.int64), ("unknown", "known"))
    odds = [_odds(frame, flag, known & part) for part in (frame.first, ~frame.first)]
    found = univariate(frame, flag)
    much = found.gain >= UNKNOWN_GAIN and found.low >= UNKNOWN_LOW
    firmly = min(map(abs, odds)) >= np.log(UNKNOWN_ODDS) and found.low >= MIN_UNKNOWN_GAIN_LOW
    if min(odds) * max(odds) <= 0 or not (much or firmly):
        return None
    label = frame.label
    rates = [label[known & (flag.code == code)].mean() for code in (0, 1)]
    return Evidence(
        LeakSignal.UNKNOWN_KNOWS,
        f"whether it is known predicts the outcome: {rates[1]:.1%} convert where it is known, "
        f"{rates[0]:.1%} where it is not",
    )


def _odds(frame: AuditFrame, flag: Column, rows: Bools) -> float:
    odds = log_odds_of_bins(frame, flag, rows)
    return float(odds[1] - odds[0])


def _counts(
    frame: AuditFrame, column: Column, rows: Bools, rate: Float64
) -> tuple[Float64, Float64]:
    """Conversions in each bin, and those usual at the time of its rows."""
    n, code = len(column.bins), column.code[rows]
    won = np.bincount(code, frame.label[rows] == 1, minlength=n)
    usual = np.bincount(code, rate[rows], minlength=n)
    return won.astype(np.float64), usual.astype(np.float64)


def _names(column: Column, chosen: Bools) -> str:
    """The chosen bins in words, at most three."""
    names = [column.bins[i] for i in np.flatnonzero(chosen)]
    if column.ordered and len(names) > 3:
        return f"{names[0]} … {names[-1]}"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(repr(name) for name in names[:3]) + more
