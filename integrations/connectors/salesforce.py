"""Salesforce: leads with their field history, tasks, events, opportunities; scores into leads.

Written from https://developer.salesforce.com/docs/platform/api-rest/guide/dome-query.html (queries
and their locators), …/resources-queryall.html (deleted and merged records too),
…/resources-sobject-describe.html, …/resources-composite-sobjects-collections-update.html (200
records a request) and https://help.salesforce.com/s/articleView?id=sf.remoteaccess_oauth_flows.htm
(client credentials, refresh token). What it writes is what the recipe ``salesforce`` reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from features.errors import UsageError
from integrations.connectors.changes import (
    RecordPage,
    read_changes,
    since_text,
    without_the_right,
    write_records,
)
from integrations.connectors.fields import SystemField
from integrations.connectors.push import FieldTarget, Score, in_milliseconds
from integrations.connectors.record_sync import RecordSync
from integrations.connectors.web import (
    Api,
    FixedToken,
    RefreshedToken,
    RequestRefusedError,
    Token,
    settings_from,
)

DATA = "/services/data/v62.0"
PAGE = 2000
"""Rows of a query; a response has at most 2,000 and names the next one."""

UPDATE_PAGE = 200
"""Records of a collection's update; Salesforce refuses more."""

LIMIT_WORDS = "REQUEST_LIMIT_EXCEEDED"
"""How Salesforce says, with a 403, that the requests of 24 hours are used up."""

LEAD_COLUMNS = (
    "Id", "IsDeleted", "MasterRecordId", "CreatedDate", "Status", "IsConverted", "ConvertedDate",
    "ConvertedContactId", "ConvertedOpportunityId", "LastModifiedDate", "SystemModstamp",
)  # fmt: skip
STANDARD_ATTRIBUTES = (
    "LeadSource", "Industry", "NumberOfEmployees", "AnnualRevenue", "Rating", "Country",
    "CountryCode", "OwnerId", "CreatedById", "RecordTypeId",
)  # fmt: skip
"""Salesforce's own fields that describe a lead. Names, addresses and e-mail are not read."""

TEXT_TYPES = (
    "string", "textarea", "email", "phone", "url", "encryptedstring", "address", "location",
    "base64",
)  # fmt: skip
"""Field types where anybody may have written anything; such a custom field must be named."""

FIELDS = {
    "probability": "Leadscore_Probability__c",
    "band": "Leadscore_Band__c",
    "reasons": "Leadscore_Reasons__c",
    "as_of": "Leadscore_As_Of__c",
}
FIELD_TYPES = {
    "probability": "Number, 4 decimals", "band": "Text", "reasons": "Long Text Area",
    "as_of": "Date/Time",
}  # fmt: skip


@dataclass(frozen=True)
class SalesforceObject:
    """One object: the moment by which changes are found, what is read, whose rows they are.

    ``of_lead``: the column with the lead's id. ``fields``: the fields whose history is kept.
    """

    modified: str
    columns: tuple[str, ...]
    of_lead: str | None = None
    fields: tuple[str, ...] = ()


HISTORY = ("Field", "OldValue", "NewValue", "CreatedDate", "IsDeleted")
KINDS = {
    "Lead": SalesforceObject("SystemModstamp", LEAD_COLUMNS),
    "LeadHistory": SalesforceObject(
        "CreatedDate", ("Id", "LeadId", *HISTORY), "LeadId", ("Status",)
    ),
    "Task": SalesforceObject(
        "SystemModstamp",
        ("Id", "WhoId", "WhatId", "Status", "IsClosed", "IsDeleted", "CreatedDate",
         "CompletedDateTime", "TaskSubtype", "Type", "CallType", "CallDurationInSeconds",
         "SystemModstamp"),
        "WhoId",
    ),
    "Event": SalesforceObject(
        "SystemModstamp",
        ("Id", "WhoId", "WhatId", "StartDateTime", "EndDateTime", "IsChild", "IsRecurrence",
         "IsDeleted", "EventSubtype", "Type", "CreatedDate", "SystemModstamp"),
        "WhoId",
    ),
    "Opportunity": SalesforceObject(
        "SystemModstamp",
        ("Id", "StageName", "CloseDate", "IsClosed", "IsWon", "IsDeleted", "CreatedDate",
         "SystemModstamp"),
    ),
    "OpportunityFieldHistory": SalesforceObject(
        "CreatedDate", ("Id", "OpportunityId", *HISTORY), None, ("StageName", "Amount")
    ),
}  # fmt: skip

