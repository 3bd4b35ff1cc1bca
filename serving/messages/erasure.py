"""What is stored of a person, and its erasure."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from serving.messages.fields import In, LeadId


class StoredLead(msgspec.Struct, frozen=True):
    """All that is stored of a person, under every id it had; a page at a time (``next``).

    ``attributes``: the last known values. ``tables``: every row of every other table, moments in
    RFC 3339; ``aliases``: the ids that were merged into it.
    """

    lead_id: str
    created_at: datetime | None
    attributes: dict[str, Any]
    at_creation: dict[str, Any]
    aliases: list[str]
    tables: dict[str, list[dict[str, Any]]]
    next: str | None


class Erased(msgspec.Struct, frozen=True):
    """What was deleted, and the releases that may have been trained on this lead.

    ``complete``: no byte of it is left in the store; else ``left`` says what is, and it is
    finished without being asked again. ``backups``: when copies of the store were made that may
    hold the lead; restoring one erases it again.
    """

    erased: bool
    complete: bool
    rows: dict[str, int]
    trained_releases: list[str]
    left: list[str]
    backups: list[datetime]


class EraseIn(In, frozen=True):
    """Leads to erase."""

    lead_ids: Annotated[list[LeadId], Meta(min_length=1, max_length=1000)]


class ErasedMany(msgspec.Struct, frozen=True):
    """What was deleted of many leads; as :class:`Erased`."""

    erased: int
    complete: bool
    rows: dict[str, int]
    trained_releases: list[str]
    left: list[str]
    backups: list[datetime]
