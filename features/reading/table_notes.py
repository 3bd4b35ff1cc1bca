"""What is noted while tables are read: findings, losses, and the rows of each, counted apart."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass
class TableNotes:
    """What was found of files and said; and the rows that each holds, counted apart."""

    found: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    _counted: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def counted(self) -> dict[str, int]:
        """The rows of each table, by a count of its own."""
        found: dict[str, int] = {}
        for (table, _), rows in self._counted.items():
            found[table] = found.get(table, 0) + rows
        return found

    def count(self, table: str, file: str, rows: int) -> None:
        """Keep how many rows a file of a table holds; a file counted again is the same file."""
        self._counted[table, file] = rows

    def say(self, sentence: str) -> None:
        """Keep a sentence once."""
        if sentence not in self.found:
            self.found.append(sentence)

    def lose(self, sentence: str) -> None:
        """Keep a loss once."""
        if sentence not in self.losses:
            self.losses.append(sentence)
