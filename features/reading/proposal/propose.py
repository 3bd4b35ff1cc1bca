"""Look at exports in a folder, say what they are, and propose the ``dataset.toml`` for them.

What the values settle is proposed as a key; what they do not is left as a comment, with what each
reading would make of a value of the person's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from features.contract import TABLES
from features.errors import DataError
from features.reading.proposal.columns import propose_columns, propose_file
from features.reading.proposal.dataset_toml import toml_string
from features.reading.proposal.outcomes import propose_closed_leads, propose_outcomes
from features.reading.proposal.proposal import Proposal
from features.reading.proposal.seen_files import SeenFile, assign_tables, look_at_folder, rows_of
from features.reading.proposal.values import propose_ids, propose_times, propose_values
from features.settings_file import settings_of


def propose(folder: Path, given: Mapping[str, Any] | None = None) -> Proposal:
    """Look at a folder and propose settings beside those that are ``given`` (as in dataset.toml).

    Raises DataError if the folder is not there, or holds nothing that could be leads.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; expected a folder with exports")
    settings, _ = settings_of(given or {}, "dataset.toml", default_name=folder.resolve().name)
    proposal = Proposal(files=look_at_folder(folder, settings))
    assign_tables(proposal.files, settings)
    chosen: dict[str, SeenFile] = {s.table: s for s in proposal.files if s.table is not None}
    if "leads" not in chosen:
        raise DataError(_without_leads(folder, proposal.files))
    for table in TABLES:
        if table in chosen:
            propose_file(proposal, table, chosen[table], settings)
            propose_columns(proposal, table, chosen[table], settings)
    propose_times(proposal, chosen, settings)
    propose_values(proposal, chosen, settings)
    propose_closed_leads(proposal, chosen, settings)
    propose_outcomes(proposal, chosen, settings)
    propose_ids(proposal, chosen, settings)
    return proposal


def _without_leads(folder: Path, files: Sequence[SeenFile]) -> str:
    """Why no file is taken for leads: of each the reason, and the keys that say which one it is."""
    listed = "; ".join(f"{s.name}: {_not_leads(s)}" for s in files) or "no file"
    readable = next((s for s in files if s.raw is not None and s.table is None), None)
    if readable is None:
        return f"{folder} holds no file that looks like leads ({listed})"
    name = toml_string(readable.name)
    return (
        f"{folder} holds no file that looks like leads ({listed}). Say which file and which column "
        f"of it is the id in dataset.toml: [tables.leads] file = {name} and "
        '[columns.leads] lead_id = "…" (the right ones)'
    )


def _not_leads(seen: SeenFile) -> str:
    if seen.problem is not None:
        return seen.problem
    if seen.table is not None:
        return f"looks like {seen.table}"
    columns = rows_of(seen).table.column_names
    shown = ", ".join(columns[:8]) + (", …" if len(columns) > 8 else "")
    return f"no column looks like lead_id among {shown}"
