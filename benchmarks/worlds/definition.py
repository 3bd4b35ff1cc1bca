"""What a world is made of: attributes, kinds of interaction, delays, losses, and the calendar."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

Floats = np.ndarray
LAG_SHARE = 0.1
"""Daily chance of converting before the lag has passed, as a share of that after."""


@dataclass(frozen=True)
class Attribute:
    """A category. ``effects``: level → log-odds; ``shares``: level → relative frequency (equal
    where left out); ``opens``: level → day before which no lead has it; ``lags``: level → days of
    age before which it converts at a tenth of its odds; ``missing``: share of leads of which it
    is not known (no effect and no lag)."""

    name: str
    effects: Mapping[str, float]
    shares: Mapping[str, float] = field(default_factory=dict)
    opens: Mapping[str, float] = field(default_factory=dict)
    lags: Mapping[str, int] = field(default_factory=dict)
    missing: float = 0.0


@dataclass(frozen=True)
class Number:
    """A standard normal column with an effect per standard deviation, and a hump around 0."""

    name: str
    effect: float
    hump: float = 0.0


@dataclass(frozen=True)
class InteractionKind:
    """An interaction: at most one a day. ``daily``: chance a day; ``effect``: log-odds of
    converting per day on which it happened, up to ``cap`` of them; ``follows_fit``: by how much
    the log of the daily chance grows with the log-odds of the lead's attributes."""

    name: str
    daily: float
    effect: float
    cap: int = 3
    follows_fit: float = 0.0


@dataclass(frozen=True)
class Level:
    """How the daily log-odds of converting move with the calendar (days since the first one).

    ``steps``: (day, log-odds added from then on); ``per_100_days``: trend; ``season``: amplitude
    over ``season_days``; ``wander``: standard deviation of a weekly random walk.
    """

    steps: tuple[tuple[float, float], ...] = ()
    per_100_days: float = 0.0
    season: float = 0.0
    season_days: float = 365.0
    wander: float = 0.0

    def at(self, days: Floats, rng: np.random.Generator) -> Floats:
        """Log-odds on each of ``days`` (n), 0 without a movement."""
        out = self.per_100_days * days / 100
        out = out + self.season * np.sin(2 * np.pi * days / self.season_days)
        for day, size in self.steps:
            out = out + size * (days >= day)
        weeks = int(days.max()) // 7 + 2
        walk = np.cumsum(rng.normal(0, self.wander, weeks)) if self.wander else np.zeros(weeks)
        return out + walk[days.astype(int) // 7]


@dataclass(frozen=True)
class World:
    """All of it.

    ``rate``: share of leads that convert within the horizon at age 0, before the calendar moves
    it. ``history_days``: length of the training data; the test leads come in the ``test_days``
    after it. ``decay_days``: the daily odds of converting fall by e in so many days of age (short:
    quick decisions); before ``lag_days`` of age the chance is a tenth. ``daily_loss``: chance of
    being lost a day, recorded; 0 where losses are not. ``swept_days``: leads that did not
    convert by that age are closed as lost. ``pairs``: pairs of 0/1 conditions, each a
    (attribute, levels), with the log-odds ± for being equal or not (an exclusive or).
    ``cohort_days``: a column ``campaign`` changes its name every so many days; 0 for none.
    ``rising_number``: a column ``list_price`` that grows with the calendar and decides nothing.
    """

    name: str
    about: str
    rate: float
    attributes: tuple[Attribute, ...] = ()
    numbers: tuple[Number, ...] = ()
    kinds: tuple[InteractionKind, ...] = ()
    pairs: tuple[tuple[str, str, str, str, float], ...] = ()
    leads: int = 4_000
    test_leads: int = 4_000
    history_days: int = 365
    test_days: int = 30
    horizon_days: int = 30
    ages: tuple[int, ...] = (0,)
    decay_days: float = 30.0
    lag_days: int = 0
    daily_loss: float = 0.0
    swept_days: int = 0
    level: Level = field(default_factory=Level)
    cohort_days: int = 0
    rising_number: bool = False
