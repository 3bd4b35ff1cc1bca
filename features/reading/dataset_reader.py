"""A dataset whose interactions are read part by part; everything else of it is in memory."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import reduce

import numpy as np
import pandas as pd
import pyarrow as pa

from features.account_history import with_account_history
from features.accounts import accounts_in_words
from features.dataset import Dataset
from features.dataset_settings import DatasetSettings
from features.errors import DataError
from features.reading.inference.complete_settings import completed
from features.reading.inference.inference import Inference
from features.reading.inference.observation import DailyMoments
from features.reading.quarantine import Quarantine
from features.reading.row_counts import check_counts, losses, row_counts
from features.reading.sources.table_source import TableSource
from features.reading.times.day_month_order import TimeEvidence
from features.reading.times.moment_column import moments_of_column
from features.reading.validation.after_observation import within_observation
from features.reading.validation.lead_index import LeadIndex
from features.reading.validation.table_rules import TableRules
from features.reading.validation.tables import clean_interactions
from features.reading.values.text import trimmed_text
from features.schemas import check_frames


@dataclass(frozen=True)
class DatasetReader:
    """Everything but the interactions, in memory; those can be had part by part.

    ``known``: which leads interactions may speak of. ``quarantine`` and ``found`` collect what is
    refused and inferred, also by the interactions still to come. ``days``: how many interactions
    were read of each day. ``read``: per table, how many rows were read.
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
                    self.days.append(
                        DailyMoments.of(moments_of_column(table.column("occurred_at")))
                    )
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
            partial, until = within_observation(
                partial, days, self.tables, self.quarantine, self.found
            )
        refuse_empty(partial.leads, self.quarantine)
        complete = completed(partial, self.given, self.found, until)
        check_frames(partial.leads, partial.outcomes, complete)
        check_counts(self.tables, self.quarantine, self.read)
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
            losses=losses(self.tables, self.quarantine, self.found),
            causes=self.quarantine.causes,
            rows=row_counts(self.tables, self.quarantine, partial),
        )

    @property
    def _until(self) -> pd.Timestamp | None:
        return until_of(self.settings)


NO_MOMENTS = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True, slots=True)
class InteractionChunk:
    """Some interactions within the contract, out of ``seen`` rows read."""

    table: pa.Table
    seen: int


def refuse_empty(leads: pd.DataFrame, quarantine: Quarantine) -> None:
    """DataError where every lead was set aside, with the reason of the most rows."""
    if len(leads):
        return
    first = next((q.example for q in quarantine.found if not q.harmless), None)
    why = first or next((q.example for q in quarantine.found), "nothing was read")
    raise DataError(f"no lead is left: {why}; correct the rows")


def until_of(settings: DatasetSettings) -> pd.Timestamp | None:
    """``observed_until`` as pandas has it."""
    return pd.Timestamp(settings.observed_until) if settings.observed_until else None
