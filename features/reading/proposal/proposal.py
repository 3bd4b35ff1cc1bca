"""What is proposed for a folder, what is left open, and what each file is taken for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from features.language.plural import plural
from features.reading.proposal.seen_files import SeenFile


@dataclass
class Proposal:
    """What was seen, the keys proposed, and what only a person can say.

    ``keys``: top-level keys with a comment each. ``sections``: keys of tables of dataset.toml.
    ``open``: sentences on what is to be said, each with its key.
    """

    files: list[SeenFile] = field(default_factory=list)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    sections: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def key(self, name: str, value: str, comment: str = "") -> None:
        """Propose a top-level key, as TOML."""
        self.keys.setdefault(name, (value, comment))

    def within(self, section: str, name: str, value: str, comment: str = "") -> None:
        """Propose a key of a table of dataset.toml."""
        self.sections.setdefault(section, {}).setdefault(name, (value, comment))

    def leave_open(self, question: str, line: str) -> None:
        """Leave a key as a comment: only a person knows."""
        if f"# {line}" not in self.comments:
            self.open.append(question)
            self.comments += [f"# {question}", f"# {line}"]


def _file_and_sheet(seen: SeenFile) -> str:
    return f"{seen.name}, sheet {seen.sheet}" if seen.sheet is not None else seen.name


def describe(proposal: Proposal) -> Sequence[str]:
    """What each file is taken for, a line each."""
    lines = []
    for seen in proposal.files:
        if seen.raw is None:
            lines.append(f"{seen.name}: not read: {seen.problem}")
        elif seen.table is None:
            why = f"it has {seen.why}" if seen.why else "it looks like no table of the contract"
            lines.append(f"{_file_and_sheet(seen)}: {why if seen.why else f'not read: {why}'}")
        else:
            columns = len(seen.raw.table.column_names)
            lines.append(
                f"{_file_and_sheet(seen)}: {seen.table}, {seen.why} "
                f"({plural(columns, '{n:,} column', '{n:,} columns')})"
            )
        lines += [f"  {note}" for note in seen.notes]
    return lines
