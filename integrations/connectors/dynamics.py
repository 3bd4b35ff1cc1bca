"""Dynamics 365 Sales: leads with their audit, activities, opportunities; scores into leads.

Written from https://learn.microsoft.com/power-apps/developer/data-platform/webapi/query/page-results
(``odata.maxpagesize``, ``@odata.nextLink``), …/webapi/update-delete-entities-using-web-api
(``If-Match: *``: never create), …/webapi/query-metadata-web-api, …/auditing/retrieve-audit-data,
…/api-limits (429 with Retry-After), https://learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow
and https://learn.microsoft.com/dynamics365/sales/populate-predictive-scores. What it writes is what
the recipe ``dynamics365`` reads: tables under their logical names, times in UTC.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from features.errors import UsageError
from integrations.connectors.changes import (
    RecordPage,
    read_changes,
    since_text,
    without_the_right,
    write_records,
)
from integrations.connectors.fields import SystemField
from integrations.connectors.push import FieldTarget, Score
from integrations.connectors.record_sync import RecordSync
from integrations.connectors.web import (
    Api,
    FixedToken,
    RefreshedToken,
    RequestRefusedError,
    Token,
    settings_from,
)

DATA = "/api/data/v9.2"
LOGIN_URL = "https://login.microsoftonline.com"
PAGE = 500
ID_PAGE = 5000
"""Ids of a page when the leads that are there are listed; Dataverse gives no more."""

LEAD_COLUMNS = (
    "leadid", "createdon", "modifiedon", "statecode", "statuscode", "masterid", "merged",
    "qualifyingopportunityid", "parentcontactid",
)  # fmt: skip
STANDARD_ATTRIBUTES = (
    "budgetstatus", "budgetamount", "decisionmaker", "need", "purchasetimeframe",
    "purchaseprocess", "leadsourcecode", "industrycode", "numberofemployees", "revenue",
    "leadqualitycode", "prioritycode", "initialcommunication", "evaluatefit", "confirminterest",
    "salesstage", "salesstagecode", "ownerid", "campaignid", "createdby",
)  # fmt: skip
"""Dynamics' own columns that describe a lead. Names, addresses and e-mail are not read."""

LOOKUPS = ("Lookup", "Owner", "Customer")
TEXT_TYPES = ("String", "Memo")
"""Column types where anybody may have written anything; such a custom column must be named."""

READABLE_TYPES = (
    *LOOKUPS, *TEXT_TYPES, "Boolean", "DateTime", "Decimal", "Double", "Integer", "Money",
    "Picklist",
)  # fmt: skip
MICROSOFT = "msdyn_"
"""Columns of Microsoft's solutions, its own scores among them: read only when named."""

FIELDS = {name: f"new_leadscore_{name}" for name in ("probability", "band", "reasons", "as_of")}
FIELD_TYPES = {
    "probability": "decimal", "band": "text", "reasons": "multiple lines of text",
    "as_of": "date and time",
}  # fmt: skip
SCORE_TABLE = "msdyn_predictivescores"
GRADES = {"hot": 0, "warm": 1, "cold": 2}
"""Grade A, B and C of Dynamics' predictive scores; D (3) is left for a fourth band."""

TREND_UNKNOWN = 3
"""*Not enough info*: a push does not keep the probability before."""

GUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@dataclass(frozen=True)
class DynamicsTable:
    """One table: its name in addresses, its key, the moment of changes, and what is read.

    ``lookups``: columns that are links. ``of_lead``: the column with the lead's id.
    """

    path: str
    key: str
    modified: str
    columns: tuple[str, ...]
    lookups: tuple[str, ...] = ()
    of_lead: str | None = None
    where: str = ""
    right: str = "read on the table for the organisation"


KINDS = {
    "lead": DynamicsTable(
        "leads", "leadid", "modifiedon", LEAD_COLUMNS,
        ("masterid", "qualifyingopportunityid", "parentcontactid"),
    ),
    "audit": DynamicsTable(
        "audits", "auditid", "createdon",
        ("auditid", "createdon", "objectid", "objecttypecode", "operation", "changedata"),
        ("objectid",), "objectid", "objecttypecode eq 'lead'",
        "the privilege View Audit Summary (prvReadAuditSummary)",
    ),
    "activitypointer": DynamicsTable(
        "activitypointers", "activityid", "modifiedon",
        ("activityid", "activitytypecode", "regardingobjectid", "statecode", "createdon",
         "actualstart", "actualend", "actualdurationminutes", "modifiedon"),
        ("regardingobjectid",), "regardingobjectid", "_regardingobjectid_value ne null",
    ),
    "phonecall": DynamicsTable(
        "phonecalls", "activityid", "modifiedon", ("activityid", "directioncode", "modifiedon")
    ),
    "email": DynamicsTable(
        "emails", "activityid", "modifiedon", ("activityid", "directioncode", "modifiedon")
    ),
    "opportunity": DynamicsTable(
        "opportunities", "opportunityid", "modifiedon",
        ("opportunityid", "originatingleadid", "statecode", "createdon", "actualclosedate",
         "modifiedon"),
        ("originatingleadid",), "originatingleadid", "_originatingleadid_value ne null",
    ),
}  # fmt: skip

