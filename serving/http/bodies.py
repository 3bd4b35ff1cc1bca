"""The bodies on their way in: how much memory they take together, and how they are unpacked."""

from __future__ import annotations

import sys
import zlib
from typing import BinaryIO, Protocol

from serving.problems import Problem

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODINGS = ("gzip", "zstd", "identity")


MAX_WINDOW_LOG = 23
"""Of the memory that a zstd frame may ask for, 8 MiB: what RFC 9659 says every receiver should
grant."""


WINDOW: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}


PIECE_BYTES = 16 * 1024
"""Of a packed body, unpacked in one go: what follows a member is copied, so all of it at once would
take time that grows with the square of the number of members."""


MAX_MEMBERS = 1000
"""Of a packed body: each takes some microseconds whatever it holds, and 8 bytes are one."""


class BodyMemory:
    """Bytes of all bodies of one process that have arrived and are not answered yet."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.taken = 0

    def take(self, size: int) -> None:
        """Count so many bytes more; a 503 if all bodies together would be too large."""
        if self.taken + size > self.most:
            raise Problem(
                503, "overloaded", "Too many large bodies are on their way; send it again later.",
                headers={"Retry-After": "2", "Connection": "close"},
            )  # fmt: skip
        self.taken += size

    def give_back(self, size: int) -> None:
        """The body of this size was answered."""
        self.taken -= size


def unpacked(body: bytes, coding: str, limit: int) -> bytes:
    """A body without its content coding.

    413 when it unpacks to more than ``limit`` bytes, of which no more than that is ever held; 400
    when it is cut off, damaged or followed by anything else.
    """
    if coding == "identity":
        return body
    begin = _gzip_member if coding == "gzip" else _zstd_frame
    parts, size, at, members, view = list[bytes](), 0, 0, 0, memoryview(body)
    while at < len(body):  # both may have several members, one after the other (RFC 1952, 8878)
        member, members = begin(), members + 1
        while not member.eof:
            piece = view[at : at + PIECE_BYTES]
            if not piece or members > MAX_MEMBERS:
                raise _damaged(coding)
            try:
                parts.append(member.decompress(piece, limit + 1 - size))
            except (zlib.error, zstd.ZstdError):
                raise _damaged(coding) from None
            size += len(parts[-1])
            if size > limit:
                raise too_large(limit)
            at += len(piece) - len(member.unused_data)
    if not parts:
        raise _damaged(coding)
    return b"".join(parts)


class _Member(Protocol):
    """What unpacks one member of a gzip body, or one frame of a zstd body."""

    @property
    def eof(self) -> bool: ...

    @property
    def unused_data(self) -> bytes: ...

    def decompress(self, data: memoryview, max_length: int, /) -> bytes: ...


def _gzip_member() -> _Member:
    return zlib.decompressobj(wbits=31)


def _zstd_frame() -> _Member:
    frame: _Member = zstd.ZstdDecompressor(options=WINDOW)
    return frame


def too_large(limit: int) -> Problem:
    """A 413 that says how much is allowed."""
    return Problem(
        413,
        "body-too-large",
        f"The body is larger than {limit} bytes; send fewer leads or interactions at a time.",
        headers={"Connection": "close"},
    )


def _damaged(coding: str) -> Problem:
    detail = f"The body is not {coding}, it is cut off, or something follows it."
    return Problem(400, "malformed-body", detail)


def zstd_reader(packed: BinaryIO) -> zstd.ZstdFile:
    """What is unpacked of a file in zstd, frame after frame, in bounded memory.

    Reading raises ZstdError for what is not zstd or asks for more memory than it may, EOFError
    where it is cut off.
    """
    return zstd.ZstdFile(packed, options=WINDOW)
