"""A feature specification compiled to the small arrays that the kernels read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.compute.array_types import DAY_US, Bools, Float64, Int32, Int64
from features.contract import BANT, AttributeType
from features.errors import DataError
from features.expressions import Expression
from features.vectors.accumulators import IGNORED, NEEDS_DECAY, NEEDS_OF
from features.vectors.catalogue import Source
from features.vectors.nouns import ANY, INBOUND, OUTBOUND
from features.vectors.spec import DERIVED, AttributeSpec, Feature, FeatureSpec

WEEK_DAYS, FIVE_WEEKS_DAYS = 7.0, 35.0


FIXED_STREAMS = (ANY, INBOUND, OUTBOUND)


TOPICS_OF = {"usual_hour": FIXED_STREAMS, "unanswered": (OUTBOUND,)}
"""Aggregates that are not kept for every kind."""


SILENCE = "days_silent"
"""The aggregate that counts from the lead's creation where its stream has no row."""


LEAD_TOPICS = frozenset({"lead", "bant", *(str(g) for g in BANT)})


@dataclass(frozen=True)
class KindTable:
    """What the kernel needs of the kinds of one history table (one row a kind)."""

    stream_of: Int64
    outbound: Bools
    apart: Bools
    decays: Bools


@dataclass(frozen=True)
class DerivedColumn:
    """A declared feature: its column, its expression, and the attribute behind each name."""

    column: int
    expression: Expression
    positions: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """The compiled specification; arrays as described in the kernels."""

    stream_of: dict[str, int]
    outbound_kinds: frozenset[str]
    excluded_kinds: frozenset[str]
    opt_out_kinds: frozenset[str]
    needs: Int64
    windows_us: Int64
    half_lives_us: Float64
    week: int
    five_weeks: int
    interaction_columns: Int64
    column_offsets: Int64
    silence_columns: tuple[int, ...]
    attribute_columns: Int32
    attribute_levels: Float64
    attributes: tuple[AttributeSpec, ...]
    level_codes: tuple[dict[str, float], ...]
    groups: Int32
    derived: tuple[DerivedColumn, ...] = ()

    def kind_table(self, kinds: Sequence[str]) -> KindTable:
        """For every kind of a history table, the streams that its rows belong to."""
        own = np.array([self.stream_of.get(kind, -1) for kind in kinds], dtype=np.int64)
        outbound = np.array([kind in self.outbound_kinds for kind in kinds], dtype=np.bool_)
        decaying = (self.needs >= 0) & (self.needs & NEEDS_DECAY != 0)
        decays = decaying[0] | np.where(outbound, decaying[2], decaying[1])
        apart = np.array([kind in self.opt_out_kinds for kind in kinds], dtype=np.bool_)
        decays |= np.where(own >= 0, decaying[own], False)
        if self.excluded_kinds:
            own[[kind in self.excluded_kinds for kind in kinds]] = IGNORED
        return KindTable(own, outbound, apart, decays)


def _interaction_column(
    number: int,
    feature: Feature,
    stream_of: dict[str, int],
    windows: list[float],
    half_lives: list[float],
) -> tuple[int, int, int, int, int]:
    if feature.topic not in TOPICS_OF.get(feature.aggregate, (feature.topic,)):
        raise DataError(
            f"feature {feature.name!r}: {feature.aggregate} is counted of "
            f"{', '.join(TOPICS_OF[feature.aggregate])} only"
        )
    window = len(windows) if feature.window_days is None else windows.index(feature.window_days)
    half_life = 0
    if feature.definition.decays:
        if feature.half_life_days is None:
            raise DataError(f"feature {feature.topic}.{feature.aggregate} needs half_life_days")
        half_life = half_lives.index(feature.half_life_days)
    return number, feature.definition.op, stream_of[feature.topic], window, half_life


def _needs(columns: list[tuple[int, int, int, int, int]], n_streams: int) -> Int64:
    needs = np.full(n_streams, -1, dtype=np.int64)
    for _, op, stream, _, _ in columns:
        needs[stream] = max(0, needs[stream]) | NEEDS_OF.get(op, 0)
    return needs


