"""The systems that have a connector, each by its name: one call to sync, one to push."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from features.errors import UsageError
from integrations.connectors import hubspot
from integrations.connectors.mirror import Mirror
from integrations.connectors.push import PushReport, SentScores, field_names, push, read_scores

SYSTEMS = ("hubspot",)


def _checked(system: str) -> None:
    if system not in SYSTEMS:
        raise UsageError(f"no connector for {system!r}; expected one of {', '.join(SYSTEMS)}")


def sync_system(
    system: str,
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
    _checked(system)
    with (
        hubspot.api_from(environment, url, sleep) as api,
        Mirror(folder, system, api.url) as mirror,
    ):
        run = hubspot.HubSpotSync(api, mirror, named=named, without=without)
        rows = run.run(now)
    return run.notes, rows


def push_system(
    system: str,
    scores: Path,
    state: Path,
    environment: Mapping[str, str],
    url: str | None,
    sleep: Callable[[float], None],
    *,
    fields: Sequence[str] = (),
) -> PushReport:
    """Write the scores of a file that changed since the last push."""
    _checked(system)
    file = read_scores(scores)
    names = field_names(hubspot.FIELDS, fields)
    with hubspot.api_from(environment, url, sleep) as api:
        target = hubspot.HubSpotTarget(api, names)
        place = " ".join([system, api.url, *(f"{key}={names[key]}" for key in sorted(names))])
        with SentScores(state, place) as sent:
            return push(target, file, sent)
