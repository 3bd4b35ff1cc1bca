"""The examples of the OpenAPI document: the same lead that ``docs/reference/api.md`` tells of."""

from __future__ import annotations

from typing import Any

SCORE_REQUEST: dict[str, Any] = {
    "lead_id": "L-1042",
    "created_at": "2026-03-02T09:12:00Z",
    "as_of": "2026-03-20T08:00:00Z",
    "attributes": {"sector": "software", "employees": 120, "source": "webinar"},
    "answers": [
        {"attribute": "budget", "answered_at": "2026-03-10T14:00:00Z", "value": "approved"},
        {"attribute": "decision_maker", "answered_at": "2026-03-10T14:00:00Z", "value": True},
    ],
    "interactions": [
        {"kind": "webinar", "occurred_at": "2026-03-02T09:12:00Z", "duration_s": 2700},
        {"kind": "page_view", "occurred_at": "2026-03-17T16:40:00+01:00", "event_id": "pv-881"},
        {"kind": "inbound_call", "occurred_at": "2026-03-19T10:05:00Z", "duration_s": 340},
    ],
}


MODEL: dict[str, Any] = {
    "name": "b2b_simulated",
    "version": "3",
    "release_id": "5d1f0c7a9e42",
}


SCORE_ANSWER: dict[str, Any] = {
    "score_id": "0b9f5c0d6a8e4d0f9c3b2a1e7d6c5b4a",
    "lead_id": "L-1042",
    "as_of": "2026-03-20T08:00:00Z",
    "probability": 0.42,
    "interval": {"low": 0.37, "high": 0.49},
    "horizon_days": 30.0,
    "band": "hot",
    "label": "chaud",
    "base": -2.2,
    "log_odds": -0.3227733922630603,
    "reasons": [
        {
            "feature": "inbound_call.count_7d",
            "text": "1 inbound call in the last 7 days",
            "value": 1.0,
            "contribution": 1.31,
        }
    ],
    "other_reasons": 0.5672266077369397,
    "rules": {
        "points": 62.0,
        "band": "hot",
        "fit": 12.0,
        "engagement": 50.0,
        "reasons": [
            {"rule": "Called us", "points": 50.0, "text": "1 inbound call in the last 60 days"},
            {"rule": "Budget is there", "points": 12.0, "text": "budget is approved"},
        ],
    },
    "next_step": {
        "channel": "the channel they used",
        "rhythm": "within the hour",
        "message": "They asked: answer the question first, then qualify.",
        "because": "Asked us",
    },
    "low_evidence": False,
    "notes": [],
    "model": MODEL,
}


BATCH_REQUEST: dict[str, Any] = {"leads": [SCORE_REQUEST]}


BATCH_ANSWER: dict[str, Any] = {
    "items": [{"index": 0, "score": SCORE_ANSWER, "error": None}],
    "scored": 1,
    "failed": 0,
    "model": MODEL,
}


PROBLEM: dict[str, Any] = {
    "type": "urn:leadscore:problem:invalid-request",
    "title": "Invalid request",
    "status": 422,
    "detail": "The request does not fit the contract; see `errors` and /openapi.json.",
    "request_id": "9f2c4a1b7d3e5f60",
    "errors": [
        {
            "at": "$.interactions[1].occurred_at",
            "message": "Expected `datetime` with a timezone component",
        }
    ],
}


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


RANKED_LEADS: dict[str, Any] = {
    "leads": [
        {
            "lead_id": "L-1042",
            "probability": 0.42,
            "band": "hot",
            "label": "hot",
            "as_of": "2026-03-20T08:00:00Z",
            "score_id": "0b9f5c0d6a8e4d0f9c3b2a1e7d6c5b4a",
            "release_id": "5d1f0c7a9e42",
            "version": "3",
            "updated_at": "2026-03-20T08:00:00Z",
            "reasons": ["1 inbound call in the last 7 days"],
            "name": "Ada Byron",
            "owner": "karim",
            "source": "webinar",
            "account": "A-7",
            "outcome": None,
        }
    ],
    "next": None,
    "total": 1,
    "bands": {"cold": 0, "warm": 0, "hot": 1},
    "release_id": "5d1f0c7a9e42",
}


