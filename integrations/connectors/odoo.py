"""Odoo: leads with their tracked changes, messages, meetings; scores into leads.

Written from https://www.odoo.com/documentation/19.0/developer/reference/external_api.html (JSON-2,
from Odoo 19 on) and https://www.odoo.com/documentation/18.0/developer/reference/external_api.html
(``execute_kw`` with an API key; as JSON at ``/jsonrpc``, Odoo 13 to 21). What it writes is what the
recipe ``odoo`` reads: the models as tables, times in UTC.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from features.errors import StorageError, UsageError
from integrations.connectors.changes import (
    RecordPage,
    read_changes,
    without_the_right,
    write_records,
)
from integrations.connectors.fields import SystemField
from integrations.connectors.push import FieldTarget, Score
from integrations.connectors.record_sync import RecordSync
from integrations.connectors.web import Api, FixedToken, RequestRefusedError, settings_from

PAGE = 500
JSON_2_SINCE = 19
"""The first version with JSON-2; the older way is announced to end with Odoo 22."""

TIME = "%Y-%m-%d %H:%M:%S"
LEAD_COLUMNS = (
    "id", "create_date", "write_date", "stage_id", "probability", "type", "active", "date_closed",
    "date_conversion", "won_status", "lost_reason_id", "lost_reason",
)  # fmt: skip
STANDARD_ATTRIBUTES = (
    "user_id", "team_id", "source_id", "medium_id", "campaign_id", "country_id", "state_id",
    "lang_id", "expected_revenue", "priority", "create_uid", "company_id",
)  # fmt: skip
"""Odoo's own fields that describe a lead. Names, addresses, e-mail and phone are not read."""

TEXT_TYPES = ("char", "text", "html")
"""Field types where anybody may have written anything; such a custom field must be named."""

READABLE_TYPES = (
    *TEXT_TYPES, "boolean", "date", "datetime", "float", "integer", "many2one", "monetary",
    "selection",
)  # fmt: skip
FIELDS = {name: f"x_leadscore_{name}" for name in ("probability", "band", "reasons", "as_of")}
FIELD_TYPES = {"probability": "float", "band": "char", "reasons": "text", "as_of": "datetime"}
STATUS_OF = {"AccessError": 403, "AccessDenied": 401, "MissingError": 404}
"""The HTTP status that an Odoo exception stands for; any other one refuses the row: 422."""


@dataclass(frozen=True)
class OdooModel:
    """One model: what is read of it, and of which records."""

    columns: tuple[str, ...]
    domain: tuple[Any, ...] = ()


TRACKED, FIELD_NAMES = "mail.tracking.value", "ir.model.fields"
"""Tracked values name their field by number: without the names none could be chosen."""

VALUES = ("integer", "float", "monetary", "char", "text", "datetime")
KINDS = {
    "crm.lead": OdooModel(LEAD_COLUMNS),
    "crm.stage": OdooModel(("id", "name", "is_won")),
    "ir.model.fields": OdooModel(("id", "name", "model", "ttype"), (("model", "=", "crm.lead"),)),
    "mail.activity.type": OdooModel(("id", "name", "category")),
    "mail.message": OdooModel(
        ("id", "model", "res_id", "date", "message_type", "subject", "is_internal",
         "mail_activity_type_id"),
        (("model", "=", "crm.lead"),),
    ),
    "mail.tracking.value": OdooModel(
        ("id", "mail_message_id", "field_id", "field",
         *(f"{age}_value_{kind}" for kind in VALUES for age in ("old", "new"))),
        (("mail_message_id.model", "=", "crm.lead"),),
    ),
    "calendar.event": OdooModel(
        ("id", "start", "stop", "opportunity_id", "active", "create_date", "write_date"),
        (("opportunity_id", "!=", False),),
    ),
}  # fmt: skip

SETTINGS = ("ODOO_DATABASE", "ODOO_API_KEY")


