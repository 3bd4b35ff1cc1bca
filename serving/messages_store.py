"""What goes in and out of the store, as strict msgspec structs."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from serving.messages import Amount, EventId, In, Known, LeadId, Moment, Name, Text

ROWS = Meta(min_length=1, max_length=10_000)


class LeadIn(In, frozen=True):
    """A lead. The first PUT fixes its creation; what later ones change is learned then."""

    created_at: Moment
    attributes: dict[Name, Known] = msgspec.field(default_factory=dict)


class InteractionIn(In, frozen=True):
    """An interaction of a known lead; unique by ``source`` and ``event_id``.

    Without an ``event_id`` the content itself is the identity: an exact repeat counts once.
    """

    lead_id: LeadId
    kind: Name
    occurred_at: Moment
    event_id: EventId | None = None
    source: Name = "crm"
    value: Amount | None = None
    duration_s: Annotated[float, Meta(ge=0)] | None = None
    channel: Text | None = None


class AnswerIn(In, frozen=True):
    """An attribute learned after creation; null means that it became unknown."""

    lead_id: LeadId
    attribute: Name
    answered_at: Moment
    value: Known = None


class OutcomeIn(In, frozen=True):
    """How a lead ended; said once."""

    lead_id: LeadId
    outcome: Literal["converted", "lost"]
    occurred_at: Moment


class InteractionsIn(In, frozen=True):
    """Interactions of any leads."""

    interactions: Annotated[list[InteractionIn], ROWS]


class AnswersIn(In, frozen=True):
    """Answers of any leads."""

    answers: Annotated[list[AnswerIn], ROWS]


class OutcomesIn(In, frozen=True):
    """Outcomes of any leads."""

    outcomes: Annotated[list[OutcomeIn], ROWS]


class LeadTaken(msgspec.Struct, frozen=True):
    """``became``: created, changed (attributes became answers of now) or unchanged."""

    lead_id: str
    became: str
    attributes_changed: int


class Refused(msgspec.Struct, frozen=True):
    """A row that was not taken: ``unknown_lead``, ``erased``, ``conflict``, ``before_creation``."""

    index: int
    why: str


class RowsTaken(msgspec.Struct, frozen=True):
    """What became of a batch. Rows taken and repeated are on disk when this is answered."""

    taken: int
    repeated: int
    refused: list[Refused]


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
    """A lead's newest score."""

    lead_id: str
    probability: float
    band: str
    label: str
    as_of: datetime
    score_id: str
    release_id: str


class RankedLeads(msgspec.Struct, frozen=True):
    """Highest probability first; ``next`` is the cursor of the next page."""

    leads: list[Ranked]
    next: str | None


class Erased(msgspec.Struct, frozen=True):
    """What was deleted, and the releases that may have been trained on this lead."""

    erased: bool
    rows: dict[str, int]
    trained_releases: list[str]
