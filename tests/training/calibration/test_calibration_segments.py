"""Calibration within segments."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from training.calibration.segments import calibration_by_segment, gap_variance, holm


def drawn(n: int, seed: int, off: dict[str, float]):
    """Leads of six sources; outcomes off from the probabilities by a factor in some of them."""
    rng = np.random.default_rng(seed)
    p = rng.beta(2, 12, n)
    source = rng.choice(list("abcdef"), n).astype(object)
    factor = np.array([off.get(s, 1.0) for s in source])
    label = (rng.random(n) < np.minimum(p * factor, 1)).astype(np.int8)
    return label, p, np.ones(n), np.arange(n), {"source": source}


def test_a_segment_where_it_fails_is_warned_of_and_no_other() -> None:
    found = calibration_by_segment(*drawn(12_000, 1, {"c": 1.6}))
    assert [segment.name for segment in found] == list("abcdef")
    warned = [segment for segment in found if segment.warning]
    assert [segment.name for segment in warned] == ["c"]
    assert "source = c: probabilities are too low" in warned[0].warning
    assert warned[0].observed > warned[0].high


def test_many_questions_seldom_raise_a_false_warning() -> None:
    warned = [
        any(s.warning for s in calibration_by_segment(*drawn(2_000, seed, {})))
        for seed in range(60)
    ]
    assert sum(warned) <= 8  # 3 expected at 5 %


def test_too_few_to_tell() -> None:
    (one,) = calibration_by_segment(
        np.zeros(20, np.int8), np.full(20, 0.05), np.ones(20), np.arange(20),
        {"size": np.full(20, "small", dtype=object)},
    )  # fmt: skip
    assert one.p_value is one.adjusted is one.warning is None
    assert one.low == 0.0


draws = st.lists(
    st.tuples(st.integers(0, 3), st.floats(0, 1), st.sampled_from([0.5, 1.0, 2.0])), max_size=12
)


@settings(deadline=None)
@given(draws)
def test_the_variance_is_that_of_drawing_leads_as_one(rows) -> None:
    lead, p, w = (np.array([row[i] for row in rows]) for i in range(3))
    by_hand = 0.0
    for i in range(len(rows)):
        for j in range(len(rows)):
            if lead[i] == lead[j]:
                by_hand += w[i] * w[j] * (min(p[i], p[j]) - p[i] * p[j])
    assert gap_variance(p, w, lead) == pytest.approx(by_hand, abs=1e-9)


@settings(deadline=None)
@given(st.lists(st.none() | st.floats(0, 1), max_size=8))
def test_correction_never_lowers_and_keeps_the_order(p_values) -> None:
    adjusted = holm(p_values)
    asked = sorted((p, a) for p, a in zip(p_values, adjusted, strict=True) if p is not None)
    assert all(p <= a <= 1 for p, a in asked)
    assert [a for _, a in asked] == sorted(a for _, a in asked)
    assert [a is None for a in adjusted] == [p is None for p in p_values]
