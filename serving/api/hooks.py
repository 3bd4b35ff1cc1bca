"""Endpoints for systems' webhooks: verified, turned into rows, taken as those of any caller."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any

import msgspec
import sqlalchemy as sa

from features.contract import value_to_text
from features.errors import UsageError
from integrations.hooks import hubspot, odoo, pipedrive, salesforce, soap
from integrations.hooks.rows import HookRecipe, HookRows, hook_recipe
from serving.api.endpoint import EndpointSpec
from serving.api.hook_checks import (
    check_hubspot,
    check_organisation,
    check_pipedrive_time,
    check_secret,
    secrets_of,
)
from serving.http.request import Endpoint, Request, Response, decode, json_response
from serving.problems import Problem
from serving.services import Services
from serving.settings import Settings
from serving.store import tables
from serving.store.bulk import lookup
from serving.store.leads import attribute_histories
from serving.timestamps import Clock, microseconds

MAX_BODY_BYTES = 512 * 1024
"""Of one webhook; the largest of these systems' has 100 records."""

READ_AT_ONCE = 16 * 1024
"""Bytes of a webhook that are read on the event loop."""

XML = "text/xml"
TITLES = {
    "hubspot": "HubSpot",
    "salesforce": "Salesforce",
    "odoo": "Odoo",
    "pipedrive": "Pipedrive",
}
PROBLEMS = (400, 401, 404, 408, 413, 415, 429, 503, 507)
ABOUT = {
    "hubspot": "Events of contacts, with signature v3 and a time of the last five minutes.",
    "salesforce": "Outbound messages (SOAP) about leads, tasks and events, with the secret as "
    "`?secret=`; answered with an acknowledgement.",
    "odoo": "Notifications of automation rules about leads and meetings, with the secret as the "
    "password of basic authentication, or as `?secret=`.",
    "pipedrive": "Webhooks of version 2 about deals and activities, with the secret as the "
    "password of basic authentication, sent within the last hour.",
}


class HookTaken(msgspec.Struct, frozen=True):
    """What became of a webhook: rows taken, there before, or saying nothing new; refused (of a lead
    that is not here, out of bounds, a contradiction); and records that are no row, by reason."""

    taken: int
    repeated: int
    unchanged: int
    refused: dict[str, int]
    unused: dict[str, int]


Known = Mapping[str, Mapping[str, Sequence[tuple[int, str]]]]
"""What was known of leads' attributes from which moment on: see ``attribute_histories``."""

_anything = msgspec.json.Decoder(Any)

EXAMPLE = {"taken": 2, "repeated": 0, "unchanged": 1, "refused": {}, "unused": {}}


def routes(services: Services, others: Sequence[EndpointSpec]) -> list[EndpointSpec]:
    """The endpoints of webhooks; ``others`` has those that take rows."""
    taking = {
        spec.path.removeprefix("/v1/"): spec.endpoint for spec in others if spec.method == "POST"
    }
    does = _Hooks(services, taking)
    return [
        EndpointSpec(
            "POST", f"/v1/hooks/{system}", f"hook_{system}", f"A webhook from {TITLES[system]}",
            f"{ABOUT[system]} Off, with a 404, until `LEADSCORE_HOOK_{system.upper()}_SECRET` is "
            "set. Sending it again changes nothing.",
            partial(does.take, system), None if system == "salesforce" else HookTaken,
            answer_example=None if system == "salesforce" else EXAMPLE, problems=PROBLEMS,
            tag="hooks", media_types=(XML,) if system == "salesforce" else ("application/json",),
            own_body=True,
        )
        for system in TITLES
    ]  # fmt: skip