APP = ("DYNAMICS_TENANT_ID", "DYNAMICS_CLIENT_ID", "DYNAMICS_CLIENT_SECRET")


def token_from(environment: Mapping[str, str], url: str) -> Token:
    """An app's token (tenant, client id and secret), or DYNAMICS_ACCESS_TOKEN; else UsageError."""
    if environment.get("DYNAMICS_ACCESS_TOKEN"):
        return FixedToken(environment["DYNAMICS_ACCESS_TOKEN"])
    values = settings_from(environment, APP)
    if values is None:
        raise UsageError(f"set {', '.join(APP)} (an app registration), or DYNAMICS_ACCESS_TOKEN")
    login = (environment.get("DYNAMICS_LOGIN_URL") or LOGIN_URL).rstrip("/")
    form = {
        "grant_type": "client_credentials", "client_id": values[1], "client_secret": values[2],
        "scope": f"{url}/.default",
    }  # fmt: skip
    return RefreshedToken(f"{login}/{values[0]}/oauth2/v2.0/token", form, ", ".join(APP))


def connect(environment: Mapping[str, str], url: str | None, sleep: Callable[[float], None]) -> Api:
    """The Web API of one environment, at ``url`` or DYNAMICS_URL (https://ORG.crm.dynamics.com)."""
    address = (url or environment.get("DYNAMICS_URL", "")).rstrip("/")
    if not address:
        raise UsageError("set DYNAMICS_URL, or give --url: https://ORG.crm.dynamics.com")
    headers = {"odata-version": "4.0", "odata-maxversion": "4.0", "accept": "application/json"}
    return Api(address, token_from(environment, address), sleep=sleep, headers=headers)


def lead_columns(api: Api) -> dict[str, dict[str, Any]]:
    """The columns of the lead table by logical name, as its metadata describes them."""
    names = "LogicalName,AttributeType,IsCustomAttribute,AttributeOf"
    path = f"{DATA}/EntityDefinitions(LogicalName='lead')/Attributes"
    params = {"$select": names, "$filter": "IsValidForRead eq true"}
    found = api.call("GET", path, params=params)["value"]
    return {one["LogicalName"]: one for one in found if not one.get("AttributeOf")}


def _listed(
    api: Api, path: str, params: Mapping[str, str], place: str | None, page: int
) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Pages of rows from a place on, each with the next link; that of the last page is ''.

    Of a link only path and query are taken: the token goes to no other host.
    """
    headers = {"prefer": f"odata.maxpagesize={page}"}
    while place != "":
        if place is None:
            answer = api.call("GET", path, params=params, headers=headers)
        else:
            answer = api.call("GET", place, headers=headers)
        link = urlsplit(answer.get("@odata.nextLink") or "")
        place = f"{link.path}?{link.query}" if link.query else ""
        yield answer["value"], place


class DynamicsSync(RecordSync[Api]):
    """Reads what changed into a mirror and writes the export.

    ``named``: lead columns to read beside those chosen. ``without``: patterns of columns and names
    of tables not to read.
    """

    title, recipe, leads = "Dynamics 365", "dynamics365", "lead"
    standard, needed = STANDARD_ATTRIBUTES, LEAD_COLUMNS

    def _read_and_write(self, now: datetime) -> dict[str, int]:
        known = lead_columns(self._api)
        attributes = self._attributes(known)
        self._selection.keep(self._mirror, ["lead", "audit"], attributes)
        tracked = {*LEAD_COLUMNS, *attributes}
        read = {name: kind for name, kind in KINDS.items() if name not in self._without}
        for name, kind in read.items():
            columns, lookups = list(kind.columns), set(kind.lookups)
            if name == "lead":
                columns += attributes
                lookups |= {c for c in attributes if known[c]["AttributeType"] in LOOKUPS}
            selected = {c: f"_{c}_value" if c in lookups else c for c in columns}
            try:
                pages = partial(self._pages, kind, selected, tracked)
                read_changes(self._mirror, name, now, pages)
            except RequestRefusedError as error:
                right = f"give the app's user {kind.right}"
                raise without_the_right(error, "Dynamics 365", name, right) from error
        self._drop_deleted()
        self._remove_earlier(f"{name}.csv" for name in KINDS.keys() - read.keys())
        columns_of = {
            n: [*k.columns, *(attributes if n == "lead" else ())] for n, k in read.items()
        }
        return {
            f"{name}.csv": write_records(self._mirror, f"{name}.csv", name, columns)
            for name, columns in columns_of.items()
        }

    def _attributes(self, known: Mapping[str, Mapping[str, Any]]) -> list[str]:
        return self._selection.attributes(
            [
                SystemField(
                    name, "", bool(one["IsCustomAttribute"]) and not name.startswith(MICROSOFT),
                    one["AttributeType"] in TEXT_TYPES,
                )
                for name, one in known.items()
                if one["AttributeType"] in READABLE_TYPES
            ]
        )  # fmt: skip

    def _pages(
        self,
        kind: DynamicsTable,
        selected: Mapping[str, str],
        tracked: set[str],
        since: datetime | None,
        place: str | None,
    ) -> Iterator[RecordPage]:
        """Pages in the order of changes: a row that changes meanwhile comes again at the end."""
        filters = [kind.where] if kind.where else []
        filters += [] if since is None else [f"{kind.modified} ge {since_text(since)}"]
        params = {
            "$select": ",".join(selected.values()),
            "$orderby": f"{kind.modified} asc,{kind.key} asc",
            **({"$filter": " and ".join(filters)} if filters else {}),
        }
        for rows, after in _listed(self._api, f"{DATA}/{kind.path}", params, place, PAGE):
            records = {}
            for row in rows:
                values: dict[str, Any] = {c: row.get(name) for c, name in selected.items()}
                if values.get("changedata"):
                    values["changedata"] = _of_columns(values["changedata"], tracked)
                records[str(row[kind.key])] = {c: v for c, v in values.items() if v is not None}
            yield RecordPage(records, after)

    def _drop_deleted(self) -> None:
        """Drop the leads that are no longer there, with what belongs to them."""
        path, params = f"{DATA}/leads", {"$select": "leadid"}
        there = {
            row["leadid"]
            for rows, _ in _listed(self._api, path, params, None, ID_PAGE)
            for row in rows
        }
        gone = self._mirror.ids("lead") - there
        self._mirror.forget("lead", gone)
        for name, kind in KINDS.items():
            if gone and kind.of_lead is not None:
                self._mirror.forget_of(name, kind.of_lead, gone)


def _of_columns(changedata: str, tracked: set[str]) -> str:
    """An audit row's changes of the columns that are read; names and addresses are audited too."""
    try:
        changes = json.loads(changedata)["changedAttributes"]
    except (ValueError, KeyError, TypeError):
        return ""
    return json.dumps({"changedAttributes": [c for c in changes if c["logicalName"] in tracked]})


