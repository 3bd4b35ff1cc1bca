"""A worker process of :class:`training.model_selection.worker_pool.WorkerPool`: one fit at a time.

Messages are pickles on stdin and stdout. A request is ``("matrix", path)`` or ``("fit", bytes)``,
the bytes a pickled ``(function, task)``; a response is ``("done", result, warnings)`` or
``("failed", exception, traceback)``.
"""

from __future__ import annotations

import os
import pickle
import queue
import signal
import sys
import threading
import traceback
import warnings
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
from threadpoolctl import threadpool_limits

from features.compute.array_types import Float64

Shown = tuple[str, type[Warning], str, int]
"""A warning as ``warnings.warn_explicit`` takes it: text, category, file, line."""


def run() -> None:
    """Answer requests until stdin ends, which it also does when the parent is killed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent, which ends us
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not end up among the responses
    requests: queue.SimpleQueue[tuple[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, requests), daemon=True).start()
    matrix: Float64 = np.empty((0, 0))
    while True:
        kind, content = requests.get()
        response: tuple[str, Any, Any] = ("done", None, [])
        if kind == "fit":
            response = _fitted(content, matrix)
        else:
            try:
                # A plain array over the mapped file: all workers share its pages, none copies it.
                matrix = np.asarray(np.load(content, mmap_mode="r"))
            except OSError as error:  # gone, because the parent is ending for another reason
                response = ("failed", error, traceback.format_exc())
        try:
            _send(responses, response)
        except OSError:  # nobody reads it any more
            os._exit(1)  # an ordinary exit would wait for the thread that reads stdin


def _receive(stdin: BinaryIO, requests: queue.SimpleQueue[tuple[str, Any]]) -> None:
    """Pass requests on; end the process at the end of input, even in the middle of a fit."""
    try:
        while True:
            requests.put(pickle.load(stdin))  # noqa: S301 - the parent's own
    except (EOFError, pickle.UnpicklingError):  # the parent is gone, in the middle of a message too
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)  # the main thread would wait for ever, and the parent for it


def _fitted(content: bytes, matrix: Float64) -> tuple[str, Any, Any]:
    shown: list[Shown] = []
    try:
        with warnings.catch_warnings(record=True) as caught, threadpool_limits(1):
            warnings.simplefilter("always")  # the parent's filters decide
            function: Callable[[Float64, Any], Any]
            function, task = pickle.loads(content)  # noqa: S301 - the parent's own
            result = function(matrix, task)
        shown = [(str(w.message), w.category, w.filename, w.lineno) for w in caught]
    except Exception as error:
        return "failed", error, traceback.format_exc()
    return "done", result, shown


def _send(responses: BinaryIO, response: tuple[str, Any, Any]) -> None:
    try:
        content = pickle.dumps(response, pickle.HIGHEST_PROTOCOL)
        if response[0] == "failed":
            pickle.loads(content)  # noqa: S301 - some exceptions pickle, and cannot be loaded
    except Exception as error:
        failed = response[0] == "failed"
        reason = str(response[1]) if failed else f"a fit's result cannot be pickled: {error}"
        text = response[2] if failed else traceback.format_exc()
        content = pickle.dumps(("failed", RuntimeError(reason), text))
    responses.write(content)
    responses.flush()
