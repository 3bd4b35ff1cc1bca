"""The models: what there is, which answers, how it holds, and the way forward and back."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any

from features.compute.array_types import DAY_US
from features.errors import LeadscoreError
from scoring.release.champion import set_champion
from serving.http.request import Response
from serving.pages.release_health import ReleaseHealth, health_of
from serving.pages.release_list import ListedRelease, Releases, releases_of, stored
from serving.pages.site import Visit
from serving.pages.worklist import whole_number
from serving.predictor.active_release import prepare
from serving.problems import Problem, validation_problem
from serving.store.database import note
from serving.store.overrides import judged_overrides
from serving.store.since_promotion import since_promotion

PROMOTE, ROLL_BACK = "promote", "rollback"
LONGEST_REASON = 1000


async def show(visit: Visit) -> Response:
    """Every release of this home, the champion first."""
    found = await _releases(visit)
    active = visit.services.live.active_id()
    health = await _health(visit)
    judged = await visit.services.store.read(judged_overrides)
    return visit.page(
        "models.html.j2", path="/models", releases=found, active=active, health=health,
        is_fixed=visit.services.settings.release is not None, tests=tests_of(found),
        overrides=overrides_judged(judged),
    )  # fmt: skip


async def card(visit: Visit) -> Response:
    """The model card of a release, as its text."""
    one = _wanted(await _releases(visit), visit.query.get("id", ""), visit)
    return visit.page("card.html.j2", path="/models", release=one)


async def confirm(visit: Visit) -> Response:
    """Ask a second time, with what is known of both, before anything changes."""
    found = await _releases(visit)
    what, one = await _change(visit, found)
    return visit.page(
        "models_confirm.html.j2", path="/models", what=what, release=one, releases=found,
        serial=found.pointer.serial if found.pointer else 0,
    )  # fmt: skip


async def change(visit: Visit) -> Response:
    """Promote or roll back: verified first, then one step for all readers, then the trail."""
    found = await _releases(visit)
    what, one = await _change(visit, found)
    reason = visit.form.get("reason", "").strip()
    if visit.form.get("sure") != "yes" or not 0 < len(reason) <= LONGEST_REASON:
        raise validation_problem("sure", "tick the box and give a reason: it is written down")
    settings, loop = visit.services.settings, asyncio.get_running_loop()
    to = stored(settings.home, one)
    try:
        await loop.run_in_executor(None, prepare, Path(to.path), to.version, settings)
        record: dict[str, Any] = {
            "what": what, "who": f"key {visit.actor}", "when": visit.clock.now.isoformat(),
            "reason": reason, "by": "page",
        }  # fmt: skip
        if what == PROMOTE:
            refused = "the gate was not run: it needs the registry (leadscore promote)"
            record |= {"forced": True, "gate": {"refusals": [refused], "evidence": {}}}
        serial = whole_number(visit.form.get("serial", ""), 0, 10**9, 0)
        step = partial(set_champion, settings.home, to, record, seen_serial=serial)
        await loop.run_in_executor(None, step)
    except LeadscoreError as error:
        raise Problem(409, "not-changed", str(error)) from error
    await visit.services.store.write(
        lambda c: note(c, visit.now_us, visit.actor, what, to.release_id, 1)
    )
    await loop.run_in_executor(None, visit.services.live.refresh)
    return visit.go_to("/models")


async def _releases(visit: Visit) -> Releases:
    home = visit.services.settings.home
    return await asyncio.get_running_loop().run_in_executor(None, releases_of, home)


async def _change(visit: Visit, found: Releases) -> tuple[str, ListedRelease]:
    """(what, the release that would answer); a problem for what cannot be done."""
    if visit.services.settings.release is not None:
        message = visit.words.gettext(
            "This service was started with one release and follows no promotion."
        )
        raise Problem(409, "not-changed", message)
    what = visit.form.get("what", "")
    if what == ROLL_BACK:
        previous = found.pointer.previous if found.pointer else None
        if previous is None:
            raise Problem(
                409, "not-changed",
                visit.words.gettext("There is no previous champion to roll back to."),
            )  # fmt: skip
        return what, _wanted(found, previous.release_id, visit)
    if what != PROMOTE:
        raise validation_problem("what", "expected promote or rollback")
    return what, _wanted(found, visit.form.get("release", ""), visit)


def _wanted(found: Releases, release_id: str, visit: Visit) -> ListedRelease:
    one = found.of(release_id)
    if one is None:
        raise Problem(404, "not-found", visit.words.gettext("No such release is on this machine."))
    return one


async def _health(visit: Visit) -> ReleaseHealth | None:
    """How the release that answers has held; None before the first promotion."""
    predictor = visit.services.live.active()
    if predictor is None:
        return None
    release, now_us = predictor.release, visit.now_us
    horizon_us = round(release.horizon_days * DAY_US)
    since = await visit.services.store.read(
        lambda c: since_promotion(c, release.release_id, horizon_us, now_us)
    )
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(None, health_of, release, since)


def tests_of(found: Releases) -> dict[str, str]:
    """A letter for each test that more than one release was judged on: those may be compared."""
    names = [one.same_test for one in found.listed if one.same_test]
    shared = sorted({name for name in names if names.count(name) > 1})
    return {name: chr(ord("A") + i % 26) for i, name in enumerate(shared)}


def overrides_judged(rows: list[Any]) -> dict[str, dict[str, float]]:
    """How leads with an overruled band ended: upwards and downwards, count, expected, converted."""
    rank = {"cold": 0, "warm": 1, "hot": 2}
    found = {way: {"n": 0, "expected": 0.0, "converted": 0} for way in ("up", "down")}
    for row in rows:
        way = "up" if rank[row.band] > rank[row.model_band] else "down"
        if row.band == row.model_band:
            continue
        found[way]["n"] += 1
        found[way]["expected"] += row.probability
        found[way]["converted"] += row.outcome == "converted"
    return {way: figures for way, figures in found.items() if figures["n"]}
