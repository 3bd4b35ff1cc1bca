"""Odoo's webhooks: an automation rule with the action *Send Webhook Notification*.

Written from https://www.odoo.com/documentation/19.0/applications/studio/automated_actions.html and
https://github.com/odoo/odoo/blob/master/odoo/addons/base/models/ir_actions.py: the body has
``_model``, ``_id`` and the fields that were chosen; links are ids, ``false`` is no value.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.hooks.rows import HookRecipe, HookRows, identifier, utc

NO_ATTRIBUTES = ("id", "create_date", "stage_id")
"""``stage_id`` comes as a number, where an import has the stage's name: left to a sync."""


def rows_of(body: Any, recipe: HookRecipe, now: datetime) -> HookRows:
    """The rows of a body; ``now``: meetings still to come are none. ValueError, KeyError or
    TypeError if it is no notification, or lacks a field that it needs.
    """
    rows = HookRows()
    if body["_model"] == "crm.lead":
        _lead(rows, body, recipe)
    elif body["_model"] == "calendar.event":
        _meeting(rows, body, now)
    else:
        rows.unused["neither a lead nor a meeting"] += 1
    return rows


def _lead(rows: HookRows, lead: Mapping[str, Any], recipe: HookRecipe) -> None:
    lead_id = identifier(lead["_id"])
    record = {name: _plain(value) for name, value in lead.items() if not name.startswith("_")}
    values = recipe.attributes(record, NO_ATTRIBUTES)
    rows.snapshot(lead_id, utc(lead["create_date"]), utc(lead["write_date"]), values)
    meaning = recipe.meaning(_word(lead))
    if meaning in ("converted", "lost"):
        closed = lead.get("date_closed")
        rows.outcome(lead_id, meaning, utc(closed) if closed else None)


def _word(lead: Mapping[str, Any]) -> str:
    """What the lead is, in the recipe's words; lost is *archived with probability 0*."""
    if lead.get("won_status"):
        return str(lead["won_status"])
    probability = lead.get("probability")
    if lead.get("active") is False:
        return "lost" if probability == 0 else "archived with a probability"
    return "won" if probability == 100 and lead.get("date_closed") else "pending"


def _meeting(rows: HookRows, event: Mapping[str, Any], now: datetime) -> None:
    lead = _plain(event["opportunity_id"])
    start, stop = utc(event["start"]), utc(event["stop"])
    if lead is None:
        rows.unused["a meeting of no lead"] += 1
    elif event.get("active") is False:
        rows.unused["an archived meeting"] += 1
    elif start >= now:
        rows.unused["a meeting still to come"] += 1
    else:
        duration = (stop - start).total_seconds()
        rows.interaction(
            identifier(lead), start, "meeting", f"event-{identifier(event['_id'])}", duration
        )


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return value[0] if value else None
    return None if value is False else value
