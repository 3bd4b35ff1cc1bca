"""The rules of the gate: what a challenger must show against the champion on the same references.

Pure: arrays in, a report out. Where the references come from is told in
`training.registry.gate`; why the rules are as they are, in docs/decisions/0021-the-promotion-gate.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64, Int8, Int64, Object
from training.calibration.test import Calibration, calibration_test
from training.evaluation.confidence import auc_difference, delong
from training.evaluation.metrics import Estimate, log_loss, loss_difference


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What the gate insists on.

    ``max_age_days``: from this age of the champion's knowledge on, a challenger that is not worse
    may follow it; ``aged_tolerance``: share of its log loss that then counts as noise.
    ``calibration_p`` and ``calibration_share``: miscalibration counts when it is this unlikely to
    be chance and mending it would save this share of the log loss; ``underconfident_share`` where
    the only fault is that rates are further apart than it says. ``release_…``: the same of a
    release on references it has learned from, where it ought to be better than it was tested.
    """

    min_references: int = 100
    min_of_each_class: int = 10
    max_age_days: float = 90.0
    max_band_change: float = 0.6
    aged_tolerance: float = 0.03
    calibration_p: float = 0.01
    calibration_share: float = 0.02
    underconfident_share: float = 0.1
    release_p: float = 0.05
    release_share: float = 0.05


@dataclass(frozen=True, slots=True)
class PairedPredictions:
    """References that neither side has learned from, each answered by both, (n) each.

    ``champion``: its probabilities, or the base rate's when nothing answers yet. ``base_rate``:
    that known to the challenger. ``released``: what the challenger's release itself says, which
    must not be worse than ``challenger``, the answers of its honest test. Bands by each side's
    own cuts; ``champion_band`` None when nothing answers yet.
    """

    label: Int8
    weight: Float64
    lead: Int64
    challenger: Float64
    champion: Float64
    base_rate: Float64
    released: Float64
    challenger_band: Object
    champion_band: Object | None

    def __len__(self) -> int:
        return len(self.label)


@dataclass(frozen=True, slots=True)
class GateReport:
    """What was found. ``refusals``: a sentence each; none of them, and the challenger passes."""

    refusals: tuple[str, ...]
    evidence: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether nothing speaks against the promotion."""
        return not self.refusals

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json`` and the audit trail."""
        return {"passed": self.passed, "refusals": list(self.refusals), **self.evidence}


def judge(
    pairs: PairedPredictions, *, aged: bool, limits: GateLimits, rng: np.random.Generator
) -> GateReport:
    """Compare both sides; ``aged``: the champion knows nothing of the last ``max_age_days``."""
    positives = int((pairs.label == 1).sum())
    fewest = min(positives, len(pairs) - positives)
    counts = {
        "references": len(pairs),
        "leads": len(np.unique(pairs.lead)),
        "positives": positives,
    }
    if len(pairs) < limits.min_references or fewest < limits.min_of_each_class:
        told = (
            f"only {len(pairs):,} references ({positives:,} converted) are left that neither "
            f"release has learned from; {limits.min_references:,} with "
            f"{limits.min_of_each_class} of each outcome are needed: give newer data by --dataset"
        )
        return GateReport((told,), counts)
    found = _measured(pairs, rng)
    return GateReport(tuple(_refusals(pairs, found, aged, limits)), counts | found.to_dict())


@dataclass(frozen=True, slots=True)
class _Measured:
    log_loss: float
    champion_log_loss: float
    difference: Estimate
    over_base_rate: Estimate
    auc_gap: Estimate
    auc_p_value: float
    calibration: Calibration
    champion_calibration: Calibration
    release_gap: Estimate
    release_calibration: Calibration
    band_change: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def _measured(pairs: PairedPredictions, rng: np.random.Generator) -> _Measured:
    y, w, lead = pairs.label, pairs.weight, pairs.lead
    gap, p_value = auc_difference(
        delong(y, pairs.challenger, w, lead), delong(y, pairs.champion, w, lead)
    )
    changed: float | None = None
    if pairs.champion_band is not None:
        changed = float(np.average(pairs.challenger_band != pairs.champion_band, weights=w))
    return _Measured(
        log_loss=log_loss(y, pairs.challenger, w),
        champion_log_loss=log_loss(y, pairs.champion, w),
        difference=loss_difference(y, pairs.challenger, pairs.champion, w, lead, rng),
        over_base_rate=loss_difference(y, pairs.challenger, pairs.base_rate, w, lead, rng),
        auc_gap=gap,
        auc_p_value=p_value,
        calibration=calibration_test(y, pairs.challenger, w, lead),
        champion_calibration=calibration_test(y, pairs.champion, w, lead),
        release_gap=loss_difference(y, pairs.released, pairs.challenger, w, lead, rng),
        release_calibration=calibration_test(y, pairs.released, w, lead),
        band_change=changed,
    )


