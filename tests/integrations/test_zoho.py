"""A miniature Zoho CRM: the bulk read API's CSV with a timeline, and the data backup with labels.

https://www.zoho.com/crm/developer/docs/api/v8/bulk-read/overview.html
https://www.zoho.com/crm/developer/docs/api/v8/timeline-of-a-record.html
"""

from __future__ import annotations

import json
from pathlib import Path

from drawn_export import assert_contract, assert_table, reasons, write_export

from integrations.recipe import Choices
from integrations.run import import_export

# 2 is lost, 3 lost without a trace, 4's status is its own word
LEADS = """
    id | Created_Time              | Modified_Time             | Lead_Status         | Converted__s | Converted_Date_Time       | Converted_Contact | Converted_Deal | Lead_Source | Budget   | Last_Name
    1  | 2026-01-05T10:00:00+01:00 | 2026-03-20T10:00:00+01:00 | Contacted           | true         | 2026-03-01T11:00:00+01:00 | 71                | 81             | Web         | approved | Ann
    2  | 2026-01-06T10:00:00+01:00 | 2026-03-20T10:00:00+01:00 | Lost Lead           | false        |                           |                   |                | Web         |          | Bo
    3  | 2026-01-07T10:00:00+01:00 | 2026-03-20T10:00:00+01:00 | Junk Lead           | false        |                           |                   |                | Web         |          | Cy
    4  | 2026-01-08T10:00:00+01:00 | 2026-03-20T10:00:00+01:00 | Parked              | false        |                           |                   |                | Web         |          | Di
"""
CALLS = """
    id | Call_Type | Call_Start_Time           | What_Id | Who_Id | Call_Duration_in_seconds | Created_Time              | Modified_Time
    c1 | Inbound   | 2026-01-09T10:00:00+01:00 | 1       |        | 60                       | 2026-01-09T10:05:00+01:00 | 2026-01-09T10:05:00+01:00
    c2 | Outbound  | 2026-03-02T10:00:00+01:00 |         | 71     | 30                       | 2026-03-02T10:05:00+01:00 | 2026-03-02T10:05:00+01:00
"""
DEALS = """
    id | Stage      | Closing_Date | Created_Time              | Modified_Time
    81 | Closed Won | 2026-03-10   | 2026-03-01T11:00:00+01:00 | 2026-03-20T10:00:00+01:00
"""


def entry(key: str, record: str, at: str, **fields: tuple[str | None, str | None]) -> str:
    history = [
        {"api_name": name, "field_label": name, "_value": {"old": old, "new": new}}
        for name, (old, new) in fields.items()
    ]
    line = {
        "id": key,
        "record": {"id": record, "name": "-", "module": {"api_name": "Leads"}},
        "audited_time": at,
        "action": "updated" if fields else "mail_sent",
        "field_history": history or None,
    }
    return json.dumps(line)


TIMELINE = [
    entry("t1", "1", "2026-01-04T10:00:00+01:00", Budget=(None, "none")),
    entry("t2", "1", "2026-02-01T10:00:00+01:00", Budget=("none", "approved")),
    entry("t3", "2", "2026-02-10T10:00:00+01:00", Lead_Status=("Contacted", "Lost Lead")),
    entry("t4", "2", "2026-02-11T10:00:00+01:00"),
]


def write_api(folder: Path) -> Path:
    write_export(folder, {"Leads.csv": LEADS, "Calls.csv": CALLS, "Deals.csv": DEALS})
    (folder / "timeline.jsonl").write_text("\n".join(TIMELINE))
    return folder


def test_the_api_with_its_timeline(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export = write_api(tmp_path / "export")
    report = import_export("auto", export, out, Choices(zone="Europe/Paris"))
    assert_contract(out)
    assert report.recipe == "zoho"
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | Budget
        1       | 2026-01-05T09:00:00Z | none
        2       | 2026-01-06T09:00:00Z |
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        1       | converted | 2026-03-01T10:00:00Z
        2       | lost      | 2026-02-10T09:00:00Z
        """,
    )
    assert_table(
        out,
        "answers",
        """
        lead_id | answered_at          | attribute   | value
        1       | 2026-02-01T09:00:00Z | Budget      | approved
        1       | 2026-02-10T09:00:00Z | Lead_Status | Contacted
        2       | 2026-02-10T09:00:00Z | Lead_Status | Lost Lead
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind          | duration_s
        1       | 2026-01-09T09:00:00Z | inbound_call  | 60
        1       | 2026-03-02T09:00:00Z | outbound_call | 30
        """,
    )
    assert reasons(report) == [
        "deals set aside 1: used with --goal won only",
        "leads set aside 1: 'Parked' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)",
        "leads set aside 1: lost without a date",
        "timeline set aside 1: a change from before its lead was created",
        "timeline set aside 1: an entry without changed fields",
    ]


def test_the_goal_won_is_the_deals(tmp_path: Path) -> None:
    out = tmp_path / "out"
    choices = Choices(goal="won", zone="Europe/Paris")
    import_export("zoho", write_api(tmp_path / "export"), out, choices)
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        1       | converted | 2026-03-09T23:00:00Z
        2       | lost      | 2026-02-10T09:00:00Z
        """,
    )


def test_the_data_backup_with_labels(tmp_path: Path) -> None:
    leads = """
        Record Id        | Lead Owner | Created Time          | Modified Time         | Lead Status | Is Converted | Converted Date Time   | Lead Source
        zcrm_48768760001 | Zoe        | 15 Apr, 2026 00:03:00 | 20 May, 2026 10:00:00 | Contacted   | true         | 01 May, 2026 10:00:00 | Web
    """
    rows = [line.split("|") for line in leads.strip().splitlines()]
    folder = tmp_path / "export"
    folder.mkdir()
    text = "\n".join(",".join(f'"{cell.strip()}"' for cell in row) for row in rows)
    (folder / "Leads_001.csv").write_text(text)
    import_export("zoho", folder, tmp_path / "out", Choices(zone="Europe/Paris"))
    assert_table(
        tmp_path / "out",
        "leads",
        "lead_id | created_at \n 48768760001 | 2026-04-14T22:03:00Z",
    )
    assert_table(
        tmp_path / "out",
        "outcomes",
        "lead_id | outcome | occurred_at \n 48768760001 | converted | 2026-05-01T08:00:00Z",
    )
