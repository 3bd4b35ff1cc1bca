"""A webhook says of a record what an import of the same record says."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from drawn_export import table

from integrations.hooks import hubspot, odoo, pipedrive, salesforce
from integrations.hooks.rows import HookRows, hook_recipe
from integrations.hooks.soap import Message, Notification
from integrations.recipe import Choices
from integrations.run import import_export

NOW = datetime(2026, 6, 1, tzinfo=UTC)
EXPORTED = "2026-06-01T00:00:00Z"
Records = list[dict[str, Any]]


def imported(
    folder: Path, system: str, files: dict[str, Records], name: str, columns: Sequence[str]
) -> set[tuple[str, ...]]:
    """The rows of one table of the dataset that an export of these records becomes."""
    export = folder / "export"
    export.mkdir()
    for file, records in files.items():
        fields = list(dict.fromkeys(key for record in records for key in record))
        with (export / file).open("w", newline="") as opened:
            writer = csv.DictWriter(opened, fields)
            writer.writeheader()
            writer.writerows(records)
    import_export(system, export, folder / "out", Choices(zone="UTC"), exported_at=EXPORTED)
    return {tuple(row) for row in table(folder / "out", name, columns)[1:]}


def said(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> set[tuple[str, ...]]:
    """Rows of a webhook as text, as a dataset's are drawn."""
    return {tuple(_text(row[column]) for column in columns) for row in rows}


def _text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return "" if value is None else str(value).replace("+00:00", "Z")


INTERACTION = ("lead_id", "occurred_at", "kind", "duration_s", "event_id")
OUTCOME = ("lead_id", "outcome", "occurred_at")
LEAD = "00Q000000000001EAA"
LEADS = [
    {"Id": LEAD, "CreatedDate": "2026-01-05T09:00:00.000Z", "Status": "New", "IsConverted": "false"}
]


def activity(kind: str, number: int, **fields: str) -> dict[str, str]:
    moments = (
        {"CreatedDate": "2026-01-12T09:00:00.000Z"}
        if kind == "00T"
        else {"StartDateTime": "2026-01-13T09:00:00.000Z"}
    )
    return {"Id": f"{kind}00000000000{number}EAA", "WhoId": LEAD, **moments, **fields}


TASKS = [
    activity(
        "00T",
        1,
        Status="Completed",
        TaskSubtype="Call",
        CallType="Inbound",
        CallDurationInSeconds="90",
    ),
    activity(
        "00T",
        2,
        Status="Completed",
        TaskSubtype="Call",
        CompletedDateTime="2026-01-14T10:00:00.000Z",
    ),
    activity("00T", 3, Status="Completed", TaskSubtype="ListEmail"),
    activity("00T", 4, Status="Done", IsClosed="true", Type="Meeting"),
    activity("00T", 5, Status="Completed", Type="Other"),
    activity("00T", 6, Status="Not Started", IsClosed="false"),
    activity("00T", 7, Status="Completed", IsDeleted="true"),
]
EVENTS = [
    activity("00U", 1, EndDateTime="2026-01-13T09:45:00.000Z", IsChild="false"),
    activity("00U", 2, EndDateTime="2026-01-13T09:45:00.000Z", IsChild="true"),
    activity("00U", 3, Type="Call"),
]


def test_activities_of_salesforce(tmp_path: Path) -> None:
    files = {"Lead.csv": LEADS, "Task.csv": TASKS, "Event.csv": EVENTS}
    kinds = [("Task", record) for record in TASKS] + [("Event", record) for record in EVENTS]
    message = Message("00D", [Notification(kind, dict(record)) for kind, record in kinds])
    rows = salesforce.rows_of(message, hook_recipe("salesforce"))
    expected = imported(tmp_path, "salesforce", files, "interactions", INTERACTION)
    assert len(expected) == 7
    assert said(rows.interactions, INTERACTION) == expected


def test_deals_and_activities_of_pipedrive(tmp_path: Path) -> None:
    deals = [
        {"id": 1, "status": "won", "won_time": "2026-03-01T11:00:00Z", "lost_time": None},
        {"id": 2, "status": "lost", "won_time": None, "lost_time": "2026-02-15T11:00:00Z"},
        {"id": 3, "status": "open", "won_time": None, "lost_time": "2026-02-01T11:00:00Z"},
    ]
    times = {"add_time": "2026-01-05T09:00:00Z", "update_time": "2026-03-01T11:00:00Z"}
    deals = [deal | times for deal in deals]
    activities = [
        {
            "id": 1,
            "deal_id": 1,
            "type": "call",
            "done": True,
            "due_date": "2026-01-12",
            "due_time": "09:30",
            "duration": "00:02",
        },
        {
            "id": 2,
            "deal_id": 2,
            "type": "Meeting",
            "done": True,
            "due_date": "2026-01-13",
            "due_time": None,
            "marked_as_done_time": "2026-01-14T09:00:00Z",
        },
        {"id": 3, "deal_id": 3, "type": "call", "done": False, "due_date": "2026-01-12"},
    ]
    recipe = hook_recipe("pipedrive")
    rows = HookRows()
    for entity, items in (("deal", deals), ("activity", activities)):
        for item in items:
            body = {"meta": {"action": "create", "entity": entity}, "data": item}
            made = pipedrive.rows_of(body, recipe)
            rows.interactions += made.interactions
            rows.outcomes += made.outcomes
    files = {"deals.csv": deals, "activities.csv": activities}
    assert said(rows.outcomes, OUTCOME) == imported(
        tmp_path, "pipedrive", files, "outcomes", OUTCOME
    )
    expected = {tuple(row) for row in table(tmp_path / "out", "interactions", INTERACTION)[1:]}
    assert len(expected) == 2
    assert said(rows.interactions, INTERACTION) == expected


