"""Rows as they arrive, in parts of a table, and their shares for the processor's cores."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.histories import Float64, Int32, Int64

UInt64 = npt.NDArray[np.uint64]

Arrived = tuple[Int64, Int32, Float64, Float64, UInt64]
"""Some rows as they came: time, kind, value, duration, and event hashes (or none at all)."""


class Arriving(Protocol):
    """Rows of which the columns are made when they are needed, and no longer kept than that."""

    def __len__(self) -> int:
        """How many rows."""

    def columns(self, low: int, high: int) -> Arrived:
        """The rows from ``low`` to ``high``."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """Rows that are there as columns already."""

    whole: Arrived

    def __len__(self) -> int:
        return len(self.whole[0])

    def columns(self, low: int, high: int) -> Arrived:
        """The rows from ``low`` to ``high``, nothing copied."""
        at_us, kind, value, duration_s, event = self.whole
        rows = slice(low, high)
        return at_us[rows], kind[rows], value[rows], duration_s[rows], event[rows]


Share = list[tuple[int, Arriving, int, int]]
"""Some rows in order of arrival: where the part begins among all, the part, and its rows."""


def shares_of(parts: Sequence[Arriving], cores: int) -> list[Share]:
    """The rows in as many equal shares as there are cores; a part may be divided."""
    n = sum(map(len, parts))
    edges = [n * i // cores for i in range(cores + 1)]
    shares: list[Share] = [[] for _ in range(cores)]
    start = 0
    for part in parts:
        end = start + len(part)
        for share, low, high in zip(shares, edges, edges[1:], strict=False):
            low, high = max(low, start), min(high, end)
            if low < high:
                share.append((start, part, low - start, high - start))
        start = end
    return shares
