"""Reasons in words."""

from __future__ import annotations

import made_up_release
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.reasons import Sentences, strongest_columns, top_reasons

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
    found = strongest_columns(shares, k)
    for row, columns in zip(shares, found.tolist(), strict=True):
        order = [int(i) for i in np.argsort(-np.abs(row), kind="stable") if row[i] != 0]
        assert columns == (order + [-1] * k)[:k]


def test_a_table_of_reasons_says_the_same_as_one_row() -> None:
    x = made_up_release.table()[0][:20]
    shares = made_up_release.model().explain(x).contributions
    rows = Sentences(SPEC).reasons(x, shares, strongest_columns(shares, 3))
    for row, vector, own in zip(rows, x, shares, strict=True):
        said = [f"{r.text} ({r.contribution:+.2f})" for r in top_reasons(SPEC, vector, own)]
        assert [text for text in row if text is not None] == said
