"""The simulated world: its hidden states, and every rate that moves them or makes them visible.

A lead lives in one of 90 hidden states: stage (5) x type (3) x activity (2) x put-off (3), and
moves once a day of its own life. All tables are per day, one column a stage unless said.
"""

from __future__ import annotations

from dataclasses import dataclass

STAGES = ("cold", "warm", "hot", "deciding", "gone")


TYPES = ("curious", "suited", "urgent")


ACTIVITIES = ("quiet", "active")


PUT_OFF = ("fine", "tired", "put_off")


N_STATES = len(STAGES) * len(TYPES) * len(ACTIVITIES) * len(PUT_OFF)


MAX_ATTEMPTS = 2
"""Attempts in one day beyond this number change nothing more."""


KIND_RATES: dict[str, tuple[float, float, float, float, float]] = {
    # kind: cold, warm, hot, deciding, gone
    "page_view": (0.25, 0.60, 1.20, 1.30, 0.03),
    "offer_view": (0.020, 0.10, 0.40, 0.60, 0.005),
    "newsletter_signup": (0.006, 0.020, 0.008, 0.004, 0.001),
    "social_follow": (0.008, 0.012, 0.008, 0.004, 0.002),
    "content_download": (0.008, 0.060, 0.060, 0.020, 0.001),
    "webinar": (0.003, 0.025, 0.025, 0.008, 0.0005),
    "contact_form": (0.002, 0.012, 0.035, 0.030, 0.0005),
    "trial_signup": (0.001, 0.010, 0.030, 0.020, 0.0003),
    "cart_abandonment": (0.0005, 0.004, 0.030, 0.060, 0.0002),
    "inbound_call": (0.001, 0.006, 0.030, 0.080, 0.001),
    "live_chat": (0.003, 0.015, 0.050, 0.060, 0.001),
    "email_open": (0.10, 0.18, 0.22, 0.20, 0.02),
    "email_click": (0.012, 0.050, 0.080, 0.070, 0.002),
    "email_reply": (0.004, 0.015, 0.040, 0.080, 0.003),
    "meeting": (0.0005, 0.008, 0.040, 0.080, 0.0005),
    "unsubscribe": (0.003, 0.002, 0.001, 0.0005, 0.006),
    "contact_attempt": (0.05, 0.10, 0.20, 0.25, 0.04),
    "budget": (0.002, 0.012, 0.045, 0.070, 0.0005),
    "authority": (0.004, 0.018, 0.045, 0.050, 0.0005),
    "need": (0.005, 0.025, 0.055, 0.050, 0.0005),
    "timeline": (0.002, 0.012, 0.040, 0.060, 0.0005),
}
"""Events a day when fine and neither quiet nor active; the last four are answers being learned."""


ANSWERS = ("budget", "authority", "need", "timeline")


KINDS = tuple(KIND_RATES)


INTERACTION_KINDS = tuple(kind for kind in KINDS if kind not in ANSWERS)


ATTEMPT = KINDS.index("contact_attempt")


UNSUBSCRIBE = KINDS.index("unsubscribe")


REACTIONS = {
    "email_open": 1.0,
    "email_reply": 2.0,
    "meeting": 2.0,
    "inbound_call": 0.5,
    "unsubscribe": 1.0,
    "budget": 1.5,
    "authority": 1.5,
    "need": 1.5,
    "timeline": 1.5,
}
"""Kind → how much each contact attempt of the day before (at most two) adds to its rate."""


ANSWER_LEVELS = {
    "budget": ("none", "planned", "approved"),
    "authority": ("user", "influencer", "decision_maker"),
    "need": ("vague", "clear", "urgent"),
    "timeline": ("no_date", "this_year", "this_quarter"),
}


ANSWER_BY_TYPE = {
    # answer: one row a type, one column a level
    "budget": ((0.65, 0.28, 0.07), (0.25, 0.50, 0.25), (0.10, 0.40, 0.50)),
    "authority": ((0.60, 0.30, 0.10), (0.30, 0.40, 0.30), (0.15, 0.35, 0.50)),
    "need": ((0.60, 0.33, 0.07), (0.25, 0.55, 0.20), (0.10, 0.40, 0.50)),
    "timeline": ((0.70, 0.25, 0.05), (0.35, 0.45, 0.20), (0.10, 0.35, 0.55)),
}