class _Hooks:
    def __init__(self, services: Services, taking: Mapping[str, Endpoint]) -> None:
        self.services = services
        self._taking = taking
        words = own_words(services.settings)
        self._recipes = {system: hook_recipe(system, words) for system in TITLES}

    async def take(self, system: str, request: Request) -> Response:
        """Verify a webhook, turn it into rows and take them."""
        settings = self.services.settings
        self.services.access.take_token(f"hook: {request.peer}")
        secrets = secrets_of(settings, system)
        if not secrets:
            raise Problem(404, "not-found", "Webhooks of this system are not switched on here.")
        if len(request.body) > MAX_BODY_BYTES:
            raise Problem(413, "body-too-large", f"A webhook has {MAX_BODY_BYTES} bytes at most.")
        clock = Clock.read(settings.clock_skew_s)
        if system == "hubspot":
            check_hubspot(request, secrets, _url(request, settings, system), clock.now)
        else:
            check_secret(request, secrets)
        read = partial(_rows, system, request.body, self._recipes[system], settings, clock.now)
        large = len(request.body) > READ_AT_ONCE
        rows = await self.services.run_apart(read) if large else read()
        # an event is known by source and id: as `store load --source SYSTEM` names it
        rows.interactions = [{**row, "source": system} for row in rows.interactions]
        taken = await self._store(rows, Request({}, b"", b"", {}, "", f"hook {system}"))
        if system == "salesforce":
            return Response(soap.ACKNOWLEDGED, media_type=XML)
        return json_response(taken)

    async def _store(self, rows: HookRows, request: Request) -> HookTaken:
        """Take the rows through the endpoints of any caller: leads before what belongs to them."""
        counts = _Counts()
        known = await self._known(rows)
        rows = rows.beside(known)
        await self._send("leads", rows.leads, request, counts)
        new = _news(rows, known)
        counts.unchanged += len(rows.answers) - len(new)
        await self._send("answers", new, request, counts)
        await self._send("interactions", rows.interactions, request, counts)
        dated = [
            row
            for i, row in enumerate(rows.outcomes)
            if i not in rows.changed_by or _dates(row, rows.changed_by[i], rows, new, known)
        ]
        undated = len(rows.outcomes) - len(dated)
        if undated:
            rows.unused["an outcome without a date: it was so before"] += undated
        await self._send("outcomes", dated, request, counts)
        return HookTaken(
            counts.taken, counts.repeated, counts.unchanged, counts.refused, dict(rows.unused)
        )

    async def _known(self, rows: HookRows) -> Known:
        """What is known of the leads that answers belong to; leads that are not here lack."""
        ids = {row["lead_id"] for row in (*rows.answers, *rows.leads)}
        if not ids:
            return {}

        def work(connection: sa.Connection) -> Known:
            found = lookup(connection, tables.lead, ["lead_id"], [(one,) for one in ids])
            return attribute_histories(connection, {r["lead_id"]: r["attributes"] for r in found})

        return await self.services.store.read(work)

    async def _send(
        self, name: str, rows: Sequence[Mapping[str, Any]], request: Request, counts: _Counts
    ) -> None:
        """Rows of one kind through their endpoint; what none of fits is refused, as it would be
        when sent again."""
        if not rows:
            return
        request.body = msgspec.json.encode({name: rows})
        try:
            response = await self._taking[name](request)
        except Problem as problem:
            if problem.status != 422:
                raise
            counts.refuse("invalid", len(rows))
            return
        counts.add(msgspec.json.decode(response.body))


class _Counts:
    def __init__(self) -> None:
        self.taken = self.repeated = self.unchanged = 0
        self.refused: dict[str, int] = {}

    def add(self, answer: Mapping[str, Any]) -> None:
        """What an endpoint answered."""
        self.taken += sum(answer.get(name, 0) for name in ("taken", "created", "changed"))
        self.repeated += answer.get("repeated", 0)
        self.unchanged += answer.get("unchanged", 0)
        for one in answer["refused"]:
            self.refuse(one["why"], 1)

    def refuse(self, why: str, rows: int) -> None:
        """Rows that are not taken, for a reason."""
        self.refused[why] = self.refused.get(why, 0) + rows


