"""Suspects of the audit at the gate: refused where much rests on them, until a person confirms."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.dataset import Dataset
from features.errors import UsageError
from training.registry.gate_criteria import GateLimits
from training.registry.gate_suspects import unconfirmed_leaks

N = 1_000
NUMBERS = tuple(f"number_{i}" for i in range(4))


@pytest.fixture(scope="module")
def data() -> Dataset:
    """``rating`` was given after the deal; ``region`` was overwritten for a third of the winners.

    ``hint`` is a noisy copy of the outcome that the audit has no evidence against.
    """
    rng = np.random.default_rng(0)
    numbers = dict(zip(NUMBERS, rng.normal(size=(4, N)).round(3), strict=True))
    odds = -1.6 + 0.5 * numbers["number_0"] + 0.4 * numbers["number_1"]
    won = rng.random(N) < 1 / (1 + np.exp(-odds))
    region = rng.choice(["north", "south", "east", "west"], N).astype(object)
    region[won & (rng.random(N) < 1 / 3)] = "key account"
    created = pd.date_range("2026-01-01", periods=N, freq="2h", tz="UTC")
    ids = [f"L{i}" for i in range(N)]
    return Dataset.from_frames(
        leads={
            "lead_id": ids,
            "created_at": created,
            "rating": (rng.normal(size=N) + 1.6 * won).round(2),
            "region": region,
            "hint": (rng.normal(size=N) + 0.7 * won).round(2),
            **numbers,
        },
        outcomes={
            "lead_id": ids,
            "outcome": np.where(won, "converted", "lost"),
            "occurred_at": created + pd.Timedelta(3, "D"),
        },
        horizon_days=5,
    )


def using(*names: str) -> Any:
    """A release that has a column of each of these, and nothing else that the gate asks here."""
    features = [SimpleNamespace(topic=name) for name in (*NUMBERS, *names)]
    return SimpleNamespace(spec=SimpleNamespace(features=features), manifest={})


def test_a_suspect_that_carries_much_is_refused_until_confirmed(data: Dataset) -> None:
    for champion in (None, using()):
        refusals, relied = unconfirmed_leaks(using("rating"), champion, data, GateLimits(), ())
        assert len(refusals) == 1
        assert "rests on 'rating', a suspect of the audit" in refusals[0]
        assert "--confirm-suspect rating" in refusals[0]
        assert relied["rating"] > 0.3
        confirmed = unconfirmed_leaks(using("rating"), champion, data, GateLimits(), {"rating"})
        assert confirmed[0] == ()


def test_a_sure_leak_cannot_be_confirmed(data: Dataset) -> None:
    (refusal,), _ = unconfirmed_leaks(using("region"), None, data, GateLimits(), {"region"})
    assert "it uses 'region', a sure leak" in refusal


def test_what_is_not_used_is_not_asked_about(data: Dataset) -> None:
    assert unconfirmed_leaks(using(), None, data, GateLimits(), ()) == ((), {})


def test_a_new_input_on_which_most_rests_is_asked_about(data: Dataset) -> None:
    limits = GateLimits(max_new_share=0.3)
    refusals, relied = unconfirmed_leaks(using("hint"), using(), data, limits, ())
    assert relied == {}  # the audit has nothing against it
    assert "rests on 'hint', which the champion does not use" in refusals[0]
    assert unconfirmed_leaks(using("hint"), using("hint"), data, limits, ())[0] == ()
    without = using()
    without.manifest = {"settings": {"excluded": ["hint"]}}
    assert unconfirmed_leaks(using("hint"), without, data, limits, ())[0] == ()
    assert unconfirmed_leaks(using("hint"), None, data, limits, ())[0] == ()
    assert unconfirmed_leaks(using("hint"), using(), data, limits, {"hint"})[0] == ()


def test_a_name_that_the_challenger_does_not_use_cannot_be_confirmed(data: Dataset) -> None:
    with pytest.raises(UsageError, match="cannot confirm 'ratnig'"):
        unconfirmed_leaks(using("rating"), None, data, GateLimits(), {"ratnig"})
