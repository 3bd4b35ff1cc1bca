"""Interactions read in one pass: what the decoder would have read, or none of them."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.histories.from_records import histories_from_records
from serving.http.request import decode
from serving.messages.scores import ScoreRequest
from serving.parsing.fast_json import end_of_number, moment_of, number_of, pad
from serving.predictor.active_release import MOMENT, prepare
from serving.predictor.parse_request import parse_request, split_interactions
from serving.predictor.predictor import Predictor, query_of_request
from serving.predictor.query import QueryContext, ScoreQuery
from serving.problems import Problem
from serving.settings import Settings
from serving.timestamps import Clock, microseconds

ASKING = QueryContext(Clock(MOMENT, MOMENT), "en", 5)
_decoder = msgspec.json.Decoder(ScoreRequest)

USUAL: dict[str, Any] = {
    "lead_id": "L-1",
    "created_at": "2020-01-01T00:00:00Z",
    "attributes": {"sector": "software", "ville": "Orléans", "remark": 'a "b" \\'},
    "answers": [{"attribute": "budget", "answered_at": "2020-01-02T00:00:00Z", "value": "planned"}],
    "interactions": [
        {"kind": "page_view", "occurred_at": "2020-01-03T10:00:00Z", "event_id": "e-1"},
        {"kind": "inbound_call", "occurred_at": "2020-01-03T10:00:00.25+00:00", "duration_s": 61.5,
         "value": -3, "channel": "phone", "event_id": None},
        {"kind": "page_view", "occurred_at": "2020-01-02T23:59:59.999999Z", "value": None},
    ],
}  # fmt: skip


@pytest.fixture(scope="module")
def answering(release_dir: Path) -> Predictor:
    return prepare(release_dir, "1", Settings())


def told(asked: ScoreQuery) -> dict[str, Any]:
    """What a question says, however it was read."""
    histories = histories_from_records([asked.lead])
    rows = histories.interactions
    return {
        "lead": (asked.lead.lead_id, asked.lead.created_at_us, asked.as_of, asked.as_of_us),
        "attributes": {name: list(column) for name, column in histories.attributes.items()},
        "kinds": [rows.kinds[code] for code in rows.kind.tolist()],
        "rows": (rows.at_us.tolist(), rows.value.tobytes(), rows.duration_s.tobytes()),
        "answers": [str(getattr(histories.answers, name)) for name in histories.answers.__slots__],
    }


def outcome(read: Any) -> Any:
    try:
        return told(read())
    except Problem as problem:
        return problem.status, problem.kind, problem.errors


def same_as_the_decoder(answering: Predictor, body: bytes) -> None:
    quickly = outcome(lambda: parse_request(answering, body, ASKING, 12))
    slowly = outcome(lambda: query_of_request(answering, decode(_decoder, body, 12), ASKING))
    assert str(quickly) == str(slowly)


def read_quickly(answering: Predictor, body: bytes) -> bool:
    return split_interactions(answering, body, microseconds(ASKING.clock.latest))[0] is not None


@pytest.mark.parametrize(
    "body",
    [
        json.dumps(USUAL).encode(),
        json.dumps(USUAL, ensure_ascii=False, separators=(",", ":")).encode(),
        json.dumps(USUAL, indent=2, sort_keys=True).encode(),
        msgspec.json.encode(USUAL),
        b'{"lead_id":"L","created_at":"2020-01-01T00:00:00Z","interactions":[]}',
        b' { "interactions" : [ ] , "lead_id" : "L", "created_at":"2020-01-01T00:00:00Z" } ',
    ],
)
def test_what_callers_usually_send_is_read_in_one_pass(answering: Predictor, body: bytes) -> None:
    assert read_quickly(answering, body)
    same_as_the_decoder(answering, body)


ACT = '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z"}'


@pytest.mark.parametrize(
    "act",
    [
        '{"kind":"unheard_of","occurred_at":"2020-01-03T10:00:00Z"}',
        '{"kind":"page\\u005fview","occurred_at":"2020-01-03T10:00:00Z"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00+02:00"}',
        '{"kind":"page_view","occurred_at":"2020-01-03t10:00:00z"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00.1234567Z"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00"}',
        '{"kind":"page_view","occurred_at":"2020-02-30T10:00:00Z"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T24:00:00Z"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:60Z"}',
        '{"kind":"page_view","occurred_at":"2999-01-03T10:00:00Z"}',
        '{"kind":"page_view","occurred_at":"1899-01-03T10:00:00Z"}',
        '{"kind":"page_view","occurred_at":1578045600}',
        '{"kind":"page_view"}',
        '{"occurred_at":"2020-01-03T10:00:00Z"}',
        '{"kind":"page_view","kind":"page_view","occurred_at":"2020-01-03T10:00:00Z"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","who":"me"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":1e3}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":-0}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":01}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":1.}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":.5}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":1234567890123456}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":"1"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","value":true}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","duration_s":-1}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","duration_s":nullx}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","event_id":""}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","event_id":"é"}',
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z",}',
        '{"kind":"page_view" "occurred_at":"2020-01-03T10:00:00Z"}',
        ACT + ACT,
        ACT + ",",
        '{"kind":"page_view","occurred_at":"2020-01-03T10:00:00Z","event_id":"a"},'
        '{"kind":"page_view","occurred_at":"2020-01-02T10:00:00Z","event_id":"a"}',
        "null",
        "",
    ],
)
def test_what_is_unusual_or_wrong_is_left_to_the_decoder(answering: Predictor, act: str) -> None:
    head = '{"lead_id":"L","created_at":"2020-01-01T00:00:00Z","interactions":['
    body = f"{head}{act}]}}".encode()
    assert act == "" or not read_quickly(answering, body)
    same_as_the_decoder(answering, body)


@pytest.mark.parametrize(
    "body",
    [
        '{"interactions":[],"interactions":[ACT]}',
        '{"interactions":[ACT],"interaction\\u0073":[]}',
        '{"lead_id":"a" "x","interactions":[ACT]}',
        '{"lead_id":"L","as_of":,"interactions":[ACT]}',
        '{"lead_id":"L","attributes":{"interactions":[ACT]}}',
        '{"lead_id":"L","attributes":[1},"interactions":[ACT]}',
        '{"lead_id":"L","who":1,"interactions":[ACT]}',
        '{"lead_id":"L","lead_id":"L","interactions":[ACT]}',
        '{"lead_id":"L","interactions":[ACT]}}',
        '{"lead_id":"L","interactions":[ACT]',
        '{"lead_id":"L","interactions":[ACT]} x',
        '{"lead_id":"L","created_at":"2020-01-01T00:00:00Z","interactions":[ACT]}\0',
        '{"lead_id":"","created_at":"2020-01-01T00:00:00Z","interactions":[ACT]}',
        '{"lead_id":"L\\","interactions":[ACT]}',
        '[{"lead_id":"L","interactions":[ACT]}]',
        "", "{", "{}", '"', '{"', '{"a', '{"a"', '{"a":', '{"interactions":', '{"interactions":[',
    ],
)  # fmt: skip
def test_the_rest_of_the_body_is_judged_as_ever(answering: Predictor, body: str) -> None:
    same_as_the_decoder(answering, body.replace("ACT", ACT).encode())


@pytest.mark.parametrize(
    ("field", "length", "quick"),
    [("event_id", 200, True), ("event_id", 201, False), ("channel", 1000, True),
     ("channel", 1001, False)],
)  # fmt: skip
def test_words_may_be_as_long_as_the_contract_says(
    answering: Predictor, field: str, length: int, quick: bool
) -> None:
    acts = [{**USUAL["interactions"][0], field: "x" * length}]
    body = json.dumps({**USUAL, "interactions": acts}).encode()
    assert read_quickly(answering, body) is quick
    same_as_the_decoder(answering, body)


def fnv_1a(text: str) -> int:
    found = 14695981039346656037
    for letter in text.encode():
        found = ((found ^ letter) * 1099511628211) % 2**64
    return found | 1


def test_ids_that_crowd_into_one_place_are_left_to_the_decoder(answering: Predictor) -> None:
    crowd = [name for name in map(str, range(60_000)) if (fnv_1a(name) >> 1) % 1024 == 7][:40]
    assert len(crowd) == 40
    for names, quick in ((crowd, False), ([f"event-{i}" for i in range(5000)], True)):
        usual = USUAL["interactions"][0]
        acts = [{**usual, "event_id": name, "value": i} for i, name in enumerate(names)]
        body = json.dumps({**USUAL, "interactions": acts}).encode()
        assert read_quickly(answering, body) is quick
        same_as_the_decoder(answering, body)


def test_repeats_are_left_to_the_decoder_and_count_once(answering: Predictor) -> None:
    usual = {k: v for k, v in USUAL["interactions"][0].items() if k != "event_id"}
    body = json.dumps({**USUAL, "interactions": [usual, usual]}).encode()
    assert not read_quickly(answering, body)
    same_as_the_decoder(answering, body)


words = st.sampled_from(["page_view", "inbound_call", "email_open", "kind"]) | st.text(max_size=5)
moments = st.one_of(
    st.datetimes(min_value=MOMENT.replace(tzinfo=None, year=1890)).map(
        lambda m: f"{m.isoformat()}Z"
    ),
    st.integers(0, 59).map(lambda s: f"2020-01-07T10:00:{s:02d}Z"),
    st.text("0123456789-:TZ+.", max_size=26),
)
numbers = st.none() | st.floats(allow_nan=False) | st.integers() | st.decimals(-99, 99, places=3)
acts = st.fixed_dictionaries(
    {"kind": words, "occurred_at": moments},
    optional={"value": numbers, "duration_s": numbers, "channel": st.none() | words,
              "event_id": st.none() | words},
)  # fmt: skip
bodies = st.fixed_dictionaries(
    {
        "lead_id": words,
        "created_at": st.just("2020-01-01T00:00:00Z"),
        "interactions": st.lists(acts),
    },
    optional={"attributes": st.dictionaries(words, numbers | words), "as_of": moments},
)


@settings(deadline=None)
@given(bodies, st.sampled_from([None, 1]), st.booleans())
def test_any_body_is_read_as_the_decoder_reads_it(
    answering: Predictor, body: dict[str, Any], indent: int | None, plain: bool
) -> None:
    written = json.dumps(body, indent=indent, ensure_ascii=plain, default=float)
    same_as_the_decoder(answering, written.encode("utf-8", "surrogatepass"))


@settings(deadline=None, max_examples=1000)
@given(st.data())
def test_a_damaged_body_is_judged_as_the_decoder_judges_it(
    answering: Predictor, data: st.DataObject
) -> None:
    body = bytearray(json.dumps(USUAL, ensure_ascii=False).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        if not body:
            break
        at = data.draw(st.integers(0, len(body) - 1))
        new = data.draw(st.sampled_from(b'"\\{}[]:,0-+.eEtTnZz \n\0\xc3') | st.integers(0, 255))
        how = data.draw(st.sampled_from(["replace", "insert", "remove", "cut", "double"]))
        if how == "replace":
            body[at] = new
        elif how == "insert":
            body.insert(at, new)
        elif how == "remove":
            del body[at]
        elif how == "cut":
            del body[at:]
            body.append(new)
        else:
            body[at:at] = body[at : at + data.draw(st.integers(1, 80))]
    same_as_the_decoder(answering, bytes(body))


@settings(deadline=None)
@given(st.decimals(allow_nan=False, allow_infinity=False) | st.integers() | st.floats(-1e9, 1e9))
@example(0.1)
@example(123456789012.345)
@example(-0.000001)
def test_a_number_is_rounded_as_python_rounds_it(number: Any) -> None:
    written = str(number)
    text = pad(f"{written},".encode())
    end = end_of_number(text, 0)
    if end != -1 and text[end] == ord(","):
        assert number_of(text, 0, end) == float(written)


@settings(deadline=None)
@given(st.datetimes(), st.sampled_from(["Z", "+00:00"]))
def test_a_moment_is_the_one_of_the_calendar(moment: datetime, zone: str) -> None:
    written = moment.isoformat() + zone
    seen = moment_of(pad(written.encode()), 0, len(written))
    assert seen == (moment - datetime(1970, 1, 1)) // timedelta(microseconds=1)


def test_rows_and_decoded_lists_are_answered_together(answering: Predictor) -> None:
    usual = parse_request(answering, json.dumps(USUAL).encode(), ASKING, 12)
    written = json.dumps(USUAL).replace("2020-01-03T", "2020-01-03t").encode()
    unusual = parse_request(answering, written, ASKING, 12)
    assert usual.lead.rows is not None
    assert unusual.lead.rows is None
    both = histories_from_records([usual.lead, unusual.lead]).interactions
    n = int(both.offsets[1])
    for column in (both.at_us, both.kind, both.value, both.duration_s):
        assert column[:n].tobytes() == column[n:].tobytes()
