"""The lines of the worklist follow every score, outcome, opt-out, answer and overruled band."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from serving.store import tables
from serving.store.database import connect
from serving.store.funnel import funnel
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, put_leads
from serving.store.matrix import matrix
from serving.store.migrate import migrate
from serving.store.overrides import judged_overrides, put_override
from serving.store.page_tables import band_move, worklist
from serving.store.scores import ScoreRow, move_in
from serving.store.since_promotion import since_promotion
from serving.store.tombstones import Tombstones, erase
from serving.store.worklist_lines import prepare, rebuild
from serving.store.worklist_query import (
    LEFT_ALONE,
    Filters,
    choices,
    count_by_band,
    lines,
)

DAY_US = 86_400_000_000
TOMBSTONES = Tombstones([b"key"])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    with engine.execution_options(writes=True).begin() as connection:
        prepare(connection, "")
        yield connection
    engine.dispose()


def put(store: sa.Connection, lead_id: str, **attributes: Any) -> None:
    put_leads(store, [NewLead(lead_id, 0, attributes)], 1, TOMBSTONES)


def score(
    store: sa.Connection, lead_id: str, probability: float, band: str, day: int = 1, **said: Any
) -> None:
    step = {"channel": "phone", "rhythm": "today", "message": "Call.", "because": band}
    answer = {"reasons": [], "next_step": step, "low_evidence": False, "rules": None, **said}
    row = ScoreRow(
        f"{lead_id}-{day}", lead_id, day * DAY_US, day * DAY_US, "r1", "1", "champion",
        probability, band, "h", "store", "en", 3, msgspec.Raw(b"{}"),
        msgspec.Raw(json.dumps(answer).encode()), "[]",
    )  # fmt: skip
    move_in(store, [row], TOMBSTONES)


def closed(store: sa.Connection, lead_id: str, outcome: str, day: int = 9) -> None:
    row = {"lead_id": lead_id, "outcome": outcome, "occurred_us": day * DAY_US, "received_us": 1}
    assert add_rows(store, tables.outcome, [row], TOMBSTONES) == ["taken"]


def happened(store: sa.Connection, lead_id: str, kind: str) -> None:
    row = {
        "lead_id": lead_id, "occurred_us": DAY_US, "kind": kind, "value": None, "duration_s": None,
        "channel": None, "source": "crm", "event_id": f"{lead_id}-{kind}", "received_us": 1,
    }  # fmt: skip
    assert add_rows(store, tables.interaction, [row], TOMBSTONES) == ["taken"]


def listed(store: sa.Connection, **filters: Any) -> list[str]:
    return [line.row.lead_id for line in lines(store, Filters(**filters), 50, 0)]


def held(store: sa.Connection) -> list[dict[str, Any]]:
    rows = store.execute(sa.select(worklist).order_by(worklist.c.lead_id))
    return [dict(row._mapping) for row in rows]


def test_leads_are_ranked_by_their_newest_score(store: sa.Connection) -> None:
    for lead_id, p, band in (("a", 0.2, "warm"), ("b", 0.6, "hot"), ("c", 0.05, "cold")):
        put(store, lead_id)
        score(store, lead_id, p, band)
    assert listed(store) == ["b", "a", "c"]
    score(store, "c", 0.7, "hot", day=2)
    score(store, "a", 0.9, "hot", day=0)  # an older moment, scored later, changes nothing
    assert listed(store) == ["c", "b", "a"]
    assert count_by_band(store, Filters()) == {"hot": 2, "warm": 1, "cold": 0}


def test_the_closed_and_those_not_to_be_contacted_leave_at_once(store: sa.Connection) -> None:
    pause = {"channel": "none", "rhythm": "pause", "message": "Pause.", "because": "x"}
    for lead_id in ("open", "won", "out", "never", "paused", "later"):
        put(store, lead_id, **({"do_not_contact": "yes"} if lead_id == "never" else {}))
        score(store, lead_id, 0.6, "hot", **({"next_step": pause} if lead_id == "paused" else {}))
    closed(store, "won", "converted")
    happened(store, "out", "unsubscribe")
    happened(store, "open", "page_view")
    row = {"lead_id": "later", "attribute": "do_not_contact", "value": "true", "answered_us": 5}
    add_rows(store, tables.answer, [{**row, "received_us": 1}], TOMBSTONES)
    assert listed(store) == ["open"]
    assert set(listed(store, show=LEFT_ALONE)) == {"out", "never", "paused", "later"}
    score(store, "paused", 0.6, "hot", day=2)
    score(store, "out", 0.9, "hot", day=2)  # a new score brings nobody back who opted out
    assert set(listed(store)) == {"open", "paused"}


@pytest.mark.parametrize(
    ("name", "value", "is_listed"),
    [("HasOptedOutOfEmail", "yes", False), ("ne_pas_contacter", "true", False),
     ("Do Not Call", "do not call", False), ("do_not_call", "no", True), ("country", "yes", True)],
)  # fmt: skip
def test_what_forbids_contact_is_what_forbids_it_everywhere(
    store: sa.Connection, name: str, value: str, is_listed: bool
) -> None:
    put(store, "then", **{name: value})
    put(store, "later")
    for lead_id in ("then", "later"):
        score(store, lead_id, 0.6, "hot")
    row = {"lead_id": "later", "attribute": name, "value": value, "answered_us": 5}
    add_rows(store, tables.answer, [{**row, "received_us": 1}], TOMBSTONES)
    assert listed(store) == (["later", "then"] if is_listed else [])


def test_filters_use_the_last_known_attributes(store: sa.Connection) -> None:
    put(store, "a", owner="Nina", source="web", company="Acme", name="Ann")
    put(store, "b", owner="Omar", source="web")
    for lead_id in ("a", "b"):
        score(store, lead_id, 0.3, "warm")
    assert listed(store, owner="Nina") == ["a"]
    assert choices(store)["owner"] == ["Nina", "Omar"]
    put_leads(store, [NewLead("a", 0, {"owner": "Omar"})], 7, TOMBSTONES)
    assert listed(store, owner="Omar", source="web") == ["a", "b"]
    assert listed(store, search="ACM") == ["a"]
    assert listed(store, search="%") == []
    prepare(store, '{"owner":"company"}')
    assert listed(store, owner="Acme") == ["a"]


def test_a_lead_scored_from_a_body_is_on_the_list(store: sa.Connection) -> None:
    body = msgspec.Raw(b'{"lead_id":"x","attributes":{"owner":"Nina"}}')
    row = ScoreRow(
        "s", "x", 1, 1, "r1", "1", "champion", 0.5, "hot", "h", "body", "en", 3, body,
        msgspec.Raw(b'{"reasons":[]}'), "[]",
    )  # fmt: skip
    move_in(store, [row], TOMBSTONES)
    assert listed(store, owner="Nina") == ["x"]
    put(store, "x", owner="Omar")
    assert listed(store, owner="Omar") == ["x"]


def test_an_overruled_band_sticks_until_it_is_taken_back(store: sa.Connection) -> None:
    for lead_id, p, band in (("a", 0.1, "cold"), ("b", 0.6, "hot")):
        put(store, lead_id)
        score(store, lead_id, p, band)
    assert put_override(store, "a", 5, "key", "hot", "met at a fair")
    assert not put_override(store, "nobody", 5, "key", "hot", "met at a fair")
    assert listed(store, band="hot") == ["b", "a"]
    score(store, "a", 0.2, "warm", day=2)
    (line,) = lines(store, Filters(search="a"), 50, 0)
    assert (line.row.band, line.row.model_band) == ("hot", "warm")
    assert line.override is not None
    assert line.override.reason == "met at a fair"
    put_override(store, "a", 6, "key", "", "no")
    assert listed(store, band="hot") == ["b"]
    put_override(store, "b", 7, "key", "cold", "wrong number")
    closed(store, "b", "converted")
    assert [tuple(row) for row in judged_overrides(store)] == [("cold", "hot", 0.6, "converted")]


def test_made_again_the_lines_are_the_same(store: sa.Connection) -> None:
    for i, band in enumerate(("cold", "warm", "hot", "cold")):
        put(store, f"L{i}", owner=f"o{i % 2}", cost=i)
        for day in (1, 2, 3):
            score(store, f"L{i}", 0.1 * day + i / 100, band if day < 3 else "warm", day)
    closed(store, "L1", "lost")
    happened(store, "L2", "unsubscribe")
    put_override(store, "L3", 5, "key", "hot", "because")
    before, moves = held(store), store.execute(sa.select(sa.func.count()).select_from(band_move))
    n_moves = moves.scalar()
    assert rebuild(store) == 4
    assert held(store) == before
    again = store.scalar(sa.select(sa.func.count()).select_from(band_move))
    assert (n_moves, again) == (7, 7)


def test_an_erased_lead_leaves_nothing(store: sa.Connection) -> None:
    put(store, "a")
    score(store, "a", 0.6, "hot")
    put_override(store, "a", 5, "key", "cold", "because")
    gone = erase(store, ["a"], 9, TOMBSTONES)
    assert (gone["worklist"], gone["override"], gone["band_move"]) == (1, 1, 1)
    assert held(store) == []


def test_the_funnel_counts_each_lead_once(store: sa.Connection) -> None:
    leads = (("a", "web", 10.0), ("b", "web", None), ("c", "fair", 30.0), ("d", "fair", 20.0))
    for lead_id, source, cost in leads:
        put(store, lead_id, source=source, **({} if cost is None else {"cost": cost}))
        score(store, lead_id, 0.1, "cold", 1)
    score(store, "a", 0.3, "warm", 3)
    score(store, "a", 0.7, "hot", 4)
    score(store, "c", 0.3, "warm", 5)
    closed(store, "a", "converted", day=9)
    closed(store, "c", "lost", day=9)
    found = funnel(store, None, None)
    assert (found.total.leads, found.total.converted, found.total.lost) == (4, 1, 1)
    assert found.moves == {
        ("", "cold"): 4, ("cold", "warm"): 2, ("warm", "hot"): 1, ("hot", "converted"): 1,
        ("warm", "lost"): 1,
    }  # fmt: skip
    assert found.days_in == {"cold": (3.0, 2), "warm": (2.5, 2), "hot": (5.0, 1)}
    web, fair = (dict(found.by_source)[name] for name in ("web", "fair"))
    assert (web.cost, web.priced, web.cost_per_lead, web.cost_per_conversion) == (10, 1, 10, 10)
    assert (fair.cost, fair.cost_per_lead, fair.cost_per_conversion) == (50, 25, None)
    assert found.total.cost_per_conversion == 60
    assert found.over_time == [("1970-01", {"cold": (2, 1)})]
    assert funnel(store, DAY_US, None).total.leads == 0
    assert funnel(store, None, 10**18) == found  # by the lines, not by the moves alone
    rebuild(store)
    assert funnel(store, None, None) == found


def test_fit_and_engagement_make_a_matrix(store: sa.Connection) -> None:
    points = {"a": (40, 100), "b": (5, 10), "c": (40, 90), "d": (-5, 40)}
    assert matrix(store) is None
    for lead_id, (fit, engagement) in points.items():
        put(store, lead_id)
        score(store, lead_id, 0.3, "warm", rules={"fit": fit, "engagement": engagement})
    closed(store, "a", "converted")
    found = matrix(store)
    assert found is not None
    assert [[cell.leads for cell in row] for row in found.cells] == [
        [0, 0, 0, 2], [0, 0, 0, 0], [0, 0, 0, 0], [1, 1, 0, 0],
    ]  # fmt: skip
    assert (found.cells[0][3].closed, found.cells[0][3].converted) == (1, 1)
    assert found.fit_from == [30.0, 20.0, 10.0, 0.0]


def test_calibration_since_a_promotion_counts_first_scores_and_mature_leads(
    store: sa.Connection,
) -> None:
    for lead_id, p in (("a", 0.5), ("b", 0.25), ("c", 0.1)):
        put(store, lead_id)
        score(store, lead_id, p, "warm", day=8 if lead_id == "c" else 1)
    score(store, "a", 0.9, "hot", day=2)
    closed(store, "a", "converted", day=4)
    closed(store, "c", "converted", day=9)
    found = since_promotion(store, "r1", 5 * DAY_US, 10 * DAY_US)
    assert found.probability.tolist() == [0.5, 0.25, 0.1]
    assert found.mature.tolist() == [True, True, False]
    assert found.converted.tolist() == [True, False, True]
    assert found.band.tolist() == ["warm"] * 3
