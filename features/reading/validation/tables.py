"""The four tables, row by row within the contract; what is not goes to the quarantine."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import NumberSigns, parse_duration, parse_number, trimmed
from features.compute.string_table import StringTable
from features.contract import (
    REQUIRED_COLUMNS,
    BareDates,
    DatasetSettings,
    IdRule,
    signs_of,
)
from features.errors import DataError
from features.reading.files.headers import near_columns
from features.reading.inference.inference import Inference
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.times.day_month_order import TimeEvidence
from features.reading.times.moment_column import TimeRules
from features.reading.times.timestamps import TIME_EXPECTED, Timestamps, to_timestamps, unknown_way
from features.reading.times.zones import end_of_day
from features.reading.validation.identity import (
    alike_ids,
    dates_among,
    is_salesforce_18,
    mismatch_of,
    renamed_ids,
    rounded,
    rounded_sentence,
)
from features.reading.values.number_signs import number_column
from features.reading.values.numbers import to_floats
from features.reading.values.text import (
    empty_mask,
    mask_of,
    to_dictionary_text,
    to_text,
    trimmed_text,
    without_blank_texts,
)
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA, UTC_MICROSECONDS

REPEATED = RejectReason("an exact repeat of another row", "lead_id", harmless=True)
TOTAL_WORDS = frozenset(
    {
        "total", "totals", "grand total", "grand totals", "subtotal", "sum", "count", "average",
        "totaux", "somme", "total général", "moyenne", "summe", "gesamt", "gesamtsumme", "totale",
        "suma", "soma", "totaal",
    }
)  # fmt: skip
"""Words that reports put in the place of an id below the table."""
MIN_ROWS_OF_DATES = 20
"""From so many outcomes on, all at midnight, they are taken for dates."""
SAMPLE_ROWS = 20_000
MIDNIGHT_US = 86_400_000_000


@dataclass
class TableRules:
    """How the values of one table are read, and what was said of it.

    ``evidence``: what a whole column shows of the order of day and month, by the column's name;
    without it a part of the table decides for itself.
    """

    settings: DatasetSettings = field(default_factory=lambda: DatasetSettings(name="unnamed"))
    found: Inference = field(default_factory=Inference)
    evidence: Callable[[str], TimeEvidence] | None = None
    signs: dict[str, NumberSigns] = field(default_factory=dict)

    def times(self, table: str) -> TimeRules:
        """What is declared of the table's times."""
        own = self.settings.of_table(table)
        order = str(own.date_order) if own.date_order else None
        return TimeRules(own.time_zone, order, own.date_formats or ())


def concat_chunks(chunks: Iterable[Chunk]) -> Chunk:
    """All chunks of a (small) table as one."""
    parts = list(chunks)
    first = parts[0]
    if len(parts) == 1:
        return first
    tables = [p.table for p in parts]
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # a column of words here, of numbers there
        table = pa.concat_tables([_all_text(t) for t in tables], promote_options="default")
    return Chunk(first.name, first.file, table, np.concatenate([p.rows for p in parts]))


def _all_text(table: pa.Table) -> pa.Table:
    return pa.table([to_text(c) for c in table.columns], names=table.column_names)


def require(chunk: Chunk, columns: Iterable[str] = ()) -> None:
    """DataError if a column of the contract is missing; names what may be it, and the key."""
    present = chunk.table.column_names
    wanted = tuple(dict.fromkeys((*REQUIRED_COLUMNS[chunk.name], *columns)))
    missing = [column for column in wanted if column not in present]
    if not missing:
        return
    some = ", ".join(present[:12]) + (", ..." if len(present) > 12 else "")
    hints = [
        _column_hint(chunk, column, [p for p in present if p not in wanted]) for column in missing
    ]
    names = " and ".join(repr(column) for column in missing)
    raise DataError(
        f"{chunk.file} has no column {names}; expected {', '.join(wanted)}; found {some}. "
        f"{' '.join(h for h in hints if h) or _no_hint(chunk.name, missing[0])}"
    )


def _column_hint(chunk: Chunk, column: str, others: list[str]) -> str:
    near = near_columns(others, column)
    if not near:
        return ""
    example = next((v for v in chunk.table.column(near[0]).slice(0, 20).to_pylist() if v), "")
    also = f" (or {', '.join(near[1:4])})" if len(near) > 1 else ""
    return (
        f"Is {column} the column {near[0]!r}{also}, such as {str(example)[:40]!r}? Say so in "
        f'dataset.toml: [columns.{chunk.name}] {column} = "{near[0]}"'
    )


