"""A few calls at random, and what they tell of calling, where the effect of a call is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.dataset import Dataset
from features.errors import DataError, UsageError
from scoring.model.log_odds import sigmoid
from training.exploration import (
    CallingEffect,
    assignment_table,
    calling_section,
    effect_of_calling,
    estimate,
    explore,
    read_assignments,
    share_of,
)


@given(st.integers(2, 60), st.integers(2, 200), st.floats(0.01, 0.5), st.integers(0, 9))
def test_as_many_are_called_as_before(n: int, m: int, share: float, seed: int) -> None:
    made = explore(range(n), range(n, n + m), share, np.random.default_rng(seed))
    assert len(made.called) == len(set(made.called)) == n
    assert len(made.held_back) == len(made.drawn) >= 1
    assert not made.held_back & set(made.called)
    assert made.drawn <= set(range(n, n + m))
    assert 0 < made.propensity_other < 1
    assert 0 < made.propensity_best < 1
    expected = n * made.propensity_best + m * made.propensity_other
    assert expected == pytest.approx(n)  # the chances sum to the calls


def test_everybody_has_the_chance_that_is_written() -> None:
    called = np.zeros(30)
    for seed in range(600):
        made = explore(range(10), range(10, 30), 0.3, np.random.default_rng(seed))
        called[made.called] += 1
    assert called[:10] / 600 == pytest.approx(np.full(10, 0.7), abs=0.07)
    assert called[10:] / 600 == pytest.approx(np.full(20, 0.15), abs=0.06)


def test_too_few_to_draw_from_is_refused() -> None:
    with pytest.raises(UsageError, match="two leads on the list"):
        explore([1], [2, 3], 0.1, np.random.default_rng(0))


@pytest.mark.parametrize("text", ["0", "60%", "few", "-1%", "nan"])
def test_a_share_that_is_none(text: str) -> None:
    with pytest.raises(UsageError, match="up to 50%"):
        share_of(text)


def simulated(effect: float, ranks: float, seed: int, leads: int = 4000) -> CallingEffect:
    """The best tenth is called, a fifth of it at random; a call adds ``effect`` log-odds."""
    rng = np.random.default_rng(seed)
    score = rng.normal(0, 1, leads)
    order = np.argsort(-score)
    best, others = order[: leads // 10].tolist(), order[leads // 10 :].tolist()
    made = explore(best, others, 0.2, rng)
    called = np.isin(np.arange(leads), made.called)
    label = rng.random(leads) < sigmoid(-2 + ranks * score + effect * called)
    is_best = np.isin(np.arange(leads), best)
    chance = np.where(is_best, made.propensity_best, made.propensity_other)
    return estimate(label, is_best, called, chance, np.arange(leads), seed=seed)


def test_a_known_effect_is_within_its_interval_about_as_often_as_is_reported() -> None:
    rng = np.random.default_rng(0)
    score = np.sort(rng.normal(0, 1, 400_000))[-40_000:]
    truth = float((sigmoid(-2 + score + 1.0) - sigmoid(-2 + score)).mean())
    found = [simulated(1.0, 1.0, seed, leads=4000).effect_best for seed in range(12)]
    held = sum(one.low <= truth <= one.high for one in found)
    assert held >= 10
    assert np.mean([one.value for one in found]) == pytest.approx(truth, abs=0.05)


def test_a_score_that_finds_buyers_and_one_that_makes_them() -> None:
    finds = simulated(0.0, 2.0, 1)
    assert finds.ranks_alone.low > 0
    assert finds.effect_best.low < 0 < finds.effect_best.high
    assert "even if nobody calls them" in finds.words[1]
    makes = simulated(2.0, 0.0, 1)
    assert makes.effect_best.low > 0
    assert makes.ranks_alone.low < 0 < makes.ranks_alone.high
    assert "may have made its own truth" in makes.words[1]
    assert makes.share_of_calls.value > finds.share_of_calls.value


def test_too_few_are_refused() -> None:
    with pytest.raises(DataError, match="too few to tell"):
        simulated(1.0, 1.0, 0, leads=500)


WEEK = pd.Timestamp("2026-01-05", tz="UTC")


def dataset(converts: list[str], until: str = "2026-03-01") -> Dataset:
    return Dataset.from_frames(
        leads={
            "lead_id": [f"L{i}" for i in range(200)],
            "created_at": [WEEK - pd.Timedelta(days=9)] * 200,
        },
        outcomes={
            "lead_id": converts,
            "outcome": ["converted"] * len(converts),
            "occurred_at": [WEEK + pd.Timedelta(days=5)] * len(converts),
        },
        observed_until=pd.Timestamp(until, tz="UTC").to_pydatetime(),
        horizon_days=30,
    )


def test_from_files_to_the_effect(tmp_path: Path) -> None:
    """60 best, 140 others, half of the calls at random; who is called converts, and nobody else."""
    ids = np.array([f"L{i}" for i in range(200)], dtype=object)
    made = explore(range(60), range(60, 200), 0.5, np.random.default_rng(3))
    at = int((WEEK - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(1, "us"))
    table = assignment_table(range(60), range(60, 200), made, ids, at)
    assert table["called"].sum() == 60
    table.to_csv(tmp_path / "week.assignments.csv", index=False)
    read = read_assignments([tmp_path / "week.csv", tmp_path / "week.assignments.csv"])
    assert len(read) == 200  # the same list twice counts once
    found = effect_of_calling(read, dataset([f"L{i}" for i in made.called]))
    assert (found.leads, found.held_back, found.drawn, found.conversions) == (200, 30, 30, 60)
    assert (found.effect.value, found.effect_best.value, found.best_alone.value) == (1.0, 1.0, 0.0)
    young = calling_section(read, dataset(["L0"], until="2026-01-20"), 0)
    assert young["effect"] is None
    assert "200 rows are still too young" in young["words"][0]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("lead_id,as_of\nL1,2026-01-05\n", "column best is missing"),
        (
            "lead_id,as_of,best,called,propensity\nL1,2026-01-05T00:00:00Z,1,1,1.0\n",
            "strictly between",
        ),
        (
            "lead_id,as_of,best,called,propensity\nL1,2026-01-05T00:00:00Z,2,1,0.5\n",
            "must be 0 or 1",
        ),
    ],
)
def test_a_broken_file_is_refused(tmp_path: Path, text: str, why: str) -> None:
    (tmp_path / "w.assignments.csv").write_text(text)
    with pytest.raises(DataError, match=why):
        read_assignments([tmp_path / "w.csv"])


def test_a_list_made_without_calls_at_random_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="made with --explore"):
        read_assignments([tmp_path / "week.csv"])
