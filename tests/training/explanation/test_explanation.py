"""Why a score moved: the parts are exact, and each cause gets what is its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import made_up_release
import numpy as np
import pytest
from french import english_left, visible
from hypothesis import given, settings
from hypothesis import strategies as st
from small_release import small_release

from features.errors import DataError, UsageError
from features.histories.arrays import Histories, References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from features.language.catalogues import language
from features.language.current import use
from scoring.release.release import Release, write_release
from scoring.scores import score
from training.explanation.explain import Cause, ScoreChange, explain_change
from training.explanation.page import explanation_html, headline
from training.explanation.timeline import timeline

DAY_US = 86_400_000_000
KINDS = ("page_view", "meeting", "offer_view", "contact_attempt")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return write_release(tmp_path_factory.mktemp("made") / "R", made_up_release.contents())


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return small_release(tmp_path_factory.mktemp("other") / "R")


def lead(
    events: list[tuple[float, str]], answers: list[tuple[float, str, str]] | None = None
) -> Histories:
    """A lead created on day 0, with (day, kind) and (day, attribute, value)."""
    answers = answers or []
    lists = RecordColumns(
        kinds=[kind for _, kind in events],
        at_us=[round(day * DAY_US) for day, _ in events],
        attributes=[attribute for _, attribute, _ in answers],
        answered_us=[round(day * DAY_US) for day, _, _ in answers],
        answers=[value for _, _, value in answers],
    )
    attributes = {"seats": 40.0, "industry": "software"}
    return histories_from_records([LeadRecord("L-1", 0, attributes, lists)])


def moved(release: Release, history: Histories, from_release: Release | None = None) -> ScoreChange:
    return explain_change(history, "L-1", 10 * DAY_US, 20 * DAY_US, release, from_release)


def parts_of(found: ScoreChange) -> dict[Cause, float]:
    return {part.cause: part.log_odds for part in found.parts}


def test_nothing_but_time(release: Release) -> None:
    found = moved(release, lead([(9, "page_view"), (9.5, "page_view"), (20, "page_view")]))
    assert parts_of(found)[Cause.INTERACTIONS] == 0.0
    assert parts_of(found)[Cause.ANSWERS] == 0.0
    assert parts_of(found)[Cause.TIME] == found.after.log_odds - found.before.log_odds != 0.0
    assert found.happened == ()


def test_new_interactions_have_their_own_part(release: Release) -> None:
    quiet, busy = lead([(9, "page_view")]), lead([(9, "page_view"), (15, "page_view")])
    still, acted = moved(release, quiet), moved(release, busy)
    assert parts_of(acted)[Cause.TIME] == parts_of(still)[Cause.TIME]
    gained = acted.after.log_odds - still.after.log_odds
    assert parts_of(acted)[Cause.INTERACTIONS] == pytest.approx(gained, abs=1e-12)
    assert acted.happened == ("1 × page view",)
    assert "page_view.count" in acted.parts[1].details[0].feature


def test_a_changed_answer_has_its_own_part(release: Release) -> None:
    answered = lead([(9, "page_view")], [(12, "seats", "90"), (25, "seats", "5")])
    found = moved(release, answered)
    assert parts_of(found)[Cause.ANSWERS] != 0.0
    assert found.parts[2].details[0].text == "seats: 90"
    assert found.happened == ("seats: 90",)


def test_a_changed_release_has_its_own_part(release: Release, other: Release) -> None:
    history = lead([(9, "page_view"), (12, "page_view"), (14, "meeting")])
    found = moved(release, history, other)
    assert [part.cause for part in found.parts] == list(Cause)
    assert (found.before.release_id, found.after.release_id) == (
        other.release_id,
        release.release_id,
    )
    total = sum(parts_of(found).values())
    assert total == pytest.approx(found.after.log_odds - found.before.log_odds, abs=1e-9)
    assert parts_of(found)[Cause.RELEASE] != 0.0
    assert parts_of(moved(release, history)).keys() == set(Cause) - {Cause.RELEASE}


days = st.floats(0.0, 25.0)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.tuples(days, st.sampled_from(KINDS)), max_size=15),
    st.lists(
        st.tuples(days, st.sampled_from(("seats", "industry")), st.sampled_from(("7", "retail"))),
        max_size=4,
    ),
    st.booleans(),
)
def test_the_parts_sum_to_the_difference(
    release: Release,
    other: Release,
    events: list[tuple[float, str]],
    answers: list[tuple[float, str, str]],
    changed: bool,
) -> None:
    history = lead(events, answers)
    found = moved(release, history, other if changed else None)
    change = found.after.log_odds - found.before.log_odds
    assert sum(parts_of(found).values()) == pytest.approx(change, abs=1e-9)
    if not changed:
        assert found.before.points is not None
        assert found.after.points is not None
        points = sum(part.points or 0.0 for part in found.parts)
        assert points == pytest.approx(found.after.points - found.before.points, abs=1e-9)
    asked = References(np.zeros(1, np.int64), np.array([20 * DAY_US]))
    assert found.after.log_odds == score(release, history, asked).log_odds[0]


def test_details_sum_to_their_part_when_all_are_shown(release: Release) -> None:
    found = moved(release, lead([(9, "page_view"), (12, "meeting")]))
    for part in found.parts:
        if len(part.details) < 5:
            shown = sum(detail.log_odds for detail in part.details)
            assert shown == pytest.approx(part.log_odds, abs=1e-9)


@pytest.mark.parametrize(
    ("lead_id", "from_day", "to_day", "error", "message"),
    [
        ("L-9", 10, 20, DataError, "no lead 'L-9'"),
        ("L-1", 20, 10, UsageError, "--from is after --to"),
        ("L-1", -1, 10, DataError, "before the creation of lead 'L-1'"),
    ],
)
def test_questions_that_have_no_answer(
    release: Release, lead_id: str, from_day: int, to_day: int, error: type, message: str
) -> None:
    with pytest.raises(error, match=message):
        explain_change(lead([]), lead_id, from_day * DAY_US, to_day * DAY_US, release)


def test_the_timeline_sees_each_event_only_after_it(release: Release) -> None:
    seen = timeline(lead([(3, "page_view"), (5, "meeting")]), "L-1", 8 * DAY_US, release)
    at = {int(moment): p for moment, p in zip(seen.at_us, seen.probability, strict=True)}
    assert at[3 * DAY_US] == at[0]
    assert at[3 * DAY_US + 1] != at[3 * DAY_US]
    assert seen.event_kind == ("page_view", "meeting")
    assert seen.points is not None
    assert seen.points[-1] > seen.points[0]


def test_the_page_is_in_french_for_a_french_reader(release: Release) -> None:
    history = lead([(3, "page_view"), (12, "meeting"), (15, "page_view")], [(16, "budget", "high")])
    with use(language("fr")):
        found = explain_change(history, "L-1", 10 * DAY_US, 20 * DAY_US, release)
        page = visible(explanation_html(found, timeline(history, "L-1", 20 * DAY_US, release)))
    assert not english_left(page)
    assert "Ce qui l’a fait bouger" in page
    assert "nouvelles interactions" in page
    assert "1 × rendez-vous" in page
    assert "11 janv. 1970" in page or "11 janvier 1970" in page


def test_the_page_shows_parts_and_escapes_names(release: Release) -> None:
    history = lead([(9, "page_view"), (12, "<b>odd</b>")])
    found = moved(release, history)
    text = explanation_html(found, timeline(history, "L-1", 20 * DAY_US, release))
    assert headline(found) in text
    assert "<b>odd" not in text
    assert "&lt;b&gt;odd" in text
    assert text.count("<svg") == 2
    assert not any(word in text for word in ("<script", "src=", "href="))


def test_every_colour_of_the_page_has_another_in_the_dark(release: Release) -> None:
    history = lead([(3, "page_view"), (12, "meeting")], [(16, "budget", "high")])
    found = explain_change(history, "L-1", 10 * DAY_US, 20 * DAY_US, release)
    text = explanation_html(found, timeline(history, "L-1", 20 * DAY_US, release))
    dark = text.partition("(prefers-color-scheme: dark)")[2].partition("@media print")[0]
    inks = set(re.findall(r'(?:fill|stroke)="(#[0-9a-f]{3,6})"', text.partition("</style>")[2]))
    zones = {"#7ba7c7", "#e8b04a", "#cf5440"}  # faint behind the curve, on either paper
    assert len(inks - zones) >= 5
    assert [ink for ink in inks - zones if f'[fill="{ink}"]' not in dark] == []
    for name in ("ink", "soft", "faint", "paper", "cold", "warm", "hot"):
        assert f"--{name}:" in dark
    assert 'class="band ' in text
    assert "style=" not in text.partition("<main>")[2].partition("What moved it")[0]


def test_explain_from_the_command_line(
    release: Release,
    dataset_folder: Callable[..., Path],
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    import json

    from commands import cli

    folder, out = str(dataset_folder()), tmp_path / "page.html"
    write_release(tmp_path / "R", made_up_release.contents())
    asked = ["explain", folder, "--lead", "L1", "--release", str(tmp_path / "R")]
    span = ["--from", "2026-01-01", "--to", "2026-01-05T12:00:00Z"]
    assert cli.run([*asked, *span, "--out", str(out), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    change = answer["after"]["log_odds"] - answer["before"]["log_odds"]
    assert sum(part["log_odds"] for part in answer["parts"]) == pytest.approx(change, abs=1e-9)
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert cli.run([*asked, *span]) == 0
    assert "time passed" in capsys.readouterr().out
    assert cli.run([*asked, "--from", "yesterday"]) == 2
    assert "expected a moment like" in capsys.readouterr().err
