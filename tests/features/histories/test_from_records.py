"""Histories from records are those that a dataset of the same leads gives, bit for bit."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.contract import value_to_text
from features.histories import from_records
from features.histories.build import answers_of, interactions_of
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records

kinds = st.sampled_from(["page_view", "email_open", "demo", "été"])
numbers = st.none() | st.floats(-1e6, 1e6)
interactions = st.lists(
    st.tuples(kinds, st.integers(0, 50), numbers, numbers, st.none() | st.sampled_from("abcdef")),
    max_size=60,
)
values = st.none() | st.booleans() | st.floats(-5, 5) | st.sampled_from(["yes", "no", "3"])
answers = st.lists(
    st.tuples(st.sampled_from(["budget", "need"]), st.integers(0, 9), values), max_size=8
)


def same(left: Any, right: Any) -> bool:
    if dataclasses.is_dataclass(left):
        return all(
            same(getattr(left, f.name), getattr(right, f.name)) for f in dataclasses.fields(left)
        )
    if isinstance(left, dict):
        return left.keys() == right.keys() and all(same(left[k], right[k]) for k in left)
    if isinstance(left, np.ndarray) and left.dtype != object:
        return left.dtype == right.dtype and left.tobytes() == right.tobytes()
    if isinstance(left, np.ndarray):
        return bool(left.tolist() == right.tolist())
    return bool(left == right)


def as_tables(acts: list[Any], learned: list[Any]) -> tuple[pa.Table, pa.Table]:
    """The same rows as the tables of a dataset with the one lead L."""
    kind, at, value, duration, event = zip(*acts, strict=True) if acts else [()] * 5
    attribute, moment, answer = zip(*learned, strict=True) if learned else [()] * 3
    time = pa.timestamp("us", tz="UTC")
    interactions = {
        "lead_id": pa.array(["L"] * len(acts), pa.string()),
        "occurred_at": pa.array(at, pa.int64()).cast(time),
        "kind": pa.array(kind, pa.string()),
        "value": pa.array(value, pa.float64()),
        "duration_s": pa.array(duration, pa.float64()),
        "event_id": pa.array(event, pa.string()),
    }
    answered = {
        "lead_id": pa.array(["L"] * len(learned), pa.string()),
        "answered_at": pa.array(moment, pa.int64()).cast(time),
        "attribute": pa.array(attribute, pa.string()),
        "value": pa.array([value_to_text(v) for v in answer], pa.string()),
    }
    return pa.table(interactions), pa.table(answered)


@settings(deadline=None)
@given(interactions, answers)
def test_equal_to_a_dataset_of_one_lead(acts: list[Any], learned: list[Any]) -> None:
    columns = [list(column) for column in zip(*acts, strict=True)] or [[]] * 5
    answered = [list(column) for column in zip(*learned, strict=True)] or [[]] * 3
    record = LeadRecord("L", 7, {}, RecordColumns(*columns, *answered))
    histories = histories_from_records([record])
    ids = np.array(["L"], dtype=object)
    interactions_table, answers_table = as_tables(acts, learned)
    assert same(histories.interactions, interactions_of(interactions_table, ids))
    assert same(histories.answers, answers_of(answers_table, ids))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, np.array([1.0])),
        (2.5, np.array([2.5])),
        ("yes", np.array(["yes"], dtype=object)),
        (None, np.array([None], dtype=object)),
    ],
)
def test_attributes_are_numbers_or_objects(value: Any, expected: np.ndarray) -> None:
    histories = histories_from_records([LeadRecord("L", 7, {"x": value})])
    assert same(histories.attributes["x"], expected)


def test_columns_left_empty_are_unknown() -> None:
    lists = RecordColumns(kinds=["call", "call"], at_us=[1, 2])
    rows = histories_from_records([LeadRecord("L", 0, {}, lists)]).interactions
    assert np.isnan(rows.value).all()
    assert np.isnan(rows.duration_s).all()
    assert rows.at_us.tolist() == [1, 2]


def test_many_rows_taken_in_slices_are_the_same_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    """One step over all rows of a lead held the interpreter for more than 50 ms."""
    rng = np.random.default_rng(0)
    kinds = [f"kind {n}" for n in rng.permutation(3000)]
    moments = [int(at) for at in rng.integers(0, 10**9, 3000)]
    lists = RecordColumns(
        kinds=kinds, at_us=moments, values=[None, *map(float, range(2999))],
        event_ids=[f"event {n % 2000}" for n in range(3000)],
        attributes=kinds, answered_us=np.array(moments), answers=["yes", "no", None] * 1000,
    )  # fmt: skip
    record = LeadRecord("L", 0, {"sector": "retail"}, lists)
    at_once = histories_from_records([record])
    monkeypatch.setattr(from_records, "AT_ONCE", 7)
    assert same(histories_from_records([record]), at_once)
