"""The four tables, row by row within the contract; what is not goes to the quarantine."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.string_table import StringTable
from features.contract import REQUIRED_COLUMNS, Outcome
from features.errors import DataError
from features.reading.parsing import (
    TIME_EXPECTED,
    empty_mask,
    mask_of,
    to_dictionary_text,
    to_floats,
    to_text,
    to_timestamps,
)
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA, UTC_MICROSECONDS

REPEATED = RejectReason("an exact repeat of another row", "lead_id", harmless=True)


def concat_chunks(chunks: Iterable[Chunk]) -> Chunk:
    """All chunks of a (small) table as one."""
    parts = list(chunks)
    first = parts[0]
    if len(parts) == 1:
        return first
    tables = [p.table for p in parts]
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # a column of words here, of numbers there
        table = pa.concat_tables([_all_text(t) for t in tables])
    return Chunk(first.name, first.file, table, np.concatenate([p.rows for p in parts]))


def _all_text(table: pa.Table) -> pa.Table:
    return pa.table([to_text(c) for c in table.columns], names=table.column_names)


def require(chunk: Chunk, columns: Iterable[str] = ()) -> None:
    """DataError if a column of the contract is missing; names what is there instead."""
    present = chunk.table.column_names
    for column in (*REQUIRED_COLUMNS[chunk.name], *columns):
        if column not in present:
            close = difflib.get_close_matches(column, present, n=1)
            hint = f" (rename {close[0]!r}?)" if close else ""
            some = ", ".join(present[:12]) + (", ..." if len(present) > 12 else "")
            raise DataError(
                f"{chunk.file} has no column {column!r}{hint}; expected "
                f"{', '.join(dict.fromkeys((*REQUIRED_COLUMNS[chunk.name], *columns)))}; "
                f"found {some}"
            )


def with_text(chunk: Chunk, *columns: str) -> Chunk:
    """Some columns turned into strings."""
    for column in columns:
        chunk = chunk.replace(column, to_text(chunk.table.column(column)))
    return chunk


def with_lead_id(chunk: Chunk, quarantine: Quarantine) -> Chunk:
    """``lead_id`` as a string; rows without one are set aside."""
    chunk = with_text(chunk, "lead_id")
    missing = empty_mask(chunk.table.column("lead_id"))
    return quarantine.set_aside(chunk, missing, RejectReason("no lead_id"))


def parse_timestamps(chunk: Chunk, column: str, quarantine: Quarantine, *, required: bool) -> Chunk:
    """``column`` as times in UTC; rows with anything else (or nothing, if required) set aside."""
    times, bad = to_timestamps(chunk, column)
    reason = RejectReason(f"{column} is not a time", column, TIME_EXPECTED)
    good = quarantine.set_aside(chunk, bad, reason)
    good = good.replace(column, times.filter(pa.array(~bad)) if bad.any() else times)
    if required:
        missing = mask_of(good.table.column(column).is_null())
        reason = RejectReason(f"no {column}", column, TIME_EXPECTED)
        good = quarantine.set_aside(good, missing, reason)
    return good


def with_numbers(chunk: Chunk, column: str, quarantine: Quarantine) -> Chunk:
    """``column`` as float64; rows with text or infinity are set aside; NaN is unknown."""
    numbers, bad, infinite = to_floats(chunk.table.column(column))
    reason = RejectReason(f"{column} is not a number", column, "a number, or nothing where unknown")
    good = quarantine.set_aside(chunk, bad, reason)
    if bad.any():
        numbers, infinite = numbers.filter(pa.array(~bad)), infinite[~bad]
    reason = RejectReason(
        f"{column} is infinite", column, "a finite number, or nothing where unknown"
    )
    good = quarantine.set_aside(good, infinite, reason)
    return good.replace(column, numbers.filter(pa.array(~infinite)) if infinite.any() else numbers)


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
        chunk, later, RejectReason(f"{column} after observed_until", column, expected)
    )


def clean_leads(chunk: Chunk, quarantine: Quarantine, until: pd.Timestamp | None) -> Chunk:
    """Leads with one row each: exact repeats dropped, contradicting rows all set aside."""
    require(chunk)
    chunk = with_lead_id(chunk, quarantine)
    if "created_at" in chunk.table.column_names:
        chunk = parse_timestamps(chunk, "created_at", quarantine, required=True)
        chunk = drop_after_cutoff(chunk, "created_at", until, quarantine)
    return without_repeats(chunk, quarantine, "two rows that differ for one lead")


def without_repeats(chunk: Chunk, quarantine: Quarantine, contradiction: str) -> Chunk:
    """Drop exact repeats; set aside every row of a lead whose rows contradict each other."""
    ids = pd.Series(chunk.table.column("lead_id").to_pandas(), dtype=object)
    shared = ids.duplicated(keep=False).to_numpy()
    if not shared.any():
        return chunk
    rows = chunk.keep(shared).table.to_pandas().astype(object)
    rows = rows.where(rows.notna(), None).map(repr)
    repeat = np.zeros(len(chunk), dtype=bool)
    repeat[np.flatnonzero(shared)] = rows.duplicated().to_numpy()
    chunk = quarantine.set_aside(chunk, repeat, REPEATED)
    differing = ids[~repeat].duplicated(keep=False).to_numpy()
    return quarantine.set_aside(
        chunk, differing, RejectReason(contradiction, "lead_id", "one row a lead")
    )


def clean_outcomes(
    chunk: Chunk, quarantine: Quarantine, leads: pd.DataFrame, until: pd.Timestamp | None
) -> Chunk:
    """Outcomes of known leads, one each, at or after creation."""
    has_time = "created_at" in leads.columns
    require(chunk, ("occurred_at",) if has_time else ())
    chunk = with_lead_id(with_text(chunk, "outcome"), quarantine)
    if "occurred_at" in chunk.table.column_names:
        chunk = parse_timestamps(chunk, "occurred_at", quarantine, required=has_time)
        chunk = drop_after_cutoff(chunk, "occurred_at", until, quarantine)
    chunk = _known_outcomes(chunk, quarantine)
    columns = [c for c in ("lead_id", "outcome", "occurred_at") if c in chunk.table.column_names]
    narrow = Chunk(chunk.name, chunk.file, chunk.table.select(columns), chunk.rows)
    narrow = without_repeats(narrow, quarantine, "two outcomes that differ for one lead")
    return _not_before_creation(narrow, quarantine, leads) if has_time else narrow


def _known_outcomes(chunk: Chunk, quarantine: Quarantine) -> Chunk:
    words = pa.array([str(o) for o in Outcome])
    wrong = ~mask_of(pc.is_in(chunk.table.column("outcome"), value_set=words))
    reason = RejectReason(
        "unknown outcome", "outcome", "converted or lost (open leads have no row)"
    )
    return quarantine.set_aside(chunk, wrong, reason)


def _not_before_creation(chunk: Chunk, quarantine: Quarantine, leads: pd.DataFrame) -> Chunk:
    created = pd.Series(leads["created_at"].to_numpy("datetime64[us]"), index=leads["lead_id"])
    of_row = created.reindex(chunk.table.column("lead_id").to_pandas()).to_numpy()
    at = chunk.table.column("occurred_at").cast(pa.timestamp("us")).to_numpy()
    expected = "a time at or after the lead's created_at"
    reason = RejectReason("the outcome lies before the lead's creation", "occurred_at", expected)
    return quarantine.set_aside(chunk, np.asarray(at < of_row), reason)


class LeadIndex:
    """Which leads may be spoken of: those kept, and those set aside with their rows."""

    def __init__(self, kept: pa.Array, seen: pa.Array) -> None:
        self.kept = kept
        self.seen = seen
        self._names = StringTable(kept)

    def only(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """Set aside rows of leads that are not in ``leads``, or are set aside themselves."""
        known = mask_of(pc.is_in(chunk.table.column("lead_id"), value_set=self.kept))
        return chunk if known.all() else self._only(chunk, known, quarantine)

    def _only(self, chunk: Chunk, known: Mask, quarantine: Quarantine) -> Chunk:
        ids = chunk.table.column("lead_id")
        seen = mask_of(pc.is_in(ids, value_set=self.seen)) & ~known
        reason = RejectReason("its lead is set aside", "lead_id", harmless=True)
        rest = quarantine.set_aside(chunk, seen, reason)
        expected = "the lead_id of a row of leads"
        return quarantine.set_aside(
            rest, ~known[~seen], RejectReason("unknown lead", "lead_id", expected)
        )

    def coded(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """As :meth:`only`, with ``lead_id`` as CODED_TEXT: each lead's row among those kept."""
        rows = self._names.codes(chunk.table.column("lead_id"))
        known = rows >= 0
        if not known.all():
            chunk, rows = self._only(chunk, known, quarantine), rows[known]
        codes = pa.DictionaryArray.from_arrays(pa.array(rows), self.kept, safe=False)
        return chunk.replace("lead_id", pa.chunked_array([codes]))