def _no_hint(table: str, column: str) -> str:
    return f'Say which column it is in dataset.toml: [columns.{table}] {column} = "…"'


def ask_for_creation(chunk: Chunk, settings: DatasetSettings, *, others_have_time: bool) -> None:
    """DataError where leads have a column that looks like the time of creation, unnamed."""
    columns = chunk.table.column_names
    declared = settings.columns.get("leads", {})
    if "created_at" in columns or declared.get("created_at") == "" or not others_have_time:
        return
    candidates = near_columns([c for c in columns if c != "lead_id"], "created_at")
    candidates = candidates or [c for c in columns if c != "lead_id" and _looks_timely(chunk, c)]
    if not candidates:
        return
    first = candidates[0]
    example = next((v for v in chunk.table.column(first).slice(0, 20).to_pylist() if v), "")
    raise DataError(
        f"{chunk.file} has no column 'created_at', but {first!r} (such as "
        f"{str(example)[:40]!r}) may "
        f'be it. Say so in dataset.toml: [columns.leads] created_at = "{first}", or '
        f'created_at = "" '
        "for a dataset without time"
    )


def _looks_timely(chunk: Chunk, column: str) -> bool:
    values = chunk.table.column(column).slice(0, 200)
    if pa.types.is_temporal(values.type):
        return True
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    known = values.drop_null()
    if len(known) < 2:
        return False
    read = to_timestamps(column, values, TimeRules("UTC", "day-first"))
    return bool((~read.bad & ~read.undecided).sum() - values.null_count >= 0.95 * len(known))


def with_text(chunk: Chunk, *columns: str) -> Chunk:
    """Some columns turned into strings, without blanks at their ends; blank is null."""
    for column in columns:
        chunk = chunk.replace(column, trimmed_text(chunk.table.column(column)))
    return chunk


def with_lead_id(chunk: Chunk, quarantine: Quarantine, rules: TableRules | None = None) -> Chunk:
    """``lead_id`` as a trimmed string; rows without one, and total rows, are set aside.

    DataError where ids were rounded by a spreadsheet: nobody can tell which lead was meant.
    """
    raw = to_text(chunk.table.column("lead_id"))
    ids = trimmed_text(raw)
    if rules is not None and ids is not raw:
        blanks = mask_of(pc.and_(ids.is_valid(), pc.not_equal(raw, ids)))
        if blanks.any():
            rules.found.say(
                f"{chunk.file}: blanks around {int(blanks.sum()):,} lead_ids are left out"
            )
    chunk = chunk.replace("lead_id", ids)
    refuse_rounded(chunk.file, ids)
    total = mask_of(pc.is_in(pc.utf8_lower(ids), value_set=pa.array(sorted(TOTAL_WORDS))))
    if total.any() and _last_rows_only(total):
        words = RejectReason("a total below the table, no row", "lead_id", harmless=True)
        chunk = quarantine.set_aside(chunk, total, words)
    missing = empty_mask(chunk.table.column("lead_id"))
    return quarantine.set_aside(chunk, missing, RejectReason("no lead_id"))


def _last_rows_only(total: Mask) -> bool:
    """Whether they all stand at the end of the table (or of what was read of it)."""
    first = int(np.flatnonzero(total)[0])
    return first >= len(total) - 5


def refuse_rounded(file: str, ids: pa.ChunkedArray) -> None:
    """DataError if ids are written as a spreadsheet writes large numbers."""
    suspects = ids.filter(pc.match_substring_regex(ids, r"(?i)^[+-]?\d([.,]\d+)?e\+?\d{2,3}$"))
    examples = [text for text in suspects.slice(0, 100).to_pylist() if rounded(text)]
    if examples:
        raise DataError(rounded_sentence(file, examples[0], len(suspects)))


