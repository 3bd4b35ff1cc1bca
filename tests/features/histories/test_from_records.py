"""The request's own arrays are those a dataset of one lead would give, bit for bit."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from features.histories.build import AnswerRows, InteractionRows, LeadFacts, one_history
from features.histories.from_records import (
    LeadRecord,
    RecordColumns,
    histories_from_records,
    text_of,
)

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


@settings(deadline=None)
@given(interactions, answers, st.dictionaries(st.sampled_from("xyz"), values))
def test_equal_to_the_engine_s_own_reading(
    acts: list[Any], told: list[Any], attributes: dict[str, Any]
) -> None:
    columns = [list(column) for column in zip(*acts, strict=True)] or [[]] * 5
    said = [list(column) for column in zip(*told, strict=True)] or [[]] * 3
    ours = histories_from_records([LeadRecord("L", 7, attributes, RecordColumns(*columns, *said))])
    rows = InteractionRows(*columns)
    texts = AnswerRows(said[0], said[1], [text_of(v) for v in said[2]])
    theirs = one_history(LeadFacts("L", 7, attributes, rows, texts))
    assert same(ours, theirs)
