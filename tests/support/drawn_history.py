"""A history drawn in a few lines of text, and the expected numbers beside it.

``history`` reads lines of ``moment kind [value] [duration_s]``; ``-`` is unknown. Moments are
ISO, UTC.
"""

from datetime import UTC, datetime, timedelta

import numpy as np

from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from features.vectors.compute import compute_vectors
from features.vectors.spec import Feature, FeatureSpec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def us(text):
    """Microseconds since 1970 of an ISO moment, UTC when it names no offset."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - EPOCH) // timedelta(microseconds=1)


def history(drawn, created="2000-01-01", attributes=None, answers=""):
    """The engine's arrays of one lead, from text."""
    rows = [line.split() for line in drawn.strip().splitlines()]
    learned = [line.split(maxsplit=2) for line in answers.strip().splitlines()]
    known = [[None if x == "-" else float(x) for x in (*row[2:], "-", "-")[:2]] for row in rows]
    lists = RecordColumns(
        kinds=[row[1] for row in rows],
        at_us=[us(row[0]) for row in rows],
        values=[value for value, _ in known],
        durations_s=[duration for _, duration in known],
        attributes=[attribute for _, attribute, _ in learned],
        answered_us=[us(moment) for moment, _, _ in learned],
        answers=[value for _, _, value in learned],
    )
    return histories_from_records([LeadRecord("L1", us(created), attributes or {}, lists)])


def number(drawn, as_of, topic, aggregate, *, attributes=(), excluded=(), opt_outs=(), **more):
    """One feature of a drawn history (or of arrays made by ``history``) as of a moment."""
    source = more.pop("source", "interactions")
    feature = Feature(source, topic, aggregate, **more)
    kinds = {"excluded_kinds": tuple(excluded), "opt_out_kinds": tuple(opt_outs)}
    spec = FeatureSpec((feature,), tuple(attributes), **kinds)
    arrays = history(drawn) if isinstance(drawn, str) else drawn
    asked = References(np.array([0]), np.array([us(as_of)]))
    return compute_vectors(spec, arrays, asked)[0, 0]
