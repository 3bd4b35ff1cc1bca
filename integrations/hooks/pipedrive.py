"""Pipedrive's webhooks (version 2): one deal or activity, with the values before.

Written from https://pipedrive.readme.io/docs/guide-for-webhooks-v2 and
https://pipedrive.readme.io/docs/webhooks-v2-migration-guide.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from integrations.hooks.rows import HookRecipe, HookRows, identifier, seconds_of, utc

PREFIX = "deal-"


def sent_at(body: Any) -> datetime:
    """When the message was made. ValueError, KeyError or TypeError if it does not say."""
    return utc(body["meta"]["timestamp"])


def rows_of(body: Any, recipe: HookRecipe) -> HookRows:
    """The rows of a body. ValueError, KeyError or TypeError if it is no message of version 2."""
    rows = HookRows()
    meta, data = body["meta"], body.get("data")
    action, entity = meta["action"], meta["entity"]
    if action == "delete" or data is None:
        rows.unused["a deletion: erase the lead here, if it must go"] += 1
    elif entity == "deal":
        _deal(rows, data, body.get("previous") if action != "create" else None, recipe)
    elif entity == "activity":
        _activity(rows, data)
    else:
        rows.unused["neither a deal nor an activity"] += 1
    return rows


def _deal(
    rows: HookRows, deal: Mapping[str, Any], previous: Mapping[str, Any] | None, recipe: HookRecipe
) -> None:
    lead_id, created = f"{PREFIX}{identifier(deal['id'])}", utc(deal["add_time"])
    values = _flat(deal)
    no_attributes = ("add_time",)
    if previous is None:
        rows.lead(
            lead_id, created, recipe.attributes(values, no_attributes), utc(deal["update_time"])
        )
    else:
        rows.lead(lead_id, created, {})
        changed = {name: values.get(name) for name in _flat(previous)}
        for name, value in recipe.attributes(changed, no_attributes).items():
            rows.answer(lead_id, utc(deal["update_time"]), name, value, change=True)
    meaning = recipe.meaning(deal["status"])
    if meaning in ("converted", "lost"):
        at = deal.get("won_time" if meaning == "converted" else "lost_time")
        at = at or deal.get("close_time")
        rows.outcome(lead_id, meaning, utc(at) if at else None)


def _flat(deal: Mapping[str, Any]) -> dict[str, Any]:
    """Fields and custom fields side by side, each with one value."""
    custom = deal.get("custom_fields") or {}
    fields = {name: value for name, value in deal.items() if name not in ("custom_fields", "id")}
    return {name: _plain(value) for name, value in {**fields, **custom}.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _plain(value.get("value", value.get("id", value.get("values"))))
    if isinstance(value, list):
        return ",".join(str(_plain(one)) for one in value)
    return value


def _activity(rows: HookRows, activity: Mapping[str, Any]) -> None:
    if activity.get("deal_id") is None:
        rows.unused["an activity of no deal"] += 1
        return
    if not activity.get("done"):
        rows.unused["an activity that is not done"] += 1
        return
    due = f"{activity['due_date']} {activity.get('due_time') or '00:00'}"
    kind = identifier(activity["type"]).lower()
    rows.interaction(
        f"{PREFIX}{identifier(activity['deal_id'])}",
        utc(activity.get("marked_as_done_time") or due),
        "outbound_call" if kind == "call" else kind,
        f"activity-{identifier(activity['id'])}",
        seconds_of(activity.get("duration")),
    )
