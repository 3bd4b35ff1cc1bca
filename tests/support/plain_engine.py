"""The engine once more, slow and obvious: plain Python, a few lines per aggregate.

The compiled kernel must equal it. Where a sum of floats is involved the order of summation is
part of the answer, so the rows are walked newest first here too.
"""

import itertools
import math
from datetime import UTC, datetime, timedelta

from features.cleaning import FALSE_WORDS, TRUE_WORDS
from features.contract import BANT, AttributeType
from features.vectors.spec import Feature, FeatureSpec

NAN = math.nan
DAY_US = 86_400_000_000
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_us):
    return EPOCH + timedelta(microseconds=at_us)


def distinct(events):
    """Keep the earliest row of each event_id, and of rows without one that say the same one, in
    order of time and content."""

    def key(event):
        value, duration = event["value"], event["duration_s"]
        return (
            event["at_us"],
            event["kind"],
            (value is None, value or 0),
            (duration is None, duration or 0),
        )

    kept, seen = [], set()
    for event in sorted(events, key=key):
        identity = key(event) if event["event_id"] is None else event["event_id"]
        if identity not in seen:
            kept.append(event)
            seen.add(identity)
    return kept


def stream(events, topic, outbound_kinds, opt_out_kinds=()):
    if topic in ("any", "inbound", "outbound"):
        events = [e for e in events if e["kind"] not in opt_out_kinds]
    if topic == "any":
        return events
    if topic == "outbound":
        return [e for e in events if e["kind"] in outbound_kinds]
    if topic == "inbound":
        return [e for e in events if e["kind"] not in outbound_kinds]
    return [e for e in events if e["kind"] == topic]


def within(events, as_of, days):
    return [e for e in events if days is None or e["at_us"] >= as_of - round(days * DAY_US)]


def total(numbers):
    result = 0.0
    for n in numbers:
        result += n
    return result


def sessions(events):
    times = sorted(e["at_us"] for e in events)
    gaps = [b - a for a, b in itertools.pairwise(times)]
    return 0 if not times else 1 + sum(gap > 30 * 60 * 1_000_000 for gap in gaps)


def unanswered(history, outbound_kinds, opt_out_kinds=()):
    count = 0
    for event in reversed(history):
        if event["kind"] in outbound_kinds and event["kind"] in opt_out_kinds:
            continue
        if event["kind"] not in outbound_kinds:
            break
        count += 1
    return count


def usual_hour(events):
    hours = [(e["at_us"] % DAY_US) / 3.6e9 for e in events]
    sin = total(math.sin(h * math.pi / 12) for h in hours)
    cos = total(math.cos(h * math.pi / 12) for h in hours)
    return (math.atan2(sin, cos) * 12 / math.pi) % 24


def in_office_hours(event):
    at = moment(event["at_us"] % (400 * 365 * DAY_US + 97 * DAY_US))  # weekdays repeat
    return at.weekday() < 5 and 8 <= at.hour < 18


