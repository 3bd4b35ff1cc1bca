"""A release on later data: drift, expected and observed performance, and a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np

from features.compute.array_types import Bools, Float64
from features.dataset import Dataset
from features.errors import DataError
from features.language.current import _, current, say, say_n
from scoring.drift import Shift, at_ages, shift_of
from scoring.release.release import Release
from scoring.scores import score
from training.calibration.test import Calibration, calibration_test
from training.evaluation.ages import (
    ages_in_days,
    areas_at_same_ages,
    auc_by_age,
    shares_of_ages,
)
from training.evaluation.confidence import Z95, effective_leads, rate_of
from training.evaluation.metrics import Estimate, evaluate, loss_difference
from training.labels.references import LabelledReferences
from training.labels.training_data import load_training_data

MIN_CONVERSIONS = 30
"""With fewer mature conversions (or losses), observed performance decides nothing."""


CALIBRATION_P = 0.01
"""Below this p-value of the calibration test the probabilities are miscalibrated."""


MIN_RECALIBRATION_GAIN = 0.02
"""Share of the log loss that recalibration must save, on other leads than those it is fitted on."""


AUC_DROP_Z = 1.96
"""Standard errors by which the AUC must have fallen: chance does that once in forty runs …"""


AUC_DROP_SHARE = 0.1
"""… and by this share of its excess over 0.5: with many leads a trifle is significant."""


MIN_SHARE_SHIFTED = 0.1
"""With this share of the features shifted, the leads are others, or are recorded otherwise.

How often each threshold is crossed where nothing has changed, and where something has:
``benchmarks/monitor.py``, docs/decisions/0046-verdicts-of-monitoring.md."""


class MonitoringVerdict(StrEnum):
    """What to do with the release."""

    KEEP = "keep"
    RECALIBRATE = "recalibrate"
    RETRAIN = "retrain"


@dataclass(frozen=True, slots=True)
class ObservedPerformance:
    """Performance on the references whose horizon has passed.

    ``gain``: their log loss minus that of their own base rate; below zero the release is better.
    ``worth``: share of the log loss that recalibration would save on other leads.
    ``auc_by_age``: share, AUC and its standard error of each reference age.
    """

    references: int
    leads: int
    conversions: int
    rate: Estimate
    mean_probability: float
    figures: dict[str, Estimate]
    gain: Estimate
    calibration: Calibration
    worth: float
    auc_by_age: dict[str, dict[str, float]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MonitoringReport:
    """Drift and performance. ``features``: the ones that shifted most first."""

    release_id: str
    since: datetime | None
    references: int
    leads: int
    scores: Shift
    features: tuple[Shift, ...]
    expected: dict[str, float]
    promised: dict[str, float]
    realised: ObservedPerformance | None
    verdict: MonitoringVerdict
    because: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def monitor(release: Release, dataset: Dataset, *, seed: int = 0) -> MonitoringReport:
    """Score the references of ``dataset`` that are later than the release's training data.

    Raises DataError when there are none, or when one of them cannot be scored.
    """
    data = load_training_data(with_training_references(release, dataset))
    since = _trained_until(release)
    later = _later(data.labelled, since)
    if not later.any():
        raise DataError(
            f"nothing here is later than the training data of release {release.release_id}"
            f"{f' ({since:%Y-%m-%d})' if since else ''}; give newer data"
        )
    labelled = data.labelled.take(later)
    scores = score(release, data.histories, labelled.references)
    weight, p = labelled.weight, scores.probability
    leads = effective_leads(labelled.unit, weight)
    statistics = release.statistics
    from_leads = float(release.manifest["data"]["leads"])
    age_days = ages_in_days(labelled, data.histories.created_at_us)
    shares = shares_of_ages(age_days, weight)

    def shift(name: str, then: Mapping[str, Any], now: Float64) -> Shift:
        then = at_ages(then, shares)
        return shift_of(name, then, statistics["quantiles"], from_leads, now, weight, leads)

    score_shift = shift("score", statistics["scores"], p)
    features = [
        shift(name, statistics["features"][name], scores.vectors[:, i])
        for i, name in enumerate(release.spec.names)
    ]
    features.sort(key=lambda shift: (-shift.psi, shift.name))
    realised = _observed(labelled, p, age_days, np.random.default_rng(seed))
    verdict, because = verdict_of(release, score_shift, features, realised)
    return MonitoringReport(
        release.release_id, since, len(labelled), len(np.unique(labelled.lead)), score_shift,
        tuple(features), expected_performance(p, weight), _backtest_metrics(release), realised,
        verdict, tuple(because),
    )  # fmt: skip


def verdict_of(
    release: Release, scores: Shift, features: list[Shift], realised: ObservedPerformance | None
) -> tuple[MonitoringVerdict, list[str]]:
    """Outcomes decide first: ranking, then probabilities; without enough of them, drift.

    A release without signal gives everybody one probability, so neither ranking nor scores shift.
    """
    shifted = [shift for shift in features if shift.is_large]
    scores_shifted = scores.is_large and bool(release.metrics["signal"])
    drifted = len(shifted) >= max(1.0, MIN_SHARE_SHIFTED * len(features))
    because = []
    if scores_shifted:
        because.append(say("scores have another distribution (index {psi:.2f})", psi=scores.psi))
    if drifted:
        because.append(
            say_n(
                "{n} of {features} features has another distribution, most of all {names}",
                "{n} of {features} features have another distribution, most of all {names}",
                len(shifted),
                features=len(features),
                names=", ".join(shift.name for shift in shifted[:3]),
            )
        )
    if realised is None:
        because.append(_("too few outcomes are in to judge the probabilities themselves"))
        return (
            MonitoringVerdict.RETRAIN if drifted or scores_shifted else MonitoringVerdict.KEEP
        ), because
    same_ages = areas_at_same_ages(release.metrics.get("auc_by_age", {}), realised.auc_by_age)
    now, then = same_ages or (realised.figures["auc"], Estimate(**release.metrics["auc"]))
    if release.metrics["signal"] and (now.low <= 0.5 or auc_dropped(now, then)):
        text = _("it ranks worse than it did: AUC {now:.3f}, {then:.3f} then")
        because.insert(0, current().filled(text, {"now": now.value, "then": then.value}))
        return MonitoringVerdict.RETRAIN, because
    if realised.calibration.p_value < CALIBRATION_P and realised.worth > MIN_RECALIBRATION_GAIN:
        because.insert(
            0,
            say(
                "probabilities are off: {mean_probability:.1%} on average, {rate:.1%} converted",
                mean_probability=realised.mean_probability,
                rate=realised.rate.value,
            ),
        )
        return MonitoringVerdict.RECALIBRATE, because
    because.insert(0, _("probabilities agree with what became of the leads"))
    return MonitoringVerdict.KEEP, because


def auc_dropped(now: Estimate, then: Estimate) -> bool:
    """Whether an AUC is lower than on other leads before, by more than chance and by enough.

    The standard errors are taken from both 95 % intervals.

    >>> auc_dropped(Estimate(0.70, 0.66, 0.74), Estimate(0.80, 0.76, 0.84))
    True
    >>> auc_dropped(Estimate(0.79, 0.789, 0.791), Estimate(0.80, 0.799, 0.801))
    False
    """
    lost = then.value - now.value
    error = float(np.hypot(now.high - now.low, then.high - then.low)) / (2 * Z95)
    return lost > AUC_DROP_Z * error and lost > AUC_DROP_SHARE * (then.value - 0.5)


def with_training_references(release: Release, dataset: Dataset) -> Dataset:
    """The dataset with the horizon and the reference ages of the release's training."""
    ages = tuple(release.manifest["data"]["reference_ages_days"])
    settings = {"horizon_days": release.horizon_days, "reference_ages_days": ages}
    return replace(dataset, settings=dataset.settings.model_copy(update=settings))