class DynamicsTarget(FieldTarget[Api]):
    """Scores into lead columns; a call writes one lead."""

    noun = "Dynamics 365 has no lead column"
    types = FIELD_TYPES
    advice = (
        "; create it in the Power Apps maker portal, name another with --field, or use --into "
        f"{SCORE_TABLE}"
    )

    def check(self) -> None:
        """UsageError naming every column that is not there, with the type it needs."""
        known = lead_columns(self._api)
        self._require(known)

    def write(self, batch: Sequence[Score]) -> Mapping[str, str]:
        """Write leads one by one; RequestRefusedError with the reason for one that is refused."""
        for score in batch:
            if not GUID.fullmatch(score.lead_id):
                return {score.lead_id: "no id of Dynamics 365: expected a GUID"}
            body = self._values(score, since_text(score.as_of))
            # without it a PATCH makes the lead that is not there
            self._api.call(
                "PATCH", f"{DATA}/leads({score.lead_id})", body, headers={"if-match": "*"}
            )
        return {}


class PredictiveScores:
    """Scores into Dynamics' own table, which its forms and views show; a call writes one score.

    Written are the columns that Microsoft documents for scores of one's own: score (0 to 100),
    grade, trend, and the lead; the format of its reasons is not documented.
    """

    batch_size = 1

    def __init__(self, api: Api, fields: Mapping[str, str]) -> None:
        del fields
        self._api = api

    def check(self) -> None:
        """UsageError if the environment has no such table."""
        path = f"{DATA}/EntityDefinitions(LogicalName='{SCORE_TABLE.removesuffix('s')}')"
        try:
            self._api.call("GET", path, params={"$select": "LogicalName"})
        except RequestRefusedError as error:
            if error.status != 404:
                raise
            raise UsageError(
                f"this environment has no table {SCORE_TABLE}; it comes with Dynamics 365 Sales "
                "Premium (predictive scoring)"
            ) from error

    def write(self, batch: Sequence[Score]) -> Mapping[str, str]:
        """Write scores one by one; RequestRefusedError with the reason for one that is refused."""
        for score in batch:
            if not GUID.fullmatch(score.lead_id):
                return {score.lead_id: "no id of Dynamics 365: expected a GUID"}
            body = {
                "msdyn_score": round(100 * score.probability),
                "msdyn_scoretrend": TREND_UNKNOWN,
                "msdyn_grade": GRADES[score.band],
            }
            key = {"msdyn_entityid": score.lead_id, "msdyn_entitytype": "lead"}
            place = ",".join(f"{name}='{value}'" for name, value in key.items())
            path = f"{DATA}/{SCORE_TABLE}"
            try:
                self._api.call("PATCH", f"{path}({place})", body, headers={"if-match": "*"})
            except RequestRefusedError as error:
                if error.status != 404:
                    raise
                # the first score of this lead, which must be there: the table links by text
                self._api.call(
                    "GET", f"{DATA}/leads({score.lead_id})", params={"$select": "leadid"}
                )
                self._api.call("POST", path, {**body, **key})
        return {}
