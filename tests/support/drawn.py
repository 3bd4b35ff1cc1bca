"""Histories and specifications drawn by Hypothesis, and how they become the engine's arrays."""

import numpy as np
import pandas as pd
import pyarrow as pa
from drawn_attributes import ATTRIBUTES
from hypothesis import strategies as st

from features.contract import AttributeType
from features.histories.arrays import Histories, References
from features.histories.build import answers_of, interactions_of
from features.histories.from_records import LeadRecord, RecordColumns
from features.vectors.catalogue import INTERACTION_AGGREGATES
from features.vectors.spec import Feature, FeatureSpec

DAY_US = 86_400_000_000
START = 1_600_000_000_000_000
KINDS = ("page_view", "meeting", "contact_attempt", "email_reply", "never_specified")

moments = st.one_of(
    st.integers(START, START + 120 * DAY_US),
    st.integers(0, 120).map(lambda day: START + day * DAY_US),  # ties and window edges
    st.integers(0, 40).map(lambda i: START + 100 * DAY_US + i * 30 * 60 * 1_000_000),
)
amounts = st.none() | st.sampled_from([0.0, 1.0, 2.5, -3.25, 1e6]) | st.floats(-1e3, 1e3)
events = st.fixed_dictionaries(
    {
        "at_us": moments,
        "kind": st.sampled_from(KINDS),
        "value": amounts,
        "duration_s": amounts,
        "event_id": st.none() | st.sampled_from(["e1", "e2", "e3"]),
    }
)
answers = st.fixed_dictionaries(
    {
        "at_us": moments,
        "attribute": st.sampled_from([a.name for a in ATTRIBUTES] + ["not_asked"]),
        "value": st.sampled_from(["", "12", "3.5", "yes", "no", "software", "gold", "low", "high"]),
    }
)
attributes = st.fixed_dictionaries(
    {
        "industry": st.sampled_from([None, "software", "steel", "farming"]),
        "seats": st.none() | st.floats(-10, 1e6),
        "decides": st.none() | st.sampled_from([0.0, 1.0]),
        "urgency": st.sampled_from([None, "low", "mid", "high", "asap"]),
    }
)
leads = st.fixed_dictionaries(
    {
        "created_at_us": st.just(START),
        "attributes": attributes,
        "interactions": st.lists(events, max_size=45),
        "answers": st.lists(answers, max_size=8),
    }
)
as_ofs = moments

windows = st.sampled_from([0.5, 1.0, 7.0, 30.0, 90.0, None])
half_lives = st.sampled_from([0.25, 7.0, 30.0])
topics = st.sampled_from(["any", "inbound", "outbound", *KINDS[:-1]])


@st.composite
def interaction_features(draw):
    aggregate = draw(st.sampled_from(sorted(INTERACTION_AGGREGATES)))
    rule = INTERACTION_AGGREGATES[aggregate]
    topic = draw(topics)
    if aggregate == "usual_hour":
        topic = draw(st.sampled_from(["any", "inbound", "outbound"]))
    if aggregate == "unanswered":
        topic = "outbound"
    if aggregate == "is_last":
        topic = draw(st.sampled_from(KINDS[:-1]))
    return Feature(
        "interactions",
        topic,
        aggregate,
        draw(windows) if rule.windowed else None,
        draw(half_lives) if rule.decays else None,
    )


def attribute_features():
    for a in ATTRIBUTES:
        yield Feature("attribute", a.name, "unknown")
        yield Feature("attribute", a.name, "days_since_answer")
        if a.type == AttributeType.CATEGORY:
            yield from (Feature("attribute", a.name, "level", level=x) for x in a.levels)
            yield Feature("attribute", a.name, "other_level")
        else:
            flag = a.type == AttributeType.BOOLEAN
            yield Feature("attribute", a.name, "flag" if flag else "value")
    yield Feature("attribute", "urgency", "ordinal")
    for group in ("budget", "authority", "need", "timeline"):
        yield Feature("attribute", group, "unknown_answers")
    yield Feature("attribute", "bant", "answered_groups")
    for aggregate in ("age_days", "created_hour", "created_weekday"):
        yield Feature("attribute", "lead", aggregate)


ATTRIBUTE_FEATURES = tuple(attribute_features())


@st.composite
def specs(draw):
    drawn = draw(st.lists(interaction_features(), min_size=1, max_size=25))
    unique = {f.name: f for f in (*drawn, *ATTRIBUTE_FEATURES)}
    topics_drawn = {f.topic for f in drawn}
    excluded = draw(st.sets(st.sampled_from([k for k in KINDS if k not in topics_drawn])))
    features = tuple(unique.values())
    opt_outs = draw(st.sets(st.sampled_from(KINDS[:-1]), max_size=2)) - set(excluded)
    return FeatureSpec(
        features, ATTRIBUTES, excluded_kinds=tuple(sorted(excluded)),
        opt_out_kinds=tuple(sorted(opt_outs)),
    )  # fmt: skip


def interactions_table(named_leads):
    rows = [{"lead_id": n, **e} for n, lead in named_leads for e in lead["interactions"]]
    columns = {
        "lead_id": pa.string(), "at_us": pa.int64(), "kind": pa.string(), "value": pa.float64(),
        "duration_s": pa.float64(), "event_id": pa.string(),
    }  # fmt: skip
    table = pa.table({c: pa.array([r[c] for r in rows], t) for c, t in columns.items()})
    at = table["at_us"].cast(pa.timestamp("us", tz="UTC"))
    return table.append_column("occurred_at", at)


def answers_table(named_leads):
    rows = [{"lead_id": n, **a} for n, lead in named_leads for a in lead["answers"]]
    return pa.table(
        {
            "lead_id": pa.array([r["lead_id"] for r in rows], pa.string()),
            "answered_at": pa.array([r["at_us"] for r in rows], pa.timestamp("us", tz="UTC")),
            "attribute": pa.array([r["attribute"] for r in rows], pa.string()),
            "value": pa.array([r["value"] for r in rows], pa.string()),
        }
    )


def histories(named_leads):
    """Many leads, (name, lead) pairs, as the dataset path builds them."""
    ids = np.array([name for name, _ in named_leads], dtype=object)
    columns = {}
    for a in ATTRIBUTES[:2] + ATTRIBUTES[3:]:
        values = [lead["attributes"].get(a.name) for _, lead in named_leads]
        if a.type == AttributeType.CATEGORY:
            columns[a.name] = np.array(values, dtype=object)
        else:
            columns[a.name] = pd.Series(values, dtype="float64").to_numpy()
    return Histories(
        ids,
        np.array([lead["created_at_us"] for _, lead in named_leads], dtype=np.int64),
        columns,
        interactions_of(interactions_table(named_leads), ids),
        answers_of(answers_table(named_leads), ids),
    )


def facts(name, lead):
    """One lead as a request gives it."""
    rows, learned = lead["interactions"], lead["answers"]
    lists = RecordColumns(
        kinds=[e["kind"] for e in rows],
        at_us=[e["at_us"] for e in rows],
        values=[e["value"] for e in rows],
        durations_s=[e["duration_s"] for e in rows],
        event_ids=[e["event_id"] for e in rows],
        attributes=[a["attribute"] for a in learned],
        answered_us=[a["at_us"] for a in learned],
        answers=[a["value"] for a in learned],
    )
    return LeadRecord(name, lead["created_at_us"], lead["attributes"], lists)


def references(pairs):
    """References from (row, as_of) pairs."""
    lead, as_of = zip(*pairs, strict=True) if pairs else ((), ())
    return References(np.array(lead, dtype=np.int64), np.array(as_of, dtype=np.int64))
