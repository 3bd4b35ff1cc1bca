"""The bodies on their way in: how much memory they take together, and how they are unpacked."""

from __future__ import annotations

import io
import sys
import zlib
from typing import BinaryIO

from serving.problems import Problem

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

CODINGS = ("gzip", "zstd", "identity")


MAX_WINDOW_LOG = 23
"""Of the memory that a zstd frame may ask for, 8 MiB: what RFC 9659 says every receiver should
grant."""


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
    unpack = _gunzip if coding == "gzip" else _unzstd
    return unpack(body, limit)


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


def _gunzip(body: bytes, limit: int) -> bytes:
    parts, size, rest = [], 0, body
    while rest:  # a gzip file may have several members, one after the other (RFC 1952, 2.2)
        member = zlib.decompressobj(wbits=31)
        try:
            parts.append(member.decompress(rest, limit + 1 - size))
        except zlib.error:
            raise _damaged("gzip") from None
        size += len(parts[-1])
        if size > limit:
            raise too_large(limit)
        if not member.eof:
            raise _damaged("gzip")
        rest = member.unused_data
    if not parts:
        raise _damaged("gzip")
    return b"".join(parts)


def _unzstd(body: bytes, limit: int) -> bytes:
    try:
        with zstd_reader(io.BytesIO(body)) as stream:
            out: bytes = stream.read(limit + 1)
    except (zstd.ZstdError, EOFError):
        raise _damaged("zstd") from None
    if len(out) > limit:
        raise too_large(limit)
    return out


def zstd_reader(packed: BinaryIO) -> zstd.ZstdFile:
    """What is unpacked of a file in zstd, frame after frame, in bounded memory.

    Reading raises ZstdError for what is not zstd or asks for more memory than it may, EOFError
    where it is cut off.
    """
    window: dict[int, int] = {zstd.DecompressionParameter.window_log_max: MAX_WINDOW_LOG}
    return zstd.ZstdFile(packed, options=window)
