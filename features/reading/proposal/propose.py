"""Look at exports in a folder, say what they are, and propose the ``dataset.toml`` for them.

What the values settle is proposed as a key; what they do not is left as a comment, with what each
reading would make of a value of the person's own.
"""

from __future__ import annotations

import itertools
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import DEFAULT_UNANSWERED, NumberSigns
from features.contract import (
    FORMATS,
    REQUIRED_COLUMNS,
    TABLES,
    AttributeSettings,
    DatasetSettings,
    IdRule,
    TableSettings,
    settings_of,
)
from features.errors import DataError
from features.reading.files.data_file import local_file, parts_of
from features.reading.files.excel import sheet_names
from features.reading.files.file_chunks import WORKBOOKS, file_chunks
from features.reading.files.headers import near_columns, plain_name, toml_key
from features.reading.inference.inference import several_words
from features.reading.quarantine import Chunk, Quarantine
from features.reading.sources.folder import DATABASES, LEFT_BY_PROGRAMS
from features.reading.table_notes import TableNotes
from features.reading.times.day_month_order import TimeEvidence
from features.reading.times.moment_column import TimeRules
from features.reading.times.timestamps import to_timestamps
from features.reading.validation.identity import mismatch_of
from features.reading.validation.outcomes import likely_meanings, outcome_of
from features.reading.values.number_signs import number_column
from features.reading.values.text import trimmed_text

NAME_WORDS: Mapping[str, tuple[str, ...]] = {
    "leads": ("lead", "contact", "prospect", "person", "people", "kunde", "client", "signup"),
    "outcomes": ("outcome", "deal", "opportunit", "won", "closed", "conversion", "result", "vente"),
    "interactions": ("interaction", "activit", "event", "task", "email", "engagement", "visit",
                     "session", "call", "aktivit"),
    "answers": ("answer", "history", "change", "fieldhistory", "propertyhistory", "reponse"),
}  # fmt: skip
"""Parts of names of files that exports of each table have."""
OPTIONAL_COLUMNS = {
    "leads": ("created_at",),
    "outcomes": ("occurred_at",),
    "interactions": ("value", "duration_s", "channel", "event_id"),
    "answers": (),
}
TIME_COLUMNS = {
    "leads": "created_at", "outcomes": "occurred_at", "interactions": "occurred_at",
    "answers": "answered_at",
}  # fmt: skip
UNKNOWN_WORDS = frozenset(
    {
        "none", "unknown", "notset", "novalue", "nodata", "nonrenseigne", "na", "nd", "null", "nil",
        "missing", "undefined", "unspecified", "notspecified", "notprovided", "unbekannt",
        "inconnu",
        "keineangabe", "ka", "desconocido", "sconosciuto", "empty", "blank", "tbd", "tba",
    }
)  # fmt: skip
"""Words, written plainly, that likely mean that nothing is known where numbers are expected."""
ZONES_SHOWN = ("UTC", "Europe/Paris", "America/New_York")


@dataclass
class SeenFile:
    """One file that was looked at: its rows (the first ones at least) and which table it may be.

    ``sheet``: of a workbook of several. ``more``: other files of the same columns.
    """

    name: str
    raw: Chunk | None
    notes: tuple[str, ...] = ()
    problem: str | None = None
    table: str | None = None
    why: str = ""
    sheet: str | None = None
    more: list[SeenFile] = field(default_factory=list)


@dataclass
class Proposal:
    """What was seen, the keys proposed, and what only a person can say.

    ``keys``: top-level keys with a comment each. ``sections``: keys of tables of dataset.toml.
    ``open``: sentences on what is to be said, each with its key.
    """

    files: list[SeenFile] = field(default_factory=list)
    keys: dict[str, tuple[str, str]] = field(default_factory=dict)
    sections: dict[str, dict[str, tuple[str, str]]] = field(default_factory=dict)
    comments: list[str] = field(default_factory=list)
    open: list[str] = field(default_factory=list)

    def key(self, name: str, value: str, comment: str = "") -> None:
        """Propose a top-level key, as TOML."""
        self.keys.setdefault(name, (value, comment))

    def within(self, section: str, name: str, value: str, comment: str = "") -> None:
        """Propose a key of a table of dataset.toml."""
        self.sections.setdefault(section, {}).setdefault(name, (value, comment))

    def leave_open(self, question: str, line: str) -> None:
        """Leave a key as a comment: only a person knows."""
        if f"# {line}" not in self.comments:
            self.open.append(question)
            self.comments += [f"# {question}", f"# {line}"]