def parse_timestamps(
    chunk: Chunk,
    column: str,
    quarantine: Quarantine,
    *,
    required: bool,
    rules: TableRules | None = None,
) -> Chunk:
    """``column`` as times in UTC; rows with anything else (or nothing, if required) set aside.

    DataError, with what to declare, where more rows than the limit allows hold times of no zone,
    numbers, or an order of day and month that nothing settles.
    """
    rules = rules or TableRules()
    times = rules.times(chunk.name)
    evidence = None if rules.evidence is None else lambda: rules.evidence(column)  # type: ignore[misc]
    read = to_timestamps(column, chunk.table.column(column), times, evidence)
    for note in read.notes:
        rules.found.say(f"{chunk.file}: {note}")
    open_ = read.naive | read.undecided
    if open_.sum() > quarantine.max_bad_fraction * len(chunk):
        raise DataError(
            f"{chunk.file} row {int(chunk.rows[np.flatnonzero(open_)[0]])}: "
            f"{'; '.join(read.questions)}"
        )
    if read.bad.sum() > quarantine.max_bad_fraction * len(chunk):
        first = str(chunk.table.column(column)[int(np.flatnonzero(read.bad)[0])].as_py())
        quarantine.explain(chunk.file, unknown_way(column, first[:60]))
    left = np.ones(len(chunk), dtype=bool)
    for mask, text in (
        (read.bad, f"{column} is not a time"),
        (read.naive, f"{column} is a time without a zone, and no time_zone is declared"),
        (read.undecided, f"{column} could mean two moments"),
        (read.implausible, f"{column} is no plausible moment"),
        (mask_of(read.times.is_null()) & required, f"no {column}"),
    ):
        bad = mask & left
        chunk = quarantine.set_aside(chunk, bad[left], RejectReason(text, column, TIME_EXPECTED))
        left &= ~bad
    placed = _placed(chunk.name, column, read, rules)
    return chunk.replace(column, placed if left.all() else placed.filter(pa.array(left)))


def _placed(
    table: str, column: str, read: Timestamps, rules: TableRules, dates: Mask | None = None
) -> pa.ChunkedArray:
    """The times, with dates put where their day ends (``created_at``: where it begins)."""
    bare = read.bare if dates is None else dates
    if not bare.any() or column == "created_at":
        return read.times
    if rules.settings.bare_dates is BareDates.START_OF_DAY:
        return read.times
    moments = read.times.cast(pa.int64())
    null = mask_of(moments.is_null())
    at_us = np.asarray(pc.fill_null(moments, 0).to_numpy(zero_copy_only=False))
    ends = end_of_day(at_us, bare & ~null, rules.times(table).zone)
    rules.found.say(
        f"{table}: dates of {column} count at the end of their day "
        '(bare_dates = "start-of-day" for its start)'
    )
    return pa.chunked_array([pa.array(ends, pa.int64(), mask=null).cast(UTC_MICROSECONDS)])


def with_numbers(
    chunk: Chunk, column: str, quarantine: Quarantine, rules: TableRules | None = None
) -> Chunk:
    """``column`` as float64; rows with text or infinity are set aside; NaN is unknown.

    DataError where the signs of the numbers could mean two things.
    """
    rules = rules or TableRules()
    values = chunk.table.column(column)
    signs = _number_signs(chunk, column, values, rules)
    parse = parse_duration if column == "duration_s" else parse_number
    numbers, bad, infinite = to_floats(values, signs, parse)
    reason = RejectReason(f"{column} is not a number", column, "a number, or nothing where unknown")
    good = quarantine.set_aside(chunk, bad, reason)
    if bad.any():
        numbers, infinite = numbers.filter(pa.array(~bad)), infinite[~bad]
    reason = RejectReason(
        f"{column} is infinite", column, "a finite number, or nothing where unknown"
    )
    good = quarantine.set_aside(good, infinite, reason)
    return good.replace(column, numbers.filter(pa.array(~infinite)) if infinite.any() else numbers)


def _number_signs(
    chunk: Chunk, column: str, values: pa.ChunkedArray, rules: TableRules
) -> NumberSigns:
    """The signs that are declared, or that the first rows of the column leave no doubt of."""
    own = rules.settings.of_table(chunk.name)
    if own.decimal or own.thousands:
        return signs_of(own)
    if column in rules.signs or not _is_text(values):
        return rules.signs.get(column, NumberSigns())
    words = trimmed_text(values.slice(0, SAMPLE_ROWS)).drop_null()
    counted = pc.value_counts(words)
    rows_of = dict(
        zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True)
    )
    plain = {w: n for w, n in rows_of.items() if ":" not in w}
    seen = number_column(column, plain, None) if plain else None
    if seen is not None and seen.question is not None:
        raise DataError(f"{chunk.file}: {seen.question} (or in [tables.{chunk.name}])")
    for note in seen.notes if seen is not None else ():
        rules.found.say(f"{chunk.file}: {note}")
    rules.signs[column] = seen.signs if seen is not None else NumberSigns()
    return rules.signs[column]


