"""Work on many leads shared among the processor's cores; what is computed does not change."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise


def usable_cores() -> int:
    """Cores this process may use: ``OMP_NUM_THREADS`` if set, else those it may run on.

    Spark and worker pools set the variable, so that processes side by side do not crowd.
    """
    asked = os.environ.get("OMP_NUM_THREADS", "")
    if asked.isdecimal() and int(asked) > 0:
        return int(asked)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def in_blocks(work: Callable[[int, int], None], n: int, *, at_least: int = 1) -> None:
    """Call ``work(low, high)`` on neighbouring blocks that cover ``0..n``, one block a core.

    ``work`` must release the interpreter to gain from it (compiled kernels do), and must write
    only what belongs to its block. Blocks are no smaller than ``at_least``.

    >>> in_blocks(lambda low, high: print(low, high), 5, at_least=5)
    0 5
    """
    blocks = n // at_least
    if blocks > 1:
        blocks = min(blocks, usable_cores())
    if blocks <= 1:
        work(0, n)
        return
    edges = [n * i // blocks for i in range(blocks + 1)]
    with ThreadPoolExecutor(blocks) as pool:
        for done in [pool.submit(work, *pair) for pair in pairwise(edges)]:
            done.result()