def propose(folder: Path, given: Mapping[str, Any] | None = None) -> Proposal:
    """Look at a folder and propose settings beside those that are ``given`` (as in dataset.toml).

    Raises DataError if the folder is not there, or holds nothing that could be leads.
    """
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder; expected a folder with exports")
    settings, _ = settings_of(given or {}, "dataset.toml", default_name=folder.resolve().name)
    proposal = Proposal(files=_seen(folder, settings))
    _assign(proposal.files, settings)
    chosen: dict[str, SeenFile] = {s.table: s for s in proposal.files if s.table is not None}
    if "leads" not in chosen:
        names = "; ".join(f"{s.name}: {s.problem or s.why}" for s in proposal.files) or "no file"
        raise DataError(f"{folder} holds no file that looks like leads ({names})")
    for table in TABLES:
        if table in chosen:
            _propose_file(proposal, table, chosen[table], settings)
            _propose_columns(proposal, table, chosen[table], settings)
    _propose_times(proposal, chosen, settings)
    _propose_values(proposal, chosen, settings)
    _propose_closed_leads(proposal, chosen, settings)
    _propose_outcomes(proposal, chosen, settings)
    _propose_ids(proposal, chosen, settings)
    return proposal


def _seen(folder: Path, settings: DatasetSettings) -> list[SeenFile]:
    found = []
    for place in sorted(folder.iterdir()):
        plain = place.name.lower()
        if plain.startswith((*LEFT_BY_PROGRAMS, "dataset.toml", "readme", "licen")):
            continue
        if place.is_dir() and _holds_tables(place):
            what = f"it holds tables of its own: leadscore init {place}"
            found.append(SeenFile(place.name + "/", None, problem=what))
            continue
        if place.is_dir():
            parts = parts_of(place, folder)[:1]
        elif plain.endswith(WORKBOOKS):
            found += _sheets(place, folder, settings)
            continue
        elif any(plain.endswith(end) for end in FORMATS):
            parts = [local_file(place)]
        else:
            database = plain.endswith(DATABASES)
            kind = f"a database: read it as sqlite:///{place}" if database else "of no kind read"
            found.append(SeenFile(place.name, None, problem=kind))
            continue
        found.append(_looked_at(place, parts, folder, settings))
    return found


def _sheets(place: Path, folder: Path, settings: DatasetSettings) -> list[SeenFile]:
    """A workbook as one file; sheet by sheet where none is called like a table."""
    whole = _looked_at(place, [local_file(place)], folder, settings)
    if whole.raw is not None or "has the sheets" not in (whole.problem or ""):
        return [whole]
    each = [
        _looked_at(place, [local_file(place)], folder, settings, sheet=name)
        for name in sheet_names(local_file(place))
    ]
    return [seen for seen in each if seen.raw is not None] or [whole]


def _holds_tables(place: Path) -> bool:
    """Whether a folder is an export of its own, and not the parts of one table."""
    stems = {p.name.lower().split(".")[0] for p in place.iterdir() if p.is_file()}
    return place.name.lower() not in TABLES and bool(stems & set(TABLES))


def _looked_at(
    place: Path,
    parts: list[Any],
    folder: Path,
    settings: DatasetSettings,
    sheet: str | None = None,
) -> SeenFile:
    notes = TableNotes()
    own = next((t for t in settings.tables.values() if t.file == place.name), TableSettings())
    own = own.model_copy(update={"sheet": sheet}) if sheet is not None else own
    try:
        chunks = file_chunks(
            parts, "leads", Quarantine(None, 1.0), own=own, notes=notes, folder=folder
        )
        raw = next(iter(chunks), None)
    except DataError as error:
        return SeenFile(place.name, None, problem=str(error))
    if raw is None:
        return SeenFile(place.name, None, problem="no file in it")
    return SeenFile(place.name, raw, tuple(notes.found), sheet=sheet)


def _assign(files: list[SeenFile], settings: DatasetSettings) -> None:
    """Say of each file which table it is: as declared, by its name, by its columns."""
    scores: list[tuple[float, int, str]] = []
    for place, seen in enumerate(files):
        for table in TABLES:
            declared = settings.tables.get(table, TableSettings()).file
            score = 100.0 if declared == seen.name else _likeness(seen, table)
            if score > 0:
                scores.append((score, place, table))
    taken: set[str] = set()
    for score, place, table in sorted(scores, key=lambda s: (-s[0], s[1], TABLES.index(s[2]))):
        seen = files[place]
        if seen.table is None and table not in taken and score >= 1.0:
            seen.table = table
            seen.why = "by its name and columns" if score < 100 else "declared"
            taken.add(table)
    _join_alike(files)


