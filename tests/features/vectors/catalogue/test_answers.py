"""Attributes and answers as of a moment: the last one answered before it."""

import math

import numpy as np
import pytest
from drawn_history import history, number

from features.contract import AttributeType, Group
from features.vectors.spec import AttributeSpec

BUDGET = AttributeSpec("budget", AttributeType.NUMBER, Group.BUDGET)
NEED = AttributeSpec("need", AttributeType.CATEGORY, Group.NEED, ("low", "high"), ordered=True)
DECIDES = AttributeSpec("decides", AttributeType.BOOLEAN, Group.AUTHORITY, from_answers=True)

LEAD = history(
    "",
    created="2024-03-01",
    attributes={"budget": 100.0, "need": None, "decides": "yes"},
    answers="""
    2024-03-05T00:00 budget  250
    2024-03-05T00:00 need    low
    2024-03-08T00:00 need    urgent
    2024-03-09T00:00 decides no
    """,
)


def known(as_of, attribute, aggregate, **more):
    return number(
        LEAD, as_of, attribute.name, aggregate, source="attribute", attributes=[attribute], **more
    )


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2024-03-04", 100), ("2024-03-05", 100), ("2024-03-05T00:00:00.000001", 250)],
)
def test_the_last_answer_before_the_moment_counts(as_of, expected):
    assert known(as_of, BUDGET, "value") == expected


@pytest.mark.parametrize(
    ("as_of", "rank", "low", "other", "unknown"),
    [
        ("2024-03-05", np.nan, 0, 0, 1),
        ("2024-03-06", 0, 1, 0, 0),
        ("2024-03-09", np.nan, 0, 1, 0),  # a level nobody specified has no rank
    ],
)
def test_a_category(as_of, rank, low, other, unknown):
    assert known(as_of, NEED, "ordinal") == pytest.approx(rank, nan_ok=True)
    assert known(as_of, NEED, "level", level="low") == low
    assert known(as_of, NEED, "other_level") == other
    assert known(as_of, NEED, "unknown") == unknown


def test_an_answered_attribute_does_not_believe_the_leads_table():
    assert math.isnan(known("2024-03-09", DECIDES, "flag"))
    assert known("2024-03-10", DECIDES, "flag") == 0


def test_days_since_the_answer():
    assert math.isnan(known("2024-03-05", BUDGET, "days_since_answer"))
    assert known("2024-03-12", BUDGET, "days_since_answer") == 7


@pytest.mark.parametrize(
    ("as_of", "groups"), [("2024-03-02", 1), ("2024-03-06", 2), ("2024-04-01", 3)]
)
def test_groups_answered(as_of, groups):
    attributes = [BUDGET, NEED, DECIDES]
    got = number(LEAD, as_of, "bant", "answered_groups", source="attribute", attributes=attributes)
    assert got == groups
    missing = number(
        LEAD, as_of, "authority", "unknown_answers", source="attribute", attributes=attributes
    )
    assert missing == (0 if groups == 3 else 1)


def test_the_lead_itself():
    assert number(LEAD, "2024-03-02T12:00", "lead", "age_days", source="attribute") == 1.5
    assert number(LEAD, "2024-03-02", "lead", "created_weekday", source="attribute") == 4
