"""Named worlds of every kind; add one by adding its definition here."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from worlds.definition import Attribute, InteractionKind, Level, Number, World

HORIZON_DAYS = 21
CITY = Attribute("city", {"north": 0.0, "south": 0.4, "harbour": -0.5, "hill": 0.2})
CHANNEL = Attribute("channel", {"paid": -0.3, "referral": 0.8, "search": 0.1}, missing=0.1)
SYSTEM = Attribute("os", {"ios": 0.3, "android": 0.0, "web": -0.2})
SIZE = Number("employees", 0.3)
SENT = InteractionKind("document_sent", 0.05, 0.9)
SEEN = InteractionKind("site_visit", 0.15, 0.25, cap=4)

LATE_CITY = replace(CITY, effects={**CITY.effects, "bay": -0.2})


def short_history(name: str, horizons: float, about: str, **changes: object) -> World:
    """``horizons`` of history, ages 0, 1, 3, 7, and a city that opens in the last third of it."""
    days = round(horizons * HORIZON_DAYS)
    city = replace(LATE_CITY, opens={"bay": 0.66 * days}, shares={"bay": 3.0})
    world = World(
        name,
        about,
        rate=0.13,
        attributes=(city, CHANNEL, SYSTEM),
        kinds=(SENT,),
        leads=6_000,
        test_leads=4_000,
        history_days=days,
        horizon_days=HORIZON_DAYS,
        ages=(0, 1, 3, 7),
        decay_days=12.0,
    )
    return replace(world, **changes)


def short_histories() -> list[World]:
    """1.2 to 6 horizons of history."""
    late_source = replace(
        CHANNEL,
        effects={**CHANNEL.effects, "fair": 1.0},
        opens={"fair": 20.0},
        shares={"fair": 2.0},
    )
    slow_source = replace(CHANNEL, lags={"referral": 12})
    slow_late = replace(late_source, lags={"referral": 8, "fair": 10})
    late_city = replace(LATE_CITY, opens={"bay": 25.0}, shares={"bay": 3.0})
    return [
        short_history("history_1_2", 1.2, "1.2 horizons, losses never recorded", leads=12_000),
        short_history("history_1_5", 1.5, "1.5 horizons, losses recorded", daily_loss=0.03),
        short_history(
            "history_1_5_slow", 1.5, "1.5 horizons, conversions come late", lag_days=10,
            decay_days=60.0,
        ),
        short_history("history_2", 2.0, "2 horizons, losses never recorded"),
        short_history(
            "history_2_slow", 2.0, "2 horizons, conversions come late, losses recorded",
            lag_days=10, decay_days=60.0, daily_loss=0.03,
        ),
        short_history(
            "history_3_quick", 3.0, "3 horizons, conversions come at once", decay_days=2.0
        ),
        short_history("history_3_swept", 3.0, "3 horizons, losses booked on day 30", swept_days=30),
        short_history("history_6", 6.0, "6 horizons, losses recorded", daily_loss=0.03),
        short_history(
            "cohorts", 2.0, "a column that changes its name every week", cohort_days=7
        ),
        short_history(
            "cohorts_3", 3.0, "a column that changes its name every 4 days, losses recorded",
            cohort_days=4, daily_loss=0.03,
        ),
        short_history(
            "rising_price", 1.6, "a number that grows with the calendar", rising_number=True
        ),
        short_history(
            "late_source", 1.8, "a good source opens on day 20 of 38, losses never recorded",
            attributes=(CITY, late_source, SYSTEM),
        ),
        short_history(
            "slow_source", 2.0, "one source converts after 12 days, the others at once",
            attributes=(LATE_CITY, slow_source, SYSTEM), decay_days=6.0,
        ),
        short_history(
            "slow_late_source", 2.2, "a source that opens late and converts late, losses recorded",
            attributes=(CITY, slow_late, SYSTEM), daily_loss=0.02,
        ),
        short_history(
            "rising", 2.5, "the rate grows by half over the history", daily_loss=0.02,
            level=Level(per_100_days=0.8),
        ),
        short_history(
            "no_openings", 1.5, "nothing opens late, losses never recorded",
            attributes=(CITY, CHANNEL, SYSTEM),
        ),
        short_history(
            "late_city", 1.8, "a city with half of the leads opens on day 25 of 38",
            attributes=(late_city, CHANNEL, SYSTEM), daily_loss=0.02,
        ),
    ]  # fmt: skip


def moving_rates() -> list[World]:
    """A rate that steps, grows, falls, comes and goes, or stays."""
    common = World(
        "steady", "a year, nothing moves", rate=0.10, attributes=(CITY, CHANNEL, SYSTEM),
        numbers=(SIZE,), kinds=(SENT, SEEN), leads=5_000, daily_loss=0.02, test_days=60,
    )  # fmt: skip

    def moving(name: str, about: str, level: Level, **changes: object) -> World:
        return replace(common, name=name, about=about, level=level, **changes)

    return [
        common,
        moving("step_up", "the rate doubles on day 270", Level(steps=((270, 0.8),))),
        moving("step_down", "the rate halves on day 270", Level(steps=((270, -0.8),))),
        moving("step_late", "the rate doubles on day 310", Level(steps=((310, 0.8),))),
        moving("step_early", "the rate doubles on day 120", Level(steps=((120, 0.8),))),
        moving("two_steps", "up on day 150 and down on day 280", Level(((150, 0.8), (280, -0.8)))),
        moving("trend_up", "the rate grows all year", Level(per_100_days=0.3)),
        moving("trend_down", "the rate falls all year", Level(per_100_days=-0.3)),
        moving(
            "season", "two years with a yearly season, asked in its rise",
            Level(season=0.6), history_days=730,
        ),
        moving("quarters", "a season of 91 days", Level(season=0.5, season_days=91.0)),
        moving("months", "a season of 30 days", Level(season=0.5, season_days=30.0)),
        moving("wandering", "the rate wanders", Level(wander=0.12)),
    ]  # fmt: skip


def _small_sets() -> list[World]:
    numbers = tuple(
        Number(f"x{i}", effect) for i, effect in enumerate((0.45, 0.3, -0.3, 0.2, 0, 0))
    )
    noise = tuple(Number(f"x{i}", 0.0) for i in range(6))
    plain = World(
        "small", "550 leads, 100 conversions, the truth has an AUC of 0.72", rate=0.18,
        attributes=(replace(CITY, effects={"north": 0, "south": 0.5, "harbour": -0.4}), CHANNEL),
        numbers=numbers, leads=550, test_leads=4_000, daily_loss=0.03,
    )  # fmt: skip
    flat = {"north": 0.0, "south": 0.0, "harbour": 0.0}
    silent = replace(
        plain, name="small_noise", about="550 leads, nothing tells them apart",
        attributes=(Attribute("city", flat),), numbers=noise,
    )  # fmt: skip
    return [
        plain,
        silent,
        replace(plain, name="tiny", about="150 leads of the small world", leads=150),
        replace(silent, name="tiny_noise", about="150 leads, nothing to tell", leads=150),
        replace(
            plain, name="small_acts", about="550 leads that do things, at three ages",
            kinds=(SENT, SEEN), ages=(0, 7, 14), numbers=numbers[:3],
        ),
    ]  # fmt: skip


def _survivors() -> list[World]:
    common = World(
        "survivors", "ages 0 to 60 with a horizon of 30", rate=0.15,
        attributes=(CITY, CHANNEL, SYSTEM), numbers=(SIZE,), kinds=(SENT,), leads=4_000,
        ages=(0, 15, 30, 45, 60), decay_days=40.0,
    )  # fmt: skip
    return [
        common,
        replace(common, name="survivors_lost", about="the same, losses recorded", daily_loss=0.02),
        replace(
            common, name="survivors_long", about="ages to 90, horizon 30, half a year of history",
            ages=(0, 30, 60, 90), history_days=200,
        ),
    ]  # fmt: skip


def _structures() -> list[World]:
    rng = np.random.default_rng(20)
    many = {f"town_{i}": float(e) for i, e in enumerate(rng.normal(0, 0.7, 150).round(2))}
    crowded = {town: float(1 / (i + 3)) for i, town in enumerate(many)}
    yes_no = [Attribute(name, {"yes": 0.1, "no": -0.1}) for name in ("erp", "cloud", "shop")]
    rare = tuple(
        InteractionKind(name, daily, effect, cap=1)
        for name, daily, effect in (
            ("trial_signup", 0.004, 1.8), ("cart_abandonment", 0.003, 2.2),
            ("unsubscribe", 0.006, -2.0), ("newsletter_signup", 0.01, 0.5),
        )
    )  # fmt: skip
    return [
        World(
            "pairs", "attributes that matter together only", rate=0.04,
            attributes=(*yes_no, CITY), numbers=(Number("age", 0.1, hump=1.0), SIZE),
            pairs=(("erp", "yes", "cloud", "yes", 0.8), ("shop", "yes", "city", "south", 0.5)),
            leads=8_000,
        ),
        World(
            "many_levels", "a town out of 150, each with its own rate", rate=0.12,
            attributes=(Attribute("town", many, crowded), CHANNEL), numbers=(SIZE,), leads=6_000,
        ),
        World(
            "rare_kinds", "rare signals that decide", rate=0.08, attributes=(CITY, CHANNEL),
            kinds=(*rare, replace(SEEN, cap=3)), leads=6_000, ages=(0, 7, 21),
        ),
        World(
            "our_calls", "we call those who look good, and calls help", rate=0.12,
            attributes=(CITY, CHANNEL, SYSTEM), numbers=(SIZE,),
            kinds=(InteractionKind("contact_attempt", 0.06, 0.35, cap=4, follows_fit=1.0), SEEN),
            leads=5_000, ages=(0, 7, 14),
        ),
    ]  # fmt: skip


CATALOGUE: dict[str, World] = {
    world.name: world
    for world in (
        *short_histories(), *moving_rates(), *_small_sets(), *_survivors(), *_structures(),
    )
}  # fmt: skip
"""Every world by name."""
