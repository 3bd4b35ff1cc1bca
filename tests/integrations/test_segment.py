"""Miniature warehouses of Segment and of RudderStack, which differ in a column only.

https://www.twilio.com/docs/segment/connections/storage/warehouses/schema
https://www.rudderstack.com/docs/destinations/warehouse-destinations/warehouse-schema/
"""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_export import assert_contract, assert_table, cells, reasons, write_export

from integrations.history import Basis
from integrations.recipe import Choices
from integrations.run import import_export

# u1 was a1 before it signed up, and changed its plan; a9 never said who it was; u2 was u2-old
TABLES = {
    "identifies.csv": """
        id | user_id | anonymous_id | received_at              | timestamp                | email       | plan  | employees | context_ip
        i1 | u1      | a1           | 2026-01-05T09:00:01.000Z | 2026-01-05T09:00:00.000Z | a@a.example | free  | 10        | 192.0.2.1
        i2 | u1      | a1           | 2026-01-08T09:00:01.000Z | 2026-01-08T09:00:00.000Z | a@a.example | free  | 12        | 192.0.2.1
        i3 | u1      | a1           | 2026-02-05T09:00:01.000Z | 2026-02-05T09:00:00.000Z | a@a.example | pro   |           | 192.0.2.1
        i4 | u2      | a2           | 2026-01-06T09:00:01.000Z | 2026-01-06T09:00:00.000Z | b@b.example | trial |           | 192.0.2.2
    """,
    "tracks.csv": """
        id | user_id | anonymous_id | received_at              | timestamp                | event           | event_text
        t1 | u1      | a1           | 2026-02-10T09:00:01.000Z | 2026-02-10T09:00:00.000Z | order_completed | Order Completed
        t2 | u1      | a1           | 2026-03-10T09:00:01.000Z | 2026-03-10T09:00:00.000Z | order_completed | Order Completed
        t3 |         | a9           | 2026-01-02T09:00:01.000Z | 2026-01-02T09:00:00.000Z | demo_requested  | Demo Requested
        t4 | u2-old  | a3           | 2026-01-06T10:00:01.000Z | 2026-01-06T10:00:00.000Z | demo_requested  | Demo Requested
        t4 | u2-old  | a3           | 2026-01-06T10:00:09.000Z | 2026-01-06T10:00:00.000Z | demo_requested  | Demo Requested
    """,
    "pages.csv": """
        id | user_id | anonymous_id | received_at              | timestamp                | url
        p1 |         | a1           | 2026-01-04T09:00:01.000Z | 2026-01-04T09:00:00.000Z | https://site.example/pricing
    """,
    "aliases.csv": """
        id | user_id | previous_id | received_at              | timestamp
        l1 | u2      | u2-old      | 2026-01-07T09:00:01.000Z | 2026-01-07T09:00:00.000Z
    """,
}


def with_channel(drawn: str) -> str:
    rows = cells(drawn)
    return "\n".join(" | ".join([*row, "web" if n else "channel"]) for n, row in enumerate(rows))


@pytest.mark.parametrize("system", ["segment", "rudderstack"])
def test_the_dataset_that_comes_out(tmp_path: Path, system: str) -> None:
    tables = TABLES
    if system == "rudderstack":
        tables = {name: with_channel(drawn) for name, drawn in TABLES.items()}
    out = tmp_path / "out"
    report = import_export("auto", write_export(tmp_path / "export", tables), out)
    assert_contract(out)
    assert report.recipe == system
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | plan  | employees
        u1      | 2026-01-05T09:00:00Z | free  | 10
        u2      | 2026-01-06T09:00:00Z | trial |
        """,
    )
    assert_table(
        out,
        "answers",
        """
        lead_id | answered_at          | attribute | value
        u1      | 2026-01-08T09:00:00Z | employees | 12
        u1      | 2026-02-05T09:00:00Z | plan      | pro
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind
        u1      | 2026-01-04T09:00:00Z | page_view
        u1      | 2026-02-10T09:00:00Z | order_completed
        u1      | 2026-03-10T09:00:00Z | order_completed
        u2      | 2026-01-06T10:00:00Z | demo_requested
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        u1      | converted | 2026-02-10T09:00:00Z
        """,
    )
    assert_table(
        out,
        "aliases",
        """
        alias_id | lead_id
        a1       | u1
        a2       | u2
        a3       | u2
        u2-old   | u2
        """,
    )
    assert reasons(report) == [
        "tracks folded 1: the same id again",
        "tracks set aside 1: of a visitor who was never identified",
    ]
    bases = {field.name: field.basis for field in report.fields}
    assert bases == {"plan": Basis.HISTORY, "employees": Basis.HISTORY, "email": Basis.LEFT_OUT}


def test_an_event_of_ones_own_is_the_conversion(tmp_path: Path) -> None:
    out = tmp_path / "out"
    choices = Choices(
        words={"demo_requested": "converted", "order completed": "open", "order_completed": "open"}
    )
    import_export("segment", write_export(tmp_path / "export", TABLES), out, choices)
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        u2      | converted | 2026-01-06T10:00:00Z
        """,
    )
