"""The worklist, overruled bands and the funnel on PostgreSQL, as on SQLite."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from serving.store import tables
from serving.store.database import connect
from serving.store.funnel import funnel
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, put_leads
from serving.store.matrix import matrix
from serving.store.migrate import migrate
from serving.store.overrides import judged_overrides, put_override
from serving.store.scores import ScoreRow, move_in
from serving.store.since_promotion import since_promotion
from serving.store.tombstones import Tombstones
from serving.store.worklist_lines import prepare, rebuild
from serving.store.worklist_query import Filters, choices, count_by_band, lines

DAY_US = 86_400_000_000
TOMBSTONES = Tombstones([b"key"])


def score(lead_id: str, probability: float, band: str, day: int) -> ScoreRow:
    answer = {"reasons": [], "low_evidence": day > 1, "rules": {"fit": 4, "engagement": 9}}
    return ScoreRow(
        f"{lead_id}-{day}", lead_id, day * DAY_US, day * DAY_US, "r1", "1", "champion",
        probability, band, "h", "store", "en", 3, msgspec.Raw(b"{}"),
        msgspec.Raw(json.dumps(answer).encode()), "[]",
    )  # fmt: skip


def test_the_pages_on_postgresql(postgresql: Any) -> None:
    engine = connect(postgresql.url)
    migrate(engine)
    with engine.begin() as connection:
        prepare(connection, "")
        for i, lead_id in enumerate("abcd"):
            attributes = {"owner": f"o{i % 2}", "source": "web", "cost": 10.0}
            put_leads(connection, [NewLead(lead_id, DAY_US, attributes)], 1, TOMBSTONES)
        move_in(connection, [score(one, 0.1, "cold", 1) for one in "abcd"], TOMBSTONES)
        move_in(connection, [score("a", 0.3, "warm", 3), score("b", 0.7, "hot", 3)], TOMBSTONES)
        put_override(connection, "c", 5, "key", "hot", "met")
        ended = {"lead_id": "b", "outcome": "converted", "occurred_us": 9 * DAY_US}
        add_rows(connection, tables.outcome, [{**ended, "received_us": 1}], TOMBSTONES)
        out = {
            "lead_id": "d", "occurred_us": DAY_US, "kind": "unsubscribe", "value": None,
            "duration_s": None, "channel": None, "source": "crm", "event_id": "1",
            "received_us": 1,
        }  # fmt: skip
        add_rows(connection, tables.interaction, [out], TOMBSTONES)
    for _ in range(2):
        with engine.begin() as connection:
            assert [line.row.lead_id for line in lines(connection, Filters(), 9, 0)] == ["c", "a"]
            assert count_by_band(connection, Filters()) == {"hot": 1, "warm": 1, "cold": 0}
            assert choices(connection)["owner"] == ["o0", "o1"]
            assert [x.row.lead_id for x in lines(connection, Filters(search="A"), 9, 0)] == ["a"]
            found = funnel(connection, None, None)
            assert found.moves == {
                ("", "cold"): 4, ("cold", "warm"): 1, ("cold", "hot"): 1, ("hot", "converted"): 1,
            }  # fmt: skip
            assert found.days_in == {"cold": (2.0, 2), "hot": (6.0, 1)}
            assert found.total.cost_per_conversion == 40
            cells = matrix(connection)
            assert cells is not None
            assert cells.cells[0][3].leads == 4
            since = since_promotion(connection, "r1", 9 * DAY_US, 12 * DAY_US)
            assert (len(since), since.mature.sum(), since.converted.sum()) == (4, 4, 1)
            assert judged_overrides(connection) == []
            assert rebuild(connection) == 4  # made again, everything is as it was
    engine.dispose()