def _refusals(
    pairs: PairedPredictions, found: _Measured, aged: bool, limits: GateLimits
) -> Iterator[str]:
    yield from _loss(pairs, found, aged, limits)
    if found.over_base_rate.high >= 0 and pairs.champion_band is not None:
        gap = found.over_base_rate
        yield (
            f"it is not clearly better than the base rate: log loss {gap.value:+.4f} "
            f"(95 % interval {gap.low:+.4f} to {gap.high:+.4f})"
        )
    if found.auc_gap.high < 0:
        yield (
            f"it ranks worse: AUC {found.auc_gap.value:+.4f} (95 % interval "
            f"{found.auc_gap.low:+.4f} to {found.auc_gap.high:+.4f}, DeLong "
            f"p = {found.auc_p_value:.2g})"
        )
    yield from _truth(pairs, found, limits)
    yield from _release(found, limits)
    if found.band_change is not None and found.band_change > limits.max_band_change:
        yield (
            f"{found.band_change:.0%} of the references would change their band (limit "
            f"{limits.max_band_change:.0%})"
        )


def _truth(pairs: PairedPredictions, found: _Measured, limits: GateLimits) -> Iterator[str]:
    """Probabilities must be true, or at least truer than the champion's."""
    mine, theirs = found.calibration, found.champion_calibration
    far = (
        mine.bold_gain > limits.calibration_share * found.log_loss
        or mine.gain > limits.underconfident_share * found.log_loss
    )
    better = pairs.champion_band is not None and mine.gain <= theirs.gain
    if mine.p_value < limits.calibration_p and far and not better:
        yield (
            f"its probabilities are not true: mending them would save {mine.gain:.4f} nats of "
            f"log loss (p = {mine.p_value:.2g})"
        )


def _release(found: _Measured, limits: GateLimits) -> Iterator[str]:
    """The release has learned from the references of its test: it must not answer them worse."""
    itself = found.release_calibration
    bent = (
        itself.p_value < limits.release_p
        and itself.bold_gain > found.calibration.gain + limits.release_share * found.log_loss
    )
    gap = found.release_gap
    if bent or gap.low > 0 or gap.value > limits.release_share * found.log_loss:
        yield (
            "the release does not do what its test says: on the same references its log loss is "
            f"{gap.value:+.4f} off what was recorded, and mending its probabilities would save "
            f"{itself.bold_gain:.4f}"
        )


def _loss(
    pairs: PairedPredictions, found: _Measured, aged: bool, limits: GateLimits
) -> Iterator[str]:
    """Better for sure; or, after an aged champion, not worse."""
    gap = found.difference
    who = "the base rate" if pairs.champion_band is None else "the champion"
    figures = (
        f"log loss {found.log_loss:.4f} against {found.champion_log_loss:.4f} of {who} on the same "
        f"{len(pairs):,} references ({gap.value:+.4f}, 95 % interval {gap.low:+.4f} to "
        f"{gap.high:+.4f})"
    )
    if gap.low > 0:
        yield f"it is worse: {figures}"
    elif gap.high < 0:
        return
    elif not aged:
        yield (
            f"it is no improvement: {figures}; that is enough only after a champion whose data "
            f"are {limits.max_age_days:g} days old (--max-age-days)"
        )
    elif gap.value > limits.aged_tolerance * found.champion_log_loss:
        yield f"it may be worse, even if the champion is old: {figures}"
