"""Salesforce's outbound messages about leads, tasks and events.

Written from https://developer.salesforce.com/docs/platform/api/guide/sforce-api-om-outboundmessaging.html;
:mod:`integrations.hooks.soap` reads the XML. A message has the fields that were chosen for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from integrations.hooks.rows import HookRecipe, HookRows, utc
from integrations.hooks.soap import Message

Fields = Mapping[str, str | None]
NO_ATTRIBUTES = ("Id", "CreatedDate")
NEAR_THE_DAY = timedelta(days=2)
"""A conversion is dated by the message if that is so near to ConvertedDate, which is a day."""


def rows_of(message: Message, recipe: HookRecipe) -> HookRows:
    """The rows of a message. ValueError, KeyError or TypeError if a record lacks what it needs:
    a lead Id, CreatedDate and SystemModstamp, a task or event Id, WhoId and its moment.
    """
    rows = HookRows()
    takers = {"Lead": _lead, "Task": _task, "Event": _event}
    for one in message.notifications:
        take = takers.get(one.kind)
        if take is None:
            rows.unused["neither a lead, a task nor an event"] += 1
        elif (one.fields.get("IsDeleted") or "").lower() == "true":
            rows.unused["deleted in Salesforce"] += 1
        else:
            take(rows, one.fields, recipe)
    return rows


def _lead(rows: HookRows, lead: Fields, recipe: HookRecipe) -> None:
    lead_id, created = _text(lead, "Id"), utc(lead["CreatedDate"])
    modified = utc(lead["SystemModstamp"])
    rows.snapshot(lead_id, created, modified, recipe.attributes(lead, NO_ATTRIBUTES))
    if (lead.get("IsConverted") or "").lower() == "true":
        day = lead.get("ConvertedDate")
        at = utc(day) if day else None
        near = at is None or abs(modified - at) <= NEAR_THE_DAY
        rows.outcome(lead_id, "converted", modified if near else at)
    elif recipe.meaning(lead.get("Status")) == "lost":
        # every edit moves SystemModstamp: only the message in which the status is new dates a loss
        rows.outcome(lead_id, "lost", modified, changed_by="Status")


def _task(rows: HookRows, task: Fields, recipe: HookRecipe) -> None:
    del recipe
    closed = task.get("IsClosed") or ("true" if task.get("Status") == "Completed" else "false")
    if closed.lower() != "true":
        rows.unused["a task that is not done"] += 1
        return
    subtype, kind = task.get("TaskSubtype"), task.get("Type")
    if subtype == "Call" or kind == "Call":
        name = "inbound_call" if task.get("CallType") == "Inbound" else "outbound_call"
    elif subtype in ("Email", "ListEmail") or kind == "Email":
        name = "email_sent"
    else:
        name = "meeting" if kind == "Meeting" else "task"
    at = utc(task.get("CompletedDateTime") or task["CreatedDate"])
    seconds = task.get("CallDurationInSeconds")
    duration = float(seconds) if seconds else None
    rows.interaction(_who(task), at, name, _text(task, "Id"), duration)


def _event(rows: HookRows, event: Fields, recipe: HookRecipe) -> None:
    del recipe
    if "true" in (event.get("IsChild"), event.get("IsRecurrence")):
        rows.unused["a copy or the pattern of a meeting"] += 1
        return
    start = utc(event["StartDateTime"])
    end = event.get("EndDateTime")
    name = "outbound_call" if event.get("Type") == "Call" else "meeting"
    duration = (utc(end) - start).total_seconds() if end else None
    rows.interaction(_who(event), start, name, _text(event, "Id"), duration)


def _who(record: Fields) -> str:
    return _text(record, "WhoId" if record.get("WhoId") else "WhatId")


def _text(record: Fields, name: str) -> str:
    value = record[name]
    if not value:
        raise ValueError(f"{name} is empty")
    return value
