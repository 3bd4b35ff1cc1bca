"""HubSpot: contacts with the history of their properties, deals, activities; scores into contacts.

Written from https://developers.hubspot.com/docs/api-reference (CRM search, objects, properties and
associations, OAuth tokens; API v3, associations v4). What it writes is what the recipe ``hubspot``
reads: internal names as headers, times in UTC with their zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from features.errors import StorageError, UsageError
from integrations.connectors.changes import RecordPage, read_changes, without_the_right
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

URL = "https://api.hubapi.com"
ID_PAGE = 100
"""Ids of a page of the search, which gives at most 200."""

HISTORY_PAGE = 50
"""Inputs of a batch read with histories; HubSpot refuses more."""

UPDATE_PAGE = 100
"""Inputs of a batch update; HubSpot refuses more."""

NO_ASSOCIATION = "NO_ASSOCIATIONS_FOUND"
SEARCH_ID = "hs_object_id"

CONTACT_COLUMNS = (
    "createdate", "lastmodifieddate", "lifecyclestage", "hs_lead_status",
    "hs_lifecyclestage_customer_date", "hs_calculated_merged_vids",
)  # fmt: skip
"""What the recipe needs of a contact beside its id. E-mail addresses are not read."""

STANDARD_ATTRIBUTES = (
    "industry", "numemployees", "annualrevenue", "jobtitle", "country", "state", "hs_language",
    "hs_analytics_source", "hs_latest_source", "hubspot_owner_id", "hs_buying_role", "seniority",
)  # fmt: skip
"""HubSpot's own contact properties that describe a lead."""

TEXT_FIELDS = ("text", "textarea", "html", "file", "phonenumber")
"""Field types where anybody may have written anything; such a custom property must be named."""

FIELDS = {name: f"leadscore_{name}" for name in ("probability", "band", "reasons", "as_of")}
FIELD_TYPES = {"probability": "number", "band": "string", "reasons": "string", "as_of": "datetime"}


@dataclass(frozen=True)
class HubspotObject:
    """One kind of object: the property with its last change, what is read, and its scope."""

    modified: str
    properties: tuple[str, ...]
    scope: str
    history: tuple[str, ...] = ()


KINDS = {
    "contacts": HubspotObject("lastmodifieddate", CONTACT_COLUMNS, "crm.objects.contacts.read"),
    "deals": HubspotObject(
        "hs_lastmodifieddate",
        ("dealstage", "closedate", "createdate", "hs_is_closed_won", "hs_is_closed",
         "hs_closed_won_date", "hs_lastmodifieddate"),
        "crm.objects.deals.read", ("dealstage",),
    ),
    "calls": HubspotObject(
        "hs_lastmodifieddate",
        ("hs_timestamp", "hs_call_direction", "hs_call_duration", "hs_createdate",
         "hs_lastmodifieddate"),
        "crm.objects.contacts.read",
    ),
    "meetings": HubspotObject(
        "hs_lastmodifieddate",
        ("hs_timestamp", "hs_meeting_start_time", "hs_meeting_end_time", "hs_meeting_outcome",
         "hs_createdate", "hs_lastmodifieddate"),
        "crm.objects.contacts.read",
    ),
    "emails": HubspotObject(
        "hs_lastmodifieddate",
        ("hs_timestamp", "hs_email_direction", "hs_createdate", "hs_lastmodifieddate"),
        "sales-email-read",
    ),
    "notes": HubspotObject(
        "hs_lastmodifieddate", ("hs_timestamp", "hs_createdate", "hs_lastmodifieddate"),
        "crm.objects.contacts.read",
    ),
}  # fmt: skip


OAUTH = ("HUBSPOT_CLIENT_ID", "HUBSPOT_CLIENT_SECRET", "HUBSPOT_REFRESH_TOKEN")


def token_from(environment: Mapping[str, str], url: str) -> Token:
    """HUBSPOT_ACCESS_TOKEN (a private app's), or the three of OAuth; UsageError if neither."""
    if environment.get("HUBSPOT_ACCESS_TOKEN"):
        return FixedToken(environment["HUBSPOT_ACCESS_TOKEN"])
    values = settings_from(environment, OAUTH)
    if values is None:
        raise UsageError(f"set HUBSPOT_ACCESS_TOKEN (a private app's token), or {', '.join(OAUTH)}")
    names = ("client_id", "client_secret", "refresh_token")
    form = {"grant_type": "refresh_token", **dict(zip(names, values, strict=True))}
    return RefreshedToken(f"{url}/oauth/v1/token", form, ", ".join(OAUTH))


def connect(environment: Mapping[str, str], url: str | None, sleep: Callable[[float], None]) -> Api:
    """The API with its token; ``url`` in place of HubSpot's own."""
    address = (url or URL).rstrip("/")
    return Api(address, token_from(environment, address), sleep=sleep, headers={})


