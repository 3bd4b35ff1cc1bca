"""How far features and scores have moved between two releases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from scoring.release import Release
from training.monitoring.shift import Shift, shift_of

SCORE = "score"


def shifts_between(then: Release, now: Release, record: Mapping[str, Any]) -> list[Shift] | None:
    """The population stability index of every feature that both have, most moved first.

    ``record``: what ``now`` keeps for its card; the scores come first in the answer. None where
    it keeps no spread, or ``then`` no deciles. Of each column fifty values are kept, so an index
    is right to about 0.01.
    """
    learned = then.statistics
    if "spread" not in record or "quantiles" not in learned:
        return None
    spread, stats = record["spread"], now.statistics
    scores = _shift(SCORE, learned["scores"], stats["scores"], spread["scores"], then, now)
    known = learned["features"]
    features = [
        _shift(name, known[name], stats["features"][name], column, then, now)
        for name, column in spread["features"].items()
        if name in known
    ]
    return [scores, *sorted(features, key=lambda shift: (-shift.psi, shift.name))]


def _shift(
    name: str,
    learned: Mapping[str, Any],
    current: Mapping[str, Any],
    spread: Mapping[str, list[float]],
    then: Release,
    now: Release,
) -> Shift:
    """The values kept stand for those up to them; one more is unknown."""
    unknown = float(current["unknown"])
    column = np.array([*spread["values"], np.nan])
    weight = np.append((1.0 - unknown) * np.diff(spread["upto"], prepend=0.0), unknown)
    quantiles = list(then.statistics["quantiles"])
    return shift_of(name, learned, quantiles, _leads(then), column, weight, _leads(now))


def _leads(release: Release) -> float:
    return float(release.manifest.get("data", {}).get("leads", 0))
