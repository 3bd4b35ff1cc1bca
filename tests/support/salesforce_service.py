"""A Salesforce org on loopback, as its public documentation describes the REST API:

https://developer.salesforce.com/docs/platform/api-rest/guide/dome-query.html (``done``,
``nextRecordsUrl``), …/resources-queryall.html, …/resources-sobject-describe.html,
…/resources-composite-sobjects-collections-update.html (SaveResults in the order of the records),
…/errorcodes.html (a list of ``errorCode`` and ``message``) and the OAuth 2.0 token endpoint.
"""

from __future__ import annotations

import re
from typing import Any

from fake_service import FakeService

QUERY = re.compile(r"SELECT (.+?) FROM (\w+)(?: WHERE (.+))? ORDER BY Id LIMIT (\d+)")
CONDITION = re.compile(r"(\w+) (>=|>) '?([^']+)'?")
DATA = "/services/data/v62.0"
LEADS = tuple(f"00Q00000000000{sign}EAA" for sign in "123")
HISTORY = "Id Field OldValue NewValue CreatedDate IsDeleted"
COLUMNS = {
    "Lead": "Id IsDeleted MasterRecordId CreatedDate Status IsConverted ConvertedDate "
    "ConvertedContactId ConvertedOpportunityId LastModifiedDate SystemModstamp",
    "LeadHistory": f"LeadId {HISTORY}",
    "Task": "Id WhoId WhatId Status IsClosed IsDeleted CreatedDate CompletedDateTime TaskSubtype "
    "CallType CallDurationInSeconds SystemModstamp",
    "Event": "Id WhoId WhatId StartDateTime EndDateTime IsChild IsDeleted CreatedDate "
    "SystemModstamp",
    "Opportunity": "Id StageName CloseDate IsClosed IsWon IsDeleted CreatedDate SystemModstamp",
}
"""Some of the columns of each object; those that nothing asks for are left out."""

FIELDS = {
    "Leadscore_Probability__c": "double", "Leadscore_Band__c": "string",
    "Leadscore_Reasons__c": "textarea", "Leadscore_As_Of__c": "datetime",
}  # fmt: skip


def moment(text: str) -> str:
    """A moment as Salesforce writes it.

    >>> moment("2026-01-05 09:00")
    '2026-01-05T09:00:00.000+0000'
    """
    return f"{text.replace(' ', 'T')}:00.000+0000"