class OdooApi(Api):
    """A context manager: calls of models' methods, over JSON-2 where the server has it."""

    def __init__(
        self, url: str, database: str, key: str, login: str, sleep: Callable[[float], None]
    ) -> None:
        headers = {"x-odoo-database": database}
        super().__init__(url, FixedToken(key, "bearer"), sleep=sleep, headers=headers)
        self._database = database
        self._key = key
        self._login = login
        self._user: int | None = None
        self._version: int | None = None

    def execute(self, model: str, method: str, ids: Sequence[int] = (), **how: Any) -> Any:
        """The result of a method with named arguments, on records if it takes any.

        Raises RequestRefusedError with Odoo's reason, StorageError like :meth:`Api.call`.
        """
        if self._version is None:
            self._version = self._server_version()
        if self._version >= JSON_2_SINCE:
            body = how | ({"ids": list(ids)} if ids else {})
            return self.call("POST", f"/json/2/{model}/{method}", body)
        if self._user is None:
            self._user = self._signed_in()
        names = (self._database, self._user, self._key, model, method)
        return self._remote("object", "execute_kw", *names, [list(ids)] if ids else [], how)

    def _server_version(self) -> int:
        try:
            return int(self._remote("common", "version")["server_version_info"][0])
        except RequestRefusedError as error:
            if error.status == 404:  # Odoo 22 and later have JSON-2 alone
                return JSON_2_SINCE
            raise

    def _signed_in(self) -> int:
        if not self._login:
            raise UsageError("set ODOO_LOGIN too: this server is older than Odoo 19")
        user = self._remote("common", "authenticate", self._database, self._login, self._key, {})
        if not user:
            raise StorageError(f"{self.url} refused the login; check ODOO_LOGIN and ODOO_API_KEY")
        return int(user)

    def _remote(self, service: str, method: str, *arguments: Any) -> Any:
        """One call of the older kind: errors come with the status 200."""
        params = {"service": service, "method": method, "args": arguments}
        body = {"jsonrpc": "2.0", "method": "call", "id": 1, "params": params}
        answer = self.call("POST", "/jsonrpc", body)
        problem = answer.get("error")
        if problem is None:
            return answer.get("result")
        data = problem.get("data") or {}
        name = str(data.get("name", "")).rpartition(".")[2]
        reason = str(data.get("message") or problem.get("message") or "")[:300]
        raise RequestRefusedError(STATUS_OF.get(name, 422), f"/jsonrpc {method}", reason)


def connect(
    environment: Mapping[str, str], url: str | None, sleep: Callable[[float], None]
) -> OdooApi:
    """The API of one database, at ``url`` or ODOO_URL; UsageError names what is not set."""
    address = (url or environment.get("ODOO_URL", "")).rstrip("/")
    values = settings_from(environment, SETTINGS)
    if not address or values is None:
        raise UsageError(
            f"set ODOO_URL (or give --url), {' and '.join(SETTINGS)}; before Odoo 19 ODOO_LOGIN too"
        )
    database, key = values
    return OdooApi(address, database, key, environment.get("ODOO_LOGIN", ""), sleep)


