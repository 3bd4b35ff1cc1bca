"""Conditions beyond one attribute or kind: and, not, contains, inactivity, matrix; their faults."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.errors import DataError
from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.scorecard.scorecard import CardScores, Scorecard, default_scorecard, load_scorecard
from scoring.scorecard.toml import card_to_toml, parse_card

DAY_US = 86_400_000_000
SCORECARDS = Path(__file__).parents[3] / "docs" / "scorecards"
HEAD = 'name = "x"\n[bands]\nwarm = 20\nhot = 50\n'
RULE = '[[rules]]\nname = "r"\npoints = 5\n'


def record(history: str, attributes: dict[str, object], created_day: float = 0.0) -> LeadRecord:
    """``history``: ``"95 page_view, 99 meeting"`` (day, kind)."""
    rows = [line.split() for line in history.split(",") if line.strip()]
    columns = RecordColumns(
        kinds=[kind for _, kind in rows], at_us=[round(float(day) * DAY_US) for day, _ in rows]
    )
    return LeadRecord("L", round(created_day * DAY_US), attributes, columns)  # type: ignore[arg-type]


def points(card: Scorecard, history: str = "", day: float = 100.0, **attributes: object) -> float:
    return float(scored(card, history, day, **attributes).points[0])


def scored(
    card: Scorecard, history: str = "", day: float = 100.0, **attributes: object
) -> CardScores:
    histories = histories_from_records([record(history, attributes)])
    return card.points(histories, References(np.array([0]), np.array([round(day * DAY_US)])))


def card_of(rules: str) -> Scorecard:
    return Scorecard(parse_card(HEAD + rules, "x.toml"))


@pytest.mark.parametrize(
    ("rule", "history", "attributes", "expected"),
    [
        ('interaction = "any"\ninactive_days = 30', "69 call", {}, 5.0),
        ('interaction = "any"\ninactive_days = 30', "71 call", {}, 0.0),
        ('interaction = "any"\ninactive_days = 30', "", {}, 5.0),  # created 100 days ago
        ('interaction = "any"\ninactive_days = 101', "", {}, 0.0),
        ('interaction = ["call", "chat"]\ninactive_days = 30', "50 call, 90 chat", {}, 0.0),
        ('interaction = ["call", "chat"]\ninactive_days = 30', "50 call, 90 page", {}, 5.0),
        (
            'attribute = "role"\nis = "boss"\nand = [{attribute = "staff", at_least = 10}]',
            "",
            {"role": "boss", "staff": 10.0},
            5.0,
        ),
        (
            'attribute = "role"\nis = "boss"\nand = [{attribute = "staff", at_least = 10}]',
            "",
            {"role": "boss"},  # unknown is not a number of staff
            0.0,
        ),
        ('interaction = "call"\nnot = [{interaction = "reply"}]', "90 call", {}, 5.0),
        ('interaction = "call"\nnot = [{interaction = "reply"}]', "90 call, 91 reply", {}, 0.0),
        (
            'interaction = "call"\ncount = "each"\nand = [{attribute = "a", is = ["x", "y"]}]',
            "90 call, 91 call",
            {"a": "y"},
            10.0,
        ),
        ('attribute = "title"\ncontains = "DIRECTOR"', "", {"title": "Sales director EMEA"}, 5.0),
        ('attribute = "title"\ncontains = ["ceo", "vp"]', "", {"title": "Sales director"}, 0.0),
        ('attribute = "title"\ncontains = ["ceo", "vp"]', "", {}, 0.0),
    ],
)
def test_points(rule: str, history: str, attributes: dict[str, object], expected: float) -> None:
    assert points(card_of(RULE + rule + "\n"), history, **attributes) == expected


def test_a_rule_that_looks_for_words_says_what_it_saw() -> None:
    card = card_of(RULE + 'attribute = "title"\ncontains = "director"\n')
    scores = scored(card, title="Sales director")
    assert card.reasons(scores, 0)[0].text == "+5 r (title is Sales director)"
    assert card.active_rules(scores, 0) == {"r"}


def test_many_leads_and_one_alone_get_the_same_points() -> None:
    card = card_of(RULE + 'attribute = "title"\ncontains = "dir"\nnot = [{interaction = "call"}]\n')
    leads = [
        record(history, {"title": title})
        for title in ("director", "chief", None, "redirected")
        for history in ("", "90 call")
    ]
    at = np.full(len(leads), 100 * DAY_US)
    together = card.points(
        histories_from_records(leads), References(np.arange(len(leads)), at)
    ).points
    alone = [
        card.points(histories_from_records([one]), References(np.array([0]), at[:1])).points[0]
        for one in leads
    ]
    assert together.tolist() == alone == [5.0, 0.0, 0.0, 0.0, 0.0, 0.0, 5.0, 0.0]


FAULTY = """[[rules]]
name = "a"
interaction = "page_view"
below = 1
points = 4
poins = 4
[[rules]]
name = "a"
group = "nope"
attribute = "sector"
is = "x"
and = [{attribute = "sector", is = "y"}]
within_days = 4
points = 1
[[rules]]
name = "c"
attribute = "sector"
at_least = 5
points = 1
"""


def test_every_fault_is_reported_at_once_with_line_and_key() -> None:
    with pytest.raises(DataError) as error:
        parse_card(HEAD + FAULTY, "x.toml")
    said = [line.split(": ")[:2] for line in str(error.value).splitlines()]
    assert said == [
        ["x.toml:8", "rules[1].below"],
        ["x.toml:10", "rules[1].poins"],
        ["x.toml:12", "rules[2].name"],
        ["x.toml:13", "rules[2].group"],
        ["x.toml:16", "rules[2].and"],
        ["x.toml:17", "rules[2].within_days"],
        ["x.toml:22", "rules[3].at_least"],
    ]


@pytest.mark.parametrize(
    "rule",
    [
        'interaction = "call"\nbelow = 1',
        'interaction = "call"\nat_least = 1.2\nbelow = 1.8',
        'interaction = "call"\nwithout = "call"',
        'interaction = "call"\nnot = [{interaction = "call"}]',
        'attribute = "a"\nis = "x"\nand = [{attribute = "a", is = ["y", "z"]}]',
        'attribute = "a"\nbelow = 5\nand = [{attribute = "a", at_least = 5}]',
        'attribute = "a"\nis = "x"\nnot = [{attribute = "a", is = ["x"]}]',
        'interaction = "call"\nwithin_days = 7\nand = [{interaction = "any", inactive_days = 30}]',
    ],
)
def test_a_rule_that_can_never_match_is_an_error(rule: str) -> None:
    with pytest.raises(DataError, match=r"x\.toml:\d+: rules\[1\]\.\w+: can never match: "):
        card_of(RULE + rule + "\n")


def test_a_card_in_a_release_is_read_even_if_a_rule_never_matches() -> None:
    """Releases made before such rules were refused still load."""
    data = card_of(RULE + 'interaction = "call"\nat_least = 2\n').to_dict()
    data["rules"][0] = {"name": "r", "points": 5.0, "interaction": ["call"], "below": 1.0}
    assert points(Scorecard.from_dict(data), "99 call") == 0.0


def test_points_that_only_rounding_keeps_from_a_threshold_reach_it() -> None:
    rules = "".join(
        f'[[rules]]\nname = "{i}"\ninteraction = "call"\npoints = {p}\n'
        for i, p in enumerate((0.1, 0.2, 19.7))
    )
    assert sum((0.1, 0.2, 19.7)) >= 20
    parts = (19.7, 0.2, 0.1)
    rules = "".join(
        f'[[rules]]\nname = "{i}"\ninteraction = "call"\npoints = {p}\n'
        for i, p in enumerate(parts)
    )
    assert scored(card_of(rules), "99 call").band[0] == "warm"


def test_the_default_card_knows_a_decision_a_profile_and_fading_steps() -> None:
    card = default_scorecard()
    assert scored(card, "99 quote_request").band[0] == "hot"
    assert scored(card, "99 newsletter_signup").band[0] == "warm"
    assert scored(card, "20 newsletter_signup").band[0] == "cold"  # it fades when nothing follows
    for answer in ({"urgency": "high"}, {"motivation": "strong"}, {"ideal_profile": "A"}):
        assert points(card, **answer) == 10.0
    assert scored(card, ideal_profile="A").fit[0] == 10.0


@pytest.mark.parametrize("kind", ["newsletter_signup", "webinar", "contact_form", "trial_signup"])
def test_the_same_event_counts_once(kind: str) -> None:
    """As the first action and among the interactions: the points of the interaction alone."""
    card = default_scorecard()
    alone = points(card, f"99 {kind}")
    assert points(card, f"99 {kind}", first_action=kind) == alone
    assert points(card, first_action=kind) > 0


@pytest.mark.parametrize("name", ["hubspot", "eloqua", "bpi2012"])
def test_an_example_is_read_and_written_again(name: str) -> None:
    card = load_scorecard(SCORECARDS / f"{name}.toml")
    assert parse_card(card_to_toml(card.card), "again") == card.card


def test_hubspots_table_as_typed_in() -> None:
    card = load_scorecard(SCORECARDS / "hubspot.toml")
    many = ", ".join(f"{99.5 + i / 100} pricing_page_view" for i in range(9))
    scores = scored(card, f"99 demo_form, {many}", jobtitle="Head of Sales", numberofemployees=80.0)
    assert scores.fit[0] == 40.0
    shares = dict(zip(card.rule_names, scores.shares[0], strict=True))
    assert shares["Viewed the pricing page"] == 20.0  # the limit of the group
    assert shares["Submitted the demo form"] == pytest.approx(30 * 2 ** (-1 / 60))
    assert card.cells(scores).tolist() == ["A2"]  # type: ignore[union-attr]
    assert points(card, "10 demo_form") == pytest.approx(30 * 2 ** (-90 / 60) - 15)
    assert scored(card, "99 demo_form, 99 unsubscribe").points[0] == 0.0


def test_eloquas_table_as_typed_in() -> None:
    card = load_scorecard(SCORECARDS / "eloqua.toml")
    best = scored(
        card,
        "95 page_view, 96 page_view, 97 page_view, 98 page_view, 99 page_view, 99 email_click, "
        "99 contact_form",
        title="Vice President",
        industry="logistics",
        annual_revenue=2e7,
    )
    assert (best.fit[0], best.engagement[0]) == (100.0, 100.0)
    assert card.cells(best).tolist() == ["A1"]  # type: ignore[union-attr]
    some = scored(card, "80 page_view, 80 email_click", title="Sales manager", industry="retail")
    assert (some.fit[0], some.engagement[0]) == (32.0, 35.0)  # 50 % of 40, 40 % of 30; 50 % of both
    assert card.cells(some).tolist() == ["C3"]  # type: ignore[union-attr]