class HubSpotSync(RecordSync[Api]):
    """Reads what changed into a mirror and writes the export.

    ``named``: contact properties to read beside those chosen. ``without``: patterns of properties
    and names of kinds not to read.
    """

    title, recipe, leads = "HubSpot", "hubspot", "contacts"
    standard, needed = STANDARD_ATTRIBUTES, CONTACT_COLUMNS

    def _read_and_write(self, now: datetime) -> dict[str, int]:
        found = self._api.call("GET", "/crm/v3/properties/contacts")["results"]
        attributes = self._selection.attributes([_field(one) for one in found])
        self._selection.keep(self._mirror, ["contacts"], attributes)
        kinds = [name for name in KINDS if name not in self._without]
        for name in kinds:
            kind = KINDS[name]
            if name == "contacts":
                history = (*attributes, "lifecyclestage", "hs_lead_status")
                kind = HubspotObject(
                    kind.modified, (*kind.properties, *attributes), kind.scope, history
                )
            try:
                read_changes(self._mirror, name, now, partial(self._pages, name, kind))
                self._drop_deleted(name)
            except RequestRefusedError as error:
                right = f"give the app the scope {kind.scope}"
                raise without_the_right(error, "HubSpot", name, right) from error
        return self._write(kinds, attributes)

    def _pages(
        self, name: str, kind: HubspotObject, since: datetime | None, last_id: str | None
    ) -> Iterator[RecordPage]:
        """Pages of records with the contacts that they belong to, in ascending order of ids."""
        while ids := self._search(name, kind, since, last_id):
            records = self._objects(name, kind, ids)
            if name != "contacts":
                for key, contacts in self._contacts_of(name, ids).items():
                    if key in records:
                        records[key]["contacts"] = contacts
            last_id = ids[-1]
            yield RecordPage(records, last_id)

    def _search(
        self, name: str, kind: HubspotObject, since: datetime | None, last_id: str | None
    ) -> list[str]:
        """The next ids in ascending order. By id, not by page: the search ends at 10,000 results,
        and pages of an order by change would move while records change.
        """
        filters = []
        if since is not None:
            text = str(int(since.timestamp() * 1000))
            filters.append({"propertyName": kind.modified, "operator": "GTE", "value": text})
        if last_id is not None:
            filters.append({"propertyName": SEARCH_ID, "operator": "GT", "value": last_id})
        body = {
            "filterGroups": [{"filters": filters}] if filters else [],
            "sorts": [{"propertyName": SEARCH_ID, "direction": "ASCENDING"}],
            "properties": [SEARCH_ID],
            "limit": ID_PAGE,
        }
        found = self._api.call("POST", f"/crm/v3/objects/{name}/search", body)["results"]
        return sorted((str(one["id"]) for one in found), key=int)

    def _objects(self, name: str, kind: HubspotObject, ids: Sequence[str]) -> dict[str, Any]:
        """The values and histories of objects; one that vanished meanwhile is not among them."""
        records: dict[str, Any] = {}
        for start in range(0, len(ids), HISTORY_PAGE):
            body = {
                "inputs": [{"id": key} for key in ids[start : start + HISTORY_PAGE]],
                "properties": list(kind.properties),
                "propertiesWithHistory": list(kind.history),
            }
            answer = self._api.call("POST", f"/crm/v3/objects/{name}/batch/read", body)
            for one in answer["results"]:
                key = str(one["id"])
                history = _history(one.get("propertiesWithHistory") or {})
                known = self._mirror.get(name, key)
                if known is not None:
                    # HubSpot keeps the last values of a property only; what was read once stays
                    history = _merged(known["history"], history)
                records[key] = {"values": one["properties"], "history": history}
        return records

    def _contacts_of(self, name: str, ids: Sequence[str]) -> dict[str, list[str]]:
        """The contacts that objects are associated with."""
        found: dict[str, list[str]] = {key: [] for key in ids}
        inputs: list[dict[str, str]] = [{"id": key} for key in ids]
        while inputs:
            path = f"/crm/v4/associations/{name}/contacts/batch/read"
            answer = self._api.call("POST", path, {"inputs": inputs})
            for error in answer.get("errors", ()):
                if NO_ASSOCIATION not in error.get("subCategory", ""):
                    raise StorageError(f"HubSpot: {path}: {error.get('category', 'refused')}")
            inputs = []
            for one in answer["results"]:
                key = str(one["from"]["id"])
                found[key] += [str(to["toObjectId"]) for to in one["to"]]
                after = one.get("paging", {}).get("next", {}).get("after")
                if after is not None:
                    inputs.append({"id": key, "after": after})
        return found

    def _drop_deleted(self, name: str) -> None:
        """Drop what is in HubSpot's bin."""
        after = None
        while True:
            place: dict[str, str] = {} if after is None else {"after": after}
            params = {"archived": "true", "limit": ID_PAGE, **place}
            answer = self._api.call("GET", f"/crm/v3/objects/{name}", params=params)
            self._mirror.forget(name, [str(one["id"]) for one in answer["results"]])
            after = (answer.get("paging") or {}).get("next", {}).get("after")
            if after is None:
                return

    def _write(self, kinds: Sequence[str], attributes: Sequence[str]) -> dict[str, int]:
        write, records = self._mirror.write_csv, self._mirror.records
        columns = (*CONTACT_COLUMNS, *attributes)
        rows = {
            "contacts.csv": write(
                "contacts.csv",
                (SEARCH_ID, *columns, "email"),
                (
                    (key, *(one["values"].get(column) for column in columns), "")
                    for key, one in records("contacts")
                ),
            ),
            "property-history.csv": write(
                "property-history.csv",
                ("Record ID", "Property Name", "Property Value", "Timestamp", "Change Source"),
                _history_rows(records("contacts")),
            ),
        }  # fmt: skip
        self._remove_earlier(f"{name}.csv" for name in KINDS.keys() - set(kinds))
        for name in kinds:
            if name == "contacts":
                continue
            columns = KINDS[name].properties
            lost = ("hs_v2_date_entered_closedlost",) if name == "deals" else ()
            rows[f"{name}.csv"] = write(
                f"{name}.csv",
                (SEARCH_ID, *columns, "Associated Contact IDs", *lost),
                (
                    (key, *(one["values"].get(c) for c in columns),
                     ";".join(one.get("contacts", ())), *(_lost_at(one) for _ in lost))
                    for key, one in records(name)
                ),
            )  # fmt: skip
        return rows


