"""A miniature of Google Analytics 4's BigQuery export, as Parquet with nested columns and as JSON lines.

https://support.google.com/analytics/answer/7029846
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_export import assert_contract, assert_table, cells, reasons

from integrations.recipe import Choices
from integrations.run import import_export

# p1 signs up on the 5th and gets the user_id c7; p2 only ever looks; p3 is lost; the intraday table repeats an event
DAILY = """
    at                  | event_name           | user_pseudo_id | user_id | source     | country | value
    2026-01-03 09:00:00 | first_visit          | p1             |         | newsletter | France  |
    2026-01-05 09:00:00 | generate_lead        | p1             |         | newsletter | Spain   | 20
    2026-01-06 09:00:00 | page_view            | p1             | c7      | newsletter | Spain   |
    2026-02-06 09:00:00 | close_convert_lead   | p1             | c7      | newsletter | Spain   |
    2026-01-04 09:00:00 | page_view            | p2             |         | (direct)   | Italy   |
    2026-01-07 09:00:00 | sign_up              | p3             |         | (direct)   | Italy   |
    2026-01-09 09:00:00 | close_unconvert_lead | p3             |         | (direct)   | Italy   |
    2026-01-09 10:00:00 | page_view            |                |         |            |         |
"""
INTRADAY = """
    at                  | event_name | user_pseudo_id | user_id | source     | country | value
    2026-01-06 09:00:00 | page_view  | p1             | c7      | newsletter | Spain   |
"""


def rows(drawn: str) -> list[dict[str, object]]:
    names, *lines = cells(drawn)
    found = []
    for line in lines:
        cell = dict(zip(names, line, strict=True))
        moment = datetime.fromisoformat(cell["at"]).replace(tzinfo=UTC)
        found.append(
            {
                "event_date": f"{moment:%Y%m%d}",
                "event_timestamp": int(moment.timestamp() * 1e6),
                "event_name": cell["event_name"],
                "event_params": [{"key": "page_location", "value": {"string_value": "https://x"}}],
                "user_pseudo_id": cell["user_pseudo_id"] or None,
                "user_id": cell["user_id"] or None,
                "traffic_source": {"source": cell["source"], "medium": "email", "name": None},
                "geo": {"country": cell["country"]},
                "device": {"category": "desktop", "language": "fr-fr"},
                "event_value_in_usd": float(cell["value"]) if cell["value"] else None,
                "event_bundle_sequence_id": 1,
            }
        )
    return found


@pytest.fixture(params=["parquet", "jsonl"])
def export(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    folder = tmp_path / "export"
    folder.mkdir()
    for name, drawn in {"events_20260106": DAILY, "events_intraday_20260106": INTRADAY}.items():
        if request.param == "parquet":
            pq.write_table(pa.Table.from_pylist(rows(drawn)), folder / f"{name}.parquet")
        else:
            lines = "\n".join(map(json.dumps, rows(drawn)))
            (folder / f"{name}.jsonl").write_text(lines)
    return folder


def test_the_dataset_that_comes_out(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("auto", export, out)
    assert_contract(out)
    assert report.recipe == "ga4"
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | first_source | first_country | first_device
        c7      | 2026-01-05T09:00:00Z | newsletter   | France        | desktop
        p3      | 2026-01-07T09:00:00Z | (direct)     | Italy         | desktop
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        c7      | converted | 2026-02-06T09:00:00Z
        p3      | lost      | 2026-01-09T09:00:00Z
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind                 | value
        c7      | 2026-01-03T09:00:00Z | first_visit          |
        c7      | 2026-01-05T09:00:00Z | generate_lead        | 20
        c7      | 2026-01-06T09:00:00Z | page_view            |
        c7      | 2026-02-06T09:00:00Z | close_convert_lead   |
        p3      | 2026-01-07T09:00:00Z | sign_up              |
        p3      | 2026-01-09T09:00:00Z | close_unconvert_lead |
        """,
    )
    assert_table(out, "aliases", "alias_id | lead_id \n p1 | c7")
    assert reasons(report) == [
        "events folded 1: the same event again",
        "events set aside 1: of a visitor who never became a lead (--created)",
        "events set aside 1: without consent: no id at all",
    ]


def test_another_event_makes_a_lead(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_export("ga4", export, out, Choices(words={"page_view": "created"}))
    assert_table(out, "leads", "lead_id \n c7 \n p2 \n p3")
