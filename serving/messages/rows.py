"""Rows of the store that come in: leads, interactions, answers and outcomes."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from serving.messages.fields import (
    ROWS,
    Amount,
    Duration,
    EventId,
    In,
    Known,
    LeadId,
    Moment,
    Name,
    Text,
)
from serving.problems import FieldError


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
    duration_s: Duration | None = None
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


class LeadRow(In, frozen=True):
    """A lead of many, as :class:`LeadIn` with its id."""

    lead_id: LeadId
    created_at: Moment
    attributes: dict[Name, Known] = msgspec.field(default_factory=dict)


class LeadsIn(In, frozen=True):
    """Many leads to create or change."""

    leads: Annotated[list[LeadRow], ROWS]


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that was not taken: ``unknown_lead``, ``erased``, ``conflict`` (the same key with other
    content), ``before_creation``, ``withdrawn``, ``unknown_event`` or ``invalid``; ``errors`` name
    the fields of an invalid one."""

    index: int
    why: str
    errors: list[FieldError] = []


class RowsTaken(msgspec.Struct, frozen=True):
    """What became of a batch. Rows taken and repeated are on disk when this is answered."""

    taken: int
    repeated: int
    refused: list[Refused]


class LeadsTaken(msgspec.Struct, frozen=True):
    """What became of many leads; on disk when this is answered."""

    created: int
    changed: int
    unchanged: int
    refused: list[Refused]
