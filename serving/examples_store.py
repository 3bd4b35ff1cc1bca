"""The examples of the store's endpoints in the OpenAPI document."""

from __future__ import annotations

from typing import Any

LEAD: dict[str, Any] = {
    "created_at": "2026-03-02T09:12:00Z",
    "attributes": {"sector": "software", "employees": 120, "source": "webinar"},
}

LEAD_TAKEN: dict[str, Any] = {"lead_id": "L-1042", "became": "created", "attributes_changed": 3}

INTERACTIONS: dict[str, Any] = {
    "interactions": [
        {
            "lead_id": "L-1042",
            "kind": "page_view",
            "occurred_at": "2026-03-17T16:40:00+01:00",
            "source": "website",
            "event_id": "pv-881",
        }
    ]
}

ANSWERS: dict[str, Any] = {
    "answers": [
        {
            "lead_id": "L-1042",
            "attribute": "budget",
            "answered_at": "2026-03-10T14:00:00Z",
            "value": "approved",
        }
    ]
}

OUTCOMES: dict[str, Any] = {
    "outcomes": [
        {"lead_id": "L-1042", "outcome": "converted", "occurred_at": "2026-04-02T11:00:00Z"}
    ]
}

ROWS_TAKEN: dict[str, Any] = {
    "taken": 1,
    "repeated": 0,
    "refused": [{"index": 1, "why": "unknown_lead"}],
}
