"""A dataset as read and checked, and its fingerprint: what every later step starts from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import UInt64
from features.contract import DEFAULT_OPT_OUT_KINDS
from features.dataset_settings import READING_KEYS, DatasetSettings
from features.language.plural import plural
from features.schemas import QuarantinedRows, RowCount, arrow_of


@dataclass(frozen=True)
class Dataset:
    """The tables of one dataset, every row within the contract.

    ``settings``: complete; each attribute of ``leads`` and ``answers`` that is used has its type,
    group and availability. Attributes refused (free text, identifiers, dates) are in neither.
    ``leads``: ``lead_id`` (object of str), ``created_at`` (datetime64[us, UTC], only when the
    dataset has time), then attributes: number and boolean as float64 (NaN unknown, boolean 0/1),
    category as object (str or None).
    ``interactions``: INTERACTIONS_SCHEMA; null value, duration, channel or event_id is unknown.
    Ids and kinds are codes into words that may be in another order in every chunk.
    ``outcomes``: ``lead_id``, ``outcome``, ``occurred_at`` (NaT where the dataset has no time).
    ``answers``: ANSWERS_SCHEMA; values of number and boolean attributes parse with ``float``.
    ``inferred``: one sentence for each thing that the settings left out. ``losses``: what takes no
    part, and why, the first thing to tell. ``rows``: of each table, counted in the file, kept and
    set aside.
    """

    settings: DatasetSettings
    leads: pd.DataFrame
    interactions: pa.Table
    outcomes: pd.DataFrame
    answers: pa.Table
    inferred: tuple[str, ...] = ()
    quarantined: tuple[QuarantinedRows, ...] = ()
    losses: tuple[str, ...] = ()
    causes: tuple[str, ...] = ()
    rows: tuple[RowCount, ...] = ()

    @classmethod
    def from_frames(
        cls,
        *,
        leads: object,
        outcomes: object = None,
        interactions: object = None,
        answers: object = None,
        aliases: object = None,
        max_bad_fraction: float = 0.01,
        **settings: Any,
    ) -> Dataset:
        """A dataset of tables in memory: pandas or Polars DataFrames, Arrow tables, mappings.

        The columns are those of the data contract: ``leads`` with ``lead_id``, ``created_at`` and
        any attributes; ``outcomes`` with ``lead_id``, ``outcome`` (``converted`` or ``lost``; open
        leads have no row), ``occurred_at``; ``interactions`` with ``lead_id``, ``occurred_at``,
        ``kind``; ``answers`` with ``lead_id``, ``answered_at``, ``attribute``, ``value``;
        ``aliases`` with ``alias_id``, ``lead_id`` and, if known, ``since``. Times
        need a zone; None and NaN are unknown. ``settings``: the keys of ``dataset.toml``, such as
        ``name``, ``horizon_days``, ``observed_until``, ``reference_ages_days``, ``attributes``.
        The rules are those for files, so the same rows give the same dataset, to the last bit.
        Without ``outcomes`` the leads can be scored, not learned from.

        Raises:
            DataError: a column is missing, a time has no zone, or more than ``max_bad_fraction``
                of a table's rows break the contract.

        >>> data = Dataset.from_frames(
        ...     leads={"lead_id": ["L1", "L2"], "industry": ["food", None]},
        ...     outcomes={"lead_id": ["L1"], "outcome": ["converted"]},
        ...     horizon_days=30,
        ... )
        >>> len(data.leads), data.has_time
        (2, False)
        """
        from features.reading.frames import dataset_from_frames

        frames = {
            "leads": leads, "outcomes": outcomes, "interactions": interactions, "answers": answers,
            "aliases": aliases,
        }  # fmt: skip
        return dataset_from_frames(
            frames,
            settings,
            max_bad_fraction=max_bad_fraction,
            outcomes_required=outcomes is not None,
        )

    def __repr__(self) -> str:
        """What there is of each table, in one line.

        >>> Dataset.from_frames(
        ...     leads={"lead_id": ["L1", "L2"], "industry": ["food", None]},
        ...     outcomes={"lead_id": ["L1"], "outcome": ["converted"]},
        ...     horizon_days=30, name="fair",
        ... )
        <dataset fair: 2 leads, 1 outcome (1 converted), 0 interactions, 0 answers; 1 attribute; \
