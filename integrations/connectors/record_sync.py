"""What the syncs of all systems share: a mirror, a choice of fields, and leads to which all else
belongs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import ClassVar, Generic

from features.errors import UsageError
from integrations.connectors.fields import FieldSelection
from integrations.connectors.mirror import Mirror
from integrations.connectors.web import SystemApi


class RecordSync(ABC, Generic[SystemApi]):
    """Reads what changed into a mirror and writes the export.

    ``named``: fields of a lead to read beside those chosen. ``without``: patterns of fields, and
    names of kinds of records, not to read. After a run ``notes`` are what a person should read.
    """

    title: ClassVar[str]
    recipe: ClassVar[str]
    leads: ClassVar[str]
    """The kind of record that is a lead."""

    standard: ClassVar[tuple[str, ...]]
    needed: ClassVar[tuple[str, ...]]

    def __init__(
        self, api: SystemApi, mirror: Mirror, named: Sequence[str] = (), without: Sequence[str] = ()
    ) -> None:
        self._api = api
        self._mirror = mirror
        self._without = tuple(without)
        self._selection = FieldSelection(
            self.title, self.recipe, self.standard, self.needed, named, without
        )
        self.notes = self._selection.notes

    def run(self, now: datetime) -> dict[str, int]:
        """Read everything changed since the last run; the rows of each file that was written.

        UsageError if leads are among what is not to be read.
        """
        if self.leads in self._without:
            raise UsageError(f"{self.leads} cannot be left out: everything else belongs to it")
        return self._read_and_write(now)

    @abstractmethod
    def _read_and_write(self, now: datetime) -> dict[str, int]: ...

    def _remove_earlier(self, names: Iterable[str]) -> None:
        """Remove files of an earlier run that this one did not read."""
        for name in names:
            (self._mirror.folder / name).unlink(missing_ok=True)
