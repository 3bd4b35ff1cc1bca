"""From the bytes of a body to the question: quickly where it is written as usual."""

from __future__ import annotations

import msgspec
import numpy as np

from serving.answering import Answering, asked_of
from serving.calls import decode
from serving.history import Rows
from serving.messages import ScoreRequest
from serving.plain_interactions import read_interactions
from serving.plain_json import padded
from serving.questions import EARLIEST_US, Asking, Question, microseconds

_decoder = msgspec.json.Decoder(ScoreRequest)


def asked_in(answering: Answering, body: bytes, asking: Asking, max_depth: int) -> Question:
    """What a body asks of this release; a 400 or 422 if it is not a good :class:`ScoreRequest`."""
    rows, rest = rows_apart(answering, body, microseconds(asking.clock.latest))
    return asked_of(answering, decode(_decoder, rest, max_depth), asking, rows)


def rows_apart(answering: Answering, body: bytes, latest_us: int) -> tuple[Rows | None, bytes]:
    """The interactions as packed rows, and the body with none of them in it.

    Both parts together say what the body says; None and the body itself if it is not written in
    the usual way, or may be wrong.
    """
    place = np.empty(2, dtype=np.int64)
    packed = read_interactions(padded(body), *answering.words, EARLIEST_US, latest_us, place)
    low, high = place.tolist()
    if high == 0:
        return None, body
    return Rows(packed, answering.kinds), b"".join((body[:low], b"[]", body[high:]))
