"""The verdict in words: use the learned score, keep the rules, or the data cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training.comparison.metrics import ScoreMetrics
from training.evaluation.metrics import Estimate

MAX_FACTOR_TO_REPORT = 100.0


MIN_TOTAL_GAIN_NATS = 4.0
"""A gap worth less than this over all leads together is what fitting the two numbers of a
calibration line can make, whatever its interval says."""


MIN_AUC_WIDTH = 1e-9


CONSTANT_RULES_NOTE = (
    "The scorecard gives all these leads the same points: none of its rules matches these data. "
    "Write one that does before you call the rules worse (leadscore rules check shows the matches)."
)


class Finding(StrEnum):
    """What the comparison found."""

    LEARNED = "use the learned score"
    RULES = "keep the rules"
    CANNOT_TELL = "cannot tell"


@dataclass(frozen=True)
class Verdict:
    """``finding``, one sentence for a manager, and the sentences that back it."""

    finding: Finding
    headline: str
    because: tuple[str, ...]


def verdict(rules: ScoreMetrics, leads: int, conversions: int, capacity_words: str) -> Verdict:
    """Judge by the paired differences rules minus learned in log loss and in weekly conversion.

    The learned score is to be used when its log loss is lower beyond doubt (the 95 % interval of
    the paired difference excludes 0, and the gap is more than calibrating can make) and the leads
    it would have called do not convert less beyond doubt; the rules are to be kept in the
    mirrored case. Otherwise the data cannot tell.
    """
    loss, rate = rules.log_loss_difference, rules.converted_difference
    if loss is None or rate is None:
        raise ValueError("the rules have no paired difference to the learned score")
    because: tuple[str, ...] = (
        _loss_words(loss),
        _rate_words(rules, rate, capacity_words),
        _auc_words(rules),
        f"Tested on {leads:,} leads with {conversions:,} conversions that neither had seen.",
    )
    finding = _finding(loss, rate, leads)
    headline = _headline(finding, loss, rate, leads)
    if rules.auc.high - rules.auc.low < MIN_AUC_WIDTH:
        because = (CONSTANT_RULES_NOTE, *because)
        if finding is Finding.LEARNED:
            headline = "Use the learned score, or write other rules: these do not match the leads."
    return Verdict(finding, headline, because)


def _finding(loss: Estimate, rate: Estimate, leads: int) -> Finding:
    if abs(loss.value) * leads < MIN_TOTAL_GAIN_NATS:
        return Finding.CANNOT_TELL
    if loss.low > 0 and not rate.low > 0:
        return Finding.LEARNED
    if loss.high < 0 and not rate.high < 0:
        return Finding.RULES
    return Finding.CANNOT_TELL


def _headline(finding: Finding, loss: Estimate, rate: Estimate, leads: int) -> str:
    if finding is Finding.LEARNED:
        if rate.high < 0:
            return "Use the learned score: it is better, and the team would convert more leads."
        return (
            "Use the learned score: its probabilities are better. At the team's capacity the two "
            "find about as many conversions."
        )
    if finding is Finding.RULES:
        return "Keep the rules: they are better than what could be learned from these data."
    if (loss.low > 0 and rate.low > 0) or (loss.high < 0 and rate.high < 0):
        better, called = ("learned score", "rules") if loss.low > 0 else ("rules", "learned score")
        return (
            f"Cannot tell: the {better} gives better probabilities, yet the leads that the "
            f"{called} would call convert more. Decide by what the score is for."
        )
    return "Cannot tell: the difference is within chance." + _how_many_more(loss, leads)


def _how_many_more(loss: Estimate, leads: int) -> str:
    """How many leads a gap of this size needs to be detected; empty where that is unrealistic."""
    half = (loss.high - loss.low) / 2
    if not (np.isfinite(half) and loss.value):
        return ""
    factor = (half / loss.value) ** 2
    if not 1 < factor < MAX_FACTOR_TO_REPORT:
        return " Far more leads than these would be needed."
    return f" A gap this small would take about {round(leads * factor, -2):,.0f} leads to tell."


def _loss_words(loss: Estimate) -> str:
    side = "lower (better)" if loss.value > 0 else "higher (worse)"
    return (
        f"Log loss of the learned score is {abs(loss.value):.4f} {side} than that of the rules, "
        f"both calibrated alike (95 %: {-loss.high:+.4f} to {-loss.low:+.4f})."
    )


def _rate_words(rules: ScoreMetrics, rate: Estimate, capacity_words: str) -> str:
    learned_rate = rules.converted_of_called.value - rate.value
    return (
        f"Of the leads called ({capacity_words}), {learned_rate:.1%} convert if the learned score "
        f"picks them and {rules.converted_of_called.value:.1%} if the rules do "
        f"(difference {-rate.value * 100:+.1f} points, 95 %: {-rate.high * 100:+.1f} to "
        f"{-rate.low * 100:+.1f})."
    )


def _auc_words(rules: ScoreMetrics) -> str:
    gap = rules.auc_difference
    if gap is None or not np.isfinite(gap.value):
        return "The area under the curve is not known."
    return (
        f"Area under the curve: learned {rules.auc.value - gap.value:.3f}, rules "
        f"{rules.auc.value:.3f} (DeLong's 95 % of the difference: {-gap.high:+.3f} to "
        f"{-gap.low:+.3f})."
    )
