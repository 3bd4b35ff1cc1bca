"""The mappings, on payloads of the shape that each CRM documents, up to the service itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

import leadscore_client
from leadscore_client.crm_mapping import MappingError, load_mapping, moment

FOLDER = Path(leadscore_client.__file__).parent / "mappings"

HUBSPOT_CONTACT: dict[str, Any] = {
    "id": "151",
    "properties": {
        "createdate": "2026-01-02T03:04:05.678Z",
        "lastmodifieddate": "2026-02-02T03:04:05.678Z",
        "lifecyclestage": "customer",
        "hs_lifecyclestage_customer_date": "2026-02-01T08:00:00Z",
        "industry": "COMPUTER_SOFTWARE",
        "numemployees": "250",
        "annualrevenue": "",
        "country": None,
        "hs_analytics_source": "ORGANIC_SEARCH",
    },
    "createdAt": "2026-01-02T03:04:05.678Z",
    "updatedAt": "2026-02-02T03:04:05.678Z",
    "archived": False,
}
HUBSPOT_CALL: dict[str, Any] = {
    "id": "9001",
    "properties": {
        "hs_timestamp": "2026-01-05T10:00:00Z",
        "hs_call_direction": "INBOUND",
        "hs_call_duration": "340000",
    },
    "associations": {"contacts": {"results": [{"id": "151", "type": "call_to_contact"}]}},
}
HUBSPOT_EVENT: dict[str, Any] = {
    "eventId": 100,
    "subscriptionId": 1,
    "portalId": 62515,
    "occurredAt": 1767700000123,
    "subscriptionType": "contact.propertyChange",
    "attemptNumber": 0,
    "objectId": 151,
    "propertyName": "recent_conversion_date",
    "propertyValue": "1767700000123",
}
SALESFORCE_LEAD: dict[str, Any] = {
    "attributes": {"type": "Lead", "url": "/services/data/v60.0/sobjects/Lead/00Q5e00000AbCdE"},
    "Id": "00Q5e00000AbCdE",
    "CreatedDate": "2026-01-02T03:04:05.000+0000",
    "LastModifiedDate": "2026-02-01T08:00:00.000+0000",
    "Industry": "Banking",
    "Country": None,
    "Title": "CFO",
    "LeadSource": "Web",
    "Rating": "Hot",
    "NumberOfEmployees": 1200,
    "AnnualRevenue": 35000000.0,
    "Status": "Closed - Not Converted",
}
SALESFORCE_TASK: dict[str, Any] = {
    "Id": "00T5e00000XyZ",
    "WhoId": "00Q5e00000AbCdE",
    "Subject": "Call",
    "CreatedDate": "2026-01-05T10:00:00.000+0000",
    "CallType": "Outbound",
    "CallDurationInSeconds": 95,
}
ODOO_LEAD: dict[str, Any] = {
    "id": 5,
    "create_date": "2026-01-02 03:04:05",
    "source_id": [1, "Search engine"],
    "medium_id": False,
    "campaign_id": False,
    "country_id": [75, "France"],
    "team_id": [2, "Sales"],
    "lang_id": False,
    "priority": "2",
    "expected_revenue": 12000.0,
    "won_status": "won",
    "date_closed": "2026-02-01 08:00:00",
}
ODOO_MESSAGE: dict[str, Any] = {
    "id": 77,
    "res_id": 5,
    "model": "crm.lead",
    "date": "2026-01-05 10:00:00",
    "message_type": "email",
    "subtype_id": [1, "Discussions"],
}

CASES = {
    "hubspot": (HUBSPOT_CONTACT, "calls", HUBSPOT_CALL, "151", "converted", "inbound_call"),
    "salesforce": (
        SALESFORCE_LEAD, "task", SALESFORCE_TASK, "00Q5e00000AbCdE", "lost", "outbound_call",
    ),
    "odoo": (ODOO_LEAD, "message", ODOO_MESSAGE, "5", "converted", "email_reply"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_crm_s_payloads_become_the_contract(name: str, client: httpx2.Client) -> None:
    payload, record, event, lead_id, outcome, kind = CASES[name]
    mapping = load_mapping(FOLDER / f"{name}.toml")
    lead = mapping.lead(payload)
    assert lead["lead_id"] == lead_id
    assert lead["created_at"].startswith("2026-01-02T03:04:05")
    assert all(value not in (None, "", False) for value in lead["attributes"].values())
    row, ended = mapping.interaction(record, event), mapping.outcome(payload)
    assert row is not None
    assert ended is not None
    assert (row["kind"], row["occurred_at"][:19]) == (kind, "2026-01-05T10:00:00")
    assert (ended["outcome"], ended["occurred_at"][:10]) == (outcome, "2026-02-01")
    body = {k: v for k, v in lead.items() if k != "lead_id"}
    body["attributes"].pop("employees", None)
    assert client.put(f"/v1/leads/{lead_id}", json=body).status_code == 201
    for path, rows in (("interactions", [row]), ("outcomes", [ended])):
        said = client.post(f"/v1/{path}", json={path: rows}).json()
        assert said == {"taken": 1, "repeated": 0, "refused": []}
    assert client.get(f"/v1/leads/{lead_id}/score").status_code == 200


def test_hubspot_details() -> None:
    mapping = load_mapping(FOLDER / "hubspot.toml")
    assert mapping.lead(HUBSPOT_CONTACT)["attributes"] == {
        "sector": "COMPUTER_SOFTWARE", "source": "ORGANIC_SEARCH", "employees": 250.0,
    }  # fmt: skip
    row = mapping.interaction("calls", HUBSPOT_CALL)
    assert row is not None
    assert (row["duration_s"], row["source"], row["event_id"]) == (340.0, "hubspot-calls", "9001")
    row = mapping.interaction("webhook", HUBSPOT_EVENT)
    assert row is not None
    assert row["kind"] == "contact_form"
    assert mapping.interaction("webhook", {**HUBSPOT_EVENT, "propertyName": "city"}) is None
    contact = {**HUBSPOT_CONTACT["properties"], "lifecyclestage": "lead"}
    assert mapping.outcome({"id": "1", "properties": contact}) is None


def test_what_cannot_be_mapped_is_reported() -> None:
    mapping = load_mapping(FOLDER / "odoo.toml")
    with pytest.raises(MappingError, match="create_date"):
        mapping.lead({"id": 5})
    with pytest.raises(MappingError, match="known: message, calendar"):
        mapping.interaction("visit", {})
    with pytest.raises(MappingError, match="no format"):
        moment("yesterday")
    with pytest.raises(MappingError, match="TOML"):
        load_mapping(FOLDER / "none.toml")
