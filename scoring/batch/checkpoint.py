"""The work folder of a run in buckets: finished work survives a killed process.

::

    OUT.work/
    ├── plan.json          what the run is about; another plan starts anew
    ├── lock               held by the run that works here
    ├── interactions/      one folder a step, renamed into place when whole: step-00003/bucket=7/…
    │   └── step-00003.json    how far the step read, written after it: only then it counts
    ├── settings.json, leads/, answers/, questions/     by bucket, in place when tables.done is
    └── scores/            one file a bucket, renamed into place when whole
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from features.compute.atomic import locked_file, write_atomically
from features.errors import StorageError

TABLES_DONE = "tables.done"


@dataclass(frozen=True, slots=True)
class CheckpointDir:
    """A folder that survives ``kill -9``: every file appears whole or not at all."""

    path: Path

    def resume(self, plan: Mapping[str, Any]) -> bool:
        """Whether an earlier run with the same plan is continued; else the folder is emptied."""
        same = bool(self.read_json("plan.json") == json.loads(json.dumps(plan)))
        if not same:
            for entry in self.path.iterdir():
                if entry.name != "lock":
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
            self.write_json("plan.json", plan)
        for name in ("interactions", "scores"):
            (self.path / name).mkdir(exist_ok=True)
        return same

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this process; StorageError if another run works in it."""
        with ExitStack() as stack:
            try:
                self.path.mkdir(parents=True, exist_ok=True)
                is_ours = stack.enter_context(locked_file(self.path / "lock", wait=False))
            except OSError as error:
                raise StorageError(f"cannot work in {self.path}: {error.strerror}") from error
            if not is_ours:
                raise StorageError(f"another run works in {self.path}; wait for it to end")
            yield

    def read_json(self, name: str) -> Any:
        """The content of a JSON file, or None if it is not there."""
        path = self.path / name
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def write_json(self, name: str, content: Mapping[str, Any]) -> None:
        """Write a JSON file in one step."""
        write_atomically(self.path / name, json.dumps(content, sort_keys=True).encode())

    def parts(self, name: str, bucket: int) -> list[Path]:
        """The Parquet files of one bucket of a table."""
        return sorted(self.path.glob(f"{name}/bucket={bucket}/*.parquet"))

    def interaction_parts(self, bucket: int) -> list[Path]:
        """The Parquet files of one bucket of interactions, of every step."""
        return sorted(self.path.glob(f"interactions/step-*/bucket={bucket}/*.parquet"))

    def scores(self, bucket: int) -> Path:
        return self.path / "scores" / f"bucket-{bucket:05d}.parquet"


def read_parts(paths: list[Path], schema: pa.Schema) -> pa.Table:
    """Parquet files of one schema as one table; an empty one if there is none."""
    names = schema.names
    tables = [parquet.read_table(path, columns=names, partitioning=None) for path in paths]
    return pa.concat_tables(tables).cast(schema) if tables else schema.empty_table()
