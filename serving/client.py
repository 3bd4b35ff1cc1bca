"""The client for a CRM's developer: typed, sync and async, retrying what is safe to retry.

It needs httpx and nothing of the server. Every call may be repeated without harm: the service
drops repeated events by their ``event_id``, and the client gives one to each event that has none
before the first attempt.

>>> client = Client("http://127.0.0.1:8000")  # doctest: +SKIP
>>> client.score({"lead_id": "L-1", "created_at": "2026-03-02T09:12:00Z"})["band"]  # doctest: +SKIP
'cold'
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from typing import Any

import httpx

from serving.client_calls import (
    AGAIN,
    Answer,
    Asked,
    Calls,
    Interaction,
    Lead,
    Outcome,
    Problem,
    Retrying,
    Value,
    headers_of,
    result_of,
)

__all__ = [
    "Answer", "AsyncClient", "Client", "Interaction", "Lead", "Outcome", "Problem", "Retrying",
]  # fmt: skip


class Client(Calls):
    """The API, one call after the other. Close it, or use it in a ``with``."""

    def __init__(
        self, url: str, key: str | None = None, *, language: str = "en", timeout_s: float = 10.0,
        retrying: Retrying | None = None, transport: httpx.BaseTransport | None = None,
    ) -> None:  # fmt: skip
        headers = headers_of(key, language)
        self._http = httpx.Client(
            base_url=url, headers=headers, timeout=timeout_s, transport=transport
        )
        self._retrying = retrying or Retrying()

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def send(self, asked: Asked) -> Any:
        """Send a request, again if need be; the decoded answer. Raises Problem."""
        attempt = 0
        while True:
            answer: httpx.Response | None = None
            try:
                answer = self._http.request(
                    asked.method, asked.path, json=asked.json, params=asked.params
                )
                if answer.status_code not in AGAIN:
                    return result_of(answer)
            except httpx.TransportError:
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

    def add_interactions(self, rows: Iterable[Interaction]) -> dict[str, Any]:
        """Append interactions; ``refused`` tells which rows were not taken."""
        return dict(self.send(self.ask_interactions(rows)))

    def add_answers(self, rows: Iterable[Answer]) -> dict[str, Any]:
        """Append answers."""
        return dict(self.send(self.ask_answers(rows)))

    def add_outcomes(self, rows: Iterable[Outcome]) -> dict[str, Any]:
        """Add outcomes."""
        return dict(self.send(self.ask_outcomes(rows)))

    def lead_score(self, lead_id: str, *, as_of: str | None = None) -> dict[str, Any]:
        """Score a lead of the store from its stored history."""
        return dict(self.send(self.ask_lead_score(lead_id, as_of)))

    def lead_history(self, lead_id: str) -> Iterator[dict[str, Any]]:
        """A lead's past scores, newest first, page after page."""
        cursor: str | None = None
        while True:
            page = self.send(self.ask_history(lead_id, cursor))
            yield from page["scores"]
            cursor = page["next"]
            if cursor is None:
                return

    def leads(self, band: str | None = None) -> Iterator[dict[str, Any]]:
        """Leads by their newest score, hottest first, page after page."""
        cursor: str | None = None
        while True:
            page = self.send(self.ask_leads(band, cursor))
            yield from page["leads"]
            cursor = page["next"]
            if cursor is None:
                return

    def erase(self, lead_id: str) -> dict[str, Any]:
        """Erase everything of a person."""
        return dict(self.send(self.ask_erase(lead_id)))


class AsyncClient(Calls):
    """The API for asyncio; the same calls as :class:`Client`, awaited."""

    def __init__(
        self, url: str, key: str | None = None, *, language: str = "en", timeout_s: float = 10.0,
        retrying: Retrying | None = None, transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        headers = headers_of(key, language)
        self._http = httpx.AsyncClient(
            base_url=url, headers=headers, timeout=timeout_s, transport=transport
        )
        self._retrying = retrying or Retrying()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def send(self, asked: Asked) -> Any:
        """Send a request, again if need be; the decoded answer. Raises Problem."""
        attempt = 0
        while True:
            answer: httpx.Response | None = None
            try:
                answer = await self._http.request(
                    asked.method, asked.path, json=asked.json, params=asked.params
                )
                if answer.status_code not in AGAIN:
                    return result_of(answer)
            except httpx.TransportError:
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

    async def add_interactions(self, rows: Iterable[Interaction]) -> dict[str, Any]:
        """Append interactions; ``refused`` tells which rows were not taken."""
        return dict(await self.send(self.ask_interactions(rows)))

    async def add_answers(self, rows: Iterable[Answer]) -> dict[str, Any]:
        """Append answers."""
        return dict(await self.send(self.ask_answers(rows)))

    async def add_outcomes(self, rows: Iterable[Outcome]) -> dict[str, Any]:
        """Add outcomes."""
        return dict(await self.send(self.ask_outcomes(rows)))

    async def lead_score(self, lead_id: str, *, as_of: str | None = None) -> dict[str, Any]:
        """Score a lead of the store from its stored history."""
        return dict(await self.send(self.ask_lead_score(lead_id, as_of)))

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

    async def leads(self, band: str | None = None) -> AsyncIterator[dict[str, Any]]:
        """Leads by their newest score, hottest first, page after page."""
        cursor: str | None = None
        while True:
            page = await self.send(self.ask_leads(band, cursor))
            for lead in page["leads"]:
                yield lead
            cursor = page["next"]
            if cursor is None:
                return

    async def erase(self, lead_id: str) -> dict[str, Any]:
        """Erase everything of a person."""
        return dict(await self.send(self.ask_erase(lead_id)))
