"""Miniature HubSpot accounts: its own exports, Fivetran's tables, dlt's tables.

https://knowledge.hubspot.com/import-and-export/export-records
https://knowledge.hubspot.com/properties/export-property-history
https://github.com/fivetran/dbt_hubspot_source/tree/main/macros
https://github.com/dlt-hub/verified-sources/tree/master/sources/hubspot
"""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_export import assert_contract, assert_table, reasons, write_export

from features.errors import DataError
from integrations.history import Basis
from integrations.recipe import Choices
from integrations.run import detect_system, import_export

PARIS = Choices(zone="Europe/Paris")

# 101 has a deal won, 102 a deal lost, 103 was never qualified, 104's status is the account's own word,
# 105 became a customer without a date, 106 was created in the hour that Paris has twice
CONTACTS = """
    Record ID | Email       | First Name | Create Date      | Lifecycle Stage | Lead Status | Became a Customer Date | Merged vids with timestamps of a contact | Industry | Budget | Last Modified Date
    101       | a@a.example | Ann        | 2026-01-05 10:00 | Opportunity     | Open Deal   |                        | 99:1768471200000;98:1768471300000        | Energy   | high   | 2026-10-30 09:00
    102       | b@b.example | Bo         | 2026-01-10 10:00 | Opportunity     | In Progress |                        |                                          | Media    | low    | 2026-10-30 09:00
    103       | c@c.example | Cy         | 2026-02-01 10:00 | Lead            | Unqualified |                        |                                          | Media    |        | 2026-10-30 09:00
    104       | d@d.example | Di         | 2026-02-02 10:00 | Lead            | Nurture     |                        |                                          | Energy   |        | 2026-10-30 09:00
    105       | e@e.example | Ed         | 2026-02-03 10:00 | Customer        |             |                        |                                          |          |        | 2026-10-30 09:00
    106       | f@f.example | Flo        | 2026-10-25 02:30 | Lead            | New         |                        |                                          | Energy   |        | 2026-10-30 09:00
"""
DEALS = """
    Record ID | Deal Name | Deal Stage                   | Close Date       | Create Date      | Associated Contact IDs
    501       | Big       | Closed Won (Sales Pipeline)  | 2026-03-01 12:00 | 2026-01-20 10:00 | 101
    502       | Small     | Closed Lost (Sales Pipeline) | 2026-02-15 12:00 | 2026-01-21 10:00 | 102
    503       | Nobody's  | Closed Won (Sales Pipeline)  | 2026-02-15 12:00 | 2026-01-21 10:00 |
"""
# a budget set 30 s after the creation, changed later; a late edit after the deal was won; 99's history moved along
HISTORY = """
    Record ID | Property    | Value       | Timestamp           | Source
    101       | Budget      | low         | 2026-01-05 10:00:30 | FORM
    101       | Budget      | medium      | 2026-02-01 09:00:00 | CRM_UI
    101       | Budget      | high        | 2026-03-20 09:00:00 | CRM_UI
    102       | Budget      | low         | 2026-01-18 09:00:00 | CRM_UI
    103       | Lead Status | New         | 2026-02-01 10:00:00 | FORM
    103       | Lead Status | Unqualified | 2026-02-20 10:00:00 | CRM_UI
    98        | Budget      | none        | 2025-12-01 10:00:00 | FORM
"""
CALLS = """
    Record ID | Activity Date    | Call Direction | Call Duration | Associated Contact IDs
    701       | 2026-01-12 10:00 | INBOUND        | 90000         | 101;102
    702       | 2026-01-13 10:00 | OUTBOUND       |               | 99
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    files = {
        "hubspot-crm-exports-all-contacts-2026-10-30.csv": CONTACTS,
        "hubspot-crm-exports-all-deals-2026-10-30.csv": DEALS,
        "property-history.csv": HISTORY,
        "hubspot-crm-exports-calls.csv": CALLS,
    }
    return write_export(tmp_path / "export", files)


def test_its_own_exports(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("hubspot", export, out, PARIS)
    assert_contract(out)
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | Budget | lead_status
        101     | 2026-01-05T09:00:00Z | none   |
        102     | 2026-01-10T09:00:00Z |        |
        103     | 2026-02-01T09:00:00Z |        | New
        106     | 2026-10-25T01:30:00Z |        |
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        101     | converted | 2026-03-01T11:00:00Z
        102     | lost      | 2026-02-15T11:00:00Z
        103     | lost      | 2026-02-20T09:00:00Z
        """,
    )
    assert_table(
        out,
        "answers",
        """
        lead_id | answered_at          | attribute   | value
        101     | 2026-01-05T09:00:30Z | Budget      | low
        101     | 2026-02-01T08:00:00Z | Budget      | medium
        101     | 2026-03-20T08:00:00Z | Budget      | high
        102     | 2026-01-18T08:00:00Z | Budget      | low
        103     | 2026-02-20T09:00:00Z | lead_status | Unqualified
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind          | duration_s
        101     | 2026-01-12T09:00:00Z | inbound_call  | 90
        101     | 2026-01-13T09:00:00Z | outbound_call |
        102     | 2026-01-12T09:00:00Z | inbound_call  | 90
        """,
    )
    assert_table(
        out,
        "aliases",
        """
        alias_id | lead_id | since
        98       | 101     | 2026-01-15T10:01:40Z
        99       | 101     | 2026-01-15T10:00:00Z
        """,
    )
    assert reasons(report) == [
        "contacts set aside 1: 'Nurture' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)",
        "contacts set aside 1: converted without a date",
        "deals set aside 1: its lead is not in the export, or set aside",
    ]
    assert report.notes == (
        "contacts.create_date: 1 time in an hour that Europe/Paris has twice; "
        "read as the second one (standard time)",
    )
    bases = {field.name: field.basis for field in report.fields}
    assert bases["Industry"] is Basis.AS_NOW
    assert bases["First Name"] is Basis.LEFT_OUT
    assert bases["Budget"] is Basis.HISTORY


