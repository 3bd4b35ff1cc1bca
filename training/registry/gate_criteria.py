"""The gate's criteria: what a challenger must show against the champion on the same references.

Pure: arrays in, a report out. `training.registry.gate` says where the references come from; the
reasons are in docs/decisions/0021-the-promotion-gate.md and 0052-gate-tolerances.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64, Int8, Int64, Object
from features.language.plural import plural
from training.calibration.test import Calibration, calibration_test
from training.evaluation.confidence import auc_difference, delong
from training.evaluation.metrics import Estimate, log_loss, loss_difference


@dataclass(frozen=True, slots=True)
class GateLimits:
    """What the gate requires.

    ``max_age_days``: from this age of the champion's data on, a challenger that is not worse
    may follow it, and so may one that learned from ``more_data`` times as many references;
    ``aged_tolerance``: share of its log loss that then counts as noise. ``min_gain_share``: a gain
    of less than this share of the log loss is none, whatever its interval; ``min_auc_drop``: the
    same of a loss of AUC. ``min_choice_z``: standard errors by which the choice of a first release
    must have beaten the base rate where its backtest is better but cannot say so surely.
    ``calibration_p`` and ``calibration_share``: miscalibration counts when it is this unlikely to
    be chance and recalibration would save this share of the log loss; ``underconfident_share``
    where the only fault is that rates are further apart than predicted. ``max_suspect_share``: of
    the gain, how much may rest on suspects of the audit that nobody has confirmed;
    ``max_new_share``: on one input that the champion does not have, once the gain is at least
    ``min_new_gain`` of the log loss. ``release_…``: the same
    for a release on references it was fitted on, where it ought to be better than its backtest.
    """

    min_references: int = 100
    min_of_each_class: int = 10
    min_gain_share: float = 0.002
    min_auc_drop: float = 0.01
    min_choice_z: float = 2.5
    more_data: float = 1.5
    max_age_days: float = 90.0
    max_band_change: float = 0.6
    aged_tolerance: float = 0.03
    calibration_p: float = 0.01
    calibration_share: float = 0.02
    underconfident_share: float = 0.1
    max_suspect_share: float = 0.3
    max_new_share: float = 0.45
    min_new_gain: float = 0.05
    release_p: float = 0.05
    release_share: float = 0.05


@dataclass(frozen=True, slots=True)
class PairedPredictions:
    """References that neither side was fitted on, each with a prediction of both, (n) each.

    ``champion``: its probabilities, or the base rate's without a champion. ``base_rate``: that
    known to the challenger. ``released``: predictions of the challenger's release itself, which
    must not be worse than ``challenger``, those of its backtest. Bands by each side's own
    thresholds; ``champion_band`` None without a champion.
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
    unit: Int64 | None = None
    signal: bool = True
    champion_signal: bool = True
    choice_z: float = 0.0

    def __len__(self) -> int:
        return len(self.label)

    @property
    def units(self) -> Int64:
        """(n) what is counted as one observation."""
        return self.lead if self.unit is None else self.unit


@dataclass(frozen=True, slots=True)
class GateReport:
    """The result. ``refusals``: a sentence each; without any the challenger passes."""

    refusals: tuple[str, ...]
    evidence: dict[str, Any]

    @property
    def passed(self) -> bool:
        """Whether there is no refusal."""
        return not self.refusals

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for ``--json`` and the audit trail."""
        return {"passed": self.passed, "refusals": list(self.refusals), **self.evidence}


def apply_criteria(
    pairs: PairedPredictions, *, aged: bool, limits: GateLimits, rng: np.random.Generator
) -> GateReport:
    """Compare both sides; ``aged``: the champion's data are older than ``max_age_days``, or the
    challenger's are ``more_data`` times as many."""
    positives = int((pairs.label == 1).sum())
    smaller_class = min(positives, len(pairs) - positives)
    counts = {
        "references": len(pairs),
        "leads": len(np.unique(pairs.lead)),
        "positives": positives,
        "units": len(np.unique(pairs.units)),
    }
    if len(pairs) < limits.min_references or smaller_class < limits.min_of_each_class:
        message = (
            plural(
                len(pairs),
                "only {n:,} reference ({positives:,} converted) is left",
                "only {n:,} references ({positives:,} converted) are left",
                positives=positives,
            )
            + f" that neither release was fitted on; {limits.min_references:,} with "
            f"{limits.min_of_each_class} of each outcome are needed: give newer data by --dataset"
        )
        return GateReport((message,), counts)
    metrics = _gate_metrics(pairs, rng)
    return GateReport(tuple(_refusals(pairs, metrics, aged, limits)), counts | metrics.to_dict())


@dataclass(frozen=True, slots=True)
class _GateMetrics:
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