class SalesforceService(FakeService):
    """Records by object and id; ``fields``: name → type of the fields of an object."""

    system = "salesforce"
    environment = {"SALESFORCE_ACCESS_TOKEN": "good-token"}  # noqa: RUF012
    oauth = {"SALESFORCE_CLIENT_ID": "client", "SALESFORCE_CLIENT_SECRET": "client-secret"}  # noqa: RUF012
    first, later = "queryAll", "Event/describe"
    leads, missing, prefix = LEADS, "00Q000000000009EAA", ""
    optional = "Event"
    refusal, no_field = (
        "ENTITY_IS_DELETED: entity is deleted",
        r"Probability__c \(Number, 4 decimals",
    )
    pushed = [  # noqa: RUF012
        0.4124,
        "warm",
        "Budget is high, and growing\n-5 % budget",
        "2026-04-01T12:00:00.000Z",
    ]
    expected = {  # noqa: RUF012
        "leads": """
            lead_id            | created_at
            00Q000000000001EAA | 2026-01-05T09:00:00Z
            00Q000000000002EAA | 2026-01-10T09:00:00Z
            00Q000000000003EAA | 2026-02-01T09:00:00Z
        """,
        "outcomes": """
            lead_id            | outcome   | occurred_at
            00Q000000000001EAA | converted | 2026-03-01T11:00:00Z
            00Q000000000002EAA | lost      | 2026-02-15T11:00:00Z
        """,
        "answers": """
            lead_id            | answered_at          | attribute | value
            00Q000000000001EAA | 2026-01-20T09:00:00Z | Budget__c | high
            00Q000000000001EAA | 2026-02-15T11:00:00Z | Status    | Open - Not Contacted
            00Q000000000002EAA | 2026-02-15T11:00:00Z | Status    | Unqualified
            00Q000000000003EAA | 2026-02-15T11:00:00Z | Status    | Open - Not Contacted
        """,
        "interactions": """
            lead_id            | occurred_at          | kind         | duration_s
            00Q000000000001EAA | 2026-01-12T09:00:00Z | inbound_call | 90
        """,
    }

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {"good-token"}
        self.refreshed = 0
        self.page_size = 2
        self.locators: dict[str, list[dict[str, Any]]] = {}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {
            name: {} for name in ("Lead", "LeadHistory", "Task", "Event", "Opportunity")
        }
        self.fields = {
            "Industry": "picklist", "FirstName": "string", "Budget__c": "picklist",
            "Wishes__c": "textarea", "LeadSource": "picklist",
        }  # fmt: skip
        for key, at in zip(LEADS, ("01-05", "01-10", "02-01"), strict=True):
            self.put(
                "Lead", key, f"2026-{at} 09:00", IsDeleted=False, IsConverted=False,
                CreatedDate=moment(f"2026-{at} 09:00"), Status="Open - Not Contacted",
                FirstName="Ada",
            )  # fmt: skip
        self.put("Lead", LEADS[0], "2026-01-05 09:00", Budget__c="low")
        self.change(LEADS[0], "Budget__c", "high", "2026-01-20 09:00")
        self.change(LEADS[0], "FirstName", "Augusta", "2026-01-20 09:00")
        self.change(LEADS[1], "Status", "Unqualified", "2026-02-15 11:00")
        self.put("Lead", LEADS[0], "2026-03-01 11:00", IsConverted=True, ConvertedDate="2026-03-01")
        self.put(
            "LeadHistory", "017900000000001", "2026-03-01 11:00", LeadId=LEADS[0],
            Field="leadConverted", CreatedDate=moment("2026-03-01 11:00"),
        )  # fmt: skip
        self.put(
            "Task", "00T000000000001AAA", "2026-01-12 09:00", WhoId=LEADS[0], Status="Completed",
            IsClosed=True, TaskSubtype="Call", CallType="Inbound", CallDurationInSeconds=90,
            CreatedDate=moment("2026-01-12 09:00"),
        )  # fmt: skip

    def put(self, name: str, key: str, at: str, **values: Any) -> None:
        """Set values of a record at a moment; a new one is made."""
        record = self.objects[name].setdefault(key, {"Id": key})
        record |= values | {"SystemModstamp": moment(at)}

    def change(self, lead: str, field: str, value: str, at: str) -> None:
        """A change that the field history keeps."""
        old = self.objects["Lead"][lead].get(field)
        self.put("Lead", lead, at, **{field: value})
        key = f"017{len(self.objects['LeadHistory']):012}"
        self.put(
            "LeadHistory", key, at, LeadId=lead, Field=field, OldValue=old, NewValue=value,
            CreatedDate=moment(at),
        )  # fmt: skip

    def edit(self) -> None:
        """A late edit, on the afternoon of 1 April."""
        self.change(self.leads[0], "Budget__c", "huge", "2026-04-01 15:00")

    def remove(self) -> None:
        """The third lead goes to the bin."""
        self.put("Lead", self.leads[2], "2026-04-01 15:00", IsDeleted=True)

    def deny(self) -> None:
        """The user may not see events."""
        self.faults = [("Event/describe", 403, {})]

    def add_score_fields(self) -> None:
        """The fields that a push writes."""
        self.fields |= FIELDS

    def scores(self, lead: str) -> list[Any]:
        """What was pushed into a lead."""
        return [self.objects["Lead"][lead].get(name) for name in FIELDS]

    def error(self, message: str) -> Any:
        """A list of errors."""
        return [{"errorCode": "INVALID_SESSION_ID", "message": message}]

    def open_path(self, path: str, form: dict[str, str]) -> tuple[int, Any] | None:
        """Access tokens for the one connected app there is."""
        if path != "/services/oauth2/token":
            return None
        if form.get("client_secret") != "client-secret":
            return 400, {"error": "invalid_client", "error_description": "invalid client"}
        self.refreshed += 1
        self.tokens = {f"access-{self.refreshed}"}
        return 200, {"access_token": f"access-{self.refreshed}", "instance_url": self.url}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """One request."""
        assert path.startswith(DATA)
        action = path.removeprefix(DATA).strip("/").split("/")
        if action[0] == "sobjects":
            return self._describe(action[1])
        if action[0] == "queryAll":
            return 200, self._page(self._query(query["q"]), 0)
        if action[0] == "query":
            key, _, start = action[1].rpartition("-")
            return 200, self._page(self.locators[key], int(start))
        assert (method, action) == ("PATCH", ["composite", "sobjects"])
        return 200, [self._update(one) for one in body["records"]]

    def _describe(self, name: str) -> tuple[int, Any]:
        if name not in self.objects:
            return 404, [
                {"errorCode": "NOT_FOUND", "message": "The requested resource does not exist"}
            ]
        names = COLUMNS[name].split()
        types = dict.fromkeys(names, "string") | (self.fields if name == "Lead" else {})
        return 200, {
            "fields": [
                {"name": n, "label": n, "custom": n.endswith("__c"), "type": t, "updateable": True}
                for n, t in types.items()
            ]
        }

    def _query(self, text: str) -> list[dict[str, Any]]:
        match = QUERY.fullmatch(text)
        assert match, text
        columns, name, where, limit = match.groups()
        found = [self.objects[name][key] for key in sorted(self.objects[name])]
        for column, sign, value in CONDITION.findall(where or ""):
            bound = value.replace("Z", ".000+0000") if sign == ">=" else value
            found = [r for r in found if r[column] > bound or (sign == ">=" and r[column] == bound)]
        names = columns.split(", ")
        return [{n: r.get(n) for n in names} | {"attributes": {"type": name}} for r in found][
            : int(limit)
        ]

    def _page(self, rows: list[dict[str, Any]], start: int) -> dict[str, Any]:
        end = start + self.page_size
        answer = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if end < len(rows):
            key = f"01g{len(self.locators)}"
            self.locators[key] = rows
            answer["nextRecordsUrl"] = f"{DATA}/query/{key}-{end}"
        return answer

    def _update(self, one: dict[str, Any]) -> dict[str, Any]:
        values = {name: value for name, value in one.items() if name not in ("attributes", "id")}
        if one["id"] not in self.objects["Lead"]:
            problem = {
                "statusCode": "ENTITY_IS_DELETED",
                "message": "entity is deleted",
                "fields": [],
            }
            return {"success": False, "errors": [problem]}
        self.put("Lead", one["id"], "2026-04-02 12:00", **values)
        return {"id": one["id"], "success": True, "errors": []}