def _join_alike(files: list[SeenFile]) -> None:
    """Files with the very columns of one that is taken go with it: parts, or a copy."""
    for seen in files:
        if seen.raw is None or seen.table is not None:
            continue
        names = set(seen.raw.table.column_names)
        for first in files:
            if first.table is None or first.raw is None or first.why == "declared":
                continue
            if names == set(first.raw.table.column_names):
                first.more.append(seen)
                seen.why = f"the columns of {first.name}"


def _likeness(seen: SeenFile, table: str) -> float:
    """How much a file looks like a table: its name, and columns that may be the contract's."""
    if seen.raw is None:
        return 0.0
    names = seen.raw.table.column_names
    stem = plain_name(seen.name.split(".")[0])
    by_name = 3.0 if stem == table else 0.0
    by_name = by_name or (1.0 if any(word in stem for word in NAME_WORDS[table]) else 0.0)
    wanted = [*REQUIRED_COLUMNS[table], *((TIME_COLUMNS[table],) if table == "outcomes" else ())]
    there = [c for c in wanted if c in names or near_columns(names, c)]
    missing = [c for c in REQUIRED_COLUMNS[table] if c not in there]
    if missing:
        if by_name and table != "leads" and missing != ["lead_id"] and len(missing) == 1:
            return by_name + 0.25  # one column is asked for
        return 0.0 if by_name < 3 else by_name
    exact = sum(1.0 for c in wanted if c in names)
    wide = 0.5 if table == "leads" and len(names) > 4 else 0.0
    narrow = -0.5 if table == "outcomes" and len(names) > 6 and by_name == 0 else 0.0
    return by_name + exact + 0.5 * (len(there) - exact) + wide + narrow


def _rows(seen: SeenFile) -> Chunk:
    """The rows of a file that could be read."""
    if seen.raw is None:
        raise DataError(f"{seen.name}: {seen.problem}")
    return seen.raw


def _propose_file(
    proposal: Proposal, table: str, seen: SeenFile, settings: DatasetSettings
) -> None:
    plain = seen.name.lower()
    own = plain == table or any(plain == table + end for end in FORMATS)
    if settings.tables.get(table, TableSettings()).file is not None:
        return
    if seen.more:
        _propose_parts(proposal, table, seen, own)
    elif not own:
        proposal.within(f"tables.{table}", "file", _quoted(seen.name), seen.why)
    if seen.sheet is not None and not seen.more:
        proposal.within(f"tables.{table}", "sheet", _quoted(seen.sheet), "by its columns")


def _propose_parts(proposal: Proposal, table: str, seen: SeenFile, own: bool) -> None:
    """Files with the same columns: one table in parts by its names, or copies of which one counts.

    ``own``: one of them is called like the table, so the others may be copies of it.
    """
    names = sorted(s.name for s in (seen, *seen.more))
    shown = " and ".join(names[:4])
    kinds = {Path(n).suffix.lower() for n in names}
    start = _beginning(names)
    if own or seen.sheet is not None or len(kinds) > 1 or len(start) < 3:
        what = (
            f"the sheets {', '.join(str(s.sheet) for s in (seen, *seen.more))} of {seen.name}"
            if (seen.sheet is not None)
            else shown
        )
        proposal.leave_open(
            f"{what} have the same columns: say which one is {table}, or put the parts of one "
            f"table into a folder {table}/",
            f"[tables.{table}] {'sheet' if seen.sheet is not None else 'file'} = "
            f"{_quoted(seen.sheet or seen.name)}",
        )
        return
    pattern = start + "*" + Path(names[0]).suffix
    proposal.within(f"tables.{table}", "file", _quoted(pattern), f"{shown} have the same columns")


def _beginning(names: Sequence[str]) -> str:
    """What all names begin with.

    >>> _beginning(["leads_2024.csv", "leads_2025.csv"])
    'leads_202'
    """
    first, last = min(names), max(names)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(a for a, _ in same)


