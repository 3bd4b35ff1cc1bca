"""HubSpot's webhooks: an array of events about contacts.

Written from https://developers.hubspot.com/docs/api-reference/webhooks-webhooks-v3/guide (events)
and https://developers.hubspot.com/docs/apps/developer-platform/build-apps/authentication/request-validation
(signature v3).
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from integrations.hooks.rows import HookRecipe, HookRows, identifier

NAMES = {"lifecyclestage": "lifecycle_stage", "hs_lead_status": "lead_status"}
"""What the recipe calls these properties."""

MAX_EVENTS = 1000
"""Events of a request; HubSpot sends 100 at most."""

CONTACT = "0-1"
"""The type of a contact where an event names it by number."""


def signature(secret: str, method: str, url: str, body: bytes, timestamp: str) -> str:
    """Signature v3 of a request: HMAC-SHA256 in base64.

    >>> signature("s", "POST", "https://x.example/v1/hooks/hubspot", b"[]", "1")[:12]
    'jvTZ9oCZH4ke'
    """
    signed = f"{method}{url}".encode() + body + timestamp.encode()
    return base64.b64encode(hmac.digest(secret.encode(), signed, "sha256")).decode()


def rows_of(body: Any, recipe: HookRecipe) -> HookRows:
    """The rows of a body. ValueError, KeyError or TypeError if it is no array of events."""
    rows = HookRows()
    if not isinstance(body, list) or len(body) > MAX_EVENTS:
        raise TypeError(f"expected an array of {MAX_EVENTS} events at most")
    for event in body:
        _take(rows, event, recipe)
    return rows


def _take(rows: HookRows, event: Mapping[str, Any], recipe: HookRecipe) -> None:
    kind, _, action = str(event["subscriptionType"]).partition(".")
    if kind == "object" and event.get("objectTypeId") == CONTACT:
        kind = "contact"
    if kind != "contact":
        rows.unused["of no contact: a deal's event does not say whose it is"] += 1
        return
    lead_id = identifier(event["objectId"])
    at = datetime.fromtimestamp(event["occurredAt"] / 1000, UTC)
    if action == "creation":
        rows.lead(lead_id, at, {})
    elif action == "propertyChange":
        _change(
            rows, lead_id, at, identifier(event["propertyName"]), event.get("propertyValue"), recipe
        )
    else:
        rows.unused["an event that changes no property"] += 1


def _change(
    rows: HookRows, lead_id: str, at: datetime, name: str, value: Any, recipe: HookRecipe
) -> None:
    if not recipe.is_attribute(name):
        rows.unused["a property that the recipe leaves out"] += 1
        return
    rows.answer(lead_id, at, NAMES.get(name, name), value or None, change=True)
    # a loss is a deal's, or a lead status that may change again: it comes with a sync
    if name == "lifecyclestage" and recipe.meaning(value) == "converted":
        rows.outcome(lead_id, "converted", at)
