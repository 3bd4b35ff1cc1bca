"""What the two clients share: the messages, every call as a request, the retrying."""

from __future__ import annotations

import random
import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict
from urllib.parse import quote

import httpx

Value = str | float | bool | None
AGAIN = frozenset({408, 429, 502, 503, 504, 507})
"""Statuses that a later attempt may not see."""


class Interaction(TypedDict):
    """Something that happened; ``occurred_at`` in RFC 3339 with an offset."""

    kind: str
    occurred_at: str
    lead_id: NotRequired[str]
    value: NotRequired[float | None]
    duration_s: NotRequired[float | None]
    channel: NotRequired[str | None]
    event_id: NotRequired[str]
    source: NotRequired[str]


class Answer(TypedDict):
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
    answers: NotRequired[Sequence[Answer]]
    interactions: NotRequired[Sequence[Interaction]]


class Outcome(TypedDict):
    """How a lead ended."""

    lead_id: str
    outcome: Literal["converted", "lost"]
    occurred_at: str


class Problem(Exception):
    """An answer that is an error; ``request_id`` finds it in the service's logs."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(body.get("type", "about:blank"))
        self.detail = str(body.get("detail", ""))
        self.request_id = str(body.get("request_id", ""))
        self.errors: list[dict[str, str]] = list(body.get("errors", []))
        super().__init__(f"{status} {self.type}: {self.detail} (request {self.request_id})")


@dataclass(frozen=True)
class Asked:
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)


def _lead_path(lead_id: str, rest: str = "") -> str:
    return f"/v1/leads/{quote(lead_id, safe='')}{rest}"


def _named(rows: Iterable[Interaction]) -> list[Interaction]:
    """The rows, each with an event_id, so that a repeated attempt is known as one."""
    return [row if row.get("event_id") else {**row, "event_id": uuid.uuid4().hex} for row in rows]


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


class Calls:
    """Every call of the API as a request; shared by the two clients."""

    def ask_score(self, lead: Lead, reasons: int | None = None) -> Asked:
        """Score one lead."""
        return Asked("POST", "/v1/scores", lead, _given(reasons=reasons))

    def ask_batch(self, leads: Sequence[Lead], as_of: str | None = None) -> Asked:
        """Score many."""
        return Asked("POST", "/v1/scores/batch", {"leads": leads, **_given(as_of=as_of)})

    def ask_put(self, lead_id: str, created_at: str, attributes: Mapping[str, Value]) -> Asked:
        """Create or change a lead."""
        body = {"created_at": created_at, "attributes": attributes}
        return Asked("PUT", _lead_path(lead_id), body)

    def ask_interactions(self, rows: Iterable[Interaction]) -> Asked:
        """Append interactions."""
        return Asked("POST", "/v1/interactions", {"interactions": _named(rows)})

    def ask_answers(self, rows: Iterable[Answer]) -> Asked:
        """Append answers."""
        return Asked("POST", "/v1/answers", {"answers": list(rows)})

    def ask_outcomes(self, rows: Iterable[Outcome]) -> Asked:
        """Add outcomes."""
        return Asked("POST", "/v1/outcomes", {"outcomes": list(rows)})

    def ask_lead_score(self, lead_id: str, as_of: str | None = None) -> Asked:
        """Score a stored lead."""
        return Asked("GET", _lead_path(lead_id, "/score"), None, _given(as_of=as_of))

    def ask_history(self, lead_id: str, cursor: str | None = None) -> Asked:
        """A page of past scores."""
        return Asked("GET", _lead_path(lead_id, "/history"), None, _given(cursor=cursor))

    def ask_leads(self, band: str | None, cursor: str | None = None) -> Asked:
        """A page of the ranking."""
        return Asked("GET", "/v1/leads", None, _given(band=band, cursor=cursor, limit=200))

    def ask_erase(self, lead_id: str) -> Asked:
        """Erase a person."""
        return Asked("DELETE", _lead_path(lead_id))


@dataclass(frozen=True)
class Retrying:
    """How often and how patiently; a ``Retry-After`` of the service is obeyed up to ``most_s``."""

    attempts: int = 5
    first_s: float = 0.2
    most_s: float = 30.0

    def wait_s(self, attempt: int, answer: httpx.Response | None) -> float:
        """Seconds before the next attempt: doubled each time, with jitter."""
        told = answer.headers.get("retry-after", "") if answer is not None else ""
        backoff = self.first_s * 2.0**attempt * random.uniform(0.5, 1.5)  # noqa: S311  (jitter)
        least = float(told) if told.isdigit() else 0.0
        return min(max(backoff, least), self.most_s)


def headers_of(key: str | None, language: str) -> dict[str, str]:
    """The headers of every request."""
    headers = {"accept-language": language, "user-agent": "leadscore-client"}
    return headers if key is None else {**headers, "authorization": f"Bearer {key}"}


def result_of(answer: httpx.Response) -> Any:
    """The decoded answer; raises Problem for an error."""
    if answer.is_success:
        return answer.json()
    try:
        body = answer.json()
    except ValueError:
        body = {}
    raise Problem(answer.status_code, body if isinstance(body, dict) else {})
