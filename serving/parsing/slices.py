"""Large bodies decoded a slice at a time, so that no single step holds the interpreter for long.

A decoder works through a body in one call and lets nothing else run meanwhile: 16 MB are a fifth of
a second. Here the lists of the outermost object are found first, by a kernel beside which others
run, and their elements are decoded some at a time. The result is what one call gives.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from features.compute.array_types import Int64
from features.compute.jit import kernel
from serving.http.request import decode_unguarded
from serving.parsing.fast_json import (
    BACKSLASH,
    CLOSE,
    CLOSE_LIST,
    COLON,
    COMMA,
    OPEN,
    OPEN_LIST,
    QUOTE,
    Bytes,
    pad,
)
from serving.parsing.json_limits import guard
from serving.problems import FieldError, Problem

LARGE_BODY_BYTES = 64 * 1024
"""A body of this size is decoded in slices, apart from the event loop."""


SLICE_BYTES = 128 * 1024
"""Decoded in one call: about a millisecond."""


MAX_MEMBERS = 2000


T = TypeVar("T")


@kernel
def _after_blank(text: Bytes, at: int) -> int:
    while text[at] == 32 or text[at] == 10 or text[at] == 13 or text[at] == 9:
        at += 1
    return at


@kernel
def _after_string(text: Bytes, at: int) -> int:
    """The place after the string that opens at ``at``; -1 if it has no end."""
    at += 1
    while text[at] != QUOTE:
        if text[at] == 0:
            return -1
        at += 2 if text[at] == BACKSLASH else 1
    return at + 1


@kernel
def _after_value(text: Bytes, at: int) -> int:
    """The place after the value that begins at ``at``; -1 where brackets or quotes do not match.

    What stands between them is not judged: it is decoded later.
    """
    if text[at] == QUOTE:
        return _after_string(text, at)
    depth, begin = 0, at
    while True:
        letter = text[at]
        if letter == 0:
            return -1
        if letter == QUOTE:
            at = _after_string(text, at)
            if at < 0:
                return -1
        elif letter in (OPEN, OPEN_LIST):
            depth += 1
            at += 1
        elif letter in (CLOSE, CLOSE_LIST):
            if depth == 0:
                return at if at > begin else -1
            depth -= 1
            at += 1
            if depth == 0:
                return at
        elif letter == COMMA and depth == 0:
            return at if at > begin else -1
        else:
            at += 1


@kernel
def members_of(text: Bytes, out: Int64) -> int:
    """Write where each member of the outermost object stands to ``out`` (n, 4): its key from, to,
    its value from, to; how many there are, -1 if this is no such object.

    ``text`` ends with a NUL.
    """
    at = _after_blank(text, 0)
    if text[at] != OPEN:
        return -1
    at = _after_blank(text, at + 1)
    n = 0
    if text[at] == CLOSE:
        at += 1
    else:
        while True:
            if text[at] != QUOTE or n >= out.shape[0]:
                return -1
            out[n, 0] = at
            at = _after_string(text, at)
            if at < 0:
                return -1
            out[n, 1] = at
            at = _after_blank(text, at)
            if text[at] != COLON:
                return -1
            at = _after_blank(text, at + 1)
            out[n, 2] = at
            at = _after_value(text, at)
            if at < 0:
                return -1
            out[n, 3] = at
            n += 1
            at = _after_blank(text, at)
            if text[at] == COMMA:
                at = _after_blank(text, at + 1)
            elif text[at] == CLOSE:
                at += 1
                break
            else:
                return -1
    return n if text[_after_blank(text, at)] == 0 else -1


@kernel
def elements_of(text: Bytes, low: int, high: int, out: Int64) -> int:
    """Write where each element of the list ``text[low:high]`` stands to ``out`` (n, 2): from, to;
    how many there are, -1 if this is no list or has more than fit."""
    at = _after_blank(text, low + 1)
    n = 0
    if text[low] != OPEN_LIST:
        return -1
    if text[at] == CLOSE_LIST:
        return 0 if at + 1 == high else -1
    while True:
        if n >= out.shape[0]:
            return -1
        out[n, 0] = at
        at = _after_value(text, at)
        if at < 0 or at > high:
            return -1
        out[n, 1] = at
        n += 1
        at = _after_blank(text, at)
        if text[at] == COMMA:
            at = _after_blank(text, at + 1)
        else:
            return n if text[at] == CLOSE_LIST and at + 1 == high else -1


class SlicedDecoder(Generic[T]):
    """Decodes bodies of one message type; ``lists``: the type of the elements of its lists.

    ``most``: elements of one list; a 422 for more, before any is decoded.
    """

    def __init__(self, kind: type[T], lists: Mapping[str, Any], most: int) -> None:
        self._whole = msgspec.json.Decoder(kind)
        self._elements: dict[str, msgspec.json.Decoder[list[Any]]] = {
            name: msgspec.json.Decoder(list[element])  # type: ignore[valid-type]
            for name, element in lists.items()
        }
        self._most = most

    def decode(self, body: bytes, max_depth: int) -> T:
        """The body as a message; a 400 if it is not JSON, a 422 if it does not fit the contract.

        A large body may be given to a thread: no step of it holds the others for long.
        """
        guard(body, max_depth)
        return self.decode_unguarded(body)

    def decode_unguarded(self, body: bytes) -> T:
        """:meth:`decode` for a body that was guarded already."""
        if len(body) < LARGE_BODY_BYTES:
            return decode_unguarded(self._whole, body)
        return self.in_slices(body)

    def in_slices(self, body: bytes) -> T:
        """The body as a message, decoded in slices whatever its size."""
        text, members = pad(body), np.empty((MAX_MEMBERS, 4), np.int64)
        n = members_of(text, members)
        if n < 0:
            raise Problem(400, "malformed-body", "The body is not a JSON object, or it is cut off.")
        shell, rest, place = [], {}, 0
        for key_from, key_to, low, high in members[:n].tolist():
            if body[low : low + 1] != b"[" or high - low < SLICE_BYTES:
                continue
            name = _name(body[key_from:key_to])
            bounds = self._bounds(text, name, low, high)
            first = _slice_end(bounds, 0)
            shell += [body[place:low], b"[", body[low + 1 : bounds[first - 1, 1]], b"]"]
            rest[name] = (bounds, first)
            place = high
        message = decode_unguarded(self._whole, b"".join([*shell, body[place:]]))
        for name, (bounds, first) in rest.items():
            self._extend(getattr(message, name), name, body, bounds, first)
        return message

    def _bounds(self, text: Bytes, name: str, low: int, high: int) -> Int64:
        if name not in self._elements:
            raise _problem_at("$", "unknown field, or a list where none belongs")
        bounds = np.empty((min(self._most + 1, (high - low) // 2 + 1), 2), np.int64)
        n = elements_of(text, low, high, bounds)
        if n < 0 and len(bounds) <= self._most:
            raise Problem(400, "malformed-body", "The body is not JSON, or it is cut off.")
        if n < 0 or n > self._most:
            raise _problem_at(f"$.{name}", f"Expected `array` of length <= {self._most}")
        if n == 0:
            raise _problem_at(f"$.{name}", "Expected elements, got blanks alone")
        return bounds[:n]

    def _extend(self, out: list[Any], name: str, body: bytes, bounds: Int64, first: int) -> None:
        decoder = self._elements[name]
        while first < len(bounds):
            end = _slice_end(bounds, first)
            part = b"[" + body[bounds[first, 0] : bounds[end - 1, 1]] + b"]"
            try:
                rows: list[Any] = decode_unguarded(decoder, part)
            except Problem as problem:
                raise _moved(problem, name, first) from None
            out += rows
            first = end


def _slice_end(bounds: Int64, first: int) -> int:
    """The element after the last that belongs to the slice that begins with ``first``."""
    end = int(bounds[:, 1].searchsorted(bounds[first, 0] + SLICE_BYTES, side="right"))
    return max(end, first + 1)


def _name(key: bytes) -> str:
    try:
        name: str = msgspec.json.decode(key, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError):
        raise Problem(400, "malformed-body", "The body is not JSON in UTF-8 (RFC 8259).") from None
    return name


def _problem_at(at: str, message: str) -> Problem:
    detail = "The request does not fit the contract; see `errors` and /openapi.json."
    return Problem(422, "invalid-request", detail, errors=[FieldError(at, message)])


_INDEX = re.compile(r"^\$\[(\d+)\]")


def _moved(problem: Problem, name: str, first: int) -> Problem:
    """The same problem with its places counted in the whole body."""
    errors = []
    for error in problem.errors:
        found = _INDEX.match(error.at)
        index = first + (int(found[1]) if found else 0)
        after = error.at[found.end() :] if found else ""
        errors.append(FieldError(f"$.{name}[{index}]{after}", error.message))
    return Problem(problem.status, problem.kind, problem.detail, errors=errors)