FORECAST: dict[str, Any] = {
    "release_id": "5d1f0c7a9e42",
    "as_of": "2026-03-20T08:00:00Z",
    "coverage": 0.9,
    "rows": [
        {
            "by": "all",
            "group": "all",
            "horizon_days": 30.0,
            "leads": 412,
            "expected": 36.4,
            "low": 24.0,
            "high": 51.0,
            "value": 32760.0,
            "value_low": 21600.0,
            "value_high": 45900.0,
        }
    ],
    "last_periods": [
        {
            "start": "2026-02-18T08:00:00Z",
            "horizon_days": 30.0,
            "leads": 388,
            "expected": 33.1,
            "low": 21.0,
            "high": 47.0,
            "converted": 29,
            "held": True,
            "by": "scores",
        }
    ],
    "notes": [],
}


CHANGE: dict[str, Any] = {
    "id": "chg_1873",
    "type": "lead.score_changed",
    "timestamp": "2026-03-20T08:00:00Z",
    "data": {
        "lead_id": "L-1042",
        "changed": ["band", "probability"],
        "probability": 0.42,
        "band": "hot",
        "reason": {
            "feature": "inbound_call.count_7d",
            "text": "1 inbound call in the last 7 days",
        },
        "as_of": "2026-03-20T08:00:00Z",
        "score_id": "0b9f5c0d6a8e4d0f9c3b2a1e7d6c5b4a",
        "model": {"version": "3", "release_id": "5d1f0c7a9e42"},
        "before": {
            "probability": 0.18,
            "band": "warm",
            "reason": "inbound_call.count_7d",
            "model": {"version": "3", "release_id": "5d1f0c7a9e42"},
        },
    },
}


CHANGES: dict[str, Any] = {"changes": [CHANGE], "next": "1873", "more": False}


WEBHOOK_IN: dict[str, Any] = {
    "url": "https://crm.example.com/hooks/leadscore",
    "on": ["first", "band", "release"],
}


WEBHOOK: dict[str, Any] = {
    "id": "wh_5b3f0c7a9e42d811",
    "url": "https://crm.example.com/hooks/leadscore",
    "on": ["first", "band", "release"],
    "state": "active",
    "created_at": "2026-03-01T09:00:00Z",
    "old_secret_until": None,
    "pending": 2,
    "oldest_at": "2026-03-20T08:00:00Z",
    "dead": 1,
    "delivered": 1870,
    "failures": 0,
    "held_until": None,
    "last_at": "2026-03-20T08:00:01Z",
    "last_status": 204,
    "last_error": None,
}


WEBHOOKS: dict[str, Any] = {"webhooks": [WEBHOOK]}


WEBHOOK_ADDED: dict[str, Any] = {
    "webhook": WEBHOOK,
    "secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=",
}


WEBHOOK_TEST: dict[str, Any] = {"id": "chg_1874"}


DEAD_LETTERS: dict[str, Any] = {
    "dead": [
        {
            "id": "chg_1201",
            "lead_id": "L-1042",
            "at": "2026-03-16T08:00:00Z",
            "attempts": 80,
            "first_tried_at": "2026-03-16T08:00:01Z",
            "last_status": 500,
            "last_error": "status 500",
            "body": {key: value for key, value in CHANGE.items() if key != "id"},
        }
    ],
    "next": None,
}


RESEND: dict[str, Any] = {"ids": ["chg_1201"]}


LEADS: dict[str, Any] = {"leads": [{"lead_id": "L-1042", **LEAD}]}


LEADS_TAKEN: dict[str, Any] = {
    "created": 1,
    "changed": 0,
    "unchanged": 0,
    "refused": [
        {
            "index": 1,
            "why": "invalid",
            "errors": [{"at": "$.leads[1].created_at", "message": "this moment lies before 1900"}],
        }
    ],
}