def _propose_columns(
    proposal: Proposal, table: str, seen: SeenFile, settings: DatasetSettings
) -> None:
    raw = _rows(seen)
    names = raw.table.column_names
    declared = settings.columns.get(table, {})
    free = [n for n in names if n not in declared.values()]
    for column in (*REQUIRED_COLUMNS[table], *OPTIONAL_COLUMNS[table]):
        if column in names or column in declared:
            continue
        near = near_columns([n for n in free if n not in REQUIRED_COLUMNS[table]], column)
        if not near and column in (TIME_COLUMNS[table],):
            near = [n for n in free if _timely(raw, n)]
        if near:
            example = _example(raw, near[0])
            others = f"; it could be {', '.join(near[1:4])}" if len(near) > 1 else ""
            proposal.within(
                f"columns.{table}", column, _quoted(near[0]), f"such as {example!r}{others}"
            )
            free.remove(near[0])
        elif column in REQUIRED_COLUMNS[table]:
            proposal.leave_open(
                f"{seen.name}: no column looks like {column}; there are {', '.join(names[:12])}",
                f'[columns.{table}] {column} = "…"',
            )


def _timely(raw: Chunk, column: str) -> bool:
    values = raw.table.column(column).slice(0, 200)
    if pa.types.is_temporal(values.type):
        return True
    if not pa.types.is_string(values.type) or values.null_count == len(values):
        return False
    read = to_timestamps(column, values, TimeRules("UTC", "day-first"))
    return not bool((read.bad | read.undecided).any())


def _own_column(proposal: Proposal, seen: SeenFile, settings: DatasetSettings, column: str) -> str:
    """The name in the file of a column of the contract."""
    table = seen.table or ""
    proposed = proposal.sections.get(f"columns.{table}", {}).get(column)
    declared = settings.columns.get(table, {}).get(column)
    if declared is not None:
        return str(declared)
    return tomllib.loads(f"v = {proposed[0]}")["v"] if proposed else column


def _column(
    proposal: Proposal, seen: SeenFile, settings: DatasetSettings, column: str
) -> pa.ChunkedArray | None:
    name = _own_column(proposal, seen, settings, column)
    if seen.raw is None or name not in seen.raw.table.column_names:
        return None
    return seen.raw.table.column(name)