def _field(one: Mapping[str, Any]) -> SystemField:
    custom = not one.get("hubspotDefined")
    return SystemField(one["name"], "", custom, one.get("fieldType") in TEXT_FIELDS)


def _history(histories: Mapping[str, Any]) -> dict[str, list[list[str]]]:
    """Each property's values as (moment, value, source)."""
    return {
        name: [[v["timestamp"], v.get("value") or "", v.get("sourceType") or ""] for v in versions]
        for name, versions in histories.items()
    }


def _merged(
    known: Mapping[str, Sequence[Sequence[str]]], read: Mapping[str, Sequence[Sequence[str]]]
) -> dict[str, list[list[str]]]:
    """Both histories of each property that is still read, every version once, oldest first."""
    return {
        name: [
            list(version)
            for version in sorted({tuple(v) for v in (*known.get(name, ()), *versions)})
        ]
        for name, versions in read.items()
    }


def _history_rows(contacts: Iterator[tuple[str, Any]]) -> Iterator[tuple[str, ...]]:
    for key, one in contacts:
        for name, versions in sorted(one["history"].items()):
            for moment, value, source in versions:
                yield key, name, value, moment, source


def _lost_at(deal: Mapping[str, Any]) -> str | None:
    """When a lost deal entered the stage it is in."""
    values = deal["values"]
    closed = str(values.get("hs_is_closed")).lower() == "true"
    if not closed or str(values.get("hs_is_closed_won")).lower() == "true":
        return None
    return max((v[0] for v in deal["history"].get("dealstage", ())), default=None)


class HubSpotTarget(FieldTarget[Api]):
    """Scores into contact properties, by batch update."""

    noun = "HubSpot has no contact property"
    types = FIELD_TYPES
    advice = "; create it under Settings, Properties, or name another with --field"

    batch_size = UPDATE_PAGE

    def check(self) -> None:
        """UsageError naming every property that is not there, with the type it needs."""
        found = self._api.call("GET", "/crm/v3/properties/contacts")["results"]
        known = {one["name"] for one in found}
        self._require(known)

    def write(self, batch: Sequence[Score]) -> Mapping[str, str]:
        """Write a batch; the reason of each contact that was refused, by id."""
        inputs = [{"id": one.lead_id, "properties": self._properties(one)} for one in batch]
        path = "/crm/v3/objects/contacts/batch/update"
        answer = self._api.call("POST", path, {"inputs": inputs})
        refused = {}
        for error in answer.get("errors", ()):
            reason = str(error.get("message") or error.get("category") or "refused")
            for key in error.get("context", {}).get("ids", ()):
                refused[str(key)] = reason
        if len(refused) + len(answer["results"]) < len(batch):
            written = {str(one["id"]) for one in answer["results"]}
            for score in batch:
                if score.lead_id not in written:
                    refused.setdefault(score.lead_id, "HubSpot did not say that it was written")
        return refused

    def _properties(self, score: Score) -> dict[str, str]:
        values = self._values(score, in_milliseconds(score.as_of))
        return {name: str(value) for name, value in values.items()}
