"""Monotone constraints of the boosted candidates: directions that the score must keep.

The table says in which direction more of an aggregate may move the score, by the group of the
attribute. Only answers whose levels the dataset declares in order (least first) are in it: there
somebody has declared which answer is the better one. Nothing is constrained for numbers (a budget
of zero may be a free offer), for counts of interactions (many calls may be complaints) or for
answers being known: data of real firms contradict each of these.
"""

from __future__ import annotations

from features.contract import Group
from features.vectors.catalogue import Source
from features.vectors.spec import FeatureSpec

MONOTONE_INCREASING: dict[tuple[Group, str], int] = {
    (Group.BUDGET, "ordinal"): 1,
    (Group.AUTHORITY, "ordinal"): 1,
    (Group.NEED, "ordinal"): 1,
    (Group.TIMELINE, "ordinal"): 1,
}
"""(group, aggregate) → 1: more is never worse; -1: never better."""


REDUNDANT_WITH_MONOTONE = ("level", "other_level")
"""Columns of a constrained answer that could undo its direction; the trees do not read them."""


def monotone_constraints(spec: FeatureSpec) -> tuple[int, ...]:
    """(F) of -1, 0, 1 for the columns of ``spec``; empty when nothing is constrained."""
    groups = {a.name: a.group for a in spec.attributes}
    constraints = tuple(
        MONOTONE_INCREASING.get((groups[f.topic], f.aggregate), 0)
        if f.source == Source.ATTRIBUTE and f.topic in groups
        else 0
        for f in spec.features
    )
    return constraints if any(constraints) else ()


def redundant_columns(spec: FeatureSpec) -> tuple[int, ...]:
    """Positions of the columns that repeat what the rank of a constrained answer says."""
    constrained = {
        f.topic for f, sign in zip(spec.features, monotone_constraints(spec), strict=False) if sign
    }
    return tuple(
        position
        for position, f in enumerate(spec.features)
        if f.source == Source.ATTRIBUTE
        and f.topic in constrained
        and f.aggregate in REDUNDANT_WITH_MONOTONE
    )
