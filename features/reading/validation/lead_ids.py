"""The ids of a table: trimmed, none missing, none ruined by a spreadsheet, no total of them all."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import DataError
from features.language.plural import plural
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.validation.identity import (
    alike_ids,
    dates_among,
    rounded,
    rounded_sentence,
)
from features.reading.validation.table_rules import TableRules
from features.reading.values.text import (
    empty_mask,
    mask_of,
    to_text,
    trimmed_text,
)

TOTAL_WORDS = frozenset(
    {
        "total", "totals", "grand total", "grand totals", "subtotal", "sum", "count", "average",
        "totaux", "somme", "total général", "moyenne", "summe", "gesamt", "gesamtsumme", "totale",
        "suma", "soma", "totaal",
    }
)  # fmt: skip
"""Words that reports put in the place of an id below the table."""


def with_lead_id(chunk: Chunk, quarantine: Quarantine, rules: TableRules | None = None) -> Chunk:
    """``lead_id`` as a trimmed string; rows without one, and total rows, are set aside.

    DataError where ids were rounded by a spreadsheet: nobody can tell which lead was meant.
    """
    raw = to_text(chunk.table.column("lead_id"))
    ids = trimmed_text(raw)
    if rules is not None and ids is not raw:
        blanks = mask_of(pc.and_(ids.is_valid(), pc.not_equal(raw, ids)))
        if blanks.any():
            rules.found.say(
                f"{chunk.file}: blanks are left out around "
                + plural(int(blanks.sum()), "{n:,} lead_id", "{n:,} lead_ids")
            )
    chunk = chunk.replace("lead_id", ids)
    refuse_rounded(chunk.file, ids)
    total = mask_of(pc.is_in(pc.utf8_lower(ids), value_set=pa.array(sorted(TOTAL_WORDS))))
    if total.any() and _last_rows_only(total):
        words = RejectReason("a total below the table, no row", "lead_id", harmless=True)
        chunk = quarantine.set_aside(chunk, total, words)
    missing = empty_mask(chunk.table.column("lead_id"))
    return quarantine.set_aside(chunk, missing, RejectReason("no lead_id"))


def _last_rows_only(total: Mask) -> bool:
    """Whether they all stand at the end of the table (or of what was read of it)."""
    first = int(np.flatnonzero(total)[0])
    return first >= len(total) - 5


def refuse_rounded(file: str, ids: pa.ChunkedArray) -> None:
    """DataError if ids are written as a spreadsheet writes large numbers."""
    suspects = ids.filter(pc.match_substring_regex(ids, r"(?i)^[+-]?\d([.,]\d+)?e\+?\d{2,3}$"))
    examples = [text for text in suspects.slice(0, 100).to_pylist() if rounded(text)]
    if examples:
        raise DataError(rounded_sentence(file, examples[0], len(suspects)))


def report_odd_ids(chunk: Chunk, rules: TableRules | None) -> None:
    """Say which ids of leads look ruined, or like each other."""
    if rules is None:
        return
    ids = chunk.table.column("lead_id")
    count, example = dates_among(ids)
    if count:
        rules.found.lose(
            plural(
                count,
                "{file}: {n:,} lead_id, {example!r}, is a date and the others are not: a "
                "spreadsheet made it of an id; export again, with the id column as text",
                "{file}: {n:,} lead_ids such as {example!r} are dates and the others are not: a "
                "spreadsheet made them of ids; export again, with the id column as text",
                file=chunk.file,
                example=example,
            )
        )
    for sentence in alike_ids(ids):
        rules.found.lose(f"{chunk.file}: {sentence}")
