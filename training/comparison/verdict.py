"""The verdict in words: use the learned score, keep the rules, or the data cannot tell."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from training.comparison.bands import SwapSet
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


def verdict(
    rules: ScoreMetrics,
    learned: ScoreMetrics,
    swap: SwapSet,
    leads: int,
    conversions: int,
    capacity_words: str,
) -> Verdict:
    """Judge by what a user gets, by like against like, and by whom the team would call.

    The learned score is to be used when, both recalibrated alike, its log loss is lower beyond
    doubt (the 95 % interval of the paired difference excludes 0, and the gap is more than
    calibrating can make), a user sees it (in its probabilities as given, or in the leads that
    are called), and neither the leads called nor the swap set say the opposite beyond doubt. The
    rules are to be kept in the mirrored case. Otherwise the data cannot tell.
    """
    evidence = _Evidence.of(rules, swap, leads)
    because: tuple[str, ...] = (
        _probability_words(rules, learned),
        _rate_words(rules, learned, capacity_words),
        *_swap_words(swap),
        _auc_words(rules),
        f"Tested on {leads:,} leads with {conversions:,} conversions that neither had seen.",
    )
    finding = evidence.finding
    headline = _headline(evidence)
    if rules.auc.high - rules.auc.low < MIN_AUC_WIDTH:
        because = (CONSTANT_RULES_NOTE, *because)
        if finding is Finding.LEARNED:
            headline = "Use the learned score, or write other rules: these do not match the leads."
    return Verdict(finding, headline, because)


def _side(gap: Estimate) -> int:
    """1 where a difference is above 0 beyond chance, -1 where it is below, 0 within chance."""
    return int(gap.low > 0) - int(gap.high < 0)


@dataclass(frozen=True)
class _Evidence:
    """Each side is 1 for the learned score, -1 for the rules, 0 within chance.

    ``alike``: log loss, both recalibrated. ``given``: of the learned score's probabilities as they
    are given. ``called``: conversion of the leads called; ``swap``: of those that one alone calls.
    """

    alike: int
    given: int
    called: int
    swap: int
    loss: Estimate
    leads: int

    @classmethod
    def of(cls, rules: ScoreMetrics, swap: SwapSet, leads: int) -> _Evidence:
        alike, given = rules.recalibrated_difference, rules.log_loss_difference
        rate = rules.converted_difference
        if alike is None or given is None or rate is None:
            raise ValueError("the rules have no paired difference to the learned score")
        worth_saying = abs(alike.value) * leads >= MIN_TOTAL_GAIN_NATS
        return cls(
            _side(alike) if worth_saying else 0,
            _side(given),
            -_side(rate),
            _side(swap.gap),
            alike,
            leads,
        )

    @property
    def lists(self) -> set[int]:
        """Whom the leads called, and the swap set, speak for."""
        return {self.called, self.swap}

    @property
    def finding(self) -> Finding:
        seen = self.given > 0 or 1 in self.lists
        if self.alike > 0 and seen and -1 not in self.lists:
            return Finding.LEARNED
        if self.alike < 0 and 1 not in self.lists:
            return Finding.RULES
        return Finding.CANNOT_TELL


def _headline(evidence: _Evidence) -> str:
    if evidence.finding is Finding.LEARNED:
        return _learned_headline(evidence)
    if evidence.finding is Finding.RULES:
        return "Keep the rules: they are better than what could be learned from these data."
    if evidence.alike and -evidence.alike in evidence.lists:
        better, called = ("learned score", "rules")
        if evidence.alike < 0:
            better, called = called, better
        verb = "gives better probabilities" if evidence.given == evidence.alike else "ranks better"
        return (
            f"Cannot tell: the {better} {verb} over all leads, yet the leads that the {called} "
            "would call convert more. Decide by what the score is for."
        )
    if evidence.alike > 0:
        return (
            "Cannot tell: the learned score would be better if it were recalibrated, but its "
            "probabilities as given are not, and the two find about as many conversions."
        )
    more = _how_many_more(evidence.loss, evidence.leads)
    return " ".join(["Cannot tell: the difference is within chance.", *more])


def _learned_headline(evidence: _Evidence) -> str:
    if evidence.given <= 0:
        return (
            "Use the learned score to choose whom to call: those leads convert more. Do not count "
            "on its probabilities yet: as given they are no better than the rules'."
        )
    if 1 in evidence.lists:
        return "Use the learned score: it is better, and the team would convert more leads."
    return (
        "Use the learned score: its probabilities are better. At the team's capacity the two "
        "find about as many conversions."
    )


def _how_many_more(loss: Estimate, leads: int) -> list[str]:
    """How many leads a gap of this size needs to be detected; none where no gap is."""
    half = (loss.high - loss.low) / 2
    if not (np.isfinite(half) and loss.value):
        return []
    factor = (half / loss.value) ** 2
    if not 1 < factor < MAX_FACTOR_TO_REPORT:
        return ["Far more leads than these would be needed."]
    return [f"A gap this small would take about {round(leads * factor, -2):,.0f} leads to tell."]


def _probability_words(rules: ScoreMetrics, learned: ScoreMetrics) -> str:
    gap = rules.log_loss_difference
    if gap is None:
        raise ValueError("the rules have no paired difference to the learned score")
    side = "lower (better)" if gap.value > 0 else "higher (worse)"
    if not learned.gives_probabilities:
        return (
            f"Recalibrated on these leads, the learned score has a log loss of "
            f"{learned.log_loss.value:.4f}, {abs(gap.value):.4f} {side} than the "
            f"{rules.log_loss.value:.4f} of the rules (95 %: {-gap.high:+.4f} to {-gap.low:+.4f})."
        )
    return (
        f"The probabilities of the learned score have a log loss of {learned.log_loss.value:.4f} "
        "as a user gets them (recalibrated on these leads it would be "
        f"{learned.recalibrated_log_loss.value:.4f}), {abs(gap.value):.4f} {side} than the "
        f"{rules.log_loss.value:.4f} of the rules, which give no probabilities and were "
        f"recalibrated on these leads (95 %: {-gap.high:+.4f} to {-gap.low:+.4f})."
    )


def _rate_words(rules: ScoreMetrics, learned: ScoreMetrics, capacity_words: str) -> str:
    rate = rules.converted_difference
    if rate is None:
        raise ValueError("the rules have no paired difference to the learned score")
    return (
        f"Of the leads called ({capacity_words}), {learned.converted_of_called.value:.1%} convert "
        f"if the learned score picks them and {rules.converted_of_called.value:.1%} if the rules "
        f"do (difference {-rate.value * 100:+.1f} points, 95 %: {-rate.high * 100:+.1f} to "
        f"{-rate.low * 100:+.1f})."
    )


def _swap_words(swap: SwapSet) -> tuple[str, ...]:
    gap = swap.gap
    if not np.isfinite(gap.value):
        return ()
    return (
        f"Of the {swap.only_learned.leads:,} leads that only the learned score makes hot, "
        f"{swap.only_learned.rate.value:.1%} convert; of the {swap.only_rules.leads:,} that only "
        f"the rules make hot, {swap.only_rules.rate.value:.1%} (difference "
        f"{gap.value * 100:+.1f} points, 95 %: {gap.low * 100:+.1f} to {gap.high * 100:+.1f}).",
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
