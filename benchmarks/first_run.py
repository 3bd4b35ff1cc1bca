"""Where the seconds of a first run go: ``leadscore demo`` with nothing compiled yet.

    python -m benchmarks.first_run --leads 600 --time-budget 4

The demo runs in this process with an empty cache of kernels and an empty home. For each step it
prints the processor seconds, and how many of them numba compiled; at the end the kernels that took
longest, with the number of signatures each was compiled for. Processor seconds, so that a machine
at work on other things does not matter. ``--time-budget`` keeps the candidates to the quick ones,
which leaves the compilation to be seen.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

LONGEST = 20
"""Kernels listed at the end."""


class _Compiling:
    """Seconds that numba compiled, by kernel, without those of the kernels that it calls."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self.signatures: dict[str, int] = {}
        self._open: list[list[float]] = []

    @property
    def total(self) -> float:
        return sum(self.seconds.values())

    def on_start(self, _event: Any) -> None:
        self._open.append([time.process_time(), 0.0])

    def on_end(self, event: Any) -> None:
        began, inner = self._open.pop()
        took = time.process_time() - began
        if self._open:
            self._open[-1][1] += took
        function = event.data["dispatcher"].py_func
        name = f"{function.__module__}.{function.__name__}"
        self.seconds[name] = self.seconds.get(name, 0.0) + took - inner
        self.signatures[name] = self.signatures.get(name, 0) + 1

    def notify(self, event: Any) -> None:
        """What numba calls."""
        (self.on_start if event.is_start else self.on_end)(event)


@contextmanager
def _step(compiling: _Compiling, what: str) -> Iterator[None]:
    began, compiled = time.process_time(), compiling.total
    yield
    spent = time.process_time() - began
    print(f"{what}: {spent:.1f} s, of it numba {compiling.total - compiled:.1f} s", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--leads", type=int, default=600)
    parser.add_argument("--time-budget", type=float)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leadscore-first-") as folder:
        os.environ["NUMBA_CACHE_DIR"] = f"{folder}/numba"
        os.environ["LEADSCORE_HOME"] = f"{folder}/home"
        _run(asked.leads, asked.time_budget)


def _run(leads: int, time_budget_s: float | None) -> None:
    began = time.process_time()
    import numba.core.event as events

    import training.config
    from commands import demo, train

    compiling = _Compiling()
    events.Listener.register(_Compiling)  # numba is imported once its cache has a place
    events.register("numba:compile", compiling)
    print(f"imports: {time.process_time() - began:.1f} s", flush=True)
    for module in (demo, train):
        module.timed = partial(_step, compiling)  # type: ignore[attr-defined]
    config = partial(training.config.TrainingConfig, time_budget_s=time_budget_s, jobs=1)
    training.config.TrainingConfig = config  # type: ignore[assignment,misc]
    with _step(compiling, "all"):
        demo.run_demo(leads, 0, None)
    print(f"{len(compiling.seconds)} kernels, {sum(compiling.signatures.values())} compilations")
    longest = sorted(compiling.seconds.items(), key=lambda item: -item[1])[:LONGEST]
    for name, seconds in longest:
        print(f"{seconds:6.2f} s  {compiling.signatures[name]} × {name}")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
