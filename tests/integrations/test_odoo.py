"""A miniature Odoo database, its tables written with psql's ``\\copy``.

Models and behaviour:
https://github.com/odoo/odoo/blob/master/addons/crm/models/crm_lead.py
https://github.com/odoo/odoo/blob/master/addons/mail/models/mail_tracking_value.py
"""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_export import assert_contract, assert_table, reasons, write_export

from integrations.history import Basis
from integrations.recipe import Choices
from integrations.run import import_export

# 2 is lost, 3 archived but not lost, 4 lost without a date, 5 open; stage 20 was Proposition, is Offer now
ODOO = {
    "crm_lead.csv": """
        id | name    | create_date         | write_date          | type        | active | probability | stage_id | date_closed         | date_conversion     | user_id | source_id | expected_revenue | email_from
        1  | Big one | 2026-01-05 09:00:00 | 2026-03-20 09:00:00 | opportunity | t      | 100         | 30       | 2026-03-01 10:00:00 | 2026-01-20 10:00:00 | 7       | 3         | 9000             | a@a.example
        2  | Small   | 2026-01-10 09:00:00 | 2026-03-20 09:00:00 | opportunity | f      | 0           | 20       | 2026-02-15 10:00:00 | 2026-01-22 10:00:00 | 8       | 3         | 100              | b@b.example
        3  | Shelved | 2026-01-11 09:00:00 | 2026-03-20 09:00:00 | lead        | f      | 12.5        | 10       |                     |                     | 8       | 4         |                  | c@c.example
        4  | Gone    | 2026-01-12 09:00:00 | 2026-03-20 09:00:00 | lead        | f      | 0           | 10       |                     |                     | 8       | 4         |                  | d@d.example
        5  | Fresh   | 2026-01-21 09:00:00 | 2026-03-20 09:00:00 | lead        | t      | 20          | 20       |                     |                     | 8       | 4         |                  | e@e.example
    """,
    "crm_stage.csv": """
        id | name                                          | is_won | sequence
        10 | {"en_US": "New", "fr_FR": "Nouveau"}          | f      | 1
        20 | {"en_US": "Offer", "fr_FR": "Offre"}          | f      | 2
        30 | {"en_US": "Won"}                              | t      | 3
    """,
    "ir_model_fields.csv": """
        id  | name             | model       | ttype
        101 | stage_id         | crm.lead    | many2one
        102 | expected_revenue | crm.lead    | monetary
        103 | stage_id         | project.task | many2one
        104 | type             | crm.lead    | selection
    """,
    "mail_message.csv": """
        id | model        | res_id | date                | message_type | subject           | is_internal | mail_activity_type_id
        51 | crm.lead     | 5      | 2026-01-04 09:00:00 | notification | From Old : None   |             |
        52 | crm.lead     | 1      | 2026-01-06 09:00:00 | notification |                   |             |
        53 | crm.lead     | 1      | 2026-02-01 09:00:00 | notification |                   |             |
        54 | crm.lead     | 1      | 2026-03-01 10:00:00 | notification |                   |             |
        55 | crm.lead     | 1      | 2026-01-08 09:00:00 | email        | Re: your offer    |             |
        56 | crm.lead     | 1      | 2026-01-09 09:00:00 | comment      |                   | f           |
        57 | project.task | 1      | 2026-01-09 09:00:00 | email        |                   |             |
        58 | crm.lead     | 2      | 2026-01-12 09:00:00 | notification |                   |             | 2
        59 | project.task | 1      | 2026-01-13 09:00:00 | notification |                   |             |
        60 | crm.lead     | 1      | 2026-03-20 09:00:00 | notification |                   |             |
        61 | crm.lead     | 2      | 2026-02-01 10:00:00 | notification |                   |             |
    """,
    "mail_tracking_value.csv": """
        id | field_id | mail_message_id | old_value_integer | old_value_char | new_value_integer | new_value_char | old_value_float | new_value_float
        1  | 101      | 51              | 10                | New            | 30                | Won            |                 |
        2  | 101      | 52              | 10                | New            | 20                | Proposition    |                 |
        3  | 102      | 53              |                   |                |                   |                | 0.0             | 5000.0
        4  | 101      | 54              | 20                | Offer          | 30                | Won            |                 |
        5  | 103      | 59              | 1                 | Todo           | 2                 | Done           |                 |
        6  | 102      | 60              |                   |                |                   |                | 5000.0          | 9000.0
        7  | 101      | 61              | 10                | New            | 20                | Offer          |                 |
    """,
    "mail_activity_type.csv": """
        id | name              | category
        2  | {"en_US": "Call"} | phonecall
    """,
    "calendar_event.csv": """
        id | start               | stop                | opportunity_id | active | create_date         | write_date
        9  | 2026-01-15 09:00:00 | 2026-01-15 10:30:00 | 1              | t      | 2026-01-12 09:00:00 | 2026-01-12 09:00:00
        10 | 2026-01-16 09:00:00 | 2026-01-16 10:00:00 |                | t      | 2026-01-12 09:00:00 | 2026-01-12 09:00:00
        11 | 2027-01-16 09:00:00 | 2027-01-16 10:00:00 | 5              | t      | 2026-01-12 09:00:00 | 2026-01-12 09:00:00
    """,
}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export", ODOO)