OAUTH = ("SALESFORCE_CLIENT_ID", "SALESFORCE_CLIENT_SECRET")


def token_from(environment: Mapping[str, str], url: str) -> Token:
    """SALESFORCE_ACCESS_TOKEN, or a connected app's id and secret: with SALESFORCE_REFRESH_TOKEN
    its user's, without it the app's own (client credentials). UsageError if neither is there.
    """
    if environment.get("SALESFORCE_ACCESS_TOKEN"):
        return FixedToken(environment["SALESFORCE_ACCESS_TOKEN"])
    values = settings_from(environment, OAUTH)
    if values is None:
        raise UsageError(f"set {' and '.join(OAUTH)} (a connected app), or SALESFORCE_ACCESS_TOKEN")
    form = {"client_id": values[0], "client_secret": values[1], "grant_type": "client_credentials"}
    refresh = environment.get("SALESFORCE_REFRESH_TOKEN")
    if refresh:
        form |= {"grant_type": "refresh_token", "refresh_token": refresh}
    names = ", ".join((*OAUTH, *(["SALESFORCE_REFRESH_TOKEN"] if refresh else [])))
    return RefreshedToken(f"{url}/services/oauth2/token", form, names)


def connect(environment: Mapping[str, str], url: str | None, sleep: Callable[[float], None]) -> Api:
    """The API of one org, at ``url`` or SALESFORCE_URL (https://MyDomain.my.salesforce.com)."""
    address = (url or environment.get("SALESFORCE_URL", "")).rstrip("/")
    if not address:
        raise UsageError("set SALESFORCE_URL, or give --url: https://MyDomain.my.salesforce.com")
    token = token_from(environment, address)
    return Api(address, token, sleep=sleep, headers={}, busy=LIMIT_WORDS)


def described(api: Api, name: str) -> list[dict[str, Any]] | None:
    """The fields of an object that the user may see; None where the object is not there."""
    try:
        fields: list[dict[str, Any]] = api.call("GET", f"{DATA}/sobjects/{name}/describe")["fields"]
    except RequestRefusedError as error:
        if error.status == 404:
            return None
        raise
    return fields


