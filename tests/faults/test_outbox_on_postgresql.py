"""The outbox on PostgreSQL: numbers appear in their order, and one process sends at a time."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from stored_scores import TOMBSTONES, enter, score_row

from serving.outbox.changes import changes_after, forget_changes_before
from serving.outbox.deliveries import DeliverySchedule, backlog, due, fan_out, settle
from serving.outbox.send import SendResult
from serving.outbox.webhooks import add_test, add_webhook, rotate_secret, webhook_row, webhooks
from serving.store import refresh_queue
from serving.store.database import connect
from serving.store.leader import Leader
from serving.store.migrate import migrate
from serving.store.ranking import ListQuery, lead_list
from serving.store.tombstones import erase

WRITERS, EACH = 3, 25


def reader(engine: sa.Engine, ended: threading.Event, seen: list[int]) -> None:
    """Follow the outbox as a CRM does."""
    after, last_turn = 0, False
    while not last_turn:
        last_turn = ended.is_set()
        with engine.begin() as connection:
            found = changes_after(connection, after, 7)
        assert found is not None
        rows, more = found
        seen += [row.seq for row in rows]
        after = rows[-1].seq if rows else after
        last_turn = last_turn and not more


def test_the_outbox_on_postgresql(postgresql: Any, tmp_path: Path) -> None:
    engine = connect(postgresql.url)
    migrate(engine)
    with engine.begin() as connection:
        webhook_id, _ = add_webhook(connection, "https://a.example/", None, 1, allow_private=False)

    # several machines write at once, one reads: it sees every number, in order
    ended, seen = threading.Event(), list[int]()
    reading = threading.Thread(target=reader, args=(engine, ended, seen))
    reading.start()

    def write(writer: int) -> None:
        for i in range(EACH):
            enter(engine, *(score_row(f"{writer}-{n}", i, 0.9 * (i % 2)) for n in range(3)))

    writers = [threading.Thread(target=write, args=(n,)) for n in range(WRITERS)]
    for thread in writers:
        thread.start()
    for thread in writers:
        thread.join()
    ended.set()
    reading.join()
    assert seen == sorted(set(seen))
    assert len(seen) == WRITERS * EACH * 3

    # deliveries, in order for each lead
    with engine.begin() as connection:
        row = webhook_row(connection, webhook_id)
        assert row is not None
        assert fan_out(connection, row, 10) == len(seen)
        first = due(connection, row, 10, 100)
        assert len(first) == WRITERS * 3
        results = [(one, SendResult(204 if i else 500)) for i, one in enumerate(first)]
        settle(connection, webhook_id, results, 20, DeliverySchedule(), random.Random(1))
        row = webhook_row(connection, webhook_id)
        assert row is not None
        assert len(due(connection, row, 30, 100)) == WRITERS * 3 - 1
        assert backlog(connection).pending == len(seen) - len(first) + 1
        assert webhooks(connection)[0].delivered == len(first) - 1
        assert add_test(connection, webhook_id, 30) is not None
        assert rotate_secret(connection, webhook_id, 30) is not None
        forget_changes_before(connection, 0)

    # the list, the refresh queue, erasure
    with engine.begin() as connection:
        refresh_queue.mark_changed(connection, {"0-0": 5, "0-1": 6})
        assert refresh_queue.waiting(connection, 5, 10)[0] == ["0-0"]
        page = lead_list(connection, ListQuery(owner="ada", limit=4))
        assert (len(page.rows), page.total) == (4, WRITERS * 3)
        query = ListQuery(cursor=page.next, order="-probability", release="any")
        assert len(lead_list(connection, query).rows) == WRITERS * 3 - 4
        gone = erase(connection, ["0-0"], 1, TOMBSTONES)
        assert min(gone[name] for name in ("change", "delivery", "reported", "refresh_queue")) > 0

    # one process at a time; the right ends with the connection that holds it
    one, other = (Leader(engine, tmp_path, "webhooks") for _ in range(2))
    assert one.hold()
    assert one.hold()
    assert not other.hold()
    one.release()
    assert other.hold()
    other.release()
    engine.dispose()
