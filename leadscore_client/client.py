"""The client for a CRM's developer: typed, sync and async, retrying what is safe to retry.

It needs httpx2 and nothing of the server. Every call may be repeated without harm: the service
knows an event by its ``event_id``, and one that has none by its content.

>>> client = Client("http://127.0.0.1:8000")  # doctest: +SKIP
>>> client.score({"lead_id": "L-1", "created_at": "2026-03-02T09:12:00Z"})["band"]  # doctest: +SKIP
'cold'
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NotRequired, TypedDict
from urllib.parse import quote

import httpx2

__all__ = [
    "AnswerRow",
    "AsyncClient",
    "Client",
    "InteractionRow",
    "Lead",
    "LeadRow",
    "OutcomeRow",
    "Problem",
    "RetryPolicy",
]


class RequestBuilder:
    """Every call of the API as a request; shared by the two clients."""

    def ask_score(self, lead: Lead, reasons: int | None = None) -> PreparedRequest:
        """Score one lead."""
        return PreparedRequest("POST", "/v1/scores", lead, _given(reasons=reasons))

    def ask_batch(self, leads: Sequence[Lead], as_of: str | None = None) -> PreparedRequest:
        """Score many."""
        return PreparedRequest("POST", "/v1/scores/batch", {"leads": leads, **_given(as_of=as_of)})

    def ask_put(
        self, lead_id: str, created_at: str, attributes: Mapping[str, Value]
    ) -> PreparedRequest:
        """Create or change a lead."""
        body = {"created_at": created_at, "attributes": attributes}
        return PreparedRequest("PUT", _lead_path(lead_id), body)

    def ask_interactions(self, rows: Iterable[InteractionRow]) -> PreparedRequest:
        """Append interactions."""
        return PreparedRequest("POST", "/v1/interactions", {"interactions": list(rows)})

    def ask_answers(self, rows: Iterable[AnswerRow]) -> PreparedRequest:
        """Append answers."""
        return PreparedRequest("POST", "/v1/answers", {"answers": list(rows)})

    def ask_outcomes(self, rows: Iterable[OutcomeRow]) -> PreparedRequest:
        """Add outcomes."""
        return PreparedRequest("POST", "/v1/outcomes", {"outcomes": list(rows)})

    def ask_put_many(self, leads: Iterable[LeadRow]) -> PreparedRequest:
        """Create or change many leads."""
        return PreparedRequest("POST", "/v1/leads", {"leads": list(leads)})

    def ask_stored(self, lead_id: str, cursor: str | None = None) -> PreparedRequest:
        """All that is stored of a lead."""
        return PreparedRequest("GET", _lead_path(lead_id), None, _given(cursor=cursor))

    def ask_patch(self, lead_id: str, changes: Mapping[str, Any]) -> PreparedRequest:
        """Correct a lead."""
        return PreparedRequest("PATCH", _lead_path(lead_id), changes)

    def ask_merge(self, lead_id: str, into: str) -> PreparedRequest:
        """Make two leads one."""
        body = {"lead_id": lead_id, "into": into}
        return PreparedRequest("POST", "/v1/leads/merge", body)

    def ask_outcome(
        self, lead_id: str, outcome: str | None, occurred_at: str | None
    ) -> PreparedRequest:
        """Set an outcome, or take it back."""
        if outcome is None:
            return PreparedRequest("DELETE", _lead_path(lead_id, "/outcome"))
        body = {"outcome": outcome, "occurred_at": occurred_at}
        return PreparedRequest("PUT", _lead_path(lead_id, "/outcome"), body)

    def ask_withdraw(self, name: str, keys: Iterable[Mapping[str, str]]) -> PreparedRequest:
        """Withdraw interactions or answers."""
        return PreparedRequest("POST", f"/v1/{name}/withdraw", {name: list(keys)})

    def ask_erase_many(self, lead_ids: Sequence[str]) -> PreparedRequest:
        """Erase many people."""
        return PreparedRequest("POST", "/v1/leads/erase", {"lead_ids": list(lead_ids)})

    def ask_lead_score(
        self,
        lead_id: str,
        as_of: str | None = None,
        reasons: int | None = None,
        record: bool = True,
    ) -> PreparedRequest:
        """Score a stored lead."""
        params = _given(as_of=as_of, reasons=reasons, record=None if record else "false")
        return PreparedRequest("GET", _lead_path(lead_id, "/score"), None, params)

    def ask_history(self, lead_id: str, cursor: str | None = None) -> PreparedRequest:
        """A page of past scores."""
        return PreparedRequest("GET", _lead_path(lead_id, "/history"), None, _given(cursor=cursor))

    def ask_leads(
        self, band: str | None, cursor: str | None = None, **filters: str | float
    ) -> PreparedRequest:
        """A page of the list of leads to call; of 200 unless ``limit`` is among the filters."""
        params = _given(band=band, cursor=cursor, **{"limit": 200, **filters})
        return PreparedRequest("GET", "/v1/leads", None, params)

    def ask_changes(self, after: str, limit: int) -> PreparedRequest:
        """Changes of scores after a cursor."""
        return PreparedRequest("GET", "/v1/changes", None, _given(after=after, limit=limit))

    def ask_erase(self, lead_id: str) -> PreparedRequest:
        """Erase a person."""
        return PreparedRequest("DELETE", _lead_path(lead_id))


class Client(RequestBuilder):
    """The API, one call after the other. Close it, or use it in a ``with``."""

    def __init__(
        self, url: str, key: str | None = None, *, language: str = "en", timeout_s: float = 10.0,
        retrying: RetryPolicy | None = None, transport: httpx2.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        headers = headers_of(key, language)
        self._http = httpx2.Client(
            base_url=url, headers=headers, timeout=timeout_s, transport=transport
        )
        self._retrying = retrying or RetryPolicy()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, asked: PreparedRequest) -> Any:
        """Send a request, again if need be; the decoded answer. Raises Problem."""
        attempt = 0
        while True:
            answer: httpx2.Response | None = None
            try:
                answer = self._http.request(
                    asked.method, asked.path, json=asked.json, params=asked.params
                )
                if answer.status_code not in RETRY_STATUSES:
                    return result_of(answer)
            except httpx2.TransportError:
                if attempt + 1 >= self._retrying.attempts:
                    raise
            if attempt + 1 >= self._retrying.attempts and answer is not None:
                return result_of(answer)
            time.sleep(self._retrying.wait_s(attempt, answer))
            attempt += 1

    def score(self, lead: Lead, *, reasons: int | None = None) -> dict[str, Any]:
        """Score one lead as sent."""
        return dict(self.send(self.ask_score(lead, reasons)))

    def score_batch(self, leads: Sequence[Lead], *, as_of: str | None = None) -> dict[str, Any]:
        """Score up to 1,000 leads; an item each, score or error."""
        return dict(self.send(self.ask_batch(leads, as_of)))

    def put_lead(
        self, lead_id: str, created_at: str, attributes: Mapping[str, Value]
    ) -> dict[str, Any]:
        """Create a lead, or tell what changed of it."""
        return dict(self.send(self.ask_put(lead_id, created_at, attributes)))

    def add_interactions(self, rows: Iterable[InteractionRow]) -> dict[str, Any]:
        """Append interactions; ``refused`` tells which rows were not taken."""
        return dict(self.send(self.ask_interactions(rows)))

    def add_answers(self, rows: Iterable[AnswerRow]) -> dict[str, Any]:
        """Append answers."""
        return dict(self.send(self.ask_answers(rows)))

    def add_outcomes(self, rows: Iterable[OutcomeRow]) -> dict[str, Any]:
        """Add outcomes."""
        return dict(self.send(self.ask_outcomes(rows)))

    def lead_score(
        self,
        lead_id: str,
        *,
        as_of: str | None = None,
        reasons: int | None = None,
        record: bool = True,
    ) -> dict[str, Any]:
        """Score a lead of the store from its stored history; a what-if unless ``record``."""
        return dict(self.send(self.ask_lead_score(lead_id, as_of, reasons, record)))

    def lead_history(self, lead_id: str) -> Iterator[dict[str, Any]]:
        """A lead's past scores, newest first, page after page."""
        cursor: str | None = None
        while True:
            page = self.send(self.ask_history(lead_id, cursor))
            yield from page["scores"]
            cursor = page["next"]
            if cursor is None:
                return

    def changes(self, after: str = "0", *, limit: int = 1000) -> tuple[list[dict[str, Any]], str]:
        """(changes of scores after a cursor, oldest first; the cursor to come back with).

        ``after``: "0" from the oldest kept, "latest" for the cursor of now.
        """
        page = self.send(self.ask_changes(after, limit))
        return page["changes"], page["next"]

    def leads(self, band: str | None = None, **filters: str | float) -> Iterator[dict[str, Any]]:
        """Open leads by their newest score, hottest first, page after page.

        ``filters``: owner, source, account, updated_since, min_probability, status, release, sort.
        """
        cursor: str | None = None
        while True:
            page = self.send(self.ask_leads(band, cursor, **filters))
            yield from page["leads"]
            cursor = page["next"]
            if cursor is None:
                return

    def erase(self, lead_id: str) -> dict[str, Any]:
        """Erase everything of a person."""
        return dict(self.send(self.ask_erase(lead_id)))

    def put_leads(self, leads: Iterable[LeadRow]) -> dict[str, Any]:
        """Create or change up to 10,000 leads; ``refused`` tells which were not taken."""
        return dict(self.send(self.ask_put_many(leads)))

    def stored_lead(self, lead_id: str, *, cursor: str | None = None) -> dict[str, Any]:
        """All that is stored of a lead, a page at a time (``next``)."""
        return dict(self.send(self.ask_stored(lead_id, cursor)))

    def patch_lead(self, lead_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Correct a lead: ``attributes`` (of now), ``at_creation``, ``created_at``."""
        return dict(self.send(self.ask_patch(lead_id, changes)))

    def merge_leads(self, lead_id: str, into: str) -> dict[str, Any]:
        """Make ``lead_id`` the same lead as ``into``; the old id answers with the new one."""
        return dict(self.send(self.ask_merge(lead_id, into)))

    def set_outcome(
        self, lead_id: str, outcome: str | None, occurred_at: str | None = None
    ) -> dict[str, Any]:
        """Set a lead's outcome, whatever was said before; None reopens the lead."""
        return dict(self.send(self.ask_outcome(lead_id, outcome, occurred_at)))

    def withdraw_interactions(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw interactions by ``source`` and ``event_id``."""
        return dict(self.send(self.ask_withdraw("interactions", keys)))

    def withdraw_answers(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw answers by ``lead_id``, ``attribute`` and ``answered_at``."""
        return dict(self.send(self.ask_withdraw("answers", keys)))

    def erase_many(self, lead_ids: Sequence[str]) -> dict[str, Any]:
        """Erase everything of up to 1,000 people."""
        return dict(self.send(self.ask_erase_many(lead_ids)))


class AsyncClient(RequestBuilder):
    """The API for asyncio; the same calls as :class:`Client`, awaited."""

    def __init__(
        self, url: str, key: str | None = None, *, language: str = "en", timeout_s: float = 10.0,
        retrying: RetryPolicy | None = None, transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        headers = headers_of(key, language)
        self._http = httpx2.AsyncClient(
            base_url=url, headers=headers, timeout=timeout_s, transport=transport
        )
        self._retrying = retrying or RetryPolicy()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, asked: PreparedRequest) -> Any:
        """Send a request, again if need be; the decoded answer. Raises Problem."""
        attempt = 0
        while True:
            answer: httpx2.Response | None = None
            try:
                answer = await self._http.request(
                    asked.method, asked.path, json=asked.json, params=asked.params
                )
                if answer.status_code not in RETRY_STATUSES:
                    return result_of(answer)
            except httpx2.TransportError:
                if attempt + 1 >= self._retrying.attempts:
                    raise
            if attempt + 1 >= self._retrying.attempts and answer is not None:
                return result_of(answer)
            await asyncio.sleep(self._retrying.wait_s(attempt, answer))
            attempt += 1

    async def score(self, lead: Lead, *, reasons: int | None = None) -> dict[str, Any]:
        """Score one lead as sent."""
        return dict(await self.send(self.ask_score(lead, reasons)))

    async def score_batch(
        self, leads: Sequence[Lead], *, as_of: str | None = None
    ) -> dict[str, Any]:
        """Score up to 1,000 leads; an item each, score or error."""
        return dict(await self.send(self.ask_batch(leads, as_of)))

    async def put_lead(
        self, lead_id: str, created_at: str, attributes: Mapping[str, Value]
    ) -> dict[str, Any]:
        """Create a lead, or tell what changed of it."""
        return dict(await self.send(self.ask_put(lead_id, created_at, attributes)))

    async def add_interactions(self, rows: Iterable[InteractionRow]) -> dict[str, Any]:
        """Append interactions; ``refused`` tells which rows were not taken."""
        return dict(await self.send(self.ask_interactions(rows)))

    async def add_answers(self, rows: Iterable[AnswerRow]) -> dict[str, Any]:
        """Append answers."""
        return dict(await self.send(self.ask_answers(rows)))

    async def add_outcomes(self, rows: Iterable[OutcomeRow]) -> dict[str, Any]:
        """Add outcomes."""
        return dict(await self.send(self.ask_outcomes(rows)))

    async def lead_score(
        self,
        lead_id: str,
        *,
        as_of: str | None = None,
        reasons: int | None = None,
        record: bool = True,
    ) -> dict[str, Any]:
        """Score a lead of the store from its stored history; a what-if unless ``record``."""
        return dict(await self.send(self.ask_lead_score(lead_id, as_of, reasons, record)))

    async def lead_history(self, lead_id: str) -> AsyncIterator[dict[str, Any]]:
        """A lead's past scores, newest first, page after page."""
        cursor: str | None = None
        while True:
            page = await self.send(self.ask_history(lead_id, cursor))
            for past in page["scores"]:
                yield past
            cursor = page["next"]
            if cursor is None:
                return

    async def changes(
        self, after: str = "0", *, limit: int = 1000
    ) -> tuple[list[dict[str, Any]], str]:
        """(changes of scores after a cursor, oldest first; the cursor to come back with)."""
        page = await self.send(self.ask_changes(after, limit))
        return page["changes"], page["next"]

    async def leads(
        self, band: str | None = None, **filters: str | float
    ) -> AsyncIterator[dict[str, Any]]:
        """Leads by their newest score, hottest first, page after page."""
        cursor: str | None = None
        while True:
            page = await self.send(self.ask_leads(band, cursor, **filters))
            for lead in page["leads"]:
                yield lead
            cursor = page["next"]
            if cursor is None:
                return

    async def erase(self, lead_id: str) -> dict[str, Any]:
        """Erase everything of a person."""
        return dict(await self.send(self.ask_erase(lead_id)))

    async def put_leads(self, leads: Iterable[LeadRow]) -> dict[str, Any]:
        """Create or change up to 10,000 leads; ``refused`` tells which were not taken."""
        return dict(await self.send(self.ask_put_many(leads)))

    async def stored_lead(self, lead_id: str, *, cursor: str | None = None) -> dict[str, Any]:
        """All that is stored of a lead, a page at a time (``next``)."""
        return dict(await self.send(self.ask_stored(lead_id, cursor)))

    async def patch_lead(self, lead_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Correct a lead: ``attributes`` (of now), ``at_creation``, ``created_at``."""
        return dict(await self.send(self.ask_patch(lead_id, changes)))

    async def merge_leads(self, lead_id: str, into: str) -> dict[str, Any]:
        """Make ``lead_id`` the same lead as ``into``; the old id answers with the new one."""
        return dict(await self.send(self.ask_merge(lead_id, into)))

    async def set_outcome(
        self, lead_id: str, outcome: str | None, occurred_at: str | None = None
    ) -> dict[str, Any]:
        """Set a lead's outcome, whatever was said before; None reopens the lead."""
        return dict(await self.send(self.ask_outcome(lead_id, outcome, occurred_at)))

    async def withdraw_interactions(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw interactions by ``source`` and ``event_id``."""
        return dict(await self.send(self.ask_withdraw("interactions", keys)))

    async def withdraw_answers(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw answers by ``lead_id``, ``attribute`` and ``answered_at``."""
        return dict(await self.send(self.ask_withdraw("answers", keys)))

    async def erase_many(self, lead_ids: Sequence[str]) -> dict[str, Any]:
        """Erase everything of up to 1,000 people."""
        return dict(await self.send(self.ask_erase_many(lead_ids)))


Value = str | float | bool | None


RETRY_STATUSES = frozenset({408, 429, 502, 503, 504, 507})
"""Statuses that a later attempt may not see."""


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
class PreparedRequest:
    """One request, ready to be sent any number of times."""

    method: str
    path: str
    json: Any = None
    params: Mapping[str, Any] = field(default_factory=dict)


def _lead_path(lead_id: str, rest: str = "") -> str:
    # dots too: ".." would leave the path on its way
    segment = quote(lead_id, safe="").replace(".", "%2E")
    return f"/v1/leads/{segment}{rest}"


def _given(**params: Any) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently; a ``Retry-After`` of the service is obeyed up to ``most_s``."""

    attempts: int = 5
    first_s: float = 0.2
    most_s: float = 30.0

    def wait_s(self, attempt: int, answer: httpx2.Response | None) -> float:
        """Seconds before the next attempt: doubled each time, with jitter."""
        told = answer.headers.get("retry-after", "") if answer is not None else ""
        backoff = self.first_s * 2.0**attempt * random.uniform(0.5, 1.5)  # noqa: S311  (jitter)
        least = float(told) if told.isdigit() else 0.0
        return min(max(backoff, least), self.most_s)


def headers_of(key: str | None, language: str) -> dict[str, str]:
    """The headers of every request."""
    headers = {"accept-language": language, "user-agent": "leadscore-client"}
    return headers if key is None else {**headers, "authorization": f"Bearer {key}"}


def result_of(answer: httpx2.Response) -> Any:
    """The decoded answer; raises Problem for an error."""
    if answer.is_success:
        return answer.json()
    try:
        body = answer.json()
    except ValueError:
        body = {}
    raise Problem(answer.status_code, body if isinstance(body, dict) else {})
