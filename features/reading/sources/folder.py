"""A dataset folder: which of its files is which table."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from features.contract import FORMATS, TABLES
from features.dataset_settings import DatasetSettings, TableSettings
from features.errors import DataError
from features.reading.files.data_file import DataFile, files_meant, label_of, local_file, parts_of
from features.reading.files.file_chunks import WORKBOOKS, file_chunks
from features.reading.quarantine import Chunk, Quarantine
from features.reading.table_notes import TableNotes
from features.settings_file import read_settings

BESIDE_TABLES = (
    "dataset.toml",
    "readme",
    "licence",
    "license",
    "references",
    "scorecard",
    "playbook",
)
"""Starts of the names of files that lie beside tables and are none."""
LEFT_BY_PROGRAMS = (".", "~$", "thumbs.db", "desktop.ini", "__macosx")
"""Starts of the names of what Excel, Windows and macOS leave in a folder."""
DATABASES = (".db", ".sqlite", ".sqlite3")


@dataclass(frozen=True)
class FolderSource:
    """A dataset folder."""

    folder: Path
    notes: TableNotes = field(default_factory=TableNotes)
    _settings: list[tuple[DatasetSettings, frozenset[str]]] = field(default_factory=list)
    _files: dict[str, list[DataFile]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            what = "is a file" if self.folder.exists() else "does not exist"
            raise DataError(
                f"{self.folder} {what}; expected a dataset folder with leads.csv (or .xlsx, "
                ".parquet, …), or a URL such as sqlite:///leads.db"
            )

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """Read ``dataset.toml``; without it every setting is inferred."""
        if not self._settings:
            name = self.folder.resolve().name or "dataset"
            self._settings.append(read_settings(self.folder / "dataset.toml", default_name=name))
        return self._settings[0]

    def files(self, name: str) -> list[DataFile]:
        """The files of a table: those declared, else the one called like it; none if absent.

        Looked for once. DataError if two could be the table, or a declared one is not there.
        """
        if name not in self._files:
            self._files[name] = self._found_files(name)
        return self._files[name]

    def _found_files(self, name: str) -> list[DataFile]:
        declared = self._table(name).file
        if declared is not None:
            found = files_meant(declared, self.folder)
            if not found:
                raise DataError(
                    f"[tables.{name}] file = {declared!r}: no such file in {self.folder}"
                )
            return found
        own = [p for p in sorted(self.folder.iterdir()) if _is_table(p, name)]
        if len(own) > 1:
            names = " and ".join(p.name for p in own)
            raise DataError(
                f"{self.folder} holds {names}: two formats of one table, and nothing says which "
                f'is right; remove one, or say file = "{own[0].name}" in [tables.{name}]'
            )
        if own:
            return parts_of(own[0], self.folder) if own[0].is_dir() else [local_file(own[0])]
        return self._sheet_files(name)

    def _table(self, name: str) -> TableSettings:
        return self.settings()[0].of_table(name)

    def _sheet_files(self, name: str) -> list[DataFile]:
        """The one workbook with a sheet that is called like the table."""
        from features.reading.files.excel import sheet_names

        books = [p for p in sorted(self.folder.iterdir()) if p.suffix.lower() in WORKBOOKS]
        books = [p for p in books if not any(_is_table(p, t) for t in TABLES)]
        books = [p for p in books if not p.name.startswith(LEFT_BY_PROGRAMS)]
        alike = [
            local_file(p)
            for p in books
            if any(n.strip().casefold() == name for n in sheet_names(local_file(p)))
        ]
        return alike if len(alike) == 1 else []

    def path(self, name: str) -> Path | None:
        """The one file of a table on this machine's disk, or None."""
        found = self.files(name)
        return found[0].path if len(found) == 1 else None

    def has(self, name: str) -> bool:
        """Whether there is a file of this table."""
        return bool(self.files(name))

    def label(self, name: str) -> str:
        """The file's name, or how many parts there are."""
        return label_of(self.files(name), name, absent=f"{name}.csv")

    def not_read(self) -> list[str]:
        """Names of what lies in the folder and is no table that is read."""
        used = {f.path for name in (*TABLES, "aliases") for f in self.files(name)}
        parts = {p.parent for p in used if p is not None}
        queried = any(f.ending == ".sql" for name in TABLES for f in self.files(name))
        found = []
        for place in sorted(self.folder.iterdir()):
            plain = place.name.lower()
            if plain.startswith((*LEFT_BY_PROGRAMS, *BESIDE_TABLES)) or place in used:
                continue
            if place.is_dir() and any(p == place or place in p.parents for p in parts):
                continue
            found.append(place.name + ("/" if place.is_dir() else ""))
        return [] if queried else found

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows, a bounded number at a time; the first ``skip`` chunks are left out."""
        files = self.files(name)
        if not files:
            raise DataError(self._no_table(name))
        declared = self.settings()[0].columns.get(name, {})
        yield from file_chunks(
            files, name, quarantine, skip, own=self._table(name), declared=declared,
            notes=self.notes, folder=self.folder, label=self.label(name),
        )  # fmt: skip

    def _no_table(self, name: str) -> str:
        ends = ", ".join((".csv", ".xlsx", ".parquet", ".jsonl", ".sql"))
        others = self.not_read()
        bases = [o for o in others if o.lower().endswith(DATABASES)]
        if bases:
            return (
                f"no table {name} in {self.folder}; the folder holds the database {bases[0]}: "
                f"read it as sqlite:///{self.folder / bases[0]}"
            )
        there = (
            f"; the folder holds {', '.join(others[:8])}: leadscore init {self.folder} "
            f"looks at them, "
            f'or say file = "{others[0]}" in [tables.{name}] of dataset.toml'
            if others
            else ""
        )
        if name == "outcomes" and not others:
            there = (
                "; if leads has a column of its status and one of the day it was closed, "
                f"leadscore init {self.folder} writes how to read them"
            )
        return f"no table {name} in {self.folder}; expected {name} with one of {ends}{there}"


def _is_table(place: Path, name: str) -> bool:
    plain = place.name.lower()
    if place.is_dir():
        return plain == name
    return any(plain == name + end for end in FORMATS)
