"""Vectors: the features of a specification for each reference. The one code path for everyone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from features.cleaning import FALSE_WORDS, TRUE_WORDS
from features.compute.array_types import DAY_US, Float64, Int32, Object, read_only
from features.compute.parallel import parallel_ranges
from features.contract import AttributeType, value_to_text
from features.errors import DataError
from features.histories.arrays import NO_TIME, Histories, References
from features.language.plural import plural
from features.vectors.attribute_kernel import OP_VALUE, attributes_as_of
from features.vectors.compile import Plan, compile_spec
from features.vectors.interaction_kernel import aggregate_interactions
from features.vectors.spec import AttributeSpec, FeatureSpec

MIN_CHUNK = 2_000
"""Fewer references than this are not worth a thread of their own."""


def before_creation(
    histories: Histories, references: References
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """True where ``as_of`` is before the lead's creation, (n_references,) bool."""
    created = histories.created_at_us[references.lead]
    early: np.ndarray[tuple[int], np.dtype[np.bool_]] = references.as_of_us < created
    return early


def compute_vectors(
    spec: FeatureSpec,
    histories: Histories,
    references: References,
    *,
    out: Float64 | None = None,
) -> Float64:
    """The vector of each reference, from what was known strictly before its ``as_of``.

    Interactions and answers with ``occurred_at < as_of`` only; attributes of the leads table
    count as known at creation. Shape (n_references, n_features), float64, columns as in
    ``spec.names``; NaN is unknown. ``out``: an array of that shape to write into. Raises
    ``DataError`` when a reference is before the creation of its lead (see
    :func:`before_creation`).
    """
    early = before_creation(histories, references)
    if early.any():
        lead = histories.lead_ids[references.lead[int(np.argmax(early))]]
        raise DataError(
            plural(
                int(early.sum()),
                "{n:,} reference asks about a moment before its lead was created (lead {lead}); "
                "ask at or after created_at",
                "{n:,} references ask about a moment before their lead was created (first: lead "
                "{lead}); ask at or after created_at",
                lead=lead,
            )
        )
    if out is None:
        out = np.empty((len(references), len(spec)), dtype=np.float64)
    plan = _plan_of(spec)
    if len(plan.interaction_columns):
        _count_interactions(plan, histories, references, out)
    if len(plan.attribute_columns) or plan.derived:
        _compute_attributes(plan, histories, references, out)
    return out


_plan_of = lru_cache(maxsize=64)(compile_spec)


_kinds_of = lru_cache(maxsize=1024)(Plan.kind_table)  # a request has few kinds, often the same


def _count_interactions(
    plan: Plan, histories: Histories, references: References, out: Float64
) -> None:
    rows = histories.interactions
    table = _kinds_of(plan, rows.kinds)

    def count(low: int, high: int) -> None:
        aggregate_interactions(
            rows.offsets, rows.at_us, rows.kind, rows.value, rows.duration_s,
            references.lead[low:high], references.as_of_us[low:high],
            table.stream_of, table.outbound, table.apart, table.decays, plan.needs,
            plan.windows_us, plan.half_lives_us, plan.week, plan.five_weeks,
            plan.interaction_columns, plan.column_offsets, out[low:high],
        )  # fmt: skip

    parallel_ranges(count, len(references), at_least=MIN_CHUNK)
    if plan.silence_columns:
        _count_silence_from_creation(plan, histories, references, out)


def _count_silence_from_creation(
    plan: Plan, histories: Histories, references: References, out: Float64
) -> None:
    """Where a stream has no row, silence has lasted since the lead was created, if that is known.

    So a lead that was created just now and one that was silent for weeks differ.
    """
    created = histories.created_at_us[references.lead]
    age = np.where(created == NO_TIME, np.nan, (references.as_of_us - created) / DAY_US)
    for column in plan.silence_columns:
        out[:, column] = np.where(np.isnan(out[:, column]), age, out[:, column])


