"""What happened with many leads, as sorted arrays: the only shape the engine reads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.compute.array_types import Float64, Int32, Int64, Object

NO_TIME: int = int(np.iinfo(np.int64).min)
"""``created_at_us`` of a lead whose creation is unknown (a dataset without time)."""


@dataclass(frozen=True, slots=True)
class Interactions:
    """Interactions grouped by lead, each lead's rows sorted by time.

    ``offsets`` (n_leads + 1): lead ``i`` owns rows ``offsets[i]:offsets[i + 1]``.
    ``at_us``: microseconds since 1970 UTC. ``kind``: position in ``kinds``, which is sorted by
    name, so that ties in time fall the same way whatever else is in the table.
    ``value`` and ``duration_s``: NaN is unknown.
    """

    offsets: Int64
    at_us: Int64
    kind: Int32
    value: Float64
    duration_s: Float64
    kinds: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answers:
    """Answers grouped by lead, each lead's rows sorted by (time, attribute, value).

    ``attribute`` and ``value`` are positions in ``attributes`` and ``values``, sorted by name.
    """

    offsets: Int64
    attribute: Int32
    at_us: Int64
    value: Int32
    attributes: tuple[str, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Histories:
    """Everything known of ``len(self)`` leads.

    ``attributes``: name → float64 (number, boolean as 0/1; NaN unknown) or object
    (category as str; None unknown), one row a lead, as known at creation.
    """

    lead_ids: Object
    created_at_us: Int64
    attributes: dict[str, Float64 | Object]
    interactions: Interactions
    answers: Answers

    def __len__(self) -> int:
        return len(self.lead_ids)


@dataclass(frozen=True, slots=True)
class References:
    """Pairs of a lead and a moment: ``lead`` is a row of the histories, ``as_of_us`` is UTC."""

    lead: Int64
    as_of_us: Int64

    def __len__(self) -> int:
        return len(self.lead)
