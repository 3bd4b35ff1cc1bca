"""Propose the words of outcomes, and outcomes that are columns of leads."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from features.dataset_settings import DatasetSettings, TableSettings
from features.reading.files.headers import near_columns, plain_name, toml_key
from features.reading.proposal.columns import column_of, looks_like_times, name_in_file
from features.reading.proposal.dataset_toml import toml_string
from features.reading.proposal.proposal import Proposal
from features.reading.proposal.seen_files import SeenFile, rows_of
from features.reading.quarantine import Chunk
from features.reading.validation.outcomes import likely_meanings, outcome_of
from features.reading.values.text import trimmed_text


def propose_closed_leads(
    proposal: Proposal, chosen: dict[str, SeenFile], settings: DatasetSettings
) -> None:
    """Outcomes that are columns of leads: a status and the day when it was closed."""
    if "outcomes" in chosen or settings.tables.get("outcomes", TableSettings()).file is not None:
        return
    leads = chosen["leads"]
    names = rows_of(leads).table.column_names
    taken = {name_in_file(proposal, leads, settings, c) for c in ("lead_id", "created_at")}
    free = [n for n in names if n not in taken]
    status = next((n for n in near_columns(free, "outcome") if _closes(rows_of(leads), n)), None)
    if status is None:
        proposal.leave_open(
            "no file looks like outcomes, and no column of leads like a status that closes one: "
            "such a set can be scored and not trained",
            '[tables.outcomes] file = "…"',
        )
        return
    closed = [n for n in free if n != status and _CLOSING.search(plain_name(n))]
    closed = [n for n in closed if looks_like_times(rows_of(leads), n)]
    if not closed:
        proposal.leave_open(
            f"{status} of {leads.name} says which leads are closed, and no column says when; "
            "export the day of closing, or leave out the times of outcomes",
            f'[columns.outcomes] outcome = {toml_string(status)}\n# occurred_at = "…"',
        )
        return
    found = SeenFile(leads.name, leads.raw, table="outcomes", why=f"{status} and {closed[0]}")
    chosen["outcomes"] = found
    proposal.within("tables.outcomes", "file", toml_string(leads.name), "a status within leads")
    for column, own in (
        ("lead_id", name_in_file(proposal, leads, settings, "lead_id")),
        ("outcome", status),
        ("occurred_at", closed[0]),
    ):
        if own != column:
            proposal.within("columns.outcomes", column, toml_string(own))
    for name in (status, closed[0]):
        section = f"attributes.{toml_key(name)}"
        proposal.within(section, "available", '"after_outcome"', "it is the outcome itself")


_CLOSING = re.compile(r"clos|won|lost|convert|ended|cloture|abschluss|cierre|chiusura|outcome")


def _closes(raw: Chunk, column: str) -> bool:
    """Whether most words of a column mean converted, lost or open, and some are either."""
    values = raw.table.column(column)
    if not pa.types.is_string(values.type):
        return False
    words = [str(w) for w in pc.unique(trimmed_text(values)).to_pylist() if w is not None]
    meanings = likely_meanings(words)
    known = sum(map(len, meanings.values())) + sum(w.casefold() == "converted" for w in words)
    closed = [*meanings["converted"], *meanings["lost"]]
    return bool(closed) and len(words) <= 40 and known >= len(words) / 2


def propose_outcomes(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    """Propose what each word of the outcomes means; what is not known is left open."""
    seen = chosen.get("outcomes")
    column = column_of(proposal, seen, settings, "outcome") if seen is not None else None
    if column is None:
        return
    texts = trimmed_text(column)
    words = [str(w) for w in pc.unique(texts).to_pylist() if w is not None]
    if texts.null_count > 0.01 * len(texts):
        words.append("")
    unknown = [w for w in words if outcome_of(w, settings) is None]
    meanings = likely_meanings(unknown)
    for meaning, own in meanings.items():
        if own:
            listed = ", ".join(toml_string(w) for w in own)
            proposal.within("outcome_words", meaning, f"[{listed}]", "likely, by the words alone")
    left = [w for w in unknown if not any(w in own for own in meanings.values())]
    if left:
        listed = ", ".join(toml_string(w) for w in left[:20])
        proposal.leave_open(
            f"outcomes: say of each of these words whether it means converted, lost, open or "
            f"reopened: {listed}",
            f"[outcome_words] lost = [{listed}]",
        )
