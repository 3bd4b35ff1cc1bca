"""An Odoo database on loopback, as its public documentation describes the external API:

https://www.odoo.com/documentation/18.0/developer/reference/external_api.html (``version``,
``authenticate``, ``execute_kw``; at /jsonrpc errors come with the status 200) and
https://www.odoo.com/documentation/19.0/developer/reference/external_api.html (JSON-2: named
arguments, a bearer key, an error's own status). ``false`` stands for no value.
"""

from __future__ import annotations

import json
from typing import Any

from fake_service import FakeService

TYPES = {
    "crm.lead": "id:integer create_date:datetime write_date:datetime stage_id:many2one "
    "probability:float type:selection active:boolean date_closed:datetime won_status:selection "
    "user_id:many2one contact_name:char email_from:char x_budget:selection x_wishes:text "
    "tag_ids:many2many",
    "crm.stage": "id:integer name:char is_won:boolean",
    "ir.model.fields": "id:integer name:char model:char ttype:selection",
    "mail.activity.type": "id:integer name:char category:selection",
    "mail.message": "id:integer model:char res_id:many2one_reference date:datetime "
    "message_type:selection subject:char is_internal:boolean mail_activity_type_id:many2one",
    "mail.tracking.value": "id:integer mail_message_id:many2one field_id:many2one "
    "old_value_integer:integer new_value_integer:integer old_value_char:char new_value_char:char",
    "calendar.event": "id:integer start:datetime stop:datetime opportunity_id:many2one "
    "active:boolean create_date:datetime write_date:datetime",
}
FIELDS = {"x_leadscore_probability": "float", "x_leadscore_band": "char",
          "x_leadscore_reasons": "text", "x_leadscore_as_of": "datetime"}  # fmt: skip


LONG_AGO = "2025-01-01 09:00:00"


