"""Rows are found by their keys through an index, however many rows there are."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.store import tables
from serving.store.bulk import _sqlite_lookup, insert_new, is_one_of, lookup, put_values
from serving.store.database import connect
from serving.store.ingest import KEYS
from serving.store.migrate import migrate


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    with engine.execution_options(writes=True).begin() as opened:
        yield opened
    engine.dispose()


def act(number: int) -> dict[str, object]:
    return {
        "lead_id": f"L-{number % 7}", "occurred_us": number, "kind": "page_view", "value": 0.1,
        "duration_s": None, "channel": None, "source": "crm", "event_id": f"é'\"{number}",
        "received_us": 1,
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(KEYS))
def test_a_lookup_never_reads_the_whole_table(connection: sa.Connection, name: str) -> None:
    table = tables.metadata.tables[name]
    for names in (KEYS[name], ("lead_id",)):
        text = sa.text(f"EXPLAIN QUERY PLAN {_sqlite_lookup(table, names).text}")
        plan = [row.detail for row in connection.execute(text, {"keys": '[["a", "b", 1]]'})]
        assert [step for step in plan if step.startswith("SCAN")] == [
            "SCAN w VIRTUAL TABLE INDEX 1:"
        ]
        assert any(step.startswith("SEARCH t USING") for step in plan), plan


def test_rows_are_inserted_once_and_found_by_their_keys(connection: sa.Connection) -> None:
    rows = [act(i) for i in range(150)]
    assert insert_new(connection, tables.interaction, rows[:100]) == 100
    assert insert_new(connection, tables.interaction, rows) == 50
    wanted = [("crm", row["event_id"]) for row in rows[::3]] + [("crm", "none"), ("x", "é'\"3")]
    found = lookup(connection, tables.interaction, KEYS["interaction"], wanted)
    assert {row["event_id"] for row in found} == {row["event_id"] for row in rows[::3]}
    assert {row["value"] for row in found} == {0.1}
    of_leads = lookup(connection, tables.interaction, ["lead_id"], [("L-1",), ("L-2",)])
    assert len(of_leads) == sum(row["lead_id"] in ("L-1", "L-2") for row in rows)


def test_rows_of_many_keys_are_found_and_put_through_the_index(connection: sa.Connection) -> None:
    table, key = tables.alias, tables.alias.c.alias_id
    ids = [f"é'\"{i}" for i in range(150)]

    def rows(into: str) -> list[dict[str, object]]:
        return [
            {"alias_id": i, "lead_id": into, "into_id": into, "correction_id": 1, "since_us": 1}
            for i in ids
        ]

    put_values(connection, table, ["alias_id"], rows("a"))
    put_values(connection, table, ["alias_id"], rows("b")[:70])
    query = sa.select(table.c.lead_id).where(is_one_of(connection, key, [*ids[60:80], "none"]))
    assert sorted(connection.scalars(query)) == ["a"] * 10 + ["b"] * 10
    assert list(connection.scalars(sa.select(key).where(is_one_of(connection, key, [])))) == []
    plan = connection.execute(sa.text(f"EXPLAIN QUERY PLAN {query}"), {"keys_1": "[]"})
    assert "SEARCH alias USING" in "".join(row.detail for row in plan)
