"""The release that a card is compared with, and both on the same references as far as recorded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.errors import RegistryError, ReleaseError
from scoring.bands import BandThresholds
from scoring.release.audit_trail import AuditTrail
from scoring.release.release import Release, load_release
from scoring.release.store import StoredRelease
from training.evaluation.metrics import Estimate, log_loss, loss_difference
from training.model_card.changes import PreviousRelease, SameReferences
from training.registry.backtest_artifact import recorded_backtest, recorded_key
from training.registry.gate_criteria import GateLimits
from training.registry.mlflow_registry import CHAMPION, PREVIOUS, Registry
from training.registry.resolve import Warn, locate
from training.settings import TrackingSettings


def current_champion(
    settings: TrackingSettings, test: Callable[[bytes], pd.DataFrame], cuts: BandThresholds
) -> PreviousRelease | None:
    """What answers while a release is trained, compared by the recorded backtests.

    ``test``: rows of `training.registry.backtest_artifact.backtest_table` under a key. None where
    nothing answers, or what does cannot be read any more (its files are refused, or of an
    older format).
    """
    version = Registry(settings).aliased(CHAMPION)
    if version is None:
        return None
    try:
        release = load_release(locate(version.number, settings).path)
    except (ReleaseError, RegistryError):
        return None
    then, key = recorded_backtest(settings, version), recorded_key(settings, version)
    same = None
    if key is not None:
        same = from_recorded_backtests(test(key), cuts, then, release.thresholds)
    return PreviousRelease(
        f"version {version.number} (release {release.release_id})", release, same
    )


def previous_release(
    stored: StoredRelease, against: str | None, settings: TrackingSettings
) -> tuple[StoredRelease, str] | None:
    """What to compare with, and how it is called.

    ``against``: a release as in `training.registry.resolve.locate`; None for what answers now, or
    answered before if ``stored`` answers itself. None comes back where there is no such release;
    a folder is compared with nothing unless given.
    """
    if against is not None:
        found = locate(against, settings)
        number = f"version {found.version}" if found.version else f"release {found.release_id}"
        return found, number if against.isdecimal() or not found.version else f"{against}, {number}"
    if not stored.version:
        return None
    for alias in (CHAMPION, PREVIOUS):
        try:
            found = locate(alias, settings)
        except RegistryError:
            continue
        if found.release_id != stored.release_id:
            number = f"version {found.version}" if found.version else found.release_id
            return found, f"{alias}, {number}"
        # the champion itself: compared with what answered before
    return None


def compared_with(
    now: StoredRelease,
    release: Release,
    then: StoredRelease,
    called: str,
    settings: TrackingSettings,
    warn: Warn,
) -> PreviousRelease:
    """``then`` beside ``release``: by the gate that let it pass, else by both recorded backtests.

    ``warn`` is called with one sentence when the registry that holds the tests is down.
    """
    before = load_release(then.path)
    same = from_gate_report(AuditTrail(settings.home).entries(), now.release_id, then.release_id)
    if same is None and now.version and then.version:
        try:
            registry = Registry(settings)
            backtest_now, backtest_then = (
                recorded_backtest(settings, registry.version(side.version)) for side in (now, then)
            )
            same = from_recorded_backtests(
                backtest_now, release.thresholds, backtest_then, before.thresholds
            )
        except RegistryError as error:
            warn(f"both releases are not compared on the same references, because {error}")
    return PreviousRelease(called, before, same)


def from_gate_report(entries: list[dict[str, Any]], now: str, then: str) -> SameReferences | None:
    """The gate's result when release ``now`` followed release ``then``; None if it did not."""
    for entry in reversed(entries):
        gate = entry.get("gate")
        if _named(entry.get("to")) != now or _named(entry.get("from")) != then:
            continue
        if isinstance(gate, Mapping) and isinstance(gate.get("difference"), Mapping):
            return SameReferences(
                references=int(gate["references"]),
                log_loss=float(gate["log_loss"]),
                log_loss_then=float(gate["champion_log_loss"]),
                difference=Estimate(**gate["difference"]),
                band_change=gate.get("band_change"),
                by="compared by the gate",
            )
    return None


def _named(side: Any) -> str:
    return str(side.get("release_id", "")) if isinstance(side, Mapping) else ""


def from_recorded_backtests(
    now: pd.DataFrame, cuts: BandThresholds, then: pd.DataFrame, cuts_then: BandThresholds
) -> SameReferences | None:
    """Both on the references of either backtest; None if they are too few.

    The tables as in `training.registry.backtest_artifact`; outcomes and weights are those of
    ``now``. Too few: as the gate counts (100, with 10 of either outcome).
    """
    keys = ["lead", "as_of_us"]
    both = now.drop_duplicates(keys).merge(
        then.drop_duplicates(keys)[[*keys, "probability"]], on=keys, suffixes=("", "_then")
    )
    limits, positives = GateLimits(), int((both["label"] == 1).sum()) if len(both) else 0
    enough = min(positives, len(both) - positives) >= limits.min_of_each_class
    if len(both) < limits.min_references or not enough:
        return None
    label = both["label"].to_numpy(np.int8)
    p, before = both["probability"].to_numpy(), both["probability_then"].to_numpy()
    weight, lead = both["weight"].to_numpy(), np.asarray(pd.factorize(both["lead"])[0], np.int64)
    changed = cuts.bands_of(p) != cuts_then.bands_of(before)
    return SameReferences(
        references=len(both),
        log_loss=log_loss(label, p, weight),
        log_loss_then=log_loss(label, before, weight),
        difference=loss_difference(label, p, before, weight, lead, np.random.default_rng(0)),
        band_change=float(np.average(changed, weights=weight)),
        by="references of both backtests",
    )
