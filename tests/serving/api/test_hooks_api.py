"""Webhooks from systems: verified, taken once, and nothing of a lead in a log."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import chain, permutations
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import UsageError
from integrations.hooks.hubspot import signature
from integrations.hooks.rows import hook_recipe
from serving.api import hooks
from serving.api.hooks import MAX_BODY_BYTES, own_words
from serving.problems import Problem
from serving.settings import Settings

SECRETS = {f"hook_{name}_secret": f"{name}-secret" for name in ("hubspot", "odoo", "pipedrive")}
ORGANISATION = "00D000000000062EAA"


@pytest.fixture(scope="module")
def service(
    release_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
    running: Callable[[Settings], Any],
) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    settings = Settings(
        release=release_dir, home=home, hook_url="https://scores.example", **SECRETS,
        hook_salesforce_secret="old-secret, salesforce-secret", hook_salesforce_org=ORGANISATION[:15],
        hook_words="Recycled=lost",
    )  # fmt: skip
    with running(settings) as client:
        yield client


def hubspot(service: httpx.Client, events: Any, **changes: Any) -> httpx.Response:
    """Send events as HubSpot does; ``changes``: secret, late (seconds), sent (another body)."""
    body = json.dumps(events).encode()
    at = str(int(1000 * (time.time() - changes.get("late", 0))))
    url = "https://scores.example/v1/hooks/hubspot"
    signed = signature(changes.get("secret", "hubspot-secret"), "POST", url, body, at)
    headers = {
        "content-type": "application/json", "x-hubspot-signature-v3": signed,
        "x-hubspot-request-timestamp": at,
    }  # fmt: skip
    return service.post("/v1/hooks/hubspot", content=changes.get("sent", body), headers=headers)


def basic(password: str) -> dict[str, str]:
    coded = base64.b64encode(f"leadscore:{password}".encode()).decode()
    return {"authorization": f"Basic {coded}"}


def event(kind: str, at: str, lead: int = 101, **more: Any) -> dict[str, Any]:
    moment = datetime.fromisoformat(at).replace(tzinfo=UTC)
    return {"subscriptionType": kind, "objectId": lead, "eventId": 1,
            "occurredAt": int(moment.timestamp() * 1000), **more}  # fmt: skip


def stored(service: httpx.Client, lead_id: str) -> dict[str, list[dict[str, Any]]]:
    """Every row that is stored of a lead, by table."""
    answer = service.get(f"/v1/leads/{lead_id}")
    assert answer.status_code == 200
    return {name: rows for name, rows in answer.json()["tables"].items() if name != "score"}


def answers(service: httpx.Client, lead_id: str) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in stored(service, lead_id)["answer"]:
        found.setdefault(row["attribute"], []).append(row["value"])
    return found


def current(service: httpx.Client, lead_id: str) -> dict[str, str]:
    """The attributes as they are now."""
    attributes: dict[str, str] = service.get(f"/v1/leads/{lead_id}").json()["attributes"]
    return attributes


def whole(service: httpx.Client, lead_id: str) -> Any:
    """Every stored row of a lead, and its score at a moment."""
    asked = {"as_of": "2026-06-01T00:00:00Z", "record": "false"}
    score = service.get(f"/v1/leads/{lead_id}/score", params=asked)
    assert score.status_code == 200
    return stored(service, lead_id), score.json()["probability"], score.json()["reasons"]


HISTORY = [
    event("contact.creation", "2026-01-05T09:00:00"),
    event("contact.propertyChange", "2026-01-20T09:00:00", propertyName="budget", propertyValue="low"),
    event("contact.propertyChange", "2026-01-21T09:00:00", propertyName="budget", propertyValue="high"),
    event("contact.propertyChange", "2026-01-22T09:00:00", propertyName="budget", propertyValue="low"),
    event("contact.propertyChange", "2026-01-22T09:00:00", propertyName="email", propertyValue="ada@x.example"),
    event("contact.propertyChange", "2026-01-22T09:00:00", propertyName="leadscore_band", propertyValue="hot"),
    event("deal.propertyChange", "2026-01-22T09:00:00", propertyName="dealstage", propertyValue="closedwon"),
    event("contact.propertyChange", "2026-03-01T11:00:00", propertyName="lifecyclestage", propertyValue="customer"),
]  # fmt: skip


def test_events_of_hubspot(service: httpx.Client) -> None:
    answer = hubspot(service, HISTORY)
    assert answer.json() == {
        "taken": 6, "repeated": 0, "unchanged": 0, "refused": {},
        "unused": {
            "a property that the recipe leaves out": 2,
            "of no contact: a deal's event does not say whose it is": 1,
        },
    }  # fmt: skip
    lead = stored(service, "101")
    assert lead["outcome"][0]["outcome"] == "converted"
    assert answers(service, "101") == {
        "budget": ["low", "high", "low"], "lifecycle_stage": ["customer"],
    }  # fmt: skip
    assert "ada@x.example" not in json.dumps(lead)
    # the same once more, and in another order: nothing changes
    for events in (HISTORY, HISTORY[::-1]):
        again = hubspot(service, events).json()
        assert (again["taken"], again["refused"]) == (0, {})
    assert stored(service, "101") == lead
    # as another lead, from the last to the first: what is known when is the same
    events = [{**one, "objectId": 102} for one in HISTORY]
    for part in (events[:1], *([one] for one in events[:0:-1])):
        assert hubspot(service, part).status_code == 200
    known = [
        {(row["answered_at"], row["attribute"], row["value"]) for row in found["answer"]}
        for found in (lead, stored(service, "102"))
    ]
    assert known[0] == known[1]


@pytest.mark.parametrize(
    "changes",
    [{"secret": "another"}, {"late": 301}, {"late": -400}, {"sent": b"[]"}],
    ids=["secret", "old", "ahead", "tampered"],
)
def test_what_hubspot_did_not_sign_now_is_refused(service: httpx.Client, changes: Any) -> None:
    answer = hubspot(service, [event("contact.creation", "2026-01-05T09:00:00", 666)], **changes)
    assert answer.status_code == 401
    assert service.get("/v1/leads/666").status_code == 404


def test_an_unknown_lead_is_counted_not_retried(service: httpx.Client) -> None:
    change = event("contact.propertyChange", "2026-01-20T09:00:00", 7, propertyName="budget", propertyValue="low")  # fmt: skip
    answer = hubspot(service, [change])
    assert (answer.status_code, answer.json()["refused"]) == (200, {"unknown_lead": 1})


DEAL = {
    "id": 17, "title": "Ada", "add_time": "2026-01-05T09:00:00Z", "status": "open", "value": 500,
    "update_time": "2026-01-05T09:00:00Z", "custom_fields": {"b" * 40: {"type": "enum", "id": 4}},
}  # fmt: skip


def pipedrive(
    service: httpx.Client, data: Any, previous: Any = None, action: str = "change",
    entity: str = "deal", password: str = "pipedrive-secret", minutes: float = 0,
) -> httpx.Response:  # fmt: skip
    sent = datetime.now(UTC) - timedelta(minutes=minutes)
    meta = {"action": action, "entity": entity, "timestamp": sent.isoformat(), "version": "2.0"}
    body = {"data": data, "previous": previous, "meta": meta}
    return service.post("/v1/hooks/pipedrive", json=body, headers=basic(password))


def test_deals_and_activities_of_pipedrive(service: httpx.Client) -> None:
    assert pipedrive(service, DEAL, action="create").json()["taken"] == 1
    assert current(service, "deal-17") == {"value": "500", "b" * 40: "4"}
    won = DEAL | {
        "update_time": "2026-03-01T11:00:05Z", "status": "won", "value": 700,
        "won_time": "2026-03-01T11:00:00Z",
    }  # fmt: skip
    before = {"status": "open", "value": 500}
    call = {
        "id": 71, "deal_id": 17, "type": "call", "done": True, "due_date": "2026-01-12",
        "due_time": "09:00", "duration": "00:02",
    }  # fmt: skip
    for _ in range(2):
        assert pipedrive(service, won, before).status_code == 200
        assert pipedrive(service, call, entity="activity").status_code == 200
    lead = stored(service, "deal-17")
    assert answers(service, "deal-17") == {"value": ["700"]}
    assert lead["outcome"][0]["outcome"] == "converted"
    [row] = lead["interaction"]
    assert (row["kind"], row["duration_s"], row["event_id"]) == (
        "outbound_call",
        120,
        "activity-71",
    )
    # what a sync loads with --source pipedrive is the same event
    loaded = {name: row[name] for name in ("lead_id", "kind", "event_id", "source", "duration_s")}
    loaded["occurred_at"] = "2026-01-12T09:00:00Z"
    answer = service.post("/v1/interactions", json={"interactions": [loaded]})
    assert (loaded["source"], answer.json()["repeated"]) == ("pipedrive", 1)
    assert pipedrive(service, call | {"done": False}, entity="activity").json()["unused"] == {
        "an activity that is not done": 1
    }
    assert pipedrive(service, won, before, password="wrong").status_code == 401
    assert pipedrive(service, won, before, minutes=61).status_code == 401
    answer = service.post("/v1/hooks/pipedrive", json={}, headers=basic("pipedrive-secret"))
    assert (answer.status_code, answer.json()["detail"]) == (
        400, "The body is not a webhook of this system: meta is missing.",
    )  # fmt: skip


def envelope(records: str, organisation: str = ORGANISATION, head: str = "") -> bytes:
    """An outbound message."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>{head}
