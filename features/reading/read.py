"""Read a dataset: a folder or a database, checked row by row, inferred and typed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Int64, Object
from features.contract import DatasetSettings
from features.dataset import Dataset
from features.errors import DataError
from features.histories.arrays import NO_TIME
from features.reading.attributes import typed_answers, typed_leads
from features.reading.folder import FolderSource, TableSource, file_chunks
from features.reading.inference import Inference
from features.reading.parsing import to_text
from features.reading.quarantine import Chunk, Quarantine, RejectReason
from features.reading.validation import (
    LeadIndex,
    clean_answers,
    clean_interactions,
    clean_leads,
    clean_outcomes,
    concat_chunks,
    mask_in,
    parse_timestamps,
    require,
    with_lead_id,
)
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA, check_frames

__all__ = ["read_dataset", "read_references", "source_of"]


def read_dataset(
    source: str | Path,
    *,
    max_bad_fraction: float = 0.01,
    quarantine_dir: Path | None = None,
    outcomes_required: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Dataset:
    """Read and check a dataset folder or the tables behind a database URL.

    ``max_bad_fraction``: of the rows of any one table that may break the contract. Such rows are
    left out, counted in ``Dataset.quarantined`` and, if ``quarantine_dir`` is given, written there.
    ``outcomes_required=False``: leads that are only to be scored need no outcomes.
    ``progress`` is told the interactions read so far, after every part; it may raise to stop.
    Raises DataError (the contract), StorageError (the database cannot be reached).
    """
    return dataset_from(
        source_of(source),
        Quarantine(quarantine_dir, max_bad_fraction),
        outcomes_required=outcomes_required,
        progress=progress,
    )


def dataset_from(
    tables: TableSource,
    quarantine: Quarantine,
    *,
    outcomes_required: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Dataset:
    """Read and check the tables of any source; see :func:`read_dataset`."""
    reading = open_dataset(tables, quarantine, outcomes_required=outcomes_required)
    return reading.dataset(_all_interactions(reading, progress))


def _all_interactions(reading: DatasetReader, progress: Callable[[int], None] | None) -> pa.Table:
    parts, seen = [], 0
    for part in reading.interactions():
        parts.append(part.table)
        seen += part.seen
        if progress is not None:
            progress(seen)
    reading.quarantine.check_limit(reading.tables.label("interactions"), seen)
    return pa.concat_tables(parts) if parts else INTERACTIONS_SCHEMA.empty_table()


def read_references(path: Path) -> pd.DataFrame:
    """Read ``references.csv`` (or .csv.gz, .parquet): ``lead_id``, ``as_of`` in the order given.

    Returns ``lead_id`` (object of str) and ``as_of`` (datetime64[us, UTC]). Repeated rows are kept:
    each is a question. Any broken row raises DataError, because the answer keeps every row.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file with lead_id and as_of")
    return references_from(concat_chunks(file_chunks(path, "references", Quarantine(None, 0.0))))


def references_from(chunk: Chunk) -> pd.DataFrame:
    """The references of a table; see :func:`read_references`."""
    strict, seen = Quarantine(None, 0.0), len(chunk)
    require(chunk)
    chunk = parse_timestamps(with_lead_id(chunk, strict), "as_of", strict, required=True)
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
    """The folder or database that ``source`` names."""
    if isinstance(source, str) and "://" in source:
        from features.reading.database import DatabaseSource

        return DatabaseSource(source)
    return FolderSource(Path(source))


