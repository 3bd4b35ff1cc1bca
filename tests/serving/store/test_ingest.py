"""What makes an event the same event, and what becomes of one that says something else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from serving.store import tables
from serving.store.corrections import Edit, merge, withdraw
from serving.store.database import connect
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, known_leads, put_leads
from serving.store.migrate import migrate
from serving.store.tombstones import Tombstones, erase, load_tombstones

DAY = 86_400_000_000
Opened = tuple[sa.Connection, Tombstones]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    with engine.execution_options(writes=True).begin() as connection:
        tombstones = load_tombstones(connection)
        put_leads(connection, [NewLead(i, DAY, {}) for i in ("A", "B", "C")], DAY, tombstones)
        yield connection, tombstones
    engine.dispose()


def act(lead_id: str = "A", event_id: str | None = "e-1", **changes: Any) -> dict[str, Any]:
    return {
        "lead_id": lead_id, "occurred_us": 2 * DAY, "kind": "call", "value": None,
        "duration_s": 60.0, "channel": "phone", "source": "crm", "event_id": event_id,
        "received_us": 3 * DAY, **changes,
    }  # fmt: skip


def add(opened: Opened, *rows: dict[str, Any]) -> list[str]:
    connection, tombstones = opened
    return add_rows(connection, tables.interaction, rows, tombstones)


@pytest.mark.parametrize(
    "change", [{"kind": "visit"}, {"occurred_us": 1}, {"value": 1.0}, {"duration_s": None},
               {"channel": "web"}, {"lead_id": "B"}],
)  # fmt: skip
def test_an_event_id_with_other_content_is_a_conflict(opened: Opened, change: Any) -> None:
    assert add(opened, act(), act(), act(**change)) == ["taken", "repeated", "conflict"]
    assert add(opened, act(**change), act(received_us=9)) == ["conflict", "repeated"]


def test_an_event_without_an_id_is_known_by_its_content(opened: Opened) -> None:
    one, other = act(event_id=None), act(event_id=None, duration_s=61.0)
    assert add(opened, one, one, other) == ["taken", "repeated", "taken"]
    assert add(opened, other, one) == ["repeated", "repeated"]


def test_a_withdrawn_event_stays_so_unless_it_says_something_else(opened: Opened) -> None:
    connection, _ = opened
    add(opened, act())
    keys = [("crm", "e-1"), ("crm", "e-2")]
    edit = Edit(4 * DAY, "test")
    assert withdraw(connection, tables.interaction, keys, edit) == ["withdrawn", "unknown_event"]
    assert withdraw(connection, tables.interaction, keys[:1], edit) == ["repeated"]
    assert add(opened, act(), act(duration_s=90.0)) == ["withdrawn", "taken"]


def test_rows_of_a_merged_lead_are_the_other_ones(opened: Opened) -> None:
    connection, tombstones = opened
    add(opened, act("A", None), act("A", "e-9"))
    leads = known_leads(connection, ["A", "B", "C"])
    assert merge(connection, leads["A"], leads["B"], Edit(4 * DAY, "test")) == 2
    merge(connection, leads["B"], leads["C"], Edit(5 * DAY, "test"))
    # sent again under any id it is the same event; what is new is the last lead's
    assert add(opened, act("A", None), act("B", "e-9"), act("C", None)) == [
        "repeated", "repeated", "repeated",
    ]  # fmt: skip
    assert add(opened, act("A", "new")) == ["taken"]
    rows = connection.execute(
        sa.select(tables.interaction.c.lead_id).where(tables.interaction.c.event_id == "new")
    )
    assert rows.scalars().all() == ["C"]
    erase(connection, ["C", "B", "A"], 6 * DAY, tombstones)
    assert add(opened, act("A", "later"), act("B", "later"), act("C", "later")) == ["erased"] * 3


def test_a_lead_twice_in_a_batch_is_created_and_then_changed(opened: Opened) -> None:
    connection, tombstones = opened
    leads = [NewLead("D", DAY, {"size": n}) for n in (1.0, 1.0, 2.0, 3.0)] + [NewLead("D", 2, {})]
    became = put_leads(connection, leads, 3 * DAY, tombstones)
    assert [word for word, _ in became] == [
        "created",
        "unchanged",
        "changed",
        "changed",
        "conflict",
    ]
    values = connection.scalars(sa.select(tables.answer.c.value).order_by("id")).all()
    assert values == ["2", "3"]


@contextmanager
def counted(connection: sa.Connection) -> Iterator[list[str]]:
    """The statements that are sent meanwhile; many rows of one are one."""
    sent: list[str] = []

    def note(_: Any, __: Any, statement: str, *___: Any) -> None:
        sent.append(statement)

    sa.event.listen(connection.engine, "before_cursor_execute", note)
    yield sent
    sa.event.remove(connection.engine, "before_cursor_execute", note)


def test_one_lead_many_times_in_a_batch_holds_nobody_up(opened: Opened) -> None:
    """A thousand rows held the one writer for 6 s: a dozen statements a row."""
    connection, tombstones = opened
    counts = []
    for name, size in (("few", 3), ("many", 60)):
        leads = [NewLead(name, DAY, {"size": float(n)}) for n in range(size)]
        with counted(connection) as sent:
            became = put_leads(connection, leads, 3 * DAY, tombstones)
        assert [word for word, _ in became] == ["created"] + ["changed"] * (size - 1)
        counts.append(len(sent))
    assert counts[1] <= counts[0] + 10  # rows go in parts
    queue = tables.refresh_queue.c
    last = sa.select(queue.at_us).where(queue.lead_id == "many")
    assert max(connection.scalars(last)) == 3 * DAY + 60


def test_rows_of_many_leads_are_withdrawn_together(opened: Opened) -> None:
    connection, tombstones = opened
    ids = [f"W-{n}" for n in range(60)]
    put_leads(connection, [NewLead(i, DAY, {}) for i in ids], DAY, tombstones)
    assert set(add(opened, *(act(i, i) for i in ids))) == {"taken"}
    counts = []
    for part in (ids[:2], ids[2:]):
        with counted(connection) as sent:
            became = withdraw(
                connection, tables.interaction, [("crm", i) for i in part], Edit(9, "")
            )
        assert became == ["withdrawn"] * len(part)
        counts.append(len(sent))
    assert counts[1] <= counts[0] + 10
    aside, made = tables.withdrawn_interaction.c, tables.correction.c
    pairs = sa.select(aside.lead_id).join(
        tables.correction, (made.id == aside.correction_id) & (made.lead_id == aside.lead_id)
    )
    assert sorted(connection.scalars(pairs)) == sorted(ids)