def _is_text(values: pa.ChunkedArray) -> bool:
    kind = values.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


LATER = "after observed_until"


def drop_after_cutoff(
    chunk: Chunk, column: str, until: pd.Timestamp | None, q: Quarantine
) -> Chunk:
    """Rows later than ``observed_until`` are set aside: they cannot have been observed."""
    if until is None:
        return chunk
    limit = pa.scalar(until.to_pydatetime(), UTC_MICROSECONDS)
    later = mask_of(pc.greater(chunk.table.column(column), limit))
    expected = f"nothing after observed_until ({until:%Y-%m-%dT%H:%M:%SZ})"
    return q.set_aside(chunk, later, RejectReason(f"{column} {LATER}", column, expected))


def clean_leads(
    chunk: Chunk,
    quarantine: Quarantine,
    until: pd.Timestamp | None,
    rules: TableRules | None = None,
) -> Chunk:
    """Leads with one row each: exact repeats dropped, contradicting rows all set aside."""
    require(chunk)
    chunk = with_lead_id(chunk, quarantine, rules)
    _look_at_ids(chunk, rules)
    if "created_at" in chunk.table.column_names:
        chunk = parse_timestamps(chunk, "created_at", quarantine, required=True, rules=rules)
        chunk = drop_after_cutoff(chunk, "created_at", until, quarantine)
    chunk = without_nul(chunk, quarantine)
    return without_repeats(chunk, quarantine, "two rows that differ for one lead")


def _look_at_ids(chunk: Chunk, rules: TableRules | None) -> None:
    """Say which ids of leads look ruined, or like each other."""
    if rules is None:
        return
    ids = chunk.table.column("lead_id")
    count, example = dates_among(ids)
    if count:
        rules.found.lose(
            f"{chunk.file}: {count:,} lead_ids such as {example!r} are dates and the others are "
            "not: a spreadsheet made them of ids; export again, with the id column as text"
        )
    for sentence in alike_ids(ids):
        rules.found.lose(f"{chunk.file}: {sentence}")


def without_nul(chunk: Chunk, quarantine: Quarantine) -> Chunk:
    """Rows with a text that holds the character NUL are set aside: the file is damaged there."""
    for column in chunk.table.column_names:
        if _is_text(chunk.table.column(column)):
            nul = mask_of(pc.match_substring(to_text(chunk.table.column(column)), "\0"))
            reason = RejectReason(f"{column} holds the character NUL")
            chunk = quarantine.set_aside(chunk, nul, reason)
    return chunk


def without_repeats(chunk: Chunk, quarantine: Quarantine, contradiction: str) -> Chunk:
    """Drop exact repeats; set aside every row of a lead whose rows contradict each other."""
    ids = pd.Series(chunk.table.column("lead_id").to_pandas(), dtype=object)
    shared = ids.duplicated(keep=False).to_numpy()
    if not shared.any():
        return chunk
    rows = chunk.keep(shared).table.to_pandas().astype(object)
    rows = rows.where(rows.notna(), None).map(repr)
    repeat = np.zeros(len(chunk), dtype=bool)
    repeat[np.flatnonzero(shared)] = rows.duplicated().to_numpy()
    chunk = quarantine.set_aside(chunk, repeat, REPEATED)
    differing = ids[~repeat].duplicated(keep=False).to_numpy()
    return quarantine.set_aside(
        chunk, differing, RejectReason(contradiction, "lead_id", "one row a lead")
    )


def mask_in(column: pa.ChunkedArray, words: Iterable[str]) -> Mask:
    """True where the value is one of ``words``."""
    return mask_of(pc.is_in(column, value_set=pa.array(list(words), pa.string())))


