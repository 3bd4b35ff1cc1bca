"""A lead to look at: as it is stored, or as the last request sent it that asked for its score."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import sqlalchemy as sa

from features.histories.arrays import NO_TIME
from features.histories.from_records import histories_from_records
from serving.messages.scores import ScoreRequest
from serving.predictor.query import QueryContext, build_query
from serving.predictor.score_log import BODY
from serving.store.histories import Read, Stored, history
from serving.store.tables import score
from serving.timestamps import Clock, moment_of

_request = msgspec.json.Decoder(ScoreRequest)

SKEW = timedelta(days=1)
"""How far ahead of the service a clock may have been when the request was taken."""


def stored_or_sent(connection: sa.Connection, lead_id: str) -> Stored | None:
    """The stored history; else that of the newest request in the score log; else None.

    A CRM that sends whole leads to ``POST /v1/scores`` stores none, and yet they are on the list.
    """
    stored = history(connection, lead_id)
    if stored is not None:
        return stored
    query = sa.select(score.c.input, score.c.asked_us, score.c.as_of_us)
    query = query.where(score.c.lead_id == lead_id, score.c.origin == BODY)
    row = connection.execute(query.order_by(score.c.as_of_us.desc()).limit(1)).first()
    if row is None:
        return None
    try:
        request = _request.decode(row.input)
    except msgspec.MsgspecError:  # of a version that took other requests
        return None
    scored_at = moment_of(row.asked_us)
    context = QueryContext(Clock(scored_at, scored_at + SKEW), "en", 0, moment_of(row.as_of_us))
    lead = build_query(request, context, needs_time=False).lead
    created_us = None if lead.created_at_us == NO_TIME else lead.created_at_us
    histories = histories_from_records([lead])
    return Stored(lead, histories, created_us, request.attributes, Read(0, 0, 0))
