"""What an import has to say: files and rows first, then what is known with its moments."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from features.errors import DataError
from features.language.plural import plural
from integrations.engine import Imported
from integrations.history import Basis, FieldCoverage


@dataclass(frozen=True)
class TableRows:
    """One source table: ``read`` = ``kept`` + ``folded`` + ``set_aside``."""

    table: str
    files: tuple[str, ...]
    read: int
    kept: int
    folded: int
    set_aside: int


@dataclass(frozen=True)
class ReasonRows:
    """How many rows of a table were folded or set aside for one reason."""

    table: str
    fate: str
    reason: str
    rows: int


@dataclass(frozen=True)
class ImportReport:
    """Everything that ``leadscore import`` prints; ``to_dict`` is its JSON."""

    recipe: str
    title: str
    unread: tuple[tuple[str, str], ...]
    tables: tuple[TableRows, ...]
    reasons: tuple[ReasonRows, ...]
    fields: tuple[FieldCoverage, ...]
    notes: tuple[str, ...]
    observed_until: datetime
    leads: int
    converted: int
    lost: int
    interactions: int
    answers: int
    aliases: int

    def to_dict(self) -> dict[str, Any]:
        """As plain values; moments in ISO 8601, UTC."""
        plain = asdict(self)
        plain["unread"] = [{"file": name, "reason": why} for name, why in self.unread]
        plain["observed_until"] = zulu(self.observed_until)
        for entry in plain["fields"]:
            entry["since"] = zulu(entry["since"]) if entry["since"] else None
        return plain

    def to_text(self) -> str:
        """For a person: losses first."""
        return "\n".join(_lines(self))


def report_on(imported: Imported) -> ImportReport:
    """Count what became of every row. DataError if the counts do not add up (law 10)."""
    connection = imported.connection
    counts: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for table, fate, rows in connection.execute(
        "SELECT _table, fate, count(*) FROM made_fate GROUP BY ALL"
    ).fetchall():
        counts[table][fate] = int(rows)
    tables = []
    for name, read in imported.rows_read.items():
        fates = counts[name]
        if sum(fates.values()) != read:
            raise DataError(
                f"{name}: {plural(read, '{n:,} row', '{n:,} rows')} read, but "
                f"{sum(fates.values()):,} accounted for"
            )
        files = tuple(file.name for file in imported.matched.tables.get(name, ()))
        if files:
            kept, folded, aside = fates["kept"], fates["folded"], fates["set aside"]
            tables.append(TableRows(name, files, read, kept, folded, aside))
    reasons = connection.execute(
        "SELECT _table, fate, reason, count(*) FROM made_fate WHERE fate <> 'kept' "
        "GROUP BY ALL ORDER BY fate DESC, count(*) DESC, _table, reason"
    ).fetchall()
    count = {
        name: int(connection.execute(f"SELECT count(*) FROM made_{name}").fetchone()[0])
        for name in ("lead", "interaction", "answer", "alias")
    }
    ended = dict(
        connection.execute("SELECT outcome, count(*) FROM made_outcome GROUP BY outcome").fetchall()
    )
    return ImportReport(
        recipe=imported.matched.recipe.name,
        title=imported.matched.recipe.title,
        unread=imported.matched.unread,
        tables=tuple(tables),
        reasons=tuple(ReasonRows(t, f, r, int(n)) for t, f, r, n in reasons),
        fields=imported.fields,
        notes=imported.notes,
        observed_until=imported.observed_until,
        leads=count["lead"],
        converted=int(ended.get("converted", 0)),
        lost=int(ended.get("lost", 0)),
        interactions=count["interaction"],
        answers=count["answer"],
        aliases=count["alias"],
    )


def zulu(moment: datetime) -> str:
    """A moment in UTC as RFC 3339.

    >>> zulu(datetime(2026, 3, 1, 9, 30))
    '2026-03-01T09:30:00Z'
    """
    return moment.isoformat(timespec="milliseconds" if moment.microsecond else "seconds") + "Z"


def _lines(report: ImportReport) -> Iterator[str]:
    if report.unread:
        yield plural(len(report.unread), "{n:,} file not read:", "{n:,} files not read:")
        yield from (f"  {name}: {reason}" for name, reason in report.unread)
    read = sum(table.read for table in report.tables)
    kept = sum(table.kept for table in report.tables)
    folded = sum(table.folded for table in report.tables)
    aside = sum(table.set_aside for table in report.tables)
    yield (
        plural(read, "{n:,} row read", "{n:,} rows read")
        + f" = {_fates(kept, folded, aside, ' + ')}"
    )
    for table in report.tables:
        yield (
            f"  {table.table} ({', '.join(table.files)}): "
            f"{plural(table.read, '{n:,} read', '{n:,} read')}, "
            f"{_fates(table.kept, table.folded, table.set_aside, ', ')}"
        )
    for each in report.reasons:
        yield f"  {each.fate}: {each.rows:,} of {each.table}: {each.reason}"
    yield from (f"Mind: {note}" for note in report.notes)
    open_leads = report.leads - report.converted - report.lost
    yield (
        f"{report.title}: {plural(report.leads, '{n:,} lead', '{n:,} leads')} "
        f"({plural(report.converted, '{n:,} converted', '{n:,} converted')}, "
        f"{plural(report.lost, '{n:,} lost', '{n:,} lost')}, "
        f"{plural(open_leads, '{n:,} open', '{n:,} open')}), "
        f"{plural(report.interactions, '{n:,} interaction', '{n:,} interactions')}, "
        f"{plural(report.answers, '{n:,} answer', '{n:,} answers')}, "
        f"{plural(report.aliases, '{n:,} alias', '{n:,} aliases')}, "
        f"observed until {zulu(report.observed_until)}"
    )
    yield from _coverage_lines(report.fields, report.leads)


def _fates(kept: int, folded: int, aside: int, joint: str) -> str:
    parts = (
        plural(kept, "{n:,} kept", "{n:,} kept"),
        plural(folded, "{n:,} folded", "{n:,} folded"),
        plural(aside, "{n:,} set aside", "{n:,} set aside"),
    )
    return joint.join(parts)


def _coverage_lines(fields: Iterable[FieldCoverage], leads: int) -> Iterator[str]:
    by_basis: dict[Basis, list[FieldCoverage]] = defaultdict(list)
    for each in fields:
        by_basis[each.basis].append(each)
    yield "Known with their moments:"
    known = [*by_basis[Basis.HISTORY], *by_basis[Basis.WRITTEN_ONCE]]
    for each in known:
        yield f"  {each.name}: {_history_words(each, leads)}"
    for each in by_basis[Basis.CHANGES_ONLY]:
        yield f"  {each.name}: {_changes_words(each)}"
    if not known and not by_basis[Basis.CHANGES_ONLY]:
        yield "  none"
    for each in by_basis[Basis.AS_NOW_ACCEPTED]:
        yield f"  {each.name}: as it is now, taken as known at creation because you said so"
    as_now = by_basis[Basis.AS_NOW]
    if as_now:
        yield "Known only as they are now, so not used (--as-at-creation FIELD takes them anyway):"
        yield "  " + ", ".join(
            f"{each.name} ({plural(each.known_now, '{n:,} lead', '{n:,} leads')})"
            for each in as_now
        )
    reasons: dict[str, list[str]] = defaultdict(list)
    for each in by_basis[Basis.LEFT_OUT]:
        reasons[each.reason or ""].append(each.name)
    for reason, names in reasons.items():
        yield f"Left out ({reason}): {', '.join(names)}"


def _changes_words(each: FieldCoverage) -> str:
    why = "its value now is not in the export"
    if each.untraced:
        why = plural(
            each.untraced,
            "{n:,} lead closed without a change of it in the history",
            "{n:,} leads closed without a change of it in the history",
        )
    return (
        f"only its changes, {plural(each.answers, '{n:,} answer', '{n:,} answers')} of "
        f"{plural(each.later, '{n:,} lead', '{n:,} leads')}; "
        f"{why}, so what it was at creation is not known"
    )


def _history_words(each: FieldCoverage, leads: int) -> str:
    if each.basis is Basis.WRITTEN_ONCE:
        return (
            f"written once by the system; known at creation for {each.at_creation:,} of {leads:,}"
        )
    words = (
        f"history since {each.since:%Y-%m-%d}; known at creation for {each.at_creation:,} of "
        f"{plural(leads, '{n:,} lead', '{n:,} leads')}, "
        f"{plural(each.answers, '{n:,} later answer', '{n:,} later answers')}"
    )
    if each.differing:
        leads_differing = plural(each.differing, "{n:,} lead", "{n:,} leads")
        words += f"; for {leads_differing} the last value of the history is not the one now"
    if each.breaks:
        words += (
            "; "
            + plural(each.breaks, "{n:,} change", "{n:,} changes")
            + " with an old value that is not the one set before (a value that was renamed, or "
            "changed without a trace)"
        )
    return words
