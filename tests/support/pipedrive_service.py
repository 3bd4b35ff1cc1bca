"""A Pipedrive account on loopback, as its public documentation describes the API:

https://pipedrive.readme.io/docs/pipedrive-api-v2-migration-guide (deals and activities with
``custom_fields``, moments with a zone), https://pipedrive.readme.io/docs/core-api-concepts-pagination
(``limit``, ``cursor``, ``additional_data.next_cursor``), …/core-api-concepts-responses (errors),
https://developers.pipedrive.com/docs/api/v1/Deals (changelog, moments without a zone) and
https://pipedrive.readme.io/docs/marketplace-oauth-authorization (client id and secret by Basic).
"""

from __future__ import annotations

from typing import Any

from fake_service import FakeService

BUDGET, WISHES = "b" * 40, "c" * 40
FIELDS = {
    f"{number}" * 40: (f"leadscore_{name}", kind)
    for number, (name, kind) in enumerate(
        (("probability", "double"), ("band", "varchar"), ("reasons", "text"), ("as_of", "varchar"))
    )
}


class PipedriveService(FakeService):
    """Deals and activities by number; ``archived`` and ``deleted`` have numbers of deals."""

    system = "pipedrive"
    environment = {"PIPEDRIVE_API_TOKEN": "good-token"}  # noqa: RUF012
    first, later = "/api/v2/deals", "activities"
    leads, missing, prefix = ("811", "812", "813"), "99", "deal-"
    optional = "changelog"
    refusal, no_field = "Deal not found", r"leadscore_probability \(numerical\)"
    pushed = [  # noqa: RUF012
        0.4124,
        "warm",
        "Budget is high, and growing\n-5 % budget",
        "2026-04-01T12:00:00Z",
    ]
    expected = {  # noqa: RUF012
        "leads": """
            lead_id  | created_at
            deal-811 | 2026-01-05T09:00:00Z
            deal-812 | 2026-01-10T09:00:00Z
            deal-813 | 2026-02-01T09:00:00Z
        """,
        "outcomes": """
            lead_id  | outcome   | occurred_at
            deal-811 | converted | 2026-03-01T11:00:00Z
            deal-812 | lost      | 2026-02-15T11:00:00Z
        """,
        "answers": f"""
            lead_id  | answered_at          | attribute | value
            deal-811 | 2026-01-20T09:00:00Z | {BUDGET}  | high
            deal-811 | 2026-01-21T09:00:00Z | owner_id  | 8
            deal-812 | 2026-01-21T09:00:00Z | owner_id  | 8
        """,
        "interactions": """
            lead_id  | occurred_at          | kind          | duration_s
            deal-811 | 2026-01-12T09:00:00Z | outbound_call | 120
            deal-811 | 2026-01-13T10:30:00Z | meeting       |
        """,
    }

    def __init__(self) -> None:
        super().__init__()
        self.tokens = {"good-token"}
        self.refreshed = 0
        self.deals: dict[int, dict[str, Any]] = {}
        self.changes: dict[int, list[dict[str, Any]]] = {}
        self.activities: dict[int, dict[str, Any]] = {}
        self.archived = {812}
        self.deleted: set[int] = set()
        self.fields = {
            "title": ("Title", "varchar", False), BUDGET: ("Budget", "enum", True),
            WISHES: ("Wishes", "text", True), "origin": ("Origin", "varchar", False),
        }  # fmt: skip
        for key, at in zip((811, 812, 813), ("01-05", "01-10", "02-01"), strict=True):
            moment = f"2026-{at}T09:00:00Z"
            self.deals[key] = {
                "id": key, "title": "Ada", "add_time": moment, "update_time": moment,
                "status": "open", "stage_id": 1, "value": 500, "origin": "API", "owner_id": 8,
                "is_deleted": False, "custom_fields": {BUDGET: None, WISHES: "Ada's wish"},
            }  # fmt: skip
            self.changes[key] = []
        self.change(811, BUDGET, "low", "2026-01-05 09:00:01")
        self.change(811, BUDGET, "high", "2026-01-20 09:00:00")
        self.change(811, "title", "Augusta", "2026-01-20 09:00:00")
        owner = {"old_value": "7", "new_value": "8", "time": "2026-01-21 09:00:00"}
        self.changes[811].insert(0, {"field_key": "user_id", **owner})
        self.deals[811] |= {"status": "won", "won_time": "2026-03-01T11:00:00Z",
                            "update_time": "2026-03-01T11:00:00Z"}  # fmt: skip
        self.deals[812] |= {"status": "lost", "lost_time": "2026-02-15T11:00:00Z",
                            "update_time": "2026-02-15T11:00:00Z"}  # fmt: skip
        self.activity(71, 811, "call", duration="00:02", marked_as_done_time="2026-01-12T09:00:00Z")
        self.activity(72, 811, "meeting", due_date="2026-01-13", due_time="10:30")
        self.activity(73, 813, "call", done=False)
        self.activity(74, None, "lunch")

    def activity(self, key: int, deal: int | None, kind: str, **values: Any) -> None:
        """An activity that is done, unless it says otherwise."""
        self.activities[key] = {
            "id": key, "deal_id": deal, "type": kind, "done": True, "subject": "Call Ada",
            "due_date": "2026-01-12", "due_time": None, "update_time": "2026-01-12T09:00:00Z",
        } | values  # fmt: skip

    def change(self, deal: int, key: str, value: str, at: str) -> None:
        """A change, as the changelog keeps it."""
        one = self.deals[deal]
        place = one["custom_fields"] if len(key) == 40 else one
        change = {"field_key": key, "old_value": place[key], "new_value": value, "time": at}
        self.changes[deal].insert(0, change)
        place[key] = value
        one["update_time"] = f"{at.replace(' ', 'T')}Z"

    def edit(self) -> None:
        """A late edit, on the afternoon of 1 April."""
        self.change(811, BUDGET, "huge", "2026-04-01 15:00:00")

    def remove(self) -> None:
        """The third deal is deleted."""
        self.deleted.add(813)

    def deny(self) -> None:
        """The token may not read changelogs."""
        self.faults = [("changelog", 403, {})]

    def add_score_fields(self) -> None:
        """The fields that a push writes."""
        self.fields |= {key: (name, kind, True) for key, (name, kind) in FIELDS.items()}

    def scores(self, lead: str) -> list[Any]:
        """What was pushed into a deal."""
        return [self.deals[int(lead)]["custom_fields"].get(key) for key in FIELDS]

    @property
    def oauth(self) -> dict[str, str]:
        """Settings of an app."""
        return {
            "PIPEDRIVE_CLIENT_ID": "client", "PIPEDRIVE_CLIENT_SECRET": "client-secret",
            "PIPEDRIVE_REFRESH_TOKEN": "refresh", "PIPEDRIVE_OAUTH_URL": f"{self.url}/oauth/token",
        }  # fmt: skip

    def error(self, message: str) -> Any:
        """An error's body."""
        return {"success": False, "error": message, "data": None}

    def open_path(self, path: str, form: dict[str, str]) -> tuple[int, Any] | None:
        """Access tokens for the one refresh token there is."""
        if path != "/oauth/token":
            return None
        # client:client-secret
        if self.headers["authorization"] != "Basic Y2xpZW50OmNsaWVudC1zZWNyZXQ=":
            return 401, {"success": False, "message": "Client authentication failed"}
        assert form == {"grant_type": "refresh_token", "refresh_token": "refresh"}
        self.refreshed += 1
        self.tokens = {f"access-{self.refreshed}"}
        return 200, {"access_token": f"access-{self.refreshed}", "refresh_token": "refresh"}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """One request."""
        parts = path.strip("/").split("/")
        if method == "PATCH":
            return self._update(int(parts[-1]), body["custom_fields"])
        if parts[-1] == "dealFields":
            items = [
                {"field_code": k, "field_name": n, "field_type": t, "is_custom_field": c}
                for k, (n, t, c) in self.fields.items()
            ]
        elif parts[-1] == "changelog":
            items = self.changes[int(parts[-2])]
        else:
            items = self._records(parts[-1], query)
        start = int(query.get("cursor", "cursor-0").removeprefix("cursor-"))
        end = start + int(query["limit"])
        after = f"cursor-{end}" if end < len(items) else None
        page = {"success": True, "data": items[start:end]}
        return 200, page | {"additional_data": {"next_cursor": after}}

    def _records(self, name: str, query: dict[str, str]) -> list[dict[str, Any]]:
        if name == "activities":
            found = self.activities
        elif query.get("status") == "deleted":
            return [self.deals[key] for key in sorted(self.deleted)]
        else:
            keys = self.archived if name == "archived" else self.deals.keys() - self.archived
            found = {key: self.deals[key] for key in sorted(keys - self.deleted)}
        assert query["sort_by"] == "id"
        since = query.get("updated_since", "")
        return [one for one in found.values() if one["update_time"] >= since]

    def _update(self, key: int, values: dict[str, Any]) -> tuple[int, Any]:
        if key not in self.deals:
            return 404, self.error("Deal not found")
        assert values.keys() <= self.fields.keys()
        self.deals[key]["custom_fields"] |= values
        self.deals[key]["update_time"] = "2026-04-02T12:00:00Z"
        return 200, {"success": True, "data": self.deals[key]}
