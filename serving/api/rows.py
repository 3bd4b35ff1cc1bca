"""A body that is a list of rows, decoded as a whole, or row by row when one of them is bad."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec

from serving.http.request import decode
from serving.messages.rows import Refused
from serving.parsing.slices import LARGE_BODY_BYTES, SlicedDecoder
from serving.problems import FieldError, Problem
from serving.services import Services

T = TypeVar("T")

MAX_ROWS = 10_000

INVALID = "invalid"
"""Why a row is refused that breaks the contract."""

MAX_ERRORS = 100
"""Errors listed in the answer to a body of which no row can be taken."""


@dataclass(frozen=True)
class Rows(Generic[T]):
    """The good rows with their positions in the body, and the refused ones."""

    good: list[T]
    at: Sequence[int]
    refused: list[Refused]

    def without(self, refused: dict[int, Refused]) -> Rows[T]:
        """The same, less the good rows at these positions, which are refused now."""
        if not refused:
            return self
        kept = [(row, i) for row, i in zip(self.good, self.at, strict=True) if i not in refused]
        everything = sorted([*self.refused, *refused.values()], key=lambda one: one.index)
        return Rows([row for row, _ in kept], [i for _, i in kept], everything)

    def or_problem(self) -> Rows[T]:
        """Itself; a 422 that names every row and field when none of them is good."""
        if self.good:
            return self
        errors = [error for one in self.refused for error in one.errors]
        detail = "No row fits the contract; see `errors` and /openapi.json."
        raise Problem(422, "invalid-request", detail, errors=errors[:MAX_ERRORS])


class RowsDecoder(Generic[T]):
    """Reads bodies ``{name: [row, …]}``; ``message`` is the type of the body, ``row`` of a row."""

    def __init__(self, name: str, message: type[Any], row: type[T]) -> None:
        self._name = name
        self._whole = SlicedDecoder(message, {name: row}, MAX_ROWS)
        self._row = msgspec.json.Decoder(row)
        raw: Any = dict[str, list[msgspec.Raw]]
        self._raw = msgspec.json.Decoder(raw)
        self._head = re.compile(rb'\s*\{\s*"%s"\s*:\s*\[\s*' % name.encode())

    async def decode(self, services: Services, body: bytes) -> Rows[T]:
        """The rows. A bad row is refused with its field; a 400 or 422 if the body itself is bad.

        A large body is read in the thread for those.
        """
        depth = services.settings.max_depth
        if len(body) < LARGE_BODY_BYTES:
            return self._decode(body, depth)
        return await services.run_apart(lambda: self._decode(body, depth))

    def _decode(self, body: bytes, max_depth: int) -> Rows[T]:
        try:
            rows = getattr(self._whole.decode(body, max_depth), self._name)
            return Rows(rows, range(len(rows)), [])
        except Problem as problem:
            raws = self._split(body)
            if raws is None:
                raise
            return self._one_by_one(raws, max_depth, problem)

    def _one_by_one(self, raws: list[bytes], max_depth: int, problem: Problem) -> Rows[T]:
        good: list[T] = []
        at: list[int] = []
        refused: list[Refused] = []
        for i, raw in enumerate(raws):
            try:
                good.append(decode(self._row, raw, max(1, max_depth - 2)))
                at.append(i)
            except Problem as bad:
                refused.append(refusal(self._name, i, bad))
        if not refused:  # then the fault is the body's
            raise problem
        return Rows(good, at, refused)

    def _split(self, body: bytes) -> list[bytes] | None:
        """The bytes of each row; None if the body is anything but one plain list of rows."""
        try:
            raws = [bytes(raw) for raw in self._raw.decode(body).get(self._name, ())]
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return None
        head = self._head.match(body)
        if not 1 <= len(raws) <= MAX_ROWS or head is None:
            return None
        place = head.end()
        for i, raw in enumerate(raws):
            between = _AFTER.match(body, place) if i else head
            if between is None:
                return None
            place = between.end()
            if body[place : place + len(raw)] != raw:
                return None
            place += len(raw)
        return raws if _END.fullmatch(body, place) else None


_AFTER = re.compile(rb"\s*,\s*")
_END = re.compile(rb"\s*\]\s*\}\s*")


def refusal(name: str, index: int, problem: Problem) -> Refused:
    """A row refused for what a problem says of it, its fields named from the body's root."""
    where = f"$.{name}[{index}]"
    errors = [FieldError(where + error.at.removeprefix("$"), error.message)
              for error in problem.errors]  # fmt: skip
    return Refused(index, INVALID, errors or [FieldError(where, problem.detail)])


__all__ = ["INVALID", "Rows", "RowsDecoder", "refusal"]
