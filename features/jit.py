"""How kernels are compiled: one decorator, so that every kernel keeps the same promises."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from numba import njit

Kernel = TypeVar("Kernel", bound=Callable[..., object])


def compiled(function: Kernel) -> Kernel:
    """Compile for this machine, once, and keep the result on disk.

    Without fast maths and without threads: sums are made in the order written, so the same rows
    give the same bits in a batch, a request and a partition. Jitted and plain Python runs of the
    same kernel may differ in the last bit; never mix them.
    """
    kernel: Kernel = njit(cache=True, nogil=True)(function)
    return kernel


def inlined(function: Kernel) -> Kernel:
    """As :func:`compiled`, for a small function that kernels call for every row.

    Its code stands where it is called: a call counts the holders of each array it is given, which
    takes longer than the work itself.
    """
    kernel: Kernel = njit(cache=True, nogil=True, forceinline=True)(function)
    return kernel
