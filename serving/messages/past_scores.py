"""Scores that were given: of one lead, and the newest of each."""

from __future__ import annotations

from datetime import datetime

import msgspec


class Change(msgspec.Struct, frozen=True):
    """A feature whose share of the log-odds moved since the score before."""

    feature: str
    contribution: float
    before: float


class PastScore(msgspec.Struct, frozen=True):
    """A score given once, and what moved since the one before (strongest first)."""

    score_id: str
    as_of: datetime
    asked_at: datetime
    probability: float
    band: str
    label: str
    role: str
    release_id: str
    version: str
    changes: list[Change]


class PastScores(msgspec.Struct, frozen=True):
    """Newest first; ``next`` is the cursor of the next page."""

    lead_id: str
    scores: list[PastScore]
    next: str | None


class Ranked(msgspec.Struct, frozen=True):
    """A lead's newest score and how to show the lead.

    ``updated_at``: when the score was given; ``reasons``: sentences, the strongest first;
    ``outcome``: null while the lead is open.
    """

    lead_id: str
    probability: float
    band: str
    label: str
    as_of: datetime
    score_id: str
    release_id: str
    version: str
    updated_at: datetime
    reasons: list[str]
    name: str | None
    owner: str | None
    source: str | None
    account: str | None
    outcome: str | None


class RankedLeads(msgspec.Struct, frozen=True):
    """``next``: cursor of the next page. ``total`` and ``bands`` count the leads of all pages.

    ``release_id``: whose scores these are; null when any release's were asked for.
    """

    leads: list[Ranked]
    next: str | None
    total: int
    bands: dict[str, int]
    release_id: str | None
