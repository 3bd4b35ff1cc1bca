"""The scorecard as a part of a model: the rules' points, read from the columns of the vector.

log-odds = intercept + coef × Σ (share − mean share) over the rules and exclusions, where a share is
what a rule gives after the caps of its group, by the arithmetic of
:mod:`scoring.scorecard.scorecard`. More points never make a lead less likely: ``coef`` >= 0.

A rule's share belongs to the features that it counts: to those that are above zero in equal parts,
to all of them in equal parts when none is. What is subtracted to centre it is spread over all of
them. A rule on words counts the columns of those levels.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from features.compute.array_types import Float64, Int64
from features.compute.jit import kernel
from features.contract import AttributeType
from features.errors import DataError, ReleaseError
from features.vectors.catalogue import Source
from features.vectors.nouns import ANY, INBOUND, OUTBOUND
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.model.component import count, number, numbers
from scoring.scorecard.compile import compile_card
from scoring.scorecard.kernel import OF_COUNTS
from scoring.scorecard.rules import UNANSWERED, Condition, RuleCondition, ScorecardDefinition
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.toml import card_from_data, card_to_data

Places = tuple[int, ...]


MAX_ABS_POINTS = 1e9
"""Larger amounts count as this much, so that no rule gives infinity."""


@kernel
def _read(vectors: Float64, columns: Int64, offsets: Int64, words: Float64, out: Float64) -> None:
    """What the rules look at: a column as it is, or the word whose level column is 1."""
    for row in range(vectors.shape[0]):
        for i in range(len(offsets) - 1):
            if words[i] == 0.0:
                value = vectors[row, columns[offsets[i]]]
                out[row, i] = (
                    min(max(value, -MAX_ABS_POINTS), MAX_ABS_POINTS) if value == value else value
                )
                continue
            out[row, i] = np.nan
            for place in range(offsets[i], offsets[i + 1]):
                if columns[place] >= 0 and vectors[row, columns[place]] == 1.0:
                    out[row, i] = float(place - offsets[i])


@kernel
def _add(
    vectors: Float64,
    shares: Float64,
    mean: Float64,
    counted: Int64,
    offsets: Int64,
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
                seen += vectors[row, counted[place]] > 0.0
            given = weight * shares[row, rule]
            for place in range(low, high):
                column = counted[place]
                if seen == 0:
                    out[row, column] += given / (high - low)
                elif vectors[row, column] > 0.0:
                    out[row, column] += given / seen
                out[row, column] -= weight * mean[rule] / (high - low)


@dataclass(frozen=True, eq=False)
class ScorecardComponent:
    """Points of a card as log-odds; F features, C rules and exclusions.

    ``card``: what can be counted from the vector. ``columns``: for each feature that the card
    declares (``Scorecard(card).spec``) one column of the vector; for one compared with words, a
    column for each word in order, -1 for a word without a column. ``mean`` (C): each rule's mean
    share in training. Raises DataError for a column outside the vector or a negative ``coef``.
    """

    kind: ClassVar[str] = "scorecard"
    card: ScorecardDefinition
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

    def __getstate__(self) -> dict[str, Any]:
        """The fields alone: what is cached holds functions that cannot be pickled."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    @cached_property
    def scorecard(self) -> Scorecard:
        return Scorecard(self.card)

    @cached_property
    def _widths(self) -> list[int]:
        """Per feature of the card: the number of its words, 0 where it is read as it is."""
        levels = {a.name: len(a.levels) for a in self.scorecard.spec.attributes}
        return [
            levels[f.topic] if f.aggregate == "ordinal" else 0 for f in self.scorecard.spec.features
        ]

    @cached_property
    def _reading(self) -> tuple[Int64, Int64, Float64]:
        flat, offsets = _flat(self.columns)
        return flat, offsets, np.array([float(w > 0) for w in self._widths])

    @cached_property
    def _counted_columns(self) -> tuple[Int64, Int64]:
        """The columns of the vector that each rule counts, flat, and where each rule's start."""
        counted = []
        for plan in self.scorecard.plan.conditions:
            places = [self.columns[i] for i in plan.columns[OF_COUNTS]]
            if plan.codes and len(places[0]) > 1:
                places = [tuple(places[0][int(code)] for code in plan.codes)]
            counted.append(tuple(dict.fromkeys(p for some in places for p in some if p >= 0)))
        return _flat(counted)

    @property
    def base(self) -> float:
        """The intercept: the log-odds where every rule gives its mean."""
        return float(self.intercept)

    def shares(self, vectors: Float64) -> Float64:
        """(n, F) → (n, C): each rule's points after caps; finite, whatever the vectors."""
        read = np.empty((len(vectors), len(self.columns)))
        _read(vectors, *self._reading, read)
        given = self.scorecard.points_of(read).shares
        _, offsets = self._counted_columns
        given[:, np.diff(offsets) == 0] = 0.0
        return np.clip(np.nan_to_num(given, nan=0.0), -MAX_ABS_POINTS, MAX_ABS_POINTS)

    def points(self, vectors: Float64) -> Float64:
        """(n, F) → (n,): the points of the rules that can be counted from the vector."""
        return np.asarray(self.shares(vectors).sum(axis=1))

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        shares = self.shares(vectors)
        _add(vectors, shares, self.mean, *self._counted_columns, float(scale * self.coef), out)

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
    def from_dict(cls, data: Mapping[str, Any]) -> ScorecardComponent:
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