def interactions(feature: Feature, history, as_of, spec, created_us):
    """One aggregate of the rows before as_of (already filtered and sorted)."""
    outbound_kinds = spec.outbound_kinds
    rows = stream(history, feature.topic, outbound_kinds, spec.opt_out_kinds)
    recent = within(rows, as_of, feature.window_days)
    newest_first = list(reversed(recent))
    values = [e["value"] for e in newest_first if e["value"] is not None]
    seconds = [e["duration_s"] for e in newest_first if e["duration_s"] is not None]
    ages = [(as_of - e["at_us"]) for e in rows]
    gaps = [a - b for a, b in itertools.pairwise(ages)]
    of = feature.aggregate
    if of == "count":
        return float(len(recent))
    if of == "active_days":
        return float(len({e["at_us"] // DAY_US for e in recent}))
    if of == "sessions":
        return float(sessions(recent))
    if of == "value_total":
        return total(values)
    if of == "value_mean":
        return total(values) / len(values) if values else NAN
    if of == "minutes_total":
        return total(seconds) / 60
    if of == "minutes_mean":
        return total(seconds) / len(seconds) / 60 if seconds else NAN
    if of == "decayed":
        return total(2 ** (-age / (feature.half_life_days * DAY_US)) for age in reversed(ages))
    if of == "is_last":
        return float(bool(history) and feature.topic in ("any", history[-1]["kind"]))
    if of == "unanswered":
        return float(unanswered(history, outbound_kinds, spec.opt_out_kinds))
    if of == "days_silent" and not rows:
        return NAN if created_us is None else (as_of - created_us) / DAY_US
    if not rows:
        return NAN
    if of in ("days_since_last", "days_silent"):
        return ages[-1] / DAY_US
    if of == "days_since_first":
        return ages[0] / DAY_US
    if of == "trend":
        week, five = len(within(rows, as_of, 7)), len(within(rows, as_of, 35))
        return math.log((week + 0.5) / ((five - week) / 4 + 0.5))
    if of == "share_weekend":
        return sum(moment(e["at_us"]).weekday() >= 5 for e in rows) / len(rows)
    if of == "share_office_hours":
        return sum(in_office_hours(e) for e in rows) / len(rows)
    if of == "usual_hour":
        return usual_hour(rows)
    if len(rows) < 2:
        return NAN
    if of == "gap_mean_days":
        return (ages[0] - ages[-1]) / (len(rows) - 1) / DAY_US
    if of == "gap_longest_days":
        return max(gaps) / DAY_US
    raise AssertionError(of)


def read(attribute, text):
    """A value as the attribute's number; a level as its position, an unlisted one after all."""
    if text is None or text == "":
        return NAN
    if attribute.type == AttributeType.CATEGORY:
        levels = attribute.levels
        return float(levels.index(text)) if text in levels else float(len(levels))
    if attribute.type == AttributeType.BOOLEAN and isinstance(text, str):
        word = text.lower()
        return 1.0 if word in TRUE_WORDS else 0.0 if word in FALSE_WORDS else NAN
    try:
        return float(text) if math.isfinite(float(text)) else NAN
    except ValueError:
        return NAN


def known_of(attribute, lead, as_of):
    """(value, moment of the answer or None) as of a moment."""
    rows = [a for a in lead["answers"] if a["attribute"] == attribute.name and a["at_us"] < as_of]
    if rows:
        last = max(rows, key=lambda a: (a["at_us"], a["value"] or ""))
        return read(attribute, last["value"]), last["at_us"]
    if attribute.from_answers:
        return NAN, None
    return read(attribute, lead["attributes"].get(attribute.name)), None


def attribute(feature: Feature, spec: FeatureSpec, lead, as_of):
    known = {a.name: known_of(a, lead, as_of) for a in spec.attributes}
    of, topic = feature.aggregate, feature.topic
    if of == "unknown_answers":
        return float(sum(math.isnan(known[a.name][0]) for a in spec.attributes if a.group == topic))
    if of == "answered_groups":
        answered = {a.group for a in spec.attributes if not math.isnan(known[a.name][0])}
        return float(len(answered & set(BANT)))
    if of == "age_days":
        return (as_of - lead["created_at_us"]) / DAY_US
    if of == "created_hour":
        return float(moment(lead["created_at_us"]).hour)
    if of == "created_weekday":
        return float(moment(lead["created_at_us"]).weekday())
    value, answered_us = known[topic]
    declared = next(a for a in spec.attributes if a.name == topic)
    if of in ("value", "flag"):
        return value
    if of == "ordinal":
        return value if value < len(declared.levels) else NAN
    if of == "unknown":
        return float(math.isnan(value))
    if of == "level":
        return float(value == declared.levels.index(feature.level))
    if of == "other_level":
        return float(value == len(declared.levels))
    if of == "days_since_answer":
        return NAN if answered_us is None else (as_of - answered_us) / DAY_US
    raise AssertionError(of)


def vector(spec: FeatureSpec, lead, as_of):
    """The expected vector of one lead (a dict of plain lists) as of a moment."""
    events = distinct(lead["interactions"])
    seen = [e for e in events if e["at_us"] < as_of]
    history = [e for e in seen if e["kind"] not in spec.excluded_kinds]
    return [
        interactions(f, history, as_of, spec, lead["created_at_us"])
        if f.source == "interactions"
        else attribute(f, spec, lead, as_of)
        for f in spec.features
    ]
