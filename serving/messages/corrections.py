"""Corrections of stored rows: patches, merges and withdrawals."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from serving.messages.fields import ROWS, EventId, In, Known, LeadId, Moment, Name
from serving.messages.rows import Refused


class LeadPatch(In, frozen=True):
    """What changes of a lead; what is left out stays.

    ``attributes``: learned now, as by PUT; null: became unknown. ``at_creation``: was wrong from
    the start. ``created_at``: was wrong. Scores of the past keep what they saw.
    """

    attributes: dict[Name, Known] = msgspec.field(default_factory=dict)
    at_creation: dict[Name, Known] = msgspec.field(default_factory=dict)
    created_at: Moment | None = None


class OutcomePut(In, frozen=True):
    """How a lead ended, in place of what was said before."""

    outcome: Literal["converted", "lost"]
    occurred_at: Moment


class OutcomeSet(msgspec.Struct, frozen=True):
    """``became``: changed or unchanged. ``outcome``: null for an open lead."""

    lead_id: str
    became: str
    outcome: str | None


class MergeIn(In, frozen=True):
    """``lead_id`` is the same lead as ``into``, which stays."""

    lead_id: LeadId
    into: LeadId


class Merged(msgspec.Struct, frozen=True):
    """``lead_id``: the lead that both are now; ``became``: merged or unchanged."""

    lead_id: str
    became: str
    interactions_moved: int


class EventKey(In, frozen=True):
    """What an interaction is known by."""

    event_id: EventId
    source: Name = "crm"


class AnswerKey(In, frozen=True):
    """What an answer is known by."""

    lead_id: LeadId
    attribute: Name
    answered_at: Moment


class WithdrawInteractions(In, frozen=True):
    """Interactions that did not happen, or not so."""

    interactions: Annotated[list[EventKey], ROWS]


class WithdrawAnswers(In, frozen=True):
    """Answers that were not given, or not so."""

    answers: Annotated[list[AnswerKey], ROWS]


class Withdrawn(msgspec.Struct, frozen=True):
    """What became of rows to be withdrawn; ``repeated`` were withdrawn before."""

    withdrawn: int
    repeated: int
    refused: list[Refused]
