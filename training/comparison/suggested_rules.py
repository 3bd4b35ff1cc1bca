"""A scorecard to adopt: the team's own rules with better points, and nothing else changed.

The refit of :mod:`training.comparison.reweighted` is a yardstick: it may turn a sign and drops the
caps. What a team is asked to adopt keeps the meaning of its rules: a rule that spoke for a lead
never speaks against it, groups stay, and their caps move as the points in them do.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.compute.array_types import Float64
from features.histories.arrays import Histories, References
from scoring.scorecard.rules import GroupCap, PointThresholds, ScorecardDefinition
from scoring.scorecard.scorecard import Scorecard
from training.comparison.reweighted import round_points, thresholds_with_shares, with_points


def suggested_scorecard(
    card: Scorecard,
    refitted: Scorecard,
    histories: Histories,
    references: References,
    weight: Float64,
) -> Scorecard:
    """``card`` with the points of ``refitted`` as far as their signs agree; elsewhere half a point
    of the old sign, the least there is.

    ``references`` (n) with ``weight`` (n): as many of them as before are warm and hot. Conditions,
    exclusions, groups and names stay.
    """
    old = [rule.points for rule in card.card.rules]
    points = [
        kept_sign(before, rule.points)
        for before, rule in zip(old, refitted.card.rules, strict=True)
    ]
    definition = card.card.model_copy(
        update={
            "rules": tuple(
                with_points(rule, p) for rule, p in zip(card.card.rules, points, strict=True)
            ),
            "groups": _groups(card.card, points),
            "name": f"{card.name} suggested",
            "about": f"{card.name}, the same rules, signs and groups; points as leads turned out",
        }
    )
    before, now = (
        Scorecard(one).points(histories, references).points for one in (card.card, definition)
    )
    bands: PointThresholds = thresholds_with_shares(card.card.bands, before, now, weight)
    return Scorecard(definition.model_copy(update={"bands": bands}))


def kept_sign(old: float, new: float) -> float:
    """The new points where their sign is that of the old, half a point of the old sign elsewhere.

    >>> kept_sign(10, 14.0), kept_sign(10, -3.0), kept_sign(-5, 2.0), kept_sign(0, 4.0)
    (14.0, 0.5, -0.5, 0.0)
    """
    return float(np.sign(old) * max(np.sign(old) * new, 0.5 if old else 0.0))


def _groups(card: ScorecardDefinition, points: Sequence[float]) -> dict[str, GroupCap]:
    """Each group's caps, moved as the sum of the points of that sign in it moves."""
    found = {}
    for name, group in card.groups.items():
        pairs = [
            (rule.points, p) for rule, p in zip(card.rules, points, strict=True)
            if rule.group == name
        ]  # fmt: skip
        limits = {
            key: None if cap is None else _moved(cap, [(a, b) for a, b in pairs if a * cap > 0])
            for key, cap in (("max", group.max), ("min", group.min))
        }
        found[name] = group.model_copy(update=limits)
    return found


def _moved(cap: float, pairs: Sequence[tuple[float, float]]) -> float:
    """A cap scaled as the points under it; never 0."""
    before, now = (sum(abs(pair[side]) for pair in pairs) for side in (0, 1))
    if not before:
        return cap
    return round_points(cap * now / before) or float(np.sign(cap) * 0.5)
