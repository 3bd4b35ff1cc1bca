"""A Dynamics 365 environment on loopback, as its public documentation describes the Web API:

https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results (Prefer,
``@odata.nextLink``), …/webapi/update-delete-entities-using-web-api (a PATCH makes what is not
there, unless ``If-Match: *``), …/webapi/compose-http-requests-handle-errors (``error.message``),
…/auditing/retrieve-audit-data (``changedata``) and
https://learn.microsoft.com/dynamics365/sales/populate-predictive-scores (alternate key).
"""

from __future__ import annotations

import json
import re
from typing import Any

from fake_service import FakeService

DATA = "/api/data/v9.2"
A, B, C = (f"{sign * 8}-0000-4000-8000-000000000000" for sign in "abc")
KEYS = {
    "leads": "leadid", "audits": "auditid", "activitypointers": "activityid",
    "phonecalls": "activityid", "emails": "activityid", "opportunities": "opportunityid",
}  # fmt: skip
FIELDS = {
    "new_leadscore_probability": "Decimal", "new_leadscore_band": "String",
    "new_leadscore_reasons": "Memo", "new_leadscore_as_of": "DateTime",
}  # fmt: skip
FILTER = re.compile(r"(\w+) (eq|ne|ge) ('[^']*'|null|\S+)")