<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
 <soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">
  <OrganizationId>{organisation}</OrganizationId><ActionId>04k000000000001</ActionId><SessionId xsi:nil="true"/>
  {records}</notifications></soapenv:Body></soapenv:Envelope>""".encode()


def record(kind: str, number: int = 1, **fields: str) -> str:
    inside = "".join(f"<sf:{name}>{value}</sf:{name}>" for name, value in fields.items())
    return (
        f'<Notification><Id>04l{number:012}</Id><sObject xsi:type="sf:{kind}" '
        f'xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{inside}</sObject></Notification>'
    )


def salesforce(
    service: httpx.Client, body: bytes, secret: str = "salesforce-secret"
) -> httpx.Response:
    headers = {"content-type": "text/xml; charset=utf-8"}
    return service.post(f"/v1/hooks/salesforce?secret={secret}", content=body, headers=headers)


LEAD = "00Q000000000001EAA"


def lead_record(status: str, modified: str, **more: str) -> str:
    return record(
        "Lead", Id=LEAD, CreatedDate="2026-01-05T09:00:00.000Z", SystemModstamp=modified,
        Status=status, Email="ada@x.example", **more,
    )  # fmt: skip


def test_outbound_messages_of_salesforce(service: httpx.Client) -> None:
    made = lead_record("New", "2026-01-05T09:00:02.000Z", Budget__c="low &amp; fixed")
    changed = lead_record("Recycled", "2026-02-15T11:00:00.000Z", Budget__c="low &amp; fixed")
    task = record(
        "Task", 2, Id="00T000000000001", WhoId=LEAD, IsClosed="true", TaskSubtype="Call",
        CallType="Inbound", CallDurationInSeconds="90", CreatedDate="2026-01-12T09:00:00.000Z",
    )  # fmt: skip
    for body in (made, changed + task):
        answer = salesforce(service, envelope(body))
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "text/xml"
        assert "<Ack>true</Ack>" in answer.text
    lead = stored(service, LEAD)
    assert current(service, LEAD) == {"Status": "Recycled", "Budget__c": "low & fixed"}
    assert answers(service, LEAD) == {"Status": ["Recycled"]}
    [outcome] = lead["outcome"]
    assert (outcome["outcome"], outcome["occurred_at"]) == ("lost", "2026-02-15T11:00:00Z")
    assert [row["kind"] for row in lead["interaction"]] == ["inbound_call"]
    # sent again, one by one or together, in any order: no row and no score changes
    before = whole(service, LEAD)
    for bodies in permutations((made, changed, task)):
        for body in (*bodies, "".join(bodies)):
            assert salesforce(service, envelope(body)).status_code == 200
    assert whole(service, LEAD) == before
    assert salesforce(service, envelope(made), "old-secret").status_code == 200
    assert salesforce(service, envelope(made), "wrong").status_code == 401
    assert salesforce(service, envelope(made, "00D000000000063EAA")).status_code == 401


def test_a_loss_that_was_there_before_has_no_date(service: httpx.Client) -> None:
    """Every edit moves SystemModstamp: the first message of an old lead dates nothing."""
    old = lead_record("Recycled", "2026-02-20T11:00:00.000Z").replace("001EAA", "002EAA")
    assert salesforce(service, envelope(old)).status_code == 200
    assert stored(service, "00Q000000000002EAA")["outcome"] == []


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
FETCH = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>'


@pytest.mark.parametrize(
    "body",
    [
        envelope("&b;", head=BOMB), envelope("&a;", head=FETCH), envelope("<a>" * 20 + "</a>" * 20),
        envelope(record("Lead", Id=LEAD)), envelope(record("Lead") * 101), b"<a>", b"", b"{}",
        envelope(record("Lead", Id=LEAD, CreatedDate="soon", SystemModstamp="later")),
    ],
    ids=["bomb", "fetch", "deep", "no moments", "many", "cut", "empty", "json", "no dates"],
)  # fmt: skip
def test_xml_that_is_no_message_is_refused(service: httpx.Client, body: bytes) -> None:
    answer = salesforce(service, body)
    assert answer.status_code == 400
    assert LEAD not in answer.text


def test_notifications_of_odoo(service: httpx.Client) -> None:
    lead = {
        "_model": "crm.lead", "_id": 11, "_action": "Send(#4)", "id": 11, "active": True,
        "create_date": "2026-01-05 09:00:00", "write_date": "2026-01-20 09:00:00", "x_budget": "low",
        "contact_name": "Ada", "stage_id": 1, "probability": 20.0, "team_id": 3, "won_status": "pending",
    }  # fmt: skip
    lost = lead | {
        "write_date": "2026-02-15 11:00:00", "active": False, "probability": 0.0,
        "won_status": "lost", "date_closed": "2026-02-15 11:00:00", "x_budget": False,
    }  # fmt: skip
    meeting = {
        "_model": "calendar.event", "_id": 71, "start": "2026-01-22 09:00:00",
        "stop": "2026-01-22 09:45:00", "opportunity_id": 11, "active": True,
    }  # fmt: skip
    before = None
    for body in (lead, meeting, lost, *chain(*permutations((lead, meeting, lost)))):
        answer = service.post("/v1/hooks/odoo", json=body, headers=basic("odoo-secret"))
        assert answer.status_code == 200
        if body is lost:
            # sent again, in any order: no row and no score changes
            before = before or whole(service, "11")
            assert whole(service, "11") == before
    found = stored(service, "11")
    # the first message came days after the lead was made: what it says was learned then
    assert answers(service, "11") == {"x_budget": ["low", ""], "team_id": ["3"]}
    assert found["outcome"][0]["outcome"] == "lost"
    assert [(row["kind"], row["duration_s"]) for row in found["interaction"]] == [("meeting", 2700)]
    assert service.post("/v1/hooks/odoo?secret=wrong", json=lead).status_code == 401
    assert service.post("/v1/hooks/odoo", json=lead).status_code == 401
    future = meeting | {"start": "2199-01-01 09:00:00", "stop": "2199-01-01 10:00:00"}
    answer = service.post("/v1/hooks/odoo?secret=odoo-secret", json=future)
    assert answer.json()["unused"] == {"a meeting still to come": 1}


def test_a_body_that_is_too_large_is_refused(service: httpx.Client) -> None:
    many = [event("contact.creation", "2026-01-05T09:00:00")] * 1001
    assert hubspot(service, many).status_code == 400
    wide = {f"x_{i}": i for i in range(1000)} | {
        "_model": "crm.lead", "_id": 12, "create_date": "2026-01-05 09:00:00",
        "write_date": "2026-01-05 09:00:00",
    }  # fmt: skip
    answer = service.post("/v1/hooks/odoo", json=wide, headers=basic("odoo-secret"))
    assert answer.status_code == 400
    body = b" " * (MAX_BODY_BYTES + 1)
    headers = {"content-type": "application/json", **basic("odoo-secret")}
    answer = service.post("/v1/hooks/odoo", content=body, headers=headers)
    assert answer.status_code == 413


def test_hooks_are_off_until_they_have_a_secret(client: httpx.Client) -> None:
    for system in ("hubspot", "odoo", "pipedrive"):
        assert client.post(f"/v1/hooks/{system}", json=[]).status_code == 404
    assert client.post("/v1/hooks/lotus", json=[]).status_code == 404


def test_words_of_ones_own_and_secrets_stay_out_of_sight() -> None:
    settings = Settings(hook_words=" Recycled = lost ,Won=back=converted", hook_odoo_secret="hush")
    assert own_words(settings) == (("Recycled", "lost"), ("Won=back", "converted"))
    assert "hush" not in repr(settings)
    with pytest.raises(UsageError, match="expected WORD=MEANING"):
        own_words(Settings(hook_words="Recycled=gone"))


def test_nothing_of_a_lead_is_logged(
    service: httpx.Client, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    with caplog.at_level("DEBUG"):
        hubspot(service, HISTORY)
        salesforce(service, envelope(lead_record("New", "never")))
        service.post(
            "/v1/hooks/odoo?secret=odoo-secret", json={"_model": "crm.lead", "_id": "L-77"}
        )
    own = [
        one.getMessage() for one in caplog.records if not one.name.startswith(("httpx", "httpcore"))
    ]
    printed = capfd.readouterr()
    for text in (*own, printed.out, printed.err):
        for secret in ("101", "L-77", LEAD, "budget", "odoo-secret"):
            assert secret not in text


def places(body: Any, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Every place in a body, by keys and positions."""
    yield at
    for key in (
        body if isinstance(body, dict) else range(len(body) if isinstance(body, list) else 0)
    ):
        yield from places(body[key], (*at, key))