ANSWER_TILT_BY_STAGE = (-0.4, 0.0, 0.4, 0.8, -0.8)
"""Log weight added to each level per step up: answers firm up as the purchase comes nearer."""


LOG_DURATION_BY_STAGE = {
    # kind: ln seconds by stage; spread
    "page_view": ((3.2, 3.5, 3.9, 4.0, 3.0), 0.9),
    "offer_view": ((3.5, 3.8, 4.3, 4.5, 3.3), 0.8),
    "inbound_call": ((4.8, 5.2, 5.8, 6.0, 4.5), 0.7),
    "live_chat": ((4.6, 5.0, 5.4, 5.5, 4.4), 0.7),
    "webinar": ((7.3, 7.7, 7.9, 7.8, 7.0), 0.4),
    "meeting": ((7.2, 7.5, 7.8, 7.9, 7.0), 0.4),
    "contact_attempt": ((3.6, 3.9, 4.3, 4.5, 3.4), 0.8),
}


LOG_VALUE_BY_TYPE = {
    # kind: ln euros by type; spread
    "cart_abandonment": ((5.5, 6.6, 7.2), 0.8),
    "offer_view": ((6.2, 6.8, 7.1), 0.6),
}


CHANNELS = {
    "page_view": ("web",),
    "offer_view": ("web",),
    "newsletter_signup": ("web",),
    "social_follow": ("social",),
    "content_download": ("web", "email"),
    "webinar": ("web",),
    "contact_form": ("web",),
    "trial_signup": ("web",),
    "cart_abandonment": ("web",),
    "inbound_call": ("phone",),
    "live_chat": ("web",),
    "email_open": ("email",),
    "email_click": ("email",),
    "email_reply": ("email",),
    "meeting": ("video", "in_person"),
    "unsubscribe": ("email",),
    "contact_attempt": ("phone", "email"),
}
"""Where an interaction happened; drawn evenly, so that it says nothing of the lead."""


# How an activity, a type and an annoyance change what is seen (but not what we do).
RATE_BY_ACTIVITY = (0.45, 2.2)


RATE_BY_TYPE = (0.85, 1.0, 1.25)


RATE_BY_PUT_OFF = (1.0, 0.65, 0.30)


UNSUBSCRIBE_BY_PUT_OFF = (1.0, 3.0, 8.0)


ATTEMPTS_BY_ACTIVITY = (0.7, 1.6)


# Moves of the stage, a day: forward, back and away, by stage; then what bends them.
FORWARD = ((0.015, 0.018, 0.010), (0.050, 0.055, 0.050), (0.110, 0.120, 0.120))
"""One row a type; columns: cold to warm, warm to hot, hot to deciding."""


BACK = (0.0, 0.020, 0.030, 0.030)


AWAY = (0.030, 0.022, 0.018, 0.020)


AWAY_BY_TYPE = (1.4, 0.9, 0.7)


AWAY_BY_PUT_OFF = (1.0, 1.8, 4.0)


REVIVED = 0.006


FORWARD_BY_ACTIVITY = (0.6, 1.5)


FORWARD_BY_PUT_OFF = (1.0, 0.6, 0.2)


FORWARD_BY_ATTEMPT = 0.5
"""Each attempt of the day adds this share to the chance of a step forward while fine."""


BECOMES_ACTIVE = (0.05, 0.10, 0.20, 0.25, 0.01)


BECOMES_QUIET = (0.35, 0.28, 0.18, 0.15, 0.60)


IRRITATED_BY_ATTEMPT = (0.16, 0.11, 0.07)
"""Chance, by type, that one contact attempt raises the put-off level by one."""


CALMS_DOWN = 0.03


# Closing, a day.
CONVERTS = (
    (0.0001, 0.0004, 0.0020, 0.0120, 0.00002),
    (0.0004, 0.0025, 0.0150, 0.0900, 0.00010),
    (0.0010, 0.0060, 0.0350, 0.1600, 0.00020),
)


CONVERTS_BY_PUT_OFF = (1.0, 0.6, 0.2)


MARKED_LOST = (0.008, 0.005, 0.003, 0.003, 0.045)


LOST_BY_PUT_OFF = (1.0, 1.4, 2.5)


# Who arrives: types, and what each type looks like.
TYPE_SHARES = (0.58, 0.30, 0.12)


