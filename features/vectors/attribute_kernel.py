"""The value of each attribute as of a moment, and the columns made of it, in one pass.

The value as of a moment is the last one answered strictly before it; without an answer it is
the one known at creation; without that it is unknown (NaN).
"""

from __future__ import annotations

import numpy as np

from features.compute.array_types import DAY_US, Float64, Int32, Int64
from features.compute.jit import kernel

(
    OP_VALUE,
    OP_ORDINAL,
    OP_UNKNOWN,
    OP_LEVEL,
    OP_OTHER_LEVEL,
    OP_DAYS_SINCE_ANSWER,
    OP_UNKNOWN_ANSWERS,
    OP_ANSWERED_GROUPS,
    OP_LEAD_AGE,
    OP_CREATED_HOUR,
    OP_CREATED_WEEKDAY,
) = range(11)
OP_DERIVED = -1
"""Not of the kernel: an expression of columns, evaluated after it."""


@kernel
def _latest_values(
    offsets: Int64,
    attribute: Int32,
    at_us: Int64,
    value: Int32,
    lead: int,
    as_of: int,
    position_of: Int32,
    encoded: Float64,
    known: Float64,
    answered_us: Int64,
) -> None:
    """Overwrite ``known`` and ``answered_us`` with the answers given before ``as_of``."""
    for row in range(offsets[lead], offsets[lead + 1]):
        position = position_of[attribute[row]]
        if position >= 0 and at_us[row] < as_of:
            known[position] = encoded[position, value[row]]
            answered_us[position] = at_us[row]


@kernel
def _column(
    op: int,
    position: int,
    level: float,
    as_of: int,
    created: int,
    known: Float64,
    answered_us: Int64,
    groups: Int32,
    never: int,
) -> float:
    """One column's value; see ``features.vectors.spec`` for the meaning and the null of each."""
    if op == OP_VALUE:
        return known[position]
    if op == OP_ORDINAL:  # an answer outside the ordered levels has no rank
        return known[position] if known[position] < level else np.nan
    if op == OP_UNKNOWN:
        return 1.0 if np.isnan(known[position]) else 0.0
    if op in (OP_LEVEL, OP_OTHER_LEVEL):
        return 1.0 if known[position] == level else 0.0
    if op == OP_DAYS_SINCE_ANSWER:
        answered = answered_us[position]
        return np.nan if answered == never else (as_of - answered) / DAY_US
    if op == OP_UNKNOWN_ANSWERS:
        unknown = 0.0
        for a in range(len(known)):
            if groups[a] == position and np.isnan(known[a]):
                unknown += 1.0
        return unknown
    if op == OP_ANSWERED_GROUPS:
        answered_groups = 0.0
        for group in range(4):
            for a in range(len(known)):
                if groups[a] == group and not np.isnan(known[a]):
                    answered_groups += 1.0
                    break
        return answered_groups
    if created == never:
        return np.nan
    if op == OP_LEAD_AGE:
        return (as_of - created) / DAY_US
    if op == OP_CREATED_HOUR:
        return float(created // 3_600_000_000 % 24)
    return float((created // DAY_US + 3) % 7)


@kernel
def attributes_as_of(
    at_creation: Float64,
    created_at_us: Int64,
    offsets: Int64,
    attribute: Int32,
    at_us: Int64,
    value: Int32,
    position_of: Int32,
    encoded: Float64,
    groups: Int32,
    reference_lead: Int64,
    reference_as_of: Int64,
    columns: Int32,
    levels: Float64,
    never: int,
    out: Float64,
) -> None:
    """Write the attribute, answer and lead columns of every reference into ``out``.

    ``at_creation`` (n_leads, n_attributes): numbers, or positions of levels; NaN unknown.
    ``encoded`` (n_attributes, n_values): the same for every answer that occurs.
    ``position_of``: attribute of the answers → attribute of the spec, -1 for none.
    ``columns`` (n, 3): column of ``out``, operation, attribute (or group); ``levels`` (n,).
    """
    n_attributes = at_creation.shape[1]
    known = np.empty(n_attributes)
    answered_us = np.empty(n_attributes, dtype=np.int64)
    for r in range(len(reference_lead)):
        lead = reference_lead[r]
        as_of = reference_as_of[r]
        known[:] = at_creation[lead]
        answered_us[:] = never
        _latest_values(
            offsets, attribute, at_us, value, lead, as_of, position_of, encoded, known, answered_us
        )
        for c in range(len(columns)):
            out[r, columns[c, 0]] = _column(
                columns[c, 1], columns[c, 2], levels[c], as_of, created_at_us[lead], known,
                answered_us, groups, never,
            )  # fmt: skip
