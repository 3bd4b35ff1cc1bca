"""Columns brought to times, numbers and text; rows that hold anything else are set aside."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import NumberSigns, parse_duration, parse_number
from features.contract import BareDates
from features.dataset_settings import signs_of
from features.errors import DataError
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.times.timestamps import TIME_EXPECTED, Timestamps, to_timestamps, unknown_way
from features.reading.times.zones import end_of_day
from features.reading.validation.table_rules import TableRules
from features.reading.values.number_signs import number_column
from features.reading.values.numbers import to_floats
from features.reading.values.text import mask_of, to_text, trimmed_text
from features.schemas import UTC_MICROSECONDS

SAMPLE_ROWS = 20_000


def with_text(chunk: Chunk, *columns: str) -> Chunk:
    """Some columns turned into strings, without blanks at their ends; blank is null."""
    for column in columns:
        chunk = chunk.replace(column, trimmed_text(chunk.table.column(column)))
    return chunk


def parse_timestamps(
    chunk: Chunk,
    column: str,
    quarantine: Quarantine,
    *,
    required: bool,
    rules: TableRules | None = None,
) -> Chunk:
    """``column`` as times in UTC; rows with anything else (or nothing, if required) set aside.

    DataError, with what to declare, where more rows than the limit allows hold times of no zone,
    numbers, or an order of day and month that nothing settles.
    """
    rules = rules or TableRules()
    times = rules.times(chunk.name)
    evidence = None if rules.evidence is None else lambda: rules.evidence(column)  # type: ignore[misc]
    read = to_timestamps(column, chunk.table.column(column), times, evidence)
    for note in read.notes:
        rules.found.say(f"{chunk.file}: {note}")
    open_ = read.naive | read.undecided
    if open_.sum() > quarantine.max_bad_fraction * len(chunk):
        raise DataError(
            f"{chunk.file} row {int(chunk.rows[np.flatnonzero(open_)[0]])}: "
            f"{'; '.join(read.questions)}"
        )
    if read.bad.sum() > quarantine.max_bad_fraction * len(chunk):
        first = str(chunk.table.column(column)[int(np.flatnonzero(read.bad)[0])].as_py())
        quarantine.explain(chunk.file, unknown_way(column, first[:60]))
    left = np.ones(len(chunk), dtype=bool)
    for mask, text in (
        (read.bad, f"{column} is not a time"),
        (read.naive, f"{column} is a time without a zone, and no time_zone is declared"),
        (read.undecided, f"{column} could mean two moments"),
        (read.implausible, f"{column} is no plausible moment"),
        (mask_of(read.times.is_null()) & required, f"no {column}"),
    ):
        bad = mask & left
        chunk = quarantine.set_aside(chunk, bad[left], RejectReason(text, column, TIME_EXPECTED))
        left &= ~bad
    placed = _placed(chunk.name, column, read, rules)
    return chunk.replace(column, placed if left.all() else placed.filter(pa.array(left)))


def _placed(
    table: str, column: str, read: Timestamps, rules: TableRules, dates: Mask | None = None
) -> pa.ChunkedArray:
    """The times, with dates put where their day ends (``created_at``: where it begins)."""
    bare = read.bare if dates is None else dates
    if not bare.any() or column == "created_at":
        return read.times
    if rules.settings.bare_dates is BareDates.START_OF_DAY:
        return read.times
    moments = read.times.cast(pa.int64())
    null = mask_of(moments.is_null())
    at_us = np.asarray(pc.fill_null(moments, 0).to_numpy(zero_copy_only=False))
    ends = end_of_day(at_us, bare & ~null, rules.times(table).zone)
    rules.found.say(
        f"{table}: dates of {column} count at the end of their day "
        '(bare_dates = "start-of-day" for its start)'
    )
    return pa.chunked_array([pa.array(ends, pa.int64(), mask=null).cast(UTC_MICROSECONDS)])


def with_numbers(
    chunk: Chunk, column: str, quarantine: Quarantine, rules: TableRules | None = None
) -> Chunk:
    """``column`` as float64; rows with text or infinity are set aside; NaN is unknown.

    DataError where the signs of the numbers could mean two things.
    """
    rules = rules or TableRules()
    values = chunk.table.column(column)
    signs = _number_signs(chunk, column, values, rules)
    parse = parse_duration if column == "duration_s" else parse_number
    numbers, bad, infinite = to_floats(values, signs, parse)
    reason = RejectReason(f"{column} is not a number", column, "a number, or nothing where unknown")
    good = quarantine.set_aside(chunk, bad, reason)
    if column == "duration_s" and bad.any():
        _explain_clocks(chunk, values, bad, quarantine)
    if bad.any():
        numbers, infinite = numbers.filter(pa.array(~bad)), infinite[~bad]
    reason = RejectReason(
        f"{column} is infinite", column, "a finite number, or nothing where unknown"
    )
    good = quarantine.set_aside(good, infinite, reason)
    return good.replace(column, numbers.filter(pa.array(~infinite)) if infinite.any() else numbers)


def _explain_clocks(
    chunk: Chunk, values: pa.ChunkedArray, bad: Mask, quarantine: Quarantine
) -> None:
    """Say of ``24:46`` what it could be: it is never guessed."""
    words = to_text(values.filter(pa.array(bad))).slice(0, SAMPLE_ROWS)
    clocks = pc.match_substring_regex(words, r"^\s*\d{1,4}:[0-5]\d\s*$")
    if pc.sum(clocks).as_py() or 0:
        word = str(words.filter(clocks)[0].as_py()).strip()
        quarantine.explain(
            chunk.file,
            f"duration_s: {word!r} could be hours and minutes or minutes and seconds; write "
            "seconds or hours:minutes:seconds, with a query (interactions.sql) or in the export",
        )


def _number_signs(
    chunk: Chunk, column: str, values: pa.ChunkedArray, rules: TableRules
) -> NumberSigns:
    """The signs that are declared, or that the first rows of the column leave no doubt of."""
    own = rules.settings.of_table(chunk.name)
    declared = signs_of(own) if own.decimal or own.thousands else None
    if column in rules.signs or not _is_text(values):
        return rules.signs.get(column, declared or NumberSigns())
    words = trimmed_text(values.slice(0, SAMPLE_ROWS)).drop_null()
    counted = pc.value_counts(words)
    rows_of = dict(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    )
    plain = {w: n for w, n in rows_of.items() if ":" not in w}
    seen = number_column(column, plain, declared, own.units or ()) if plain else None
    if seen is not None and (seen.question or seen.unit_question):
        asked = "; ".join(q for q in (seen.question, seen.unit_question) if q)
        raise DataError(f"{chunk.file}: {asked} (or in [tables.{chunk.name}])")
    for note in seen.notes if seen is not None and declared is None else ():
        rules.found.say(f"{chunk.file}: {note}")
    found = seen.signs if seen is not None and declared is None else declared
    rules.signs[column] = found or NumberSigns(units=tuple(own.units or ()))
    return rules.signs[column]


def _is_text(values: pa.ChunkedArray) -> bool:
    kind = values.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


AFTER_OBSERVED_UNTIL = "after observed_until"


def drop_after_cutoff(
    chunk: Chunk, column: str, until: pd.Timestamp | None, q: Quarantine
) -> Chunk:
    """Rows later than ``observed_until`` are set aside: they cannot have been observed."""
    if until is None:
        return chunk
    limit = pa.scalar(until.to_pydatetime(), UTC_MICROSECONDS)
    later = mask_of(pc.greater(chunk.table.column(column), limit))
    expected = f"nothing after observed_until ({until:%Y-%m-%dT%H:%M:%SZ})"
    return q.set_aside(
        chunk, later, RejectReason(f"{column} {AFTER_OBSERVED_UNTIL}", column, expected)
    )


def without_nul(chunk: Chunk, quarantine: Quarantine) -> Chunk:
    """Rows with a text that holds the character NUL are set aside: the file is damaged there."""
    for column in chunk.table.column_names:
        if _is_text(chunk.table.column(column)):
            nul = mask_of(pc.match_substring(to_text(chunk.table.column(column)), "\0"))
            reason = RejectReason(f"{column} holds the character NUL")
            chunk = quarantine.set_aside(chunk, nul, reason)
    return chunk


def in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema`` in its order and types; absent ones are null."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.chunked_array([pa.nulls(table.num_rows, field.type)], type=field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
