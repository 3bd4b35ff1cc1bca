"""Which rules of a scorecard can be counted from a model's vector, and from which columns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.aggregates import Source
from features.contract import AttributeType
from features.spec import AttributeSpec, Feature, FeatureSpec
from features.wording import INBOUND, OUTBOUND
from scoring.scorecard_part import Places, ScorecardPart
from scoring.scorecard_plan import compile_card
from scoring.scorecard_rules import UNANSWERED, Card, Condition

OURS_OR_THEIRS = frozenset({INBOUND, OUTBOUND, UNANSWERED})
_SAME = {"flag": "value"}


def spec_with_rules(spec: FeatureSpec, card: Card) -> tuple[FeatureSpec, ScorecardPart] | None:
    """``spec`` with the columns that the rules need at its end, and the part that counts them.

    Rules are left out that look at an attribute which ``spec`` does not use (excluded, known only
    after the outcome, not in the data), that take words for numbers, that count excluded kinds, or
    that mean other kinds by ``outbound``. None when no rule is left. The part says 1 log-odds a
    point, not centred.
    """
    card = countable(card, spec)
    if not card.rules:
        return None
    asked = compile_card(card).spec
    place = {_key(feature): i for i, feature in enumerate(spec.features)}
    further: list[Feature] = []

    def column(feature: Feature) -> int:
        if _key(feature) not in place:
            place[_key(feature)] = len(spec) + len(further)
            further.append(feature)
        return place[_key(feature)]

    ours = {a.name: a for a in spec.attributes}
    theirs = {a.name: a for a in asked.attributes}
    columns: list[Places] = []
    for feature in asked.features:
        if feature.aggregate == "ordinal":
            known, words = ours[feature.topic].levels, theirs[feature.topic].levels
            levels = [Feature(Source.ATTRIBUTE, feature.topic, "level", level=w) for w in words]
            columns.append(tuple(column(f) if f.level in known else -1 for f in levels))
        else:
            columns.append((column(_as_spelled(feature, ours)),))
    joined = replace(spec, features=(*spec.features, *further))
    n_rules = len(card.rules) + len(card.exclusions)
    return joined, ScorecardPart(card, tuple(columns), len(joined), 1.0, 0.0, np.zeros(n_rules))


def countable(card: Card, spec: FeatureSpec) -> Card:
    """The card without what cannot be counted from vectors of ``spec``'s attributes."""
    ours = {a.name: a for a in spec.attributes}
    theirs = {a.name: a for a in compile_card(card).spec.attributes}
    excluded = set(spec.excluded_kinds)
    streams = not card.outbound_kinds or set(card.outbound_kinds) == set(spec.outbound_kinds)

    def can(condition: Condition) -> bool:
        if condition.attribute is None:
            named = {*condition.interaction, *condition.without}
            return not named & excluded and (streams or not named & OURS_OR_THEIRS)
        if condition.attribute not in ours:
            return False
        words = theirs[condition.attribute].type == AttributeType.CATEGORY
        return condition.known is not None or words == _is_words(ours[condition.attribute])

    rules = tuple(rule for rule in card.rules if can(rule))
    exclusions = tuple(row for row in card.exclusions if can(row))
    return card.model_copy(
        update={"rules": rules, "exclusions": exclusions, "outbound_kinds": spec.outbound_kinds}
    )


def _is_words(attribute: AttributeSpec) -> bool:
    return attribute.type == AttributeType.CATEGORY


def _as_spelled(feature: Feature, ours: dict[str, AttributeSpec]) -> Feature:
    """A truth is a ``flag`` in a model's specification, a ``value`` in a scorecard's."""
    if feature.source != Source.ATTRIBUTE or feature.aggregate != "value":
        return feature
    boolean = ours[feature.topic].type == AttributeType.BOOLEAN
    return Feature(Source.ATTRIBUTE, feature.topic, "flag" if boolean else "value")


def _key(feature: Feature) -> tuple[object, ...]:
    """What makes two features the same column, however an attribute's value is called."""
    aggregate = _SAME.get(feature.aggregate, feature.aggregate)
    return (
        str(feature.source), feature.topic, aggregate, feature.window_days,
        feature.half_life_days, None if feature.aggregate == "ordinal" else feature.level,
    )  # fmt: skip
