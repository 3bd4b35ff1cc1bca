"""Leads, interactions and answers, row by row within the contract."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.reading.quarantine import Chunk, Quarantine, RejectReason
from features.reading.validation.columns import (
    drop_after_cutoff,
    in_schema,
    parse_timestamps,
    with_numbers,
    with_text,
    without_nul,
)
from features.reading.validation.lead_ids import report_odd_ids, with_lead_id
from features.reading.validation.lead_index import LeadIndex
from features.reading.validation.repeats import without_repeats
from features.reading.validation.required_columns import require
from features.reading.validation.table_rules import TableRules
from features.reading.values.text import (
    empty_mask,
    mask_of,
    to_dictionary_text,
    to_text,
    without_blank_texts,
)
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA


def clean_leads(
    chunk: Chunk,
    quarantine: Quarantine,
    until: pd.Timestamp | None,
    rules: TableRules | None = None,
) -> Chunk:
    """Leads with one row each: exact repeats dropped, contradicting rows all set aside."""
    require(chunk)
    chunk = with_lead_id(chunk, quarantine, rules)
    report_odd_ids(chunk, rules)
    if "created_at" in chunk.table.column_names:
        chunk = parse_timestamps(chunk, "created_at", quarantine, required=True, rules=rules)
        chunk = drop_after_cutoff(chunk, "created_at", until, quarantine)
    chunk = without_nul(chunk, quarantine)
    return without_repeats(chunk, quarantine, "two rows that differ for one lead")


def clean_interactions(
    chunk: Chunk,
    quarantine: Quarantine,
    leads: LeadIndex,
    until: pd.Timestamp | None,
    rules: TableRules | None = None,
) -> pa.Table:
    """One chunk of interactions in INTERACTIONS_SCHEMA."""
    require(chunk)
    optional = [c for c in ("channel", "event_id") if c in chunk.table.column_names]
    chunk = chunk.replace("kind", to_dictionary_text(chunk.table.column("kind")))
    chunk = chunk.replace("lead_id", to_text(chunk.table.column("lead_id")))
    for column in optional:
        chunk = chunk.replace(column, without_blank_texts(chunk.table.column(column)))
    missing = empty_mask(chunk.table.column("lead_id"))
    chunk = quarantine.set_aside(chunk, missing, RejectReason("no lead_id"))
    chunk = parse_timestamps(chunk, "occurred_at", quarantine, required=True, rules=rules)
    chunk = drop_after_cutoff(chunk, "occurred_at", until, quarantine)
    no_kind = empty_mask(chunk.table.column("kind"))
    chunk = quarantine.set_aside(chunk, no_kind, RejectReason("no kind", "kind", "a word"))
    for column in ("value", "duration_s"):
        if column in chunk.table.column_names:
            chunk = with_numbers(chunk, column, quarantine, rules)
    if "duration_s" in chunk.table.column_names:
        negative = mask_of(pc.less(chunk.table.column("duration_s"), 0.0))
        reason = RejectReason("a negative duration", "duration_s", "seconds, 0 or more")
        chunk = quarantine.set_aside(chunk, negative, reason)
    return in_schema(leads.coded(chunk, quarantine).table, INTERACTIONS_SCHEMA)


def clean_answers(
    chunk: Chunk,
    quarantine: Quarantine,
    leads: LeadIndex,
    until: pd.Timestamp | None,
    rules: TableRules | None = None,
) -> Chunk:
    """Answers of known leads, in ANSWERS_SCHEMA; their values are typed later."""
    require(chunk)
    chunk = with_lead_id(with_text(chunk, "attribute", "value"), quarantine, rules)
    chunk = parse_timestamps(chunk, "answered_at", quarantine, required=True, rules=rules)
    chunk = drop_after_cutoff(chunk, "answered_at", until, quarantine)
    nameless = empty_mask(chunk.table.column("attribute"))
    chunk = quarantine.set_aside(
        chunk, nameless, RejectReason("no attribute", "attribute", "a name")
    )
    chunk = leads.only(without_nul(chunk, quarantine), quarantine)
    return Chunk(chunk.name, chunk.file, in_schema(chunk.table, ANSWERS_SCHEMA), chunk.rows)
