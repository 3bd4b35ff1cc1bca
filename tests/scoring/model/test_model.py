"""The model: parts averaged, calibrated and explained."""

from __future__ import annotations

import json

import made_up_release
import numpy as np
import pytest

from features.errors import DataError, ReleaseError
from scoring.canonical_json import canonical_json
from scoring.model.component import ConstantComponent
from scoring.model.linear import LinearComponent
from scoring.model.model import LOG_ODDS_LIMIT, Model

X = made_up_release.table()[0]


def test_log_odds_are_the_calibrated_weighted_sum_of_the_parts() -> None:
    model = made_up_release.model()
    raw = sum(
        weight * Model((part,), (1.0,), 1.0, 0.0, X.shape[1]).log_odds(X)
        for weight, part in zip(model.weights, model.parts, strict=True)
    )
    np.testing.assert_allclose(model.log_odds(X), model.intercept + model.slope * raw, atol=1e-12)


def test_files_give_the_same_bits_back() -> None:
    model = made_up_release.model()
    again = Model.from_files(model.to_files())
    assert again.explain(X).contributions.tobytes() == model.explain(X).contributions.tobytes()
    assert again.to_files() == model.to_files()


def test_linear_by_hand() -> None:
    part = LinearComponent(
        transform=("log1p", "identity"),
        fill=np.array([0.0, 4.0]),
        center=np.array([0.5, 1.0]),
        scale=np.array([1.0, 2.0]),
        coef=np.array([2.0, 3.0]),
        missing_coef=np.array([0.0, -1.0]),
        intercept=0.25,
        missing_share=np.array([0.0, 0.5]),
    )
    explained = Model((part,), (1.0,), 1.0, 0.0, 2).explain(
        np.array([[-(np.e - 1), 3.0], [0.0, np.nan]])
    )
    assert explained.base == 0.25
    np.testing.assert_allclose(explained.contributions, [[-3.0, 3.5], [-1.0, 4.0]], atol=1e-15)


def test_a_score_beyond_the_limit_keeps_its_signs_and_sums() -> None:
    part = made_up_release.parts()[0]
    model = Model((part,), (1.0,), 400.0, -400.0 * part.base, X.shape[1])
    free = np.zeros(X.shape)
    part.accumulate_contributions(X, 400.0, free)
    explained = model.explain(X)
    beyond = np.abs(free.sum(axis=1) + explained.base) > LOG_ODDS_LIMIT
    assert beyond.any()
    assert np.abs(explained.log_odds).max() <= LOG_ODDS_LIMIT + 1e-9
    assert (np.sign(explained.contributions[beyond]) == np.sign(free[beyond])).all()
    np.testing.assert_allclose(
        np.log(explained.probability) - np.log1p(-explained.probability),
        explained.base + explained.contributions.sum(axis=1),
        atol=1e-9,
        rtol=0,
    )


def test_amounts_that_ran_into_infinity_still_score() -> None:
    x = np.full((2, X.shape[1]), np.inf)
    x[1] *= -1
    explained = made_up_release.model().explain(x)
    assert np.isfinite(explained.contributions).all()
    assert ((explained.probability > 0) & (explained.probability < 1)).all()


def test_nothing_known_says_the_base_rate() -> None:
    model = Model((ConstantComponent(-2.0, 3),), (1.0,), 1.0, 0.5, 3)
    explained = model.explain(np.full((2, 3), np.nan))
    assert explained.base == -1.5
    assert not explained.contributions.any()


def test_no_features_and_no_rows() -> None:
    model = Model((ConstantComponent(-2.0, 0),), (1.0,), 1.0, 0.0, 0)
    assert model.explain(np.zeros((3, 0))).log_odds.tolist() == [-2.0] * 3
    assert made_up_release.model().explain(X[:0]).probability.shape == (0,)


def test_parts_and_vectors_must_fit() -> None:
    with pytest.raises(DataError, match="weights"):
        Model((ConstantComponent(0.0, 3),), (), 1.0, 0.0, 3)
    with pytest.raises(DataError, match="does not read 4 features"):
        Model((ConstantComponent(0.0, 3),), (1.0,), 1.0, 0.0, 4)
    with pytest.raises(DataError, match="not finite"):
        Model((), (), float("nan"), 0.0, 4)
    with pytest.raises(DataError, match="expected"):
        made_up_release.model().explain(np.zeros((2, 3)))


BROKEN = {
    "kind": lambda data: data["parts"][0].update(kind="neural"),
    "short": lambda data: data["parts"][0]["coef"].pop(),
    "word": lambda data: data["parts"][0]["coef"].__setitem__(0, "1"),
    "true": lambda data: data["parts"][0]["coef"].__setitem__(0, True),
    "scale": lambda data: data["parts"][0]["scale"].__setitem__(0, 0.0),
    "transform": lambda data: data["parts"][0]["transform"].__setitem__(0, "exp"),
    "descending": lambda data: data["parts"][1]["steps"][0]["thresholds"].reverse(),
    "far feature": lambda data: data["parts"][1]["steps"][0].update(feature=999),
    "no file": lambda data: data["parts"][2].update(file="trees_9.txt"),
    "path": lambda data: data["parts"][2].update(file="../../etc/passwd"),
    "huge": lambda data: data.update(slope=10**400),
    "width": lambda data: data.update(n_features=2),
    "weights": lambda data: data["weights"].pop(),
    "parts": lambda data: data.update(parts={}),
}


@pytest.mark.parametrize("damage", BROKEN.values(), ids=BROKEN.keys())
def test_damaged_files_are_refused(damage) -> None:
    files = made_up_release.model().to_files()
    data = json.loads(files["model.json"])
    damage(data)
    with pytest.raises(ReleaseError):
        Model.from_files({**files, "model.json": canonical_json(data)})