def clean_interactions(
    chunk: Chunk, quarantine: Quarantine, leads: LeadIndex, until: pd.Timestamp | None
) -> pa.Table:
    """One chunk of interactions in INTERACTIONS_SCHEMA."""
    require(chunk)
    optional = [c for c in ("channel", "event_id") if c in chunk.table.column_names]
    chunk = chunk.replace("kind", to_dictionary_text(chunk.table.column("kind")))
    chunk = with_lead_id(with_text(chunk, *optional), quarantine)
    chunk = parse_timestamps(chunk, "occurred_at", quarantine, required=True)
    chunk = drop_after_cutoff(chunk, "occurred_at", until, quarantine)
    no_kind = empty_mask(chunk.table.column("kind"))
    chunk = quarantine.set_aside(chunk, no_kind, RejectReason("no kind", "kind", "a word"))
    for column in ("value", "duration_s"):
        if column in chunk.table.column_names:
            chunk = with_numbers(chunk, column, quarantine)
    if "duration_s" in chunk.table.column_names:
        negative = mask_of(pc.less(chunk.table.column("duration_s"), 0.0))
        reason = RejectReason("a negative duration", "duration_s", "seconds, 0 or more")
        chunk = quarantine.set_aside(chunk, negative, reason)
    return in_schema(leads.coded(chunk, quarantine).table, INTERACTIONS_SCHEMA)


def clean_answers(
    chunk: Chunk, quarantine: Quarantine, leads: LeadIndex, until: pd.Timestamp | None
) -> Chunk:
    """Answers of known leads, in ANSWERS_SCHEMA; their values are typed later."""
    require(chunk)
    chunk = with_lead_id(with_text(chunk, "attribute", "value"), quarantine)
    chunk = parse_timestamps(chunk, "answered_at", quarantine, required=True)
    chunk = drop_after_cutoff(chunk, "answered_at", until, quarantine)
    nameless = empty_mask(chunk.table.column("attribute"))
    chunk = quarantine.set_aside(
        chunk, nameless, RejectReason("no attribute", "attribute", "a name")
    )
    chunk = leads.only(chunk, quarantine)
    return Chunk(chunk.name, chunk.file, in_schema(chunk.table, ANSWERS_SCHEMA), chunk.rows)


def in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema`` in its order and types; absent ones are null."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.chunked_array([pa.nulls(table.num_rows, field.type)], type=field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)


def mask_in(column: pa.ChunkedArray, words: Iterable[str]) -> Mask:
    """True where the value is one of ``words``."""
    return mask_of(pc.is_in(column, value_set=pa.array(list(words), pa.string())))