def _propose_times(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    formats: list[str] = []
    for table, seen in chosen.items():
        column = _column(proposal, seen, settings, TIME_COLUMNS[table])
        if column is None:
            continue
        own = settings.of_table(table)
        rules = TimeRules(own.time_zone, own.date_order, own.date_formats or tuple(formats))
        label = f"{TIME_COLUMNS[table]} of {seen.name}"
        evidence = TimeEvidence()
        if pa.types.is_string(column.type):
            evidence.add(trimmed_text(column))
        read = to_timestamps(label, column, rules, lambda seen=evidence: seen)  # type: ignore[misc]
        for question in read.questions:
            found = re.search(r"say date_formats = (\[[^\]]+\])$", question)
            if found is not None and found[1].count('"') == 2:
                formats.append(found[1].strip('[]"'))
                proposal.key("date_formats", found[1], question.rsplit("; say", 1)[0])
            elif "say date_order" in question:
                proposal.leave_open(question, 'date_order = "day-first"')
            elif "say time_zone" in question:
                proposal.leave_open(question, f'time_zone = "{ZONES_SHOWN[1]}"')
            else:
                proposal.leave_open(question, 'date_formats = ["…"]')


def _propose_values(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    words: set[str] = set()
    leads = chosen["leads"]
    taken = {_own_column(proposal, leads, settings, c) for c in ("lead_id", "created_at")}
    columns = [(leads, n) for n in _rows(leads).table.column_names if n not in taken]
    for name in ("value", "duration_s"):
        seen = chosen.get("interactions")
        if seen is not None and _column(proposal, seen, settings, name) is not None:
            columns.append((seen, _own_column(proposal, seen, settings, name)))
    for seen, name in columns:
        column = _rows(seen).table.column(name)
        words |= _propose_column(proposal, seen, name, column, settings)
    if words and settings.unanswered is None:
        listed = ", ".join(_quoted(w) for w in (*DEFAULT_UNANSWERED, *sorted(words)))
        proposal.key("unanswered", f"[{listed}]", "words that mean that nobody answered")


def _propose_column(
    proposal: Proposal,
    seen: SeenFile,
    name: str,
    column: pa.ChunkedArray,
    settings: DatasetSettings,
) -> set[str]:
    """Signs of numbers and several words of one column; the words in it that mean unknown."""
    if not pa.types.is_string(column.type):
        return set()
    known = trimmed_text(column).drop_null()
    known = known.filter(pc.invert(pc.is_in(known, value_set=pa.array(DEFAULT_UNANSWERED))))
    if len(known) == 0:
        return set()
    counted = pc.value_counts(known)
    rows = dict(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    )
    own = settings.attributes.get(name, AttributeSettings())
    declared = settings.of_table(seen.table or "leads")
    signs = NumberSigns(declared.decimal or (".",), declared.thousands or ())
    given = signs if declared.decimal or declared.thousands or own.decimal else None
    numbers = number_column(f"{name} of {seen.name}", rows, given)
    if numbers is not None and numbers.question is not None:
        _propose_signs(proposal, numbers.question)
    if numbers is not None:
        return {w for w, _ in numbers.spoilers if plain_name(w) in UNKNOWN_WORDS}
    sign = several_words(known) if seen.table == "leads" and own.multiple is None else None
    if sign is not None and len(rows) > 20:
        example = next(v for v in rows if sign in v)
        section = f"attributes.{toml_key(name)}"
        proposal.within(
            section, "multiple", _quoted(sign), f"several words, such as {example[:50]!r}"
        )
    return set()


def _propose_signs(proposal: Proposal, question: str) -> None:
    """A decimal sign that the values settle is proposed; one that they do not is left open."""
    readings = question.count(" is the decimal sign")
    says = question.rsplit("; say ", 1)[1].removesuffix(" in dataset.toml").rstrip(",")
    if readings == 1 or "both signs" in question:
        for part in says.split(" and "):
            name, _, value = part.partition(" = ")
            proposal.key(name.strip(), value.strip(), question.split("; say", 1)[0])
    else:
        proposal.leave_open(question, says.split(", or ")[0].replace(" and ", "\n# "))


def _propose_closed_leads(
    proposal: Proposal, chosen: dict[str, SeenFile], settings: DatasetSettings
) -> None:
    """Outcomes that are columns of leads: a status and the day when it was closed."""
    if "outcomes" in chosen or settings.tables.get("outcomes", TableSettings()).file is not None:
        return
    leads = chosen["leads"]
    names = _rows(leads).table.column_names
    taken = {_own_column(proposal, leads, settings, c) for c in ("lead_id", "created_at")}
    free = [n for n in names if n not in taken]
    status = next((n for n in near_columns(free, "outcome") if _closes(_rows(leads), n)), None)
    if status is None:
        proposal.leave_open(
            "no file looks like outcomes, and no column of leads like a status that closes one: "
            "such a set can be scored and not trained",
            '[tables.outcomes] file = "…"',
        )
        return
    closed = [n for n in free if n != status and _CLOSING.search(plain_name(n))]
    closed = [n for n in closed if _timely(_rows(leads), n)]
    if not closed:
        proposal.leave_open(
            f"{status} of {leads.name} says which leads are closed, and no column says when; "
            "export the day of closing, or leave out the times of outcomes",
            f'[columns.outcomes] outcome = {_quoted(status)}\n# occurred_at = "…"',
        )
        return
    found = SeenFile(leads.name, leads.raw, table="outcomes", why=f"{status} and {closed[0]}")
    chosen["outcomes"] = found
    proposal.within("tables.outcomes", "file", _quoted(leads.name), "a status within leads")
    for column, own in (
        ("lead_id", _own_column(proposal, leads, settings, "lead_id")),
        ("outcome", status),
        ("occurred_at", closed[0]),
    ):
        if own != column:
            proposal.within("columns.outcomes", column, _quoted(own))
    for name in (status, closed[0]):
        section = f"attributes.{toml_key(name)}"
        proposal.within(section, "available", '"after_outcome"', "it is the outcome itself")


_CLOSING = re.compile(r"clos|won|lost|convert|ended|cloture|abschluss|cierre|chiusura|outcome")


def _closes(raw: Chunk, column: str) -> bool:
    """Whether most words of a column mean converted, lost or open, and some are either."""
    values = raw.table.column(column)
    if not pa.types.is_string(values.type):
        return False
    words = [str(w) for w in pc.unique(trimmed_text(values)).to_pylist() if w is not None]
    meanings = likely_meanings(words)
    known = sum(map(len, meanings.values())) + sum(w.casefold() == "converted" for w in words)
    closed = [*meanings["converted"], *meanings["lost"]]
    return bool(closed) and len(words) <= 40 and known >= len(words) / 2


def _propose_outcomes(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    seen = chosen.get("outcomes")
    column = _column(proposal, seen, settings, "outcome") if seen is not None else None
    if column is None:
        return
    texts = trimmed_text(column)
    words = [str(w) for w in pc.unique(texts).to_pylist() if w is not None]
    if texts.null_count > 0.01 * len(texts):
        words.append("")
    unknown = [w for w in words if outcome_of(w, settings) is None]
    meanings = likely_meanings(unknown)
    for meaning, own in meanings.items():
        if own:
            listed = ", ".join(_quoted(w) for w in own)
            proposal.within("outcome_words", meaning, f"[{listed}]", "likely, by the words alone")
    left = [w for w in unknown if not any(w in own for own in meanings.values())]
    if left:
        listed = ", ".join(_quoted(w) for w in left[:20])
        proposal.leave_open(
            f"outcomes: say of each of these words whether it means converted, lost, open or "
            f"reopened: {listed}",
            f"[outcome_words] lost = [{listed}]",
        )


def _propose_ids(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    leads = _column(proposal, chosen["leads"], settings, "lead_id")
    if leads is None or settings.lead_ids is not IdRule.AS_WRITTEN:
        return
    known = set(trimmed_text(leads).drop_null().to_pylist())
    for table, seen in chosen.items():
        column = _column(proposal, seen, settings, "lead_id") if table != "leads" else None
        if column is None:
            continue
        others = set(trimmed_text(column).drop_null().to_pylist()) - known
        cause = mismatch_of(others, known)
        if cause is None or cause.rule in (None, IdRule.SALESFORCE):
            continue
        if cause.ids > 0.01 * len(known):
            proposal.key("lead_ids", _quoted(str(cause.rule)), f"{seen.name}: {cause.sentence}")


def _example(raw: Chunk, column: str) -> str:
    return str(next((v for v in raw.table.column(column).slice(0, 50).to_pylist() if v), ""))[:40]


def _quoted(text: str) -> str:
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    )
    return f'"{escaped}"'


def as_toml(proposal: Proposal, before: str = "") -> str:
    """The text of ``dataset.toml``: what a person wrote stays, and what is new is added."""
    given = tomllib.loads(before)
    top = [
        line
        for name, (value, comment) in proposal.keys.items()
        if name not in given
        for line in (*_comment(comment), f"{name} = {value}")
    ]
    comments = [c for c in proposal.comments if c not in before]
    head = [] if before.strip() else [
        "# How these files are read. Every key is explained in docs/reference/data-contract.md;",
        "# lines that start with # are not in force. `leadscore check` says what is missing.", "",
    ]  # fmt: skip
    text = "\n".join([*head, *top, *comments, *([""] if top or comments else []), before])
    for section, keys in proposal.sections.items():
        text = _with_section(text, section, keys, _at(given, section))
    return text.strip("\n") + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {text}"] if text else []


def _at(given: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """What is given within a section, whose last name may be quoted."""
    place: Any = given
    for part in (tomllib.loads(f"{section}.x = 1"),):
        while isinstance(part, dict) and list(part) != ["x"]:
            ((name, part),) = part.items()
            place = place.get(name, {}) if isinstance(place, dict) else {}
    return place if isinstance(place, dict) else {}


def _with_section(
    text: str, section: str, keys: Mapping[str, tuple[str, str]], given: Mapping[str, Any]
) -> str:
    lines = [
        line
        for name, (value, comment) in keys.items()
        if name not in given
        for line in (*_comment(comment), f"{toml_key(name)} = {value}")
    ]
    if not lines:
        return text
    header = f"[{section}]"
    if header in text.splitlines():
        rows = text.splitlines()
        place = rows.index(header) + 1
        return "\n".join([*rows[:place], *lines, *rows[place:]])
    return "\n".join([text.rstrip("\n"), "", header, *lines, ""])


def _called(seen: SeenFile) -> str:
    return f"{seen.name}, sheet {seen.sheet}" if seen.sheet is not None else seen.name


def describe(proposal: Proposal) -> Sequence[str]:
    """What each file is taken for, a line each."""
    lines = []
    for seen in proposal.files:
        if seen.raw is None:
            lines.append(f"{seen.name}: not read: {seen.problem}")
        elif seen.table is None:
            why = f"it has {seen.why}" if seen.why else "it looks like no table of the contract"
            lines.append(f"{_called(seen)}: {why if seen.why else f'not read: {why}'}")
        else:
            columns = len(seen.raw.table.column_names)
            lines.append(f"{_called(seen)}: {seen.table}, {seen.why} ({columns} columns)")
        lines += [f"  {note}" for note in seen.notes]
    return lines
