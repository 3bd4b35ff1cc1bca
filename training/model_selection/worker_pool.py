"""Fits side by side in worker processes.

LightGBM is not safe in threads: making a booster in one thread while another predicts now and then
ends the process with a segmentation fault. So no native library that learns is entered by two
threads of one process. Workers are started once for a whole training, and only when there is
enough to do; what they return does not depend on how many there are.

They are plain children with ``python -P``, not those of ``multiprocessing``: they run nothing of
the caller's ``__main__`` (a notebook, a script without a guard, ``python -c``), end with the parent
even when it is killed, and leave no semaphore or folder behind.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import queue
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, TypeVar, cast

import cloudpickle
import numpy as np

from features.compute.array_types import Float64
from features.compute.mapped import file_of
from features.errors import StorageError, UsageError

Task = TypeVar("Task")


Result = TypeVar("Result")


START_SECONDS = 8.0
"""Workers are started when this many seconds of fits were asked for: a start takes two to three,
of every core."""


END_SECONDS = 5.0
"""How long a worker may take to end when asked to."""


ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)


PROGRAM = (
    "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); "
    "from training.model_selection.worker_process import run; run()"
)


class WorkerPool:
    """Worker processes for one training; use it in a ``with`` statement.

    ``jobs``: how many workers; with 1 everything is done in this process and none is started.
    ``start_seconds``: with less work than this in all, none is started either.
    """

    def __init__(self, jobs: int, *, start_seconds: float = START_SECONDS) -> None:
        self.jobs = jobs
        self.start_seconds = start_seconds
        self._requested_seconds = 0.0
        self._workers: list[_Worker] = []
        self._matrix: Float64 | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def map(
        self,
        function: Callable[[Float64, Task], Result],
        matrix: Float64,
        tasks: Sequence[Task],
        seconds: float,
    ) -> Iterator[Result]:
        """``function(matrix, task)`` for each task, in their order.

        ``matrix`` (n, F) reaches all workers as one memory-mapped file. ``seconds``: how long the
        tasks are estimated to take on one core. Warnings of a worker are warned of here.

        Raises:
            StorageError: a worker process was killed, or there is no room for the matrix.
            UsageError: the function or a task cannot be pickled.
            Exception: whatever the function raises, with the worker's traceback as a note.
        """
        self._requested_seconds += seconds
        enough = self._workers or self._requested_seconds >= self.start_seconds
        if self.jobs == 1 or len(tasks) < 2 or not enough:
            for task in tasks:
                yield function(matrix, task)
            return
        try:
            yield from self._shared_out(function, matrix, tasks)
        except BaseException:
            self.close()  # a worker is lost or still at work on what nobody waits for
            raise

    def _shared_out(
        self, function: Callable[[Float64, Task], Result], matrix: Float64, tasks: Sequence[Task]
    ) -> Iterator[Result]:
        requests = [_pickled(function, task) for task in tasks]
        self._share(matrix)
        idle: queue.SimpleQueue[_Worker] = queue.SimpleQueue()
        for worker in self._workers:
            idle.put(worker)

        def fit(request: bytes) -> tuple[Any, list[Any]]:
            worker = idle.get()
            try:
                return worker.call(("fit", request))
            finally:
                idle.put(worker)

        # These threads wait for the workers' pipes and do nothing else.
        with ThreadPoolExecutor(self.jobs, thread_name_prefix="worker-pipe") as threads:
            futures = [threads.submit(fit, request) for request in requests]
            try:
                for future in futures:
                    result, shown = future.result()
                    for text, category, file, line in shown:
                        warnings.warn_explicit(text, category, file, line)
                    yield result
            except BaseException:
                threads.shutdown(wait=False, cancel_futures=True)
                self.close()  # ends what the threads wait for
                raise

    def _share(self, matrix: Float64) -> None:
        """Have every worker map ``matrix``, from a file that is gone when they have."""
        if matrix is self._matrix:
            return
        path: Path | None = None
        try:
            while len(self._workers) < self.jobs:
                self._workers.append(_Worker())
            path = file_of(matrix)
            if path is None:
                with tempfile.NamedTemporaryFile(
                    prefix="leadscore-fit-", suffix=".npy", delete=False
                ) as file:
                    path = Path(file.name)
                    np.save(file, matrix)
            for worker in self._workers:
                worker.send(("matrix", str(path)))
            for worker in self._workers:
                worker.receive()
        except OSError as error:
            raise StorageError(
                f"cannot start {self.jobs} worker processes with {matrix.nbytes:,} bytes in "
                f"{tempfile.gettempdir()}: {error}; make room there, name another folder in "
                "TMPDIR, or use one job"
            ) from error
        finally:
            if path is not None:
                with contextlib.suppress(PermissionError):  # Windows keeps a mapped file
                    path.unlink(missing_ok=True)
        self._matrix = matrix

    def close(self) -> None:
        """End the workers, in the middle of a fit too."""
        workers, self._workers, self._matrix = self._workers, [], None
        for worker in workers:
            worker.end()


class _Worker:
    """One child and its two pipes. It ends when its stdin does."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - this Python, with a fixed program
            [sys.executable, "-P", "-c", PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
        )
        self.requests = cast(IO[bytes], self.process.stdin)
        self.responses = cast(IO[bytes], self.process.stdout)
        self.send(sys.path)

    def call(self, request: tuple[str, Any]) -> tuple[Any, list[Any]]:
        self.send(request)
        return self.receive()

    def send(self, message: object) -> None:
        try:
            pickle.dump(message, self.requests, pickle.HIGHEST_PROTOCOL)
            self.requests.flush()
        except (OSError, ValueError) as error:  # ValueError: closed meanwhile
            raise self._lost() from error

    def receive(self) -> tuple[Any, list[Any]]:
        try:
            kind, result, more = pickle.load(self.responses)  # noqa: S301 - our own child
        except (EOFError, OSError, ValueError, pickle.UnpicklingError) as error:
            raise self._lost() from error
        if kind == "failed":
            result.add_note(f"in a worker process:\n{more}")
            raise result
        return result, more

    def end(self) -> None:
        with contextlib.suppress(OSError):  # it may have ended before it read everything
            self.requests.close()
        try:
            self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.responses.close()

    def _lost(self) -> StorageError:
        try:
            code = self.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            return StorageError("a worker process that fits candidates does not respond")
        return StorageError(_lost_message(code))


def _lost_message(code: int) -> str:
    """What happened to a worker and what to do, from its exit code (negative: a signal).

    >>> _lost_message(-9).split(";")[0]
    'a worker process that fits candidates was ended by SIGKILL, as systems do when memory runs out'
    """
    how = f"ended with code {code}"
    if code < 0:
        known = {s.value: s.name for s in signal.Signals}
        how = f"was ended by {known.get(-code, f'signal {-code}')}"
        how += ", as systems do when memory runs out" if code == -9 else ""
    return (
        f"a worker process that fits candidates {how}; nothing was written. Run it again; if "
        "memory is short, with one job (--jobs 1), which needs the least"
    )


def _pickled(function: object, task: object) -> bytes:
    """As bytes; classes and functions of a notebook or a script go along whole."""
    try:
        content: bytes = cloudpickle.dumps((function, task), pickle.HIGHEST_PROTOCOL)
    except Exception as error:
        raise UsageError(
            f"cannot send a candidate to a worker process: {error}; candidates must be picklable "
            "(no open files, locks or connections in them), or use one job (--jobs 1)"
        ) from error
    return content
