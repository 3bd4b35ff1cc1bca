"""Reasons: the features that moved a score most, in words a sales person understands."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from features.histories import Float64, Int64
from features.jit import compiled
from features.spec import FeatureSpec

MAX_REMEMBERED = 100_000
"""Sentences kept to be said again."""


class Reason(NamedTuple):
    """One feature's share of the log-odds of one score.

    ``value`` is the feature's (NaN unknown) and ``text`` says it in words; ``contribution`` > 0
    speaks for the conversion, < 0 against it.
    """

    feature: str
    text: str
    value: float
    contribution: float


@compiled
def strongest_columns(contributions: Float64, k: int) -> Int64:
    """(n, k) columns of each row's k largest shares by size, the first of equals first.

    Shares of zero are no reasons; −1 fills the row up.

    >>> strongest_columns(np.array([[0.1, -0.7, 0.0, 0.7]]), 5).tolist()
    [[1, 3, 0, -1, -1]]
    """
    n, width = contributions.shape
    out = np.full((n, k), -1, dtype=np.int64)
    for row in range(n):
        for column in range(width):
            size = abs(contributions[row, column])
            place = k
            while place > 0 and (
                out[row, place - 1] < 0 or abs(contributions[row, out[row, place - 1]]) < size
            ):
                place -= 1
            if size > 0.0 and place < k:
                for later in range(k - 1, place, -1):
                    out[row, later] = out[row, later - 1]
                out[row, place] = column
    return out


def top_reasons(
    spec: FeatureSpec, vector: Float64, contributions: Float64, k: int = 3
) -> list[Reason]:
    """The k features with the largest shares of one score, (F,) vectors and shares.

    Fewer when fewer features have a share. The others are not lost: base + all shares is the
    score, see :class:`scoring.model.Explained`.
    """
    return Sentences(spec).top(vector, contributions, k)


class Sentences:
    """Reasons of many rows; what is said of a whole number is kept to be said again."""

    def __init__(self, spec: FeatureSpec) -> None:
        self._spec = spec
        self._known: dict[tuple[int, float | None], str] = {}

    def top(self, vector: Float64, contributions: Float64, k: int = 3) -> list[Reason]:
        """:func:`top_reasons` of one row."""
        row = np.ascontiguousarray(contributions).reshape(1, -1)
        found = []
        for column in strongest_columns(row, max(k, 0))[0].tolist():
            if column >= 0:
                name, value = self._spec.features[column].name, float(vector[column])
                share = float(contributions[column])
                found.append(Reason(name, self._sentence(column, value), value, share))
        return found

    def reasons(
        self, vectors: Float64, contributions: Float64, columns: Int64
    ) -> list[list[str | None]]:
        """For every row a text per column as ``12 page views in the last 7 days (+0.85)``.

        ``columns`` (n, k) as of :func:`strongest_columns`; −1 gives None.
        """
        rows = np.arange(len(columns))[:, None]
        values = vectors[rows, columns].tolist() if columns.size else []
        shares = contributions[rows, columns].tolist() if columns.size else []
        return [
            [
                None if column < 0 else f"{self._sentence(column, value)} ({share:+.2f})"
                for column, value, share in zip(*row, strict=True)
            ]
            for row in zip(columns.tolist(), values, shares, strict=True)
        ]

    def _sentence(self, column: int, value: float) -> str:
        key = (column, None if value != value else value)
        text = self._known.get(key)
        if text is None:
            text = self._spec.features[column].sentence(value)
            if (value != value or value.is_integer()) and len(self._known) < MAX_REMEMBERED:
                self._known[key] = text
        return text
