"""The gate before a promotion: challenger and champion on references neither was fitted on.

A release is fitted on everything that was mature when it was trained, so on that data it cannot
be tested any more. The prediction of either side for a reference is therefore

- the release's own, if the reference lies at or after the end of its training data;
- else that of its backtest, which was recorded when it was trained; where the backtest's model,
  which had less, found no signal and the release did: what was predicted out of fold when the
  release was chosen;
- else missing.

References with a prediction of both sides are compared. With newer data (``--dataset``) both
releases predict; without, the challenger's backtest is compared with the older champion, or both
backtests with each other. The criteria are in `training.registry.gate_criteria`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.compute.array_types import Float64
from features.dataset import Dataset
from features.errors import DataError, StorageError, UsageError
from features.histories.arrays import Histories
from features.histories.build import histories_from_dataset
from features.language.plural import plural
from features.reading.read import read_dataset
from scoring.release.release import Release, load_release
from scoring.release.store import ReleaseStore, StoredRelease
from scoring.scores import score
from training.labels.references import LabelledReferences, labelled_references
from training.registry.backtest_artifact import (
    any_signal,
    hashed_lead_id,
    recorded_backtest,
    recorded_key,
    recorded_out_of_fold,
)
from training.registry.gate_criteria import (
    GateLimits,
    GateReport,
    PairedPredictions,
    apply_criteria,
)
from training.registry.gate_suspects import inputs_of, unconfirmed_leaks
from training.registry.mlflow_registry import Registry, Version
from training.settings import TrackingSettings

DAY_S = 86_400.0


MAX_CHANGED_OUTCOMES = 0.02
"""Share of outcomes that may differ between two editions of the data."""


@dataclass(frozen=True, slots=True)
class GateSide:
    """Challenger or champion: its release, its version in the registry and its backtest.

    ``backtest``: columns lead (hashed id), as_of_us, label, probability, base_rate; empty if not
    recorded. ``out_of_fold``: the same of what chose the release, None if not recorded.
    ``hash_key``: what the leads of both are hashed with.
    """

    release: Release
    version: Version
    backtest: pd.DataFrame
    out_of_fold: pd.DataFrame | None = None
    hash_key: bytes = b""

    @property
    def signal(self) -> bool:
        """Whether the release itself is better than the base rate by its own choice."""
        return bool(self.release.metrics.get("signal", True))

    @property
    def choice_z(self) -> float:
        """Standard errors by which its choice beat the base rate out of fold; 0 not recorded."""
        choice = self.release.metrics.get("choice") or {}
        return float(choice.get("gain_in_errors") or 0.0)

    @property
    def mature_references(self) -> int:
        """How many references taught it, 0 if not recorded."""
        data = self.release.manifest.get("data", {})
        return int(data.get("positives", 0)) + int(data.get("negatives", 0))

    @property
    def recorded(self) -> pd.DataFrame:
        """The predictions that speak for it where it has learned from the data: see the module."""
        chosen = self.out_of_fold
        if chosen is None or not len(chosen) or not self.signal or any_signal(self.backtest):
            return self.backtest
        return chosen

    @property
    def known_until(self) -> datetime | None:
        """Where its training data end; None without time."""
        until = self.release.manifest.get("data", {}).get("observed_until")
        return datetime.fromisoformat(until) if until else None


def evaluate_gate(
    challenger: StoredRelease,
    champion: StoredRelease | None,
    settings: TrackingSettings,
    *,
    now: str,
    dataset: str | None = None,
    limits: GateLimits | None = None,
    confirmed: Collection[str] = (),
    confirmed_before: Collection[str] = (),
) -> GateReport:
    """The evidence for and against promoting ``challenger``.

    ``dataset``: a folder or URL; by default the newer of the two that the sides were trained on.
    ``confirmed``: suspects of the audit that a person has found to be known in time;
    ``confirmed_before``: those of earlier promotions, of which the challenger may lack some.
    Raises UsageError if it cannot be read, RegistryError if the registry is down.
    """
    new = side_of(challenger, settings)
    old = side_of(champion, settings) if champion else None
    data = _read(dataset, [side for side in (new, old) if side])
    age = _age_days(new, old, settings, now) if old else 0.0
    confirmed = {*confirmed, *(set(confirmed_before) & inputs_of(new.release))}
    return compare(new, old, data, age_days=age, limits=limits, confirmed=confirmed)


def compare(
    challenger: GateSide,
    champion: GateSide | None,
    data: Dataset,
    *,
    age_days: float = 0.0,
    limits: GateLimits | None = None,
    confirmed: Collection[str] = (),
) -> GateReport:
    """`evaluate_gate` from loaded input. ``age_days``: how much older the champion's data are.

    Raises UsageError if a name of ``confirmed`` is no input of the challenger.
    """
    limits = limits or GateLimits()
    refused = _incomparable(challenger, champion)
    if refused:
        return GateReport(refused, {})
    is_aged = age_days >= limits.max_age_days
    before = champion.mature_references if champion else 0
    has_more = before > 0 and challenger.mature_references >= limits.more_data * before
    pairs = paired_predictions(challenger, champion, data)
    follows = is_aged or has_more
    report = apply_criteria(pairs, aged=follows, limits=limits, rng=np.random.default_rng(0))
    leaks, reliance = unconfirmed_leaks(
        challenger.release, champion.release if champion else None, data, limits, confirmed
    )
    evidence = {
        "compared_on": data.fingerprint[:12],
        "champion_is_aged": is_aged,
        "has_more_data": has_more,
        "relies_on": reliance,
        "confirmed_suspects": sorted(set(confirmed)),
    }
    return GateReport(
        leaks + _changed_outcomes(champion, data) + report.refusals, evidence | report.evidence
    )


def side_of(stored: StoredRelease, settings: TrackingSettings) -> GateSide:
    """Read one side: its files from the store, its backtest from the registry."""
    version = Registry(settings).version(stored.version)
    key, backtest = recorded_key(settings, version), recorded_backtest(settings, version)
    out_of_fold = recorded_out_of_fold(settings, version)
    if key is None:  # hashed by another home: none of the rows can be found here
        key, backtest, out_of_fold = b"", backtest.iloc[:0], out_of_fold.iloc[:0]
    return GateSide(load_release(Path(stored.path)), version, backtest, out_of_fold, key)


def paired_predictions(
    challenger: GateSide, champion: GateSide | None, data: Dataset
) -> PairedPredictions:
    """The mature references of ``data`` with an out-of-sample prediction of both sides."""
    histories = histories_from_dataset(data)
    labelled = labelled_references(data, histories)
    labelled = labelled.take(labelled.mature)
    predicted, base_rate = _predictions(challenger, histories, labelled)
    if champion is None:
        other = base_rate
    else:
        other, _ = _predictions(champion, histories, labelled)
    both = np.flatnonzero(~np.isnan(predicted) & ~np.isnan(other))
    kept = labelled.take(both)
    return PairedPredictions(
        label=kept.label,
        weight=kept.weight,
        lead=kept.lead,
        challenger=predicted[both],
        champion=other[both],
        base_rate=base_rate[both],
        released=score(challenger.release, histories, kept.references).probability,
        challenger_band=challenger.release.thresholds.bands_of(predicted[both]),
        champion_band=champion.release.thresholds.bands_of(other[both]) if champion else None,
        unit=kept.unit,
        signal=challenger.signal,
        champion_signal=champion.signal if champion else True,
        choice_z=challenger.choice_z,
    )


def _predictions(
    side: GateSide, histories: Histories, labelled: LabelledReferences
) -> tuple[Float64, Float64]:
    """(out-of-sample probability, base rate known then), NaN where there is no prediction."""
    probability = _recorded(side, histories, labelled, "probability")
    base_rate = _recorded(side, histories, labelled, "base_rate")
    until = side.known_until
    if until is not None and labelled.has_time:
        until_us = round(until.timestamp() * 1_000_000)
        rows = np.flatnonzero(labelled.as_of_us >= until_us)
        references = labelled.take(rows).references
        probability[rows] = score(side.release, histories, references).probability
        base_rate[rows] = side.release.statistics.get("base_rate", np.nan)
    return probability, base_rate


def _recorded(
    side: GateSide, histories: Histories, labelled: LabelledReferences, column: str
) -> Float64:
    """What a side's backtest recorded of each reference, NaN where nothing."""
    leads, member = np.unique(labelled.lead, return_inverse=True)
    names = np.array(
        [hashed_lead_id(str(lead_id), side.hash_key) for lead_id in histories.lead_ids[leads]],
        object,
    )
    keys = pd.MultiIndex.from_arrays([names[member], labelled.as_of_us])
    known = side.recorded.drop_duplicates(["lead", "as_of_us"]).set_index(["lead", "as_of_us"])
    return known[column].reindex(keys).to_numpy(np.float64, copy=True)


