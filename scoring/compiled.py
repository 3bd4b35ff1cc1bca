"""One way to compile a kernel, so that every kernel rounds alike."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

from numba import njit

P = ParamSpec("P")
R = TypeVar("R")


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile with numba at first call, cached on disk, releasing the interpreter lock.

    No fast-math and no parallel loops: sums keep the order they are written in, so one row
    alone and the same row among a million give the same bits.
    """
    return cast(Callable[P, R], njit(cache=True, nogil=True, fastmath=False)(function))
