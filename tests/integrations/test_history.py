"""First value and later answers, drawn; and the law that what comes later changes nothing before."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import duckdb
import pytest
from drawn_export import cells
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import UsageError
from integrations.history import Basis, FieldCoverage, split
from integrations.recipe import Choices, Recipe, load_recipe

START = datetime(2026, 1, 1)
Change = tuple[str, int, str | None, str | None]
"""Lead, day, old value, new value."""


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def run(
    leads: Sequence[tuple[str, float, str | None]],
    changes: Sequence[tuple[str, float, str | None, str | None]],
    *,
    log: bool = True,
    choices: Choices | None = None,
    creation_seconds: float = 0.0,
    since: float | None = None,
) -> tuple[dict[str, str | None], list[tuple[str, float, str | None]], FieldCoverage]:
    """The field `f`: its value at creation by lead, its answers (lead, day, value), its coverage."""
    connection = duckdb.connect()
    connection.execute("CREATE MACRO meaning(word) AS (MAP {'won': 'converted'})[word]")
    connection.execute(
        "CREATE TABLE result_leads (_table VARCHAR, _row BIGINT, set_aside VARCHAR, folded VARCHAR,"
        " lead_id VARCHAR, created_at TIMESTAMP, f VARCHAR)"
    )
    connection.execute(
        "CREATE TABLE result_changes (_table VARCHAR, _row BIGINT, set_aside VARCHAR,"
        " folded VARCHAR, lead_id VARCHAR, changed_at TIMESTAMP, attribute VARCHAR,"
        " old_value VARCHAR, new_value VARCHAR, has_old BOOLEAN, position VARCHAR)"
    )
    for row, (lead, created, now) in enumerate(leads):
        connection.execute(
            "INSERT INTO result_leads VALUES ('l', ?, NULL, NULL, ?, ?, ?)",
            [row, lead, day(created), now],
        )
    for row, (lead, at, old, new) in enumerate(changes):
        connection.execute(
            "INSERT INTO result_changes VALUES ('c', ?, NULL, NULL, ?, ?, 'f', ?, ?, ?, NULL)",
            [row, lead, day(at), old if log else None, new, log],
        )
    recipe: Recipe = load_recipe("salesforce").model_copy(
        update={"creation_seconds": creation_seconds, "written_once": ()}
    )
    fields = split(
        connection,
        recipe,
        choices or Choices(),
        {"f": None},
        tracked_since=None if since is None else day(since),
    )
    names = [row[0] for row in connection.execute("DESCRIBE made_lead").fetchall()]
    value = "f" if "f" in names else "NULL"
    first = dict(connection.execute(f"SELECT lead_id, {value} FROM made_lead").fetchall())
    answers = [
        (lead, (at - START) / timedelta(days=1), new)
        for lead, at, _, new in connection.execute("SELECT * FROM made_answer").fetchall()
    ]
    return first, answers, fields[0]


def test_before_its_first_change_a_field_held_the_old_value() -> None:
    first, answers, field = run(
        [("a", 5, "z"), ("b", 6, "x"), ("c", 1, "y")],
        [("b", 4, "q", "w"), ("a", 8, "x", "y"), ("a", 9, "y", "z")],
    )
    # tracked since day 4 (a change of b from before b was created counts as proof of that)
    assert first == {"a": "x", "b": "x", "c": None}
    assert answers == [("a", 8, "y"), ("a", 9, "z"), ("c", 4, "y")]
    assert (field.basis, field.at_creation, field.answers) == (Basis.HISTORY, 2, 3)


def test_a_person_may_know_that_tracking_began_before() -> None:
    changes = [("a", 8, "x", "y")]
    assert run([("a", 5, "y"), ("b", 6, "v")], changes)[0] == {"a": None, "b": None}
    assert run([("a", 5, "y"), ("b", 6, "v")], changes, since=0)[0] == {"a": "x", "b": "v"}


def test_a_value_written_with_the_creation_belongs_to_it() -> None:
    second = 1 / 86400
    leads = [("a", 5.0, "y"), ("b", 6.0, "w")]
    changes = [
        ("a", 5 + 3 * second, None, "x"),
        ("a", 8, "x", "y"),
        ("b", 6 + 90 * second, None, "w"),
    ]
    first, answers, _ = run(leads, changes, creation_seconds=60)
    assert first == {"a": "x", "b": None}
    assert [(lead, round(at, 3), value) for lead, at, value in answers] == [
        ("a", 8, "y"),
        ("b", 6.001, "w"),
    ]


def test_versions_the_last_one_by_the_creation_is_the_value_then() -> None:
    first, answers, _ = run(
        [("a", 5, "z"), ("b", 5, "w"), ("c", 5, "now only")],
        [("a", 3, None, "v"), ("a", 4, None, "w"), ("a", 9, None, "z"), ("b", 8, None, "w")],
        log=False,
    )
    assert first == {"a": "w", "b": None, "c": None}
    assert answers == [("a", 9, "z"), ("b", 8, "w")]


def test_of_several_changes_at_one_moment_the_last_one_is_the_answer() -> None:
    changes = [("a", 6, "x", "y"), ("a", 6, "y", "z"), ("a", 7, "z", "v")]
    first, answers, field = run([("a", 5, "v")], changes, since=0)
    assert first == {"a": "x"}
    assert answers == [("a", 6, "z"), ("a", 7, "v")]
    assert field.breaks == 0


def test_what_is_known_only_now_is_not_used_until_a_person_says_so() -> None:
    leads = [("a", 5, "x"), ("b", 6, None)]
    first, _, field = run(leads, [])
    assert (first, field.basis, field.known_now) == ({"a": None, "b": None}, Basis.AS_NOW, 1)
    for said in ("f", "*"):
        first, _, field = run(leads, [], choices=Choices(as_at_creation=(said,)))
        assert (first, field.basis) == ({"a": "x", "b": None}, Basis.AS_NOW_ACCEPTED)
    with pytest.raises(UsageError, match=r"'g'.*expected some of f"):
        run(leads, [], choices=Choices(as_at_creation=("g",)))


def test_a_history_that_does_not_end_at_todays_value_is_reported() -> None:
    _, _, field = run([("a", 5, "renamed")], [("a", 6, "x", "y"), ("a", 7, "other", "z")])
    assert (field.differing, field.breaks) == (1, 1)
    _, _, field = run(
        [("a", 5, "50.0"), ("b", 5, "1")], [("a", 6, "x", "50"), ("b", 6, "", "true")]
    )
    assert field.differing == 0  # one value, written in two ways


VALUES = st.sampled_from([None, "x", "y", "z"])


@st.composite
def histories(draw: st.DrawFn) -> list[tuple[str, int, str | None, list[tuple[int, str | None]]]]:
    """Some leads, each with the day of its creation, a first value, and changes later."""
    leads = []
    for number in range(draw(st.integers(1, 4))):
        created = draw(st.integers(0, 20))
        days = draw(st.lists(st.integers(created + 1, 30), unique=True, max_size=3))
        value = first = draw(VALUES)
        changes = []
        for at in sorted(days):
            value = draw(VALUES.filter(lambda new, old=value: new != old))
            changes.append((at, value))
        leads.append((f"l{number}", created, first, changes))
    return leads


def export(
    leads: list[tuple[str, int, str | None, list[tuple[int, str | None]]]], until: int
) -> tuple[list[tuple[str, float, str | None]], list[Change]]:
    """What the system would export on a day: today's values, and the log up to now."""
    records: list[tuple[str, float, str | None]] = []
    log: list[Change] = []
    for lead, created, first, changes in leads:
        if created > until:
            continue
        value = first
        for at, new in changes:
            if at <= until:
                log.append((lead, at, value, new))
                value = new
        records.append((lead, created, value))
    return records, log


