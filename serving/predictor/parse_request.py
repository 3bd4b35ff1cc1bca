"""From the bytes of a body to the question: quickly where it is written as usual."""

from __future__ import annotations

import msgspec
import numpy as np

from features.histories.from_records import PackedInteractions
from serving.http.request import decode
from serving.messages import ScoreRequest
from serving.parsing.fast_interactions import read_interactions
from serving.parsing.fast_json import pad
from serving.predictor.predictor import Predictor, query_of_request
from serving.predictor.query import QueryContext, ScoreQuery
from serving.timestamps import EARLIEST_US, microseconds

_decoder = msgspec.json.Decoder(ScoreRequest)


def parse_request(
    answering: Predictor, body: bytes, asking: QueryContext, max_depth: int
) -> ScoreQuery:
    """What a body asks of this release; a 400 or 422 if it is not a good :class:`ScoreRequest`."""
    rows, rest = split_interactions(answering, body, microseconds(asking.clock.latest))
    return query_of_request(answering, decode(_decoder, rest, max_depth), asking, rows)


def split_interactions(
    answering: Predictor, body: bytes, latest_us: int
) -> tuple[PackedInteractions | None, bytes]:
    """The interactions as packed rows, and the body with none of them in it.

    Both parts together say what the body says; None and the body itself if it is not written in
    the usual way, or may be wrong.
    """
    place = np.empty(2, dtype=np.int64)
    packed = read_interactions(pad(body), *answering.words, EARLIEST_US, latest_us, place)
    low, high = place.tolist()
    if high == 0:
        return None, body
    return PackedInteractions(packed, answering.kinds), b"".join((body[:low], b"[]", body[high:]))