@dataclass(frozen=True)
class DatasetReader:
    """Everything but the interactions, in memory; those can be had part by part.

    ``known``: which leads interactions may speak of. ``quarantine`` and ``found`` collect what is
    refused and inferred, also by the interactions still to come.
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

    def interactions(
        self, skip: int = 0, quarantine: Quarantine | None = None
    ) -> Iterator[InteractionChunk]:
        """The interactions, cleaned, a bounded number at a time; the first ``skip`` left out."""
        if not self.tables.has("interactions"):
            return
        aside = quarantine or self.quarantine
        for chunk in self.tables.chunks("interactions", aside, skip):
            yield InteractionChunk(
                clean_interactions(chunk, aside, self.known, self._until), len(chunk)
            )

    def dataset(self, interactions: pa.Table, latest: pd.Timestamp | None = None) -> Dataset:
        """The dataset with these interactions, its settings completed.

        ``latest``: the latest interaction, where ``interactions`` holds only some of them.
        """
        partial = Dataset(self.settings, self.leads, interactions, self.outcomes, self.answers)
        complete = completed(partial, self.given, self.found, latest)
        check_frames(self.leads, self.outcomes, complete)
        return Dataset(
            complete,
            self.leads,
            interactions,
            self.outcomes,
            self.answers,
            inferred=tuple(self.found.sentences),
            quarantined=self.quarantine.found,
        )

    @property
    def _until(self) -> pd.Timestamp | None:
        return until_of(self.settings)


@dataclass(frozen=True, slots=True)
class InteractionChunk:
    """Some interactions within the contract, out of ``seen`` rows read."""

    table: pa.Table
    seen: int


def open_dataset(
    tables: TableSource, quarantine: Quarantine, *, outcomes_required: bool
) -> DatasetReader:
    """Read and check leads, outcomes and answers. Raises DataError."""
    settings, given = tables.settings()
    found = Inference()
    until = until_of(settings)
    raw = concat_chunks(tables.chunks("leads", quarantine))
    require(raw)
    all_ids = ids_of(raw)
    chunk = clean_leads(raw, quarantine, until)
    leads = typed_leads(chunk, settings, quarantine, found)
    quarantine.check_limit(chunk.file, len(raw))
    if len(leads) == 0:
        raise DataError(f"{chunk.file} has no rows; expected one row a lead")
    leads, outcomes = _read_outcomes(
        tables, quarantine, leads, until, required=outcomes_required, all_ids=all_ids
    )
    known = LeadIndex(pa.array(leads["lead_id"], pa.string()), all_ids)
    answers = _read_answers(tables, quarantine, known, until, settings, found)
    return DatasetReader(
        tables, settings, given, quarantine, found, leads, outcomes, answers, known
    )


def until_of(settings: DatasetSettings) -> pd.Timestamp | None:
    """``observed_until`` as pandas has it."""
    return pd.Timestamp(settings.observed_until) if settings.observed_until else None


def _read_outcomes(
    tables: TableSource,
    quarantine: Quarantine,
    leads: pd.DataFrame,
    until: pd.Timestamp | None,
    *,
    required: bool,
    all_ids: pa.Array,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Outcomes, and the leads without those whose outcome is in quarantine."""
    if not tables.has("outcomes") and not required:
        return leads, _outcome_frame(None)
    raw = concat_chunks(tables.chunks("outcomes", quarantine))
    chunk = clean_outcomes(raw, quarantine, leads, until)
    known = LeadIndex(pa.array(leads["lead_id"], pa.string()), all_ids)
    chunk = known.only(chunk, quarantine)
    quarantine.check_limit(raw.file, len(raw))
    outcomes = _outcome_frame(chunk)
    broken = set(ids_of(raw).drop_null().to_pylist()) - set(outcomes["lead_id"])
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
    settings: DatasetSettings,
    found: Inference,
) -> pa.Table:
    if not tables.has("answers"):
        return ANSWERS_SCHEMA.empty_table()
    raw = concat_chunks(tables.chunks("answers", quarantine))
    chunk = clean_answers(raw, quarantine, known, until)
    answers = typed_answers(chunk, settings, quarantine, found)
    quarantine.check_limit(raw.file, len(raw))
    if found.left_out:
        answers = answers.filter(pa.array(~mask_in(answers.column("attribute"), found.left_out)))
    return answers


def completed(
    dataset: Dataset, given: frozenset[str], found: Inference, latest: pd.Timestamp | None = None
) -> DatasetSettings:
    """The settings with everything that was inferred, each with its sentence."""
    settings = dataset.settings
    for name in sorted(set(settings.attributes) - set(found.attributes) - set(found.left_out)):
        found.say(f"{name}: in the settings, but in no table")
    updates: dict[str, object] = {"attributes": found.attributes}
    if dataset.has_time and settings.observed_until is None:
        seen = latest_moment(dataset)
        latest = seen if latest is None else max(seen, latest)
        updates["observed_until"] = latest.to_pydatetime()
        found.say(f"observed_until: inferred {latest:%Y-%m-%dT%H:%M:%SZ}, the latest moment seen")
    if "horizon_days" not in given and dataset.has_time:
        found.say(f"horizon_days: not given, {settings.horizon_days:g} is taken")
    if not dataset.has_time:
        found.say(
            "leads have no created_at: nothing can be split by time, so figures are optimistic"
        )
        if dataset.interactions.num_rows or dataset.answers.num_rows:
            found.say("leads have no created_at: interactions and answers cannot be used")
    return settings.model_copy(update=updates)


def latest_moment(dataset: Dataset) -> pd.Timestamp:
    """The latest moment in any table; the dataset must have time."""
    moments = [dataset.leads["created_at"].max(), dataset.outcomes["occurred_at"].max()]
    for column in (
        dataset.interactions.column("occurred_at"),
        dataset.answers.column("answered_at"),
    ):
        latest = pc.max(column).as_py()
        moments.append(pd.Timestamp(latest) if latest is not None else pd.NaT)
    return max(pd.Timestamp(moment) for moment in moments if not pd.isna(moment))


def objects_of(column: pa.ChunkedArray) -> pd.Series:
    """A column of strings as pandas objects; None where unknown."""
    return pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
