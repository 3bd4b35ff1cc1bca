"""Scores of stored leads computed anew: after events, after a promotion, and as time passes.

A lead is scored from its stored history as of now. What differs from the listed score by little is
not stored again; only the moment it was looked at moves (``checked_us``).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa

from features.errors import LeadscoreError
from serving.http.request import encode
from serving.outbox.changes import ChangePolicy, ModelName, record_release, remember
from serving.predictor.batcher import predict_each
from serving.predictor.predictor import Prediction, Predictor
from serving.predictor.query import QueryContext, ScoreQuery
from serving.predictor.score_log import STORE, row_of
from serving.predictor.stored_lead import query_of_stored_lead
from serving.problems import Problem
from serving.settings import Settings
from serving.store import refresh_queue
from serving.store.aliases import current_ids
from serving.store.database import AT_ONCE
from serving.store.histories import Stored, histories_now
from serving.store.latest_scores import SHOWN_REASONS, show_again
from serving.store.ranking import LISTED
from serving.store.scores import ScoreRow, move_in
from serving.store.tables import alias, latest_score, lead, outcome, service_state
from serving.store.tombstones import Tombstones
from serving.timestamps import Clock, microseconds

log = logging.getLogger("leadscore.refresh")

GROUP = 32

MIN_MOVE = 0.005
"""A probability that moved less, in the same band, is not stored again."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Leads to score, and what to note when they are: rows of the queue, how far the pass over
    all leads came (``last_lead``), and whether it is at its end."""

    lead_ids: list[str]
    queue_rows: list[int]
    last_lead: str
    ends_pass: bool


class Refresher:
    """Finds what is due and scores it. ``now`` is given; one at a time may work on a store."""

    def __init__(self, engine: sa.Engine, settings: Settings, tombstones: Tombstones) -> None:
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._settings, self._tombstones = settings, tombstones
        self._policy = ChangePolicy.of(settings)
        self._max_age_us = round(settings.refresh_hours * 3.6e9)
        self._release_of_pass, self._last_lead, self._complete = "", "", False

    def run_once(self, predictor: Predictor, now: datetime, limit: int) -> int:
        """Score what is due, ``limit`` leads at most; how many were looked at.

        First leads whose history changed, then those that this release has not scored yet, then
        those whose score is older than the settings allow.
        """
        if predictor.release_id != self._release_of_pass:
            self._release_of_pass, self._last_lead, self._complete = predictor.release_id, "", False
        with self._engine.begin() as connection:
            batch = self._next(connection, predictor.release_id, microseconds(now), limit)
        if batch.lead_ids:
            self._score(predictor, batch, now)
        self._last_lead = batch.last_lead  # had it not been scored, it would come again
        if batch.ends_pass:
            self._complete = True
            self._list_release(predictor, now)
        return len(batch.lead_ids)

    def _next(self, connection: sa.Connection, release_id: str, now_us: int, limit: int) -> Batch:
        changed, rows = refresh_queue.waiting(connection, now_us, limit)
        found, last_lead, ends_pass = list(changed), self._last_lead, False
        if len(found) < limit and not self._complete:
            room = limit - len(found)
            unscored = self._unscored(connection, release_id, room)
            found += unscored
            last_lead, ends_pass = (unscored or [last_lead])[-1], len(unscored) < room
        if len(found) < limit:
            found += _old(connection, release_id, now_us - self._max_age_us, limit - len(found))
        return Batch(list(dict.fromkeys(found)), rows, last_lead, ends_pass)

    def _unscored(self, connection: sa.Connection, release_id: str, limit: int) -> list[str]:
        """Open leads without a score by this release, once through all of them by id."""
        scored = sa.exists().where(
            latest_score.c.lead_id == lead.c.lead_id, latest_score.c.release_id == release_id
        )
        closed = sa.exists().where(outcome.c.lead_id == lead.c.lead_id)
        merged = sa.exists().where(alias.c.alias_id == lead.c.lead_id)
        query = sa.select(lead.c.lead_id).where(lead.c.lead_id > self._last_lead, ~merged)
        query = query.where(~scored, ~closed)
        return list(connection.scalars(query.order_by(lead.c.lead_id).limit(limit)))

    def _score(self, predictor: Predictor, batch: Batch, now: datetime) -> None:
        clock = Clock(now, now + timedelta(seconds=self._settings.clock_skew_s))
        context = QueryContext(
            clock, self._settings.list_language, max(SHOWN_REASONS, self._settings.reasons)
        )
        with self._engine.begin() as connection:
            stored = self._histories(connection, batch.lead_ids)
            before = _latest_scores_of(connection, predictor.release_id, batch.lead_ids)
        predictions = _predicted(predictor, stored, context)
        moved: list[ScoreRow] = []
        for lead_id, prediction in predictions.items():
            if _moved(prediction, before.get(lead_id)):
                read = msgspec.json.encode(stored[lead_id].read)
                answer = encode(prediction.answer)
                moved.append(row_of(predictor, prediction, answer, context, read, STORE))
        now_us = microseconds(now)
        with self._writing.begin() as connection:
            move_in(connection, moved, self._tombstones, self._policy)
            _checked(connection, predictor.release_id, batch.lead_ids, now_us)
            show_again(connection, batch.lead_ids, self._policy.shown)
            refresh_queue.done(connection, batch.queue_rows)

    def _histories(self, connection: sa.Connection, lead_ids: Sequence[str]) -> dict[str, Stored]:
        """What is stored of those that are open."""
        merged = current_ids(connection, lead_ids)
        now = list(dict.fromkeys(merged.get(lead_id, lead_id) for lead_id in lead_ids))
        query = sa.select(outcome.c.lead_id).where(outcome.c.lead_id.in_(now))
        closed = set(connection.scalars(query))
        return histories_now(connection, [one for one in now if one not in closed])

    def _list_release(self, predictor: Predictor, now: datetime) -> None:
        """The list is of this release from now on: each open lead that can be has its score."""
        with self._writing.begin() as connection:
            query = sa.select(service_state.c.value).where(service_state.c.key == LISTED)
            before: str | None = connection.scalar(query)
            if before == predictor.release_id:
                return
            remember(connection, LISTED, predictor.release_id)
            known = connection.scalar(
                sa.select(latest_score.c.version)
                .where(latest_score.c.release_id == before)
                .limit(1)
            )
            record_release(
                connection,
                ModelName(predictor.version, predictor.release_id),
                None if before is None else ModelName(known or "", before),
                microseconds(now),
            )
            newer = latest_score.alias("newer")
            connection.execute(
                sa.delete(latest_score).where(
                    latest_score.c.release_id != predictor.release_id,
                    sa.exists().where(
                        newer.c.lead_id == latest_score.c.lead_id,
                        newer.c.release_id == predictor.release_id,
                    ),
                )
            )
        log.info("the list is of another release", extra={"release_id": predictor.release_id})


def _old(connection: sa.Connection, release_id: str, before_us: int, limit: int) -> list[str]:
    query = sa.select(latest_score.c.lead_id).where(
        latest_score.c.release_id == release_id, latest_score.c.checked_us < before_us
    )
    return list(connection.scalars(query.order_by(latest_score.c.checked_us).limit(limit)))


def _latest_scores_of(
    connection: sa.Connection, release_id: str, lead_ids: Sequence[str]
) -> dict[str, sa.Row[Any]]:
    found: dict[str, sa.Row[Any]] = {}
    for start in range(0, len(lead_ids), AT_ONCE):
        query = sa.select(
            latest_score.c.lead_id, latest_score.c.probability, latest_score.c.band
        ).where(
            latest_score.c.lead_id.in_(lead_ids[start : start + AT_ONCE]),
            latest_score.c.release_id == release_id,
        )
        found.update({row.lead_id: row for row in connection.execute(query)})
    return found


def _predicted(
    predictor: Predictor, stored: Mapping[str, Stored], context: QueryContext
) -> dict[str, Prediction]:
    """Each lead's prediction; a lead that this release cannot score is left out and counted."""
    queries: list[ScoreQuery] = []
    unfit = 0
    for one in stored.values():
        try:
            queries.append(query_of_stored_lead(one, context, predictor))
        except Problem:
            unfit += 1
    found: dict[str, Prediction] = {}
    for start in range(0, len(queries), GROUP):
        part = queries[start : start + GROUP]
        for query, prediction in zip(part, predict_each(predictor, part), strict=True):
            if isinstance(prediction, Prediction):
                found[query.lead.lead_id] = prediction
            elif isinstance(prediction, LeadscoreError | ValueError | ArithmeticError):
                unfit += 1
            else:
                raise prediction
    if unfit:
        log.warning("leads that the release cannot score", extra={"count": unfit})
    return found


def _moved(prediction: Prediction, before: sa.Row[Any] | None) -> bool:
    answer = prediction.answer
    if before is None or before.band != answer.band:
        return True
    return bool(abs(before.probability - answer.probability) >= MIN_MOVE)


def _checked(
    connection: sa.Connection, release_id: str, lead_ids: Sequence[str], now_us: int
) -> None:
    """Note that all of them were looked at, also closed ones, so that they are not due again."""
    for start in range(0, len(lead_ids), AT_ONCE):
        connection.execute(
            sa.update(latest_score)
            .where(
                latest_score.c.lead_id.in_(lead_ids[start : start + AT_ONCE]),
                latest_score.c.release_id == release_id,
            )
            .values(checked_us=now_us)
        )