@settings(max_examples=12, deadline=None)
@given(histories(), st.integers(0, 30))
def test_law_1_an_export_made_later_says_the_same_of_the_past(
    leads: list[tuple[str, int, str | None, list[tuple[int, str | None]]]], until: int
) -> None:
    def as_of(made_on: int) -> dict[str, str | None]:
        first, answers, _ = run(*export(leads, made_on))
        known = {lead: first[lead] for lead, created, *_ in leads if created <= until}
        for lead, at, value in answers:
            if at <= until and lead in known:
                known[lead] = value
        return known

    assert as_of(until) == as_of(40)


@settings(max_examples=12, deadline=None)
@given(histories())
def test_what_is_reported_to_be_known_is_what_was_true(
    leads: list[tuple[str, int, str | None, list[tuple[int, str | None]]]],
) -> None:
    first, answers, _ = run(*export(leads, 40))
    truth = {lead: (value, dict(changes)) for lead, _, value, changes in leads}
    for lead, value in first.items():
        assert value is None or value == truth[lead][0]
    for lead, at, value in answers:
        start, changes = truth[lead]
        days = [d for d in changes if d <= at]
        assert value == (changes[max(days)] if days else start)


def test_drawn_tables_have_cells() -> None:
    assert cells("a | b \n 1 |") == [["a", "b"], ["1", ""]]
