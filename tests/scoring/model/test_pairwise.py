"""Products of two features: exact, and shared equally."""

from __future__ import annotations

import json

import numpy as np
import pytest

from features.errors import DataError, ReleaseError
from scoring.canonical_json import canonical_json
from scoring.model.linear import LinearComponent
from scoring.model.model import Model
from scoring.model.pairwise import PairwiseComponent


def _linear() -> LinearComponent:
    return LinearComponent(
        transform=("identity",) * 3,
        fill=np.zeros(3),
        center=np.array([1.0, 2.0, 0.0]),
        scale=np.array([1.0, 2.0, 0.5]),
        coef=np.zeros(3),
        missing_coef=np.zeros(3),
        intercept=-1.0,
    )


def _part(**changed: object) -> PairwiseComponent:
    plain = {"left": [0, 1], "right": [1, 2], "coef": [2.0, 4.0], "mean": [0.5, 0.0]}
    return PairwiseComponent(_linear(), **{k: np.array(v) for k, v in (plain | changed).items()})


def test_by_hand() -> None:
    #             u0 = 2, u1 = 1, u2 = 2              u1 unknown: both products are 0
    rows = np.array([[3.0, 4.0, 1.0], [3.0, np.nan, 1.0]])
    explained = Model((_part(),), (1.0,), 1.0, 0.0, 3).explain(rows)
    assert explained.base == -1.0
    # halves of 2 × (2 − 0.5) and 4 × 2; then of 2 × (0 − 0.5) and 0
    np.testing.assert_allclose(
        explained.contributions, [[1.5, 5.5, 4.0], [-0.5, -0.5, 0.0]], atol=1e-15
    )


def test_the_halves_are_shapley_values_of_the_product() -> None:
    """Added in either order to a lead whose other feature is at its centre, averaged."""
    part = _part(coef=[2.0, 0.0], mean=[0.0, 0.0])
    at = {
        "none": [1.0, 2.0, 0.0],
        "u": [3.0, 2.0, 0.0],
        "v": [1.0, 4.0, 0.0],
        "both": [3.0, 4.0, 0],
    }
    model = Model((part,), (1.0,), 1.0, 0.0, 3)
    said = {name: model.log_odds(np.array([row]))[0] for name, row in at.items()}
    of_u = (said["u"] - said["none"] + said["both"] - said["v"]) / 2
    shares = model.explain(np.array([at["both"]])).contributions[0]
    assert shares[0] == pytest.approx(of_u)
    assert shares[1] == pytest.approx(of_u)


def test_files_give_the_same_bits_back_and_broken_ones_are_refused() -> None:
    model = Model((_part(),), (1.0,), 1.0, 0.0, 3)
    files = model.to_files()
    assert Model.from_files(files).to_files() == files
    for wrong in (
        {"left": [0, 9]},
        {"left": [0]},
        {"left": [0.5, 1]},
        {"right": [0, 1]},
        {"mean": []},
    ):
        data = json.loads(files["model.json"])
        data["parts"][0] |= wrong
        with pytest.raises(ReleaseError):
            Model.from_files({"model.json": canonical_json(data)})


def test_a_feature_is_not_multiplied_by_itself() -> None:
    with pytest.raises(DataError, match="itself"):
        _part(right=[0, 2])
