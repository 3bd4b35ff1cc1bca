"""Families: what the path promises is what the part serves, and the same every time."""

from __future__ import annotations

import made_up_release
import numpy as np
import pytest

from features.compute.array_types import Float64
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.model.additive import AdditiveComponent
from scoring.model.component import ModelComponent
from scoring.model.model import Model
from training.candidates.bant_pairs import bant_pairs
from training.candidates.base import BaseRate, Candidate, ColumnSubset, TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.factory import default_candidates
from training.candidates.linear import LinearCandidate, fit_design
from training.candidates.scorecard import ScorecardCandidate


def _sample(n: int = 600, seed: int = 0) -> TrainingSet:
    """Six columns: two that matter, noise, a rare flag, a heavy tail and one half unknown."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 6))
    x[:, 3] = rng.random(n) < 0.02
    x[:, 4] = np.exp(3 * x[:, 4])
    x[rng.random(n) < 0.5, 5] = np.nan
    chance = 1 / (1 + np.exp(-(x[:, 0] - x[:, 1] + np.isnan(x[:, 5]))))
    return TrainingSet(x, (rng.random(n) < chance).astype(np.int8), np.ones(n))


def _log_odds(part: ModelComponent, vectors: Float64) -> Float64:
    return Model((part,), (1.0,), 1.0, 0.0, vectors.shape[1]).log_odds(vectors)


FAMILIES = [BaseRate(), *default_candidates(seed=3)]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_the_part_says_what_the_path_promised(family: Candidate) -> None:
    sample, asked = _sample(), _sample(300, seed=1)
    path = family.fit_path(sample, asked.vectors)
    assert path.shape == (len(family.hyperparameter_grid), 300)
    middle = len(family.hyperparameter_grid) // 3
    part = family.fit(sample, family.hyperparameter_grid[middle])
    np.testing.assert_allclose(_log_odds(part, asked.vectors), path[middle], atol=2e-3)


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_the_same_sample_gives_the_same_bytes(family: Candidate) -> None:
    sample = _sample()
    step = family.hyperparameter_grid[len(family.hyperparameter_grid) // 2]
    files = [Model((family.fit(sample, step),), (1.0,), 1.0, 0.0, 6).to_files() for _ in range(2)]
    assert files[0] == files[1]


@pytest.mark.parametrize("family", FAMILIES, ids=lambda f: f.name)
def test_unknown_everything_is_scored(family: Candidate) -> None:
    part = family.fit(_sample(), family.hyperparameter_grid[-1])
    assert np.isfinite(_log_odds(part, np.full((1, 6), np.nan))).all()


def test_the_additive_model_is_additive() -> None:
    """Changing one feature moves the log-odds by the same, whatever the others are."""
    part = BoostedTrees("additive", additive=True, seed=0).fit(_sample(), 100)
    assert isinstance(part, AdditiveComponent)
    rng = np.random.default_rng(0)
    rows = rng.normal(size=(50, 6))
    low, high = rows.copy(), rows.copy()
    low[:, 0], high[:, 0] = -1.0, 1.0
    moved = _log_odds(part, high) - _log_odds(part, low)
    np.testing.assert_allclose(moved, moved[0], atol=1e-9)
    assert moved[0] > 0.5


def test_learning_beats_the_base_rate_where_there_is_signal() -> None:
    sample, asked = _sample(2000), _sample(2000, seed=1)
    for family in default_candidates(seed=0):
        path = family.fit_path(sample, asked.vectors)
        loss = np.logaddexp(0, np.where(asked.label == 1, -path, path)).mean(axis=1)
        assert loss.min() < 0.60 < 0.69, family.name


def test_monotone_constraints_hold() -> None:
    family = BoostedTrees("boosted", additive=False, seed=0, monotone=(1, -1, 0, 0, 0, 1))
    part = family.fit(_sample(), 200)
    rows = np.repeat(np.random.default_rng(0).normal(size=(30, 6)), 20, axis=0)
    rows[:, 0] = np.tile(np.linspace(-3, 3, 20), 30)
    along = _log_odds(part, rows).reshape(30, 20)
    assert (np.diff(along, axis=1) >= -1e-12).all()


def test_weights_count_leads_not_rows() -> None:
    """Every row twice at half the weight: the same linear model."""
    sample = _sample()
    twice = TrainingSet(
        np.repeat(sample.vectors, 2, axis=0),
        np.repeat(sample.label, 2),
        np.repeat(sample.weight / 2, 2),
    )
    one, two = (LinearCandidate().fit(s, 0.1) for s in (sample, twice))
    np.testing.assert_allclose(
        _log_odds(one, sample.vectors), _log_odds(two, sample.vectors), atol=1e-5
    )


def test_heavy_tails_are_logged_and_flags_are_not() -> None:
    design = fit_design(_sample())
    assert design.transform[4] == "log1p"
    assert design.transform[3] == "identity"
    assert design.flagged.tolist() == [5]


def test_a_constant_or_unknown_column_does_no_harm() -> None:
    sample = _sample()
    vectors = np.column_stack([sample.vectors, np.full(600, 7.0), np.full(600, np.nan)])
    part = LinearCandidate().fit(TrainingSet(vectors, sample.label, sample.weight), 0.1)
    assert np.isfinite(_log_odds(part, vectors)).all()


def test_the_base_rate_is_kept_off_the_ends() -> None:
    sample = TrainingSet(np.zeros((9, 1)), np.zeros(9, np.int8), np.ones(9))
    assert sample.base_rate == pytest.approx(0.05)


def test_a_narrow_family_learns_nothing_from_the_columns_beyond() -> None:
    sample, asked = _sample(), _sample(300, seed=1)
    wide = TrainingSet(np.column_stack([sample.vectors, sample.label]), sample.label, sample.weight)
    more = np.column_stack([asked.vectors, asked.label])
    for family in default_candidates(seed=0):
        step = family.hyperparameter_grid[3]
        narrow = ColumnSubset(family, 6)
        assert narrow.default_step == family.default_step
        np.testing.assert_array_equal(
            narrow.fit_path(wide, more), family.fit_path(sample, asked.vectors)
        )
        np.testing.assert_allclose(
            _log_odds(narrow.fit(wide, step), more),
            _log_odds(family.fit(sample, step), asked.vectors),
            atol=1e-12,
        )


def _bant_spec() -> FeatureSpec:
    attributes = tuple(
        AttributeSpec(f"a{i}", "number", g) for i, g in enumerate(("budget", "need"))
    )
    features = [
        Feature("attribute", f"a{i}", aggregate)
        for i in range(2)
        for aggregate in ("value", "unknown")
    ]
    return FeatureSpec(tuple(features), attributes)


def _crossed(n: int, seed: int) -> TrainingSet:
    """Two answers, half unknown, that matter together only."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, 4))
    x[:, [0, 2]] = rng.normal(size=(n, 2))
    x[:, 1] = rng.random(n) < 0.3
    x[x[:, 1] == 1, 0] = np.nan
    chance = 1 / (1 + np.exp(-1.5 * np.nan_to_num(x[:, 0]) * x[:, 2]))
    return TrainingSet(x, (rng.random(n) < chance).astype(np.int8), np.ones(n))


