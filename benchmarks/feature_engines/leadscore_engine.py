"""This project's engine, from the Parquet file to the matrix."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from feature_engines.asked import HALF_LIFE_DAYS, KINDS, WINDOWS_DAYS

from features.compute.parallel import ordered_map
from features.compute.string_table import StringTable
from features.histories.arrays import Answers, Histories, References
from features.histories.build import interactions_of
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from features.vectors.compute import compute_vectors
from features.vectors.spec import Feature, FeatureSpec


def _of(topic: str, aggregate: str, **more: float) -> Feature:
    return Feature("interactions", topic, aggregate, **more)


def spec() -> FeatureSpec:
    """The sixty features, in the order of ``asked.NAMES``."""
    columns = []
    for kind in KINDS:
        columns += [_of(kind, "count", window_days=float(w)) for w in WINDOWS_DAYS]
        columns += [_of(kind, "days_since_last")]
        columns += [_of(kind, "decayed", half_life_days=float(HALF_LIFE_DAYS))]
    columns += [_of("any", "count", window_days=float(w)) for w in WINDOWS_DAYS]
    columns += [_of("any", a) for a in ("count", "days_since_last", "days_since_first")]
    columns += [
        _of("any", "decayed", half_life_days=float(HALF_LIFE_DAYS)),
        _of("any", "active_days", window_days=30.0),
        _of("any", "minutes_total"),
        _of("any", "value_total"),
    ]
    return FeatureSpec(tuple(columns))


def prepare() -> None:
    """Load the compiled kernels, which belong to the program and not to the data."""
    one({"kind": [KINDS[0]], "at_us": [0], "value": [1.0], "duration_s": [1.0]}, 1)


def histories(path: Path) -> Histories:
    """Every lead of the file, in the order in which they are met."""
    known = StringTable()
    groups = range(pq.read_metadata(path).num_row_groups)
    parts = list(ordered_map(lambda group: _part(path, group, known), groups))
    names = known.all()
    tables = [pa.concat_tables(_named(part, names) for part in parts)]
    parts.clear()  # only the list holds the table now, and gives it away
    ids = names.to_numpy(zero_copy_only=False)
    n = len(ids)
    none = (np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int32))
    answers = Answers(np.zeros(n + 1, np.int64), *none, (), ())
    return Histories(ids, np.zeros(n, np.int64), {}, interactions_of(tables.pop(), ids), answers)


def _part(path: Path, group: int, known: StringTable) -> pa.Table:
    """One row group with its lead ids as numbers; the cores read different groups."""
    columns = ["lead_id", "occurred_at", "kind", "value", "duration_s"]
    with pq.ParquetFile(path, read_dictionary=["kind"]) as file:
        part = file.read_row_group(group, columns=columns)
    return part.set_column(0, "lead_id", pa.array(known.add(part["lead_id"])))


def _named(part: pa.Table, names: pa.Array) -> pa.Table:
    """The ids as a dataset has them: each id once, and codes; no events."""
    codes = pa.DictionaryArray.from_arrays(part["lead_id"].chunk(0), names, safe=False)
    part = part.set_column(0, "lead_id", codes)
    return part.append_column("event_id", pa.nulls(len(part)))


def compute(path: Path, moments: list[int]) -> np.ndarray:
    """The matrix, leads in order of id, each lead's moments in the order given."""
    known = histories(path)
    by_id = pc.array_sort_indices(pa.array(known.lead_ids)).to_numpy().astype(np.int64)
    lead = np.repeat(by_id, len(moments))
    return compute_vectors(
        spec(), known, References(lead, np.tile(moments, len(known)).astype(np.int64))
    )


def one(rows: dict[str, list], as_of: int) -> np.ndarray:
    """One lead from Python lists."""
    lists = RecordColumns(rows["kind"], rows["at_us"], rows["value"], rows["duration_s"])
    lead = histories_from_records([LeadRecord("L", 0, {}, lists)])
    return compute_vectors(_SPEC, lead, References(_FIRST, np.array([as_of])))


_SPEC = spec()
_FIRST = np.zeros(1, dtype=np.int64)
