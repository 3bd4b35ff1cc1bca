"""Which fields of a system's lead are read: what describes it, and nothing that names a person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from features.errors import UsageError
from integrations.connectors.mirror import Mirror
from integrations.recipe import load_recipe

PUSHED = "*leadscore*"
"""Scores written by a push are no attribute of a lead: they would teach the model its own."""


@dataclass(frozen=True)
class SystemField:
    """A field that the system has: its name in the API, and its label.

    ``custom``: made by the system's users. ``free_text``: anybody may have written anything there.
    """

    name: str
    label: str = ""
    custom: bool = False
    free_text: bool = False

    def is_one_of(self, patterns: Iterable[str]) -> bool:
        """Whether the name fits one of ``patterns``; capitals do not matter."""
        return any(fnmatchcase(self.name.lower(), pattern.lower()) for pattern in patterns)

    def is_called(self, patterns: Iterable[str]) -> bool:
        """Whether the name or the label fits one of ``patterns``."""
        patterns = tuple(patterns)
        return self.is_one_of(patterns) or SystemField(self.label).is_one_of(patterns)


@dataclass(frozen=True)
class FieldSelection:
    """How the fields to read are chosen.

    ``standard``: the system's own fields that describe a lead. ``needed``: what the recipe reads
    besides attributes. ``named``: fields that a person asks for. ``without``: patterns of fields
    and names of kinds not to read.
    """

    title: str
    recipe: str
    standard: tuple[str, ...]
    needed: tuple[str, ...]
    named: Sequence[str] = ()
    without: Sequence[str] = ()
    notes: list[str] = field(default_factory=list)

    def attributes(self, found: Sequence[SystemField]) -> list[str]:
        """The fields to read as attributes, in alphabetical order; what is left out is noted.

        UsageError if a field that a person named is not there.
        """
        known = {one.name for one in found} | {one.label for one in found if one.custom}
        missing = [name for name in self.named if name not in known]
        if missing:
            raise UsageError(f"{self.title} has no field {', '.join(missing)} of a lead")
        left_out = [p for group in load_recipe(self.recipe).left_out.values() for p in group]
        never = (PUSHED, *self.without, *self.needed)
        chosen, unread = [], []
        for one in found:
            named = one.name in self.named or (one.custom and one.label in self.named)
            usual = (one.custom and not one.free_text) or one.name in self.standard
            if one.is_called(never):
                continue
            if named or (usual and not one.is_one_of(left_out)):
                chosen.append(one.name)
            elif one.custom and one.free_text:
                unread.append(one.name)
        if unread:
            self.notes.append(
                f"not read, free text: {', '.join(sorted(unread))}; --property NAME reads one"
            )
        return sorted(chosen)

    def keep(self, mirror: Mirror, kinds: Sequence[str], attributes: Sequence[str]) -> None:
        """Remember the choice; where it has changed, all records of these kinds are read again."""
        known, chosen = mirror.setting("attributes"), " ".join(attributes)
        if known not in (None, chosen):
            for kind in kinds:
                mirror.restart(kind)
            self.notes.append(f"the fields to read have changed: all {kinds[0]} are read again")
        mirror.set("attributes", chosen)
