"""Odoo's predictive lead scoring against the figures that its own test publishes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from training.comparison.odoo import CrmLead, OdooScores, fit_odoo

WON_STAGE = 3
TABLE = """
0  1 c0 s0 x0 0 lost
1  1 c1 s1 x1 1 lost
2  1 c2 s2 x2 2 won
3  1 c0 s1 x2 1 open
4  1 c1 s1 x1 0 open
5  2 c0 s1 x1 2 lost
6  2 c0 s1 x2 1 lost
7  2 c0 s2 x2 0 won
8  2 c0 s1 x2 1 open
9  2 c1 s0 x1 1 open
10 3 c1 s1 x1 2 won
11 3 c0 s1 x0 0 lost
12 3 c1 s2 x2 0 lost
13 3 c0 s1 x2 1 open
"""


def first_fixture() -> tuple[dict[str, CrmLead], OdooScores]:
    leads, outcomes = {}, {}
    for line in TABLE.strip().splitlines():
        name, team, country, state, source, stage, outcome = line.split()
        fields = {
            "country": country,
            "state": state,
            "has_email": "not set",
            "has_phone": "not set",
            "source": source,
        }
        leads[name], outcomes[name] = CrmLead(fields, team, int(stage)), outcome
    closed = [name for name in leads if outcomes[name] != "open"]
    won = [outcomes[name] == "won" for name in closed]
    return leads, fit_odoo([leads[name] for name in closed], won, WON_STAGE)


@pytest.mark.parametrize(("lead", "expected"), [("3", 33.49), ("8", 7.74), ("13", 35.09)])
def test_published_scores_of_the_first_fixture(lead: str, expected: float) -> None:
    leads, scores = first_fixture()
    assert scores.score(leads[lead]) == expected


def test_a_lead_without_a_team_is_scored_by_all_teams() -> None:
    leads, _ = first_fixture()
    closed = {n: lead for n, lead in leads.items() if n not in ("3", "4", "8", "9", "13")}
    without = [replace(v, team=None if v.team == "3" else v.team) for v in closed.values()]
    scores = fit_odoo(without, [n in ("2", "7", "10") for n in closed], WON_STAGE)
    assert scores.score(replace(leads["13"], team=None)) == 35.19


def test_published_score_of_the_second_fixture() -> None:
    rows = [
        # country state e-mail phone source stage won
        ("c0", "s0", "C", "C", "x1", 0, True),
        ("c1", "s0", "C", "C", None, 0, True),
        (None, None, "C", "I", "x0", 0, False),
        ("c0", None, "C", "I", "x0", 0, False),
        (None, "s1", "C", "C", None, 2, False),
    ]
    leads = [lead_of(*row[:6]) for row in rows]
    scores = fit_odoo(leads, [row[6] for row in rows], WON_STAGE)
    assert scores.score(lead_of("c0", "s0", "C", "C", "x0", 1)) == 74.30


def lead_of(
    country: str | None,
    state: str | None,
    email: str,
    phone: str,
    source: str | None,
    stage: int,
) -> CrmLead:
    """A field that is not set is left out."""
    fields = {
        "country": country,
        "state": state,
        "has_email": email,
        "has_phone": phone,
        "source": source,
    }
    return CrmLead({name: v for name, v in fields.items() if v is not None}, "t", stage)


def test_edges() -> None:
    leads, scores = first_fixture()
    lead = leads["3"]
    assert scores.score(replace(lead, stage=None)) == 0.0
    assert scores.score(replace(lead, stage=WON_STAGE)) == 100.0
    unseen = replace(lead, fields={**lead.fields, "country": "c9"})
    left_out = replace(lead, fields={n: v for n, v in lead.fields.items() if n != "country"})
    assert scores.score(unseen) == scores.score(left_out)
    assert scores.score(replace(lead, team="new team")) == scores.score(replace(lead, team=None))


def test_without_stages_the_prior_is_the_rate_of_won_leads() -> None:
    leads = [CrmLead({"a": "x"}), CrmLead({"a": "x"}), CrmLead({"a": "y"})]
    scores = fit_odoo(leads, [True, False, False])
    assert scores.score(CrmLead({})) == round(100 * 1.1 / 3.2, 2)


def test_a_tag_speaks_from_fifty_leads_on() -> None:
    leads = [CrmLead({}, tags=("a",))] * 49 + [CrmLead({}, tags=("b",))] * 60
    scores = fit_odoo(leads, [True] * 40 + [False] * 69)
    assert scores.score(CrmLead({}, tags=("a",))) == scores.score(CrmLead({}))
    more = fit_odoo([*leads, CrmLead({}, tags=("a",))], [True] * 40 + [False] * 70)
    assert more.score(CrmLead({}, tags=("a",))) != more.score(CrmLead({}))
