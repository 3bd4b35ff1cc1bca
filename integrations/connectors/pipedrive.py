"""Pipedrive: deals with their changelog, activities; scores into deal fields.

Written from https://developers.pipedrive.com/docs/api/v1/Deals (changelog),
https://pipedrive.readme.io/docs/pipedrive-api-v2-migration-guide (deals, activities and fields of
API v2), https://pipedrive.readme.io/docs/core-api-concepts-pagination (cursors),
…/core-api-concepts-rate-limiting and …/marketplace-oauth-authorization (refreshing a token). What
it writes is what the recipe ``pipedrive`` reads: a lead is a deal, times in UTC with their zone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
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

URL = "https://api.pipedrive.com"
TOKEN_URL = "https://oauth.pipedrive.com/oauth/token"  # noqa: S105  (an address)
PAGE = 500
"""Items of a page; Pipedrive refuses more."""

PREFIX = "deal-"
"""What the recipe writes before a deal's number: leads of the inbox have numbers of their own."""

DEAL_COLUMNS = (
    "id", "add_time", "update_time", "status", "stage_id", "value", "won_time", "lost_time",
    "close_time", "is_deleted",
)  # fmt: skip
STANDARD_ATTRIBUTES = (
    "origin", "channel", "creator_user_id", "owner_id", "pipeline_id", "currency", "label_ids",
)  # fmt: skip
"""Pipedrive's own fields that describe a deal. Titles, persons and organisations are not read."""

ACTIVITY_COLUMNS = (
    "id", "type", "done", "due_date", "due_time", "duration", "marked_as_done_time", "deal_id",
    "add_time", "update_time",
)  # fmt: skip
CHANGELOG_COLUMNS = ("deal_id", "field_key", "old_value", "new_value", "time")

NAMES_OF_V1 = {"user_id": "owner_id", "pipeline": "pipeline_id", "label": "label_ids"}
"""Fields that the changelog, which is of API v1, calls otherwise than API v2 does."""

TEXT_TYPES = ("varchar", "varchar_auto", "text", "phone", "address", "people", "org", "user")
"""Field types where anybody may have written anything; such a custom field must be named."""

FIELDS = {name: f"leadscore_{name}" for name in ("probability", "band", "reasons", "as_of")}
FIELD_TYPES = {
    "probability": "numerical", "band": "text", "reasons": "large text", "as_of": "text",
}  # fmt: skip
OAUTH = ("PIPEDRIVE_CLIENT_ID", "PIPEDRIVE_CLIENT_SECRET", "PIPEDRIVE_REFRESH_TOKEN")
LISTS = {"deals": "/api/v2/deals", "archived deals": "/api/v2/deals/archived"}


def token_from(environment: Mapping[str, str]) -> Token:
    """PIPEDRIVE_API_TOKEN (a user's), or the three of OAuth; UsageError if neither is there."""
    if environment.get("PIPEDRIVE_API_TOKEN"):
        return FixedToken(environment["PIPEDRIVE_API_TOKEN"], "", header="x-api-token")
    values = settings_from(environment, OAUTH)
    if values is None:
        raise UsageError(f"set PIPEDRIVE_API_TOKEN (a user's token), or {', '.join(OAUTH)}")
    form = {"grant_type": "refresh_token", "refresh_token": values[2]}
    address = environment.get("PIPEDRIVE_OAUTH_URL") or TOKEN_URL
    return RefreshedToken(address, form, ", ".join(OAUTH), basic=(values[0], values[1]))


def connect(environment: Mapping[str, str], url: str | None, sleep: Callable[[float], None]) -> Api:
    """The API with its token; ``url`` (https://COMPANY.pipedrive.com) in place of the usual one."""
    return Api(url or URL, token_from(environment), sleep=sleep, headers={})


def deal_fields(api: Api) -> list[dict[str, Any]]:
    """Every field of a deal, as the API describes it."""
    fields: list[dict[str, Any]] = []
    for items, _ in _listed(api, "/api/v2/dealFields", {}, None):
        fields += items
    return fields


def _listed(
    api: Api, path: str, params: Mapping[str, Any], cursor: str | None
) -> Iterator[tuple[list[dict[str, Any]], str]]:
    """Pages of items from a cursor on, each with the next cursor; that of the last page is ''."""
    while cursor != "":
        place = {} if cursor is None else {"cursor": cursor}
        answer = api.call("GET", path, params={**params, "limit": PAGE, **place})
        cursor = (answer.get("additional_data") or {}).get("next_cursor") or ""
        yield answer.get("data") or [], cursor


