"""One reading of a dataset: leads, outcomes and answers at once, interactions part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.attributes import typed_answers, typed_leads
from features.contract import DatasetSettings
from features.dataset import ANSWERS_SCHEMA, Dataset
from features.errors import DataError
from features.frames import check_frames
from features.inference import Inference
from features.quarantine import Chunk, Quarantine, Reason
from features.reading_files import FolderSource, TableSource
from features.reading_tables import (
    KnownLeads,
    clean_answers,
    clean_interactions,
    clean_leads,
    clean_outcomes,
    gathered,
    mask_in,
    require,
)
from features.reading_values import text_of


def source_of(source: str | Path) -> TableSource:
    """The folder or database that ``source`` names."""
    if isinstance(source, str) and "://" in source:
        from features.database import DatabaseSource

        return DatabaseSource(source)
    return FolderSource(Path(source))


@dataclass(frozen=True)
class Reading:
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
    known: KnownLeads

    def interactions(self, skip: int = 0, quarantine: Quarantine | None = None) -> Iterator[Part]:
        """The interactions, cleaned, a bounded number at a time; the first ``skip`` left out."""
        if not self.tables.has("interactions"):
            return
        aside = quarantine or self.quarantine
        for chunk in self.tables.chunks("interactions", aside, skip):
            yield Part(clean_interactions(chunk, aside, self.known, self._until), len(chunk))

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
class Part:
    """Some interactions within the contract, out of ``seen`` rows read."""

    table: pa.Table
    seen: int


def start_reading(
    tables: TableSource, quarantine: Quarantine, *, outcomes_required: bool
) -> Reading:
    """Read and check leads, outcomes and answers. Raises DataError."""
    settings, given = tables.settings()
    found = Inference()
    until = until_of(settings)
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
    answers = _read_answers(tables, quarantine, known, until, settings, found)
    return Reading(tables, settings, given, quarantine, found, leads, outcomes, answers, known)


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


def objects_of(column: pa.ChunkedArray) -> pd.Series:
    """A column of strings as pandas objects; None where unknown."""
    return pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
