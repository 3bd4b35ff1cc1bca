"""What every source of tables offers: a folder, a folder on object storage, a database, frames."""

from __future__ import annotations

from collections.abc import Generator
from typing import Protocol

from features.dataset_settings import DatasetSettings
from features.reading.quarantine import Chunk, Quarantine
from features.reading.table_notes import TableNotes


class TableSource(Protocol):
    """Where the tables come from: a folder or a database."""

    @property
    def notes(self) -> TableNotes:
        """What was found while reading."""

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """The settings, and the names of those that were really given."""

    def has(self, name: str) -> bool:
        """Whether there is a table of this name."""

    def label(self, name: str) -> str:
        """How messages call the table: its file name."""

    def not_read(self) -> list[str]:
        """What is there beside the tables, by name."""

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows of a table, in order, a bounded number at a time; without the first chunks."""
