"""Leaks in how values are written and in the calendar, each planted in an otherwise clean world."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from features.dataset import Dataset
from training.leakage.audit import audit
from training.leakage.report import LeakVerdict, Suspect

N = 1200
DAY = pd.Timedelta(1, "D")


def world(seed: int, *planted: Callable[..., object]) -> Dataset:
    """A fifth converts, by fit and source; a lead closes after three to forty days.

    ``planted``: (rng, won, created, closed) → the values of an attribute of that name.
    """
    rng = np.random.default_rng(seed)
    fit, size = rng.normal(size=N).round(3), np.exp(rng.normal(4, 1, N)).round()
    source = rng.choice(["web", "fair", "call", "list", "partner"], N)
    budget = np.exp(rng.normal(9, 1, N)).round(-2)
    odds = -2.0 + 0.8 * fit + 0.7 * (source == "partner") + 0.3 * np.log(budget / 8000)
    won = rng.random(N) < 1 / (1 + np.exp(-odds))
    created = pd.Timestamp("2025-01-01", tz="UTC") + pd.to_timedelta(
        np.sort(rng.uniform(0, 330, N)), "D"
    ).round("s")
    closed = created + pd.to_timedelta(rng.uniform(3, 40, N), "D").round("s")
    leads: dict[str, object] = {
        "lead_id": [f"L{i}" for i in range(N)], "created_at": created, "fit": fit, "size": size,
        "source": source, "budget": budget, "month_created": created.month.astype(float),
        "code": rng.integers(10_000, 99_999, N).astype(float),
    }  # fmt: skip
    leads |= {plant.__name__: plant(rng, won, created, closed) for plant in planted}
    return Dataset.from_frames(
        leads=leads,
        outcomes={
            "lead_id": leads["lead_id"],
            "outcome": np.where(won, "converted", "lost"),
            "occurred_at": closed,
        },
        horizon_days=40,
    )


def overwritten(rng: np.random.Generator, won: np.ndarray, *_: object) -> object:
    """A third of those that signed got a word of their own."""
    region = rng.choice(["north", "south", "east", "west"], N).astype(object)
    region[won & (rng.random(N) < 1 / 3)] = "key account"
    return region


def overwritten_number(rng: np.random.Generator, won: np.ndarray, *_: object) -> object:
    staff = np.exp(rng.normal(4, 1, N)).round()
    staff[won & (rng.random(N) < 1 / 3)] = 250.0
    return staff


def exact_for_winners(rng: np.random.Generator, won: np.ndarray, *_: object) -> object:
    """The contract's amount replaced the estimate."""
    amount = np.exp(rng.normal(9, 1, N))
    return np.where(won, amount.round(2), amount.round(-2))


def digit_of_outcome(rng: np.random.Generator, won: np.ndarray, *_: object) -> object:
    """Even numbers are given to customers."""
    return (rng.integers(5_000, 49_999, N) * 2 + ~won).astype(float)


def day_of_closing(
    rng: np.random.Generator, won: np.ndarray, created: pd.DatetimeIndex, closed: pd.DatetimeIndex
) -> object:
    return np.asarray(closed.year * 10_000 + closed.month * 100 + closed.day, float)


def epoch_day_of_closing(
    rng: np.random.Generator, won: np.ndarray, created: pd.DatetimeIndex, closed: pd.DatetimeIndex
) -> object:
    day = np.asarray((closed.normalize() - pd.Timestamp(0, tz="UTC")) / DAY, float)
    return np.where(rng.random(N) < 0.6, day, np.nan)


def month_of_last_change(
    rng: np.random.Generator, won: np.ndarray, created: pd.DatetimeIndex, closed: pd.DatetimeIndex
) -> object:
    return np.asarray(closed.month, float)


def month_name(
    rng: np.random.Generator, won: np.ndarray, created: pd.DatetimeIndex, closed: pd.DatetimeIndex
) -> object:
    return np.asarray(closed.strftime("%b"), object)


def code_of_outcome(rng: np.random.Generator, won: np.ndarray, *_: object) -> object:
    """A code of many words that ends with the outcome."""
    stem, last = rng.choice(list("ABCDEFGH"), (N, 2)), np.where(won, "7", "2")
    return np.array([f"{a}{b}-{c}" for (a, b), c in zip(stem, last, strict=True)], object)


SIGNS = {
    overwritten: ("with 'key account'", LeakVerdict.SUSPECT),
    overwritten_number: ("with '250'", LeakVerdict.SUSPECT),
    exact_for_winners: ("decimals or final zeros", LeakVerdict.SURE),
    digit_of_outcome: ("digit 1 from the end", LeakVerdict.SURE),
    code_of_outcome: ("it is nearly the outcome itself", LeakVerdict.SURE),
    day_of_closing: ("it is the day of the closing", LeakVerdict.SURE),
    epoch_day_of_closing: ("follows the time until closing", LeakVerdict.SURE),
    month_of_last_change: ("each of its values belongs to one month of closing", LeakVerdict.SURE),
    month_name: ("each of its values belongs to one month of closing", LeakVerdict.SURE),
}


@pytest.fixture(scope="module")
def found() -> dict[str, Suspect]:
    """The suspects of a world in which all of them are planted."""
    return {s.name: s for s in audit(world(1, *SIGNS), costs=False).suspects}


@pytest.mark.parametrize("planted", SIGNS)
def test_a_leak_in_the_written_form_or_the_calendar_is_seen(
    found: dict[str, Suspect], planted: Callable[..., object]
) -> None:
    said, least = SIGNS[planted]
    assert said in found[planted.__name__].reasons
    order = list(LeakVerdict)
    assert order.index(found[planted.__name__].verdict) <= order.index(least)


def test_nothing_else_of_that_world_is_suspected(found: dict[str, Suspect]) -> None:
    """Nor of a clean one: rounded budgets, codes and the month of creation are in both."""
    assert set(found) == {planted.__name__ for planted in SIGNS}
    assert audit(world(2), costs=False).suspects == ()