def _flat(lists: Sequence[Places]) -> tuple[Int64, Int64]:
    offsets = np.cumsum([0, *(len(places) for places in lists)])
    return (
        np.array([place for places in lists for place in places], dtype=np.int64),
        offsets.astype(np.int64),
    )


BY_DIRECTION = frozenset({INBOUND, OUTBOUND, UNANSWERED})
"""Topics whose meaning depends on which kinds are outbound."""


_SAME = {"flag": "value"}


def spec_with_rules(
    spec: FeatureSpec, card: ScorecardDefinition
) -> tuple[FeatureSpec, ScorecardComponent] | None:
    """``spec`` with the columns that the rules need at its end, and the part that counts them.

    Rules are left out that look at an attribute which ``spec`` does not use (excluded, known only
    after the outcome, not in the data), that compare a number with words, that count excluded
    kinds, or that mean other kinds by ``outbound``. None when no rule is left. The part gives 1
    log-odds a point, not centred.
    """
    card = computable_subset(card, spec)
    if not card.rules:
        return None
    card_spec = compile_card(card).spec
    place = {_key(feature): i for i, feature in enumerate(spec.features)}
    further: list[Feature] = []

    def column(feature: Feature) -> int:
        if _key(feature) not in place:
            place[_key(feature)] = len(spec) + len(further)
            further.append(feature)
        return place[_key(feature)]

    in_model = {a.name: a for a in spec.attributes}
    in_card = {a.name: a for a in card_spec.attributes}
    columns: list[Places] = []
    for feature in card_spec.features:
        if feature.aggregate == "ordinal":
            known, words = in_model[feature.topic].levels, in_card[feature.topic].levels
            levels = [Feature(Source.ATTRIBUTE, feature.topic, "level", level=w) for w in words]
            columns.append(tuple(column(f) if f.level in known else -1 for f in levels))
        else:
            columns.append((column(_as_spelled(feature, in_model)),))
    joined = replace(spec, features=(*spec.features, *further))
    n_rules = len(card.rules) + len(card.exclusions)
    return joined, ScorecardComponent(
        card, tuple(columns), len(joined), 1.0, 0.0, np.zeros(n_rules)
    )


def computable_subset(card: ScorecardDefinition, spec: FeatureSpec) -> ScorecardDefinition:
    """The card without what cannot be counted from vectors of ``spec``'s attributes."""
    in_model = {a.name: a for a in spec.attributes}
    in_card = {a.name: a for a in compile_card(card).spec.attributes}
    excluded = set(spec.excluded_kinds)
    streams = not card.outbound_kinds or set(card.outbound_kinds) == set(spec.outbound_kinds)
    apart = {ANY, INBOUND} if spec.opt_out_kinds else set()  # a card counts opt-outs among them

    def can(rule: RuleCondition) -> bool:
        return all(can_count(condition) for condition in rule.all_conditions)

    def can_count(condition: Condition) -> bool:
        if condition.contains:
            return False
        if condition.attribute is None:
            named = {*condition.interaction, *condition.without}
            known = streams or not named & BY_DIRECTION
            return known and not named & (excluded | apart)
        if condition.attribute not in in_model:
            return False
        words = in_card[condition.attribute].type == AttributeType.CATEGORY
        return condition.known is not None or words == _is_words(in_model[condition.attribute])

    rules = tuple(rule for rule in card.rules if can(rule))
    exclusions = tuple(row for row in card.exclusions if can(row))
    return card.model_copy(
        update={"rules": rules, "exclusions": exclusions, "outbound_kinds": spec.outbound_kinds}
    )


def _is_words(attribute: AttributeSpec) -> bool:
    return attribute.type == AttributeType.CATEGORY


def _as_spelled(feature: Feature, in_model: dict[str, AttributeSpec]) -> Feature:
    """A boolean is a ``flag`` in a model's specification, a ``value`` in a scorecard's."""
    if feature.source != Source.ATTRIBUTE or feature.aggregate != "value":
        return feature
    boolean = in_model[feature.topic].type == AttributeType.BOOLEAN
    return Feature(Source.ATTRIBUTE, feature.topic, "flag" if boolean else "value")


def _key(feature: Feature) -> tuple[object, ...]:
    """What makes two features the same column, whether an attribute's value is a flag or not."""
    aggregate = _SAME.get(feature.aggregate, feature.aggregate)
    return (
        str(feature.source), feature.topic, aggregate, feature.window_days,
        feature.half_life_days, None if feature.aggregate == "ordinal" else feature.level,
    )  # fmt: skip
