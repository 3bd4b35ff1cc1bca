"""What is a change of a lead, and how the outbox is read: each change once, in order."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa
from stored_scores import MINUTE_US, START_US, TOMBSTONES, enter, new_store, score_row

from serving.outbox.changes import (
    ChangePolicy,
    changes_after,
    forget_changes_before,
    newest_change,
)
from serving.store.tables import change, reported
from serving.store.tombstones import erase


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = new_store(tmp_path)
    yield made
    made.dispose()


def read(engine: sa.Engine, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    with engine.begin() as connection:
        found = changes_after(connection, after, limit)
    assert found is not None
    return [json.loads(row.body) for row in found[0]]


def kinds(engine: sa.Engine) -> list[list[str]]:
    return [one["data"]["changed"] for one in read(engine)]


def test_the_first_score_of_a_lead_is_a_change(engine: sa.Engine) -> None:
    enter(engine, score_row("a", 0, 0.1))
    (one,) = read(engine)
    assert one == {
        "type": "lead.score_changed",
        "timestamp": "2026-01-01T00:00:00Z",
        "data": {
            "lead_id": "a", "changed": ["first"], "probability": 0.1, "band": "cold",
            "reason": {"feature": "page_view.count", "text": "says page_view.count"},
            "as_of": "2026-01-01T00:00:00Z", "score_id": "a-0-R1",
            "model": {"version": "1", "release_id": "R1"}, "before": None,
        },
    }  # fmt: skip


@pytest.mark.parametrize(
    ("then", "expected"),
    [
        ({"probability": 0.12}, []),
        ({"probability": 0.21}, ["probability"]),
        ({"probability": 0.12, "band": "warm"}, ["band"]),
        ({"probability": 1, "band": "hot", "reason": "calls"}, ["band", "probability", "reason"]),
        ({"probability": 0.1, "reason": "meeting"}, ["reason"]),
        ({"probability": 0.1, "reason": None}, []),
        ({"probability": 0.1, "release": "R2"}, []),
        ({"probability": 0.3, "release": "R2"}, ["probability", "release"]),
    ],
)  # fmt: skip
def test_what_changed(engine: sa.Engine, then: dict[str, Any], expected: list[str]) -> None:
    enter(engine, score_row("a", 0, 0.1))
    enter(engine, score_row("a", 1, **then))
    assert kinds(engine) == [["first"], expected] if expected else [["first"]]


def test_the_strongest_reason_is_seen_in_any_answer(engine: sa.Engine) -> None:
    """Also without decoding it; never in a text, a nested list, or the front of another name."""
    feature = 'says "reasons":[{"feature":"é'
    enter(engine, score_row("a", 0, 0.1, reason=feature))
    enter(engine, score_row("a", 1, 0.1, reason=feature))
    with_blanks = {"reasons": [{"feature": feature, "text": "x"}]}
    enter(engine, score_row("a", 2, 0.1, answer=msgspec.Raw(json.dumps(with_blanks).encode())))
    assert kinds(engine) == [["first"]]
    other = {
        "rules": {"reasons": [{"rule": feature}]},
        "reasons": [{"feature": f"{feature}2", "text": f'"reasons":[{{"feature":"{feature}",'}],
    }
    enter(engine, score_row("a", 3, 0.1, answer=msgspec.Raw(msgspec.json.encode(other))))
    assert kinds(engine) == [["first"], ["reason"]]


def test_little_steps_add_up(engine: sa.Engine) -> None:
    for minute, probability in enumerate((0.10, 0.14, 0.18, 0.22, 0.26)):
        enter(engine, score_row("a", minute, probability))
    assert [one["data"]["probability"] for one in read(engine)] == [0.10, 0.22]
    assert read(engine)[1]["data"]["before"]["probability"] == 0.10


def test_a_reason_counts_on_where_a_score_was_asked_for_without_reasons(engine: sa.Engine) -> None:
    enter(engine, score_row("a", 0, 0.1))
    enter(engine, score_row("a", 1, 0.5, "hot", reason=None))
    enter(engine, score_row("a", 2, 0.5, "hot"))
    enter(engine, score_row("a", 3, 0.5, "hot", reason="meeting"))
    assert kinds(engine) == [["first"], ["band", "probability"], ["reason"]]


def test_every_band_change_of_one_batch_is_there_in_order(engine: sa.Engine) -> None:
    rows = [score_row("a", 0, 0.1), score_row("a", 1, 0.6, "hot"), score_row("a", 2, 0.1)]
    enter(engine, *reversed(rows))
    assert [one["data"]["band"] for one in read(engine)] == ["cold", "hot", "cold"]


def test_a_score_that_comes_late_changes_nothing(engine: sa.Engine) -> None:
    enter(engine, score_row("a", 0, 0.1))
    enter(engine, score_row("a", 5, 0.1))
    enter(engine, score_row("a", 3, 0.9, "hot"))
    assert kinds(engine) == [["first"]]


def test_a_segment_that_is_moved_in_twice_changes_nothing(engine: sa.Engine) -> None:
    rows = [score_row("a", minute, p) for minute, p in enumerate((0.1, 0.5, 0.1, 0.5))]
    same_moment = [score_row("b", 0, 0.1), score_row("b", 0, 0.9, score_id="b-again")]
    enter(engine, *rows, *same_moment)
    before = read(engine)
    enter(engine, *rows, *same_moment)
    assert read(engine) == before


def test_challengers_change_nothing(engine: sa.Engine) -> None:
    enter(engine, score_row("a", 0, 0.1), score_row("a", 1, 0.9, role="challenger"))
    assert kinds(engine) == [["first"]]


def test_the_threshold_is_a_setting(engine: sa.Engine) -> None:
    enter(engine, score_row("a", 0, 0.1))
    enter(engine, score_row("a", 1, 0.13), policy=ChangePolicy(probability=0.02))
    assert kinds(engine) == [["first"], ["probability"]]


def test_pages_have_no_gap_and_no_repeat(engine: sa.Engine) -> None:
    enter(engine, *(score_row(f"lead-{i:02}", 0, 0.1) for i in range(25)))
    seen: list[int] = []
    after, more = 0, True
    while more:
        with engine.begin() as connection:
            found = changes_after(connection, after, 10)
        assert found is not None
        rows, more = found
        seen += [row.seq for row in rows]
        after = rows[-1].seq
    assert seen == sorted(set(seen))
    assert len(seen) == 25
    with engine.begin() as connection:
        assert newest_change(connection) == seen[-1]
        assert changes_after(connection, seen[-1], 10) == ([], False)


def test_erasure_takes_a_lead_out_of_the_outbox(engine: sa.Engine) -> None:
    enter(engine, score_row("a", 0, 0.1), score_row("b", 0, 0.1))
    with engine.execution_options(writes=True).begin() as connection:
        gone = erase(connection, ["a"], START_US, TOMBSTONES)
    assert (gone["change"], gone["reported"], gone["standing"]) == (1, 1, 1)
    assert [one["data"]["lead_id"] for one in read(engine)] == ["b"]
    enter(engine, score_row("a", 9, 0.9, "hot"))  # a score that was on its way
    with engine.begin() as connection:
        assert connection.scalars(sa.select(reported.c.lead_id)).all() == ["b"]


def test_old_changes_go_and_their_cursors_say_so(engine: sa.Engine) -> None:
    enter(engine, *(score_row("a", minute, minute % 2) for minute in range(10)))
    with engine.execution_options(writes=True).begin() as connection:
        assert forget_changes_before(connection, START_US + 5 * MINUTE_US) == 5
        (first,) = connection.execute(sa.select(sa.func.min(change.c.seq))).one()
        assert first == 6
        assert changes_after(connection, 3, 10) is None
        found = changes_after(connection, 5, 10)
        assert found is not None
        assert [row.seq for row in found[0]] == [6, 7, 8, 9, 10]
        whole = changes_after(connection, 0, 10)
        assert whole is not None
        assert len(whole[0]) == 5
