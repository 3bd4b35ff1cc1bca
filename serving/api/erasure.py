"""Endpoints that erase people, one or many."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import msgspec
import sqlalchemy as sa

from serving.api.endpoint import EndpointSpec, lead_id_of
from serving.http.request import Request, Response, allowed_params, decode, json_response
from serving.messages.erasure import Erased, ErasedMany, EraseIn
from serving.services import Services
from serving.store import tables
from serving.store.aliases import current_id, merged_ids
from serving.store.database import note
from serving.store.refused_scores import erase_refused
from serving.store.score_loader import JournalLoader
from serving.store.tombstones import erase
from serving.timestamps import Clock, microseconds, moment_of

_many = msgspec.json.Decoder(EraseIn)

ABOUT = (
    "Everything of the lead leaves every table and journal, under every id that it had; a keyed "
    "hash stays so that replayed events are dropped. The answer says what is left, if anything "
    "is, and which releases may have been trained on the lead."
)

IN_THE_LOG = (
    "the write-ahead log of the store, while somebody reads an older state of it; it is emptied "
    "as soon as that ends"
)


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoints that erase."""
    does = _Erasure(services)
    problems = (401, 403, 422, 429, 503, 507)
    return [
        EndpointSpec(
            "DELETE", "/v1/leads/{lead_id}", "erase_lead", "Erase a person", ABOUT,
            does.erase, Erased, problems=problems, scope="erase", tag="leads",
        ),
        EndpointSpec(
            "POST", "/v1/leads/erase", "erase_leads", "Erase many people",
            f"Up to 1,000 ids. {ABOUT}", does.erase_many, ErasedMany, EraseIn,
            example={"lead_ids": ["L-1042", "L-1043"]},
            problems=(400, 408, 413, 415, *problems), scope="erase", tag="leads",
        ),
    ]  # fmt: skip


@dataclass(frozen=True)
class _Result:
    rows: dict[str, int]
    trained: list[str]
    left: list[str]
    backups: list[datetime]


class _Erasure:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.store = services.store

    async def erase(self, request: Request) -> Response:
        """Erase everything of a lead."""
        allowed_params(request.query)
        done = await self._erase([lead_id_of(request)], request.actor)
        return json_response(
            Erased(True, not done.left, done.rows, done.trained, done.left, done.backups)
        )

    async def erase_many(self, request: Request) -> Response:
        """Erase everything of many leads."""
        allowed_params(request.query)
        sent = decode(_many, request.body, self.services.settings.max_depth)
        lead_ids = list(dict.fromkeys(sent.lead_ids))
        done = await self._erase(lead_ids, request.actor)
        count = len(lead_ids)
        return json_response(
            ErasedMany(count, not done.left, done.rows, done.trained, done.left, done.backups)
        )

    async def _erase(self, lead_ids: list[str], actor: str) -> _Result:
        store, now_us = self.store, microseconds(Clock.read(0).now)
        first_seen = await store.read(lambda c: _first_received(c, lead_ids))
        ids: list[str] = []

        def work(connection: sa.Connection) -> dict[str, int]:
            gone: Counter[str] = Counter()
            for lead_id in lead_ids:
                person = merged_ids(connection, current_id(connection, lead_id))
                person = list(dict.fromkeys([lead_id, *person]))
                rows = erase(connection, person, now_us, store.tombstones)
                digest = store.tombstones.digest(lead_id)
                note(connection, now_us, actor, "erase", digest, sum(rows.values()))
                gone.update(rows)
                ids.extend(person)
            return dict(gone)

        await store.drain()
        gone = await store.write(work)
        await store.keep_erased([(store.tombstones.digest(one), now_us) for one in ids])
        await store.drain()
        left = [] if await store.scrub() else [IN_THE_LOG]
        left += await store.run(lambda: _left_in_journal(store.journal.folder, ids, store.mover))
        trained = await self.services.live.releases_trained_since(first_seen)
        backups = await store.read(lambda c: _backups_since(c, first_seen))
        return _Result(gone, trained, left, backups)


def _left_in_journal(folder: Path, lead_ids: list[str], mover: JournalLoader) -> list[str]:
    """Erase what was set aside of these leads; what of the journal cannot be read, in words."""
    erase_refused(folder, lead_ids)
    count = len(mover.unreadable)
    return [f"{count} segments of the journal that cannot be read, see the log"] if count else []


def _first_received(connection: sa.Connection, lead_ids: list[str]) -> int | None:
    """When the first of these leads was first received, under any of its ids; None if unknown."""
    ids = [
        one
        for lead_id in lead_ids
        for one in merged_ids(connection, current_id(connection, lead_id))
    ]
    query = sa.select(sa.func.min(tables.lead.c.received_us))
    first: int | None = connection.scalar(query.where(tables.lead.c.lead_id.in_(ids)))
    return first


def _backups_since(connection: sa.Connection, first_seen: int | None) -> list[datetime]:
    """When the store was backed up since the lead was first received."""
    if first_seen is None:
        return []
    audit = tables.audit.c
    query = sa.select(audit.at_us).where(audit.action == "backup", audit.at_us >= first_seen)
    return [moment_of(at_us) for at_us in connection.scalars(query.order_by(audit.id))]
