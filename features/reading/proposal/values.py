"""Propose how times, numbers, several words, unknown values and ids are written."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import DEFAULT_UNANSWERED, NumberSigns
from features.contract import IdRule
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.reading.files.headers import plain_name, toml_key
from features.reading.inference.attribute_types import several_words
from features.reading.proposal.columns import column_of, name_in_file
from features.reading.proposal.dataset_toml import toml_string
from features.reading.proposal.proposal import Proposal
from features.reading.proposal.seen_files import TIME_COLUMNS, SeenFile, rows_of
from features.reading.times.day_month_order import TimeEvidence
from features.reading.times.moment_column import TimeRules
from features.reading.times.timestamps import to_timestamps
from features.reading.validation.identity import mismatch_of
from features.reading.values.number_signs import number_column
from features.reading.values.text import trimmed_text

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


def propose_times(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    """Propose how times are written: numbers, the order of day and month, the time zone."""
    formats: list[str] = []
    for table, seen in chosen.items():
        column = column_of(proposal, seen, settings, TIME_COLUMNS[table])
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


def propose_values(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    """Propose the signs of numbers, several words of one value, and words that mean unknown."""
    words: set[str] = set()
    leads = chosen["leads"]
    taken = {name_in_file(proposal, leads, settings, c) for c in ("lead_id", "created_at")}
    columns = [(leads, n) for n in rows_of(leads).table.column_names if n not in taken]
    for name in ("value", "duration_s"):
        seen = chosen.get("interactions")
        if seen is not None and column_of(proposal, seen, settings, name) is not None:
            columns.append((seen, name_in_file(proposal, seen, settings, name)))
    for seen, name in columns:
        column = rows_of(seen).table.column(name)
        words |= _propose_column(proposal, seen, name, column, settings)
    if words and settings.unanswered is None:
        listed = ", ".join(toml_string(w) for w in (*DEFAULT_UNANSWERED, *sorted(words)))
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
            section, "multiple", toml_string(sign), f"several words, such as {example[:50]!r}"
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


def propose_ids(
    proposal: Proposal, chosen: Mapping[str, SeenFile], settings: DatasetSettings
) -> None:
    """Propose the rule by which the ids of other tables are those of leads."""
    leads = column_of(proposal, chosen["leads"], settings, "lead_id")
    if leads is None or settings.lead_ids is not IdRule.AS_WRITTEN:
        return
    known = set(trimmed_text(leads).drop_null().to_pylist())
    for table, seen in chosen.items():
        column = column_of(proposal, seen, settings, "lead_id") if table != "leads" else None
        if column is None:
            continue
        others = set(trimmed_text(column).drop_null().to_pylist()) - known
        cause = mismatch_of(others, known)
        if cause is None or cause.rule in (None, IdRule.SALESFORCE):
            continue
        if cause.ids > 0.01 * len(known):
            proposal.key("lead_ids", toml_string(str(cause.rule)), f"{seen.name}: {cause.sentence}")
