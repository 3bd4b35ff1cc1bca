"""A release on later data: drift, expected and realised performance, and a plain verdict."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np

from features.dataset import Dataset
from features.errors import DataError
from features.histories import Float64
from scoring.release import Release
from scoring.scores import score
from training.calibration.check import Calibration, calibration_test
from training.evaluation import Interval, evaluate, loss_difference
from training.fit import source_of
from training.intervals import Z95, effective_leads, rate_of
from training.monitoring.expected import expected_performance
from training.monitoring.shift import Shift, shift_of
from training.references import Bool, LabelledReferences

FEWEST_CONVERSIONS = 30
"""With fewer matured conversions (or losses), realised figures decide nothing."""
SURELY = 0.01
"""A pattern of outcomes rarer than this, were the probabilities true, means they are not."""
WORTH_MENDING = 0.02
"""Share of the log loss that a new line through the scores must save, on other leads than those
it is fitted on, to be worth it."""
FALLEN = 1.96
"""Standard errors by which the AUC must have fallen: chance does that once in forty looks …"""
MUCH_FALLEN = 0.1
"""… and by this share of what it was above 0.5, lest many leads make a trifle significant."""
MANY_MOVED = 0.1
"""With this share of the features moved, the leads are others, or are recorded otherwise.

How often each threshold speaks where nothing has changed, and where something has:
``benchmarks/monitor.py``, docs/decisions/0046-when-a-release-is-done.md."""


class Verdict(StrEnum):
    """What to do."""

    KEEP = "keep"
    RECALIBRATE = "recalibrate"
    RETRAIN = "retrain"


@dataclass(frozen=True, slots=True)
class Realised:
    """What became of the references whose horizon has passed.

    ``gain``: their log loss minus that of their own base rate; below zero the release is better.
    ``worth``: share of the log loss that mending the probabilities would save on other leads.
    """

    references: int
    leads: int
    conversions: int
    rate: Interval
    mean_probability: float
    figures: dict[str, Interval]
    gain: Interval
    calibration: Calibration
    worth: float


@dataclass(frozen=True, slots=True)
class Monitoring:
    """Everything that was found. ``features``: the ones that moved most first."""

    release_id: str
    since: datetime | None
    references: int
    leads: int
    scores: Shift
    features: tuple[Shift, ...]
    expected: dict[str, float]
    promised: dict[str, float]
    realised: Realised | None
    verdict: Verdict
    because: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def monitor(release: Release, dataset: Dataset, *, seed: int = 0) -> Monitoring:
    """Ask a release about the references of ``dataset`` later than all it has learned from.

    Raises DataError when there are none, or when one of them cannot be asked.
    """
    source = source_of(_asked_as_learned(release, dataset))
    since = _learned_until(release)
    later = _later(source.labelled, since)
    if not later.any():
        raise DataError(
            f"nothing here is later than what release {release.release_id} learned from"
            f"{f' ({since:%Y-%m-%d})' if since else ''}; give newer data"
        )
    asked = source.labelled.take(later)
    found = score(release, source.histories, asked.references)
    weight, p = asked.weight, found.probability
    leads = effective_leads(asked.lead, weight)
    learned = release.statistics
    from_leads = float(release.manifest["data"]["leads"])

    def moved(name: str, then: dict[str, Any], now: Float64) -> Shift:
        return shift_of(name, then, learned["quantiles"], from_leads, now, weight, leads)

    scores = moved("score", learned["scores"], p)
    features = [
        moved(name, learned["features"][name], found.vectors[:, i])
        for i, name in enumerate(release.spec.names)
    ]
    features.sort(key=lambda shift: (-shift.psi, shift.name))
    realised = _realised(asked, p, np.random.default_rng(seed))
    verdict, because = judge(release, scores, features, realised)
    return Monitoring(
        release.release_id, since, len(asked), len(np.unique(asked.lead)), scores,
        tuple(features), expected_performance(p, weight), _promised(release), realised,
        verdict, tuple(because),
    )  # fmt: skip


def judge(
    release: Release, scores: Shift, features: list[Shift], realised: Realised | None
) -> tuple[Verdict, list[str]]:
    """Outcomes speak first: ranking, then probabilities; without enough of them, drift.

    A release without signal says one thing to all, so neither its ranking nor its scores can move.
    """
    moved = [shift for shift in features if shift.much]
    others = scores.much and bool(release.metrics["signal"])
    drifted = len(moved) >= max(1.0, MANY_MOVED * len(features))
    because = []
    if others:
        because.append(f"scores have another distribution (index {scores.psi:.2f})")
    if drifted:
        because.append(
            f"{len(moved)} of {len(features)} features have another distribution, most of all "
            f"{', '.join(shift.name for shift in moved[:3])}"
        )
    if realised is None:
        because.append("too few outcomes are in to judge the probabilities themselves")
        return (Verdict.RETRAIN if drifted or others else Verdict.KEEP), because
    said, promised = realised.figures["auc"], Interval(**release.metrics["auc"])
    if release.metrics["signal"] and (said.low <= 0.5 or has_fallen(said, promised)):
        because.insert(
            0, f"it ranks worse than it did: AUC {said.value:.3f}, {promised.value:.3f} then"
        )
        return Verdict.RETRAIN, because
    if realised.calibration.p_value < SURELY and realised.worth > WORTH_MENDING:
        because.insert(
            0,
            f"probabilities are off: {realised.mean_probability:.1%} on average, "
            f"{realised.rate.value:.1%} converted",
        )
        return Verdict.RECALIBRATE, because
    because.insert(0, "probabilities agree with what became of the leads")
    return Verdict.KEEP, because


def has_fallen(now: Interval, then: Interval) -> bool:
    """Whether an AUC is lower than on other leads before, by more than chance and by enough.

    The standard errors are taken from both 95 % intervals.

    >>> has_fallen(Interval(0.70, 0.66, 0.74), Interval(0.80, 0.76, 0.84))
    True
    >>> has_fallen(Interval(0.79, 0.789, 0.791), Interval(0.80, 0.799, 0.801))
    False
    """
    lost = then.value - now.value
    error = float(np.hypot(now.high - now.low, then.high - then.low)) / (2 * Z95)
    return lost > FALLEN * error and lost > MUCH_FALLEN * (then.value - 0.5)


def _asked_as_learned(release: Release, dataset: Dataset) -> Dataset:
    """The dataset with the horizon and the ages at which the release was asked in training."""
    ages = tuple(release.manifest["data"]["reference_ages_days"])
    asked = {"horizon_days": release.horizon_days, "reference_ages_days": ages}
    return replace(dataset, settings=dataset.settings.model_copy(update=asked))


def _learned_until(release: Release) -> datetime | None:
    told = release.manifest["data"].get("observed_until") if release.has_time else None
    return datetime.fromisoformat(told) if told else None


def _later(labelled: LabelledReferences, since: datetime | None) -> Bool:
    """References asked at or after the end of what was learned; all of them without time."""
    if since is None:
        return np.ones(len(labelled), dtype=np.bool_)
    later: Bool = labelled.as_of_us >= round(since.timestamp() * 1e6)
    return later


def _realised(asked: LabelledReferences, p: Float64, rng: np.random.Generator) -> Realised | None:
    """Figures of the matured references, or None where there are too few of either outcome."""
    mature = asked.mature
    label, weight, lead = asked.label[mature], asked.weight[mature], asked.lead[mature]
    conversions = int((label == 1).sum())
    if min(conversions, len(label) - conversions) < FEWEST_CONVERSIONS:
        return None
    said, rate = p[mature], rate_of(label, weight, lead)
    figures = evaluate(label, said, weight, lead, rng)
    calibration = calibration_test(label, said, weight, lead)
    # two numbers fitted to n leads look better by 1/n nats and are worse elsewhere by as much
    worth = calibration.gain - 2.0 / effective_leads(lead, weight)
    return Realised(
        references=len(label),
        leads=len(np.unique(lead)),
        conversions=conversions,
        rate=rate,
        mean_probability=float(np.average(said, weights=weight)),
        figures=figures,
        gain=loss_difference(label, said, np.full(len(said), rate.value), weight, lead, rng),
        calibration=calibration,
        worth=worth / figures["log_loss"].value,
    )


def _promised(release: Release) -> dict[str, float]:
    """The figures of the release's own test."""
    named = ("log_loss", "brier", "auc", "calibration_error", "top_decile_lift")
    told = {name: float(release.metrics[name]["value"]) for name in named}
    return {**told, "rate": float(release.metrics["test"]["rate"])}
