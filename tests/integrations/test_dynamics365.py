"""A miniature Dataverse: lead, audit, activitypointer, opportunity with logical column names.

https://learn.microsoft.com/en-us/dynamics365/sales/developer/entities/lead
https://learn.microsoft.com/en-us/power-apps/developer/data-platform/reference/entities/audit
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawn_export import assert_contract, assert_table, reasons, write_export

from integrations.history import Basis
from integrations.recipe import Choices
from integrations.run import import_export

# GUIDs with and without braces, in any case
A, B, C, D, E = (f"0000000{n}-aaaa-4bbb-8ccc-dddddddddddd" for n in range(1, 6))
OPPORTUNITY, CONTACT = (f"1000000{n}-aaaa-4bbb-8ccc-dddddddddddd" for n in range(1, 3))


def changed(**fields: tuple[str | None, str | None]) -> str:
    parts = [
        {"logicalName": name, "oldValue": old, "newValue": new}
        for name, (old, new) in fields.items()
    ]
    return json.dumps({"changedAttributes": parts}).replace("|", "/")


# B was merged into A; C is disqualified; D too, before auditing began; E's state is nobody's word
DYNAMICS = {
    "lead.csv": f"""
        leadid           | createdon            | modifiedon           | statecode | statuscode | _masterid_value | _parentcontactid_value | _qualifyingopportunityid_value | budgetstatus | need | decisionmaker | fullname
        {{{A.upper()}}}  | 2026-01-05T09:00:00Z | 2026-03-20T09:00:00Z | 1         | 3          |                 | {CONTACT}              | {OPPORTUNITY}                  | 3            | 1    | true          | Ann
        {B}              | 2026-01-06T09:00:00Z | 2026-01-20T09:00:00Z | 2         | 4          | {A}             |                        |                                |              |      |               | Ann
        {C}              | 2026-01-07T09:00:00Z | 2026-03-20T09:00:00Z | 2         | 4          |                 |                        |                                | 0            |      | false         | Bo
        {D}              | 2026-01-01T09:00:00Z | 2026-03-20T09:00:00Z | 2         | 4          |                 |                        |                                |              |      |               | Cy
        {E}              | 2026-01-09T09:00:00Z | 2026-03-20T09:00:00Z | 7         | 1          |                 |                        |                                |              |      |               | Di
    """,
    "audit.csv": f"""
        auditid | createdon            | _objectid_value | objecttypecode | operation | changedata
        x1      | 2026-01-05T09:00:00Z | {A}             | lead           | 1         | {changed(budgetstatus=(None, "1"), need=(None, "1"), statecode=(None, "0"))}
        x2      | 2026-02-05T09:00:00Z | {A}             | lead           | 2         | {changed(budgetstatus=("1", "3"), ownerid=("systemuser,20000001-aaaa-4bbb-8ccc-dddddddddddd", "systemuser,20000002-aaaa-4bbb-8ccc-dddddddddddd"))}
        x3      | 2026-03-01T10:00:00Z | {A}             | lead           | 2         | {changed(statecode=("0", "1"))}
        x4      | 2026-02-20T10:00:00Z | {C.upper()}     | lead           | 2         | {changed(statecode=("0", "2"))}
        x5      | 2026-02-20T10:00:00Z | {CONTACT}       | contact        | 2         | {changed(jobtitle=(None, "CEO"))}
        x6      | 2026-02-21T10:00:00Z | {A}             | lead           | 3         |
    """,
    "activitypointer.csv": f"""
        activityid | activitytypecode | _regardingobjectid_value | createdon            | statecode | actualend            | actualdurationminutes | modifiedon
        p1         | phonecall        | {B}                      | 2026-01-08T09:00:00Z | 1         | 2026-01-08T10:00:00Z | 10                    | 2026-01-08T10:00:00Z
        p2         | email            | {C}                      | 2026-01-09T09:00:00Z | 1         |                      |                       | 2026-01-09T09:00:00Z
        p3         | appointment      | {A}                      | 2026-01-10T09:00:00Z | 3         |                      |                       | 2026-01-10T09:00:00Z
        p4         | task             |                          | 2026-01-10T09:00:00Z | 1         |                      |                       | 2026-01-10T09:00:00Z
        p5         | phonecall        | {CONTACT}                | 2026-03-05T09:00:00Z | 1         | 2026-03-05T10:00:00Z |                       | 2026-03-05T10:00:00Z
    """,
    "phonecall.csv": "activityid | directioncode \n p1 | false \n p5 | true",
    "opportunity.csv": f"""
        opportunityid | statecode | originatingleadid | createdon            | actualclosedate | modifiedon
        {OPPORTUNITY} | Won       | {A}               | 2026-03-01T10:00:00Z | 2026-03-15      | 2026-03-20T09:00:00Z
    """,
}


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export", DYNAMICS)


def test_the_dataset_that_comes_out(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("auto", export, out)
    assert_contract(out)
    assert report.recipe == "dynamics365"
    assert_table(
        out,
        "leads",
        f"""
        lead_id | created_at           | budgetstatus | need
        {A}     | 2026-01-05T09:00:00Z | 1            | 1
        {C}     | 2026-01-07T09:00:00Z | 0            |
        """,
    )
    assert_table(
        out,
        "outcomes",
        f"""
        lead_id | outcome   | occurred_at
        {A}     | converted | 2026-03-01T10:00:00Z
        {C}     | lost      | 2026-02-20T10:00:00Z
        """,
    )
    assert_table(
        out,
        "answers",
        f"""
        lead_id | answered_at          | attribute    | value
        {A}     | 2026-02-05T09:00:00Z | budgetstatus | 3
        {A}     | 2026-02-05T09:00:00Z | ownerid      | 20000002-aaaa-4bbb-8ccc-dddddddddddd
        """,
    )
    assert_table(
        out,
        "interactions",
        f"""
        lead_id | occurred_at          | kind          | duration_s
        {A}     | 2026-01-08T10:00:00Z | inbound_call  | 600
        {A}     | 2026-03-05T10:00:00Z | outbound_call |
        {C}     | 2026-01-09T09:00:00Z | email_sent    |
        """,
    )
    assert_table(
        out,
        "aliases",
        f"alias_id | lead_id \n {B} | {A} \n {OPPORTUNITY} | {A} \n {CONTACT} | {A}",
    )
    fields = {field.name: field for field in report.fields}
    assert fields["decisionmaker"].basis is Basis.AS_NOW
    settings = (out / "dataset.toml").read_text("utf-8")
    assert '[attributes."need"]\ngroup = "need"\ntype = "category"' in settings


def test_every_row_is_accounted_for(export: Path, tmp_path: Path) -> None:
    report = import_export("dynamics365", export, tmp_path / "out")
    assert reasons(report) == [
        "activitypointer set aside 1: an activity of no record",
        "activitypointer set aside 1: an activity that is not done",
        "audit folded 2: a change of a field that is left out",
        "audit set aside 1: no changed values in it",
        "audit set aside 1: of another table",
        "lead folded 1: merged into another lead",
        "lead set aside 1: '7' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)",
        "lead set aside 1: lost without a date",
    ]


def test_the_goal_won_is_the_opportunitys(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_export("dynamics365", export, out, Choices(goal="won"))
    assert_table(
        out,
        "outcomes",
        f"""
        lead_id | outcome   | occurred_at
        {A}     | converted | 2026-03-15T00:00:00Z
        {C}     | lost      | 2026-02-20T10:00:00Z
        """,
    )
