"""Read a dataset: a folder or a database, checked row by row, inferred and typed."""

from __future__ import annotations

import difflib
import zlib
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import reduce
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.account_history import with_account_history
from features.accounts import accounts_in_words
from features.compute.array_types import Int64, Object
from features.contract import AttributeSettings, AttributeType, Available, DatasetSettings
from features.dataset import Dataset
from features.errors import DataError
from features.expressions import parse_expression
from features.histories.arrays import NO_TIME
from features.reading.chunks import concat_chunks
from features.reading.files.csv_table import HEADER_AGAIN
from features.reading.files.data_file import is_url
from features.reading.files.file_chunks import file_chunks
from features.reading.inference.attributes import typed_answers, typed_leads
from features.reading.inference.inference import Inference
from features.reading.inference.observation import DailyMoments, end_of_observation
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.sources.folder import FolderSource
from features.reading.sources.remote_folder import RemoteFolderSource
from features.reading.sources.table_source import TableSource
from features.reading.times.day_month_order import TimeEvidence
from features.reading.validation.aliases import Aliases, read_aliases
from features.reading.validation.columns import parse_timestamps
from features.reading.validation.lead_ids import with_lead_id
from features.reading.validation.lead_index import LeadIndex
from features.reading.validation.outcomes import clean_outcomes
from features.reading.validation.required_columns import ask_for_creation, require
from features.reading.validation.table_rules import TableRules
from features.reading.validation.tables import clean_answers, clean_interactions, clean_leads
from features.reading.values.text import mask_in, mask_of, to_text, trimmed_text
from features.schemas import (
    ANSWERS_SCHEMA,
    INTERACTIONS_SCHEMA,
    UTC_MICROSECONDS,
    RowCount,
    check_frames,
)

__all__ = ["read_dataset", "read_references", "source_of"]


def read_dataset(
    source: str | Path,
    *,
    max_bad_fraction: float | None = None,
    quarantine_dir: Path | None = None,
    outcomes_required: bool = True,
    progress: Callable[[int], None] | None = None,
    sample: float | None = None,
) -> Dataset:
    """Read and check a dataset folder or the tables behind a database URL.

    ``max_bad_fraction``: of the rows of any one table that may break the contract; None: what
    ``max_bad`` of dataset.toml says, else 0.01. Such rows are left out, counted in
    ``Dataset.quarantined`` and, if ``quarantine_dir`` is given, written there.
    ``outcomes_required=False``: leads that are only to be scored need no outcomes.
    ``progress`` is told the interactions read so far, after every part; it may raise to stop.
    ``sample``: the share (0 to 1) of the leads to keep, chosen by a hash of the id, with all their
    rows. Raises DataError (the contract), StorageError (the database cannot be reached).
    """
    return dataset_from(
        source_of(source),
        quarantine_for(max_bad_fraction, quarantine_dir),
        outcomes_required=outcomes_required,
        progress=progress,
        sample=sample,
    )


def dataset_from(
    tables: TableSource,
    quarantine: Quarantine,
    *,
    outcomes_required: bool = True,
    progress: Callable[[int], None] | None = None,
    sample: float | None = None,
) -> Dataset:
    """Read and check the tables of any source; see :func:`read_dataset`."""
    reading = open_dataset(tables, quarantine, outcomes_required=outcomes_required, sample=sample)
    return reading.dataset(_all_interactions(reading, progress))


DEFAULT_MAX_BAD = 0.01
SAMPLE_BUCKETS = 1 << 20


def quarantine_for(max_bad_fraction: float | None, folder: Path | None = None) -> Quarantine:
    """A quarantine with a limit that a caller gave, or else dataset.toml, or else 0.01."""
    if max_bad_fraction is None:
        return Quarantine(folder, DEFAULT_MAX_BAD, limit_from_settings=True)
    return Quarantine(folder, max_bad_fraction)


def in_sample(lead_ids: Sequence[str], share: float) -> Mask:
    """True for the leads that a sample of this share keeps: a hash of the id decides, always alike.

    >>> in_sample(["L1", "L2", "L3"], 1.0).tolist()
    [True, True, True]
    """
    buckets = [zlib.crc32(lead_id.encode()) % SAMPLE_BUCKETS for lead_id in lead_ids]
    return np.asarray(buckets, dtype=np.int64) < share * SAMPLE_BUCKETS


