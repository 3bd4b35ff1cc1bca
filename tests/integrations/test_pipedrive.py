"""A miniature Pipedrive account, from its API and from its list view.

https://developers.pipedrive.com/docs/api/v1/Deals
https://github.com/pipedrive/client-nodejs/blob/master/docs/ChangelogResponseAllOfData.md
"""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_export import assert_contract, assert_table, reasons, write_export

from features.errors import DataError
from integrations.recipe import Choices
from integrations.run import import_export

UTC = Choices(zone="UTC")

# 2 is lost without a time (imported); 3 was reopened; 4 was merged into 1 and is deleted; 5 has a status of its own
API = {
    "deals.csv": """
        id | title | add_time            | update_time         | status  | won_time            | lost_time           | stage_id | value | origin | person_id
        1  | Big   | 2026-01-05 09:00:00 | 2026-03-20 09:00:00 | won     | 2026-03-01 10:00:00 |                     | 4        | 900   | Web    | 71
        2  | Old   | 2026-01-06 09:00:00 | 2026-03-20 09:00:00 | lost    |                     |                     | 1        | 100   | Import | 72
        3  | Again | 2026-01-07 09:00:00 | 2026-03-20 09:00:00 | open    |                     | 2026-02-01 10:00:00 | 2        | 300   | Web    | 73
        4  | Copy  | 2026-01-08 09:00:00 | 2026-03-20 09:00:00 | deleted |                     |                     | 1        | 100   | Web    | 71
        5  | Odd   | 2026-01-09 09:00:00 | 2026-03-20 09:00:00 | paused  |                     |                     | 1        | 100   | Web    | 74
        6  | Lost  | 2026-01-10 09:00:00 | 2026-03-20 09:00:00 | lost    |                     | 2026-02-10 10:00:00 | 2        | 50    | Web    | 75
    """,
    "deal_changelog.csv": """
        deal_id | field_key | old_value | new_value | time                | change_source
        1       | value     |           | 500       | 2026-01-05 09:00:00 | app
        1       | stage_id  |           | 1         | 2026-01-05 09:00:00 | app
        1       | value     | 500       | 900       | 2026-02-05 09:00:00 | app
        1       | stage_id  | 1         | 4         | 2026-02-06 09:00:00 | app
        1       | status    | open      | won       | 2026-03-01 10:00:00 | app
        3       | stage_id  |           | 2         | 2026-01-07 09:00:00 | app
        6       | stage_id  |           | 2         | 2026-01-10 09:00:00 | app
    """,
    "activities.csv": """
        id | type    | done  | due_date   | due_time | duration | marked_as_done_time | deal_id | add_time
        11 | call    | true  | 2026-01-12 | 09:00    | 00:15    | 2026-01-13 09:30:00 | 1       | 2026-01-10 09:00:00
        12 | meeting | true  | 2026-01-14 | 08:00    | 01:30    |                     | 1       | 2026-01-10 09:00:00
        13 | task    | false | 2026-04-14 |          |          |                     | 1       | 2026-01-10 09:00:00
        14 | lunch   | true  | 2026-01-14 |          |          | 2026-01-14 12:00:00 |         | 2026-01-10 09:00:00
    """,
    "leads.csv": """
        id  | title | is_archived | add_time            | person_id
        ab1 | Maybe | true        | 2026-01-02 09:00:00 | 71
    """,
}


def test_deals_and_their_changelog(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("auto", write_export(tmp_path / "export", API), out, UTC)
    assert_contract(out)
    assert report.recipe == "pipedrive"
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | stage_id | value | origin
        deal-1  | 2026-01-05T09:00:00Z | 1        | 500   | Web
        deal-3  | 2026-01-07T09:00:00Z | 2        | 300   | Web
        deal-6  | 2026-01-10T09:00:00Z | 2        | 50    | Web
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        deal-1  | converted | 2026-03-01T10:00:00Z
        deal-6  | lost      | 2026-02-10T10:00:00Z
        """,
    )
    assert_table(
        out,
        "answers",
        """
        lead_id | answered_at          | attribute | value
        deal-1  | 2026-02-05T09:00:00Z | value     | 900
        deal-1  | 2026-02-06T09:00:00Z | stage_id  | 4
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind          | duration_s
        deal-1  | 2026-01-13T09:30:00Z | outbound_call | 900
        deal-1  | 2026-01-14T08:00:00Z | meeting       | 5400
        """,
    )
    assert reasons(report) == [
        "activities set aside 1: an activity of no deal",
        "activities set aside 1: an activity that is not done",
        "changelog folded 1: a change of a field that is left out",
        "deals set aside 1: 'paused' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)",
        "deals set aside 1: deleted in Pipedrive (a deal merged into another is deleted too)",
        "deals set aside 1: lost without a date",
        "leads_inbox set aside 1: a lead of the Leads Inbox: Pipedrive keeps no link to the deal "
        "that it became",
    ]


def test_the_list_view_writes_local_times(tmp_path: Path) -> None:
    deals = """
        Deal - ID | Deal - Title | Deal - Status | Deal - Deal created | Deal - Update time  | Deal - Won time     | Deal - Lost time | Deal - Value
        1         | Big          | Won           | 2026-03-29 01:30:00 | 2026-06-01 09:00:00 | 2026-03-29 03:30:00 |                  | 900
    """
    export = write_export(tmp_path / "export", {"deals-1.csv": deals}, separator=";")
    with pytest.raises(DataError, match="has no time zone"):
        import_export("pipedrive", export, tmp_path / "out")
    import_export("pipedrive", export, tmp_path / "out", Choices(zone="Europe/Paris"))
    # the hour between 2 and 3 does not exist that night: an hour passed, not two
    assert_table(tmp_path / "out", "leads", "lead_id | created_at \n deal-1 | 2026-03-29T00:30:00Z")
    assert_table(
        tmp_path / "out",
        "outcomes",
        "lead_id | outcome | occurred_at \n deal-1 | converted | 2026-03-29T01:30:00Z",
    )
