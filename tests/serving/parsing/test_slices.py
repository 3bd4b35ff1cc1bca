"""A body decoded in slices says what one call says, or is refused as one call refuses it."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.http.request import decode_unguarded
from serving.messages.scores import Answer, BatchRequest, Interaction, ScoreRequest
from serving.parsing import slices
from serving.parsing.slices import SlicedDecoder
from serving.problems import Problem

whole = msgspec.json.Decoder(ScoreRequest)
decoder = SlicedDecoder(ScoreRequest, {"interactions": Interaction, "answers": Answer}, 1000)

acts = st.builds(
    lambda i, kind, extra: {"kind": kind, "occurred_at": f"2026-03-01T00:00:{i:02d}Z", **extra},
    st.integers(0, 59),
    st.sampled_from(["page_view", 'a"b\\', "[x]", "{,}", "é\n"]),
    st.sampled_from([{}, {"value": -1.5}, {"channel": "]},[{"}, {"event_id": None}]),
)


@pytest.fixture(autouse=True)
def small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "SLICE_BYTES", 100)


@settings(deadline=None, max_examples=60)
@given(st.lists(acts, max_size=12), st.booleans(), st.sampled_from([None, 0, 1]))
def test_slices_say_what_one_call_says(rows: Any, ascii_only: bool, indent: int | None) -> None:
    document = {"lead_id": "a", "interactions": rows, "attributes": {"x": "]}"}, "answers": []}
    body = json.dumps(document, ensure_ascii=ascii_only, indent=indent).encode()
    slices.SLICE_BYTES = 100
    assert decoder.in_slices(body) == decode_unguarded(whole, body)


ROW = {"kind": "page_view", "occurred_at": "2026-03-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("row", "at"),
    [({"kind": 3}, "$.interactions[7].kind"), ({**ROW, "x": 1}, "$.interactions[7]"),
     (3, "$.interactions[7]"), ({**ROW, "value": "many"}, "$.interactions[7].value")],
)  # fmt: skip
def test_a_wrong_row_is_named_by_its_place_in_the_body(row: Any, at: str) -> None:
    document = {"lead_id": "a", "interactions": [*[ROW] * 7, row, *[ROW] * 3]}
    body = json.dumps(document).encode()
    with pytest.raises(Problem) as sliced:
        decoder.in_slices(body)
    with pytest.raises(Problem) as together:
        decode_unguarded(whole, body)
    assert sliced.value.errors == together.value.errors
    assert sliced.value.errors[0].at == at


ROWS = json.dumps([ROW] * 5)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (f'{{"lead_id":"a","interactions":{ROWS}', 400),
        (f'{{"lead_id":"a","interactions":{ROWS[:-1]}}}', 400),
        (f'{{"lead_id":"a","interactions":{ROWS}}}}}', 400),
        (f'{{"lead_id":"a","interactions":{ROWS[:-1]},]}}', 400),
        (f'{{"lead_id":"a","interactions":[,{ROWS[1:]}}}', 400),
        (f'{{"lead_id":"a","interactions":{ROWS},}}', 400),
        (f"[{ROWS}]", 400),
        (f'{{"lead_id":"a","actions":{ROWS}}}', 422),
        (f'{{"lead_id":{ROWS}}}', 422),
        (f'{{"lead_id":"a","interactions":{json.dumps([ROW] * 1001)}}}', 422),
        (f'{{"interactions":{ROWS}}}', 422),
        ('{"lead_id":"' + "a" * 300, 400),
    ],
)
def test_what_is_wrong_is_refused(body: str, status: int) -> None:
    with pytest.raises(Problem) as refused:
        decoder.in_slices(body.encode())
    assert refused.value.status == status


def test_raw_elements_stay_as_they_are() -> None:
    raw = SlicedDecoder(BatchRequest, {"leads": msgspec.Raw}, most=100)
    leads = [b'{"a": [1, "]"]}', b"3", b'"}"', b"null"] * 10
    found = raw.in_slices(b'{"as_of": null, "leads": [' + b" , ".join(leads) + b"]}")
    assert [bytes(lead) for lead in found.leads] == leads
