"""A dataset folder on object storage or the web, by its URL."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

from features.contract import FORMATS, TABLES
from features.dataset_settings import DatasetSettings
from features.errors import DataError
from features.reading.files.data_file import DataFile, files_meant, is_url, label_of
from features.reading.files.file_chunks import file_chunks
from features.reading.quarantine import Chunk, Quarantine
from features.reading.sources.folder import BESIDE_TABLES
from features.reading.table_notes import TableNotes
from features.settings_file import settings_from_text


@dataclass(frozen=True)
class RemoteFolderSource:
    """A dataset folder on object storage, by its URL; ``dataset.toml`` lies in it as well."""

    url: str
    notes: TableNotes = field(default_factory=TableNotes)
    _listing: list[DataFile] = field(default_factory=list)
    _settings: list[tuple[DatasetSettings, frozenset[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = files_meant(self.url, Path())
        if not found:
            raise DataError(f"{self.url} holds no file; expected leads.parquet (or .csv, …) in it")
        self._listing.extend(found)

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """Read ``dataset.toml``; without it every setting is inferred."""
        if not self._settings:
            name = self.url.rstrip("/").rsplit("/", 1)[-1] or "dataset"
            own = [f for f in self._listing if f.name == "dataset.toml"]
            text = bytes(own[0].read()).decode("utf-8-sig") if own else ""
            self._settings.append(settings_from_text(text, default_name=name))
        return self._settings[0]

    def files(self, name: str) -> list[DataFile]:
        """The files of a table: those declared, its own, or its parts in a folder of its name."""
        declared = self.settings()[0].of_table(name).file
        if declared is not None:
            text = declared if is_url(declared) else f"{self.url.rstrip('/')}/{declared}"
            return files_meant(text, Path())
        own = [f for f in self._listing if f.name.lower() in {name + end for end in FORMATS}]
        if len(own) > 1:
            names = " and ".join(f.name for f in own)
            raise DataError(f"{self.url} holds {names}: two formats of one table; remove one")
        return own or [f for f in self._listing if f.name.lower().startswith(name + "/")]

    def has(self, name: str) -> bool:
        """Whether there is a file of this table."""
        return bool(self.files(name))

    def label(self, name: str) -> str:
        """The file's name, or how many parts there are."""
        return label_of(self.files(name), name, absent=f"{name}.parquet")

    def not_read(self) -> list[str]:
        """Names of what lies in the folder and is no table that is read."""
        used = {f.location for name in (*TABLES, "aliases") for f in self.files(name)}
        return [
            f.name
            for f in self._listing
            if f.location not in used and not f.name.lower().startswith(BESIDE_TABLES)
        ]

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows, a bounded number at a time; the first ``skip`` chunks are left out."""
        files = self.files(name)
        if not files:
            raise DataError(f"no table {name} in {self.url}; expected {name}.parquet, .csv, …")
        settings = self.settings()[0]
        yield from file_chunks(
            files, name, quarantine, skip, own=settings.of_table(name),
            declared=settings.columns.get(name, {}), notes=self.notes, label=self.label(name),
        )  # fmt: skip