def _compute_attributes(
    plan: Plan, histories: Histories, references: References, out: Float64
) -> None:
    answers = histories.answers
    encoded, position_of = _encoded_answers(plan, histories)
    created = _at_creation(plan, histories)
    created_at_us = read_only(histories.created_at_us)  # or a kernel is compiled once for each way

    def recall(columns: Int32, levels: Float64, into: Float64) -> None:
        def part(low: int, high: int) -> None:
            attributes_as_of(
                created, created_at_us, answers.offsets, answers.attribute,
                answers.at_us, answers.value, position_of, encoded, plan.groups,
                references.lead[low:high], references.as_of_us[low:high],
                columns, levels, NO_TIME, into[low:high],
            )  # fmt: skip

        parallel_ranges(part, len(references), at_least=MIN_CHUNK)

    if len(plan.attribute_columns):
        recall(plan.attribute_columns, plan.attribute_levels, out)
    for derived in plan.derived:
        inputs = np.empty((len(references), len(derived.positions)))
        places = enumerate(derived.positions)
        read = np.array([(i, OP_VALUE, position) for i, position in places], dtype=np.int32)
        recall(read, np.zeros(len(read)), inputs)
        named = {name: inputs[:, i] for i, name in enumerate(derived.expression.names)}
        out[:, derived.column] = derived.expression.evaluate(named, len(references))


def _at_creation(plan: Plan, histories: Histories) -> Float64:
    """The attributes at creation as numbers, (n_leads, n_attributes)."""
    known = np.full((len(histories), len(plan.attributes)), np.nan)
    for i, attribute in enumerate(plan.attributes):
        column = histories.attributes.get(attribute.name)
        if column is None:
            column = _part_of_several(attribute, histories)
        if column is None or attribute.from_answers:
            continue
        if column.dtype == np.float64 and attribute.type != AttributeType.CATEGORY:
            known[:, i] = column
        else:
            known[:, i] = _encode_each(attribute, plan.level_codes[i], column)
    return known


def _part_of_several(attribute: AttributeSpec, histories: Histories) -> Object | None:
    """Whether each lead's value of several words holds the one that the attribute stands for."""
    cleaning = attribute.cleaning
    source = None if cleaning is None else cleaning.source_of(attribute.name)
    column = None if source is None else histories.attributes.get(source)
    if cleaning is None or source is None or column is None:
        return None
    out = np.empty(len(column), dtype=object)
    for i, value in enumerate(column.tolist()):
        parts = cleaning.split(source, value) or {}
        out[i] = parts.get(attribute.name)
    return out


def _encode_each(
    attribute: AttributeSpec, codes: dict[str, float], column: Float64 | Object
) -> list[float]:
    seen: dict[object, float] = {}
    out = []
    for value in column.tolist():
        code = seen.get(value)
        if code is None:
            code = seen[value] = encode_value(attribute, codes, value)
        out.append(code)
    return out


def _encoded_answers(plan: Plan, histories: Histories) -> tuple[Float64, Int32]:
    """Every answer as the number its attribute makes of it, (n_attributes, n_values)."""
    answers = histories.answers
    if not len(answers.attribute):
        return np.empty((len(plan.attributes), 0)), np.empty(0, dtype=np.int32)
    position = {a.name: i for i, a in enumerate(plan.attributes)}
    position_of = np.array([position.get(name, -1) for name in answers.attributes], dtype=np.int32)
    encoded = np.full((len(plan.attributes), len(answers.values)), np.nan)
    used = set(zip(answers.attribute.tolist(), answers.value.tolist(), strict=True))
    for attribute, value in used:
        i = int(position_of[attribute])
        if i >= 0:
            encoded[i, value] = encode_value(
                plan.attributes[i], plan.level_codes[i], answers.values[value]
            )
    return encoded, position_of


def encode_value(attribute: AttributeSpec, codes: dict[str, float], value: object) -> float:
    """One value as the number the vector is made of; NaN when unknown or unreadable.

    A category outside the specified levels gets the number after the last level, whose column
    is ``(other)``. A number that cannot be read, or is not finite, is unknown. Words are read by
    the attribute's rules of cleaning, where it has any.
    """
    if isinstance(value, str) and attribute.cleaning is not None:
        value = attribute.cleaning.value(attribute.name, str(attribute.type), value)
    if value is None or value == "" or value != value:
        return np.nan
    if attribute.type == AttributeType.CATEGORY:
        return codes.get(value_to_text(value), float(len(attribute.levels)))
    if attribute.type == AttributeType.BOOLEAN and isinstance(value, str):
        word = value.strip().lower()
        return 1.0 if word in TRUE_WORDS else 0.0 if word in FALSE_WORDS else np.nan
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return np.nan
    return number if np.isfinite(number) else np.nan