def test_products_of_answers_are_found_where_they_matter() -> None:
    family = bant_pairs(_bant_spec())
    assert family is not None
    assert family.pairs == ((0, 2), (0, 3), (1, 2), (1, 3))
    sample, asked = _crossed(1500, 0), _crossed(1500, 1)
    sign = np.where(asked.label == 1, -1, 1)
    with_products, without = (
        np.logaddexp(0, sign * f.fit_path(sample, asked.vectors)).mean(axis=1).min()
        for f in (family, LinearCandidate())
    )
    assert with_products < 0.60 < 0.68 < without
    part = family.fit(sample, 0.1)
    path = family.fit_path(sample, asked.vectors)[family.hyperparameter_grid.index(0.1)]
    np.testing.assert_allclose(_log_odds(part, asked.vectors), path, atol=2e-3)


def test_products_do_not_hurt_a_small_set_in_which_nothing_crosses() -> None:
    rng = np.random.default_rng(3)
    vectors = _crossed(200, 5).vectors
    label = (rng.random(200) < 1 / (1 + np.exp(-vectors[:, 2]))).astype(np.int8)
    asked = _crossed(2000, 6).vectors
    truth = 1 / (1 + np.exp(-asked[:, 2]))
    family = bant_pairs(_bant_spec())
    assert family is not None
    losses = []
    for f in (family, LinearCandidate()):
        z = f.fit_path(TrainingSet(vectors, label, np.ones(200)), asked)[
            f.hyperparameter_grid.index(0.03)
        ]
        losses.append((truth * np.logaddexp(0, -z) + (1 - truth) * np.logaddexp(0, z)).mean())
    assert losses[0] < losses[1] + 0.005


def test_one_group_of_answers_has_no_products() -> None:
    assert bant_pairs(FeatureSpec(_bant_spec().features[:2], _bant_spec().attributes[:1])) is None


def test_rules_never_turn_more_points_into_less() -> None:
    part = made_up_release.rules_part()
    x = made_up_release.table(800)[0]
    points = part.points(x)
    rng = np.random.default_rng(0)
    for sense in (1, -1):
        chance = 1 / (1 + np.exp(-sense * (points - points.mean()) / points.std()))
        sample = TrainingSet(x, (rng.random(800) < chance).astype(np.int8), np.ones(800))
        family = ScorecardCandidate(part)
        fitted = family.fit(sample, family.hyperparameter_grid[0])
        assert (fitted.coef > 0) == (sense == 1)
        path = family.fit_path(sample, x)[0]
        np.testing.assert_allclose(_log_odds(fitted, x), path, atol=1e-9)
        if sense == -1:
            assert np.ptp(path) == 0.0
