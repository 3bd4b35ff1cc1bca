"""The systems that have a connector, each by its name: one call to sync, one to push."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from features.errors import UsageError
from integrations.connectors import dynamics, hubspot, odoo, pipedrive, salesforce
from integrations.connectors.mirror import Mirror
from integrations.connectors.push import (
    PushReport,
    SentScores,
    Target,
    field_names,
    push,
    read_scores,
)
from integrations.connectors.record_sync import RecordSync
from integrations.connectors.web import Api


@dataclass(frozen=True)
class System:
    """What a connector offers, and the recipe that reads what it writes.

    ``connect``: environment, URL in place of the usual one and how to wait → the API, a context
    manager. ``sync``: API, mirror, fields to read beside those chosen, fields and kinds to leave
    out. ``target``: API and the system's field of each part of a score. ``zone``: of the times in
    what is written, where they carry none. ``tables``: the system's own tables for scores.
    """

    recipe: str
    connect: Callable[[Mapping[str, str], str | None, Callable[[float], None]], Any]
    sync: Callable[[Any, Mirror, Sequence[str], Sequence[str]], RecordSync[Any]]
    target: Callable[[Any, Mapping[str, str]], Target]
    fields: Mapping[str, str]
    zone: str | None = None
    tables: Mapping[str, Callable[[Any, Mapping[str, str]], Target]] = field(default_factory=dict)


SYSTEMS: Mapping[str, System] = {
    "hubspot": System(
        "hubspot", hubspot.connect, hubspot.HubSpotSync, hubspot.HubSpotTarget, hubspot.FIELDS
    ),
    "salesforce": System(
        "salesforce", salesforce.connect, salesforce.SalesforceSync, salesforce.SalesforceTarget,
        salesforce.FIELDS,
    ),
    "odoo": System("odoo", odoo.connect, odoo.OdooSync, odoo.OdooTarget, odoo.FIELDS),
    "pipedrive": System(
        "pipedrive", pipedrive.connect, pipedrive.PipedriveSync, pipedrive.PipedriveTarget,
        pipedrive.FIELDS, zone="UTC",
    ),
    "dynamics": System(
        "dynamics365", dynamics.connect, dynamics.DynamicsSync, dynamics.DynamicsTarget,
        dynamics.FIELDS, tables={dynamics.SCORE_TABLE: dynamics.PredictiveScores},
    ),
}  # fmt: skip


def system_named(name: str) -> System:
    """A connector by its name; UsageError if there is none."""
    if name not in SYSTEMS:
        raise UsageError(f"no connector for {name!r}; expected one of {', '.join(SYSTEMS)}")
    return SYSTEMS[name]


def sync_system(
    name: str,
    folder: Path,
    environment: Mapping[str, str],
    url: str | None,
    now: datetime,
    sleep: Callable[[float], None],
    *,
    named: Sequence[str] = (),
    without: Sequence[str] = (),
) -> tuple[list[str], dict[str, int]]:
    """Bring a folder up to date; sentences a person should read, and the rows of each file."""
    system = system_named(name)
    api: Api
    with system.connect(environment, url, sleep) as api, Mirror(folder, name, api.url) as mirror:
        run = system.sync(api, mirror, named, without)
        rows = run.run(now)
    return run.notes, rows


def push_system(
    name: str,
    scores: Path,
    state: Path,
    environment: Mapping[str, str],
    url: str | None,
    sleep: Callable[[float], None],
    *,
    fields: Sequence[str] = (),
    into: str | None = None,
) -> PushReport:
    """Write the scores of a file that changed since the last push.

    ``fields``: NAME=FIELD of those that are not the usual. ``into``: a table of the system's own
    for scores, in place of fields.
    """
    system = system_named(name)
    if into is not None and into not in system.tables:
        known = ", ".join(system.tables) or "none"
        raise UsageError(f"{name} has no table {into!r} for scores; known: {known}")
    if into is not None and fields:
        raise UsageError(f"--field names fields of a lead; {into} has its own")
    file = read_scores(scores)
    names = field_names(system.fields, fields)
    make = system.target if into is None else system.tables[into]
    chosen = [f"{key}={names[key]}" for key in sorted(names)] if into is None else [into]
    api: Api
    with (
        system.connect(environment, url, sleep) as api,
        SentScores(state, " ".join([name, api.url, *chosen])) as sent,
    ):
        return push(make(api, names), file, sent)
