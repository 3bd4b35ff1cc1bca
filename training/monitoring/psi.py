"""Drift between two releases, from what each recorded of its training data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scoring.drift import Shift, shift_of
from scoring.release.release import Release

SCORE = "score"


def shifts_between(then: Release, now: Release, record: Mapping[str, Any]) -> list[Shift] | None:
    """The population stability index of every feature that both have, most moved first.

    ``record``: what ``now`` keeps for its card; the scores come first in the answer. None where
    it keeps no spread, or ``then`` no deciles. Of each column fifty values are kept, so an index
    is right to about 0.01.
    """
    statistics = then.statistics
    if "spread" not in record or "quantiles" not in statistics:
        return None
    spread, stats = record["spread"], now.statistics
    scores = _shift(SCORE, statistics["scores"], stats["scores"], spread["scores"], then, now)
    known = statistics["features"]
    features = [
        _shift(name, known[name], stats["features"][name], column, then, now)
        for name, column in spread["features"].items()
        if name in known
    ]
    return [scores, *sorted(features, key=lambda shift: (-shift.psi, shift.name))]


def _shift(
    name: str,
    statistics: Mapping[str, Any],
    current: Mapping[str, Any],
    spread: Mapping[str, list[float]],
    then: Release,
    now: Release,
) -> Shift:
    """Each recorded value represents those up to it; one more is unknown."""
    unknown = float(current["unknown"])
    column = np.array([*spread["values"], np.nan])
    weight = np.append((1.0 - unknown) * np.diff(spread["upto"], prepend=0.0), unknown)
    quantiles = list(then.statistics["quantiles"])
    return shift_of(name, statistics, quantiles, _leads(then), column, weight, _leads(now))


def _leads(release: Release) -> float:
    return float(release.manifest.get("data", {}).get("leads", 0))
