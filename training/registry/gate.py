"""The gate before a promotion: challenger and champion on references neither has learned from.

A release is fitted on everything that was mature when it was trained, so on that data it cannot
be tested any more. Each side therefore answers a reference

- by itself, if the lead was created at or after the moment where its training data end;
- else by its *honest test*: the same recipe learned at an earlier moment, whose answers were
  recorded when it was trained;
- else not at all.

References that both sides answer are compared. With newer data (``--dataset``) both releases
answer for themselves; without, the challenger's test meets the older champion, or both tests meet
each other. The rules are in `training.registry.gate_criteria`.
"""

from __future__ import annotations

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
from features.reading.read import read_dataset
from scoring.release.release import Release, load_release
from scoring.release.store import ReleaseStore, StoredRelease
from scoring.scores import score
from training.labels.references import LabelledReferences, labelled_references
from training.leakage.audit import audit, sure_leaks
from training.registry.backtest_artifact import hashed_lead_id, recorded_test
from training.registry.gate_criteria import GateLimits, GateReport, PairedPredictions, judge
from training.registry.mlflow_registry import Registry, Version
from training.settings import TrackingSettings

DAY_S = 86_400.0


CHANGED_OUTCOMES = 0.02
"""Share of outcomes that may be corrected between two editions of the data."""


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: its release, its version in the registry and its recorded test.

    ``test``: columns lead (pseudonym), as_of_us, label, probability, base_rate; empty if not
    recorded.
    """

    release: Release
    version: Version
    test: pd.DataFrame

    @property
    def known_until(self) -> datetime | None:
        """Where its training data end; None without time."""
        until = self.release.manifest.get("data", {}).get("observed_until")
        return datetime.fromisoformat(until) if until else None


def examine(
    challenger: StoredRelease,
    champion: StoredRelease | None,
    settings: TrackingSettings,
    *,
    now: str,
    dataset: str | None = None,
    limits: GateLimits | None = None,
) -> GateReport:
    """Everything that speaks for and against promoting ``challenger``.

    ``dataset``: a folder or URL; by default the newer of the two that the sides were trained on.
    Raises UsageError if it cannot be read, RegistryError if the registry is down.
    """
    mine = side_of(challenger, settings)
    theirs = side_of(champion, settings) if champion else None
    data = _read(dataset, [side for side in (mine, theirs) if side])
    age = _age_days(mine, theirs, settings, now) if theirs else 0.0
    return compare(mine, theirs, data, age_days=age, limits=limits)


def compare(
    mine: Side,
    theirs: Side | None,
    data: Dataset,
    *,
    age_days: float = 0.0,
    limits: GateLimits | None = None,
) -> GateReport:
    """`examine` with everything at hand. ``age_days``: what the champion does not know of."""
    limits = limits or GateLimits()
    refused = _foreign(mine, theirs)
    if refused:
        return GateReport(refused, {})
    aged = age_days >= limits.max_age_days
    pairs = pairs_of(mine, theirs, data)
    report = judge(pairs, aged=aged, limits=limits, rng=np.random.default_rng(0))
    return GateReport(
        _leaks(mine.release, data) + _other_outcomes(theirs, data) + report.refusals,
        {"compared_on": data.fingerprint[:12], "champion_is_aged": aged, **report.evidence},
    )


def side_of(stored: StoredRelease, settings: TrackingSettings) -> Side:
    """Read one side: its files from the store, its recorded test from the registry."""
    version = Registry(settings).version(stored.version)
    return Side(load_release(Path(stored.path)), version, recorded_test(settings, version))


def pairs_of(mine: Side, theirs: Side | None, data: Dataset) -> PairedPredictions:
    """The mature references of ``data`` that both sides answer honestly."""
    histories = histories_from_dataset(data)
    labelled = labelled_references(data, histories)
    labelled = labelled.take(labelled.mature)
    honest, base_rate = _answers(mine, histories, labelled)
    if theirs is None:
        other = base_rate
    else:
        other, _ = _answers(theirs, histories, labelled)
    both = np.flatnonzero(~np.isnan(honest) & ~np.isnan(other))
    kept = labelled.take(both)
    return PairedPredictions(
        label=kept.label,
        weight=kept.weight,
        lead=kept.lead,
        challenger=honest[both],
        champion=other[both],
        base_rate=base_rate[both],
        released=score(mine.release, histories, kept.references).probability,
        challenger_band=mine.release.cuts.bands_of(honest[both]),
        champion_band=theirs.release.cuts.bands_of(other[both]) if theirs else None,
    )


def _answers(
    side: Side, histories: Histories, labelled: LabelledReferences
) -> tuple[Float64, Float64]:
    """(honest probability, base rate it would have said), NaN where there is no honest answer."""
    said = _recorded(side.test, histories, labelled, "probability")
    base_rate = _recorded(side.test, histories, labelled, "base_rate")
    until = side.known_until
    if until is not None and labelled.has_time:
        until_us = round(until.timestamp() * 1_000_000)
        rows = np.flatnonzero(histories.created_at_us[labelled.lead] >= until_us)
        asked = labelled.take(rows).references
        said[rows] = score(side.release, histories, asked).probability
        base_rate[rows] = side.release.statistics.get("base_rate", np.nan)
    return said, base_rate


def _recorded(
    test: pd.DataFrame, histories: Histories, labelled: LabelledReferences, column: str
) -> Float64:
    """What a test recorded of each reference, NaN where nothing."""
    leads, member = np.unique(labelled.lead, return_inverse=True)
    names = np.array(
        [hashed_lead_id(str(lead_id)) for lead_id in histories.lead_ids[leads]], object
    )
    asked = pd.MultiIndex.from_arrays([names[member], labelled.as_of_us])
    known = test.drop_duplicates(["lead", "as_of_us"]).set_index(["lead", "as_of_us"])
    return known[column].reindex(asked).to_numpy(np.float64, copy=True)


def _foreign(mine: Side, theirs: Side | None) -> tuple[str, ...]:
    """What makes a comparison pointless."""
    if theirs is None:
        return ()
    if mine.release.name != theirs.release.name:
        return (
            f"it was trained on {mine.release.name!r}, the champion on {theirs.release.name!r}; "
            "give each its own LEADSCORE_MODEL_NAME",
        )
    if mine.release.horizon_days != theirs.release.horizon_days:
        return (
            f"it answers for {mine.release.horizon_days:g} days, the champion for "
            f"{theirs.release.horizon_days:g}: other questions, other figures",
        )
    if mine.known_until and theirs.known_until and mine.known_until < theirs.known_until:
        return (
            f"it is stale: its data end {mine.known_until:%Y-%m-%d}, the champion's "
            f"{theirs.known_until:%Y-%m-%d}",
        )
    return ()


def _leaks(release: Release, data: Dataset) -> tuple[str, ...]:
    """Sure leaks of the audit that the challenger uses; again, whatever training was told."""
    topics = {feature.topic for feature in release.spec.features}
    return tuple(
        f"it uses {suspect.name!r}, a sure leak: {suspect.reasons}"
        for suspect in sure_leaks(audit(data, costs=False))
        if suspect.name in topics
    )


def _other_outcomes(theirs: Side | None, data: Dataset) -> tuple[str, ...]:
    """The champion's test remembers outcomes; data that tell them otherwise judge nobody."""
    if theirs is None:
        return ()
    histories = histories_from_dataset(data)
    labelled = labelled_references(data, histories)
    labelled = labelled.take(labelled.mature)
    then = _recorded(theirs.test, histories, labelled, "label")
    both = ~np.isnan(then)
    changed = float(np.mean(then[both] != labelled.label[both])) if both.any() else 0.0
    if changed <= CHANGED_OUTCOMES:
        return ()
    return (
        f"the data tell other outcomes than before for {changed:.0%} of the references that the "
        "champion was tested on: find out why before trusting either",
    )


def _read(dataset: str | None, sides: list[Side]) -> Dataset:
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
            f"({error}); say where data lie by --dataset"
        ) from error


def _age_days(mine: Side, theirs: Side, settings: TrackingSettings, now: str) -> float:
    """How much newer the challenger's data are; without time, how long the champion answers."""
    if mine.known_until and theirs.known_until:
        return (mine.known_until - theirs.known_until).total_seconds() / DAY_S
    pointer = ReleaseStore(settings.home).pointer()
    change: dict[str, Any] = dict(pointer.change or {}) if pointer else {}
    if "when" not in change:
        return 0.0
    since = datetime.fromisoformat(now) - datetime.fromisoformat(str(change["when"]))
    return since.total_seconds() / DAY_S
