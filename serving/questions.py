"""What a request asks: its lead's lists and moment, and every rule about its moments."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from features.histories import NO_TIME, Float64, Histories, Int64
from features.jit import compiled
from serving.history import Lead, Lists, Rows
from serving.messages import ScoreRequest
from serving.problems import invalid

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
NO_MOMENTS = np.zeros(0, dtype=np.int64)
EARLIEST_US = round(EARLIEST.timestamp() * 1e6)


class Question(msgspec.Struct, frozen=True):
    """One lead's history and the moment asked about, and how the answer is to be told.

    ``histories``: the engine's arrays of this lead alone, where they have been made already.
    """

    lead: Lead
    as_of: datetime
    as_of_us: int
    language: str
    n_reasons: int
    histories: Histories | None = None


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC; exact from 1900 to 2100.

    >>> microseconds(datetime(2026, 1, 1, microsecond=1, tzinfo=UTC))
    1767225600000001
    """
    return round(moment.timestamp() * 1e6)


@compiled
def in_microseconds(seconds: Float64, earliest: int, latest: int, out: Int64) -> bool:
    """Write each moment in whole microseconds; whether all lie within the bounds."""
    within = True
    for i in range(seconds.shape[0]):
        out[i] = np.int64(np.rint(seconds[i] * 1e6))
        within &= earliest <= out[i] <= latest
    return within


def checked(moment: datetime, at: str, latest: datetime) -> datetime:
    """The moment itself; a 422 outside 1900 … now (plus what clocks may differ)."""
    if moment < EARLIEST:
        raise invalid(at, "this moment lies before 1900")
    if moment > latest:
        raise invalid(at, "this moment lies in the future; check the clock and the offset")
    return moment


def checked_all(moments: list[datetime], latest: datetime, where: str, field: str) -> Int64:
    """Many moments in microseconds; a 422 names the first that is out of bounds."""
    if not moments:
        return NO_MOMENTS
    seconds = np.fromiter(map(datetime.timestamp, moments), np.float64, len(moments))
    found = np.empty(len(moments), dtype=np.int64)
    if not in_microseconds(seconds, EARLIEST_US, microseconds(latest), found):
        for position, moment in enumerate(moments):
            checked(moment, f"{where}[{position}].{field}", latest)
    return found


class Clock(msgspec.Struct, frozen=True, gc=False):
    """The one reading of the clock for one request, and how far ahead a caller may be."""

    now: datetime
    latest: datetime

    @classmethod
    def read(cls, skew_s: float) -> Clock:
        """Ask the machine what time it is; nothing else in the service does."""
        now = datetime.now(UTC)
        return cls(now, now + timedelta(seconds=skew_s))


class Asking(msgspec.Struct, frozen=True, gc=False):
    """How a score is asked for, beside the lead itself."""

    clock: Clock
    language: str
    n_reasons: int
    default_as_of: datetime | None = None


def question(
    request: ScoreRequest, asking: Asking, needs_time: bool, rows: Rows | None = None
) -> Question:
    """What one request asks; problems name the field, never its value.

    ``needs_time``: the model counts from the lead's creation, so it must be known. ``rows``: the
    interactions, if they have been read already.
    """
    latest = asking.clock.latest
    given = request.as_of or asking.default_as_of
    as_of = asking.clock.now if given is None else checked(given, "$.as_of", latest)
    created_us = NO_TIME
    if request.created_at is not None:
        created_us = microseconds(checked(request.created_at, "$.created_at", latest))
        if as_of < request.created_at and given is None:
            as_of = request.created_at  # the caller's clock is a little ahead of ours
        if as_of < request.created_at:
            raise invalid("$.as_of", "as_of lies before created_at: the lead did not exist")
    elif needs_time:
        raise invalid("$.created_at", "this model needs to know when the lead was created")
    lead = Lead(request.lead_id, created_us, request.attributes, _lists(request, latest), rows)
    return Question(lead, as_of, microseconds(as_of), asking.language, asking.n_reasons)


def _lists(request: ScoreRequest, latest: datetime) -> Lists:
    acts, answers = request.interactions, request.answers
    return Lists(
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
