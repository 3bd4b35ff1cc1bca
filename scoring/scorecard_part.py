"""The scorecard as a part of a model: the rules' points, read from the columns of the vector.

log-odds = intercept + coef × Σ (share − mean share) over the rules and exclusions, where a share is
what a rule gives after the caps of its group, by the arithmetic of :mod:`scoring.scorecard`. More
points never make a lead less likely: ``coef`` >= 0.

A rule's share belongs to the features that it counts: to those that are above zero in equal parts,
to all of them in equal parts when none is. What is subtracted to centre it is spread over all of
them. A rule on words counts the columns of those levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from features.errors import DataError, ReleaseError
from features.histories import Float64
from features.jit import compiled
from scoring.parts import count, number, numbers
from scoring.scorecard import Scorecard
from scoring.scorecard_file import card_from_data, card_to_data
from scoring.scorecard_kernel import OF_COUNTS
from scoring.scorecard_rules import Card

Places = tuple[int, ...]
Rows = npt.NDArray[np.int64]
LARGEST = 1e9
"""Larger amounts count as this much: no rule can end in infinity."""


@compiled
def _read(vectors: Float64, columns: Rows, offsets: Rows, words: Float64, out: Float64) -> None:
    """What the rules look at: a column as it is, or the word whose level column is 1."""
    for row in range(vectors.shape[0]):
        for i in range(len(offsets) - 1):
            if words[i] == 0.0:
                value = vectors[row, columns[offsets[i]]]
                out[row, i] = min(max(value, -LARGEST), LARGEST) if value == value else value
                continue
            out[row, i] = np.nan
            for place in range(offsets[i], offsets[i + 1]):
                if columns[place] >= 0 and vectors[row, columns[place]] == 1.0:
                    out[row, i] = float(place - offsets[i])


@compiled
def _add(
    vectors: Float64,
    shares: Float64,
    mean: Float64,
    told: Rows,
    offsets: Rows,
    weight: float,
    out: Float64,
) -> None:
    for row in range(vectors.shape[0]):
        for rule in range(shares.shape[1]):
            low, high = offsets[rule], offsets[rule + 1]
            if low == high:
                continue
            seen = 0
            for place in range(low, high):
                seen += vectors[row, told[place]] > 0.0
            given = weight * shares[row, rule]
            for place in range(low, high):
                column = told[place]
                if seen == 0:
                    out[row, column] += given / (high - low)
                elif vectors[row, column] > 0.0:
                    out[row, column] += given / seen
                out[row, column] -= weight * mean[rule] / (high - low)


@dataclass(frozen=True, eq=False)
class ScorecardPart:
    """Points of a card as log-odds; F features, C rules and exclusions.

    ``card``: what can be counted from the vector. ``columns``: for each feature that the card
    declares (``Scorecard(card).spec``) one column of the vector; for one that stands for words,
    a column for each word in order, -1 for a word without a column. ``mean`` (C): each rule's mean
    share in training. Raises DataError for a column outside the vector or a negative ``coef``.
    """

    kind: ClassVar[str] = "scorecard"
    card: Card
    columns: tuple[Places, ...]
    n_features: int
    coef: float
    intercept: float
    mean: Float64

    def __post_init__(self) -> None:
        scorecard = self.scorecard
        if len(self.columns) != len(scorecard.spec):
            raise DataError(f"scorecard part: {len(scorecard.spec)} lists of columns expected")
        for places, width in zip(self.columns, self._widths, strict=True):
            least = -1 if width else 0
            if len(places) != (width or 1):
                raise DataError("scorecard part: a list of columns has the wrong length")
            if any(not least <= place < self.n_features for place in places):
                raise DataError(f"scorecard part: a column is not in 0..{self.n_features - 1}")
        mean = np.ascontiguousarray(self.mean, dtype=np.float64)
        if mean.shape != (len(scorecard.rule_names),) or not np.isfinite(mean).all():
            raise DataError("scorecard part: mean is not one finite number a rule")
        if not (math.isfinite(self.coef) and self.coef >= 0 and math.isfinite(self.intercept)):
            raise DataError("scorecard part: the coefficient is negative or a number not finite")
        object.__setattr__(self, "mean", mean)

    @cached_property
    def scorecard(self) -> Scorecard:
        """The card, ready to count."""
        return Scorecard(self.card)

    @cached_property
    def _widths(self) -> list[int]:
        """Per feature of the card: the number of its words, 0 where it is read as it is."""
        levels = {a.name: len(a.levels) for a in self.scorecard.spec.attributes}
        return [
            levels[f.topic] if f.aggregate == "ordinal" else 0 for f in self.scorecard.spec.features
        ]

    @cached_property
    def _reading(self) -> tuple[Rows, Rows, Float64]:
        flat, offsets = _flat(self.columns)
        return flat, offsets, np.array([float(w > 0) for w in self._widths])

    @cached_property
    def _telling(self) -> tuple[Rows, Rows]:
        """The columns of the vector that each rule counts, flat, and where each rule's start."""
        told = []
        for plan in self.scorecard.plan.conditions:
            places = [self.columns[i] for i in plan.columns[OF_COUNTS]]
            if plan.codes and len(places[0]) > 1:
                places = [tuple(places[0][int(code)] for code in plan.codes)]
            told.append(tuple(dict.fromkeys(p for some in places for p in some if p >= 0)))
        return _flat(told)

    @property
    def base(self) -> float:
        """The intercept: the log-odds where every rule gives its mean."""
        return float(self.intercept)

    def shares(self, vectors: Float64) -> Float64:
        """(n, F) → (n, C): each rule's points after caps; finite, whatever the vectors."""
        read = np.empty((len(vectors), len(self.columns)))
        _read(vectors, *self._reading, read)
        given = self.scorecard.points_of(read).shares
        _, offsets = self._telling
        given[:, np.diff(offsets) == 0] = 0.0
        return np.clip(np.nan_to_num(given, nan=0.0), -LARGEST, LARGEST)

    def points(self, vectors: Float64) -> Float64:
        """(n, F) → (n,): the points of the rules that can be counted from the vector."""
        return np.asarray(self.shares(vectors).sum(axis=1))

    def add_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        """Add ``scale`` × the share of each feature to ``out``, both (n, F) float64."""
        shares = self.shares(vectors)
        _add(vectors, shares, self.mean, *self._telling, float(scale * self.coef), out)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, read back by :meth:`from_dict`."""
        return {
            "kind": self.kind,
            "card": card_to_data(self.card),
            "columns": [list(places) for places in self.columns],
            "n_features": self.n_features,
            "coef": float(self.coef),
            "intercept": float(self.intercept),
            "mean": self.mean.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ScorecardPart:
        """Raises ReleaseError when the card or a number is not what it should be."""
        card, columns = data.get("card"), data.get("columns")
        if not isinstance(card, dict) or not _are_places(columns):
            raise ReleaseError("'card' is not a scorecard or 'columns' not lists of numbers")
        return cls(
            card_from_data(card),
            tuple(tuple(places) for places in columns or ()),
            count(data, "n_features"),
            number(data, "coef"),
            number(data, "intercept"),
            numbers(data, "mean"),
        )


def _are_places(columns: object) -> bool:
    return isinstance(columns, list) and all(
        isinstance(some, list) and all(type(place) is int for place in some) for some in columns
    )


def _flat(lists: Sequence[Places]) -> tuple[Rows, Rows]:
    offsets = np.cumsum([0, *(len(places) for places in lists)])
    return (
        np.array([place for places in lists for place in places], dtype=np.int64),
        offsets.astype(np.int64),
    )