class OdooSync(RecordSync[OdooApi]):
    """Reads what changed into a mirror and writes the export.

    ``named``: lead fields to read beside those chosen. ``without``: patterns of fields and names
    of models not to read.
    """

    title, recipe, leads = "Odoo", "odoo", "crm.lead"
    standard, needed = STANDARD_ATTRIBUTES, LEAD_COLUMNS

    def _read_and_write(self, now: datetime) -> dict[str, int]:
        read: dict[str, list[str]] = {}
        for model, kind in KINDS.items():
            if model in self._without or (model == TRACKED and FIELD_NAMES in self._without):
                continue
            try:
                read[model] = self._read(model, kind, now)
            except RequestRefusedError as error:
                right = "its user needs Sales / Administrator, and Settings for tracked changes"
                raise without_the_right(error, "Odoo", model, right) from error
        self._drop_deleted()
        self._remove_earlier(_file(model) for model in KINDS.keys() - read.keys())
        return {
            _file(model): write_records(self._mirror, _file(model), model, columns)
            for model, columns in read.items()
        }

    def _read(self, model: str, kind: OdooModel, now: datetime) -> list[str]:
        """Bring one model up to date; the columns that the database has of it."""
        known = self._api.execute(model, "fields_get", attributes=["string", "type"])
        columns = [column for column in kind.columns if column in known]
        if model == "crm.lead":
            attributes = self._selection.attributes(
                [
                    SystemField(name, f["string"], name.startswith("x_"), f["type"] in TEXT_TYPES)
                    for name, f in known.items()
                    if f["type"] in READABLE_TYPES
                ]
            )
            self._selection.keep(self._mirror, ["crm.lead", "mail.tracking.value"], attributes)
            columns += attributes
        types = {column: known[column]["type"] for column in columns}
        tracked = self._tracked() if model == "mail.tracking.value" else None
        read_changes(self._mirror, model, now, partial(self._pages, model, kind, types, tracked))
        return columns

    def _tracked(self) -> set[str]:
        """The fields whose changes are kept, by name and by number: those that are read. Names and
        addresses are tracked too."""
        names = {*LEAD_COLUMNS, *(self._mirror.setting("attributes") or "").split()}
        fields = self._mirror.records("ir.model.fields")
        return names | {key for key, one in fields if one["name"] in names}

    def _pages(
        self,
        model: str,
        kind: OdooModel,
        types: Mapping[str, str],
        tracked: set[str] | None,
        since: datetime | None,
        last_id: str | None,
    ) -> Iterator[RecordPage]:
        """Pages in ascending order of ids: pages by offset would move while records change."""
        full = True
        while full:
            domain: list[Any] = list(kind.domain)
            domain += [] if since is None else [("write_date", ">=", since.strftime(TIME))]
            domain += [] if last_id is None else [("id", ">", int(last_id))]
            rows = self._api.execute(
                model, "search_read", domain=domain, fields=list(types), limit=PAGE, order="id",
                context={"active_test": False},
            )  # fmt: skip
            full = len(rows) == PAGE
            if rows:
                last_id = str(rows[-1]["id"])
                records = (_values(row, types) for row in rows)
                yield RecordPage(
                    {str(r["id"]): r for r in records if _is_kept(r, tracked)}, last_id
                )

    def _drop_deleted(self) -> None:
        """Drop the leads that are no longer there, with their messages; archived ones stay."""
        there: set[str] = set()
        last_id, full = 0, True
        while full:
            ids = self._api.execute(
                "crm.lead", "search", domain=[("id", ">", last_id)], limit=20 * PAGE, order="id",
                context={"active_test": False},
            )  # fmt: skip
            there.update(map(str, ids))
            full, last_id = len(ids) == 20 * PAGE, ids[-1] if ids else 0
        gone = self._mirror.ids("crm.lead") - there
        if not gone:
            return
        self._mirror.forget("crm.lead", gone)
        messages = [
            key for key, one in self._mirror.records("mail.message") if str(one["res_id"]) in gone
        ]
        self._mirror.forget("mail.message", messages)
        self._mirror.forget_of("mail.tracking.value", "mail_message_id", messages)
        self._mirror.forget_of("calendar.event", "opportunity_id", gone)


def _file(model: str) -> str:
    return f"{model.replace('.', '_')}.csv"


def _values(row: Mapping[str, Any], types: Mapping[str, str]) -> dict[str, Any]:
    """The values that are there. A link is [id, name]: the id stays. No value is false."""
    values: dict[str, Any] = {}
    for column, kind in types.items():
        value = row.get(column)
        if isinstance(value, list):
            value = value[0] if value else None
        if value is not None and (value is not False or kind == "boolean"):
            values[column] = value
    if "subject" in values:  # of a message, only that a merge wrote it
        merged = values["subject"].startswith("From ") and " : " in values["subject"]
        values["subject"] = "From … : …" if merged else None
    return values


def _is_kept(row: Mapping[str, Any], tracked: set[str] | None) -> bool:
    return tracked is None or str(row.get("field_id", row.get("field"))) in tracked


class OdooTarget(FieldTarget[OdooApi]):
    """Scores into lead fields; a call writes one lead."""

    noun = "Odoo has no lead field"
    types = FIELD_TYPES
    advice = (
        "; create it under Settings, Technical, Fields (model crm.lead), or name another with"
        " --field"
    )

    def check(self) -> None:
        """UsageError naming every field that is not there, with the type it needs."""
        known = self._api.execute("crm.lead", "fields_get", attributes=["type"])
        self._require(known)

    def write(self, batch: Sequence[Score]) -> Mapping[str, str]:
        """Write leads one by one; RequestRefusedError with Odoo's reason for one it refuses."""
        for score in batch:
            if not score.lead_id.isdecimal():
                return {score.lead_id: "no id of Odoo: expected a number"}
            values = self._values(score, score.as_of.strftime(TIME))
            self._api.execute("crm.lead", "write", [int(score.lead_id)], vals=values)
        return {}