def test_the_dataset_that_comes_out(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("auto", export, out)
    assert_contract(out)
    assert report.recipe == "odoo"
    # the stage is tracked since 4 January (on a lead merged into 5), the revenue since 1 February
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | stage_id
        1       | 2026-01-05T09:00:00Z | New
        2       | 2026-01-10T09:00:00Z | New
        5       | 2026-01-21T09:00:00Z | Offer
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        1       | converted | 2026-03-01T10:00:00Z
        2       | lost      | 2026-02-15T10:00:00Z
        """,
    )
    assert_table(
        out,
        "answers",
        """
        lead_id | answered_at          | attribute        | value
        1       | 2026-01-06T09:00:00Z | stage_id         | Offer
        1       | 2026-02-01T09:00:00Z | expected_revenue | 5000.0
        1       | 2026-03-01T10:00:00Z | stage_id         | Won
        1       | 2026-03-20T09:00:00Z | expected_revenue | 9000.0
        2       | 2026-02-01T09:00:00Z | expected_revenue | 100
        2       | 2026-02-01T10:00:00Z | stage_id         | Offer
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind          | duration_s
        1       | 2026-01-08T09:00:00Z | email_reply   |
        1       | 2026-01-09T09:00:00Z | email_sent    |
        1       | 2026-01-15T09:00:00Z | meeting       | 5400
        2       | 2026-01-12T09:00:00Z | outbound_call |
        """,
    )
    fields = {field.name: field for field in report.fields}
    assert fields["stage_id"].breaks == 0  # Proposition and Offer are one stage
    assert fields["source_id"].basis is Basis.AS_NOW


def test_every_row_is_accounted_for(export: Path, tmp_path: Path) -> None:
    report = import_export("odoo", export, tmp_path / "out")
    assert reasons(report) == [
        "calendar_event set aside 1: a meeting of no lead",
        "calendar_event set aside 1: planned for after the export",
        "crm_lead set aside 1: 'archived with a probability' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)",
        "crm_lead set aside 1: lost without a date",
        "mail_message folded 6: a notification of the system; its changes are read",
        "mail_message set aside 2: a message of another model",
        "mail_tracking_value set aside 1: a change of a lead that was merged into this one",
        "mail_tracking_value set aside 1: of a record of another model",
    ]


def test_the_goal_opportunity_is_the_conversion_of_the_lead(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_export("odoo", export, out, Choices(goal="opportunity"))
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        1       | converted | 2026-01-20T10:00:00Z
        2       | converted | 2026-01-22T10:00:00Z
        """,
    )


def test_odoo_18_says_itself_what_is_won(tmp_path: Path) -> None:
    leads = """
        id | create_date         | write_date          | active | probability | stage_id | date_closed         | won_status
        1  | 2026-01-05 09:00:00 | 2026-03-20 09:00:00 | t      | 100         | 30       | 2026-03-01 10:00:00 | won
        2  | 2026-01-10 09:00:00 | 2026-03-20 09:00:00 | f      | 0           | 20       | 2026-02-15 10:00:00 | lost
        3  | 2026-01-11 09:00:00 | 2026-03-20 09:00:00 | f      | 12.5        | 10       |                     | pending
    """
    export = write_export(tmp_path / "export", {"crm_lead.csv": leads})
    report = import_export("odoo", export, tmp_path / "out")
    assert (report.leads, report.converted, report.lost) == (3, 1, 1)
