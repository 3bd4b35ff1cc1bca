"""A validated query: a lead's history and the moment to score it at."""

from __future__ import annotations

from datetime import datetime

import msgspec

from features.histories.arrays import NO_TIME, Histories
from features.histories.from_records import LeadRecord, PackedInteractions, RecordColumns
from serving.messages.scores import ScoreRequest
from serving.moment_arrays import checked_all
from serving.problems import validation_problem
from serving.timestamps import Clock, checked, microseconds


class ScoreQuery(msgspec.Struct, frozen=True):
    """One lead's history, the moment to score it at, the language and number of reasons wanted.

    ``histories``: the engine's arrays of this lead alone, where they have been made already.
    ``record``: whether the score is written down; not for a what-if. ``score_id``: its id, if it
    is not to be a new one.
    """

    lead: LeadRecord
    as_of: datetime
    as_of_us: int
    language: str
    n_reasons: int
    histories: Histories | None = None
    record: bool = True
    score_id: str | None = None


class QueryContext(msgspec.Struct, frozen=True, gc=False):
    """How a score is asked for, beside the lead itself."""

    clock: Clock
    language: str
    n_reasons: int
    default_as_of: datetime | None = None


def build_query(
    request: ScoreRequest,
    context: QueryContext,
    needs_time: bool,
    rows: PackedInteractions | None = None,
) -> ScoreQuery:
    """What one request asks; problems name the field, never its value.

    ``needs_time``: the model counts from the lead's creation, so it must be known. ``rows``: the
    interactions, if they have been read already.
    """
    latest = context.clock.latest
    given = request.as_of or context.default_as_of
    as_of = context.clock.now if given is None else checked(given, "$.as_of", latest)
    created_us = NO_TIME
    if request.created_at is not None:
        created_us = microseconds(checked(request.created_at, "$.created_at", latest))
        if as_of < request.created_at and given is None:
            as_of = request.created_at  # the caller's clock is a little ahead of ours
        if as_of < request.created_at:
            raise validation_problem(
                "$.as_of", "as_of lies before created_at: the lead did not exist"
            )
    elif needs_time:
        raise validation_problem(
            "$.created_at", "this model needs to know when the lead was created"
        )
    lead = LeadRecord(
        request.lead_id, created_us, request.attributes, _lists(request, latest), rows
    )
    return ScoreQuery(
        lead, as_of, microseconds(as_of), context.language, context.n_reasons,
        record=request.record,
    )  # fmt: skip


def _lists(request: ScoreRequest, latest: datetime) -> RecordColumns:
    acts, answers = request.interactions, request.answers
    return RecordColumns(
        kinds=[act.kind for act in acts],
        at_us=checked_all(
            [act.occurred_at for act in acts], latest, "$.interactions", "occurred_at"
        ),
        values=[act.value for act in acts],
        durations_s=[act.duration_s for act in acts],
        event_ids=[act.event_id for act in acts],
        attributes=[answer.attribute for answer in answers],
        answered_us=checked_all(
            [answer.answered_at for answer in answers], latest, "$.answers", "answered_at"
        ),
        answers=[answer.value for answer in answers],
    )