def test_local_times_ask_for_their_zone(export: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"no time zone; say which one.*--zone Europe/Paris"):
        import_export("hubspot", export, tmp_path / "out")


def test_without_the_history_a_value_is_not_known_at_creation(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", {"contacts.csv": CONTACTS, "deals.csv": DEALS})
    report = import_export("hubspot", export, tmp_path / "out", PARIS)
    assert_table(
        tmp_path / "out",
        "outcomes",
        """
        lead_id | outcome
        101     | converted
        102     | lost
        """,
    )
    assert "contacts set aside 1: lost without a date" in reasons(report)
    assert "Budget (3 leads)" not in report.to_text()
    assert "Budget (2 leads)" in report.to_text()


def test_headers_with_internal_names_are_the_same(tmp_path: Path) -> None:
    contacts = (
        CONTACTS.replace("Record ID", "hs_object_id").replace("Create Date", "createdate")
        .replace("Lifecycle Stage", "lifecyclestage").replace("Lead Status", "hs_lead_status")
        .replace("| Email ", "| email ").replace("Last Modified Date", "lastmodifieddate")
    )  # fmt: skip
    export = write_export(tmp_path / "export", {"contacts.csv": contacts})
    import_export("hubspot", export, tmp_path / "out", PARIS)
    assert_table(
        tmp_path / "out",
        "leads",
        """
        lead_id | created_at
        101     | 2026-01-05T09:00:00Z
        102     | 2026-01-10T09:00:00Z
        106     | 2026-10-25T01:30:00Z
        """,
    )


FIVETRAN = {
    "contact.csv": """
        id  | _fivetran_deleted | _fivetran_synced        | property_createdate | property_email | property_lifecyclestage | property_hs_lead_status | property_industry | property_budget | property_hs_calculated_merged_vids
        101 | FALSE             | 2026-04-01 05:00:00 UTC | 2026-01-05 09:00:00 | a@a.example    | opportunity             |                         | Energy            | high            |
        102 | FALSE             | 2026-04-01 05:00:00 UTC | 2026-01-10 09:00:00 | b@b.example    | opportunity             |                         |                   | low             |
        99  | TRUE              | 2026-04-01 05:00:00 UTC | 2026-01-06 09:00:00 |                |                         |                         |                   |                 |
        97  | TRUE              | 2026-04-01 05:00:00 UTC | 2026-01-06 09:00:00 |                |                         |                         |                   |                 |
        103 | FALSE             | 2026-04-01 05:00:00 UTC | 2026-01-11 09:00:00 | c@c.example    | lead                    | UNQUALIFIED             |                   |                 |
    """,
    "contact_property_history.csv": """
        contact_id | name           | source  | timestamp           | value
        101        | budget         | FORM    | 2026-01-05 09:00:10 | low
        101        | budget         | CRM_UI  | 2026-03-20 09:00:00 | high
        103        | hs_lead_status | CRM_UI  | 2026-01-30 09:00:00 | UNQUALIFIED
        101        | email          | FORM    | 2026-01-05 09:00:00 | a@a.example
    """,
    "contact_merge_audit.csv": """
        canonical_vid | contact_id | vid_to_merge | timestamp
        101           | 101        | 99           | 2026-01-15 09:00:00
    """,
    # stage 7001 was renamed from Closed lost to Archived: its probability says what it is
    "deal.csv": """
        deal_id | deal_pipeline_stage_id | is_deleted | property_closedate  | property_createdate
        501     | closedwon              | false      | 2026-12-31 00:00:00 | 2026-01-20 09:00:00
        502     | 7001                   | false      | 2026-02-15 12:00:00 | 2026-01-21 09:00:00
    """,
    "deal_contact.csv": "deal_id | contact_id \n 501 | 99 \n 502 | 102",
    "deal_stage.csv": """
        deal_id | date_entered        | value
        501     | 2026-01-20 09:00:00 | appointmentscheduled
        501     | 2026-03-01 11:00:00 | closedwon
    """,
    "deal_pipeline_stage.csv": """
        stage_id  | label      | closed_won | probability | pipeline_id
        closedwon | Closed won | true       | 1.0         | default
        7001      | Archived   | false      | 0.0         | default
    """,
    "engagement.csv": """
        id | type    | timestamp           | active | created_at          | last_updated
        1  | MEETING | 2026-01-07 09:00:00 | true   | 2026-01-06 09:00:00 | 2026-01-06 09:00:00
        2  | CALL    | 2026-01-12 09:00:00 | true   | 2026-01-12 09:00:00 | 2026-01-12 09:00:00
    """,
    "engagement_contact.csv": "engagement_id | contact_id \n 1 | 99 \n 2 | 102",
    "engagement_meeting.csv": """
        engagement_id | start_time          | end_time            | meeting_outcome
        1             | 2026-01-08 09:00:00 | 2026-01-08 09:30:00 | COMPLETED
    """,
    "email_event.csv": """
        id | type      | created             | recipient   | filtered_event
        e1 | OPEN      | 2026-01-09 09:00:00 | A@a.example | false
        e2 | OPEN      | 2026-01-09 09:00:01 | a@a.example | true
        e3 | DELIVERED | 2026-01-09 08:00:00 | a@a.example | false
    """,
}


def test_fivetrans_tables(tmp_path: Path) -> None:
    out = tmp_path / "out"
    export = write_export(tmp_path / "export", FIVETRAN)
    assert detect_system(export).recipe.name == "hubspot_fivetran"
    report = import_export("hubspot", export, out)
    assert_contract(out)
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | budget
        101     | 2026-01-05T09:00:00Z | low
        102     | 2026-01-10T09:00:00Z |
        103     | 2026-01-11T09:00:00Z |
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        101     | converted | 2026-03-01T11:00:00Z
        102     | lost      | 2026-02-15T12:00:00Z
        103     | lost      | 2026-01-30T09:00:00Z
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind          | duration_s
        101     | 2026-01-08T09:00:00Z | meeting       | 1800
        101     | 2026-01-09T09:00:00Z | email_open    |
        102     | 2026-01-12T09:00:00Z | outbound_call |
        """,
    )
    assert_table(
        out,
        "answers",
        """
        lead_id | answered_at          | attribute      | value
        101     | 2026-03-20T09:00:00Z | budget         | high
        103     | 2026-01-30T09:00:00Z | hs_lead_status | UNQUALIFIED
        """,
    )
    assert reasons(report) == [
        "contact folded 1: merged into another lead",
        "contact set aside 1: deleted in HubSpot",
        "contact_property_history folded 1: a change of a field that is left out",
        "email_event folded 1: a technical event of an e-mail (delivered)",
        "email_event set aside 1: an event of a machine (filtered_event)",
    ]


DLT = {
    "contacts.csv": """
        id  | createdate                | lastmodifieddate          | email       | lifecyclestage | hs_lead_status | industry | _dlt_id | _dlt_load_id
        101 | 2026-01-05 09:00:00+00:00 | 2026-04-01 09:00:00+00:00 | a@a.example | customer       |                | Energy   | x1      | 1
        102 | 2026-01-10 09:00:00+00:00 | 2026-04-01 09:00:00+00:00 | b@b.example | opportunity    |                | Media    | x2      | 1
    """,
    "contacts_property_history.csv": """
        object_id | property_name  | value    | timestamp                | source_type | _dlt_load_id | _dlt_id
        101       | lifecyclestage | lead     | 2026-01-05T09:00:00Z     | FORM        | 1            | h1
        101       | lifecyclestage | customer | 2026-03-02T09:00:00.500Z | CRM_UI      | 1            | h2
        101       | lifecyclestage | lead     | 2026-01-05T09:00:00Z     | FORM        | 2            | h3
        77        | industry       | Oil      | 2026-01-05T08:00:00Z     | FORM        | 2            | h4
    """,
    "contacts__hs_merged_object_ids.csv": "value | _dlt_parent_id | _dlt_id \n 77 | x1 | m1",
    "contacts__deals.csv": "value | deals_id | _dlt_parent_id | _dlt_id \n 102 | 502 | x2 | d1",
    "deals.csv": """
        id  | dealstage  | closedate                 | hs_is_closed | hs_is_closed_won | _dlt_id
        502 | closedlost | 2026-02-15 09:00:00+00:00 | true         | false            | y1
    """,
    "stages_timing_deals.csv": """
        id  | stage      | hs_date_entered_          | _dlt_id
        502 | closedlost | 2026-02-14 09:00:00+00:00 | z1
    """,
}


def test_dlts_tables(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("auto", write_export(tmp_path / "export", DLT), out)
    assert_contract(out)
    assert report.recipe == "hubspot_dlt"
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | industry | lifecyclestage
        101     | 2026-01-05T09:00:00Z | Oil      | lead
        102     | 2026-01-10T09:00:00Z |          |
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        101     | converted | 2026-03-02T09:00:00.500Z
        102     | lost      | 2026-02-14T09:00:00Z
        """,
    )
    assert reasons(report) == ["contacts_property_history folded 1: loaded again by dlt"]
