"""A dataset as rows of the service's store, in the order in which a store takes them."""

from __future__ import annotations

import hashlib
import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa

from features.contract import AttributeType
from features.dataset import Dataset
from features.dataset_settings import READING_KEYS, DatasetSettings
from features.errors import DataError
from serving.messages.fields import LONGEST_NAME
from serving.problems import Problem
from serving.store import tables
from serving.store.attribute_names import check_names
from serving.store.bulk import insert_new
from serving.store.database import note
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, put_leads
from serving.store.tombstones import Tombstones
from serving.store.views import fit_for_a_column

ROWS_AT_ONCE = 10_000
"""Rows in one transaction: a service beside it gets its turn after each."""

INVALID = "invalid"
Counts = dict[str, Counter[str]]


class Loader:
    """Adds a dataset to a store; loading it again changes nothing.

    ``counts``: by table, what became of how many rows: the words of ``serving.store.ingest`` and
    ``leads``, and ``invalid`` for names that no request could have.
    """

    def __init__(self, engine: sa.Engine, tombstones: Tombstones, now_us: int, source: str) -> None:
        self._engine = engine.execution_options(writes=True)
        self._tombstones = tombstones
        self._now_us = now_us
        self._source = source
        self.counts: Counts = {}
        self.left_out: list[str] = []

    def load(self, data: Dataset, progress: Callable[[str, int, int], None]) -> None:
        """Add leads, answers, interactions and outcomes, and the settings if there are none."""
        parts: list[tuple[str, int, Iterator[list[Any]]]] = [
            ("lead", len(data.leads), self._leads(data)),
            ("answer", data.answers.num_rows, self._answers(data.answers)),
            ("interaction", data.interactions.num_rows, self._interactions(data.interactions)),
            ("outcome", len(data.outcomes), self._outcomes(data.outcomes)),
        ]
        for name, total, batches in parts:
            counts = self.counts.setdefault(name, Counter())
            done = 0
            for batch in batches:
                counts.update(self._add(name, batch))
                done += len(batch)
                progress(name, done, total)
            counts[INVALID] = total - done
        with self._engine.begin() as connection:
            _describe(connection, data.settings)

    def _add(self, name: str, batch: list[Any]) -> list[str]:
        with self._engine.begin() as connection:
            if name == "lead":
                words = [
                    word for word, _ in put_leads(connection, batch, self._now_us, self._tombstones)
                ]
            else:
                table = tables.metadata.tables[name]
                words = add_rows(connection, table, batch, self._tombstones)
            note(connection, self._now_us, "command", f"load {name}", "", len(batch))
        return words

    def _leads(self, data: Dataset) -> Iterator[list[NewLead]]:
        names = [c for c in data.leads.columns if c not in ("lead_id", "created_at")]
        fit = [name for name in names if fit_for_a_column(name)]
        with self._engine.begin() as connection:
            try:
                check_names(connection, fit)
            except Problem as problem:
                told = problem.errors[0].message if problem.errors else problem.detail
                raise DataError(
                    f"the store does not take the attributes of leads: {told}"
                ) from None
        self.left_out += [name for name in names if name not in fit]
        kinds = {name: data.settings.attributes[name].type for name in fit}
        for start in range(0, len(data.leads), ROWS_AT_ONCE):
            part = data.leads.iloc[start : start + ROWS_AT_ONCE]
            created: list[int | None] = [None] * len(part)
            if data.has_time:
                created = [int(at) for at in part["created_at"].astype("int64")]
            columns = {
                name: [_value(value, kinds[name]) for value in part[name].tolist()] for name in fit
            }
            yield [
                NewLead(
                    lead_id, created[i],
                    {name: column[i] for name, column in columns.items() if column[i] is not None},
                )
                for i, lead_id in enumerate(part["lead_id"].tolist())
                if _is_name(lead_id)
            ]  # fmt: skip

    def _interactions(self, table: pa.Table) -> Iterator[list[dict[str, Any]]]:
        for row in _batches(table):
            at_us = row["occurred_at"]
            yield [
                {"lead_id": row["lead_id"][i], "occurred_us": at_us[i], "kind": kind,
                 "value": _number(row["value"][i]), "duration_s": _number(row["duration_s"][i]),
                 "channel": row["channel"][i], "source": self._source,
                 "event_id": _event_name(row["event_id"][i]), "received_us": self._now_us}
                for i, kind in enumerate(row["kind"])
                if _is_name(row["lead_id"][i]) and _is_name(kind)
            ]  # fmt: skip

    def _answers(self, table: pa.Table) -> Iterator[list[dict[str, Any]]]:
        for row in _batches(table):
            yield [
                {"lead_id": row["lead_id"][i], "answered_us": row["answered_at"][i],
                 "attribute": name, "value": row["value"][i] or "", "received_us": self._now_us}
                for i, name in enumerate(row["attribute"])
                if _is_name(row["lead_id"][i]) and _is_name(name)
            ]  # fmt: skip

    def _outcomes(self, frame: pd.DataFrame) -> Iterator[list[dict[str, Any]]]:
        known = frame[frame["occurred_at"].notna()]  # without a moment it cannot be told apart
        for start in range(0, len(known), ROWS_AT_ONCE):
            part = known.iloc[start : start + ROWS_AT_ONCE]
            at_us = part["occurred_at"].astype("datetime64[us, UTC]").astype("int64").tolist()
            yield [
                {"lead_id": lead_id, "outcome": str(outcome), "occurred_us": at,
                 "received_us": self._now_us}
                for lead_id, outcome, at in zip(
                    part["lead_id"].tolist(), part["outcome"].tolist(), at_us, strict=True
                )
                if _is_name(lead_id)
            ]  # fmt: skip


