"""What values and names suggest."""

from __future__ import annotations

import pyarrow as pa
import pytest

from features.contract import AttributeType, Group
from features.dataset_settings import DatasetSettings
from features.reading.inference.attribute_groups import group_of
from features.reading.inference.attribute_settings import blank_unanswered
from features.reading.inference.attribute_types import type_of
from features.reading.inference.inference import Inference

N, C, B = AttributeType.NUMBER, AttributeType.CATEGORY, AttributeType.BOOLEAN

COLUMNS = {
    "numbers": (["1", "2.5", None, "-3e4"], N),
    "numbers with spaces": ([" 1", "2 "], N),
    "words": (["a", "b", "a"], C),
    "yes and no": (["Yes", "No", None], B),
    "only no": (["No", "No"], B),
    "only zero": (["0", "0"], N),
    "zero and one": (["0", "1"], B),
    "yes, no, unknown": (["yes", "no", "unknown"], C),
    "mostly numbers": ([str(i) for i in range(99)] + ["n.a."], N),
    "half numbers": (["1", "2", "x"], C),
    "ids": ([f"u-{i}" for i in range(40)], None),
    "mails": ([f"mail{i}@example.org" for i in range(300)] * 2, None),
    "free text": ([f"{'the customer said ' * 6}{i % 30}" for i in range(600)], None),
    "days": (["2026-01-01", "2026-01-02"], None),
    "nothing": ([None, None], N),
    "many towns": ([f"town {i % 150}" for i in range(3000)], C),
}


@pytest.mark.parametrize("case", sorted(COLUMNS))
def test_type_of_words(case: str) -> None:
    values, expected = COLUMNS[case]
    kind, why = type_of(case, pa.chunked_array([pa.array(values, pa.string())]))
    assert kind is expected, why
    assert why


def test_an_identifier_in_numbers_is_left_out() -> None:
    column = pa.chunked_array([pa.array([str(i) for i in range(50)])])
    assert type_of("Lead Number", column)[0] is None
    assert type_of("employees", column)[0] is N


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("budget", Group.BUDGET),
        ("BudgetRange", Group.BUDGET),
        ("is_decision_maker", Group.AUTHORITY),
        ("Needs_def", Group.NEED),
        ("purchase_timeframe", Group.TIMELINE),
        ("utm_medium", Group.SOURCE),
        ("company_size", Group.FIT),
        ("needle", Group.OTHER),
    ],
)
def test_group_of_names(name: str, group: Group) -> None:
    assert group_of(name) is group


def test_unanswered_words_are_unknown_and_said_but_unknown_stays() -> None:
    column = pa.chunked_array([pa.array(["Select", "a", "unknown", "-", None])])
    found = Inference()
    blanked = blank_unanswered("city", column, DatasetSettings(name="x"), found)
    assert blanked.to_pylist() == [None, "a", "unknown", None, None]
    assert found.sentences == [
        "city: '-' is read as unanswered (1 row)",
        "city: 'Select' is read as unanswered (1 row)",
    ]


def test_unanswered_words_can_be_set() -> None:
    column = pa.chunked_array([pa.array(["Select", "unknown"])])
    found = Inference()
    settings = DatasetSettings(name="x", unanswered=("unknown",))
    assert blank_unanswered("city", column, settings, found).to_pylist() == ["Select", None]
    assert found.sentences == []
