"""The guard agrees with Python's own decoder on repeated keys, and refuses the absurd."""

from __future__ import annotations

import json
import time
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.parsing.json_limits import (
    DUPLICATE_KEY,
    LONG_KEY,
    LONG_NUMBER,
    NUL,
    TOO_DEEP,
    TOO_WIDE,
    complaint_of,
    scan,
)

plain = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["a", "b", 'q"', "\\", "é", ""]), inner, max_size=4)
    ),
    max_leaves=20,
)


@settings(deadline=None)
@given(plain, st.booleans())
def test_honest_json_passes(document: Any, ascii_only: bool) -> None:
    if "\\u0000" in json.dumps(document):
        return
    body = json.dumps(document, ensure_ascii=ascii_only).encode()
    assert complaint_of(body, 12) is None


@settings(deadline=None)
@given(st.lists(st.sampled_from(["a", "b", "ab", "é", 'a"', "a\\"]), max_size=6), st.booleans())
def test_repeated_keys_are_found_however_they_are_written(names: list[str], escape: bool) -> None:
    keys = [json.dumps(name, ensure_ascii=escape and i % 2 == 0) for i, name in enumerate(names)]
    body = ("[{" + ",".join(f"{key}:[{{}}]" for key in keys) + "}]").encode()
    repeats = len(set(names)) != len(names)
    assert complaint_of(body, 12) == (DUPLICATE_KEY if repeats else None)


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"[" * 100_000, TOO_DEEP),
        (b'{"a":' * 100_000, TOO_DEEP),
        (b'{"a":"b\\u0000"}', NUL),
        (b'{"a\\u0000":1}', NUL),
        (b'{"a":' + b"9" * 5000 + b"}", LONG_NUMBER),
        (b'{"a":0.' + b"1" * 5000 + b"}", LONG_NUMBER),
        (b'{"a":1e' + b"0" * 5000 + b"}", LONG_NUMBER),
        (b"{" + b",".join(b'"%d":1' % i for i in range(2001)) + b"}", TOO_WIDE),
        (b'{"a":{"b":1},"b":2,"a":3}', DUPLICATE_KEY),
        (b'{"a":[{"b":1,"b":2}]}', DUPLICATE_KEY),
        (b'{"a":1,"\\u0061":2}', DUPLICATE_KEY),
    ],
)
def test_refused_with_its_reason(body: bytes, code: int) -> None:
    assert complaint_of(body, 12) == code


@pytest.mark.parametrize(
    "body", [b"", b'"', b'"\\', b'{"', b"}}}]]]", b"{,,,:", b'{"a\\', b"\xff\xfe", b'{"\\u00"}']
)
def test_broken_text_is_left_to_the_decoder(body: bytes) -> None:
    assert complaint_of(body, 12) is None


def test_the_same_key_in_different_objects_is_fine() -> None:
    body = b'{"a":[{"k":1},{"k":2},{"k":{"k":3}}],"k":4}'
    assert complaint_of(body, 12) is None


def test_long_keys_are_refused() -> None:
    assert complaint_of(b'{"' + b"a" * 1001 + b'":1}', 12) == LONG_KEY
    assert complaint_of(b'{"' + b"\\u00e9" * 500 + b'":1}', 12) is None


def test_the_time_is_linear_in_the_body() -> None:
    """Keys that begin alike were compared pairwise: 0.4 MB took 0.8 s."""
    keys = ",".join(f'"{"a" * 200}{i:04d}":1' for i in range(1990))
    body = f'{{"leads":[{{{keys}}},{{{keys}}}]}}'.encode()
    complaint_of(body[:1000], 12)
    took = []
    for _ in range(5):  # the quickest: others may work on the same core
        begun = time.process_time()
        assert complaint_of(body, 12) is None
        took.append(time.process_time() - begun)
    assert min(took) < 0.1


def test_keys_hash_apart_for_each_process() -> None:
    """The secret decides nothing but the time: any secret gives the same complaint."""
    text = np.frombuffer(b'{"a":1,"b":{"a":1},"\\u0061":1}', np.uint8)
    assert {scan(text, 12, 2000, 64, secret) for secret in (256, 1 << 20, (1 << 31) - 2)} == {
        DUPLICATE_KEY
    }