def _batches(table: pa.Table) -> Iterator[dict[str, list[Any]]]:
    """The columns as lists, some rows at a time; moments in microseconds."""
    for start in range(0, table.num_rows, ROWS_AT_ONCE):
        part = table.slice(start, ROWS_AT_ONCE)
        yield {
            name: (
                part.column(name).cast(pa.int64()) if name.endswith("_at") else part.column(name)
            ).to_pylist()
            for name in part.column_names
        }


def _value(value: Any, kind: AttributeType | None) -> Any:
    """A typed attribute as a request would say it; None where unknown."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return bool(value) if kind is AttributeType.BOOLEAN else value


def _number(value: float | None) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _is_name(text: str) -> bool:
    return 1 <= len(text) <= LONGEST_NAME and "\x00" not in text


def _event_name(text: str | None) -> str | None:
    """An event's id; one that is too long is named by its hash."""
    if text is None or _is_name(text):
        return text
    return "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def _describe(connection: sa.Connection, settings: DatasetSettings) -> None:
    """Keep the settings as rows of ``dataset``, but what says how files are read, and until when
    the data were observed: a store goes on. Settings that are there already stay."""
    if connection.scalar(sa.select(tables.dataset.c.key).limit(1)) is not None:
        return
    skipped = READING_KEYS | {"observed_until", "unanswered", "attributes"}
    given = settings.model_dump(mode="json", exclude_defaults=True, exclude=set(skipped))
    for name, one in settings.attributes.items():
        if fit_for_a_column(name):
            own = one.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
            for key in ("type", "group", "available", "levels"):
                if key in own:
                    given[f"attributes.{name}.{key}"] = own[key]
    insert_new(
        connection,
        tables.dataset,
        [
            {"key": key, "value": value if isinstance(value, str) else json.dumps(value)}
            for key, value in given.items()
            if len(key) <= LONGEST_NAME
        ],
    )


def summary(counts: Counts) -> Sequence[tuple[str, str]]:
    """What became of the rows, a line a table."""
    return [
        (name, ", ".join(f"{count:,} {word}" for word, count in sorted(words.items()) if count))
        for name, words in counts.items()
        if sum(words.values())
    ]
