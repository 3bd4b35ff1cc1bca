"""Stored leads are scored anew after events, with age and by a new release; the list follows."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from small_release import small_release
from stored_scores import TOMBSTONES, new_store

from features.errors import StorageBusy
from serving.predictor.predictor import Predictor
from serving.predictor.refresh import Refresher
from serving.predictor.replay import replay
from serving.settings import Settings
from serving.store import refresh_queue, tables
from serving.store.corrections import Edit, Patch, merge, patch_lead, withdraw
from serving.store.histories import histories_now, history
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, known_leads, put_leads
from serving.store.overrides import put_override
from serving.store.page_tables import worklist
from serving.store.ranking import LeadList, ListQuery, lead_list, listed_release
from serving.store.tombstones import erase
from serving.timestamps import microseconds

NOW = datetime(2026, 3, 1, tzinfo=UTC)
NOW_US = microseconds(NOW)
DAY = timedelta(days=1)
HOUR_US = 3_600_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("releases")


@pytest.fixture(scope="module")
def releases(folder: Path) -> list[Predictor]:
    made = [small_release(folder / str(i), coefficient=0.8 + i) for i in range(2)]
    return [Predictor(release, str(i + 1)) for i, release in enumerate(made)]


class House:
    """A store, a refresher on it, and the clock."""

    def __init__(self, folder: Path) -> None:
        self.home = folder
        engine = new_store(folder)
        self.engine = engine.execution_options(writes=True)
        self.refresher = Refresher(engine, Settings(home=folder), TOMBSTONES)
        self.now = NOW

    def put(self, lead_id: str, days_old: int = 20, **attributes: Any) -> None:
        created_us = microseconds(NOW - days_old * DAY)
        now_us = microseconds(self.now)
        with self.engine.begin() as c:
            put_leads(c, [NewLead(lead_id, created_us, attributes)], now_us, TOMBSTONES)

    def views(self, lead_id: str, count: int, ahead: timedelta = timedelta(0)) -> None:
        now_us = microseconds(self.now)
        rows = [
            {"lead_id": lead_id, "kind": "page_view", "value": None, "duration_s": None,
             "occurred_us": now_us - i * HOUR_US + microseconds(NOW + ahead) - NOW_US,
             "channel": None, "source": "web", "event_id": f"{lead_id}-{now_us}-{i}",
             "received_us": now_us}
            for i in range(count)
        ]  # fmt: skip
        with self.engine.begin() as c:
            add_rows(c, tables.interaction, rows, TOMBSTONES)

    def close(self, lead_id: str) -> None:
        now_us = microseconds(self.now)
        row = {"lead_id": lead_id, "outcome": "lost", "occurred_us": now_us, "received_us": now_us}
        with self.engine.begin() as c:
            add_rows(c, tables.outcome, [row], TOMBSTONES)

    def refresh(self, predictor: Predictor, limit: int = 100) -> int:
        self.now += timedelta(seconds=1)
        return self.refresher.run_once(predictor, self.now, limit)

    def list(self, **query: Any) -> LeadList:
        with self.engine.begin() as c:
            return lead_list(c, ListQuery(**query))

    def ids(self, **query: Any) -> list[str]:
        return [row.lead_id for row in self.list(**query).rows]

    def count(self, table: sa.Table) -> int:
        """Rows that are of a lead."""
        with self.engine.begin() as c:
            return c.scalar(sa.select(sa.func.count(table.c.lead_id))) or 0


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.engine.dispose()


def test_a_new_lead_and_its_events_are_scored_without_being_asked(
    house: House, releases: list[Predictor]
) -> None:
    house.put("a", name="Ada", owner="karim", source="web", account_id=7)
    assert house.refresh(releases[0]) == 1
    (before,) = house.list().rows
    shown = (before.name, before.owner, before.source, before.account, before.outcome)
    assert shown == ("Ada", "karim", "web", "7", None)
    house.views("a", 5)
    assert house.refresh(releases[0]) == 1
    (after,) = house.list().rows
    assert after.probability > before.probability + 0.1
    assert json.loads(after.reasons)[0]["text"].startswith("5 ")
    assert house.refresh(releases[0]) == 0
    with house.engine.begin() as c:
        kinds = c.scalars(sa.select(tables.change.c.kinds).order_by(tables.change.c.seq)).all()
    assert kinds[0] == ",first,"
    assert "probability" in kinds[-1]


def test_a_band_of_a_person_holds_though_the_model_said_the_same(
    house: House, releases: list[Predictor]
) -> None:
    house.put("a")
    house.refresh(releases[0])
    (before,) = house.list().rows
    with house.engine.begin() as c:
        assert put_override(c, "a", NOW_US, "rep", before.band, "met them at the fair")
    house.views("a", 300)
    house.refresh(releases[0])
    with house.engine.begin() as c:
        line = c.execute(sa.select(worklist.c.band, worklist.c.model_band)).one()
    assert line.band == before.band != line.model_band


def test_a_refreshed_score_can_be_replayed(
    house: House, releases: list[Predictor], folder: Path
) -> None:
    house.put("a")
    house.views("a", 3)
    house.refresh(releases[0])
    house.views("a", 2)  # what came later is not seen by the replay
    (row,) = house.list().rows
    settings = Settings(home=house.home, release=folder / "0")
    assert replay(settings, row.score_id).identical


def test_many_histories_are_read_as_each_is(house: House) -> None:
    """Merged twice, corrected, with a row withdrawn, without anything, and of no lead."""
    for lead_id in "abcdef":
        house.put(lead_id, employees=7)
    for lead_id, count in zip("abcd", (3, 1, 2, 4), strict=True):
        house.views(lead_id, count)
    house.put("e", employees=9)  # known already: an answer
    edit = Edit(NOW_US + 1, "rep")
    with house.engine.begin() as c:
        for lead_id, into in (("a", "b"), ("b", "c")):
            known = known_leads(c, [lead_id, into])
            merge(c, known[lead_id], known[into], edit)
        withdraw(c, tables.interaction, [("web", f"d-{NOW_US}-0")], edit)
        patch_lead(c, known_leads(c, ["e"])["e"], Patch({}, {"employees": 8.0}, NOW_US - 5), edit)
        found = histories_now(c, [*"cdef", "nobody"])
        assert sorted(found) == [*"cdef"]
        for lead_id, stored in found.items():
            alone = history(c, lead_id)
            assert alone is not None
            assert (stored.lead, stored.read) == (alone.lead, alone.read)
            assert (stored.created_us, stored.attributes) == (alone.created_us, alone.attributes)
        assert [len(found[one].lead.lists.kinds) for one in "cdef"] == [6, 3, 0, 0]
        assert found["e"].lead.lists.answers == ("9",)


def test_what_is_written_while_a_lead_is_scored_is_seen_next(
    house: House, releases: list[Predictor], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.put("a")

    def meanwhile(connection: sa.Connection, lead_ids: list[str]) -> Any:
        found = histories_now(connection, lead_ids)
        house.views("a", 1)
        return found

    with monkeypatch.context() as patched:
        patched.setattr("serving.predictor.refresh.histories_now", meanwhile)
        house.refresh(releases[0])
    assert house.refresh(releases[0]) == 1
    assert house.refresh(releases[0]) == 0


def test_an_event_of_a_clock_ahead_is_seen_when_its_moment_has_come(
    house: House, releases: list[Predictor]
) -> None:
    house.put("a")
    house.refresh(releases[0])
    house.views("a", 1, ahead=timedelta(minutes=3))
    assert house.refresh(releases[0]) == 0
    house.now += timedelta(minutes=3)
    assert house.refresh(releases[0]) == 1


def test_scores_age_and_what_hardly_moves_is_not_stored_again(
    house: House, releases: list[Predictor]
) -> None:
    house.put("a")
    house.views("a", 4)
    house.put("quiet")
    house.refresh(releases[0])
    stored = house.count(tables.score)
    assert house.refresh(releases[0]) == 0
    house.now += DAY
    assert house.refresh(releases[0]) == 2
    assert house.count(tables.score) == stored
    assert house.refresh(releases[0]) == 0
    house.now += 8 * DAY  # the views leave the window of seven days
    assert house.refresh(releases[0]) == 2
    assert house.count(tables.score) == stored + 1


def test_the_list_changes_to_a_release_when_it_has_scored_every_open_lead(
    house: House, releases: list[Predictor]
) -> None:
    old, new = releases
    for i in range(5):
        house.put(f"lead-{i}")
        house.views(f"lead-{i}", i)
    house.put("closed")
    house.refresh(old)
    house.close("closed")
    house.refresh(old)
    assert house.list().release_id == old.release_id
    assert [house.refresh(new, limit=2) for _ in range(2)] == [2, 2]
    half = house.list()
    assert (half.release_id, half.total) == (old.release_id, 5)
    assert house.refresh(new, limit=2) == 1
    whole = house.list()
    assert (whole.release_id, whole.total) == (new.release_id, 5)
    assert {row.release_id for row in whole.rows} == {new.release_id}
    assert house.ids(status="closed", release="any") == ["closed"]
    with house.engine.begin() as c:
        last = c.scalar(sa.select(tables.change.c.body).order_by(tables.change.c.seq.desc()))
    said = json.loads(last or "")
    assert said["type"] == "release.changed"
    assert said["data"]["model"]["release_id"] == new.release_id
    assert said["data"]["before"] == {"version": "1", "release_id": old.release_id}


def test_events_of_leads_not_yet_scored_do_not_end_the_pass(
    house: House, releases: list[Predictor]
) -> None:
    old, new = releases
    for i in range(6):
        house.put(f"lead-{i}")
    house.refresh(old)
    house.views("lead-0", 1)
    house.views("lead-1", 1)
    house.refresh(new, limit=3)  # two for their events, and one of them as not yet scored
    assert house.list().release_id == old.release_id
    while house.refresh(new, limit=3):
        pass
    assert (house.list().release_id, house.list().total) == (new.release_id, 6)


def test_leads_whose_scores_could_not_be_stored_come_again(
    house: House, releases: list[Predictor], monkeypatch: pytest.MonkeyPatch
) -> None:
    for i in range(6):
        house.put(f"lead-{i}")
    house.refresh(releases[0])

    def busy(*_: object) -> None:
        raise StorageBusy("locked")

    with monkeypatch.context() as patched:
        patched.setattr("serving.predictor.refresh.move_in", busy)
        with pytest.raises(StorageBusy):
            house.refresh(releases[1], limit=4)
    while house.refresh(releases[1], limit=4):
        pass
    assert (house.list().release_id, house.list().total) == (releases[1].release_id, 6)


def test_events_go_before_a_new_release(house: House, releases: list[Predictor]) -> None:
    for i in range(6):
        house.put(f"lead-{i}")
    house.refresh(releases[0])
    house.views("lead-5", 3)
    house.refresh(releases[1], limit=2)
    assert "lead-5" in house.ids(release=releases[1].release_id)


def test_closed_and_erased_leads_are_not_scored(house: House, releases: list[Predictor]) -> None:
    for name in ("open", "closed", "erased"):
        house.put(name)
    house.close("closed")
    with house.engine.begin() as c:
        erase(c, ["erased"], NOW_US, TOMBSTONES)
    house.refresh(releases[0])
    assert house.ids(status="all") == ["open"]
    assert house.count(tables.refresh_queue) == 0


def test_a_lead_erased_while_it_is_scored_stays_erased(
    house: House, releases: list[Predictor], monkeypatch: pytest.MonkeyPatch
) -> None:
    house.put("a")

    def meanwhile(connection: sa.Connection, lead_ids: list[str]) -> Any:
        found = histories_now(connection, lead_ids)
        with house.engine.begin() as c:
            erase(c, ["a"], NOW_US, TOMBSTONES)
        return found

    monkeypatch.setattr("serving.predictor.refresh.histories_now", meanwhile)
    house.refresh(releases[0])
    for table in (tables.score, tables.latest_score, tables.reported, tables.change):
        assert house.count(table) == 0


def test_a_lead_that_cannot_be_scored_holds_nobody_up(
    house: House, releases: list[Predictor]
) -> None:
    with house.engine.begin() as c:
        put_leads(c, [NewLead("without a creation", None, {})], NOW_US, TOMBSTONES)
    house.put("b")
    house.refresh(releases[0])
    assert house.ids() == ["b"]
    assert house.list().release_id == releases[0].release_id
    assert house.refresh(releases[0]) == 0


def test_filters_orders_and_totals(house: House, releases: list[Predictor]) -> None:
    for i in range(7):
        owner, source = ("karim", "lena")[i % 2], ("web", "fair")[i // 4]
        house.put(f"lead-{i}", owner=owner, source=source, account_id=i // 3)
        house.views(f"lead-{i}", i)
    house.refresh(releases[0])
    everyone = house.list()
    assert everyone.total == 7 == sum(everyone.by_band.values())
    by_probability = [row.lead_id for row in everyone.rows]
    assert by_probability == [f"lead-{i}" for i in reversed(range(7))]
    assert house.ids(order="probability") == by_probability[::-1]
    assert house.ids(order="lead_id") == sorted(by_probability)
    assert set(house.ids(owner="karim")) == {f"lead-{i}" for i in (0, 2, 4, 6)}
    assert set(house.ids(owner="karim", source="fair")) == {"lead-4", "lead-6"}
    assert set(house.ids(account="0")) == {"lead-0", "lead-1", "lead-2"}
    third = everyone.rows[2].probability
    assert house.ids(min_probability=third) == by_probability[:3]
    band = everyone.rows[0].band
    assert house.list(band=band).total == everyone.by_band[band]
    house.views("lead-0", 30)
    house.refresh(releases[0])
    later = microseconds(house.now)
    assert house.ids(updated_since_us=later) == ["lead-0"]
    assert house.ids(order="-updated")[0] == "lead-0"
    for order in ("-probability", "probability", "-updated", "updated", "lead_id"):
        seen: list[str] = []
        cursor: str | None = None
        while True:
            page = house.list(order=order, limit=2, cursor=cursor)
            seen += [row.lead_id for row in page.rows]
            cursor = page.next
            if cursor is None:
                break
        assert seen == house.ids(order=order)


def test_what_the_list_shows_follows_answers(house: House, releases: list[Predictor]) -> None:
    house.put("a", owner="karim")
    house.refresh(releases[0])
    house.put("a", owner="lena")  # the creation is the same: the owner was learned later
    house.refresh(releases[0])
    assert house.ids(owner="lena") == ["a"]


def test_without_a_refresher_the_list_is_of_the_release_with_the_most_leads(
    house: House, releases: list[Predictor]
) -> None:
    for i in range(3):
        house.put(f"lead-{i}")
    house.refresh(releases[0])
    with house.engine.begin() as c:
        assert listed_release(c, refreshed=False) == releases[0].release_id
        refresh_queue.clear(c)
        assert refresh_queue.depth(c) == (0, None)
