"""What is sent to the service: leads and rows of their history, typed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NotRequired, TypedDict

Value = str | float | bool | None


class InteractionRow(TypedDict):
    """Something that happened; ``occurred_at`` in RFC 3339 with an offset."""

    kind: str
    occurred_at: str
    lead_id: NotRequired[str]
    value: NotRequired[float | None]
    duration_s: NotRequired[float | None]
    channel: NotRequired[str | None]
    event_id: NotRequired[str]
    source: NotRequired[str]


class AnswerRow(TypedDict):
    """An attribute learned after creation."""

    attribute: str
    answered_at: str
    value: Value
    lead_id: NotRequired[str]


class Lead(TypedDict):
    """One lead with its history, as sent to be scored."""

    lead_id: str
    created_at: NotRequired[str]
    as_of: NotRequired[str]
    attributes: NotRequired[Mapping[str, Value]]
    answers: NotRequired[Sequence[AnswerRow]]
    interactions: NotRequired[Sequence[InteractionRow]]


class LeadRow(TypedDict):
    """One lead of many to create or change."""

    lead_id: str
    created_at: str
    attributes: NotRequired[Mapping[str, Value]]


class OutcomeRow(TypedDict):
    """How a lead ended."""

    lead_id: str
    outcome: Literal["converted", "lost"]
    occurred_at: str
