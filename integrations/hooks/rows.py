"""What a webhook says, as rows of the API: the same words, columns and kinds as an import."""

from __future__ import annotations

from collections import Counter
from collections.abc import Container, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from integrations.recipe import Choices, Meaning, load_recipe, meanings

PUSHED = "*leadscore*"
"""Scores written by a push are no attribute of a lead."""

MAX_FIELDS = 1000
"""Fields of one record; these systems allow fewer."""

AT_CREATION = timedelta(seconds=60)
"""What a record has so soon after it was made was known at its creation."""


@dataclass
class HookRows:
    """Rows to take, each as its endpoint takes it; ``unused``: what is none, by reason.

    ``learned_at``: by position of a lead, when its attributes were as they are in the row.
    ``changed_by``: by position of an outcome, the attribute whose change dates it: the outcome is
    taken only if that answer says something new of a lead that was known. ``changes``: positions of
    answers that the system calls changes; the others are what a record is.
    """

    leads: list[dict[str, Any]] = field(default_factory=list)
    answers: list[dict[str, Any]] = field(default_factory=list)
    interactions: list[dict[str, Any]] = field(default_factory=list)
    outcomes: list[dict[str, Any]] = field(default_factory=list)
    learned_at: list[datetime] = field(default_factory=list)
    changed_by: dict[int, str] = field(default_factory=dict)
    changes: set[int] = field(default_factory=set)
    unused: Counter[str] = field(default_factory=Counter)

    def lead(
        self,
        lead_id: str,
        created: datetime,
        values: Mapping[str, Any],
        learned_at: datetime | None = None,
    ) -> None:
        """A lead with what was known at its creation; ``learned_at``: the record's own moment."""
        single = {name: value for name, value in values.items() if self._is_single(value)}
        row = {"lead_id": lead_id, "created_at": created.isoformat(), "attributes": single}
        self.leads.append(row)
        self.learned_at.append(learned_at or created)

    def beside(self, known: Container[str]) -> HookRows:
        """The same rows where these leads are there already: what a message says of one that was
        known at its creation, was learned then, and is no news of today.
        """
        rows = HookRows(
            answers=list(self.answers), interactions=self.interactions, outcomes=self.outcomes,
            changed_by=self.changed_by, changes=self.changes, unused=self.unused,
        )  # fmt: skip
        new: set[str] = set()
        for row, at in zip(self.leads, self.learned_at, strict=True):
            lead_id, created = row["lead_id"], datetime.fromisoformat(row["created_at"])
            if lead_id not in known and lead_id not in new:
                rows.lead(lead_id, created, row["attributes"], at)
                new.add(lead_id)
                continue
            rows.lead(lead_id, created, {}, at)
            for name, value in row["attributes"].items():
                rows.answer(lead_id, at, name, value)
        return rows

    def snapshot(
        self, lead_id: str, created: datetime, modified: datetime, values: Mapping[str, Any]
    ) -> None:
        """A lead as it is at ``modified``: known at creation if that was just now, else learned."""
        if modified - created <= AT_CREATION:
            self.lead(lead_id, created, values, modified)
            return
        self.lead(lead_id, created, {})
        for name, value in values.items():
            self.answer(lead_id, modified, name, value)

    def answer(
        self, lead_id: str, at: datetime, name: str, value: Any, *, change: bool = False
    ) -> None:
        """An attribute that was learned at a moment; ``change``: it was another before."""
        if not self._is_single(value):
            return
        if change:
            self.changes.add(len(self.answers))
        row = {"lead_id": lead_id, "answered_at": at.isoformat(), "attribute": name, "value": value}
        self.answers.append(row)

    def _is_single(self, value: Any) -> bool:
        """Whether a value is one, as attributes are; a list or an object is counted."""
        single = value is None or isinstance(value, str | int | float)
        if not single:
            self.unused["a value that is a list or an object"] += 1
        return single

    def interaction(
        self, lead_id: str, at: datetime, kind: str, event_id: str, duration_s: float | None = None
    ) -> None:
        """Something that happened with a lead."""
        row = {"lead_id": lead_id, "occurred_at": at.isoformat(), "kind": kind,
               "event_id": event_id, "duration_s": duration_s}  # fmt: skip
        self.interactions.append(row)

    def outcome(
        self, lead_id: str, outcome: str, at: datetime | None, *, changed_by: str | None = None
    ) -> None:
        """How a lead ended; without a moment it is not used."""
        if at is None:
            self.unused[f"{outcome} without a date"] += 1
            return
        if changed_by is not None:
            self.changed_by[len(self.outcomes)] = changed_by
        row = {"lead_id": lead_id, "outcome": outcome, "occurred_at": at.isoformat()}
        self.outcomes.append(row)


@dataclass(frozen=True)
class HookRecipe:
    """What a system's recipe says of names and words; ``words``: a person's own, before it."""

    name: str
    left_out: tuple[str, ...]
    words: Mapping[str, Meaning]

    def is_attribute(self, name: str) -> bool:
        """Whether a field describes a lead: not one that the recipe leaves out, nor our score."""
        return not any(fnmatchcase(name.lower(), pattern) for pattern in self.left_out)

    def attributes(self, record: Mapping[str, Any], but: Container[str] = ()) -> dict[str, Any]:
        """The attributes of a record, less those named. ValueError if it has too many fields."""
        if len(record) > MAX_FIELDS:
            raise ValueError(f"more than {MAX_FIELDS} fields")
        return {n: v for n, v in record.items() if n not in but and self.is_attribute(n)}

    def meaning(self, word: Any) -> Meaning | None:
        """What a word of the system says of a lead; None for one that nobody knows."""
        return self.words.get(" ".join(str(word).lower().split()))


@cache
def hook_recipe(name: str, own_words: tuple[tuple[str, Meaning], ...] = ()) -> HookRecipe:
    """A recipe's names and words by its folder's name."""
    recipe = load_recipe(name)
    patterns = (p.lower() for group in recipe.left_out.values() for p in group)
    words = meanings(recipe, Choices(words=dict(own_words)))
    return HookRecipe(name, (PUSHED, *patterns), words)


def identifier(value: Any) -> str:
    """An id or a name as text. TypeError unless it is a text or a whole number.

    >>> identifier(17), identifier("deal-17")
    ('17', 'deal-17')
    """
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("expected a text or a whole number")
    return str(value)


def utc(value: Any) -> datetime:
    """A moment in UTC; one without a zone is in UTC. ValueError if it is none.

    >>> utc("2026-01-05 09:00:00").isoformat(), utc("2026-01-05T09:00:00.000Z").isoformat()
    ('2026-01-05T09:00:00+00:00', '2026-01-05T09:00:00+00:00')
    """
    moment = datetime.fromisoformat(value)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def seconds_of(hours_minutes: Any) -> float | None:
    """Seconds of a duration as hours and minutes; None if it is none.

    >>> seconds_of("01:30"), seconds_of(""), seconds_of(None)
    (5400.0, None, None)
    """
    hours, _, minutes = str(hours_minutes or "").partition(":")
    if not (hours.isdecimal() and minutes.isdecimal()):
        return None
    return 60.0 * (60 * int(hours) + int(minutes))
