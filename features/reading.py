"""Read a dataset: a folder or a database, checked row by row, inferred and typed."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.attributes import typed_answers, typed_leads
from features.contract import DatasetSettings
from features.dataset import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA, Dataset
from features.errors import DataError
from features.frames import check_frames
from features.inference import Inference
from features.quarantine import Chunk, Quarantine, Reason
from features.reading_files import FolderSource, TableSource, file_chunks
from features.reading_tables import (
    KnownLeads,
    clean_answers,
    clean_interactions,
    clean_leads,
    clean_outcomes,
    gathered,
    mask_in,
    require,
    with_lead_id,
    with_times,
)
from features.reading_values import text_of


def read_dataset(
    source: str | Path,
    *,
    max_bad_fraction: float = 0.01,
    quarantine_dir: Path | None = None,
    outcomes_required: bool = True,
) -> Dataset:
    """Read and check a dataset folder or the tables behind a database URL.

    ``max_bad_fraction``: of the rows of any one table that may break the contract. Such rows are
    left out, counted in ``Dataset.quarantined`` and, if ``quarantine_dir`` is given, written there.
    ``outcomes_required=False``: leads that are only to be scored need no outcomes.
    Raises DataError (the contract), StorageError (the database cannot be reached).
    """
    tables = source_of(source)
    settings, given = tables.settings()
    quarantine = Quarantine(quarantine_dir, max_bad_fraction)
    found = Inference()
    until = pd.Timestamp(settings.observed_until) if settings.observed_until else None

    raw = gathered(tables.chunks("leads", quarantine))
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
    known = KnownLeads(pa.array(leads["lead_id"], pa.string()), all_ids)
    interactions = _read_interactions(tables, quarantine, known, until)
    answers = _read_answers(tables, quarantine, known, until, settings, found)
    dataset = Dataset(settings, leads, interactions, outcomes, answers)
    complete = _completed(dataset, given, found)
    check_frames(leads, outcomes, complete)
    return Dataset(
        complete,
        leads,
        interactions,
        outcomes,
        answers,
        inferred=tuple(found.sentences),
        quarantined=quarantine.found,
    )


def source_of(source: str | Path) -> TableSource:
    """The folder or database that ``source`` names."""
    if isinstance(source, str) and "://" in source:
        from features.database import DatabaseSource

        return DatabaseSource(source)
    return FolderSource(Path(source))


def read_references(path: Path) -> pd.DataFrame:
    """Read ``references.csv`` (or .csv.gz, .parquet): ``lead_id``, ``as_of`` in the order given.

    Returns ``lead_id`` (object of str) and ``as_of`` (datetime64[us, UTC]). Repeated rows are kept:
    each is a question. Any broken row raises DataError, because the answer keeps every row.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file with lead_id and as_of")
    strict = Quarantine(None, 0.0)
    chunk = gathered(file_chunks(path, "references", strict))
    seen = len(chunk)
    require(chunk)
    chunk = with_times(with_lead_id(chunk, strict), "as_of", strict, required=True)
    strict.check_limit(chunk.file, seen)
    return pd.DataFrame(
        {
            "lead_id": _objects(chunk.table.column("lead_id")),
            "as_of": chunk.table.column("as_of").to_pandas().astype("datetime64[us, UTC]"),
        }
    )


def _objects(column: pa.ChunkedArray) -> pd.Series:
    return pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)


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
    raw = gathered(tables.chunks("outcomes", quarantine))
    chunk = clean_outcomes(raw, quarantine, leads, until)
    known = KnownLeads(pa.array(leads["lead_id"], pa.string()), all_ids)
    chunk = known.only(chunk, quarantine)
    quarantine.check_limit(raw.file, len(raw))
    outcomes = _outcome_frame(chunk)
    broken = set(ids_of(raw).drop_null().to_pylist()) - set(outcomes["lead_id"])
    doubtful = leads["lead_id"].isin(broken).to_numpy()
    if doubtful.any():
        reason = Reason("its outcome is in quarantine", harmless=True)
        example = f"{int(doubtful.sum()):,} leads whose outcome cannot be used are left out"
        quarantine.note(tables.label("leads"), reason, int(doubtful.sum()), example)
        leads = leads[~doubtful].reset_index(drop=True)
    return leads, outcomes


def ids_of(chunk: Chunk) -> pa.Array:
    """The ``lead_id`` of every row, as strings."""
    ids = text_of(chunk.table.column("lead_id"))
    return pa.concat_arrays(ids.chunks) if ids.num_chunks else pa.array([], pa.string())


def _outcome_frame(chunk: Chunk | None) -> pd.DataFrame:
    frame = pd.DataFrame({"lead_id": pd.Series([], dtype=object)})
    if chunk is not None:
        frame = pd.DataFrame({"lead_id": _objects(chunk.table.column("lead_id"))})
    frame["outcome"] = _objects(chunk.table.column("outcome")) if chunk else None
    frame["outcome"] = frame["outcome"].astype(object)
    if chunk is not None and "occurred_at" in chunk.table.column_names:
        times = chunk.table.column("occurred_at").to_pandas()
        frame["occurred_at"] = times.astype("datetime64[us, UTC]").array
    else:
        nothing = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
        frame["occurred_at"] = nothing
    return frame


def _read_interactions(
    tables: TableSource, quarantine: Quarantine, known: KnownLeads, until: pd.Timestamp | None
) -> pa.Table:
    if not tables.has("interactions"):
        return INTERACTIONS_SCHEMA.empty_table()
    parts, seen = [], 0
    for chunk in tables.chunks("interactions", quarantine):
        seen += len(chunk)
        parts.append(clean_interactions(chunk, quarantine, known, until))
    quarantine.check_limit(tables.label("interactions"), seen)
    return pa.concat_tables(parts) if parts else INTERACTIONS_SCHEMA.empty_table()


def _read_answers(
    tables: TableSource,
    quarantine: Quarantine,
    known: KnownLeads,
    until: pd.Timestamp | None,
    settings: DatasetSettings,
    found: Inference,
) -> pa.Table:
    if not tables.has("answers"):
        return ANSWERS_SCHEMA.empty_table()
    raw = gathered(tables.chunks("answers", quarantine))
    chunk = clean_answers(raw, quarantine, known, until)
    answers = typed_answers(chunk, settings, quarantine, found)
    quarantine.check_limit(raw.file, len(raw))
    if found.left_out:
        answers = answers.filter(pa.array(~mask_in(answers.column("attribute"), found.left_out)))
    return answers


def _completed(dataset: Dataset, given: frozenset[str], found: Inference) -> DatasetSettings:
    """The settings with everything that was inferred, each with its sentence."""
    settings = dataset.settings
    for name in sorted(set(settings.attributes) - set(found.attributes) - set(found.left_out)):
        found.say(f"{name}: in the settings, but in no table")
    updates: dict[str, object] = {"attributes": found.attributes}
    if dataset.has_time and settings.observed_until is None:
        latest = latest_moment(dataset)
        updates["observed_until"] = latest.to_pydatetime()
        found.say(f"observed_until: inferred {latest:%Y-%m-%dT%H:%M:%SZ}, the latest moment seen")
    if "horizon_days" not in given and dataset.has_time:
        found.say(f"horizon_days: not given, {settings.horizon_days:g} is taken")
    if not dataset.has_time:
        found.say("leads have no created_at: nothing can be split by time, so figures will flatter")
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