def replaced(body: Any, at: tuple[Any, ...], value: Any) -> Any:
    """A copy of a body with another value at a place."""
    if not at:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[at[0]] = replaced(body[at[0]], at[1:], value)
    return copy


JUNK = (
    None, True, -1, 1e300, 10**30, "", "\x00", [], [[1]], {"a": 1}, "9999-12-31T23:59:59-14:00",
)  # fmt: skip
SENT = datetime.now(UTC).isoformat()
BODIES = {
    "hubspot": [HISTORY[1]],
    "odoo": {
        "_model": "calendar.event", "_id": 71, "start": "2026-01-22 09:00:00",
        "stop": "2026-01-22 09:45:00", "opportunity_id": 11, "active": True,
    },
    "pipedrive": {
        "meta": {"action": "change", "entity": "deal", "timestamp": SENT}, "data": DEAL,
        "previous": {"value": 1, "custom_fields": {"b" * 40: 3}},
    },
}  # fmt: skip


@pytest.mark.parametrize("system", BODIES)
def test_any_value_in_any_place_is_rows_or_a_problem(system: str) -> None:
    now, settings, statuses, read = datetime.now(UTC), Settings(), set(), 0
    for at in places(BODIES[system]):
        for value in JUNK:
            body = json.dumps(replaced(BODIES[system], at, value)).encode()
            try:
                rows = hooks._rows(system, body, hook_recipe(system), settings, now)
            except Problem as problem:
                statuses.add(problem.status)
                continue
            read += 1
            given = [row["value"] for row in rows.answers]
            given += [value for row in rows.leads for value in row["attributes"].values()]
            assert all(one is None or isinstance(one, str | int | float) for one in given)
    assert read > 20
    assert statuses <= {400, 401}
