"""Large matrices in files that other processes map, so that none of them holds a copy."""

from __future__ import annotations

import contextlib
import os
import tempfile
import weakref
from pathlib import Path

import numpy as np

from features.compute.array_types import Float64
from features.errors import StorageError

MIN_BYTES_MAPPED = 256 * 1024 * 1024
"""Smaller matrices are ordinary memory."""


def empty_matrix(n_rows: int, n_columns: int) -> Float64:
    """(n_rows, n_columns) float64 without contents: in memory, or mapped from a file if large.

    The file lies in the folder of temporary files and goes with the array. Raises StorageError
    where there is no room for it.
    """
    size = n_rows * n_columns * 8
    if size < MIN_BYTES_MAPPED:
        return np.empty((n_rows, n_columns))
    handle, name = tempfile.mkstemp(prefix="leadscore-vectors-", suffix=".npy")
    try:
        mapped = np.lib.format.open_memmap(
            name, mode="w+", dtype=np.float64, shape=(n_rows, n_columns)
        )
        if hasattr(os, "posix_fallocate"):  # a full disk is an error here, not a crash later
            os.posix_fallocate(handle, 0, mapped.offset + size)
    except OSError as error:
        _remove(name)
        raise StorageError(
            f"no room for {size:,} bytes of vectors in {tempfile.gettempdir()}: {error}; make "
            "room there, or name another folder in TMPDIR"
        ) from error
    finally:
        os.close(handle)
    weakref.finalize(mapped, _remove, name)
    return mapped


def file_of(matrix: Float64) -> Path | None:
    """The file that a matrix of :func:`empty_matrix` is mapped from; None for any other array."""
    if not isinstance(matrix, np.memmap) or matrix.filename is None:
        return None
    path = Path(matrix.filename)
    whole = path.exists() and path.stat().st_size == matrix.offset + matrix.nbytes
    return path if whole and matrix.flags.c_contiguous else None


def _remove(name: str) -> None:
    with contextlib.suppress(OSError):  # gone already, or still mapped on Windows
        Path(name).unlink(missing_ok=True)
