"""Reasons in words."""

from __future__ import annotations

import made_up_release
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.reasons import ReasonFormatter, share_texts, top_k_contributions, top_reasons

SPEC = made_up_release.SPEC
WIDTH = len(SPEC)


def test_the_largest_first_in_words() -> None:
    vector = np.zeros(WIDTH)
    vector[0], vector[4] = 12.0, np.nan
    shares = np.array([0.8, 0.0, 0.0, -0.1, -0.9, 0.0, 0.0])
    reasons = top_reasons(SPEC, vector, shares)
    assert [reason.feature for reason in reasons] == [SPEC.names[i] for i in (4, 0, 3)]
    assert reasons[1].text == "12 page views in the last 7 days"
    assert "unknown" in reasons[0].text
    assert reasons[0].contribution == -0.9


def test_no_share_no_reason() -> None:
    assert top_reasons(SPEC, np.zeros(WIDTH), np.zeros(WIDTH)) == []
    assert top_reasons(SPEC, np.zeros(WIDTH), np.ones(WIDTH), k=0) == []


@settings(deadline=None)
@given(
    arrays(np.float64, (4, 6), elements=st.sampled_from([0.0, -0.0, 0.5, -0.5, 1.0, -2.0])),
    st.integers(0, 8),
)
def test_strongest_is_a_stable_sort(shares, k) -> None:
    found = top_k_contributions(shares, k)
    for row, columns in zip(shares, found.tolist(), strict=True):
        order = [int(i) for i in np.argsort(-np.abs(row), kind="stable") if row[i] != 0]
        assert columns == (order + [-1] * k)[:k]


def test_a_table_of_reasons_says_the_same_as_one_row() -> None:
    x = made_up_release.table()[0][:200]
    shares = made_up_release.model().explain(x).contributions
    x[3:6], x[6:9] = x[0:3], np.nan  # values said before, and unknown ones
    shares[10] = 0.0
    places = ReasonFormatter(SPEC).reasons(x, shares, top_k_contributions(shares, 3))
    assert [len(place) for place in places] == [200, 200, 200]
    rows = zip(*(place.to_pylist() for place in places), strict=True)
    for row, vector, own in zip(rows, x, shares, strict=True):
        said = [f"{r.text} ({r.contribution:+.2f})" for r in top_reasons(SPEC, vector, own)]
        assert [text for text in row if text is not None] == said
    assert [place[10].as_py() for place in places] == [None, None, None]


def test_no_rows_no_reasons() -> None:
    places = ReasonFormatter(SPEC).reasons(
        np.zeros((0, WIDTH)), np.zeros((0, WIDTH)), np.zeros((0, 3), dtype=np.int64)
    )
    assert [len(place) for place in places] == [0, 0, 0]


@settings(deadline=None)
@given(st.lists(st.floats(-1e9, 1e9) | st.integers(-4000, 4000).map(lambda i: i / 200)))
def test_shares_are_rounded_as_numbers_are(shares) -> None:
    texts, which = share_texts(np.array(shares, dtype=np.float64))
    assert texts.take(which).to_pylist() == [f" ({share:+.2f})" for share in shares]
