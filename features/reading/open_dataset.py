"""Leads, outcomes and answers of a dataset: read, checked and typed."""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa

from features.errors import DataError
from features.language.plural import plural
from features.reading.chunks import concat_chunks
from features.reading.dataset_reader import DatasetReader, refuse_empty, until_of
from features.reading.inference.inference import Inference
from features.reading.inference.typed_attributes import typed_answers, typed_leads
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.sources.table_source import TableSource
from features.reading.validation.aliases import Aliases, read_aliases
from features.reading.validation.lead_index import LeadIndex
from features.reading.validation.outcomes import clean_outcomes
from features.reading.validation.required_columns import ask_for_creation, require
from features.reading.validation.table_rules import TableRules
from features.reading.validation.tables import clean_answers, clean_leads
from features.reading.values.text import mask_in, objects_of, to_text, trimmed_text
from features.schemas import ANSWERS_SCHEMA

SAMPLE_BUCKETS = 1 << 20


def in_sample(lead_ids: Sequence[str], share: float) -> Mask:
    """True for the leads that a sample of this share keeps: a hash of the id decides, always alike.

    >>> in_sample(["L1", "L2", "L3"], 1.0).tolist()
    [True, True, True]
    """
    buckets = [zlib.crc32(lead_id.encode()) % SAMPLE_BUCKETS for lead_id in lead_ids]
    return np.asarray(buckets, dtype=np.int64) < share * SAMPLE_BUCKETS


def open_dataset(
    tables: TableSource,
    quarantine: Quarantine,
    *,
    outcomes_required: bool,
    sample: float | None = None,
) -> DatasetReader:
    """Read and check leads, outcomes and answers. Raises DataError."""
    settings, given = tables.settings()
    if quarantine.limit_from_settings and settings.max_bad is not None:
        quarantine.max_bad_fraction = settings.max_bad
    found = Inference()
    rules = TableRules(settings, found)
    until = until_of(settings)
    raw = concat_chunks(tables.chunks("leads", quarantine))
    read = {"leads": len(raw)}
    require(raw)
    timed = tables.has("interactions") or tables.has("outcomes")
    ask_for_creation(raw, settings, others_have_time=timed)
    raw = raw.replace("lead_id", trimmed_text(raw.table.column("lead_id")))
    aliases = read_aliases(tables, quarantine, rules)
    chunk = clean_leads(aliases.without_leads_merged(raw, quarantine), quarantine, until, rules)
    leads = typed_leads(chunk, settings, quarantine, found)
    quarantine.check_limit(chunk.file, read["leads"])
    if len(leads) == 0:
        raise DataError(f"{chunk.file} has no rows; expected one row a lead")
    all_ids = ids_of(raw)
    if sample is not None:
        leads = _sampled(leads, sample, quarantine, chunk.file, found)
    leads, outcomes = _read_outcomes(
        tables,
        quarantine,
        leads,
        until,
        rules,
        read,
        required=outcomes_required,
        all_ids=all_ids,
        aliases=aliases,
    )
    refuse_empty(leads, quarantine)
    known = LeadIndex(
        pa.array(leads["lead_id"], pa.string()),
        all_ids,
        settings.lead_ids,
        found,
        aliases.lead_of,
        aliases.hidden_until(leads),
    )
    answers = _read_answers(tables, quarantine, known, until, rules, read)
    _report_not_read(tables, found)
    return DatasetReader(
        tables, settings, given, quarantine, found, leads, outcomes, answers, known, rules, read
    )


def _sampled(
    leads: pd.DataFrame, share: float, quarantine: Quarantine, file: str, found: Inference
) -> pd.DataFrame:
    """The leads of a sample; the others are set aside, apart from the limit."""
    kept = in_sample(leads["lead_id"].tolist(), share)
    left = int((~kept).sum())
    reason = RejectReason("not in the sample", harmless=True)
    quarantine.note(
        file,
        reason,
        left,
        plural(
            left,
            "{n:,} lead is not in the sample",
            "{n:,} leads are not in the sample",
        ),
    )
    found.lose(
        plural(
            int(kept.sum()),
            "a sample of {share:g} of the leads: {n:,} of {leads:,} is read",
            "a sample of {share:g} of the leads: {n:,} of {leads:,} are read",
            share=share,
            leads=len(leads),
        )
    )
    if not kept.any():
        raise DataError(
            f"a sample of {share:g} of "
            + plural(len(leads), "{n:,} lead", "{n:,} leads")
            + " holds none; ask for more"
        )
    return leads[kept].reset_index(drop=True)