def _all_interactions(reading: DatasetReader, progress: Callable[[int], None] | None) -> pa.Table:
    parts: list[pa.Table] = []
    seen = 0
    with closing(reading.interactions()) as chunks:
        parts, seen = _collected(chunks, progress)
    reading.read["interactions"] = seen
    reading.quarantine.check_limit(reading.tables.label("interactions"), seen)
    return pa.concat_tables(parts) if parts else INTERACTIONS_SCHEMA.empty_table()


def _collected(
    chunks: Generator[InteractionChunk], progress: Callable[[int], None] | None
) -> tuple[list[pa.Table], int]:
    parts, seen = [], 0
    for part in chunks:
        parts.append(part.table)
        seen += part.seen
        if progress is not None:
            progress(seen)
    return parts, seen


def read_references(path: Path, settings: DatasetSettings | None = None) -> pd.DataFrame:
    """Read ``references.csv`` (or .csv.gz, .parquet): ``lead_id``, ``as_of`` in the order given.

    Returns ``lead_id`` (object of str) and ``as_of`` (datetime64[us, UTC]). Repeated rows are kept:
    each is a question. Any broken row raises DataError, because the answer keeps every row.
    ``settings``: of the dataset, whose time zone and formats are also those of ``as_of``.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file with lead_id and as_of")
    chunks = file_chunks(path, "references", Quarantine(None, 0.0))
    return references_from(concat_chunks(chunks), settings)


def references_from(chunk: Chunk, settings: DatasetSettings | None = None) -> pd.DataFrame:
    """The references of a table; see :func:`read_references`."""
    strict, seen = Quarantine(None, 0.0), len(chunk)
    require(chunk)
    rules = TableRules(settings or DatasetSettings(name="references"))
    chunk = with_lead_id(chunk, strict, rules)
    chunk = parse_timestamps(chunk, "as_of", strict, required=True, rules=rules)
    strict.check_limit(chunk.file, seen)
    return pd.DataFrame(
        {
            "lead_id": objects_of(chunk.table.column("lead_id")),
            "as_of": chunk.table.column("as_of").to_pandas().astype("datetime64[us, UTC]"),
        }
    )


def open_leads(dataset: Dataset) -> tuple[Object, Int64]:
    """(lead_ids, as_of in microseconds since 1970 UTC) of every lead without an outcome.

    In the order of the leads table, at ``observed_until``. Without time: every lead, with
    ``NO_TIME`` as its moment. Raises DataError when ``observed_until`` is not known.
    """
    lead_ids = dataset.leads["lead_id"].to_numpy(dtype=object)
    if not dataset.has_time:
        return lead_ids, np.full(len(lead_ids), NO_TIME, dtype=np.int64)
    is_open = ~dataset.leads["lead_id"].isin(dataset.outcomes["lead_id"]).to_numpy()
    observed = dataset.settings.observed_until
    if observed is None:
        raise DataError("observed_until is unknown; set it in dataset.toml")
    until = pd.Timestamp(observed).as_unit("us").asm8.astype(np.int64)
    chosen = lead_ids[is_open]
    return chosen, np.full(len(chosen), until, dtype=np.int64)


def source_of(source: str | Path) -> TableSource:
    """The folder, the folder on object storage or the database that ``source`` names."""
    text = str(source)
    if "://" in text and is_url(text):
        return RemoteFolderSource(text)
    if isinstance(source, str) and "://" in source:
        from features.reading.sources.database import DatabaseSource

        return DatabaseSource(source)
    return FolderSource(Path(source))


@dataclass(frozen=True)
class DatasetReader:
    """Everything but the interactions, in memory; those can be had part by part.

    ``known``: which leads interactions may speak of. ``quarantine`` and ``found`` collect what is
    refused and inferred, also by the interactions still to come. ``days``: how many interactions
    were read of each day. ``rows``: per table, how many were read and kept.
    """

    tables: TableSource
    settings: DatasetSettings
    given: frozenset[str]
    quarantine: Quarantine
    found: Inference
    leads: pd.DataFrame
    outcomes: pd.DataFrame
    answers: pa.Table
    known: LeadIndex
    rules: TableRules
    read: dict[str, int]
    days: list[DailyMoments] = field(default_factory=list)

    def interactions(
        self, skip: int = 0, quarantine: Quarantine | None = None
    ) -> Generator[InteractionChunk]:
        """The interactions, cleaned, a bounded number at a time; the first ``skip`` left out."""
        if not self.tables.has("interactions"):
            return
        aside = quarantine or self.quarantine
        rules = replace(self.rules, evidence=self._evidence, signs={})
        with closing(self.tables.chunks("interactions", aside, skip)) as chunks:
            for chunk in chunks:
                table = clean_interactions(chunk, aside, self.known, self._until, rules)
                if self.settings.observed_until is None and self.has_time:
                    self.days.append(DailyMoments.of(_as_int(table.column("occurred_at"))))
                yield InteractionChunk(table, len(chunk))

    def _evidence(self, column: str) -> TimeEvidence:
        """What the whole table of interactions shows of the order of day and month."""
        seen = TimeEvidence()
        with closing(self.tables.chunks("interactions", Quarantine(None, 1.0))) as chunks:
            for chunk in chunks:
                seen.add(trimmed_text(chunk.table.column(column)))
        return seen

    @property
    def has_time(self) -> bool:
        """Whether leads have a ``created_at``."""
        return "created_at" in self.leads.columns

    def dataset(self, interactions: pa.Table, days: DailyMoments | None = None) -> Dataset:
        """The dataset with these interactions, its settings completed.

        ``days``: of all interactions, where ``interactions`` holds only some of them.
        """
        interactions_apart = days is not None
        if days is None:
            days = reduce(DailyMoments.__add__, self.days, DailyMoments.of(NO_MOMENTS))
        until = self.settings.observed_until
        partial = Dataset(self.settings, self.leads, interactions, self.outcomes, self.answers)
        if until is None and self.has_time:
            partial, until = self._within_observation(partial, days)
        _refuse_empty(partial.leads, self.quarantine)
        complete = completed(partial, self.given, self.found, until)
        check_frames(partial.leads, partial.outcomes, complete)
        self._check_counts()
        whole = replace(partial, settings=complete)
        if complete.account_features:
            if interactions_apart:
                raise DataError(
                    "account_features in dataset.toml counts the interactions of other leads, so "
                    "they must be read together: without --buckets"
                )
            whole = with_account_history(whole)
        return replace(
            whole,
            inferred=(
                *self.tables.notes.found,
                *self.found.sentences,
                *accounts_in_words(whole),
            ),
            quarantined=self.quarantine.found,
            losses=self._losses(),
            causes=self.quarantine.causes,
            rows=self._rows(partial),
        )

    def _within_observation(
        self, dataset: Dataset, days: DailyMoments
    ) -> tuple[Dataset, datetime | None]:
        """The rows up to the end of what was observed, which their bulk decides; and that end."""
        facts = np.concatenate(
            [
                moments_as_int(dataset.leads["created_at"]),
                moments_as_int(dataset.outcomes["occurred_at"].dropna()),
                _as_int(dataset.answers.column("answered_at")),
            ]
        )
        end = end_of_observation(facts, days)
        if end is None:
            return dataset, None
        moment = pd.Timestamp(end, unit="us", tz="UTC")
        latest = max([*facts.tolist(), *days.last_us[-1:].tolist()])
        if latest > end:
            dataset = self._without_later(dataset, end)
            self.found.lose(
                f"observed_until: inferred {moment:%Y-%m-%dT%H:%M:%SZ}; what lies later (up to "
                f"{pd.Timestamp(latest, unit='us'):%Y-%m-%d}) is taken for planned or mistyped and "
                "takes no part; observed_until in dataset.toml says it otherwise"
            )
        return dataset, moment.to_pydatetime()

    def _without_later(self, dataset: Dataset, end: int) -> Dataset:
        """Set aside what lies after the end, apart from the limit; a lead goes with its rows."""
        limit = pa.scalar(end, pa.int64()).cast(UTC_MICROSECONDS)
        leads = dataset.leads
        late = moments_as_int(leads["created_at"]) > end
        gone = set(leads["lead_id"][late])
        closed = dataset.outcomes
        late_outcome = moments_as_int(closed["occurred_at"]) > end
        gone |= set(closed["lead_id"][late_outcome])
        self._note_later("leads", int(late.sum()), "created_at")
        self._note_later("outcomes", int(late_outcome.sum()), "occurred_at")
        keep = ~leads["lead_id"].isin(gone).to_numpy()
        tables = {}
        for name, column in (("interactions", "occurred_at"), ("answers", "answered_at")):
            table = getattr(dataset, name)
            later = mask_of(pc.greater(table.column(column), limit))
            self._note_later(name, int(later.sum()), column)
            ids = table.column("lead_id").cast(pa.string())
            orphan = mask_of(pc.is_in(ids, pa.array(sorted(gone), pa.string()))) & ~later
            self._note_orphans(name, int(orphan.sum()))
            drop = later | orphan
            tables[name] = table.filter(pa.array(~drop)) if drop.any() else table
        self._note_orphans("leads", int((~keep & ~late).sum()))
        kept = ~closed["lead_id"].isin(gone)
        self._note_orphans("outcomes", int((~kept & ~late_outcome).sum()))
        return replace(
            dataset,
            leads=leads[keep].reset_index(drop=True),
            outcomes=closed[kept].reset_index(drop=True),
            **tables,
        )

    def _note_later(self, table: str, rows: int, column: str) -> None:
        if rows:
            reason = RejectReason(f"{column} is after the end of what was observed", harmless=True)
            example = f"{rows:,} rows are later than the bulk of the data"
            self.quarantine.note(self.tables.label(table), reason, rows, example)

    def _note_orphans(self, table: str, rows: int) -> None:
        if rows:
            reason = RejectReason("its lead is set aside", harmless=True)
            self.quarantine.note(self.tables.label(table), reason, rows, f"{rows:,} rows")

    def _losses(self) -> tuple[str, ...]:
        """What is lost, the largest share first, then what was left out and is not read."""
        counted = self.tables.notes.counted
        shares = []
        for found in self.quarantine.found:
            table = next((t for t in counted if self.tables.label(t) == found.file), None)
            total = counted.get(table, 0) if table else 0
            share = f" of {total:,}" if total else ""
            shares.append(f"{found.file}: {found.rows:,}{share} rows set aside: {found.reason}")
        return (*shares, *self.quarantine.causes, *self.tables.notes.losses, *self.found.losses)

    def _rows(self, dataset: Dataset) -> tuple[RowCount, ...]:
        kept = {
            "leads": len(dataset.leads),
            "outcomes": len(dataset.outcomes),
            "interactions": dataset.interactions.num_rows,
            "answers": dataset.answers.num_rows,
        }
        aside: dict[str, int] = {}
        for found in self.quarantine.found:
            aside[found.file] = aside.get(found.file, 0) + found.rows
        return tuple(
            RowCount(self.tables.label(t), n, kept[t], aside.get(self.tables.label(t), 0))
            for t, n in self.tables.notes.counted.items()
            if t in kept
        )

    def _check_counts(self) -> None:
        """DataError where the rows read are not those counted apart, in the bytes of the file."""
        lines: dict[str, int] = {}
        for found in self.quarantine.found:
            if found.reason in LINES_SET_ASIDE:
                lines[found.file] = lines.get(found.file, 0) + found.rows
        for table, rows in self.read.items():
            label = self.tables.label(table)
            counted = self.tables.notes.counted.get(table)
            read = rows + lines.get(label, 0)
            if counted is not None and table != "interactions" and counted != read:
                raise DataError(f"{label} holds {counted:,} rows, but {read:,} were read")

    @property
    def _until(self) -> pd.Timestamp | None:
        return until_of(self.settings)


NO_MOMENTS = np.zeros(0, dtype=np.int64)
LINES_SET_ASIDE = ("wrong number of columns", "a line below the table, no row", HEADER_AGAIN.text)


def _as_int(column: pa.ChunkedArray) -> Int64:
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def moments_as_int(column: pd.Series) -> Int64:
    """Microseconds since 1970 UTC of a column of moments without gaps."""
    whole = column.astype("datetime64[us, UTC]").astype("int64")
    return np.asarray(whole.to_numpy(), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class InteractionChunk:
    """Some interactions within the contract, out of ``seen`` rows read."""

    table: pa.Table
    seen: int


def open_dataset(
    tables: TableSource,
    quarantine: Quarantine,
    *,
    outcomes_required: bool,
    sample: float | None = None,
) -> DatasetReader:
    """Read and check leads, outcomes and answers. Raises DataError."""
    settings, given = tables.settings()
    if quarantine.limit_from_settings and settings.max_bad is not None:
        quarantine.max_bad_fraction = settings.max_bad
    found = Inference()
    rules = TableRules(settings, found)
    until = until_of(settings)
    raw = concat_chunks(tables.chunks("leads", quarantine))
    read = {"leads": len(raw)}
    require(raw)
    timed = tables.has("interactions") or tables.has("outcomes")
    ask_for_creation(raw, settings, others_have_time=timed)
    raw = raw.replace("lead_id", trimmed_text(raw.table.column("lead_id")))
    aliases = read_aliases(tables, quarantine, rules)
    chunk = clean_leads(aliases.without_leads_merged(raw, quarantine), quarantine, until, rules)
    leads = typed_leads(chunk, settings, quarantine, found)
    quarantine.check_limit(chunk.file, read["leads"])
    if len(leads) == 0:
        raise DataError(f"{chunk.file} has no rows; expected one row a lead")
    all_ids = ids_of(raw)
    if sample is not None:
        leads = _sampled(leads, sample, quarantine, chunk.file, found)
    leads, outcomes = _read_outcomes(
        tables,
        quarantine,
        leads,
        until,
        rules,
        read,
        required=outcomes_required,
        all_ids=all_ids,
        aliases=aliases,
    )
    _refuse_empty(leads, quarantine)
    known = LeadIndex(
        pa.array(leads["lead_id"], pa.string()),
        all_ids,
        settings.lead_ids,
        found,
        aliases.lead_of,
        aliases.hidden_until(leads),
    )
    answers = _read_answers(tables, quarantine, known, until, rules, read)
    _tell_not_read(tables, found)
    return DatasetReader(
        tables, settings, given, quarantine, found, leads, outcomes, answers, known, rules, read
    )


def _refuse_empty(leads: pd.DataFrame, quarantine: Quarantine) -> None:
    """DataError where every lead was set aside, with the reason of the most rows."""
    if len(leads):
        return
    first = next((q.example for q in quarantine.found if not q.harmless), None)
    why = first or next((q.example for q in quarantine.found), "nothing was read")
    raise DataError(f"no lead is left: {why}; correct the rows")


def _sampled(
    leads: pd.DataFrame, share: float, quarantine: Quarantine, file: str, found: Inference
) -> pd.DataFrame:
    """The leads of a sample; the others are set aside, apart from the limit."""
    kept = in_sample(leads["lead_id"].tolist(), share)
    left = int((~kept).sum())
    reason = RejectReason("not in the sample", harmless=True)
    quarantine.note(file, reason, left, f"{left:,} leads are not in the sample")
    found.lose(
        f"a sample of {share:g} of the leads: {int(kept.sum()):,} of {len(leads):,} are read"
    )
    if not kept.any():
        raise DataError(f"a sample of {share:g} of {len(leads):,} leads holds none; ask for more")
    return leads[kept].reset_index(drop=True)


def _tell_not_read(tables: TableSource, found: Inference) -> None:
    others = tables.not_read()
    if others:
        found.lose(f"not read: {', '.join(others)} (no table of the contract is called so)")


def until_of(settings: DatasetSettings) -> pd.Timestamp | None:
    """``observed_until`` as pandas has it."""
    return pd.Timestamp(settings.observed_until) if settings.observed_until else None


def _read_outcomes(
    tables: TableSource,
    quarantine: Quarantine,
    leads: pd.DataFrame,
    until: pd.Timestamp | None,
    rules: TableRules,
    read: dict[str, int],
    *,
    required: bool,
    all_ids: pa.Array,
    aliases: Aliases,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcomes, and the leads without those whose outcome is in quarantine."""
    if not tables.has("outcomes") and not required:
        return leads, _outcome_frame(None)
    try:
        raw = concat_chunks(tables.chunks("outcomes", quarantine))
    except DataError as error:
        if required or " is empty" not in str(error):
            raise
        rules.found.lose(f"{tables.label('outcomes')} is empty: no lead has an outcome")
        return leads, _outcome_frame(None)
    read["outcomes"] = len(raw)
    known = LeadIndex(
        pa.array(leads["lead_id"], pa.string()),
        all_ids,
        rules.settings.lead_ids,
        rules.found,
        aliases.lead_of,
    )
    if "lead_id" in raw.table.column_names:
        raw = known.renamed(raw.replace("lead_id", trimmed_text(raw.table.column("lead_id"))))
    chunk, still_open = clean_outcomes(raw, quarantine, leads, until, rules)
    chunk = known.only(chunk, quarantine)
    quarantine.check_limit(raw.file, len(raw))
    outcomes = _outcome_frame(chunk)
    broken = set(ids_of(raw).drop_null().to_pylist()) - set(outcomes["lead_id"]) - still_open
    doubtful = leads["lead_id"].isin(broken).to_numpy()
    if doubtful.any():
        reason = RejectReason("its outcome is in quarantine", harmless=True)
        example = f"{int(doubtful.sum()):,} leads whose outcome cannot be used are left out"
        quarantine.note(tables.label("leads"), reason, int(doubtful.sum()), example)
        leads = leads[~doubtful].reset_index(drop=True)
    return leads, outcomes


