"""A scorecard compiled to declared features: one engine counts for rules and for models."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from features.cleaning import FALSE_WORDS, TRUE_WORDS
from features.compute.array_types import Bools, Float64, Int32
from features.contract import DEFAULT_OUTBOUND_KINDS, AttributeType, value_to_text
from features.language.language import ENGLISH, Language
from features.vectors.catalogue import Source
from features.vectors.compute import encode_value
from features.vectors.nouns import OUTBOUND
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.scorecard import kernel
from scoring.scorecard.rules import (
    UNANSWERED,
    Condition,
    Rule,
    ScorecardDefinition,
    Value,
    is_category,
)

Columns = tuple[tuple[int, ...], ...]


MAX_CACHED_SENTENCES = 20_000


@dataclass(frozen=True)
class ConditionPlan:
    """Where one condition finds its numbers: five lists of columns (see the kernel), and codes."""

    condition: Condition
    columns: Columns
    codes: tuple[float, ...] = ()

    @cached_property
    def kind(self) -> int:
        """What the kernel compares."""
        if self.condition.attribute is None:
            return kernel.COUNTS if self.condition.inactive_days is None else kernel.SILENT
        if self.condition.known is not None:
            return kernel.KNOWN
        return kernel.VALUES if matched_words(self.condition) else kernel.RANGE

    def numbers(self) -> list[float]:
        """The condition's numbers in the kernel's order."""
        condition = self.condition
        rule = condition if isinstance(condition, Rule) else None
        least = condition.inactive_days or (-np.inf if condition.attribute else 1.0)
        return [
            rule.points if rule else 0.0,
            least if condition.at_least is None else condition.at_least,
            np.inf if condition.below is None else condition.below,
            condition.minutes_at_least or 0.0,
            (rule and rule.half_life_days) or 0.0,
            (rule and rule.max_points) or np.inf,
            0.0 if condition.known else 1.0,
            1.0 if rule and rule.count == "each" else 0.0,
        ]


def matched_words(condition: Condition) -> tuple[Value, ...]:
    """The values that a condition on an attribute matches; words of ``contains`` as they stand,
    until :meth:`scoring.scorecard.scorecard.Scorecard.resolved` finds the values that hold them."""
    return (*condition.is_, *condition.contains)


def _sentence(spec: FeatureSpec, column: int, value: float, language: Language) -> str:
    feature = spec.features[column]
    attribute = next((a for a in spec.attributes if a.name == feature.topic), None)
    if attribute is None or np.isnan(value):
        return feature.sentence(value, language)
    if feature.aggregate == "ordinal":
        level = attribute.levels[int(value)]
        feature = Feature(feature.source, feature.topic, "level", level=level)
        return feature.sentence(1.0, language)
    if feature.aggregate == "value" and attribute.type == AttributeType.BOOLEAN:
        return Feature(feature.source, feature.topic, "flag").sentence(value, language)
    return feature.sentence(value, language)


class MatchText:
    """What each condition of a plan counted, in one language; sentences about whole numbers, as
    most counts are, are cached."""

    def __init__(self, plan: CardPlan, language: Language = ENGLISH) -> None:
        self._plan, self._language = plan, language
        self._columns = [
            condition.columns[kernel.OF_COUNTS][: None if condition.kind == kernel.COUNTS else 1]
            for condition in plan.conditions
        ]
        self._sentences: dict[tuple[int, float], str] = {}

    def of(self, condition: int, row: Sequence[float]) -> str:
        """The evidence of one condition in one vector (F,) of plain numbers."""
        columns = self._columns[condition]
        if len(columns) > 1:
            columns = tuple([c for c in columns if row[c] > 0]) or columns[:1]
        column = columns[0]
        first = self._sentences.get((column, row[column])) or self._sentence(column, row[column])
        if len(columns) == 1:
            return first
        return ", ".join([first, *(self._sentence(c, row[c]) for c in columns[1:])])

    def of_each(self, conditions: Sequence[int], row: Sequence[float]) -> list[str]:
        """:meth:`of` each of these conditions."""
        columns_of, known = self._columns, self._sentences
        texts = []
        for condition in conditions:
            columns = columns_of[condition]
            first = (columns[0], row[columns[0]])
            text = known.get(first) if len(columns) == 1 else None
            texts.append(self.of(condition, row) if text is None else text)
        return texts

    def _sentence(self, column: int, value: float) -> str:
        text = self._sentences.get((column, value))
        if text is None:
            text = _sentence(self._plan.spec, column, value, self._language)
            if value.is_integer() and len(self._sentences) < MAX_CACHED_SENTENCES:
                self._sentences[column, value] = text
        return text


@dataclass(frozen=True)
class CardPlan:
    """The features a card needs, and the arrays that the kernel reads.

    ``conditions``: of the rules and exclusions; the arrays hold those of their terms too.
    """

    spec: FeatureSpec
    conditions: tuple[ConditionPlan, ...]
    kinds: Int32
    numbers: Float64
    columns: Int32
    lists: Int32
    codes: Float64
    code_offsets: Int32
    group: Int32
    caps: Float64
    is_fit: Bools
    terms: Int32
    negated: Bools


def compile_card(card: ScorecardDefinition) -> CardPlan:
    """Declare the features of a card and flatten its conditions."""
    main = (*card.rules, *card.exclusions)
    terms = [term for condition in main for term in condition.terms]
    conditions: Sequence[Condition] = (*main, *terms)
    attributes = {name: _attribute_spec(name, conditions) for name in _attribute_names(conditions)}
    position: dict[Feature, int] = {}
    plans = tuple(_plan(condition, attributes, position) for condition in conditions)
    ends_of_terms = len(main) + np.cumsum([0, *(len(c.terms) for c in main)])
    negated = [barred for c in main for barred in [False] * len(c.and_) + [True] * len(c.not_)]
    groups = list(card.groups)
    spec = FeatureSpec(
        tuple(position), tuple(attributes.values()), card.outbound_kinds or DEFAULT_OUTBOUND_KINDS
    )
    lengths = [[len(part) for part in plan.columns] for plan in plans]
    ends = np.cumsum([0, *(n for row in lengths for n in row)])
    starts = ends[:-1].reshape(-1, kernel.LISTS)
    return CardPlan(
        spec,
        plans[: len(main)],
        kinds=np.array([p.kind for p in plans], dtype=np.int32),
        numbers=np.array([p.numbers() for p in plans], dtype=np.float64),
        columns=np.array([c for p in plans for part in p.columns for c in part], dtype=np.int32),
        lists=np.column_stack([starts, ends[kernel.LISTS :: kernel.LISTS]]).astype(np.int32),
        codes=np.array([code for p in plans for code in p.codes], dtype=np.float64),
        code_offsets=np.cumsum([0, *(len(p.codes) for p in plans)]).astype(np.int32),
        group=np.array(
            [-1 if r.group is None else groups.index(r.group) for r in card.rules], dtype=np.int32
        ),
        caps=_caps(card),
        is_fit=np.array([c.side == "fit" for c in main], dtype=np.bool_),
        terms=np.column_stack([ends_of_terms[:-1], ends_of_terms[1:]]).astype(np.int32),
        negated=np.array([False] * len(main) + negated, dtype=np.bool_),
    )


def _caps(card: ScorecardDefinition) -> Float64:
    return np.array(
        [
            (np.inf if cap.max is None else cap.max, -np.inf if cap.min is None else cap.min)
            for cap in card.groups.values()
        ],
        dtype=np.float64,
    ).reshape(-1, 2)


def _attribute_names(conditions: Sequence[Condition]) -> list[str]:
    return sorted({c.attribute for c in conditions if c.attribute is not None})


def _attribute_spec(name: str, conditions: Sequence[Condition]) -> AttributeSpec:
    """Words make a category; true and false alone a boolean; anything else a number."""
    about = [c for c in conditions if c.attribute == name]
    values = [value for c in about for value in matched_words(c)]
    if is_category(about):
        levels = dict.fromkeys(word for value in values for word in _words(value))
        return AttributeSpec(name, AttributeType.CATEGORY, levels=tuple(levels))
    if values and all(isinstance(value, bool) for value in values):
        return AttributeSpec(name, AttributeType.BOOLEAN)
    return AttributeSpec(name, AttributeType.NUMBER)


def _words(value: Value) -> list[str]:
    """How a value may be spelled in a category; true and false have several spellings."""
    if isinstance(value, bool):
        return sorted(TRUE_WORDS if value else FALSE_WORDS)
    return [value_to_text(value)]


def _plan(
    condition: Condition, attributes: dict[str, AttributeSpec], position: dict[Feature, int]
) -> ConditionPlan:
    if condition.attribute is not None:
        return _attribute_plan(condition, attributes[condition.attribute], position)
    window, kinds = condition.within_days, condition.interaction
    if condition.inactive_days is not None:
        silent = [Feature(Source.INTERACTIONS, kind, "days_silent") for kind in kinds]
        columns = tuple(position.setdefault(f, len(position)) for f in silent)
        return ConditionPlan(condition, (columns, (), (), (), ()))

    def counted(of: tuple[str, ...], aggregate: str = "count") -> tuple[int, ...]:
        features = [Feature(Source.INTERACTIONS, kind, aggregate, window) for kind in of]
        return tuple(position.setdefault(f, len(position)) for f in features)

    if kinds == (UNANSWERED,):
        feature = Feature(Source.INTERACTIONS, OUTBOUND, "unanswered")
        counts: tuple[int, ...] = (position.setdefault(feature, len(position)),)
    else:
        counts = counted(kinds)
    minutes = counted(kinds, "minutes_total") if condition.minutes_at_least else ()
    decayed, since_last = _decay_columns(condition, position)
    return ConditionPlan(
        condition, (counts, minutes, counted(condition.without), decayed, since_last)
    )


def _decay_columns(condition: Condition, position: dict[Feature, int]) -> Columns:
    """Columns of the decayed sums (``each``), or of the days since the last one (``first``)."""
    if not isinstance(condition, Rule) or condition.half_life_days is None:
        return (), ()
    if condition.count == "each":
        days = condition.half_life_days
        kinds = [
            Feature(Source.INTERACTIONS, kind, "decayed", half_life_days=days)
            for kind in condition.interaction
        ]
        return tuple(position.setdefault(f, len(position)) for f in kinds), ()
    kinds = [Feature(Source.INTERACTIONS, k, "days_since_last") for k in condition.interaction]
    return (), tuple(position.setdefault(f, len(position)) for f in kinds)


def _attribute_plan(
    condition: Condition, attribute: AttributeSpec, position: dict[Feature, int]
) -> ConditionPlan:
    category = attribute.type == AttributeType.CATEGORY
    aggregate = "ordinal" if category else "value"
    if condition.known is not None:
        aggregate = "unknown"
    feature = Feature(Source.ATTRIBUTE, attribute.name, aggregate)
    column = position.setdefault(feature, len(position))
    codes = {level: float(i) for i, level in enumerate(attribute.levels)}
    wanted = [word for v in matched_words(condition) for word in (_words(v) if category else [v])]
    return ConditionPlan(
        condition,
        ((column,), (), (), (), ()),
        tuple(encode_value(attribute, codes, w) for w in wanted),
    )