def _report_not_read(tables: TableSource, found: Inference) -> None:
    others = tables.not_read()
    if others:
        found.lose(f"not read: {', '.join(others)} (no table of the contract is called so)")


def _read_outcomes(
    tables: TableSource,
    quarantine: Quarantine,
    leads: pd.DataFrame,
    until: pd.Timestamp | None,
    rules: TableRules,
    read: dict[str, int],
    *,
    required: bool,
    all_ids: pa.Array,
    aliases: Aliases,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcomes, and the leads without those whose outcome is in quarantine."""
    if not tables.has("outcomes") and not required:
        return leads, _outcome_frame(None)
    try:
        raw = concat_chunks(tables.chunks("outcomes", quarantine))
    except DataError as error:
        if required or " is empty" not in str(error):
            raise
        rules.found.lose(f"{tables.label('outcomes')} is empty: no lead has an outcome")
        return leads, _outcome_frame(None)
    read["outcomes"] = len(raw)
    known = LeadIndex(
        pa.array(leads["lead_id"], pa.string()),
        all_ids,
        rules.settings.lead_ids,
        rules.found,
        aliases.lead_of,
    )
    if "lead_id" in raw.table.column_names:
        raw = known.renamed(raw.replace("lead_id", trimmed_text(raw.table.column("lead_id"))))
    chunk, still_open = clean_outcomes(raw, quarantine, leads, until, rules)
    chunk = known.only(chunk, quarantine)
    quarantine.check_limit(raw.file, len(raw))
    outcomes = _outcome_frame(chunk)
    broken = set(ids_of(raw).drop_null().to_pylist()) - set(outcomes["lead_id"]) - still_open
    doubtful = leads["lead_id"].isin(broken).to_numpy()
    if doubtful.any():
        reason = RejectReason("its outcome is in quarantine", harmless=True)
        example = plural(
            int(doubtful.sum()),
            "{n:,} lead whose outcome cannot be used is left out",
            "{n:,} leads whose outcome cannot be used are left out",
        )
        quarantine.note(tables.label("leads"), reason, int(doubtful.sum()), example)
        leads = leads[~doubtful].reset_index(drop=True)
    return leads, outcomes


def ids_of(chunk: Chunk) -> pa.Array:
    """The ``lead_id`` of every row, as strings."""
    ids = to_text(chunk.table.column("lead_id"))
    return pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], pa.string())


def _outcome_frame(chunk: Chunk | None) -> pd.DataFrame:
    frame = pd.DataFrame({"lead_id": pd.Series([], dtype=object)})
    if chunk is not None:
        frame = pd.DataFrame({"lead_id": objects_of(chunk.table.column("lead_id"))})
    frame["outcome"] = objects_of(chunk.table.column("outcome")) if chunk else None
    frame["outcome"] = frame["outcome"].astype(object)
    if chunk is not None and "occurred_at" in chunk.table.column_names:
        times = chunk.table.column("occurred_at").to_pandas()
        frame["occurred_at"] = times.astype("datetime64[us, UTC]").array
    else:
        nothing = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
        frame["occurred_at"] = nothing
    return frame


def _read_answers(
    tables: TableSource,
    quarantine: Quarantine,
    known: LeadIndex,
    until: pd.Timestamp | None,
    rules: TableRules,
    read: dict[str, int],
) -> pa.Table:
    if not tables.has("answers"):
        return ANSWERS_SCHEMA.empty_table()
    raw = concat_chunks(tables.chunks("answers", quarantine))
    read["answers"] = len(raw)
    found = rules.found
    chunk = clean_answers(raw, quarantine, known, until, rules)
    answers = typed_answers(chunk, rules.settings, quarantine, found)
    quarantine.check_limit(raw.file, len(raw))
    if found.left_out:
        left = mask_in(answers.column("attribute"), found.left_out)
        if left.any():
            reason = RejectReason("of an attribute that is left out", harmless=True)
            quarantine.note(
                raw.file,
                reason,
                int(left.sum()),
                plural(int(left.sum()), "{n:,} row", "{n:,} rows"),
            )
            answers = answers.filter(pa.array(~left))
    return answers
