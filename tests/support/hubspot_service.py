"""A HubSpot account on loopback, as its public documentation describes the API:

https://developers.hubspot.com/docs/api-reference/search/guide (filters, sorts, 200 a page, 10,000
in all), …/crm-objects/contacts/guide (batch read, 50 inputs with histories; batch update, 100),
…/crm-associations-v4/guide (207 with NO_ASSOCIATIONS_FOUND), …/crm-properties-v3/guide and
…/auth-oauth-v1/tokens (refresh tokens).
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from fake_service import FakeService

MODIFIED = {"contacts": "lastmodifieddate"}
SEARCHED_AT_MOST = 10_000


def moment(text: str) -> str:
    """A moment as HubSpot writes it.

    >>> moment("2026-01-05 09:00")
    '2026-01-05T09:00:00.000Z'
    """
    return f"{text.replace(' ', 'T')}:00.000Z"


class HubSpotService(FakeService):
    """Objects by kind and id: ``properties``, ``history`` (newest first), ``contacts``."""

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {"good-token"}
        self.objects: dict[str, dict[str, Any]] = {
            name: {} for name in ("contacts", "deals", "calls", "meetings", "emails", "notes")
        }
        self.archived: dict[str, set[str]] = {name: set() for name in self.objects}
        self.properties = [
            {"name": name, "fieldType": field, "hubspotDefined": name in ("industry", "firstname")}
            for name, field in (
                ("industry", "select"), ("firstname", "text"), ("budget", "select"),
                ("wishes", "textarea"),
            )
        ]  # fmt: skip
        self.page_size = 200
        self.refreshed = 0

    def put(
        self, kind: str, key: str, at: str, values: dict[str, str], contacts: tuple[str, ...] = ()
    ) -> None:
        """Set values of an object at a moment; a new one is made."""
        new = {"properties": {"hs_object_id": key}, "history": {}, "contacts": contacts}
        one = self.objects[kind].setdefault(key, new)
        one["contacts"] = contacts or one["contacts"]
        one["properties"] |= values
        one["properties"][MODIFIED.get(kind, "hs_lastmodifieddate")] = moment(at)
        for name, value in values.items():
            version = {"value": value, "timestamp": moment(at), "sourceType": "CRM_UI"}
            one["history"].setdefault(name, []).insert(0, version)

    def open_path(self, path: str, form: dict[str, str]) -> tuple[int, Any] | None:
        """Access tokens for the one refresh token there is."""
        if path != "/oauth/v1/token":
            return None
        if form.get("refresh_token") != "refresh" or form.get("client_secret") != "client-secret":
            return 400, {"status": "BAD_REFRESH_TOKEN", "message": "missing or invalid"}
        self.refreshed += 1
        self.tokens = {f"access-{self.refreshed}"}
        return 200, {"access_token": f"access-{self.refreshed}", "expires_in": 1800}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """One request."""
        parts = path.strip("/").split("/")
        if parts[:3] == ["crm", "v3", "properties"]:
            return 200, {"results": self.properties}
        if parts[:3] == ["crm", "v4", "associations"]:
            return self._associations(parts[3], body)
        kind, action = parts[3], "/".join(parts[4:])
        if method == "GET":
            return self._archived(kind, query)
        return {
            "search": self._search, "batch/read": self._read, "batch/update": self._update,
        }[action](kind, body)  # fmt: skip

    def _search(self, kind: str, body: Any) -> tuple[int, Any]:
        found = list(self.objects[kind].items())
        for group in body["filterGroups"]:
            for one in group["filters"]:
                found = [
                    (key, item)
                    for key, item in found
                    if _passes(item["properties"].get(one["propertyName"]), one)
                ]
        found.sort(key=lambda pair: int(pair[0]))
        results = [
            {"id": key, "properties": {p: item["properties"].get(p) for p in body["properties"]}}
            for key, item in found[: min(body["limit"], self.page_size)]
        ]
        return 200, {"total": min(len(found), SEARCHED_AT_MOST), "results": results}

    def _read(self, kind: str, body: Any) -> tuple[int, Any]:
        if body["propertiesWithHistory"] and len(body["inputs"]) > 50:
            return 400, {"message": "The maximum number of inputs supported … is 50"}
        results = []
        for one in body["inputs"]:
            item = self.objects[kind].get(one["id"])
            if item is not None:
                values = {name: item["properties"].get(name) for name in body["properties"]}
                asked = body["propertiesWithHistory"]
                history = {n: item["history"][n] for n in asked if n in item["history"]}
                results.append(
                    {"id": one["id"], "properties": values, "propertiesWithHistory": history}
                )
        return (200 if len(results) == len(body["inputs"]) else 207), {"results": results}

    def _associations(self, kind: str, body: Any) -> tuple[int, Any]:
        results, errors = [], []
        for one in body["inputs"]:
            contacts = self.objects[kind][one["id"]]["contacts"]
            start = int(one.get("after", 0))
            answer: dict[str, Any] = {
                "from": {"id": one["id"]},
                "to": [
                    {"toObjectId": int(c), "associationTypes": []} for c in contacts[start:][:1]
                ],
            }
            if len(contacts) > start + 1:
                answer["paging"] = {"next": {"after": str(start + 1)}}
            if contacts:
                results.append(answer)
            else:
                errors.append(
                    {"category": "OBJECT_NOT_FOUND",
                     "subCategory": "crm.associations.NO_ASSOCIATIONS_FOUND"}
                )  # fmt: skip
        return (207 if errors else 200), {"results": results, "errors": errors}

    def _archived(self, kind: str, query: dict[str, str]) -> tuple[int, Any]:
        assert query["archived"] == "true"
        keys = sorted(self.archived[kind])
        start = int(query.get("after", 0))
        answer: dict[str, Any] = {"results": [{"id": key} for key in keys[start : start + 1]]}
        if len(keys) > start + 1:
            answer["paging"] = {"next": {"after": str(start + 1)}}
        return 200, answer

    def _update(self, kind: str, body: Any) -> tuple[int, Any]:
        if len(body["inputs"]) > 100:
            return 400, {"message": "at most 100 inputs"}
        if any(one["properties"]["leadscore_band"] == "unheard" for one in body["inputs"]):
            return 400, {"message": "unheard was not one of the allowed options"}
        results, errors = [], []
        for one in body["inputs"]:
            if one["id"] in self.objects[kind]:
                self.objects[kind][one["id"]]["properties"] |= one["properties"]
                results.append({"id": one["id"]})
            else:
                errors.append(
                    {"category": "OBJECT_NOT_FOUND", "message": "Could not get some CONTACTs",
                     "context": {"ids": [one["id"]]}}
                )  # fmt: skip
        return (207 if errors else 200), {"results": results, "errors": errors}


def _passes(value: str | None, one: dict[str, str]) -> bool:
    if value is None:
        return False
    if one["operator"] == "GT":
        return int(value) > int(one["value"])
    assert one["operator"] == "GTE"
    milliseconds = datetime.fromisoformat(value).timestamp() * 1000
    return milliseconds >= float(one["value"])