class LeadIndex:
    """Which leads may be spoken of: those kept, and those set aside with their rows.

    ``rule``: how ids of other tables are compared with those of leads. ``lead_of``: ids that are
    other names of leads. ``hidden_until``: of some of these, the moment (microseconds) before which
    their rows were not known to be the lead's.
    """

    def __init__(
        self,
        kept: pa.Array,
        seen: pa.Array,
        rule: IdRule = IdRule.AS_WRITTEN,
        found: Inference | None = None,
        lead_of: Mapping[str, str] | None = None,
        hidden_until: Mapping[str, int] | None = None,
    ) -> None:
        self.lead_of, self.hidden_until = lead_of or {}, hidden_until or {}
        self.kept = kept
        self.seen = seen
        self.rule = rule
        self.found = found or Inference()
        self._names = StringTable(kept)
        self._salesforce: bool | None = None

    def only(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """Set aside rows of leads that are not in ``leads``, or are set aside themselves."""
        chunk = self.renamed(self._without_hidden(chunk, quarantine))
        known = mask_of(pc.is_in(chunk.table.column("lead_id"), value_set=self.kept))
        return chunk if known.all() else self._only(chunk, known, quarantine)

    def renamed(self, chunk: Chunk) -> Chunk:
        """Ids that are a lead's under the rule, as leads write them."""
        ids = chunk.table.column("lead_id")
        unknown = ~mask_of(pc.is_in(ids, value_set=self.kept)) & mask_of(ids.is_valid())
        if not unknown.any():
            return chunk
        texts = pc.unique(ids.filter(pa.array(unknown))).cast(pa.string()).to_pylist()
        to_lead = {t: trimmed(t) for t in texts if trimmed(t) != t}
        if self.lead_of:
            to_lead |= {t: self.lead_of[trimmed(t)] for t in texts if trimmed(t) in self.lead_of}
        rule = self._rule_for([to_lead.get(t, t) for t in texts])
        if rule is not IdRule.AS_WRITTEN:
            leads = self.seen.drop_null().to_pylist()
            by_rule = renamed_ids([to_lead.get(t, t) for t in texts], leads, rule)
            met = {t: by_rule[to_lead.get(t, t)] for t in texts if to_lead.get(t, t) in by_rule}
            to_lead |= met
            if met:
                here, there = next(iter(sorted(met.items())))
                self.found.say(
                    f"{chunk.file}: {len(met):,} ids are those of leads by the rule {rule} "
                    f"({here!r} is {there!r})"
                )
        if not to_lead:
            return chunk
        return chunk.replace("lead_id", _mapped(ids, to_lead))

    def _without_hidden(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """Set aside what an alias did before it was known which lead it is."""
        moment = {"interactions": "occurred_at", "answers": "answered_at"}.get(chunk.name)
        if not self.hidden_until or moment is None:
            return chunk
        ids = to_text(chunk.table.column("lead_id"))
        names = pa.array(list(self.hidden_until), pa.string())
        limits = pa.array([*self.hidden_until.values(), None], pa.int64())
        place = pc.fill_null(pc.index_in(ids, value_set=names), len(names))
        at = chunk.table.column(moment).cast(pa.int64())
        early = mask_of(pc.fill_null(pc.less(at, limits.take(place.combine_chunks())), False))
        reason = RejectReason("of an alias, before it was known whose it is", moment, harmless=True)
        return quarantine.set_aside(chunk, early, reason)

    def _rule_for(self, unknown: list[str]) -> IdRule:
        """The declared rule; Salesforce's where all ids show that they are its own."""
        if self.rule is not IdRule.AS_WRITTEN:
            return self.rule
        leads = self.seen.drop_null()
        if self._salesforce is None:
            sample = leads.slice(0, 2000).to_pylist()
            self._salesforce = bool(sample) and all(_of_salesforce(t) for t in sample)
        ours = self._salesforce and all(_of_salesforce(t) for t in unknown)
        return IdRule.SALESFORCE if ours else IdRule.AS_WRITTEN

    def _only(self, chunk: Chunk, known: Mask, quarantine: Quarantine) -> Chunk:
        ids = chunk.table.column("lead_id")
        seen = mask_of(pc.is_in(ids, value_set=self.seen)) & ~known
        reason = RejectReason("its lead is set aside", "lead_id", harmless=True)
        strangers = ~known & ~seen
        rest = quarantine.set_aside(chunk, seen, reason)
        expected = "the lead_id of a row of leads"
        if strangers.any():
            texts = pc.unique(ids.filter(pa.array(strangers))).cast(pa.string()).to_pylist()
            cause = mismatch_of([t for t in texts if t], self.seen.drop_null().to_pylist())
            if cause is not None:
                quarantine.explain(chunk.file, cause.sentence)
        return quarantine.set_aside(
            rest, strangers[~seen], RejectReason("unknown lead", "lead_id", expected)
        )

    def coded(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """As :meth:`only`, ``lead_id`` as DICTIONARY_STRING: each lead's row among those kept."""
        rows = self._names.codes(chunk.table.column("lead_id"))
        known = rows >= 0
        if not known.all():
            chunk = self.renamed(self._without_hidden(chunk, quarantine))
            rows = self._names.codes(chunk.table.column("lead_id"))
            known = rows >= 0
        if not known.all():
            chunk, rows = self._only(chunk, known, quarantine), rows[known]
        codes = pa.DictionaryArray.from_arrays(pa.array(rows), self.kept, safe=False)
        return chunk.replace("lead_id", pa.chunked_array([codes]))


def _of_salesforce(text: str) -> bool:
    return is_salesforce_18(text) or (
        len(text) == 15
        and text.isascii()
        and text.isalnum()
        and text[:3].strip("0123456789") != text[:3]
    )


def _mapped(ids: pa.ChunkedArray, to_lead: dict[str, str]) -> pa.ChunkedArray:
    coded = to_text(ids).combine_chunks().dictionary_encode()
    words = [to_lead.get(word, word) for word in coded.dictionary.to_pylist()]
    codes = pc.fill_null(coded.indices, len(words))
    return pa.chunked_array([pa.array([*words, None], pa.string()).take(codes)])


def clean_interactions(
    chunk: Chunk,
    quarantine: Quarantine,
    leads: LeadIndex,
    until: pd.Timestamp | None,
    rules: TableRules | None = None,
) -> pa.Table:
    """One chunk of interactions in INTERACTIONS_SCHEMA."""
    require(chunk)
    optional = [c for c in ("channel", "event_id") if c in chunk.table.column_names]
    chunk = chunk.replace("kind", to_dictionary_text(chunk.table.column("kind")))
    chunk = chunk.replace("lead_id", to_text(chunk.table.column("lead_id")))
    for column in optional:
        chunk = chunk.replace(column, without_blank_texts(chunk.table.column(column)))
    missing = empty_mask(chunk.table.column("lead_id"))
    chunk = quarantine.set_aside(chunk, missing, RejectReason("no lead_id"))
    chunk = parse_timestamps(chunk, "occurred_at", quarantine, required=True, rules=rules)
    chunk = drop_after_cutoff(chunk, "occurred_at", until, quarantine)
    no_kind = empty_mask(chunk.table.column("kind"))
    chunk = quarantine.set_aside(chunk, no_kind, RejectReason("no kind", "kind", "a word"))
    for column in ("value", "duration_s"):
        if column in chunk.table.column_names:
            chunk = with_numbers(chunk, column, quarantine, rules)
    if "duration_s" in chunk.table.column_names:
        negative = mask_of(pc.less(chunk.table.column("duration_s"), 0.0))
        reason = RejectReason("a negative duration", "duration_s", "seconds, 0 or more")
        chunk = quarantine.set_aside(chunk, negative, reason)
    return in_schema(leads.coded(chunk, quarantine).table, INTERACTIONS_SCHEMA)


def clean_answers(
    chunk: Chunk,
    quarantine: Quarantine,
    leads: LeadIndex,
    until: pd.Timestamp | None,
    rules: TableRules | None = None,
) -> Chunk:
    """Answers of known leads, in ANSWERS_SCHEMA; their values are typed later."""
    require(chunk)
    chunk = with_lead_id(with_text(chunk, "attribute", "value"), quarantine, rules)
    chunk = parse_timestamps(chunk, "answered_at", quarantine, required=True, rules=rules)
    chunk = drop_after_cutoff(chunk, "answered_at", until, quarantine)
    nameless = empty_mask(chunk.table.column("attribute"))
    chunk = quarantine.set_aside(
        chunk, nameless, RejectReason("no attribute", "attribute", "a name")
    )
    chunk = leads.only(without_nul(chunk, quarantine), quarantine)
    return Chunk(chunk.name, chunk.file, in_schema(chunk.table, ANSWERS_SCHEMA), chunk.rows)


def in_schema(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """The columns of ``schema`` in its order and types; absent ones are null."""
    columns = [
        table.column(field.name).cast(field.type)
        if field.name in table.column_names
        else pa.chunked_array([pa.nulls(table.num_rows, field.type)], type=field.type)
        for field in schema
    ]
    return pa.table(columns, schema=schema)
