"""JSON as columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from features.reading.files.json_rows import column_of

Folder = Callable[..., Path]
DAY = 86_400_000_000


def test_columns_of_json_keep_their_types() -> None:
    assert column_of([1, None, 2]).to_pylist() == [1, None, 2]
    assert column_of([["a", "b"], None]).to_pylist() == ["a;b", None]
