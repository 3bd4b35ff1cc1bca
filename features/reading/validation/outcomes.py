"""The outcomes of leads: words, several for one lead, dates of the day of creation."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Outcome, WhichOutcome
from features.dataset_settings import DatasetSettings
from features.errors import DataError
from features.language.plural import plural
from features.reading.quarantine import Chunk, Quarantine, RejectReason
from features.reading.times.zones import end_of_day
from features.reading.validation.columns import drop_after_cutoff, parse_timestamps
from features.reading.validation.lead_ids import with_lead_id
from features.reading.validation.repeats import without_repeats
from features.reading.validation.required_columns import require
from features.reading.validation.table_rules import TableRules
from features.reading.values.text import mask_of, trimmed_text
from features.schemas import UTC_MICROSECONDS

OPEN = "open"
REOPENED = "the lead was opened again"
MIN_ROWS_OF_DATES = 20
"""From so many outcomes on, all at midnight, they are taken for dates."""
MAX_WORDS_SHOWN = 8
EMPTY_OUTCOME = ""
"""An outcome that is left empty: unknown, unless dataset.toml says that such a lead is open."""
LIKELY_WORDS = {
    "converted": (
        "won", "closed won", "closedwon", "closed - converted", "qualified - converted", "customer",
        "converted", "success", "sold", "signed", "deal won", "gagne", "gagnee", "client", "signe",
        "gewonnen", "kunde", "ganado", "ganada", "cliente", "vinto", "vinta", "ganho", "yes",
        "true",
        "1", "oui", "ja", "win",
    ),
    "lost": (
        "lost", "closed lost", "closedlost", "closed - not converted", "unqualified",
        "disqualified",
        "rejected", "dead", "junk", "not interested", "no sale", "deal lost", "perdu", "perdue",
        "verloren", "perdido", "perdida", "perso", "persa", "bad timing", "canceled", "cancelled",
        "no", "false", "0", "non", "nein", "loss", "not converted", "not won",
    ),
    "open": (
        "open", "new", "working", "in progress", "nurturing", "contacted", "attempting",
        "qualified",
        "nouveau", "en cours", "neu", "offen", "in bearbeitung", "nuevo", "abierto", "pending",
        "open deal", "connected", "",
    ),
    "reopened": ("reopened", "re-opened", "rouvert", "wiedereroffnet"),
}  # fmt: skip
"""What words of CRMs are likely to mean; they are proposed, never taken for granted."""
US_PER_DAY = 86_400_000_000


def clean_outcomes(
    chunk: Chunk,
    quarantine: Quarantine,
    leads: pd.DataFrame,
    until: pd.Timestamp | None,
    rules: TableRules | None = None,
) -> tuple[Chunk, frozenset[str]]:
    """Outcomes of leads, one each, at or after creation; and the leads that are said to be open.

    DataError where words are neither converted nor lost, open or reopened, for more rows than the
    limit allows.
    """
    rules = rules or TableRules()
    has_time = "created_at" in leads.columns
    require(chunk, ("occurred_at",) if has_time else ())
    chunk = with_lead_id(chunk, quarantine, rules)
    chunk = _with_words(chunk, quarantine, rules)
    chunk, still_open = _without_open_rows(chunk, quarantine)
    if "occurred_at" in chunk.table.column_names:
        chunk = parse_timestamps(chunk, "occurred_at", quarantine, required=has_time, rules=rules)
        chunk = drop_after_cutoff(chunk, "occurred_at", until, quarantine)
    columns = [c for c in ("lead_id", "outcome", "occurred_at") if c in chunk.table.column_names]
    chunk = Chunk(chunk.name, chunk.file, chunk.table.select(columns), chunk.rows)
    if has_time:
        chunk = _with_dates(chunk, rules)
        chunk, reopened = _one_each(chunk, quarantine, rules)
        still_open |= reopened
        chunk = _not_before_creation(chunk, quarantine, leads)
    else:
        chunk = without_repeats(chunk, quarantine, "two outcomes that differ for one lead")
    return chunk, frozenset(still_open)


def outcome_of(word: str, settings: DatasetSettings) -> str | None:
    """What a word of the outcomes table means: converted, lost or open; None if nothing says.

    >>> usual = DatasetSettings(name="x")
    >>> outcome_of(" Converted", usual), outcome_of("won", usual)
    ('converted', None)
    """
    words = settings.outcome_words
    plain = unicodedata.normalize("NFC", word.strip()).casefold()
    for meaning, known in (
        (Outcome.CONVERTED.value, words.converted),
        (Outcome.LOST.value, words.lost),
        (OPEN, words.open),
        (OPEN, words.reopened),
    ):
        names = {unicodedata.normalize("NFC", k.strip()).casefold() for k in known}
        if plain in names or plain == meaning:
            return meaning
    return OPEN if plain == "reopened" else None


def _with_words(chunk: Chunk, quarantine: Quarantine, rules: TableRules) -> Chunk:
    words = trimmed_text(chunk.table.column("outcome"))
    coded = words.combine_chunks().dictionary_encode()
    known = [str(w) for w in coded.dictionary.to_pylist()]
    meanings = [outcome_of(w, rules.settings) for w in (*known, EMPTY_OUTCOME)]
    codes = np.asarray(pc.fill_null(coded.indices, len(known)).to_numpy(zero_copy_only=False))
    rows = np.bincount(codes, minlength=len(known) + 1)
    for word, meaning, count in zip((*known, EMPTY_OUTCOME), meanings, rows, strict=True):
        if meaning is not None and word != meaning and count:
            rules.found.say(f"{chunk.file}: {word!r} is read as {meaning} ({count:,} rows)")
    unknown = np.array([m is None for m in meanings])[codes]
    if unknown.sum() > quarantine.max_bad_fraction * max(len(chunk), 1):
        raise DataError(_words_question(chunk, known, meanings, rows, len(chunk)))
    reason = RejectReason(
        "unknown outcome", "outcome", "converted or lost (open leads have no row)"
    )
    chunk = quarantine.set_aside(chunk, unknown, reason)
    texts = pa.array(meanings, pa.string()).take(pa.array(codes[~unknown]))
    return chunk.replace("outcome", pa.chunked_array([texts]))


def _words_question(
    chunk: Chunk,
    words: list[str],
    meanings: list[str | None],
    rows: np.ndarray,
    total: int,
) -> str:
    unknown = sorted(
        ((int(n), w) for w, m, n in zip(words, meanings, rows, strict=False) if m is None),
        reverse=True,
    )
    empty = int(rows[len(words)]) if meanings[len(words)] is None else 0
    shown = ", ".join(
        f"{w!r} ({plural(n, '{n:,} row', '{n:,} rows')})" for n, w in unknown[:MAX_WORDS_SHOWN]
    )
    if empty:
        shown = ", ".join(
            part
            for part in (shown, f"nothing ({plural(empty, '{n:,} row', '{n:,} rows')})")
            if part
        )
    says = likely_meanings([*(w for _, w in unknown), *([EMPTY_OUTCOME] if empty else [])])
    proposed = ", ".join(
        f"{meaning} = [{', '.join(f'{chr(34)}{w}{chr(34)}' for w in words) or '…'}]"
        for meaning, words in says.items()
    )
    return (
        f"{chunk.file}: unknown outcomes: {shown}, of "
        f"{plural(total, '{n:,} row', '{n:,} rows')}; expected converted or lost. "
        f"Say what each word means in dataset.toml, such as [outcome_words] {proposed}"
    )


def likely_meanings(words: Iterable[str]) -> dict[str, list[str]]:
    """The words of a CRM by what they are likely to mean; others are under none.

    >>> likely_meanings(["Closed Won", "Closed Lost", "Maybe"])
    {'converted': ['Closed Won'], 'lost': ['Closed Lost'], 'open': [], 'reopened': []}
    """
    found: dict[str, list[str]] = {meaning: [] for meaning in LIKELY_WORDS}
    for word in words:
        text = unicodedata.normalize("NFKD", word).casefold().strip()
        plain = "".join(c for c in text if not unicodedata.combining(c))
        for meaning, known in LIKELY_WORDS.items():
            if plain in known:
                found[meaning].append(word)
                break
    return found


def _without_open_rows(chunk: Chunk, quarantine: Quarantine) -> tuple[Chunk, set[str]]:
    """Rows that say *open* at no moment are no outcomes."""
    says = mask_of(pc.equal(chunk.table.column("outcome"), OPEN))
    if "occurred_at" in chunk.table.column_names:
        at = trimmed_text(chunk.table.column("occurred_at"))
        says &= mask_of(at.is_null())
    ids = {str(i) for i in chunk.table.column("lead_id").filter(pa.array(says)).to_pylist()}
    reason = RejectReason("the lead is open, so there is no outcome", "lead_id", harmless=True)
    return quarantine.set_aside(chunk, says, reason), ids


def _with_dates(chunk: Chunk, rules: TableRules) -> Chunk:
    """Outcomes that are all at midnight are dates: each counts at the end of its day."""
    if len(chunk) < MIN_ROWS_OF_DATES or rules.settings.bare_dates == "start-of-day":
        return chunk
    zone = rules.times(chunk.name).zone or "UTC"
    at_us = np.asarray(chunk.table.column("occurred_at").cast(pa.int64()).to_numpy())
    local = pd.DatetimeIndex(at_us.astype("datetime64[us]"), tz="UTC").tz_convert(zone)
    if not bool((local == local.normalize()).all()):
        return chunk
    ends = end_of_day(at_us, np.ones(len(at_us), dtype=bool), zone)
    rules.found.say(
        f"{chunk.file}: every occurred_at is at midnight, so these are dates: an outcome counts at "
        'the end of its day (bare_dates = "start-of-day" for its start)'
    )
    return chunk.replace("occurred_at", pa.chunked_array([pa.array(ends).cast(UTC_MICROSECONDS)]))


def _one_each(chunk: Chunk, quarantine: Quarantine, rules: TableRules) -> tuple[Chunk, set[str]]:
    """One outcome a lead, and the leads whose last row says that they are open again."""
    frame = pd.DataFrame(
        {
            "lead_id": chunk.table.column("lead_id").to_numpy(zero_copy_only=False),
            "outcome": chunk.table.column("outcome").to_numpy(zero_copy_only=False),
            "at": np.asarray(chunk.table.column("occurred_at").cast(pa.int64()).to_numpy()),
        }
    )
    shared = frame["lead_id"].duplicated(keep=False)
    repeats = frame.duplicated().to_numpy()
    opened = (frame["outcome"] == OPEN).to_numpy()
    rest = frame[shared & ~repeats]
    clash = rest.duplicated(["lead_id", "at"], keep=False)
    clashing = frame["lead_id"].isin(set(rest.loc[clash, "lead_id"])).to_numpy() & ~repeats
    single = frame[~repeats & ~clashing].sort_values("at", kind="stable")
    if rules.settings.which_outcome is WhichOutcome.FIRST:
        single = single[single["outcome"] != OPEN]
        chosen = single.drop_duplicates("lead_id", keep="first").index
    else:
        chosen = single.drop_duplicates("lead_id", keep="last").index
    counts = np.zeros(len(frame), dtype=bool)
    counts[chosen] = True
    again = {str(i) for i in frame.loc[counts & opened, "lead_id"]}
    earlier = ~counts & ~repeats & ~clashing
    several = int(frame.loc[earlier, "lead_id"].nunique())
    if several:
        rules.found.say(
            plural(
                several,
                "{file}: {n:,} lead has several outcomes; the {which} one counts "
                '(which_outcome = "first" or "last")',
                "{file}: {n:,} leads have several outcomes; the {which} one counts "
                '(which_outcome = "first" or "last")',
                file=chunk.file,
                which=rules.settings.which_outcome,
            )
        )
    which = str(rules.settings.which_outcome)
    other = f"another outcome of the lead counts, its {which}"
    clash_reason = "two outcomes of one lead at one moment"
    left = np.ones(len(frame), dtype=bool)
    for mask, reason in (
        (repeats, RejectReason("an exact repeat of another row", "lead_id", harmless=True)),
        (clashing, RejectReason(clash_reason, "lead_id", "one of them")),
        (earlier & ~opened, RejectReason(other, "lead_id", harmless=True)),
        ((earlier | counts) & opened, RejectReason(REOPENED, "lead_id", harmless=True)),
    ):
        chunk = quarantine.set_aside(chunk, (mask & left)[left], reason)
        left &= ~mask
    return chunk, again


def _not_before_creation(chunk: Chunk, quarantine: Quarantine, leads: pd.DataFrame) -> Chunk:
    created = pd.Series(leads["created_at"].to_numpy("datetime64[us]"), index=leads["lead_id"])
    of_row = created.reindex(chunk.table.column("lead_id").to_pandas()).to_numpy()
    at = chunk.table.column("occurred_at").cast(pa.timestamp("us")).to_numpy()
    early = np.asarray(at < of_row)
    if early.any():
        quarantine.explain(chunk.file, _remedy(created, at[early], of_row[early]))
    expected = "a time at or after the lead's created_at"
    reason = RejectReason("the outcome lies before the lead's creation", "occurred_at", expected)
    return quarantine.set_aside(chunk, early, reason)


def _remedy(created: pd.Series, at: np.ndarray, of_row: np.ndarray) -> str:
    """Why outcomes lie before creation: a day on which many leads came, or another column."""
    days = created.dt.floor("D").value_counts()
    share = float(days.iloc[0]) / max(len(created), 1)
    if share > 0.2 and len(created) >= 20:
        return (
            f"{share:.0%} of the leads were created on {days.index[0]:%Y-%m-%d}, which looks like "
            "the day of an import: name the column with the true creation "
            '([columns.leads] created_at = "…"), or leave those leads out'
        )
    hours = float(np.median((of_row - at) / np.timedelta64(1, "h")))
    return (
        f"the median gap is {hours:.1f} hours: if it is a whole number, a time_zone is wrong; else "
        'created_at may be a later step of the lead ([columns.leads] created_at = "…"); '
        "max_bad in dataset.toml (or --max-bad) raises the limit and leaves those leads out"
    )
