"""The files of a folder, and which table each may be: as declared, by its name, by its columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from features.contract import FORMATS, REQUIRED_COLUMNS, TABLES
from features.dataset_settings import DatasetSettings, TableSettings
from features.errors import DataError
from features.reading.files.data_file import local_file, parts_of
from features.reading.files.excel import sheet_names
from features.reading.files.file_chunks import WORKBOOKS, file_chunks
from features.reading.files.headers import near_columns, plain_name
from features.reading.quarantine import Chunk, Quarantine
from features.reading.sources.folder import DATABASES, LEFT_BY_PROGRAMS
from features.reading.table_notes import TableNotes

NAME_WORDS: Mapping[str, tuple[str, ...]] = {
    "leads": ("lead", "contact", "prospect", "person", "people", "kunde", "client", "signup",
              "interessent", "kontakt", "contatt", "potenzial", "klant"),
    "outcomes": ("outcome", "deal", "opportunit", "won", "closed", "conversion", "result", "vente",
                 "issue", "cloture", "abschlu", "ergebnis", "verkauf", "oportunidad", "cierre",
                 "venta", "esit", "chiusur", "vendit"),
    "interactions": ("interaction", "activit", "event", "task", "email", "engagement", "visit",
                     "session", "call", "aktivit", "evenement", "ereignis", "actividad", "attivit",
                     "appel", "anruf"),
    "answers": ("answer", "history", "change", "fieldhistory", "propertyhistory", "reponse",
                "historique", "verlauf", "antwort", "respuesta", "storico", "rispost"),
}  # fmt: skip
"""Parts of names of files that exports of each table have."""


ARCHIVES = (".zip", ".7z", ".rar", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")

TIME_COLUMNS = {
    "leads": "created_at", "outcomes": "occurred_at", "interactions": "occurred_at",
    "answers": "answered_at",
}  # fmt: skip


@dataclass
class SeenFile:
    """One file that was looked at: its rows (the first ones at least) and which table it may be.

    ``sheet``: of a workbook of several. ``more``: other files of the same columns.
    """

    name: str
    raw: Chunk | None
    notes: tuple[str, ...] = ()
    problem: str | None = None
    table: str | None = None
    why: str = ""
    sheet: str | None = None
    more: list[SeenFile] = field(default_factory=list)


def look_at_folder(folder: Path, settings: DatasetSettings) -> list[SeenFile]:
    """Read the first rows of every file in a folder; what cannot be read has its reason."""
    found = []
    for place in sorted(folder.iterdir()):
        plain = place.name.lower()
        if plain.startswith((*LEFT_BY_PROGRAMS, "dataset.toml", "readme", "licen")):
            continue
        if place.is_dir() and _holds_tables(place):
            what = f"it holds tables of its own: leadscore init {place}"
            found.append(SeenFile(place.name + "/", None, problem=what))
            continue
        if place.is_dir():
            parts = parts_of(place, folder)[:1]
        elif plain.endswith(WORKBOOKS):
            found += _sheets(place, folder, settings)
            continue
        elif any(plain.endswith(end) for end in FORMATS):
            parts = [local_file(place)]
        else:
            database = plain.endswith(DATABASES)
            kind = f"a database: read it as sqlite:///{place}" if database else _no_kind(plain)
            found.append(SeenFile(place.name, None, problem=kind))
            continue
        found.append(_read_first_rows(place, parts, folder, settings))
    return found


def _no_kind(name: str) -> str:
    """Why a file of this name (in small letters) is not read, and what to do."""
    if name.endswith(ARCHIVES):
        return "an archive: unpack it here first, so that its files stand in the folder"
    return "of no kind read: save it as .csv or .xlsx"


def _sheets(place: Path, folder: Path, settings: DatasetSettings) -> list[SeenFile]:
    """A workbook as one file; sheet by sheet where none is called like a table."""
    whole = _read_first_rows(place, [local_file(place)], folder, settings)
    if whole.raw is not None or "has the sheets" not in (whole.problem or ""):
        return [whole]
    each = [
        _read_first_rows(place, [local_file(place)], folder, settings, sheet=name)
        for name in sheet_names(local_file(place))
    ]
    return [seen for seen in each if seen.raw is not None] or [whole]


def _holds_tables(place: Path) -> bool:
    """Whether a folder is an export of its own, and not the parts of one table."""
    stems = {p.name.lower().split(".")[0] for p in place.iterdir() if p.is_file()}
    return place.name.lower() not in TABLES and bool(stems & set(TABLES))


def _read_first_rows(
    place: Path,
    parts: list[Any],
    folder: Path,
    settings: DatasetSettings,
    sheet: str | None = None,
) -> SeenFile:
    notes = TableNotes()
    own = next((t for t in settings.tables.values() if t.file == place.name), TableSettings())
    own = own.model_copy(update={"sheet": sheet}) if sheet is not None else own
    try:
        chunks = file_chunks(
            parts, "leads", Quarantine(None, 1.0), own=own, notes=notes, folder=folder
        )
        raw = next(iter(chunks), None)
    except DataError as error:
        return SeenFile(place.name, None, problem=str(error))
    if raw is None:
        return SeenFile(place.name, None, problem="no file in it")
    return SeenFile(place.name, raw, tuple(notes.found), sheet=sheet)


def assign_tables(files: list[SeenFile], settings: DatasetSettings) -> None:
    """Say of each file which table it is: as declared, by its name, by its columns."""
    scores: list[tuple[float, int, str]] = []
    for place, seen in enumerate(files):
        for table in TABLES:
            declared = settings.tables.get(table, TableSettings()).file
            score = 100.0 if declared == seen.name else _likeness(seen, table)
            if score > 0:
                scores.append((score, place, table))
    taken: set[str] = set()
    for score, place, table in sorted(scores, key=lambda s: (-s[0], s[1], TABLES.index(s[2]))):
        seen = files[place]
        if seen.table is None and table not in taken and score >= 1.0:
            seen.table = table
            seen.why = "by its name and columns" if score < 100 else "declared"
            taken.add(table)
    _join_alike(files)


def _join_alike(files: list[SeenFile]) -> None:
    """Files with the very columns of one that is taken go with it: parts, or a copy."""
    for seen in files:
        if seen.raw is None or seen.table is not None:
            continue
        names = set(seen.raw.table.column_names)
        for first in files:
            if first.table is None or first.raw is None or first.why == "declared":
                continue
            if names == set(first.raw.table.column_names):
                first.more.append(seen)
                seen.why = f"the columns of {first.name}"


def _likeness(seen: SeenFile, table: str) -> float:
    """How much a file looks like a table: its name, and columns that may be the contract's."""
    if seen.raw is None:
        return 0.0
    names = seen.raw.table.column_names
    stem = plain_name(seen.name.split(".")[0])
    by_name = 3.0 if stem == table else 0.0
    by_name = by_name or (1.0 if any(word in stem for word in NAME_WORDS[table]) else 0.0)
    wanted = [*REQUIRED_COLUMNS[table], *((TIME_COLUMNS[table],) if table == "outcomes" else ())]
    there = [c for c in wanted if c in names or near_columns(names, c)]
    missing = [c for c in REQUIRED_COLUMNS[table] if c not in there]
    if missing:
        if by_name and table != "leads" and missing != ["lead_id"] and len(missing) == 1:
            return by_name + 0.25  # one column is asked for
        return 0.0 if by_name < 3 else by_name
    exact = sum(1.0 for c in wanted if c in names)
    wide = 0.5 if table == "leads" and len(names) > 4 else 0.0
    narrow = -0.5 if table == "outcomes" and len(names) > 6 and by_name == 0 else 0.0
    return by_name + exact + 0.5 * (len(there) - exact) + wide + narrow


def rows_of(seen: SeenFile) -> Chunk:
    """The rows of a file that could be read."""
    if seen.raw is None:
        raise DataError(f"{seen.name}: {seen.problem}")
    return seen.raw