class DynamicsService(FakeService):
    """Rows by table and key; ``predictive``: the scores of Dynamics' own table, None without it."""

    system = "dynamics"
    environment = {"DYNAMICS_ACCESS_TOKEN": "good-token"}  # noqa: RUF012
    first, later = f"{DATA}/leads", "opportunities"
    leads, missing, prefix = (A, B, C), f"{'d' * 8}-0000-4000-8000-000000000000", ""
    optional = "audit"
    refusal, no_field = "Does Not Exist", r"new_leadscore_probability \(decimal\)"
    pushed = [  # noqa: RUF012
        0.4124,
        "warm",
        "Budget is high, and growing\n-5 % budget",
        "2026-04-01T12:00:00Z",
    ]
    expected = {  # noqa: RUF012
        "leads": f"""
            lead_id | created_at
            {A}     | 2026-01-05T09:00:00Z
            {B}     | 2026-01-10T09:00:00Z
            {C}     | 2026-02-01T09:00:00Z
        """,
        "outcomes": f"""
            lead_id | outcome   | occurred_at
            {A}     | converted | 2026-03-01T11:00:00Z
            {B}     | lost      | 2026-02-15T11:00:00Z
        """,
        "answers": f"""
            lead_id | answered_at          | attribute    | value
            {A}     | 2026-01-20T09:00:00Z | budgetstatus | 2
        """,
        "interactions": f"""
            lead_id | occurred_at          | kind         | duration_s
            {A}     | 2026-01-12T09:00:00Z | inbound_call | 120
        """,
    }

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {"good-token"}
        self.refreshed = 0
        self.predictive: dict[str, dict[str, Any]] | None = {}
        self.objects: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in KEYS}
        self.columns = {
            "leadid": ("Uniqueidentifier", False), "budgetstatus": ("Picklist", False),
            "firstname": ("String", False), "cr1_tier": ("Picklist", True),
            "cr1_wishes": ("Memo", True), "ownerid": ("Owner", False),
            "msdyn_leadscore": ("Integer", True),
        }  # fmt: skip
        for key, at in zip((A, B, C), ("01-05", "01-10", "02-01"), strict=True):
            moment = f"2026-{at}T09:00:00Z"
            self.put(
                "leads", key, moment, createdon=moment, statecode=0, firstname="Ada",
                budgetstatus=1 if key == A else None, cr1_wishes="Ada's wish", msdyn_leadscore=77,
                _ownerid_value="0" * 8 + "-0000-4000-8000-000000000000", merged=False,
            )  # fmt: skip
        self.change(A, "2026-01-20T09:00:00Z", budgetstatus=2, firstname="Augusta")
        self.change(A, "2026-03-01T11:00:00Z", statecode=1)
        self.change(B, "2026-02-15T11:00:00Z", statecode=2)
        call = f"{'e' * 8}-0000-4000-8000-000000000000"
        at = "2026-01-12T09:00:00Z"
        self.put("activitypointers", call, at, createdon=at, activitytypecode="phonecall",
                 _regardingobjectid_value=A, statecode=1, actualend=at,
                 actualdurationminutes=2)  # fmt: skip
        self.put("phonecalls", call, at, directioncode=False)

    def put(self, table: str, key: str, at: str, **values: Any) -> None:
        """Set values of a row at a moment; a new one is made."""
        row = self.objects[table].setdefault(key, {KEYS[table]: key})
        row |= values | {"modifiedon": at}

    def change(self, lead: str, at: str, **values: Any) -> None:
        """Changes that the audit keeps."""
        row = self.objects["leads"][lead]
        changes = [
            {"logicalName": n, "oldValue": _text(row.get(n)), "newValue": _text(v)}
            for n, v in values.items()
        ]
        self.put("leads", lead, at, **values)
        key = f"{len(self.objects['audits']):08}-0000-4000-8000-000000000000"
        self.put("audits", key, at, createdon=at, _objectid_value=lead, objecttypecode="lead",
                 operation=2, changedata=json.dumps({"changedAttributes": changes}))  # fmt: skip

    def edit(self) -> None:
        """A late edit, on the afternoon of 1 April."""
        self.change(A, "2026-04-01T15:00:00Z", cr1_tier="huge")

    def remove(self) -> None:
        """The third lead is deleted."""
        del self.objects["leads"][C]

    def deny(self) -> None:
        """The app may not read audits."""
        self.faults = [("audits", 403, {})]

    def add_score_fields(self) -> None:
        """The columns that a push writes."""
        self.columns |= {name: (kind, True) for name, kind in FIELDS.items()}

    def scores(self, lead: str) -> list[Any]:
        """What was pushed into a lead."""
        return [self.objects["leads"][lead].get(name) for name in FIELDS]

    @property
    def oauth(self) -> dict[str, str]:
        """Settings of an app registration."""
        return {
            "DYNAMICS_TENANT_ID": "tenant", "DYNAMICS_CLIENT_ID": "client",
            "DYNAMICS_CLIENT_SECRET": "client-secret", "DYNAMICS_LOGIN_URL": self.url,
        }  # fmt: skip

    def error(self, message: str) -> Any:
        """An error's body."""
        return {"error": {"code": "0x80040217", "message": message}}

    def open_path(self, path: str, form: dict[str, str]) -> tuple[int, Any] | None:
        """Access tokens for the one app there is."""
        if path != "/tenant/oauth2/v2.0/token":
            return None
        if form.get("client_secret") != "client-secret":
            return 401, {"error": "invalid_client", "error_description": "AADSTS7000215"}
        assert form["scope"] == f"{self.url}/.default"
        self.refreshed += 1
        self.tokens = {f"access-{self.refreshed}"}
        return 200, {"access_token": f"access-{self.refreshed}", "expires_in": 3599}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """One request."""
        table, _, key = path.removeprefix(f"{DATA}/").partition("(")
        if table == "EntityDefinitions":
            return self._metadata(path)
        if table == "msdyn_predictivescores":
            return self._predictive(method, key, body)
        if not key:
            return self._rows(path, table, query)
        row = self.objects[table].get(key.rstrip(")"))
        if row is None and (method == "GET" or self.headers.get("if-match") == "*"):
            return 404, self.error(f"{table} With Id = {key.rstrip(')')} Does Not Exist")
        assert row is not None, "a PATCH without If-Match made a lead"
        if method == "PATCH":
            assert body.keys() <= self.columns.keys()
            self.put(table, key.rstrip(")"), "2026-04-02T12:00:00Z", **body)
        return (200, row) if method == "GET" else (204, None)

    def _metadata(self, path: str) -> tuple[int, Any]:
        if "msdyn_predictivescore" in path:
            if self.predictive is None:
                return 404, self.error("Could not find an entity with the specified name")
            return 200, {"LogicalName": "msdyn_predictivescore"}
        return 200, {
            "value": [
                {"LogicalName": n, "AttributeType": t, "IsCustomAttribute": c, "AttributeOf": None}
                for n, (t, c) in self.columns.items()
            ]
        }

    def _predictive(self, method: str, key: str, body: Any) -> tuple[int, Any]:
        assert self.predictive is not None
        if method == "POST":
            assert body.pop("msdyn_entitytype") == "lead"
            self.predictive[body.pop("msdyn_entityid")] = body
            return 204, None
        lead = key.removeprefix("msdyn_entityid='").removesuffix("',msdyn_entitytype='lead')")
        if lead not in self.predictive:
            return 404, self.error("A record with the specified key values does not exist")
        self.predictive[lead] = body
        return 204, None

    def _rows(self, path: str, table: str, query: dict[str, str]) -> tuple[int, Any]:
        found = list(self.objects[table].values())
        for name, sign, text in FILTER.findall(query.get("$filter", "")):
            value = None if text == "null" else text.strip("'")
            found = [
                row for row in found
                if {"eq": row.get(name) == value, "ne": row.get(name) != value,
                    "ge": str(row.get(name)) >= str(value)}[sign]
            ]  # fmt: skip
        order = [part.split()[0] for part in query.get("$orderby", "").split(",") if part]
        found.sort(key=lambda row: [row[name] for name in order])
        size = int(self.headers["prefer"].removeprefix("odata.maxpagesize="))
        start = int(query.get("$skiptoken", 0))
        names = query["$select"].split(",")
        answer: dict[str, Any] = {
            "value": [{n: row.get(n) for n in names} for row in found[start : start + size]]
        }
        if start + size < len(found):
            more = "&".join(f"{k}={v}" for k, v in (query | {"$skiptoken": start + size}).items())
            answer["@odata.nextLink"] = f"{self.url}{path}?{more}"
        return 200, answer


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