class SalesforceSync(RecordSync[Api]):
    """Reads what changed into a mirror and writes the export.

    ``named``: lead fields to read beside those chosen. ``without``: patterns of fields and names
    of objects not to read.
    """

    title, recipe, leads = "Salesforce", "salesforce", "Lead"
    standard, needed = STANDARD_ATTRIBUTES, LEAD_COLUMNS

    def _read_and_write(self, now: datetime) -> dict[str, int]:
        attributes = self._attributes()
        self._selection.keep(self._mirror, ["Lead", "LeadHistory"], attributes)
        columns = {n: (*k.columns, *(attributes if n == "Lead" else ())) for n, k in KINDS.items()}
        read = [
            name
            for name, kind in KINDS.items()
            if name not in self._without and self._read(name, kind, columns[name], attributes, now)
        ]
        self._drop_deleted()
        self._remove_earlier(f"{name}.csv" for name in KINDS.keys() - set(read))
        return {
            f"{name}.csv": write_records(self._mirror, f"{name}.csv", name, columns[name])
            for name in read
        }

    def _attributes(self) -> list[str]:
        found = described(self._api, "Lead")
        if found is None:
            raise UsageError("Salesforce shows no leads to this user: give it View All on leads")
        return self._selection.attributes(
            [
                SystemField(f["name"], f.get("label", ""), f["custom"], f["type"] in TEXT_TYPES)
                for f in found
            ]
        )

    def _read(
        self,
        name: str,
        kind: SalesforceObject,
        columns: Sequence[str],
        attributes: Sequence[str],
        now: datetime,
    ) -> bool:
        """Bring one object up to date; False where the org or the user's rights have none."""
        try:
            fields = described(self._api, name)
            if fields is None:
                self.notes.append(
                    f"not read: {name}; its tracking is off, or the user may not see it"
                )
                return False
            known = {one["name"] for one in fields}
            present = [column for column in columns if column in known]
            tracked = {*kind.fields, *(a.removesuffix("Id") for a in attributes), *attributes}
            keep = partial(_of_a_field, tracked) if "Field" in columns else _any
            pages = partial(self._pages, name, kind.modified, present, keep)
            read_changes(self._mirror, name, now, pages)
        except RequestRefusedError as error:
            right = "give the user View All on the object and read access to its fields"
            raise without_the_right(error, "Salesforce", name, right) from error
        return True

    def _pages(
        self,
        name: str,
        modified: str,
        columns: Sequence[str],
        keep: Callable[[Mapping[str, Any]], bool],
        since: datetime | None,
        last_id: str | None,
    ) -> Iterator[RecordPage]:
        """Pages in ascending order of ids: a query's own locator lives for two days at most."""
        full = True
        while full:
            filters = [] if since is None else [f"{modified} >= {since_text(since)}"]
            filters += [] if last_id is None else [f"Id > '{last_id}'"]
            where = f" WHERE {' AND '.join(filters)}" if filters else ""
            rows = self._rows(
                f"SELECT {', '.join(columns)} FROM {name}{where} ORDER BY Id LIMIT {PAGE}"
            )
            full = len(rows) == PAGE
            if rows:
                last_id = str(rows[-1]["Id"])
                yield RecordPage({r["Id"]: _values(r, columns) for r in rows if keep(r)}, last_id)

    def _rows(self, query: str) -> list[dict[str, Any]]:
        found = self._api.call("GET", f"{DATA}/queryAll", params={"q": query})
        rows: list[dict[str, Any]] = found["records"]
        while not found["done"]:
            found = self._api.call("GET", found["nextRecordsUrl"])
            rows += found["records"]
        return rows

    def _drop_deleted(self) -> None:
        """Drop deleted leads with what belongs to them; merged ones stay, as names of another."""
        gone = [
            key
            for key, one in self._mirror.records("Lead")
            if one.get("IsDeleted") and not one.get("MasterRecordId")
        ]
        self._mirror.forget("Lead", gone)
        for name, kind in KINDS.items():
            if gone and kind.of_lead is not None:
                self._mirror.forget_of(name, kind.of_lead, gone)


def _any(row: Mapping[str, Any]) -> bool:
    del row
    return True


def _of_a_field(tracked: set[str], row: Mapping[str, Any]) -> bool:
    """Whether a history row is of a field that is read, or a mark of the system (leadConverted);
    names and addresses have histories too."""
    name = str(row["Field"])
    return name in tracked or (name[:1].islower() and not name.endswith("__c"))


def _values(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The values that are there; moments end with Z, where Salesforce writes +0000."""
    values = {c: row[c] for c in columns if row.get(c) is not None}
    return {
        c: v.removesuffix("+0000") + "Z" if isinstance(v, str) and v.endswith("+0000") else v
        for c, v in values.items()
    }


class SalesforceTarget(FieldTarget[Api]):
    """Scores into lead fields, by collections of 200."""

    noun = "Salesforce has no lead field"
    types = FIELD_TYPES
    advice = (
        " that this user may write; create it under Setup, Object Manager, Lead, or name "
        "another with --field"
    )

    batch_size = UPDATE_PAGE

    def check(self) -> None:
        """UsageError naming every field that is not there or cannot be written, with its type."""
        found = described(self._api, "Lead") or []
        known = {one["name"] for one in found if one.get("updateable", True)}
        self._require(known)

    def write(self, batch: Sequence[Score]) -> Mapping[str, str]:
        """Write a batch; the reason of each lead that was refused, by id."""
        records = [
            {
                "attributes": {"type": "Lead"},
                "id": one.lead_id,
                **self._values(one, in_milliseconds(one.as_of)),
            }
            for one in batch
        ]
        body = {"allOrNone": False, "records": records}
        results = self._api.call("PATCH", f"{DATA}/composite/sobjects", body)
        refused = {
            score.lead_id: "; ".join(_error(e) for e in result.get("errors", ())) or "refused"
            for score, result in zip(batch, results, strict=False)
            if not result["success"]
        }
        for score in batch[len(results) :]:
            refused[score.lead_id] = "Salesforce did not say that it was written"
        return refused


def _error(one: Mapping[str, Any]) -> str:
    return f"{one.get('statusCode', 'refused')}: {one.get('message', '')}".rstrip(": ")
