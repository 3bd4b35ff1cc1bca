"""Look at exports in a folder, say what they are, and propose the ``dataset.toml`` for them.

What the values settle is proposed as a key; what they do not is left as a comment, with what each
reading would make of a value of the person's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.contract import TABLES
from features.errors import DataError
from features.reading.proposal.columns import propose_columns, propose_file
from features.reading.proposal.outcomes import propose_closed_leads, propose_outcomes
from features.reading.proposal.proposal import Proposal
from features.reading.proposal.seen_files import SeenFile, assign_tables, look_at_folder
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
        names = "; ".join(f"{s.name}: {s.problem or s.why}" for s in proposal.files) or "no file"
        raise DataError(f"{folder} holds no file that looks like leads ({names})")
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
