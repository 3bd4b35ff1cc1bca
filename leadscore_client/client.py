"""The client for a CRM's developer: typed, sync and async, retrying what is safe to retry.

It needs httpx2 and nothing of the server. Every call may be repeated without harm: the service
knows an event by its ``event_id``, and one that has none by its content.

>>> client = Client("http://127.0.0.1:8000")  # doctest: +SKIP
>>> client.score({"lead_id": "L-1", "created_at": "2026-03-02T09:12:00Z"})["band"]  # doctest: +SKIP
'cold'
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import httpx2

from leadscore_client import requests
from leadscore_client.answers import RETRY_STATUSES, Problem, RetryPolicy, headers_of, result_of
from leadscore_client.rows import AnswerRow, InteractionRow, Lead, LeadRow, OutcomeRow, Value

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


class Client:
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

    def send(self, request: requests.PreparedRequest) -> Any:
        """Send a request, again if need be; the decoded answer. Raises Problem."""
        attempt = 0
        while True:
            answer: httpx2.Response | None = None
            try:
                answer = self._http.request(
                    request.method, request.path, json=request.json, params=request.params
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
        return dict(self.send(requests.score(lead, reasons)))

    def score_batch(self, leads: Sequence[Lead], *, as_of: str | None = None) -> dict[str, Any]:
        """Score up to 1,000 leads; an item each, score or error."""
        return dict(self.send(requests.score_batch(leads, as_of)))

    def put_lead(
        self, lead_id: str, created_at: str, attributes: Mapping[str, Value]
    ) -> dict[str, Any]:
        """Create a lead, or tell what changed of it."""
        return dict(self.send(requests.put_lead(lead_id, created_at, attributes)))

    def add_interactions(self, rows: Iterable[InteractionRow]) -> dict[str, Any]:
        """Append interactions; ``refused`` tells which rows were not taken."""
        return dict(self.send(requests.add_interactions(rows)))

    def add_answers(self, rows: Iterable[AnswerRow]) -> dict[str, Any]:
        """Append answers."""
        return dict(self.send(requests.add_answers(rows)))

    def add_outcomes(self, rows: Iterable[OutcomeRow]) -> dict[str, Any]:
        """Add outcomes."""
        return dict(self.send(requests.add_outcomes(rows)))

    def lead_score(
        self,
        lead_id: str,
        *,
        as_of: str | None = None,
        reasons: int | None = None,
        record: bool = True,
    ) -> dict[str, Any]:
        """Score a lead of the store from its stored history; a what-if unless ``record``."""
        return dict(self.send(requests.lead_score(lead_id, as_of, reasons, record)))

    def lead_history(self, lead_id: str) -> Iterator[dict[str, Any]]:
        """A lead's past scores, newest first, page after page."""
        cursor: str | None = None
        while True:
            page = self.send(requests.lead_history(lead_id, cursor))
            yield from page["scores"]
            cursor = page["next"]
            if cursor is None:
                return

    def changes(self, after: str = "0", *, limit: int = 1000) -> tuple[list[dict[str, Any]], str]:
        """(changes of scores after a cursor, oldest first; the cursor to come back with).

        ``after``: "0" from the oldest kept, "latest" for the cursor of now.
        """
        page = self.send(requests.changes(after, limit))
        return page["changes"], page["next"]

    def leads(self, band: str | None = None, **filters: str | float) -> Iterator[dict[str, Any]]:
        """Open leads by their newest score, hottest first, page after page.

        ``filters``: owner, source, account, updated_since, min_probability, status, release, sort.
        """
        cursor: str | None = None
        while True:
            page = self.send(requests.leads(band, cursor, **filters))
            yield from page["leads"]
            cursor = page["next"]
            if cursor is None:
                return

    def erase(self, lead_id: str) -> dict[str, Any]:
        """Erase everything of a person."""
        return dict(self.send(requests.erase(lead_id)))

    def put_leads(self, leads: Iterable[LeadRow]) -> dict[str, Any]:
        """Create or change up to 10,000 leads; ``refused`` tells which were not taken."""
        return dict(self.send(requests.put_leads(leads)))

    def stored_lead(self, lead_id: str, *, cursor: str | None = None) -> dict[str, Any]:
        """All that is stored of a lead, a page at a time (``next``)."""
        return dict(self.send(requests.stored_lead(lead_id, cursor)))

    def patch_lead(self, lead_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Correct a lead: ``attributes`` (of now), ``at_creation``, ``created_at``."""
        return dict(self.send(requests.patch_lead(lead_id, changes)))

    def merge_leads(self, lead_id: str, into: str) -> dict[str, Any]:
        """Make ``lead_id`` the same lead as ``into``; the old id answers with the new one."""
        return dict(self.send(requests.merge_leads(lead_id, into)))

    def set_outcome(
        self, lead_id: str, outcome: str | None, occurred_at: str | None = None
    ) -> dict[str, Any]:
        """Set a lead's outcome, whatever was said before; None reopens the lead."""
        return dict(self.send(requests.set_outcome(lead_id, outcome, occurred_at)))

    def withdraw_interactions(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw interactions by ``source`` and ``event_id``."""
        return dict(self.send(requests.withdraw("interactions", keys)))

    def withdraw_answers(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw answers by ``lead_id``, ``attribute`` and ``answered_at``."""
        return dict(self.send(requests.withdraw("answers", keys)))

    def erase_many(self, lead_ids: Sequence[str]) -> dict[str, Any]:
        """Erase everything of up to 1,000 people."""
        return dict(self.send(requests.erase_many(lead_ids)))


class AsyncClient:
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

    async def send(self, request: requests.PreparedRequest) -> Any:
        """Send a request, again if need be; the decoded answer. Raises Problem."""
        attempt = 0
        while True:
            answer: httpx2.Response | None = None
            try:
                answer = await self._http.request(
                    request.method, request.path, json=request.json, params=request.params
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
        return dict(await self.send(requests.score(lead, reasons)))

    async def score_batch(
        self, leads: Sequence[Lead], *, as_of: str | None = None
    ) -> dict[str, Any]:
        """Score up to 1,000 leads; an item each, score or error."""
        return dict(await self.send(requests.score_batch(leads, as_of)))

    async def put_lead(
        self, lead_id: str, created_at: str, attributes: Mapping[str, Value]
    ) -> dict[str, Any]:
        """Create a lead, or tell what changed of it."""
        return dict(await self.send(requests.put_lead(lead_id, created_at, attributes)))

    async def add_interactions(self, rows: Iterable[InteractionRow]) -> dict[str, Any]:
        """Append interactions; ``refused`` tells which rows were not taken."""
        return dict(await self.send(requests.add_interactions(rows)))

    async def add_answers(self, rows: Iterable[AnswerRow]) -> dict[str, Any]:
        """Append answers."""
        return dict(await self.send(requests.add_answers(rows)))

    async def add_outcomes(self, rows: Iterable[OutcomeRow]) -> dict[str, Any]:
        """Add outcomes."""
        return dict(await self.send(requests.add_outcomes(rows)))

    async def lead_score(
        self,
        lead_id: str,
        *,
        as_of: str | None = None,
        reasons: int | None = None,
        record: bool = True,
    ) -> dict[str, Any]:
        """Score a lead of the store from its stored history; a what-if unless ``record``."""
        return dict(await self.send(requests.lead_score(lead_id, as_of, reasons, record)))

    async def lead_history(self, lead_id: str) -> AsyncIterator[dict[str, Any]]:
        """A lead's past scores, newest first, page after page."""
        cursor: str | None = None
        while True:
            page = await self.send(requests.lead_history(lead_id, cursor))
            for past in page["scores"]:
                yield past
            cursor = page["next"]
            if cursor is None:
                return

    async def changes(
        self, after: str = "0", *, limit: int = 1000
    ) -> tuple[list[dict[str, Any]], str]:
        """(changes of scores after a cursor, oldest first; the cursor to come back with)."""
        page = await self.send(requests.changes(after, limit))
        return page["changes"], page["next"]

    async def leads(
        self, band: str | None = None, **filters: str | float
    ) -> AsyncIterator[dict[str, Any]]:
        """Leads by their newest score, hottest first, page after page."""
        cursor: str | None = None
        while True:
            page = await self.send(requests.leads(band, cursor, **filters))
            for lead in page["leads"]:
                yield lead
            cursor = page["next"]
            if cursor is None:
                return

    async def erase(self, lead_id: str) -> dict[str, Any]:
        """Erase everything of a person."""
        return dict(await self.send(requests.erase(lead_id)))

    async def put_leads(self, leads: Iterable[LeadRow]) -> dict[str, Any]:
        """Create or change up to 10,000 leads; ``refused`` tells which were not taken."""
        return dict(await self.send(requests.put_leads(leads)))

    async def stored_lead(self, lead_id: str, *, cursor: str | None = None) -> dict[str, Any]:
        """All that is stored of a lead, a page at a time (``next``)."""
        return dict(await self.send(requests.stored_lead(lead_id, cursor)))

    async def patch_lead(self, lead_id: str, changes: Mapping[str, Any]) -> dict[str, Any]:
        """Correct a lead: ``attributes`` (of now), ``at_creation``, ``created_at``."""
        return dict(await self.send(requests.patch_lead(lead_id, changes)))

    async def merge_leads(self, lead_id: str, into: str) -> dict[str, Any]:
        """Make ``lead_id`` the same lead as ``into``; the old id answers with the new one."""
        return dict(await self.send(requests.merge_leads(lead_id, into)))

    async def set_outcome(
        self, lead_id: str, outcome: str | None, occurred_at: str | None = None
    ) -> dict[str, Any]:
        """Set a lead's outcome, whatever was said before; None reopens the lead."""
        return dict(await self.send(requests.set_outcome(lead_id, outcome, occurred_at)))

    async def withdraw_interactions(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw interactions by ``source`` and ``event_id``."""
        return dict(await self.send(requests.withdraw("interactions", keys)))

    async def withdraw_answers(self, keys: Iterable[Mapping[str, str]]) -> dict[str, Any]:
        """Withdraw answers by ``lead_id``, ``attribute`` and ``answered_at``."""
        return dict(await self.send(requests.withdraw("answers", keys)))

    async def erase_many(self, lead_ids: Sequence[str]) -> dict[str, Any]:
        """Erase everything of up to 1,000 people."""
        return dict(await self.send(requests.erase_many(lead_ids)))