class PipedriveSync(RecordSync[Api]):
    """Reads what changed into a mirror and writes the export.

    ``named``: deal fields (keys or names) to read beside those chosen. ``without``: patterns of
    fields, ``changelog`` and ``activities`` if they are not to be read.
    """

    title, recipe, leads = "Pipedrive", "pipedrive", "deals"
    standard, needed = STANDARD_ATTRIBUTES, DEAL_COLUMNS

    def _read_and_write(self, now: datetime) -> dict[str, int]:
        attributes = self._attributes()
        self._selection.keep(self._mirror, list(LISTS), attributes)
        columns = [*DEAL_COLUMNS, *attributes]
        kind = "deals"
        try:
            for kind, path in LISTS.items():
                pages = partial(self._deals, path, columns)
                read_changes(self._mirror, kind, now, pages)
            self._drop_deleted()
            kind = "activities"
            if kind not in self._without:
                read_changes(self._mirror, kind, now, self._activities)
        except RequestRefusedError as error:
            kind = "changelog" if error.path.endswith("/changelog") else kind
            right = "the token's user needs global visibility (deals:read, activities:read, "
            raise without_the_right(error, "Pipedrive", kind, f"{right}recents:read)") from error
        return self._write(columns)

    def _attributes(self) -> list[str]:
        found = [
            SystemField(
                f["field_code"], f.get("field_name", ""), bool(f.get("is_custom_field")),
                f["field_type"] in TEXT_TYPES,
            )
            for f in deal_fields(self._api)
        ]  # fmt: skip
        names = {one.name for one in found}
        found += [SystemField(name) for name in STANDARD_ATTRIBUTES if name not in names]
        return self._selection.attributes(found)

    def _deals(
        self, path: str, columns: Sequence[str], since: datetime | None, cursor: str | None
    ) -> Iterator[RecordPage]:
        for items, after in _listed(self._api, path, _since(since), cursor):
            records = {}
            for deal in items:
                values = _values(deal | (deal.get("custom_fields") or {}), columns)
                record: dict[str, Any] = {"values": values, "changes": []}
                if "changelog" not in self._without:
                    record["changes"] = self._changes(deal["id"], columns)
                records[str(deal["id"])] = record
            yield RecordPage(records, after)

    def _changes(self, deal: int, columns: Sequence[str]) -> list[list[Any]]:
        """Old and new value of each change of a field that is read; times in UTC."""
        path = f"/v1/deals/{deal}/changelog"
        changes = []
        for items, _ in _listed(self._api, path, {}, None):
            for one in items:
                name = NAMES_OF_V1.get(one["field_key"], one["field_key"])
                if name in columns:
                    values = (one.get("old_value"), one.get("new_value"))
                    changes.append([name, *values, _utc(one["time"])])
        return changes

    def _activities(self, since: datetime | None, cursor: str | None) -> Iterator[RecordPage]:
        path = "/api/v2/activities"
        for items, after in _listed(self._api, path, _since(since), cursor):
            # one that belongs to no deal says nothing of a lead
            kept = (one for one in items if one.get("deal_id") is not None)
            yield RecordPage(
                {str(one["id"]): _values(one, ACTIVITY_COLUMNS) for one in kept}, after
            )

    def _drop_deleted(self) -> None:
        """Drop deals that were deleted, or merged into another, with their activities."""
        for items, _ in _listed(self._api, LISTS["deals"], {"status": "deleted"}, None):
            gone = [str(one["id"]) for one in items]
            for kind in LISTS:
                self._mirror.forget(kind, gone)
            self._mirror.forget_of("activities", "deal_id", gone)

    def _write(self, columns: Sequence[str]) -> dict[str, int]:
        deals: dict[str, Any] = {}
        for kind in LISTS:
            for key, one in self._mirror.records(kind):  # archived and back: the newer one counts
                known = deals.get(key)
                if known is None or known["values"]["update_time"] < one["values"]["update_time"]:
                    deals[key] = one
        write = self._mirror.write_csv
        rows = {
            "deals.csv": write(
                "deals.csv",
                columns,
                ([one["values"].get(c) for c in columns] for one in deals.values()),
            )
        }
        self._remove_earlier(_FILES[n] for n in ("changelog", "activities") if n in self._without)
        if "changelog" not in self._without:
            changes = ([key, *change] for key, one in deals.items() for change in one["changes"])
            rows[_FILES["changelog"]] = write(_FILES["changelog"], CHANGELOG_COLUMNS, changes)
        if "activities" not in self._without:
            file = _FILES["activities"]
            rows[file] = write_records(self._mirror, file, "activities", ACTIVITY_COLUMNS)
        return rows


_FILES = {"changelog": "deal_changelog.csv", "activities": "activities.csv"}


def _since(since: datetime | None) -> dict[str, str]:
    order = {"sort_by": "id", "sort_direction": "asc"}
    return order if since is None else {**order, "updated_since": since_text(since)}


def _utc(text: str) -> str:
    """A moment with its zone: API v1 writes UTC as 2026-01-20 09:00:00."""
    return text if text.endswith("Z") or "T" in text else f"{text.replace(' ', 'T')}Z"


def _values(item: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    """The values that are there, each as one: an amount with its currency is the amount."""
    return {c: v for c in columns if (v := _plain(item.get(c))) not in (None, "")}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _plain(value.get("value", value.get("id", value.get("values"))))
    if isinstance(value, list):
        return ",".join(str(_plain(one)) for one in value)
    return str(value).lower() if isinstance(value, bool) else value


class PipedriveTarget(FieldTarget[Api]):
    """Scores into custom fields of deals; a call writes one deal."""

    noun = "Pipedrive has no custom deal field"
    types = FIELD_TYPES
    advice = "; create it under Company settings, Data fields, or name another with --field"

    def check(self) -> None:
        """Find the key of each field by its name; UsageError naming every one that is not there."""
        known: dict[str, str] = {}
        for one in deal_fields(self._api):
            if one.get("is_custom_field"):
                known |= {one.get("field_name", ""): one["field_code"]}
                known |= {one["field_code"]: one["field_code"]}
        self._require(known)
        self._fields = {name: known[field] for name, field in self._fields.items()}

    def write(self, batch: Sequence[Score]) -> Mapping[str, str]:
        """Write deals one by one; RequestRefusedError with Pipedrive's reason for one it refuses.

        Only after :meth:`check`, which knows the fields' keys.
        """
        for score in batch:
            number = score.lead_id.removeprefix(PREFIX)
            if not number.isdecimal():
                return {score.lead_id: f"no deal of Pipedrive: expected {PREFIX}NUMBER"}
            fields = self._values(score, since_text(score.as_of))
            self._api.call("PATCH", f"/api/v2/deals/{number}", {"custom_fields": fields})
        return {}
