"""Evidence in the values of one attribute, and in what it knows beside all others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from scipy.special import chdtri

from training.leakage.binned_columns import AuditFrame, Bools, Column, F
from training.leakage.univariate import UnivariateResult, log_odds_of_bins, multivariate, univariate


class LeakSignal(StrEnum):
    """The kinds of evidence; what each means is told in ``docs/guide/audit.md``."""

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


STRENGTH = {
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
}
"""How much each weighs; from four on, taken together, a leak is sure. 0: told, but harmless."""


@dataclass(frozen=True)
class Evidence:
    """One reason to suspect, in a sentence with its figures."""

    sign: LeakSignal
    text: str


OUTCOME_GAIN = 0.55


LARGE_GAIN = 0.25


NOTABLE_GAIN = 0.12


OVER_ALL_OTHERS = 1.25


EXPECTED_IN_BIN = 3.0


ALMOST_NEVER = 0.03


SURELY = 5.0


PURE_LOW, PURE_LOW_EXPECTED, PURE_HIGH_ROWS = 0.15, 20, 30


UNKNOWN_GAIN, UNKNOWN_LOW = 0.11, 0.08


UNKNOWN_ODDS, UNKNOWN_LEAST = 10.0, 0.03


def value_evidence(ground: AuditFrame, column: Column, found: UnivariateResult) -> list[Evidence]:
    """What the values of one attribute say by themselves."""
    checks = (
        _is_the_outcome(found),
        near_deterministic_values(ground, column),
        _decides_both_ways(ground, column),
        _unknown_knows(ground, column),
    )
    return [evidence for evidence in checks if evidence is not None]


def out_of_proportion(
    ground: AuditFrame, reached: dict[str, UnivariateResult], suspected: set[str]
) -> dict[str, Evidence]:
    """Attributes that know alone more than can be: very much, or more than all the rest together.

    The rest are the less able ones that nothing else makes suspect. Several may stand out
    together, but no more than a third of all.
    """
    ranked = sorted(reached, key=lambda name: -reached[name].gain)
    able = [name for name in ranked if reached[name].low >= NOTABLE_GAIN]
    found = {name: _plain(reached[name]) for name in able if reached[name].low >= LARGE_GAIN}
    open_question = [name for name in able if name not in found]
    for n_first in range(len(open_question), 0, -1):
        leaders = open_question[:n_first]
        rest = [name for name in ranked if name not in {*found, *suspected, *leaders}]
        if len(leaders) * 2 > len(rest):
            continue
        others = multivariate(ground, tuple(c for c in ground.columns if c.name in rest)).gain
        best = max(others, *(reached[name].gain for name in rest))
        if min(reached[name].low for name in leaders) >= OVER_ALL_OTHERS * best:
            return found | {name: _beside(reached[name], len(rest), others) for name in leaders}
    return found


def _plain(own: UnivariateResult) -> Evidence:
    text = f"alone it explains {own.gain:.0%} of what is to be known (AUC {own.auc:.2f})"
    return Evidence(LeakSignal.OUT_OF_PROPORTION, text)


def _beside(own: UnivariateResult, n_others: int, others: float) -> Evidence:
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


def near_deterministic_values(ground: AuditFrame, column: Column) -> Evidence | None:
    """Values with which hardly anyone converts though a hundred or more should."""
    won, expected = _counts(ground, column, ground.known, ground.rate())
    barren = (expected >= EXPECTED_IN_BIN) & (won <= ALMOST_NEVER * expected)
    most = chdtri(2 * (won[barren].sum() + 1), 0.05) / 2
    if not barren.any() or barren.all() or most > ALMOST_NEVER * expected[barren].sum():
        return None
    return Evidence(
        LeakSignal.NEVER_WITHOUT,
        f"with {_names(column, barren)} {won[barren].sum():,.0f} converted where "
        f"{expected[barren].sum():,.0f} would be usual",
    )


def _decides_both_ways(ground: AuditFrame, column: Column) -> Evidence | None:
    """Words of which some nearly always and others nearly never go with a conversion."""
    if column.ordered and len(column.bins) > 12:
        return None
    known, rate = ground.known, ground.rate()
    won, expected = _counts(ground, column, known, rate)
    size = np.bincount(column.code[known], minlength=len(column.bins)).astype(float)
    base = float(ground.label[known].mean()) if known.any() else 0.0
    words = np.arange(len(column.bins)) > 0
    low = words & (size >= 20) & (won <= PURE_LOW * expected)
    shrunk = (won + base) / (size + 1)
    high = words & (size >= 10) & (1 - shrunk <= (1 - base) / SURELY)
    if expected[low].sum() < PURE_LOW_EXPECTED or size[high].sum() < PURE_HIGH_ROWS:
        return None
    return Evidence(
        LeakSignal.DECIDES_BOTH_WAYS,
        f"its values read like a verdict: with {_names(column, high)} "
        f"{won[high].sum() / size[high].sum():.0%} convert, with {_names(column, low)} "
        f"{won[low].sum() / size[low].sum():.1%}",
    )


def _unknown_knows(ground: AuditFrame, column: Column) -> Evidence | None:
    """Whether it is filled in tells the outcome (in both parts of time, the same way round)."""
    known = ground.known
    share = float((~column.filled[known]).mean()) if known.any() else 0.0
    if not 0.01 <= share <= 0.99:
        return None
    flag = Column(column.name, column.filled.astype(np.int64), ("unknown", "known"))
    odds = [_odds(ground, flag, known & part) for part in (ground.first, ~ground.first)]
    found = univariate(ground, flag)
    much = found.gain >= UNKNOWN_GAIN and found.low >= UNKNOWN_LOW
    firmly = min(map(abs, odds)) >= np.log(UNKNOWN_ODDS) and found.low >= UNKNOWN_LEAST
    if min(odds) * max(odds) <= 0 or not (much or firmly):
        return None
    label = ground.label
    rates = [label[known & (flag.code == code)].mean() for code in (0, 1)]
    return Evidence(
        LeakSignal.UNKNOWN_KNOWS,
        f"whether it is known tells the outcome: {rates[1]:.1%} convert where it is known, "
        f"{rates[0]:.1%} where it is not",
    )


def _odds(ground: AuditFrame, flag: Column, rows: Bools) -> float:
    odds = log_odds_of_bins(ground, flag, rows)
    return float(odds[1] - odds[0])


def _counts(ground: AuditFrame, column: Column, rows: Bools, rate: F) -> tuple[F, F]:
    """Conversions in each bin, and those usual at the time of its rows."""
    n, code = len(column.bins), column.code[rows]
    won = np.bincount(code, ground.label[rows] == 1, minlength=n)
    usual = np.bincount(code, rate[rows], minlength=n)
    return won.astype(np.float64), usual.astype(np.float64)


def _names(column: Column, chosen: Bools) -> str:
    """The chosen bins in words, at most three."""
    names = [column.bins[i] for i in np.flatnonzero(chosen)]
    if column.ordered and len(names) > 3:
        return f"{names[0]} … {names[-1]}"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(repr(name) for name in names[:3]) + more