def _incomparable(challenger: GateSide, champion: GateSide | None) -> tuple[str, ...]:
    """Reasons why the two cannot be compared."""
    if champion is None:
        return ()
    if challenger.release.name != champion.release.name:
        return (
            f"it was trained on {challenger.release.name!r}, the champion on "
            f"{champion.release.name!r}; "
            "give each its own LEADSCORE_MODEL_NAME",
        )
    if challenger.release.horizon_days != champion.release.horizon_days:
        days = plural(challenger.release.horizon_days, "{n:g} day", "{n:g} days")
        return (
            f"it predicts for {days}, the champion for {champion.release.horizon_days:g}: their "
            "figures cannot be compared",
        )
    if (
        challenger.known_until
        and champion.known_until
        and challenger.known_until < champion.known_until
    ):
        return (
            f"it is stale: its data end {challenger.known_until:%Y-%m-%d}, the champion's "
            f"{champion.known_until:%Y-%m-%d}",
        )
    return ()


def _changed_outcomes(champion: GateSide | None, data: Dataset) -> tuple[str, ...]:
    """Refusal where the data hold other outcomes than the champion's backtest recorded."""
    if champion is None:
        return ()
    histories = histories_from_dataset(data)
    labelled = labelled_references(data, histories)
    labelled = labelled.take(labelled.mature)
    then = _recorded(champion, histories, labelled, "label")
    both = ~np.isnan(then)
    changed = float(np.mean(then[both] != labelled.label[both])) if both.any() else 0.0
    if changed <= MAX_CHANGED_OUTCOMES:
        return ()
    return (
        f"the data hold other outcomes than before for {changed:.0%} of the references that the "
        "champion was tested on: find out why before trusting either",
    )


def _read(dataset: str | None, sides: list[GateSide]) -> Dataset:
    if dataset is not None:
        return read_dataset(dataset)
    # of data equally new the champion's, which passed this gate
    newest = max(
        reversed(sides), key=lambda side: side.known_until or datetime.min.replace(tzinfo=UTC)
    )
    source = newest.version.tags.get("dataset_source", "")
    try:
        return read_dataset(source)
    except (DataError, StorageError) as error:
        raise UsageError(
            f"the gate cannot read the data that version {newest.version.number} was trained on "
            f"({error}); give the data by --dataset"
        ) from error


def _age_days(
    challenger: GateSide, champion: GateSide, settings: TrackingSettings, now: str
) -> float:
    """How much newer the challenger's data are; without time, how long it has been the champion."""
    if challenger.known_until and champion.known_until:
        return (challenger.known_until - champion.known_until).total_seconds() / DAY_S
    pointer = ReleaseStore(settings.home).pointer()
    change: dict[str, Any] = dict(pointer.change or {}) if pointer else {}
    if "when" not in change:
        return 0.0
    since = datetime.fromisoformat(now) - datetime.fromisoformat(str(change["when"]))
    return since.total_seconds() / DAY_S
