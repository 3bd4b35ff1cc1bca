"""Levels that share one column: how far they differ, and that chance alone adds nothing."""

from __future__ import annotations

import numpy as np
import pytest

from features.contract import AttributeType
from features.histories.arrays import Answers, Histories, Interactions
from features.vectors.spec import AttributeSpec, FeatureSpec
from training.calibration.lumped_levels import lumped_variance, variance_between

LEVELS, LEADS = 120, 40


def outcomes(sd: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(level, probability without it, label) of leads whose levels move the log-odds by ``sd``."""
    rng = np.random.default_rng(seed)
    level = np.repeat(np.arange(LEVELS), LEADS)
    effect = rng.normal(0, sd, LEVELS)
    truth = 1 / (1 + np.exp(1.5 - effect[level]))
    label = (rng.random(len(level)) < truth).astype(float)
    return level, np.full(len(level), truth.mean()), label


def histories(**attributes: list[str | None]) -> Histories:
    n = len(next(iter(attributes.values())))
    none, offsets = np.zeros(0, np.int64), np.zeros(n + 1, np.int64)
    few = none.astype(np.int32)
    return Histories(
        np.array([f"L{i}" for i in range(n)], object),
        np.zeros(n, np.int64),
        {name: np.array(values, object) for name, values in attributes.items()},
        Interactions(offsets, none, few, np.zeros(0), np.zeros(0), ()),
        Answers(offsets, few, none, few, (), ()),
    )


@pytest.mark.parametrize("sd", [0.4, 0.8])
def test_the_variance_between_levels_is_found(sd: float) -> None:
    samples = [outcomes(sd, seed) for seed in range(10)]
    found = [variance_between(*sample, np.ones(LEVELS * LEADS)) for sample in samples]
    assert np.mean(found) == pytest.approx(sd**2, rel=0.2)


def test_chance_alone_adds_nothing() -> None:
    found = [variance_between(*outcomes(0.0, seed), np.ones(LEVELS * LEADS)) for seed in range(40)]
    assert sum(value > 0 for value in found) <= 4
    assert max(found) < 0.1


def test_two_levels_are_too_few_to_say() -> None:
    level = np.repeat([0, 1], 500)
    assert variance_between(level, np.full(1000, 0.5), level.astype(float), np.ones(1000)) == 0.0


def test_only_levels_without_a_column_count() -> None:
    level, probability, label = outcomes(0.8, 3)
    names = [f"town {i}" for i in level]
    lead, weight = np.arange(len(level)), np.ones(len(level))
    there = histories(town=names, flat=["a"] * len(names))

    def variance(*levels: str, ordered: bool = False) -> float:
        town = AttributeSpec("town", AttributeType.CATEGORY, levels=levels, ordered=ordered)
        flat = AttributeSpec("flat", AttributeType.CATEGORY, levels=("a",))
        age = AttributeSpec("age", AttributeType.NUMBER)
        spec = FeatureSpec((), (town, flat, age))
        return lumped_variance(spec, there, lead, probability, label, weight)

    everything = variance_between(level, probability, label, weight)
    half = level >= LEVELS // 2
    lumped = variance_between(
        level[half] - LEVELS // 2, probability[half], label[half], weight[half]
    )
    assert variance() == pytest.approx(everything)
    assert variance(*{f"town {i}" for i in range(LEVELS // 2)}) == pytest.approx(lumped / 2)
    assert variance(*set(names)) == 0.0
    assert variance("town 0", ordered=True) == 0.0


def test_a_reference_without_a_level_is_no_level() -> None:
    level, probability, label = outcomes(0.8, 4)
    known = level < LEVELS // 2
    names = [f"town {i}" if there else None for i, there in zip(level, known, strict=True)]
    spec = FeatureSpec((), (AttributeSpec("town", AttributeType.CATEGORY),))
    found = lumped_variance(
        spec, histories(town=names), np.arange(len(level)), probability, label, np.ones(len(level))
    )
    alone = variance_between(level[known], probability[known], label[known], np.ones(known.sum()))
    assert found == pytest.approx(alone / 2)