horizon 30 days>
        """
        converted = int((self.outcomes["outcome"] == "converted").sum())
        outcomes = plural(len(self.outcomes), "{n:,} outcome", "{n:,} outcomes")
        tables = (
            plural(len(self.leads), "{n:,} lead", "{n:,} leads"),
            f"{outcomes} ({converted:,} converted)",
            plural(len(self.interactions), "{n:,} interaction", "{n:,} interactions"),
            plural(len(self.answers), "{n:,} answer", "{n:,} answers"),
        )
        parts = [
            ", ".join(tables),
            plural(len(self.settings.attributes), "{n:,} attribute", "{n:,} attributes"),
            "horizon " + plural(self.settings.horizon_days, "{n:g} day", "{n:g} days"),
        ]
        if self.settings.observed_until is not None:
            parts.append(f"observed until {self.settings.observed_until:%Y-%m-%d}")
        return f"<dataset {self.settings.name}: {'; '.join(parts)}>"

    @property
    def has_time(self) -> bool:
        """Whether leads have a ``created_at``; without it nothing can be split by time."""
        return "created_at" in self.leads.columns

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over settings and content; computed once, when first needed.

        The order of rows and the format they were read from do not matter. It identifies data;
        it does not protect against someone who wants a collision.
        """

        return fingerprint_of(self)


KEYS = ("leadscore-lane-a", "leadscore-lane-b")
ROWS_AT_ONCE = 1_000_000
ODD = np.uint64(0x9E3779B97F4A7C15)


def fingerprint_of(dataset: Dataset) -> str:
    """SHA-256 (hex) of settings and tables; a table is the sum of the hashes of its rows.

    Its name, description and licence are not part of it.
    """
    words = {"name", "about", "licence", *READING_KEYS}
    written = {"multiple", "part_of", "decimal", "thousands", "units"}
    # a key that says nothing new is as if it were not there
    if not dataset.settings.excluded_kinds:
        words.add("excluded_kinds")
    if not dataset.settings.account_features:
        words.add("account_features")
    if not dataset.settings.features:
        words.add("features")
    if dataset.settings.opt_out_kinds == DEFAULT_OPT_OUT_KINDS:
        words.add("opt_out_kinds")
    left_out: dict[str, Any] = {**dict.fromkeys(words, True), "attributes": {"__all__": written}}
    digest = hashlib.sha256(dataset.settings.model_dump_json(exclude=left_out).encode())
    for name, frame in (("leads", dataset.leads), ("outcomes", dataset.outcomes)):
        _add(digest, name, arrow_of(frame))
    _add(digest, "interactions", dataset.interactions)
    _add(digest, "answers", dataset.answers)
    return digest.hexdigest()


def _add(digest: hashlib._Hash, name: str, table: pa.Table) -> None:
    table = table.select(sorted(table.column_names))
    sums = [np.uint64(0), np.uint64(0)]
    for start in range(0, table.num_rows, ROWS_AT_ONCE):
        rows = table.slice(start, ROWS_AT_ONCE)
        for lane, key in enumerate(KEYS):
            with np.errstate(over="ignore"):
                sums[lane] = sums[lane] + _row_hashes(rows, key).sum(dtype=np.uint64)
    shape = f"{name}|{table.num_rows}|{table.column_names}|{sums[0]:016x}{sums[1]:016x}"
    digest.update(shape.encode())


def _row_hashes(table: pa.Table, key: str) -> UInt64:
    total = np.zeros(table.num_rows, dtype=np.uint64)
    for position, column in enumerate(table.columns):
        hashes = _column_hashes(column, key)
        total = _mix(total * ODD + hashes + np.uint64(position))
    return total


def _column_hashes(column: pa.ChunkedArray, key: str) -> UInt64:
    if pa.types.is_timestamp(column.type):
        numbers = pc.fill_null(column.cast(pa.int64()), np.iinfo(np.int64).min).to_numpy()
    elif pa.types.is_floating(column.type):
        numbers = pc.fill_null(column, float("nan")).to_numpy() + 0.0
        numbers = np.where(np.isnan(numbers), np.nan, numbers)
    elif pa.types.is_null(column.type):
        return np.full(len(column), np.uint64(hash_seed(key + "null")))
    else:
        return _text_hashes(column.cast(pa.string()), key)
    salt = np.uint64(int.from_bytes(key[:8].encode(), "little") ^ hash_seed(key))
    return _mix(np.ascontiguousarray(numbers).view(np.uint64) ^ salt)


def _mix(bits: UInt64) -> UInt64:
    """The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every bit reaches every bit."""
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(bits ^ (bits >> np.uint64(31)))


def hash_seed(key: str) -> int:
    """A 64-bit number from ``key``, the same everywhere."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "little")


def _text_hashes(column: pa.ChunkedArray, key: str) -> UInt64:
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pa.ChunkedArray):
        encoded = encoded.combine_chunks()
    words = np.asarray(encoded.dictionary.to_pylist(), dtype=object)
    of_words = pd.util.hash_array(words, hash_key=key, categorize=False)
    table = np.append(of_words, np.uint64(hash_seed(key + "null")))
    codes = pc.fill_null(encoded.indices, len(words)).to_numpy(zero_copy_only=False)
    hashes: UInt64 = table[codes]
    return hashes
