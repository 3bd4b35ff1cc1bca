"""The bodies on their way in: how much memory they take together, and how they are unpacked."""

from __future__ import annotations

import io
import zlib

import zstandard

from serving.problems import Problem

CODINGS = ("gzip", "zstd", "identity")


MAX_WINDOW_BYTES = 8 << 20
"""Memory that a zstd frame may ask for: what RFC 9659 says every receiver should grant."""


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
    reader = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW_BYTES)
    try:
        with reader.stream_reader(io.BytesIO(body), read_across_frames=True) as stream:
            out = stream.read(limit + 1)
        if len(out) > limit:
            raise too_large(limit)
        if not _ends_with_a_frame(body, reader):
            raise _damaged("zstd")
    except zstandard.ZstdError:
        raise _damaged("zstd") from None
    return out


def _ends_with_a_frame(body: bytes, reader: zstandard.ZstdDecompressor) -> bool:
    """Whether the last frame is complete: the stream itself ends silently where it is cut off.

    For bodies that are known to unpack to no more than is allowed.
    """
    rest = body
    while rest:
        frame = reader.decompressobj()
        frame.decompress(rest)
        if not frame.eof:
            return False
        rest = frame.unused_data
    return bool(body)
