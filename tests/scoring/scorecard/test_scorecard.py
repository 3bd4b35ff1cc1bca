"""Points: every kind of rule, drawn as a small history with the points beside it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.scorecard.scorecard import CardScores, Scorecard, default_scorecard
from scoring.scorecard.toml import parse_card

DAY_US = 86_400_000_000
HEAD = 'name = "test"\n[bands]\nwarm = 20\nhot = 50\n'


def scored(
    rules: str, history: str = "", attributes: dict[str, object] | None = None, answers: str = ""
) -> CardScores:
    """Points at day 100. ``history``: ``"95 page_view 60s, 99 meeting"`` (day, kind, length)."""
    card = Scorecard(parse_card(HEAD + rules, "test.toml"))
    rows = [line.split() for line in history.split(",") if line.strip()]
    learned = [line.split() for line in answers.split(",") if line.strip()]
    lists = RecordColumns(
        kinds=[row[1] for row in rows],
        at_us=[round(float(row[0]) * DAY_US) for row in rows],
        durations_s=[float(row[2][:-1]) if len(row) > 2 else None for row in rows],
        attributes=[row[1] for row in learned],
        answered_us=[round(float(row[0]) * DAY_US) for row in learned],
        answers=[row[2] for row in learned],
    )
    lead = LeadRecord("L", 0, attributes or {}, lists)  # type: ignore[arg-type]
    return card.points(
        histories_from_records([lead]), References(np.array([0]), np.array([100 * DAY_US]))
    )


INTERACTION_RULES = [
    # what the rule says                                     what happened                 points
    ('interaction = "call"', "99 call", 5.0),
    ('interaction = "call"', "99 call, 98 call", 5.0),
    ('interaction = "call"', "99 chat", 0.0),
    ('interaction = "call"', "100 call", 0.0),  # at as_of: not known yet
    ('interaction = ["call", "chat"]\ncount = "each"', "99 call, 98 chat, 97 call", 15.0),
    ('interaction = "call"\ncount = "each"\nmax_points = 8', "99 call, 98 call", 8.0),
    ('interaction = "call"\nwithin_days = 7', "93 call", 5.0),  # the window is closed at its start
    ('interaction = "call"\nwithin_days = 7', "92.9 call", 0.0),
    ('interaction = "call"\nat_least = 3', "99 call, 98 call", 0.0),
    ('interaction = "call"\nat_least = 3', "99 call, 98 call, 1 call", 5.0),
    ('interaction = "call"\nat_least = 2\nbelow = 3', "99 call, 98 call, 1 call", 0.0),
    ('interaction = "call"\nhalf_life_days = 10', "90 call, 1 call", 2.5),  # since the last one
    ('interaction = "call"\ncount = "each"\nhalf_life_days = 10', "90 call, 80 call", 3.75),
    ('interaction = "page"\nminutes_at_least = 2', "99 page 60s, 98 page 59s", 0.0),
    ('interaction = "page"\nminutes_at_least = 2', "99 page 60s, 98 page 60s", 5.0),
    ('interaction = "call"\nwithout = "reply"\nwithin_days = 9', "99 call, 98 reply", 0.0),
    ('interaction = "call"\nwithout = "reply"\nwithin_days = 9', "99 call, 80 reply", 5.0),
    ('interaction = "any"\ncount = "each"', "99 call, 98 contact_attempt", 10.0),
    ('interaction = "inbound"\ncount = "each"', "99 call, 98 contact_attempt", 5.0),
    ('interaction = "outbound"\ncount = "each"', "99 call, 98 contact_attempt", 5.0),
    ('interaction = "unanswered"\nat_least = 2', "1 contact_attempt, 2 contact_attempt", 5.0),
    ('interaction = "unanswered"\nat_least = 2', "1 contact_attempt, 2 contact_attempt, 3 x", 0.0),
]


@pytest.mark.parametrize(("rule", "history", "points"), INTERACTION_RULES)
def test_points_for_interactions(rule: str, history: str, points: float) -> None:
    scores = scored(f'[[rules]]\nname = "r"\npoints = 5\n{rule}\n', history)
    assert scores.points[0] == pytest.approx(points, abs=1e-12)
    assert scores.engagement[0] == scores.points[0]
    assert scores.fit[0] == 0.0
    assert bool(scores.matched[0, 0]) is (points != 0.0)


ATTRIBUTE_RULES = [
    ('attribute = "sector"\nis = "health"', {"sector": "health"}, 5.0),
    ('attribute = "sector"\nis = ["health", "retail"]', {"sector": "retail"}, 5.0),
    ('attribute = "sector"\nis = "health"', {"sector": None}, 0.0),
    ('attribute = "sector"\nis = "health"', {}, 0.0),  # a dataset without it: unknown
    ('attribute = "staff"\nat_least = 10\nbelow = 50', {"staff": 10.0}, 5.0),
    ('attribute = "staff"\nat_least = 10\nbelow = 50', {"staff": 50.0}, 0.0),
    ('attribute = "staff"\nbelow = 50', {"staff": -3.0}, 5.0),
    ('attribute = "staff"\nbelow = 50', {"staff": None}, 0.0),
    ('attribute = "staff"\nis = [3, 4]', {"staff": 4.0}, 5.0),
    ('attribute = "client"\nis = true', {"client": 1.0}, 5.0),
    ('attribute = "client"\nis = true', {"client": "yes"}, 5.0),
    ('attribute = "client"\nis = false', {"client": None}, 0.0),  # unknown is not "no"
    ('attribute = "budget"\nis = ["approved", true]', {"budget": 1.0}, 5.0),
    ('attribute = "sector"\nknown = true', {"sector": "anything"}, 5.0),
    ('attribute = "staff"\nknown = true', {"staff": 3.5}, 5.0),
    ('attribute = "sector"\nknown = false', {"sector": None}, 5.0),
    ('attribute = "sector"\nknown = true', {}, 0.0),
]


@pytest.mark.parametrize(("rule", "attributes", "points"), ATTRIBUTE_RULES)
def test_points_for_attributes(rule: str, attributes: dict[str, object], points: float) -> None:
    scores = scored(f'[[rules]]\nname = "r"\npoints = 5\n{rule}\n', "", attributes)
    assert scores.points[0] == points
    assert scores.fit[0] == points
    assert scores.engagement[0] == 0.0


def test_the_last_answer_before_as_of_counts() -> None:
    rule = '[[rules]]\nname = "r"\npoints = 5\nattribute = "need"\nis = "urgent"\n'
    assert scored(rule, answers="10 need urgent").points[0] == 5.0
    assert scored(rule, answers="10 need urgent, 20 need vague").points[0] == 0.0
    assert scored(rule, answers="100 need urgent").points[0] == 0.0


GROUPED = """
[groups.web]
max = 12
min = -6
[[rules]]
name = "a"
group = "web"
interaction = "a"
count = "each"
points = 5
[[rules]]
name = "b"
group = "web"
interaction = "b"
points = 10
[[rules]]
name = "c"
group = "web"
interaction = "c"
points = -8
"""


@pytest.mark.parametrize(
    ("history", "shares"),
    [
        ("1 a", [5, 0, 0]),
        ("1 a, 2 a, 3 b", [6, 6, 0]),  # 10 + 10 shrinks to 12, in proportion
        ("1 c", [0, 0, -6]),
        ("1 a, 2 a, 3 a, 4 a, 5 b, 6 c", [20 * 20 / 30, 10 * 20 / 30, -8]),  # losses stay
    ],
)
def test_groups_have_caps(history: str, shares: list[float]) -> None:
    scores = scored(GROUPED, history)
    assert scores.shares[0] == pytest.approx(shares)
    assert scores.points[0] == pytest.approx(sum(shares))


def test_fit_and_engagement_are_kept_apart() -> None:
    rules = """
    [[rules]]
    name = "sector"
    attribute = "sector"
    is = "health"
    points = 7
    [[rules]]
    name = "call"
    interaction = "call"
    points = 11
    [[rules]]
    name = "trade fair visitor"
    interaction = "fair"
    part = "fit"
    points = 2
    """
    scores = scored(rules, "1 call, 2 fair", {"sector": "health"})
    assert (scores.fit[0], scores.engagement[0], scores.points[0]) == (9.0, 11.0, 20.0)
    assert scores.band[0] == "warm"


EXCLUDED = """
[[rules]]
name = "call"
interaction = "call"
points = 60
[[rules]]
name = "late"
interaction = "late"
points = -70
[[exclusions]]
name = "unsubscribed"
interaction = "unsubscribe"
"""


@pytest.mark.parametrize(
    ("history", "points", "band", "share"),
    [
        ("1 call", 60, "hot", 0),
        ("1 call, 2 unsubscribe", 0, "cold", -60),
        ("1 call, 2 late, 3 unsubscribe", -10, "cold", 0),
    ],
)
def test_an_exclusion_is_cold_and_has_a_share(
    history: str, points: float, band: str, share: float
) -> None:
    scores = scored(EXCLUDED, history)
    assert (scores.points[0], scores.band[0], scores.shares[0, 2]) == (points, band, share)
    assert bool(scores.excluded[0]) is ("unsubscribe" in history)


def test_reasons_carry_what_was_counted_and_sum_to_the_points() -> None:
    card = default_scorecard()
    calls = RecordColumns(["inbound_call", "inbound_call"], [95 * DAY_US, 96 * DAY_US])
    lead = LeadRecord("L", 0, {"budget": "approved"}, calls)
    references = References(np.array([0]), np.array([100 * DAY_US]))
    scores = card.points(histories_from_records([lead]), references)
    reasons = card.reasons(scores, 0)
    assert [reason.text for reason in reasons] == [
        "+50 Called us (2 inbound calls in the last 60 days)",
        "+12 Budget is there (budget is approved)",
    ]
    assert sum(reason.points for reason in reasons) == scores.points[0]


DEFAULT_STEPS = [
    # the field's definitions                                          band
    ("99 page_view 20s, 98 page_view 20s", "cold"),
    ("99 page_view 60s, 98 page_view 60s, 97 page_view 60s", "cold"),  # known, but cold
    ("99 content_download", "warm"),
    ("99 contact_form", "warm"),
    ("99 trial_signup", "warm"),
    ("50 newsletter_signup", "warm"),
    ("99 webinar", "warm"),
    ("99 cart_abandonment", "hot"),
    ("99 inbound_call", "hot"),
    ("99 live_chat", "hot"),
    ("99 offer_view, 98 offer_view", "cold"),
    ("99 offer_view, 98 offer_view, 97 offer_view", "hot"),
    ("99 inbound_call, 99.5 unsubscribe", "cold"),
    ("90 webinar," + ",".join(f"{91 + i} contact_attempt" for i in range(6)), "cold"),
]


@pytest.mark.parametrize(("history", "band"), DEFAULT_STEPS)
def test_the_default_card_follows_the_fields_definitions(history: str, band: str) -> None:
    text = default_scorecard().to_toml()
    body = text[text.index("[groups") :]
    assert scored(body, history).band[0] == band


def test_unknown_qualification_adds_nothing_and_the_best_answers_add_up_to_the_cap() -> None:
    text = default_scorecard().to_toml()
    body = text[text.index("[groups") :]
    names = ("budget", "authority", "need", "timeline")
    assert scored(body, attributes=dict.fromkeys(names)).points[0] == 0.0
    best = dict(zip(names, ("approved", "decision_maker", "urgent", "this_quarter"), strict=True))
    assert scored(body, attributes=best).fit[0] == pytest.approx(40.0)


KINDS = ("page_view", "offer_view", "email_open", "meeting", "contact_attempt", "unsubscribe")


@settings(max_examples=40, deadline=None)
@given(
    st.lists(
        st.lists(st.tuples(st.sampled_from(KINDS), st.floats(0, 99)), max_size=12),
        min_size=1,
        max_size=5,
    )
)
def test_shares_sum_to_the_points_and_alone_equals_together(
    leads: list[list[tuple[str, float]]],
) -> None:
    card = default_scorecard()
    question = References(np.array([0]), np.array([100 * DAY_US]))
    alone = []
    for rows in leads:
        kinds, days = [row[0] for row in rows], [round(row[1] * DAY_US) for row in rows]
        lead = LeadRecord("L", 0, {}, RecordColumns(kinds, days))
        alone.append(card.points(histories_from_records([lead]), question))
    together = card.points_of(np.concatenate([scores.vectors for scores in alone]))
    assert together.points.tolist() == [scores.points[0] for scores in alone]
    assert together.shares.tolist() == [scores.shares[0].tolist() for scores in alone]
    np.testing.assert_allclose(together.shares.sum(axis=1), together.points, atol=1e-9)
    np.testing.assert_allclose(together.fit + together.engagement, together.points, atol=1e-9)


def test_outbound_follows_the_dataset_unless_the_card_says() -> None:
    card = Scorecard(parse_card(HEAD + '[[rules]]\nname = "r"\npoints = 1\ninteraction = "x"', "t"))
    assert card.with_outbound(("our_visit",)).spec.outbound_kinds == ("our_visit",)
    said = card.with_outbound(("our_visit",)).with_outbound(("other",))
    assert said.spec.outbound_kinds == ("our_visit",)
    assert Scorecard.from_dict(said.to_dict()) == said
