"""A thread that writes to disk without ever asking for the interpreter.

A thread of Python needs the interpreter's lock before and after each write, and while it waits for
it, or takes it, the event loop stands still. This one runs compiled code only: it reads from a pipe
what to write, writes it, and says so through another pipe, which the event loop watches.
"""

from __future__ import annotations

import asyncio
import os
import signal
import struct
import threading

import numpy as np
from numba import types

from features.compute.jit import kernel

_read = types.ExternalFunction("read", types.intp(types.intc, types.uintp, types.uintp))


_write = types.ExternalFunction("write", types.intp(types.intc, types.uintp, types.uintp))


_ORDER = struct.Struct("qqq")


_REPORT = struct.Struct("q")


@kernel
def write_loop(orders: int, reports: int) -> None:
    """Read (file, address, length) from ``orders``, write; tell ``reports`` how much is left.

    Ends when the other end of ``orders`` is closed. What is left over could not be written.
    """
    order = np.empty(3, np.int64)
    at = np.uintp(order.ctypes.data)
    while _read(orders, at, 24) == 24:
        file, address, left = order[0], order[1], order[2]
        while left > 0:
            wrote = _write(file, address, left)
            if wrote <= 0:
                break
            address += wrote
            left -= wrote
        order[0] = left
        _write(reports, at, 8)


class DiskWriter:
    """Writes one thing at a time for one event loop."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._content = b""
        self._done: asyncio.Future[int] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the pipes and begin to wait for something to write."""
        self._loop = loop
        theirs, self._orders = os.pipe()
        self._reports, back = os.pipe()
        loop.add_reader(self._reports, self._reported)
        self._thread = threading.Thread(target=_run, args=(theirs, back), name="disk", daemon=True)
        self._thread.start()

    async def write(self, handle: int, content: bytes) -> int:
        """Write ``content`` to a file; how many of its last bytes could not be written.

        The next call may come once this one has returned.
        """
        assert self._loop is not None  # noqa: S101  (started with the application)
        self._content = content  # kept, for the thread reads it
        self._done = self._loop.create_future()
        address = np.frombuffer(content, np.uint8).ctypes.data
        os.write(self._orders, _ORDER.pack(handle, address, len(content)))
        return await self._done

    def stop(self) -> None:
        """End the thread; nothing may be on its way to the disk any more."""
        if self._loop is not None:
            self._loop.remove_reader(self._reports)
            os.close(self._orders)
            self._thread.join()
            os.close(self._reports)
            self._loop = None

    def _reported(self) -> None:
        (left,) = _REPORT.unpack(os.read(self._reports, _REPORT.size))
        if self._done is not None and not self._done.done():
            self._done.set_result(left)


def _run(orders: int, reports: int) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # none may end a call early
    try:
        write_loop(orders, reports)
    finally:
        os.close(orders)
        os.close(reports)
