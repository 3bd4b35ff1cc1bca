"""The same rules with better points: what evidence moves, and what it does not."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.toml import parse_card
from training.comparison.reweighted import Reweighted, fit_ridge, reweight, round_points

CARD = Scorecard(
    parse_card(
        """
name = "three"
[bands]
warm = 10
hot = 25
[groups.g]
max = 30
[[rules]]
name = "a"
group = "g"
interaction = "a"
points = 10
[[rules]]
name = "b"
group = "g"
interaction = "b"
count = "each"
points = 10
max_points = 40
[[rules]]
name = "never seen"
interaction = "c"
points = 20
[[exclusions]]
name = "gone"
interaction = "d"
""",
        "three.toml",
    )
)


def refit(n: int, log_odds: tuple[float, float], seed: int = 0) -> Reweighted:
    """Leads with rule a (yes or no) and b (0 to 3 times); outcomes from the true weights."""
    rng = np.random.default_rng(seed)
    times = np.column_stack([rng.integers(0, 2, n), rng.integers(0, 4, n), np.zeros(n)]) * 1.0
    chance = 1 / (1 + np.exp(2.0 - times[:, :2] @ np.array(log_odds)))
    label = (rng.random(n) < chance).astype(np.int8)
    return reweight(CARD, times, label, np.ones(n), np.arange(n), np.random.default_rng(1))


def points(found: Reweighted) -> dict[str, float]:
    return {rule.name: rule.points for rule in found.card.card.rules}


def test_plenty_of_evidence_finds_the_true_proportions() -> None:
    found = points(refit(8000, (2.0, 0.5)))
    assert found["a"] == pytest.approx(10.0, abs=0.5)  # the largest keeps the old size
    assert found["b"] == pytest.approx(2.5, abs=0.6)


def test_little_evidence_keeps_the_old_proportions() -> None:
    few = points(refit(40, (1.0, 1.0)))
    assert few["a"] == pytest.approx(few["b"], rel=0.35)


def test_a_rule_never_seen_keeps_its_worth_relative_to_the_others() -> None:
    found = points(refit(4000, (1.0, 1.0)))
    assert found["never seen"] == pytest.approx(2 * (found["a"] + found["b"]) / 2, rel=0.2)


def test_what_the_new_card_keeps() -> None:
    made = refit(2000, (2.0, 0.5)).card.card
    assert made.groups == {}  # a refit has learned what overlaps
    assert made.exclusions == CARD.card.exclusions
    assert made.bands.warm < made.bands.hot
    assert made.name == "three re-weighted"
    most = made.rules[1].max_points
    assert most is not None
    assert most / made.rules[1].points == pytest.approx(4.0)  # still four times at most


def test_the_new_cuts_call_about_as_many_leads() -> None:
    rng = np.random.default_rng(2)
    times = np.column_stack([rng.integers(0, 2, 3000), rng.integers(0, 4, 3000), np.zeros(3000)])
    label = (rng.random(3000) < 0.05 + times[:, :2] @ [0.25, 0.1]).astype(np.int8)
    made = reweight(CARD, times * 1.0, label, np.ones(3000), np.arange(3000), rng).card.card
    old, new = times @ [10, 10, 20], times @ [rule.points for rule in made.rules]
    for was, now in ((25, made.bands.hot), (10, made.bands.warm)):
        assert (new >= now).mean() == pytest.approx((old >= was).mean(), abs=0.15)


def test_nothing_learned_returns_the_card() -> None:
    times, label = np.zeros((50, 3)), np.tile(np.array([0, 1], np.int8), 25)
    found = reweight(CARD, times, label, np.ones(50), np.arange(50), np.random.default_rng(0))
    assert found.card == CARD


def test_the_ridge_fit_agrees_with_scikit_learn() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(500, 3))
    label = (rng.random(500) < 1 / (1 + np.exp(-x[:, 0]))).astype(np.int8)
    weight = rng.random(500) + 0.5
    design = np.column_stack([np.ones(500), x])
    mine = fit_ridge(design, label, weight, np.array([0.0, 2.0, 2.0, 2.0]))
    theirs = LogisticRegression(C=0.5, tol=1e-10, max_iter=1000).fit(x, label, weight)
    assert mine[1:] == pytest.approx(theirs.coef_[0], abs=1e-4)
    assert mine[0] == pytest.approx(theirs.intercept_[0], abs=1e-4)


@pytest.mark.parametrize(
    ("value", "rounded"), [(12.4, 12.0), (-7.6, -8.0), (2.3, 2.5), (-0.2, 0.0), (0.0, 0.0)]
)
def test_points_are_rounded_as_people_write_them(value: float, rounded: float) -> None:
    assert round_points(value) == rounded
    assert str(round_points(value)) != "-0.0"