def test_leads_and_meetings_of_odoo(tmp_path: Path) -> None:
    closed = "2026-02-15 11:00:00"
    states = [
        {"active": True, "probability": 20.0, "date_closed": None},
        {"active": False, "probability": 0.0, "date_closed": closed},
        {"active": False, "probability": 0.0, "date_closed": None},
        {"active": True, "probability": 100.0, "date_closed": closed},
    ]
    leads: Records = [
        {
            "id": number,
            "create_date": "2026-01-05 09:00:00",
            "write_date": "2026-03-01 09:00:00",
            "stage_id": 4 if state["probability"] == 100 else 1,
            **state,
        }
        for number, state in enumerate(states, start=11)
    ]
    stages = [{"id": 1, "name": "New", "is_won": "f"}, {"id": 4, "name": "Won", "is_won": "t"}]
    meetings: Records = [
        {
            "id": number,
            "start": "2026-01-22 09:00:00",
            "stop": "2026-01-22 09:45:00",
            "opportunity_id": lead,
            "active": active,
        }
        for number, lead, active in ((1, 11, True), (2, 11, False), (3, None, True))
    ]
    recipe = hook_recipe("odoo")
    rows = HookRows()
    for model, records in (("crm.lead", leads), ("calendar.event", meetings)):
        for record in records:
            # no value is false
            body = {k: False if v is None else v for k, v in record.items()}
            made = odoo.rows_of({"_model": model, "_id": record["id"], **body}, recipe, NOW)
            rows.interactions += made.interactions
            rows.outcomes += made.outcomes
    files = {"crm_lead.csv": leads, "crm_stage.csv": stages, "calendar_event.csv": meetings}
    assert said(rows.outcomes, OUTCOME) == imported(tmp_path, "odoo", files, "outcomes", OUTCOME)
    expected = {tuple(row) for row in table(tmp_path / "out", "interactions", INTERACTION)[1:]}
    assert len(expected) == 1
    assert said(rows.interactions, INTERACTION) == expected


def test_property_changes_of_hubspot(tmp_path: Path) -> None:
    changes = [
        ("budget", "low", "2026-01-20T09:00:00Z"), ("budget", "high", "2026-02-20T09:00:00Z"),
        ("hs_lead_status", "OPEN", "2026-01-21T09:00:00Z"), ("firstname", "Ada", "2026-01-21T09:00:00Z"),
        ("lifecyclestage", "customer", "2026-03-01T11:00:00Z"),
    ]  # fmt: skip
    created = "2026-01-05T09:00:00Z"
    contacts = [
        {
            "hs_object_id": "101",
            "createdate": created,
            "email": "",
            "lifecyclestage": "customer",
            "hs_lead_status": "OPEN",
            "hs_lifecyclestage_customer_date": "2026-03-01T11:00:00Z",
        }
    ]
    history = [
        {"Record ID": "101", "Property Name": n, "Property Value": v, "Timestamp": at}
        for n, v, at in changes
    ]
    events = [
        {
            "subscriptionType": "contact.propertyChange",
            "objectId": 101,
            "propertyName": n,
            "propertyValue": v,
            "occurredAt": int(datetime.fromisoformat(at).timestamp() * 1000),
        }
        for n, v, at in changes
    ]
    rows = hubspot.rows_of(events, hook_recipe("hubspot"))
    files = {"contacts.csv": contacts, "property-history.csv": history}
    columns = ("lead_id", "answered_at", "attribute", "value")
    assert said(rows.answers, columns) == imported(tmp_path, "hubspot", files, "answers", columns)
    expected = {tuple(row) for row in table(tmp_path / "out", "outcomes", OUTCOME)[1:]}
    assert said(rows.outcomes, OUTCOME) == expected


@pytest.mark.parametrize(
    ("system", "name"),
    [("hubspot", "email"), ("salesforce", "Email"), ("odoo", "email_from"), ("pipedrive", "title")],
)
def test_what_a_recipe_leaves_out_is_no_attribute(system: str, name: str) -> None:
    recipe = hook_recipe(system)
    assert not recipe.is_attribute(name)
    assert not recipe.is_attribute("x_Leadscore_band")
    assert recipe.is_attribute("x_budget")