def _news(rows: HookRows, known: Known) -> list[Mapping[str, Any]]:
    """The answers that say what was not known at their own moment, in order of these moments.

    A message that comes again, or late, so adds nothing that its lead's history has already. A
    change is kept though it seems to change nothing: the change between may still be on its way.
    """
    histories = {lead_id: {n: list(v) for n, v in one.items()} for lead_id, one in known.items()}
    answers = sorted(enumerate(rows.answers), key=lambda one: one[1]["answered_at"])
    found: list[Mapping[str, Any]] = []
    for position, answer in answers:
        history = histories.setdefault(answer["lead_id"], {}).setdefault(answer["attribute"], [])
        at_us = microseconds(datetime.fromisoformat(answer["answered_at"]))
        after = bisect_right(history, at_us, key=itemgetter(0))
        text = value_to_text(answer["value"])
        if position in rows.changes or text != (history[after - 1][1] if after else ""):
            history.insert(after, (at_us, text))
            found.append(answer)
    return found


def _dates(
    outcome: Mapping[str, Any],
    attribute: str,
    rows: HookRows,
    new: Sequence[Mapping[str, Any]],
    known: Known,
) -> bool:
    """Whether a change of an attribute dates an outcome: its value before is known and another, or
    the lead was made with it just now."""
    lead_id = outcome["lead_id"]
    if attribute in known.get(lead_id, {}):
        return any(a["lead_id"] == lead_id and a["attribute"] == attribute for a in new)
    return any(r["lead_id"] == lead_id and attribute in r["attributes"] for r in rows.leads)


def _rows(
    system: str, body: bytes, recipe: HookRecipe, settings: Settings, now: datetime
) -> HookRows:
    """The rows of a body; a 400 if it is not what the system sends, without repeating it."""
    readers: dict[str, Callable[[], HookRows]] = {
        "hubspot": lambda: hubspot.rows_of(_json(body, settings), recipe),
        "salesforce": lambda: _salesforce(body, recipe, settings),
        "odoo": lambda: odoo.rows_of(_json(body, settings), recipe, now),
        "pipedrive": lambda: _pipedrive(body, recipe, settings, now),
    }
    try:
        return readers[system]()
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError) as error:
        field = f": {error.args[0]} is missing" if isinstance(error, KeyError) else ""
        detail = f"The body is not a webhook of this system{field}."
        raise Problem(400, "malformed-body", detail) from None


def _json(body: bytes, settings: Settings) -> Any:
    return decode(_anything, body, settings.max_depth)


def _salesforce(body: bytes, recipe: HookRecipe, settings: Settings) -> HookRows:
    message = soap.message_of(body)
    check_organisation(message, settings.hook_salesforce_org)
    return salesforce.rows_of(message, recipe)


def _pipedrive(body: bytes, recipe: HookRecipe, settings: Settings, now: datetime) -> HookRows:
    message = _json(body, settings)
    check_pipedrive_time(message, now)
    return pipedrive.rows_of(message, recipe)


def _url(request: Request, settings: Settings, system: str) -> str:
    """The address that the system called: it signs that, and a proxy may have changed it."""
    host = request.headers.get(b"host", b"").decode("latin-1")
    base = settings.hook_url.rstrip("/") or f"https://{host}"
    return f"{base}/v1/hooks/{system}"


def own_words(settings: Settings) -> tuple[tuple[str, Any], ...]:
    """Meanings of the system's words that an operator adds: ``Recycled=lost,Won back=open``."""
    pairs = [pair.rpartition("=") for pair in settings.hook_words.split(",") if pair.strip()]
    for word, _, meaning in pairs:
        if not word.strip() or meaning.strip() not in ("converted", "lost", "open"):
            raise UsageError(
                "LEADSCORE_HOOK_WORDS: expected WORD=MEANING, separated by commas, with one of "
                "converted, lost, open"
            )
    return tuple((word.strip(), meaning.strip()) for word, _, meaning in pairs)