def _trained_until(release: Release) -> datetime | None:
    until = release.manifest["data"].get("observed_until") if release.has_time else None
    return datetime.fromisoformat(until) if until else None


def _later(labelled: LabelledReferences, since: datetime | None) -> Bools:
    """References at or after the end of the training data; all of them without time."""
    if since is None:
        return np.ones(len(labelled), dtype=np.bool_)
    later: Bools = labelled.as_of_us >= round(since.timestamp() * 1e6)
    return later


def _observed(
    labelled: LabelledReferences, p: Float64, age_days: Float64, rng: np.random.Generator
) -> ObservedPerformance | None:
    """Performance on the mature references, or None where there are too few of either outcome."""
    mature = labelled.mature
    label, weight = labelled.label[mature], labelled.weight[mature]
    lead = labelled.unit[mature]
    conversions = int((label == 1).sum())
    if min(conversions, len(label) - conversions) < MIN_CONVERSIONS:
        return None
    p, rate, age_days = p[mature], rate_of(label, weight, lead), age_days[mature]
    figures = evaluate(label, p, weight, lead, rng)
    calibration = calibration_test(label, p, weight, lead)
    # two parameters fitted to n leads look better by 1/n nats and are worse elsewhere by as much
    worth = calibration.gain - 2.0 / effective_leads(lead, weight)
    return ObservedPerformance(
        references=len(label),
        leads=len(np.unique(labelled.lead[mature])),
        conversions=conversions,
        rate=rate,
        mean_probability=float(np.average(p, weights=weight)),
        figures=figures,
        gain=loss_difference(label, p, np.full(len(p), rate.value), weight, lead, rng),
        calibration=calibration,
        worth=worth / figures["log_loss"].value,
        auc_by_age=auc_by_age(label, p, weight, lead, age_days),
    )


def _backtest_metrics(release: Release) -> dict[str, float]:
    """The metrics of the release's own backtest."""
    names = ("log_loss", "brier", "auc", "calibration_error", "top_decile_lift")
    metrics = {name: float(release.metrics[name]["value"]) for name in names}
    return {**metrics, "rate": float(release.metrics["test"]["rate"])}


def expected_performance(probability: Float64, weight: Float64) -> dict[str, float]:
    """Expected ``log_loss`` (nats), ``brier``, ``auc`` and ``rate`` of (n,) probabilities.

    Confidence-based performance estimation (CBPE): each reference converts with its own
    probability. That is an assumption: a change of *who* the leads are is seen, a change of how
    leads like these *behave* is not. AUC is NaN when all probabilities are equal to 0 or 1.

    >>> expected_performance(np.array([0.5, 0.5]), np.ones(2))["auc"]
    0.5
    """
    p, w = np.clip(probability, 1e-12, 1 - 1e-12), weight / weight.sum()
    return {
        "log_loss": float(-(w @ (p * np.log(p) + (1 - p) * np.log1p(-p)))),
        "brier": float(w @ (p * (1 - p))),
        "auc": _expected_auc(p, w),
        "rate": float(w @ p),
    }


def _expected_auc(p: Float64, w: Float64) -> float:
    """Share of (converting, not converting) pairs in order; ties count half."""
    _, place = np.unique(p, return_inverse=True)
    wins = np.bincount(place, weights=w * p)
    losses = np.bincount(place, weights=w * (1 - p))
    before = np.cumsum(losses) - losses
    pairs = wins.sum() * losses.sum()
    return float((wins @ (before + losses / 2)) / pairs) if pairs > 0 else float("nan")
