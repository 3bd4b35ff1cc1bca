"""Reading what changed of one kind of record, page by page, from where the last run ended.

A connector gives the pages; this keeps each with the place after it, so a run that ends anywhere
goes on from the last whole page, and finishes an earlier run's window before it begins its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from features.errors import StorageError
from integrations.connectors.mirror import Mirror
from integrations.connectors.web import RequestRefusedError

NO_LONGER_KNOWN = (400, 404, 410)
"""Statuses by which a system says that it has forgotten the place of an earlier run (a cursor)."""


@dataclass(frozen=True)
class RecordPage:
    """Records by id, and the place after them: what the connector needs to read on from there."""

    records: Mapping[str, Any]
    place: str


Pages = Callable[[datetime | None, str | None], Iterator[RecordPage]]
"""The pages of what was modified since a moment (None: everything), from a place on (None: from
the beginning)."""


def read_changes(mirror: Mirror, kind: str, now: datetime, pages: Pages) -> None:
    """Bring one kind up to date: what an earlier run left over, then what changed since.

    A place that the system no longer knows is given up: that window is read from its beginning.
    """
    resumed = True
    while resumed:
        window, resumed = mirror.begin(kind, now)
        try:
            _keep_all(mirror, kind, pages(window.since, window.place))
        except RequestRefusedError as error:
            if window.place is None or error.status not in NO_LONGER_KNOWN:
                raise
            mirror.rewind(kind)
            _keep_all(mirror, kind, pages(window.since, None))
        mirror.finish(kind)


def _keep_all(mirror: Mirror, kind: str, pages: Iterator[RecordPage]) -> None:
    for page in pages:
        mirror.keep(kind, page.records, page.place)


def without_the_right(error: RequestRefusedError, title: str, kind: str, right: str) -> Exception:
    """The error to raise where a kind was refused: how to get the right, or to do without it."""
    if error.status != 403:
        return error
    return StorageError(
        f"{title} refused {kind} ({error.status}): {right}, or leave them out with --without {kind}"
    )


def write_records(mirror: Mirror, file: str, kind: str, columns: Sequence[str]) -> int:
    """Write a kind whose records are values by column; returns the number of rows."""
    rows = ([_cell(one.get(c)) for c in columns] for _, one in mirror.records(kind))
    return mirror.write_csv(file, columns, rows)


def _cell(value: Any) -> Any:
    return str(value).lower() if isinstance(value, bool) else value


def since_text(since: datetime) -> str:
    """A moment as most systems take it in a filter: ISO 8601 in UTC, to the second, with a Z.

    >>> from datetime import UTC
    >>> since_text(datetime(2026, 4, 1, 12, tzinfo=UTC))
    '2026-04-01T12:00:00Z'
    """
    return since.strftime("%Y-%m-%dT%H:%M:%SZ")
