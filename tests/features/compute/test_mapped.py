"""Large matrices live in files that workers map, and go with the array."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from features.compute import mapped
from features.compute.mapped import empty_matrix, file_of
from features.errors import StorageError


@pytest.fixture(autouse=True)
def here(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr(mapped, "MIN_BYTES_MAPPED", 1_000)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_a_small_matrix_is_memory() -> None:
    assert file_of(empty_matrix(10, 10)) is None


def test_a_large_one_is_a_file_that_others_map_and_goes_with_it(here: Path) -> None:
    matrix = empty_matrix(50, 10)
    matrix[:] = np.arange(500.0).reshape(50, 10)
    file = file_of(matrix)
    assert file is not None
    assert file.parent == here
    np.testing.assert_array_equal(np.load(file, mmap_mode="r"), matrix)
    assert file_of(matrix[:20]) is None  # a part has no file of its own
    assert file_of(matrix[:, :4]) is None
    del matrix
    assert list(here.iterdir()) == []


def test_without_room_it_says_so_and_leaves_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.posix_fallocate", full)
    with pytest.raises(StorageError, match="No space left on device; make room there"):
        empty_matrix(50, 10)
    assert list(here.iterdir()) == []
