"""From the bytes of a body to a query, by the compiled parser where the body allows it."""

from __future__ import annotations

import numpy as np

from features.histories.from_records import PackedInteractions
from features.histories.sorting import has_equal_rows
from serving.messages.scores import Answer, Interaction, ScoreRequest
from serving.parsing.fast_interactions import read_interactions
from serving.parsing.fast_json import pad
from serving.parsing.slices import SlicedDecoder
from serving.predictor.predictor import Predictor, query_of_request
from serving.predictor.query import QueryContext, ScoreQuery
from serving.timestamps import EARLIEST_US, microseconds

MAX_ROWS = 1_000_000
"""Interactions, or answers, of one lead in a request."""


decoder = SlicedDecoder(ScoreRequest, {"interactions": Interaction, "answers": Answer}, MAX_ROWS)


def parse_request(
    predictor: Predictor, body: bytes, context: QueryContext, max_depth: int
) -> ScoreQuery:
    """What a body asks of this release; a 400 or 422 if it is not a good :class:`ScoreRequest`."""
    rows, remainder = split_interactions(predictor, body, microseconds(context.clock.latest))
    return query_of_request(predictor, decoder.decode(remainder, max_depth), context, rows)


def split_interactions(
    predictor: Predictor, body: bytes, latest_us: int
) -> tuple[PackedInteractions | None, bytes]:
    """The interactions as packed rows, and the body with none of them in it.

    Both parts together say what the body says; None and the body itself if it is not written in
    the usual way, or may be wrong.
    """
    place = np.empty(2, dtype=np.int64)
    packed = read_interactions(pad(body), *predictor.words, EARLIEST_US, latest_us, place)
    low, high = place.tolist()
    if high == 0 or has_equal_rows(
        packed
    ):  # repeats are for the decoder: an id may tell them apart
        return None, body
    return PackedInteractions(packed, predictor.kinds), b"".join((body[:low], b"[]", body[high:]))
