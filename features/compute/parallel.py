"""Threads for work on many leads: ranges of rows, or jobs in order. The results do not change."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise
from typing import TypeVar

Job = TypeVar("Job")


Result = TypeVar("Result")


_THREAD = threading.local()
"""``_THREAD.shares`` is set in a worker thread: its own work is not divided once more."""


def usable_cores() -> int:
    """Cores this process may use: ``OMP_NUM_THREADS`` if set, else those it may run on.

    Spark and worker pools set the variable, so that parallel processes do not compete for cores.
    """
    configured = os.environ.get("OMP_NUM_THREADS", "")
    if configured.isdecimal() and int(configured) > 0:
        return int(configured)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def parallel_ranges(work: Callable[[int, int], None], n: int, *, at_least: int = 1) -> None:
    """Call ``work(low, high)`` on neighbouring ranges that cover ``0..n``, one range a core.

    ``work`` must release the interpreter lock to gain from it (compiled kernels do), and must write
    only to its range. Ranges are no smaller than ``at_least``; ``work`` runs on one core, even if
    it calls this function itself.

    >>> parallel_ranges(lambda low, high: print(low, high), 5, at_least=5)
    0 5
    """
    blocks = 1 if getattr(_THREAD, "shares", False) else n // at_least
    if blocks > 1:
        blocks = min(blocks, usable_cores())
    if blocks <= 1:
        work(0, n)
        return
    edges = [n * i // blocks for i in range(blocks + 1)]
    with _threads(blocks) as pool:
        for done in [pool.submit(work, *pair) for pair in pairwise(edges)]:
            done.result()


def ordered_map(work: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
    """The results of ``work(job)``, in the order of the jobs; all cores work ahead on the next.

    ``jobs`` are taken one by one, few ahead of the result that comes next, so that only a few
    results are in memory at once. ``work`` should release the interpreter lock.

    >>> list(ordered_map(lambda n: n * n, range(5)))
    [0, 1, 4, 9, 16]
    """
    cores = 1 if getattr(_THREAD, "shares", False) else usable_cores()
    if cores == 1:
        yield from map(work, jobs)
        return
    ahead: deque[Future[Result]] = deque()
    with _threads(cores) as pool:
        try:
            for job in jobs:
                ahead.append(pool.submit(work, job))
                if len(ahead) > cores:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)


def _threads(count: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(count, initializer=setattr, initargs=(_THREAD, "shares", True))