def ids_of(chunk: Chunk) -> pa.Array:
    """The ``lead_id`` of every row, as strings."""
    ids = to_text(chunk.table.column("lead_id"))
    return pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], pa.string())


def _outcome_frame(chunk: Chunk | None) -> pd.DataFrame:
    frame = pd.DataFrame({"lead_id": pd.Series([], dtype=object)})
    if chunk is not None:
        frame = pd.DataFrame({"lead_id": objects_of(chunk.table.column("lead_id"))})
    frame["outcome"] = objects_of(chunk.table.column("outcome")) if chunk else None
    frame["outcome"] = frame["outcome"].astype(object)
    if chunk is not None and "occurred_at" in chunk.table.column_names:
        times = chunk.table.column("occurred_at").to_pandas()
        frame["occurred_at"] = times.astype("datetime64[us, UTC]").array
    else:
        nothing = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
        frame["occurred_at"] = nothing
    return frame


def _read_answers(
    tables: TableSource,
    quarantine: Quarantine,
    known: LeadIndex,
    until: pd.Timestamp | None,
    rules: TableRules,
    read: dict[str, int],
) -> pa.Table:
    if not tables.has("answers"):
        return ANSWERS_SCHEMA.empty_table()
    raw = concat_chunks(tables.chunks("answers", quarantine))
    read["answers"] = len(raw)
    found = rules.found
    chunk = clean_answers(raw, quarantine, known, until, rules)
    answers = typed_answers(chunk, rules.settings, quarantine, found)
    quarantine.check_limit(raw.file, len(raw))
    if found.left_out:
        left = mask_in(answers.column("attribute"), found.left_out)
        if left.any():
            reason = RejectReason("of an attribute that is left out", harmless=True)
            quarantine.note(raw.file, reason, int(left.sum()), f"{int(left.sum()):,} rows")
            answers = answers.filter(pa.array(~left))
    return answers


