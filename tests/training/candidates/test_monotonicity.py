"""A better answer never lowers a boosted score, where the dataset says which is better."""

from __future__ import annotations

import numpy as np
import pytest

from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.model.model import Model
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.factory import default_candidates
from training.candidates.monotonicity import monotone_constraints, redundant_columns

LEVELS = ("none", "planned", "approved")


def spec_of(group: str = "budget", *, ordered: bool = True) -> FeatureSpec:
    asked = AttributeSpec("money", "category", group, levels=LEVELS, ordered=ordered)
    features = [Feature("interactions", "page_view", "count")]
    if ordered:
        features.append(Feature("attribute", "money", "ordinal", level=" < ".join(LEVELS)))
    features += [Feature("attribute", "money", "level", level=level) for level in LEVELS]
    features.append(Feature("attribute", "money", "unknown"))
    return FeatureSpec(tuple(features), (asked,))


def sample(n: int = 3000) -> TrainingSet:
    """The middle answer converts most: the data contradict the order."""
    rng = np.random.default_rng(0)
    level = rng.integers(0, 4, n)
    x = np.full((n, 6), np.nan)
    x[:, 0] = rng.poisson(3, n)
    x[:, 1] = np.where(level < 3, level, np.nan)
    for i in range(3):
        x[:, 2 + i] = level == i
    x[:, 5] = level == 3
    chance = np.array([0.2, 0.6, 0.3, 0.3])[level]
    return TrainingSet(x, (rng.random(n) < chance).astype(np.int8), np.ones(n))


def boosted(*, enforce_monotone: bool) -> list[BoostedTrees]:
    made = default_candidates(0, spec_of(), enforce_monotone=enforce_monotone)
    return [family for family in made if isinstance(family, BoostedTrees)]


@pytest.mark.parametrize("i", range(3))
def test_a_better_answer_never_lowers_the_score(i: int) -> None:
    given = sample()
    rows = np.zeros((3, 6))
    for level in range(3):
        rows[level, [1, 2 + level]] = level, 1
    for enforced in (True, False):
        part = boosted(enforce_monotone=enforced)[i].fit(given, 90)
        along = Model((part,), (1.0,), 1.0, 0.0, 6).log_odds(rows)
        assert (np.diff(along) >= -1e-12).all() == enforced


def test_only_answers_with_a_declared_order_are_insisted_on() -> None:
    assert monotone_constraints(spec_of()) == (0, 1, 0, 0, 0, 0)
    assert redundant_columns(spec_of()) == (2, 3, 4)
    for spec in (spec_of(ordered=False), spec_of("fit")):
        assert monotone_constraints(spec) == ()
        assert redundant_columns(spec) == ()
