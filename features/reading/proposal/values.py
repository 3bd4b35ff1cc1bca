"""Propose how times, numbers, several words, unknown values and ids are written."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import DEFAULT_UNANSWERED
from features.contract import IdRule
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.reading.files.headers import plain_name, toml_key
from features.reading.inference.attribute_types import several_words
from features.reading.proposal.columns import column_of, name_in_file
from features.reading.proposal.dataset_toml import toml_string
from features.reading.proposal.number_columns import Numbers, numbers_of, propose_signs
from features.reading.proposal.proposal import Proposal
from features.reading.proposal.seen_files import TIME_COLUMNS, SeenFile, rows_of
from features.reading.times.day_month_order import TimeEvidence
from features.reading.times.moment_column import TimeRules
from features.reading.times.timestamps import to_timestamps
from features.reading.validation.identity import mismatch_of
from features.reading.values.text import trimmed_text

UNKNOWN_WORDS = frozenset(
    {
        "none", "unknown", "notset", "novalue", "nodata", "nonrenseigne", "na", "nd", "null", "nil",
        "missing", "undefined", "unspecified", "notspecified", "notprovided", "notavailable",
        "notapplicable", "unbekannt", "keineangabe", "ka", "nichtverfugbar", "nichtbekannt",
        "entfallt", "nv", "offen", "inconnu", "inconnue", "nonrenseignee", "noncommunique", "nc",
        "nondisponible", "nondefini", "sansobjet", "so", "nr", "aucun", "aucune", "vide",
        "desconocido", "sindatos", "nodisponible", "noespecificado", "sinespecificar",
        "sconosciuto", "nonindicato", "nonspecificato", "nondefinito", "onbekend", "desconhecido",
        "empty", "blank", "tbd", "tba", "tbc",
    }
)  # fmt: skip
"""Words, written plainly, that likely mean that nothing is known where numbers are expected."""


MIN_COMBINATIONS = 20
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
    numeric: list[Numbers] = []
    for seen, name in columns:
        rows = _known_words(rows_of(seen).table.column(name))
        found = numbers_of(seen, name, rows, settings) if rows else None
        if found is not None:
            numeric.append(found)
            words |= {w for w, _ in found.column.spoilers if plain_name(w) in UNKNOWN_WORDS}
        elif rows and seen.table == "leads":
            _propose_several(proposal, seen, name, rows, settings)
    propose_signs(proposal, numeric)
    if words and settings.unanswered is None:
        listed = ", ".join(toml_string(w) for w in (*DEFAULT_UNANSWERED, *sorted(words)))
        proposal.key("unanswered", f"[{listed}]", "words that mean that nobody answered")


def _known_words(column: pa.ChunkedArray) -> dict[str, int]:
    """The words of a column of text, with the rows that hold each; empty for other columns."""
    if not pa.types.is_string(column.type):
        return {}
    known = trimmed_text(column).drop_null()
    known = known.filter(pc.invert(pc.is_in(known, value_set=pa.array(DEFAULT_UNANSWERED))))
    counted = pc.value_counts(known)
    return dict(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    )


def _propose_several(
    proposal: Proposal,
    seen: SeenFile,
    name: str,
    rows: Mapping[str, int],
    settings: DatasetSettings,
) -> None:
    """Propose the sign between several words of one value, where there are many such values."""
    if settings.attributes.get(name, AttributeSettings()).multiple is not None:
        return
    sign = several_words(trimmed_text(rows_of(seen).table.column(name)).drop_null())
    if sign is not None and len(rows) > MIN_COMBINATIONS:
        example = next(v for v in rows if sign in v)
        section = f"attributes.{toml_key(name)}"
        proposal.within(
            section, "multiple", toml_string(sign), f"several words, such as {example[:50]!r}"
        )


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