def _gate_metrics(pairs: PairedPredictions, rng: np.random.Generator) -> _GateMetrics:
    y, w, lead = pairs.label, pairs.weight, pairs.units
    gap, p_value = auc_difference(
        delong(y, pairs.challenger, w, lead), delong(y, pairs.champion, w, lead)
    )
    changed: float | None = None
    if pairs.champion_band is not None:
        changed = float(np.average(pairs.challenger_band != pairs.champion_band, weights=w))
    return _GateMetrics(
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
    pairs: PairedPredictions, metrics: _GateMetrics, aged: bool, limits: GateLimits
) -> Iterator[str]:
    is_first = pairs.champion_band is None
    yield from _no_signal(pairs, metrics, limits)
    yield from _loss(pairs, metrics, aged, limits)
    gap = metrics.over_base_rate
    if not is_first and not _is_gain(gap, metrics.log_loss, limits, surely=not aged):
        yield (
            f"it is not clearly better than the base rate: log loss {gap.value:+.4f} "
            f"(95 % interval {gap.low:+.4f} to {gap.high:+.4f})"
        )
    if metrics.auc_gap.high < 0 and metrics.auc_gap.value <= -limits.min_auc_drop:
        yield (
            f"it ranks worse: AUC {metrics.auc_gap.value:+.4f} (95 % interval "
            f"{metrics.auc_gap.low:+.4f} to {metrics.auc_gap.high:+.4f}, DeLong "
            f"p = {metrics.auc_p_value:.2g})"
        )
    yield from _calibration_refusal(pairs, metrics, limits)
    yield from _release(metrics, limits)
    moved = metrics.band_change if pairs.champion_signal else None
    if moved is not None and moved > limits.max_band_change:
        yield (
            f"{moved:.0%} of the references would change their band (limit "
            f"{limits.max_band_change:.0%})"
        )


def _is_gain(gap: Estimate, loss: float, limits: GateLimits, *, surely: bool) -> bool:
    """Whether a difference of log losses (below zero is better) is a gain that matters.

    ``loss``: what the share is of; ``surely``: its interval must lie below zero too.
    """
    matters = gap.value <= -limits.min_gain_share * loss
    return matters and (gap.high < 0 or not surely)


def _no_signal(
    pairs: PairedPredictions, metrics: _GateMetrics, limits: GateLimits
) -> Iterator[str]:
    """One probability for everybody may only correct the level of another such release."""
    if pairs.signal:
        return
    replaces_another = pairs.champion_band is not None and not pairs.champion_signal
    gains = _is_gain(metrics.difference, metrics.champion_log_loss, limits, surely=True)
    if not (replaces_another and gains):
        yield "it has no signal: everybody gets the base rate, which ranks nobody"


def _calibration_refusal(
    pairs: PairedPredictions, metrics: _GateMetrics, limits: GateLimits
) -> Iterator[str]:
    """Probabilities must be calibrated, or at least better calibrated than the champion's."""
    own, other = metrics.calibration, metrics.champion_calibration
    far = (
        own.bold_gain > limits.calibration_share * metrics.log_loss
        or own.gain > limits.underconfident_share * metrics.log_loss
    )
    better = pairs.champion_band is not None and own.gain <= other.gain
    if own.p_value < limits.calibration_p and far and not better:
        yield (
            f"its probabilities are not calibrated: recalibration would save {own.gain:.4f} "
            f"nats of log loss (p = {own.p_value:.2g})"
        )


def _release(metrics: _GateMetrics, limits: GateLimits) -> Iterator[str]:
    """The release was fitted on the references of its backtest: it must not predict them worse."""
    itself = metrics.release_calibration
    is_miscalibrated = (
        itself.p_value < limits.release_p
        and itself.bold_gain > metrics.calibration.gain + limits.release_share * metrics.log_loss
    )
    gap = metrics.release_gap
    if is_miscalibrated or gap.low > 0 or gap.value > limits.release_share * metrics.log_loss:
        yield (
            "the release does not perform as its backtest: on the same references its log loss is "
            f"{gap.value:+.4f} off what was recorded, and recalibration would save "
            f"{itself.bold_gain:.4f}"
        )


def _loss(
    pairs: PairedPredictions, metrics: _GateMetrics, aged: bool, limits: GateLimits
) -> Iterator[str]:
    """Significantly better by enough; or, after an aged champion, not worse by more than noise."""
    gap, before = metrics.difference, metrics.champion_log_loss
    is_first = pairs.champion_band is None
    baseline = "the base rate" if is_first else "the champion"
    figures = (
        f"log loss {metrics.log_loss:.4f} against {before:.4f} of {baseline} on "
        f"the same {len(pairs):,} references ({gap.value:+.4f}, 95 % interval {gap.low:+.4f} to "
        f"{gap.high:+.4f})"
    )
    if gap.low > 0 and gap.value > limits.min_gain_share * before:
        yield f"it is worse: {figures}"
    elif _is_gain(gap, before, limits, surely=True):
        return
    elif is_first:
        # a small backtest cannot say it alone; what chose the release has seen all of the data
        chosen_surely = pairs.choice_z >= limits.min_choice_z
        if not (chosen_surely and _is_gain(gap, before, limits, surely=False)):
            yield f"it is no improvement: {figures}"
    elif not aged:
        yield (
            f"it is no improvement: {figures}; that is enough only after a champion whose data "
            f"are {limits.max_age_days:g} days old (--max-age-days), or with {limits.more_data:g} "
            "times its references"
        )
    elif gap.value > limits.aged_tolerance * before:
        yield f"it may be worse, even if the champion is old: {figures}"