SOURCES = {
    "organic_search": (0.30, 0.24, 0.18),
    "paid_search": (0.22, 0.18, 0.14),
    "social": (0.22, 0.10, 0.05),
    "referral": (0.05, 0.17, 0.27),
    "trade_fair": (0.08, 0.15, 0.18),
    "partner": (0.03, 0.10, 0.13),
    "purchased_list": (0.10, 0.06, 0.05),
}


SECTORS = {
    "software": (0.18, 0.24, 0.30),
    "manufacturing": (0.14, 0.24, 0.22),
    "retail": (0.22, 0.16, 0.12),
    "health": (0.12, 0.14, 0.16),
    "education": (0.20, 0.08, 0.05),
    "public": (0.14, 0.14, 0.15),
}


COUNTRIES = {
    "FR": (0.40, 0.44, 0.46),
    "BE": (0.12, 0.14, 0.16),
    "DE": (0.14, 0.18, 0.18),
    "CH": (0.08, 0.10, 0.11),
    "CA": (0.10, 0.08, 0.06),
    "other": (0.16, 0.06, 0.03),
}


LOG_EMPLOYEES = (2.4, 3.6, 4.0)


LOG_EMPLOYEES_SPREAD = (1.4, 1.0, 0.9)


EMPLOYEES_UNKNOWN = (0.40, 0.22, 0.15)


SECTOR_UNKNOWN = 0.15


COUNTRY_UNKNOWN = 0.05


FIRST_STAGE = ((0.80, 0.17, 0.03, 0.0), (0.52, 0.33, 0.12, 0.03), (0.32, 0.36, 0.22, 0.10))
"""One row a type: cold, warm, hot, deciding when the lead is created (nobody starts gone)."""


WARMER_SOURCES = {"referral": 1.6, "trade_fair": 1.3, "purchased_list": 0.25, "social": 0.7}
"""Source → odds factor of each stage further on at creation."""


FIRST_ACTIONS = {
    # by stage at creation
    "imported": (0.42, 0.14, 0.05, 0.03, 1.0),
    "newsletter_signup": (0.32, 0.18, 0.06, 0.04, 0.0),
    "content_download": (0.18, 0.32, 0.16, 0.08, 0.0),
    "webinar": (0.04, 0.16, 0.12, 0.06, 0.0),
    "contact_form": (0.03, 0.12, 0.32, 0.37, 0.0),
    "trial_signup": (0.01, 0.08, 0.29, 0.42, 0.0),
}


HOURS = (
    (0.10,) * 6
    + (0.25, 0.6, 1.2, 1.6, 1.7, 1.5, 1.0, 1.2, 1.6, 1.6, 1.5, 1.2, 0.8)
    + (
        0.6,
        0.5,
        0.4,
        0.25,
        0.15,
    )
)
"""How a day's events spread over its hours (UTC), alike for all leads: the hour says nothing."""


WEEKEND = 0.35


MONTHS = (1.0, 1.0, 1.1, 1.0, 0.95, 1.1, 0.85, 0.65, 1.15, 1.05, 1.1, 0.75)
"""January to December: how busy everybody is; arrivals, events and purchases all follow."""


@dataclass(frozen=True)
class Scenario:
    """One simulated world: the tables above, bent by these few numbers.

    ``conversion``: factor on every chance to convert. ``answered``: factor on how often an
    answer is learned. ``noise``: 0 keeps what each stage and type shows apart, 1 makes them look
    alike in attributes, rates, durations and values. ``drift``: relative fall of the chance to
    convert over a year.
    """

    name: str = "default"
    about: str = "Leads of a small B2B firm"
    conversion: float = 1.0
    answered: float = 1.0
    noise: float = 0.0
    drift: float = 0.15
    delivered_twice: float = 0.003
    first_day: str = "2024-01-01"
    days: int = 365
    horizon_days: float = 30.0
    reference_ages_days: tuple[float, ...] = (0.0, 3.0, 7.0, 14.0, 28.0)


DEFAULT = Scenario()


RARE = Scenario(
    name="rare", about="Leads of a small B2B firm, of whom hardly anyone buys", conversion=0.08
)


NOISY = Scenario(
    name="noisy",
    about="Leads of a small B2B firm that asks little and whose visitors wander",
    answered=0.15,
    noise=0.7,
)


SCENARIOS = {world.name: world for world in (DEFAULT, RARE, NOISY)}
"""The worlds by name, for benchmarks and the command line."""