def _attribute_column(
    number: int, feature: Feature, attributes: tuple[AttributeSpec, ...]
) -> tuple[tuple[int, int, int], float]:
    if feature.aggregate == "unknown_answers":
        return (number, feature.definition.op, [str(g) for g in BANT].index(feature.topic)), 0.0
    if feature.topic in LEAD_TOPICS and feature.aggregate.startswith(("age", "created", "answer")):
        return (number, feature.definition.op, 0), 0.0
    names = [a.name for a in attributes]
    if feature.topic not in names:
        raise DataError(f"feature {feature.name!r} asks for an attribute that is not specified")
    position = names.index(feature.topic)
    attribute = attributes[position]
    level = 0.0
    if feature.aggregate == "level":
        level = float(attribute.levels.index(feature.level or ""))
    elif feature.aggregate in ("other_level", "ordinal"):
        level = float(len(attribute.levels))
    return (number, feature.definition.op, position), level


def _derived_column(
    number: int, feature: Feature, attributes: tuple[AttributeSpec, ...]
) -> DerivedColumn:
    position_of = {a.name: i for i, a in enumerate(attributes) if a.type != AttributeType.CATEGORY}
    names = feature.expression.names
    if missing := [name for name in names if name not in position_of]:
        raise DataError(
            f"feature {feature.name!r} reads {missing[0]!r}, which is no number or boolean here"
        )
    return DerivedColumn(number, feature.expression, tuple(position_of[name] for name in names))


def compile_spec(spec: FeatureSpec) -> Plan:
    """Compile a specification; ``DataError`` when it contradicts itself."""
    counted = [(i, f) for i, f in enumerate(spec.features) if f.source == Source.INTERACTIONS]
    rest = [(i, f) for i, f in enumerate(spec.features) if f.source != Source.INTERACTIONS]
    other = [(i, f) for i, f in rest if f.aggregate != DERIVED]
    kinds = sorted({f.topic for _, f in counted} - set(FIXED_STREAMS))
    stream_of = {name: i for i, name in enumerate((*FIXED_STREAMS, *kinds))}
    windows = sorted(
        {f.window_days for _, f in counted if f.window_days is not None}
        | (
            {WEEK_DAYS, FIVE_WEEKS_DAYS}
            if any(f.aggregate == "trend" for _, f in counted)
            else set()
        )
    )
    half_lives = sorted({f.half_life_days for _, f in counted if f.half_life_days is not None})
    columns = sorted(
        (_interaction_column(i, f, stream_of, windows, half_lives) for i, f in counted),
        key=lambda column: column[2],
    )
    of_stream = np.array([column[2] for column in columns], dtype=np.int64)
    per_stream = np.bincount(of_stream, minlength=len(stream_of))
    plain = [_attribute_column(i, f, spec.attributes) for i, f in other]
    bant = [str(g) for g in BANT]
    return Plan(
        stream_of={k: v for k, v in stream_of.items() if k not in FIXED_STREAMS},
        outbound_kinds=frozenset(spec.outbound_kinds),
        excluded_kinds=frozenset(spec.excluded_kinds),
        opt_out_kinds=frozenset(spec.opt_out_kinds),
        needs=_needs(columns, len(stream_of)),
        windows_us=np.array([round(w * DAY_US) for w in windows], dtype=np.int64),
        half_lives_us=np.array([h * DAY_US for h in half_lives], dtype=np.float64),
        week=windows.index(WEEK_DAYS) if WEEK_DAYS in windows else 0,
        five_weeks=windows.index(FIVE_WEEKS_DAYS) if FIVE_WEEKS_DAYS in windows else 0,
        interaction_columns=np.array(columns, dtype=np.int64).reshape(-1, 5),
        column_offsets=np.concatenate(([0], np.cumsum(per_stream))).astype(np.int64),
        silence_columns=tuple(i for i, f in counted if f.aggregate == SILENCE),
        attribute_columns=np.array([c for c, _ in plain], dtype=np.int32).reshape(-1, 3),
        attribute_levels=np.array([level for _, level in plain], dtype=np.float64),
        attributes=spec.attributes,
        level_codes=tuple(
            {level: float(i) for i, level in enumerate(a.levels)}
            if a.type == AttributeType.CATEGORY
            else {}
            for a in spec.attributes
        ),
        groups=np.array(
            [bant.index(str(a.group)) if str(a.group) in bant else -1 for a in spec.attributes],
            dtype=np.int32,
        ),
        derived=tuple(
            _derived_column(i, f, spec.attributes) for i, f in rest if f.aggregate == DERIVED
        ),
    )
