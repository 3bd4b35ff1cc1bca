"""Whom to call this week: as many as the team can, and no lead that comes and goes at the cut."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from small_release import small_release

from commands import cli
from features.errors import UsageError
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from scoring.playbook import default_playbook
from scoring.release.release import load_release
from scoring.scorecard.scorecard import Scorecard, default_scorecard
from scoring.scorecard.toml import parse_card
from training.worklist import Worklist, make_worklist, with_hysteresis

DAY_US = 86_400_000_000


@given(
    st.permutations(range(12)),
    st.frozensets(st.integers(0, 11)),
    st.integers(1, 12),
    st.floats(0, 1),
)
def test_a_list_is_full_ranked_and_fair(
    ranked: list[int], before: frozenset[int], capacity: int, margin: float
) -> None:
    made = with_hysteresis(ranked, before, capacity, margin)
    assert len(made) == capacity
    assert [ranked.index(lead) for lead in made] == sorted(ranked.index(lead) for lead in made)
    assert set(made) >= set(ranked[:capacity]) & before  # who deserves a place keeps it
    best_out = [lead for lead in ranked if lead not in made]
    for lead in made:
        if lead not in before and best_out:
            assert ranked.index(lead) < ranked.index(best_out[0])


def test_a_lead_at_the_cut_does_not_flip() -> None:
    """Two leads change places at the cut every week; the list changes once."""
    on_list: frozenset[int] = frozenset()
    seen = []
    for week in range(10):
        ranked = [0, 1, 2, 3, 4] if week % 2 else [0, 1, 3, 2, 4]
        on_list = frozenset(with_hysteresis(ranked, on_list, capacity=3, margin=0.34))
        seen.append(on_list)
    assert seen == [frozenset({0, 1, 3})] * 10
    plain = [frozenset(with_hysteresis(r, frozenset(), 3)) for r in ([0, 1, 3, 2], [0, 1, 2, 3])]
    assert plain[0] != plain[1]


LEADS = "lead_id,created_at,employees\n" + "".join(
    f"L{i},2026-01-0{i}T00:00:00Z,10\n" for i in range(1, 7)
)
OUTCOMES = "lead_id,outcome,occurred_at\nL6,converted,2026-02-01T00:00:00Z\n"


def views(lead: str, day: int, month: int, number: int) -> str:
    return "".join(
        f"{lead},2026-{month:02}-{day:02}T{10 + i}:00:00Z,page_view\n" for i in range(number)
    )


INTERACTIONS = (
    "lead_id,occurred_at,kind\n"
    + views("L1", 26, 1, 5)
    + views("L2", 26, 1, 3)
    + views("L3", 26, 1, 2)
    + views("L6", 26, 1, 7)
    + views("L1", 2, 2, 5)
    + views("L2", 2, 2, 2)
    + views("L3", 2, 2, 3)
)
TOML = 'name = "weeks"\nobserved_until = 2026-02-03T00:00:00Z\n'


@pytest.fixture
def weekly(dataset_folder: Callable[..., Path], tmp_path: Path) -> Callable[..., Worklist]:
    """L6 leads and closes on the first of February; L2 and L3 change places a week later."""
    folder = dataset_folder(
        leads=LEADS, outcomes=OUTCOMES, interactions=INTERACTIONS, answers=None, dataset_toml=TOML
    )
    release = small_release(tmp_path / "R", scorecard=default_scorecard())

    def make(capacity: float = 2.0, day: int = 34, margin: float = 0.5) -> Worklist:
        data = read_dataset(folder)
        at = int(np.datetime64("2026-01-01", "us").astype(np.int64)) + (day - 1) * DAY_US
        return make_worklist(
            data, histories_from_dataset(data), release, default_playbook(), capacity, at, margin
        )

    return make


def names(found: Worklist) -> list[str]:
    return [item.lead_id for item in found.items]


def test_without_a_margin_the_best_are_on_the_list(weekly: Callable[..., Worklist]) -> None:
    assert names(weekly(day=27, margin=0.0)) == ["L6", "L1"]
    now = weekly(day=34, margin=0.0)
    assert names(now) == ["L1", "L3"]  # L6 closed; L3 did more than L2 in the last week
    assert now.items[0].weeks > 1
    assert now.items[1].weeks == 1
    assert now.left == (("L6", "closed"),)
    assert now.open_leads == 5


def test_who_was_on_the_list_stays_within_the_margin(weekly: Callable[..., Worklist]) -> None:
    assert names(weekly(day=27)) == ["L1", "L2"]  # on it since the quiet weeks; L6 is just above
    now = weekly(day=34)
    assert names(now) == ["L1", "L2"]
    assert now.items[1].weeks > 2
    assert now.left == ()


def test_every_item_says_why_and_what_next(weekly: Callable[..., Worklist]) -> None:
    first = weekly().items[0]
    assert first.rank == 1
    assert first.low <= first.probability <= first.high
    assert any("page views" in reason for reason in first.reasons)
    assert first.next_step.because == first.band
    assert first.rule_points == 0.0  # page views without length: no rule of the default card


def test_a_capacity_is_needed(weekly: Callable[..., Worklist]) -> None:
    with pytest.raises(UsageError, match="expected 1 or more"):
        weekly(capacity=0.2)


def test_worklist_from_the_command_line(
    weekly: Callable[..., Worklist], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = ["worklist", str(tmp_path / "small"), "--hot-per-week", "2"]
    asked += ["--release", str(tmp_path / "R")]
    out = tmp_path / "lists" / "week.csv"
    assert cli.run([*asked, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert [item["lead_id"] for item in answer["items"]] == ["L1", "L3"]
    assert answer["items"][0]["next_step"]["message"]
    assert out.read_text(encoding="utf-8").splitlines()[0].startswith("rank,lead_id,probability")
    assert cli.run(asked) == 0
    assert "2 of 5 open leads" in capsys.readouterr().out


def test_a_few_calls_go_to_leads_drawn_at_random(
    weekly: Callable[..., Worklist], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "week.csv"
    asked = ["worklist", str(tmp_path / "small"), "--hot-per-week", "2", "--explore", "5%"]
    asked += ["--release", str(tmp_path / "R")]
    assert cli.run(asked) == 2  # who had which chance must be kept
    assert cli.run([*asked, "--out", str(out), "--json"]) == 0
    items = json.loads(capsys.readouterr().out)["items"]
    assert [item["drawn"] for item in items] == [False, True]
    assert [item["propensity"] for item in items] == [0.5, pytest.approx(1 / 3)]
    kept = (tmp_path / "week.assignments.csv").read_text().splitlines()
    assert kept[0] == "lead_id,as_of,best,called,propensity"
    assert len(kept) == 1 + 5  # every open lead, called or not
    called = {row.split(",")[0] for row in kept[1:] if row.split(",")[3] == "1"}
    assert called == {item["lead_id"] for item in items}
    assert cli.run([*asked, "--out", str(tmp_path / "again.csv")]) == 0
    assert (tmp_path / "again.csv").read_text() == out.read_text()  # the same seed, the same leads
    assert "drawn at random" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("column", "value", "more", "why"),
    [
        ("do_not_call", "yes", "", "do not call"),
        ("employees", "10", "L1,2026-02-02T20:00:00Z,unsubscribe\n", "unsubscribed"),
    ],
)
def test_nobody_who_must_not_be_contacted_is_on_the_list(
    dataset_folder: Callable[..., Path],
    tmp_path: Path,
    column: str,
    value: str,
    more: str,
    why: str,
) -> None:
    leads = LEADS.replace("employees", column).replace(",10\n", ",no\n")
    leads = leads.replace("L1,2026-01-01T00:00:00Z,no", f"L1,2026-01-01T00:00:00Z,{value}")
    folder = dataset_folder(
        leads=leads if column != "employees" else LEADS,
        outcomes=OUTCOMES,
        interactions=INTERACTIONS + more,
        answers=None,
        dataset_toml=TOML,
    )
    release = small_release(tmp_path / "R")
    data = read_dataset(folder)
    histories = histories_from_dataset(data)
    at = int(np.datetime64("2026-02-03", "us").astype(np.int64))
    found = make_worklist(data, histories, release, default_playbook(), 5.0, at, 0.0)
    assert "L1" not in names(found)
    assert (len(found.items), found.open_leads, found.not_contacted) == (4, 5, 1)
    if more:
        assert ("L1", why) in found.left


def test_leads_excluded_by_a_rule_are_on_no_list(
    weekly: Callable[..., Worklist], tmp_path: Path
) -> None:
    text = (
        'name = "x"\n[bands]\nwarm = 1\nhot = 2\n[[rules]]\nname = "a"\nattribute = "employees"\n'
        'known = true\npoints = 1\n[[exclusions]]\nname = "Competitor"\nattribute = "employees"\n'
        "at_least = 10\n"
    )
    small_release(tmp_path / "S", scorecard=Scorecard(parse_card(text, "x.toml")))
    assert weekly(capacity=5.0).not_contacted == 0
    data = read_dataset(tmp_path / "small")
    at = int(np.datetime64("2026-02-03", "us").astype(np.int64))
    found = make_worklist(
        data,
        histories_from_dataset(data),
        load_release(tmp_path / "S"),
        default_playbook(),
        5.0,
        at,
    )
    assert (found.items, found.not_contacted) == ((), 5)
