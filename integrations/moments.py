"""Texts as moments in UTC: the times a system writes, with what is doubtful counted and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa
import pyarrow.compute as pc

from features.errors import DataError, UsageError
from features.language.plural import plural
from features.reading.times.moment_column import TimeRules
from features.reading.times.timestamps import to_timestamps
from integrations.export import Notes, literal, quoted
from integrations.recipe import SourceTable

WITH_ZONE = r"\d.*(Z|z| ?UTC|[+-]\d\d(:?\d\d)?)$"
EPOCH = r"^-?\d{9,16}(\.\d+)?$"
DAY = r"^\d{4}-\d\d-\d\d$"


@dataclass(frozen=True)
class TimeSettings:
    """How times without a zone are read: ``zone`` (IANA; None: not known) and ``formats``."""

    zone: str | None
    formats: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.zone is not None:
            try:
                ZoneInfo(self.zone)
            except (ZoneInfoNotFoundError, ValueError) as error:
                raise UsageError(
                    f"no time zone {self.zone!r}; expected a name such as Europe/Paris"
                ) from error


def local_time(column: str, formats: Sequence[str]) -> str:
    """SQL: a text without a zone as a TIMESTAMP; NULL if it is none."""
    tried = "".join(f", try_strptime({column}, {literal(form)})" for form in formats)
    plain = f"CASE WHEN {column} SIMILAR TO '\\d{{4}}-.*' THEN try_cast({column} AS TIMESTAMP) END"
    return f"coalesce({plain}{tried})"


def utc_moment(column: str, clock: TimeSettings) -> str:
    """SQL: a text as a TIMESTAMP in UTC; NULL if it is none.

    Understood are ISO 8601 with a zone (``+0000`` too), seconds, milliseconds or microseconds
    since 1970, and times without a zone in the clock's zone and formats.
    """
    dashed = f"regexp_replace({column}, ' ?UTC$', 'Z')"
    colon = f"regexp_replace({dashed}, '([+-]\\d\\d)(\\d\\d)$', '\\1:\\2')"
    number = f"try_cast({column} AS DOUBLE)"
    epoch = (
        f"CASE WHEN abs({number}) >= 1e14 THEN make_timestamp(CAST({number} AS BIGINT)) "
        f"WHEN abs({number}) >= 1e11 THEN make_timestamp(CAST({number} * 1000 AS BIGINT)) "
        f"ELSE make_timestamp(CAST({number} * 1000000 AS BIGINT)) END"
    )
    local = local_time(column, clock.formats)
    zone = literal(clock.zone or "UTC")
    return (
        f"CASE WHEN regexp_full_match({column}, {literal(EPOCH)}) THEN {epoch} "
        f"WHEN regexp_matches({column}, {literal(WITH_ZONE)}) AND NOT "
        f"regexp_full_match({column}, {literal(DAY)}) "
        f"THEN timezone('UTC', try_cast({colon} AS TIMESTAMPTZ)) "
        f"ELSE timezone('UTC', timezone({zone}, {local})) END"
    )


def make_typed(
    connection: Any, name: str, table: SourceTable, clock: TimeSettings, notes: Notes
) -> None:
    """Make ``typed_NAME`` of ``raw_NAME``, which goes: moments and days as TIMESTAMP in UTC.

    DataError if times have no zone and nobody said which one is meant.
    """
    columns = (*table.moments, *table.days)
    for column in columns:
        _write_plainly(connection, name, column, clock, notes)
        _look_at_times(connection, name, column, clock, notes, days=column in table.days)
    changed = ", ".join(f"{utc_moment(quoted(c), clock)} AS {quoted(c)}" for c in columns)
    replace = f" REPLACE ({changed})" if columns else ""
    connection.execute(
        f"CREATE TABLE {quoted('typed_' + name)} AS SELECT *{replace} FROM {quoted('raw_' + name)}"
    )
    connection.execute(f"DROP TABLE {quoted('raw_' + name)}")


def _write_plainly(
    connection: Any, name: str, column: str, clock: TimeSettings, notes: Notes
) -> None:
    """Write times that the recipe has no pattern for (``13/01/2025 10:00 AM``) in ISO 8601.

    DataError where nothing in the column settles whether the day or the month comes first.
    """
    text, table = quoted(column), quoted(f"raw_{name}")
    rows = connection.execute(
        f"SELECT DISTINCT {text} FROM {table} "
        f"WHERE {text} IS NOT NULL AND {utc_moment(text, clock)} IS NULL"
    ).fetchall()
    if not rows:
        return
    values = pa.chunked_array([pa.array([row[0] for row in rows], pa.string())])
    read = to_timestamps(f"{name}.{column}", values, TimeRules(clock.zone))
    if clock.zone is None and read.naive.any():
        raise DataError(_no_zone(name, column, values[int(read.naive.argmax())].as_py()))
    if read.questions:
        question = read.questions[0].split("; say ")[0]
        raise DataError(f"{question}; export it with dates such as 2026-01-31 (the day last)")
    known = read.times.is_valid()
    if not pc.any(known).as_py():
        return
    plain = pc.strftime(read.times.filter(known), format="%Y-%m-%dT%H:%M:%SZ")
    pairs = pa.table({"text": values.filter(known), "plain": plain})
    connection.register("plain_times", pairs)
    connection.execute(
        f"UPDATE {table} SET {text} = plain_times.plain FROM plain_times "
        f"WHERE {table}.{text} = plain_times.text"
    )
    connection.unregister("plain_times")
    shown = f"{pairs.column('text')[0].as_py()!r} as {pairs.column('plain')[0].as_py()}"
    times = plural(
        len(pairs), "{n:,} time written otherwise, read", "{n:,} times written otherwise, read"
    )
    notes.add(f"{name}.{column}: {times} {shown}")


def _no_zone(name: str, column: str, example: str) -> str:
    return (
        f"{name}.{column}: {example!r} has no time zone; say which one the export was "
        f"made in with --zone, such as --zone Europe/Paris (it is in the account's settings)"
    )


def _look_at_times(
    connection: Any, name: str, column: str, clock: TimeSettings, notes: Notes, *, days: bool
) -> None:
    """Count what cannot be read, what has no zone, and what an hour put back or forward hides."""
    text = quoted(column)
    zone = literal(clock.zone or "UTC")
    local = local_time(text, clock.formats)
    at = f"timezone({zone}, local)"
    hour = "INTERVAL 1 HOUR"
    row = connection.execute(
        f"""
        WITH times AS (
            SELECT {text} AS text, {utc_moment(text, clock)} AS moment,
                CASE WHEN NOT regexp_matches({text}, {literal(WITH_ZONE)})
                    OR regexp_full_match({text}, {literal(DAY)}) THEN {local} END AS local
            FROM {quoted("raw_" + name)} WHERE {text} IS NOT NULL
        )
        SELECT count(*) FILTER (moment IS NULL), min(text) FILTER (moment IS NULL),
            count(local), min(text) FILTER (local IS NOT NULL),
            count(*) FILTER (timezone({zone}, {at} - {hour}) = local
                OR timezone({zone}, {at} + {hour}) = local),
            count(*) FILTER (timezone({zone}, {at}) <> local)
        FROM times
        """
    ).fetchone()
    unread, example, naive, naive_example, repeated, skipped = row
    if unread:
        values = plural(
            unread, "{n:,} value cannot be read as a time", "{n:,} values cannot be read as times"
        )
        notes.add(f"{name}.{column}: {values}, such as {example!r}")
    if naive and clock.zone is None:
        raise DataError(_no_zone(name, column, naive_example))
    if days:
        return
    if repeated:
        notes.add(
            f"{name}.{column}: "
            + plural(
                repeated,
                "{n:,} time in an hour that {zone} has twice; read as the second one (standard "
                "time)",
                "{n:,} times in an hour that {zone} has twice; read as the second one (standard "
                "time)",
                zone=clock.zone,
            )
        )
    if skipped:
        notes.add(
            f"{name}.{column}: "
            + plural(
                skipped,
                "{n:,} time in an hour that {zone} leaves out; read as if clocks had not changed",
                "{n:,} times in an hour that {zone} leaves out; read as if clocks had not changed",
                zone=clock.zone,
            )
        )
