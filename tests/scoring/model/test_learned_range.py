"""Values are held to the range that was learned; releases without one score as they did."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from small_release import small_release

from features.errors import ReleaseError
from scoring.canonical_json import canonical_json
from scoring.model.learned_range import LearnedRange, learned_range
from scoring.model.model import Model
from scoring.release.release import Release, load_release

values = st.floats(allow_nan=True, allow_infinity=False, width=32)


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return small_release(tmp_path_factory.mktemp("range") / "release")


@settings(deadline=None, max_examples=40)
@given(arrays(np.float64, (5, 3), elements=values), arrays(np.float64, (4, 3), elements=values))
def test_known_values_end_within_and_unknown_ones_stay(learned: object, given_: object) -> None:
    learned_from, vectors = np.asarray(learned), np.asarray(given_)
    found = learned_range(learned_from)
    held = found.held(vectors)
    assert (np.isnan(held) == np.isnan(vectors)).all()
    assert not found.outside(held).any()
    inside = ~found.outside(vectors)
    assert ((held == vectors) | np.isnan(vectors))[inside].all()
    assert ((found.held(learned_from) == learned_from) | np.isnan(learned_from)).all()
    again = LearnedRange.from_dict(json.loads(json.dumps(found.to_dict())), 3)
    assert (again.low == found.low).all()
    assert (again.high == found.high).all()


def test_a_model_scores_beyond_its_range_as_at_the_end_of_it(release: Release) -> None:
    bounds = learned_range(np.array([[0.0, 0.0, 10.0, 0.0], [5.0, 9.0, 200.0, 1.0]]))
    model = replace(release.model, learned_range=bounds)
    far, end = np.array([[9e9, 3.0, -4.0, np.nan]]), np.array([[5.0, 3.0, 10.0, np.nan]])
    assert model.log_odds(far) == model.log_odds(end) == release.model.log_odds(end)
    explained = model.explain(far)
    assert explained.base + explained.contributions[0].sum() == pytest.approx(
        explained.log_odds[0], abs=1e-12
    )


def test_the_range_is_kept_in_the_files_and_absent_where_none_was_learned(
    release: Release,
) -> None:
    assert b'"range"' not in release.model.to_files()["model.json"]
    bounds = learned_range(np.array([[0.0, np.nan, 1.0, 2.0]]))
    files = replace(release.model, learned_range=bounds).to_files()
    again = Model.from_files(files).learned_range
    assert again is not None
    assert again.low.tolist() == [0.0, -np.inf, 1.0, 2.0]
    assert again.high.tolist() == [0.0, np.inf, 1.0, 2.0]


@pytest.mark.parametrize(
    "range_",
    [3, {}, {"low": [0], "high": [1]}, {"low": [2] * 4, "high": [1] * 4},
     {"low": ["0"] * 4, "high": [1] * 4}, {"low": [True] * 4, "high": [1] * 4}],
)  # fmt: skip
def test_a_damaged_range_is_refused(release: Release, range_: object) -> None:
    files = release.model.to_files()
    files["model.json"] = canonical_json({**json.loads(files["model.json"]), "range": range_})
    with pytest.raises(ReleaseError, match="range"):
        Model.from_files(files)


def test_a_release_keeps_its_range_and_its_golden_rows_hold(tmp_path: Path) -> None:
    bounds = learned_range(np.array([[0.0, 0.0, 10.0, 0.0], [5.0, 9.0, 200.0, 1.0]]))
    made = small_release(tmp_path / "r", change=lambda model: replace(model, learned_range=bounds))
    assert load_release(tmp_path / "r").model.learned_range is not None
    assert made.model.log_odds(np.full((1, 4), 1e9)) == made.model.log_odds(bounds.high[None, :])