def completed(
    dataset: Dataset, given: frozenset[str], found: Inference, until: datetime | None
) -> DatasetSettings:
    """The settings with everything that was inferred, each with its sentence.

    ``until``: the end of what was observed, as declared or inferred.
    """
    settings = dataset.settings
    known = {*found.attributes, *found.left_out}
    parts = {a.part_of for a in found.attributes.values() if a.part_of}
    for name in sorted(set(settings.attributes) - known - parts):
        found.say(f"{name}: in the settings, but in no table")
    check_declared_features(settings, found)
    updates: dict[str, object] = {"attributes": found.attributes}
    if dataset.has_time and settings.observed_until is None and until is not None:
        updates["observed_until"] = until
        found.say(f"observed_until: inferred {until:%Y-%m-%dT%H:%M:%SZ}, the latest moment seen")
    if "horizon_days" not in given and dataset.has_time:
        found.say(f"horizon_days: not given, {settings.horizon_days:g} is taken")
    if not dataset.has_time:
        found.say(
            "leads have no created_at: nothing can be split by time, so figures are optimistic"
        )
        if dataset.interactions.num_rows or dataset.answers.num_rows:
            found.lose("leads have no created_at: interactions and answers cannot be used")
    return settings.model_copy(update=updates)


def check_declared_features(settings: DatasetSettings, found: Inference) -> None:
    """Raise DataError where a declared feature reads no number; say which cannot be used."""
    for name, declared in settings.features.items():
        key = f"dataset.toml: features.{name}.sql"
        if name in found.attributes:
            raise DataError(f"{key}: {name!r} is an attribute already; give it another name")
        for read in parse_expression(declared.sql).names:
            known = found.attributes.get(read)
            if known is None:
                numbers = [n for n, a in found.attributes.items() if _is_numeric(a)]
                near = difflib.get_close_matches(read, numbers, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(numbers)}"
                raise DataError(f"{key}: no attribute {read!r}; {hint}")
            if not _is_numeric(known):
                raise DataError(f"{key}: {read!r} is a {known.type}, not a number or boolean")
            if known.available is Available.AFTER_OUTCOME:
                found.lose(f"feature {name}: {read} is known after the outcome only")


def _is_numeric(attribute: AttributeSettings) -> bool:
    return attribute.type in (AttributeType.NUMBER, AttributeType.BOOLEAN)


def objects_of(column: pa.ChunkedArray) -> pd.Series:
    """A column of strings as pandas objects; None where unknown."""
    return pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
