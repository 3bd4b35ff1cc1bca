"""Like ages with like: an export of new leads alone has other ages, and nothing has changed."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.drift import at_ages, shift_of
from training.evaluation.ages import (
    areas_at_same_ages,
    auc_by_age,
    column_by_age,
    shares_of_ages,
)

QUANTILES = [i / 10 for i in range(11)]
AGES = np.array([0.0, 7.0, 14.0, 28.0])
N = 3_000


def counts(rng: np.random.Generator, age: np.ndarray) -> np.ndarray:
    """Interactions so far, which grow with age; unknown for one in five of the newest."""
    column = rng.poisson(0.4 * age + 0.1).astype(float)
    return np.where((age == 0.0) & (rng.random(len(age)) < 0.2), np.nan, column)


@pytest.fixture(scope="module")
def recorded() -> dict[str, object]:
    """The record of a training whose references are spread evenly over four ages."""
    rng = np.random.default_rng(0)
    age = np.tile(AGES, N)
    column = counts(rng, age)
    known = np.sort(column[~np.isnan(column)])
    deciles = np.quantile(known, QUANTILES)
    return {
        "deciles": deciles.tolist(),
        "unknown": 1 - len(known) / len(column),
        "upto": (np.searchsorted(known, deciles, side="right") / len(known)).tolist(),
        "by_age": column_by_age(column, age, deciles.tolist()),
    }


def index(record: dict[str, object], ages: list[float], seed: int = 1) -> float:
    """The stability index of later leads, asked about at these ages only."""
    rng = np.random.default_rng(seed)
    age = np.tile(ages, N // len(ages))
    column, weight = counts(rng, age), np.ones(len(age))
    then = at_ages(record, shares_of_ages(age, weight))
    return shift_of("c", then, QUANTILES, 4 * N, column, weight, float(N)).psi


def test_new_leads_alone_have_not_drifted(recorded: dict[str, object]) -> None:
    before = {key: value for key, value in recorded.items() if key != "by_age"}
    assert index(before, [0.0, 7.0]) > 0.25
    assert index(recorded, [0.0, 7.0]) < 0.02
    assert index(recorded, [28.0]) < 0.02
    assert index(recorded, AGES.tolist()) < 0.02


def test_a_column_that_has_changed_at_every_age_is_still_seen(recorded: dict[str, object]) -> None:
    rng = np.random.default_rng(2)
    age = np.tile([0.0, 7.0], N)
    column, weight = counts(rng, age) + 3, np.ones(len(age))
    then = at_ages(recorded, shares_of_ages(age, weight))
    assert shift_of("c", then, QUANTILES, 4 * N, column, weight, float(N)).psi > 0.25


def test_a_record_of_before_or_an_age_it_does_not_have_is_taken_as_it_is(
    recorded: dict[str, object],
) -> None:
    assert at_ages(recorded, {3.0: 1.0}) is recorded
    old = {"deciles": [0.0], "unknown": 0.0}
    assert at_ages(old, {0.0: 1.0}) is old


def by_age(age: np.ndarray, strength: float, seed: int) -> dict[str, dict[str, float]]:
    """Older leads convert less and are scored lower; ``strength`` ranks those of one age."""
    rng = np.random.default_rng(seed)
    odds = strength * rng.normal(size=len(age)) - 0.12 * age
    label = (rng.random(len(age)) < 1 / (1 + np.exp(-odds))).astype(np.int8)
    return auc_by_age(label, odds, np.ones(len(age)), np.arange(len(age)), age)


def test_areas_are_compared_within_ages_where_the_ages_differ() -> None:
    then = by_age(np.tile(AGES, 500), 1.0, 0)
    assert areas_at_same_ages(then, by_age(np.tile(AGES, 200), 1.0, 1)) is None
    same = areas_at_same_ages(then, by_age(np.zeros(800), 1.0, 2))
    assert same is not None
    now, before = same
    assert abs(now.value - before.value) < 2 * (now.high - now.low)
    assert before.value == pytest.approx(then["0"]["auc"])
    worse = areas_at_same_ages(then, by_age(np.zeros(2_000), 0.2, 3))
    assert worse is not None
    assert worse[0].high < worse[1].low
    assert areas_at_same_ages({}, then) is None