class OdooService(FakeService):
    """Records by model and id; ``denied``: models that the user may not read."""

    system = "odoo"
    environment = {  # noqa: RUF012
        "ODOO_API_KEY": "good-key", "ODOO_DATABASE": "prod", "ODOO_LOGIN": "sync@example.com"
    }  # fmt: skip
    oauth = None
    first, later = "crm.lead/search_read", "calendar.event/search_read"
    leads, missing, prefix = ("11", "12", "13"), "99", ""
    optional = "mail.tracking.value"
    refusal, no_field = "Record does not exist", r"x_leadscore_probability \(float\)"
    pushed = [  # noqa: RUF012
        0.4124,
        "warm",
        "Budget is high, and growing\n-5 % budget",
        "2026-04-01 12:00:00",
    ]
    expected = {  # noqa: RUF012
        "leads": """
            lead_id | created_at
            11      | 2026-01-05T09:00:00Z
            12      | 2026-01-10T09:00:00Z
            13      | 2026-02-01T09:00:00Z
        """,
        "outcomes": """
            lead_id | outcome   | occurred_at
            11      | converted | 2026-03-01T11:00:00Z
            12      | lost      | 2026-02-15T11:00:00Z
        """,
        "answers": """
            lead_id | answered_at          | attribute | value
            11      | 2026-01-20T09:00:00Z | x_budget  | high
        """,
        "interactions": """
            lead_id | occurred_at          | kind    | duration_s
            11      | 2026-01-12T09:00:00Z | meeting | 90
        """,
    }

    def __init__(self, version: int = 17) -> None:
        super().__init__()
        self.version = version
        self.tokens = {"good-key"}
        self.denied: set[str] = set()
        self.types = {m: dict(f.split(":") for f in t.split()) for m, t in TYPES.items()}
        self.objects: dict[str, dict[int, dict[str, Any]]] = {model: {} for model in TYPES}
        self.put("crm.stage", 1, "2025-01-01 09:00:00", name="New", is_won=False)
        self.put("crm.stage", 4, "2025-01-01 09:00:00", name="Won", is_won=True)
        for number, name in enumerate(("stage_id", "x_budget", "contact_name", "active"), start=1):
            self.put("ir.model.fields", number, LONG_AGO, name=name, model="crm.lead", ttype="char")
        self.put("ir.model.fields", 9, LONG_AGO, name="x", model="res.partner", ttype="char")
        for key, at in zip((11, 12, 13), ("01-05", "01-10", "02-01"), strict=True):
            self.put(
                "crm.lead", key, f"2026-{at} 09:00:00", create_date=f"2026-{at} 09:00:00",
                stage_id=[1, "New"], probability=20.0, type="lead", active=True,
                date_closed=False, contact_name="Ada", won_status="pending", x_budget=False,
            )  # fmt: skip
        self.put("crm.lead", 11, "2026-01-05 09:00:00", x_budget="low")
        self.change(11, "x_budget", "high", "2026-01-20 09:00:00")
        self.change(11, "contact_name", "Augusta", "2026-01-20 09:00:00")
        self.put("crm.lead", 11, "2026-03-01 11:00:00", stage_id=[4, "Won"], probability=100.0,
                 won_status="won", date_closed="2026-03-01 11:00:00")  # fmt: skip
        self.put("crm.lead", 12, "2026-02-15 11:00:00", active=False, probability=0.0,
                 won_status="lost", date_closed="2026-02-15 11:00:00")  # fmt: skip
        self.put("calendar.event", 71, "2026-01-12 09:00:00", start="2026-01-12 09:00:00",
                 stop="2026-01-12 09:01:30", opportunity_id=[11, "Ada"], active=True)  # fmt: skip

    def put(self, model: str, key: int, at: str, /, **values: Any) -> None:
        """Set values of a record at a moment; a new one is made."""
        self.objects[model].setdefault(key, {"id": key}).update(values | {"write_date": at})

    def change(self, lead: int, name: str, value: str, at: str) -> None:
        """A change that is tracked, with the message that announces it."""
        old = self.objects["crm.lead"][lead][name]
        self.put("crm.lead", lead, at, **{name: value})
        key = 100 + len(self.objects["mail.message"])
        self.put("mail.message", key, at, model="crm.lead", res_id=lead, date=at,
                 message_type="notification", subject=f"About {value}", is_internal=True,
                 mail_activity_type_id=False)  # fmt: skip
        [field] = [k for k, f in self.objects["ir.model.fields"].items() if f["name"] == name]
        self.put("mail.tracking.value", key, at, mail_message_id=[key, "x"],
                 field_id=[field, name], old_value_char=old, new_value_char=value)  # fmt: skip

    def edit(self) -> None:
        """A late edit, on the afternoon of 1 April."""
        self.change(11, "x_budget", "huge", "2026-04-01 15:00:00")

    def remove(self) -> None:
        """The third lead is deleted."""
        del self.objects["crm.lead"][13]

    def deny(self) -> None:
        """The user is no administrator."""
        self.denied.add(self.optional)

    def add_score_fields(self) -> None:
        """The fields that a push writes."""
        self.types["crm.lead"] |= FIELDS

    def scores(self, lead: str) -> list[Any]:
        """What was pushed into a lead."""
        return [self.objects["crm.lead"][int(lead)].get(name) for name in FIELDS]

    def place(self, path: str, raw: bytes) -> str:
        """Where a fault is taken: the model and the method, for the older way has one path."""
        if path != "/jsonrpc":
            return path
        arguments = json.loads(raw)["params"]["args"]
        return f"{path}/{'/'.join(arguments[3:5])}" if len(arguments) == 7 else path

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """One request, in either way."""
        if path == "/jsonrpc":
            params = body["params"]
            result, problem = self._remote(params["service"], params["method"], params["args"])
            if problem is None:
                return 200, {"jsonrpc": "2.0", "id": body["id"], "result": result}
            data = {"name": f"odoo.exceptions.{problem[1]}", "message": problem[2]}
            error = {"code": 200, "message": "Odoo Server Error", "data": data}
            return 200, {"jsonrpc": "2.0", "id": body["id"], "error": error}
        assert (self.version >= 19, method, path.split("/")[:3]) == (
            True,
            "POST",
            ["", "json", "2"],
        )
        result, problem = self._execute(*path.split("/")[3:], body.pop("ids", None), body)
        if problem is None:
            return 200, result
        return problem[0], {"name": f"odoo.exceptions.{problem[1]}", "message": problem[2]}

    def _remote(self, service: str, method: str, arguments: list[Any]) -> tuple[Any, Any]:
        if (service, method) == ("common", "version"):
            return {"server_version_info": [self.version, 0, 0, "final", 0, ""]}, None
        assert self.version < 19
        if (service, method) == ("common", "authenticate"):
            good = arguments[:3] == ["prod", "sync@example.com", "good-key"]
            return (2 if good else False), None
        database, user, key, model, name, positional, named = arguments
        assert (service, method, database, user, key) == (
            "object",
            "execute_kw",
            "prod",
            2,
            "good-key",
        )
        return self._execute(model, name, positional[0] if positional else None, named)

    def _execute(self, model: str, method: str, ids: Any, how: dict[str, Any]) -> tuple[Any, Any]:
        if model in self.denied and method != "fields_get":
            return None, (403, "AccessError", f"You are not allowed to access {model}")
        if method == "fields_get":
            return {n: {"string": n, "type": t} for n, t in self.types[model].items()}, None
        records = self.objects[model]
        if method == "write":
            if set(ids) - records.keys():
                return None, (404, "MissingError", "Record does not exist or has been deleted.")
            assert how["vals"].keys() <= self.types[model].keys()
            self.put(model, ids[0], "2026-04-02 12:00:00", **how["vals"])
            return True, None
        assert how["context"] == {"active_test": False}
        assert how["order"] == "id"
        found = [
            records[k]
            for k in sorted(records)
            if all(_passes(self, records[k], c) for c in how["domain"])
        ]
        if method == "search":
            return [r["id"] for r in found[: how["limit"]]], None
        assert how["fields"]
        assert set(how["fields"]) <= self.types[model].keys()
        return [{n: r.get(n, False) for n in how["fields"]} for r in found[: how["limit"]]], None


def _passes(service: OdooService, record: dict[str, Any], condition: list[Any]) -> bool:
    name, sign, value = condition
    if name == "mail_message_id.model":
        return service.objects["mail.message"][record["mail_message_id"][0]]["model"] == value
    return {
        "=": record[name] == value, "!=": record[name] != value,
        ">": sign == ">" and record[name] > value, ">=": sign == ">=" and record[name] >= value,
    }[sign]  # fmt: skip
