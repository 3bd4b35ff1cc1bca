"""A miniature org, as the Salesforce CLI exports it, with what goes wrong in real ones.

Column names and behaviour:
https://developer.salesforce.com/docs/platform/salesforce-cli-reference/guide/cli_reference_data_export_bulk.html
https://developer.salesforce.com/docs/platform/field-reference/references/field-reference/salesforce-field-reference-lead.html
https://developer.salesforce.com/docs/atlas.en-us.object_reference.meta/object_reference/sforce_api_objects_leadhistory.htm
https://developer.salesforce.com/docs/platform/field-reference/references/field-reference/salesforce-field-reference-opportunityfieldhistory.html
"""

from __future__ import annotations

from pathlib import Path

import pytest
from drawn_export import assert_contract, assert_table, reasons, write_export

from features.errors import UsageError
from integrations.history import Basis
from integrations.recipe import Choices
from integrations.run import import_export

# 15 characters, and 18 with the sign of their capitals; the last two differ in case alone
A, B, C, D, E, F, G = (f"00Q5f00000AbCd{letter}" for letter in "ABCDEFa")
A18, B18, C18, D18, E18, F18 = (f"{short}EAV" for short in (A, B, C, D, E, F))
G18 = f"{G}EAF"

# B was merged into A; F is deleted; D is lost, but nothing says when; E's status is nobody's word
LEADS = f"""
    Id    | IsDeleted | MasterRecordId | CreatedDate              | Status                 | IsConverted | ConvertedDate | ConvertedContactId | ConvertedOpportunityId | LeadSource | Rating | FirstName | LastModifiedDate         | SystemModstamp
    {A18} | false     |                | 2026-01-05T09:00:00.000Z | Closed - Converted     | true        | 2026-02-10    | 0035f00000Cont1    | 0065f00000Opp01        | Web        | Hot    | Ann       | 2026-03-01T08:00:00.000Z | 2026-03-01T08:00:00.000Z
    {B18} | true      | {A18}          | 2026-01-07T10:00:00.000Z | Open - Not Contacted   | false       |               |                    |                        | Phone      |        | Ann       | 2026-01-20T08:00:00.000Z | 2026-01-20T08:00:00.000Z
    {C18} | false     |                | 2026-01-10T09:00:00.000Z | Closed - Not Converted | false       |               |                    |                        | Web        | Cold   | Bo        | 2026-03-02T08:00:00.000Z | 2026-03-02T08:00:00.000Z
    {D18} | false     |                | 2026-01-12T09:00:00.000Z | Closed - Not Converted | false       |               |                    |                        | Web        | Warm   | Cy        | 2026-02-02T08:00:00.000Z | 2026-02-02T08:00:00.000Z
    {E18} | false     |                | 2026-01-02T09:00:00.000Z | Recycled               | false       |               |                    |                        | Event      | Warm   | Di        | 2026-02-03T08:00:00.000Z | 2026-02-03T08:00:00.000Z
    {F18} | true      |                | 2026-01-16T09:00:00.000Z | Open - Not Contacted   | false       |               |                    |                        | Web        |        | Ed        | 2026-02-03T08:00:00.000Z | 2026-02-03T08:00:00.000Z
    {G18} | false     |                | 2026-01-18T09:00:00.000Z | Open - Not Contacted   | false       |               |                    |                        | Web        | Warm   | Flo       | 2026-02-03T08:00:00.000Z | 2026-02-03T08:00:00.000Z
"""
# ids short and long; an owner's change by name and by id; a stage renamed (Working); a value not kept
LEAD_HISTORY = f"""
    Id              | LeadId | Field         | OldValue             | NewValue               | CreatedDate
    0175f0000000001 | {A}    | Rating        | Warm                 | Hot                    | 2026-01-25T12:00:00.000Z
    0175f0000000002 | {C18}  | Status        | Open - Not Contacted | Working                | 2026-01-20T12:00:00.000Z
    0175f0000000003 | {C18}  | Status        | Working - Contacted  | Closed - Not Converted | 2026-02-20T12:00:00.000Z
    0175f0000000004 | {C18}  | Owner         | Zoe                  | Max                    | 2026-01-21T12:00:00.000Z
    0175f0000000005 | {C18}  | Owner         | 0055f000000Zoe1AAA   | 0055f000000Max1AAA     | 2026-01-21T12:00:00.000Z
    0175f0000000006 | {A18}  | leadConverted |                      |                        | 2026-02-10T15:30:00.000Z
    0175f0000000007 | {A18}  | Interests__c  |                      |                        | 2026-01-26T12:00:00.000Z
    0175f0000000009 | {A18}  | Status        | Open - Not Contacted | Closed - Converted     | 2026-02-10T15:30:00.000Z
    0175f0000000008 | {E18}  | Rating        | Hot                  | Warm                   | 2026-01-03T12:00:00.000Z
"""
# a call with the lead merged away; a mail to the contact it became; one not done; a row twice; of nobody known
TASKS = f"""
    Id              | WhoId           | Status      | IsClosed | CreatedDate              | CompletedDateTime        | TaskSubtype | CallType | CallDurationInSeconds
    00T5f0000000001 | {B}             | Completed   | true     | 2026-01-08T09:00:00.000Z | 2026-01-09T09:00:00.000Z | Call        | Inbound  | 120
    00T5f0000000002 | 0035f00000Cont1 | Completed   | true     | 2026-02-11T09:00:00.000Z |                          | Email       |          |
    00T5f0000000003 | {C18}           | Not Started | false    | 2026-01-11T09:00:00.000Z |                          | Task        |          |
    00T5f0000000001 | {B}             | Completed   | true     | 2026-01-08T09:00:00.000Z | 2026-01-09T09:00:00.000Z | Call        | Inbound  | 120
    00T5f0000000004 | 0035f00000Cont9 | Completed   | true     | 2026-01-11T09:00:00.000Z |                          | Call        | Outbound |
"""
EVENTS = f"""
    Id              | WhoId | StartDateTime            | EndDateTime              | IsChild | CreatedDate
    00U5f0000000001 | {C18} | 2026-01-22T09:00:00.000Z | 2026-01-22T09:45:00.000Z | false   | 2026-01-12T09:00:00.000Z
    00U5f0000000002 | {C18} | 2026-01-22T09:00:00.000Z | 2026-01-22T09:45:00.000Z | true    | 2026-01-12T09:00:00.000Z
    00U5f0000000003 | {C18} | 2026-06-22T09:00:00.000Z | 2026-06-22T09:45:00.000Z | false   | 2026-01-12T09:00:00.000Z
"""
OPPORTUNITIES = """
    Id              | StageName  | CloseDate  | IsClosed | IsWon | CreatedDate              | SystemModstamp
    0065f00000Opp01 | Closed Won | 2026-12-31 | true     | true  | 2026-02-10T15:30:00.000Z | 2026-02-25T11:00:00.000Z
"""
OPPORTUNITY_HISTORY = """
    Id              | OpportunityId   | Field     | OldValue      | NewValue   | CreatedDate
    0175f0000000101 | 0065f00000Opp01 | StageName | Qualification | Closed Won | 2026-02-25T11:00:00.000Z
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(
        tmp_path / "export",
        {
            "Lead.csv": LEADS,
            "LeadHistory.csv": LEAD_HISTORY,
            "Task.csv": TASKS,
            "Event.csv": EVENTS,
            "Opportunity.csv": OPPORTUNITIES,
            "OpportunityFieldHistory.csv": OPPORTUNITY_HISTORY,
            "notes.pdf": "a",
        },
    )


def test_the_dataset_that_comes_out(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_export("auto", export, out)
    assert_contract(out)
    # Rating is tracked since 3 January, Status since the 20th: what a lead had before is not known
    assert_table(
        out,
        "leads",
        f"""
        lead_id | created_at           | Rating
        {A18}   | 2026-01-05T09:00:00Z | Warm
        {C18}   | 2026-01-10T09:00:00Z | Cold
        {G18}   | 2026-01-18T09:00:00Z | Warm
        """,
    )
    assert_table(
        out,
        "outcomes",
        f"""
        lead_id | outcome   | occurred_at
        {A18}   | converted | 2026-02-10T15:30:00Z
        {C18}   | lost      | 2026-02-20T12:00:00Z
        """,
    )
    assert_table(
        out,
        "answers",
        f"""
        lead_id | answered_at          | attribute | value
        {A18}   | 2026-01-20T12:00:00Z | Status    | Open - Not Contacted
        {A18}   | 2026-01-25T12:00:00Z | Rating    | Hot
        {A18}   | 2026-02-10T15:30:00Z | Status    | Closed - Converted
        {C18}   | 2026-01-20T12:00:00Z | Status    | Working
        {C18}   | 2026-01-21T12:00:00Z | OwnerId   | 0055f000000Max1AAA
        {C18}   | 2026-02-20T12:00:00Z | Status    | Closed - Not Converted
        {G18}   | 2026-01-20T12:00:00Z | Status    | Open - Not Contacted
        """,
    )
    assert_table(
        out,
        "interactions",
        f"""
        lead_id | occurred_at          | kind         | duration_s
        {A18}   | 2026-01-09T09:00:00Z | inbound_call | 120
        {A18}   | 2026-02-11T09:00:00Z | email_sent   |
        {C18}   | 2026-01-22T09:00:00Z | meeting      | 2700
        """,
    )
    assert_table(
        out,
        "aliases",
        f"""
        alias_id           | lead_id
        0035f00000Cont1AAB | {A18}
        0065f00000Opp01AAB | {A18}
        {B18}              | {A18}
        """,
    )


def test_every_row_is_accounted_for(export: Path, tmp_path: Path) -> None:
    report = import_export("salesforce", export, tmp_path / "out")
    assert reasons(report) == [
        "event folded 1: an invitee's copy of a meeting",
        "event set aside 1: planned for after the export",
        "lead folded 1: merged into another lead",
        "lead set aside 1: 'Recycled' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)",
        "lead set aside 1: deleted in Salesforce",
        "lead set aside 1: lost without a date",
        "lead_history folded 1: a mark of the system, no field",
        "lead_history folded 1: the same change again, by name",
        "lead_history set aside 1: a change whose values the system does not keep",
        "lead_history set aside 1: its lead is set aside",
        "opportunity set aside 1: used with --goal won only",
        "opportunity_field_history set aside 1: used with --goal won only",
        "task folded 1: the same Id again",
        "task set aside 1: a task that is not done",
        "task set aside 1: its lead is not in the export",
    ]
    assert [(t.table, t.read, t.kept + t.folded + t.set_aside) for t in report.tables] == [
        ("lead", 7, 7),
        ("lead_history", 9, 9),
        ("task", 5, 5),
        ("event", 3, 3),
        ("opportunity", 1, 1),
        ("opportunity_field_history", 1, 1),
    ]
    lines = report.to_text().splitlines()
    assert lines[:2] == ["1 file not read:", "  notes.pdf: not a CSV, Excel, Parquet or JSON file"]
    assert lines[2] == "26 rows read = 11 kept + 5 folded + 10 set aside"


def test_the_statement_says_what_has_a_history(export: Path, tmp_path: Path) -> None:
    report = import_export("salesforce", export, tmp_path / "out")
    fields = {each.name: each for each in report.fields}
    assert fields["Rating"].basis is Basis.HISTORY
    assert f"{fields['Rating'].since:%Y-%m-%d}" == "2026-01-03"
    assert (fields["Rating"].at_creation, fields["Rating"].answers) == (3, 1)
    assert fields["Status"].breaks == 1  # Working was renamed Working - Contacted
    assert fields["LeadSource"].basis is Basis.AS_NOW
    assert fields["FirstName"].reason == "names, addresses and free text"
    text = report.to_text()
    assert "LeadSource (3 leads)" in text
    assert "Ann" not in text


def test_what_a_person_declares(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    choices = Choices(words={"recycled": "lost"}, as_at_creation=("LeadSource",))
    import_export("salesforce", export, out, choices)
    assert_table(
        out,
        "leads",
        f"""
        lead_id | LeadSource
        {A18}   | Web
        {C18}   | Web
        {G18}   | Web
        """,
    )  # E is lost now, but still without a date
    import_export("salesforce", export, out, Choices(words={"Recycled": "open"}))
    assert_table(
        out,
        "leads",
        f"""
        lead_id | Rating
        {A18}   | Warm
        {C18}   | Cold
        {E18}   |
        {G18}   | Warm
        """,
    )
    with pytest.raises(UsageError, match="expected some of LeadSource"):
        import_export("salesforce", export, out, Choices(as_at_creation=("Rating",)))


def test_the_goal_won_follows_the_opportunity(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    import_export("salesforce", export, out, Choices(goal="won"))
    # by the day on which its stage changed, not by CloseDate, which is still in December
    assert_table(
        out,
        "outcomes",
        f"""
        lead_id | outcome   | occurred_at
        {A18}   | converted | 2026-02-25T11:00:00Z
        {C18}   | lost      | 2026-02-20T12:00:00Z
        """,
    )
    with pytest.raises(UsageError, match="expected one of conversion, won"):
        import_export("salesforce", export, out, Choices(goal="signed"))


def test_a_status_that_closes_without_a_trace_is_not_known_at_creation(tmp_path: Path) -> None:
    traced = "\n".join(x for x in LEAD_HISTORY.splitlines() if "Closed - Converted" not in x)
    export = write_export(tmp_path / "export", {"Lead.csv": LEADS, "LeadHistory.csv": traced})
    report = import_export("salesforce", export, tmp_path / "out")
    status = next(each for each in report.fields if each.name == "Status")
    assert (status.basis, status.untraced, status.answers) == (Basis.CHANGES_ONLY, 1, 2)
    # nor is it said of any lead that it was open: that would tell the others apart
    assert_table(
        tmp_path / "out",
        "answers",
        f"""
        lead_id | answered_at          | attribute | value
        {A18}   | 2026-01-25T12:00:00Z | Rating    | Hot
        {C18}   | 2026-01-20T12:00:00Z | Status    | Working
        {C18}   | 2026-01-21T12:00:00Z | OwnerId   | 0055f000000Max1AAA
        {C18}   | 2026-02-20T12:00:00Z | Status    | Closed - Not Converted
        """,
    )


def test_without_the_history_a_conversion_has_its_day_and_a_loss_none(tmp_path: Path) -> None:
    export = write_export(tmp_path / "export", {"Lead.csv": LEADS})
    report = import_export("salesforce", export, tmp_path / "out", Choices(zone="Europe/Paris"))
    # the day of the org's zone; C and D are lost, and nothing but LastModifiedDate would date them
    assert_table(
        tmp_path / "out",
        "outcomes",
        f"""
        lead_id | outcome   | occurred_at
        {A18}   | converted | 2026-02-09T23:00:00Z
        """,
    )
    assert "lead set aside 2: lost without a date" in reasons(report)
