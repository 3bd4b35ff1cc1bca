"""Idempotency-Key: a request sent again is given the first answer, and is not done again.

As the IETF's draft (draft-ietf-httpapi-idempotency-key-header): the same key with another body is a
422, the same key while the first request is still being answered a 409. Answers are kept in
memory, for a day at most; a score is found again in the store as well, by an id made of the key.
"""

from __future__ import annotations

import hashlib
import re
from collections import OrderedDict
from dataclasses import dataclass
from time import monotonic

from serving.http.request import Response
from serving.problems import Problem

KEPT_S = 24 * 3600.0


MAX_KEPT = 10_000


MAX_KEPT_BYTES = 32 << 20
"""Of all answers together; the oldest are forgotten first."""


_KEY = re.compile(rb"[\x21-\x7e]{1,255}")


@dataclass(slots=True)
class _Seen:
    body: bytes
    since: float
    response: Response | None = None


class IdempotentResponses:
    """The answers of one process by caller, route and key."""

    def __init__(self) -> None:
        self._seen: OrderedDict[tuple[str, ...], _Seen] = OrderedDict()
        self._bytes = 0

    def begin(self, who: tuple[str, ...], body: bytes) -> Response | None:
        """The answer given before; None when this is the first time, and its caller goes on."""
        self._forget_old()
        digest = hashlib.blake2b(body, digest_size=16).digest()
        seen = self._seen.get(who)
        if seen is None:
            self._seen[who] = _Seen(digest, monotonic())
            return None
        if seen.body != digest:
            raise Problem(
                422, "idempotency-key-reused",
                "This Idempotency-Key came with another body before; use a new one.",
            )  # fmt: skip
        if seen.response is None:
            raise Problem(
                409, "still-in-progress", "The request with this key is being answered.",
                headers={"Retry-After": "1"},
            )  # fmt: skip
        first = seen.response
        headers = {**first.headers, "Idempotency-Replayed": "true"}
        return Response(first.body, first.status, first.media_type, headers)

    def end(self, who: tuple[str, ...], response: Response | None) -> None:
        """Keep the answer; None when there was none, so that the request may be tried again."""
        seen = self._seen.get(who)
        if seen is None:
            return
        if response is None:
            del self._seen[who]
            return
        seen.response = response
        self._bytes += len(response.body)

    def _forget_old(self) -> None:
        oldest = monotonic() - KEPT_S
        while self._seen:
            who, seen = next(iter(self._seen.items()))
            full = len(self._seen) > MAX_KEPT or self._bytes > MAX_KEPT_BYTES
            if seen.since > oldest and not full:
                return
            if seen.response is None:  # still being answered: the next in line goes first
                self._seen.move_to_end(who)
                if all(other.response is None for other in self._seen.values()):
                    return
                continue
            del self._seen[who]
            self._bytes -= len(seen.response.body)


def idempotency_key(headers: dict[bytes, bytes]) -> str | None:
    """The caller's key; None without one, a 400 for one that cannot be."""
    given = headers.get(b"idempotency-key")
    if given is None:
        return None
    if _KEY.fullmatch(given) is None:
        raise Problem(
            400, "malformed-request", "An Idempotency-Key has 1 to 255 printable ASCII characters."
        )
    return given.decode("ascii")


def id_of_key(actor: str, key: str) -> str:
    """A score's id for a request with this key: the same on every machine, 32 hex digits."""
    return hashlib.blake2b(f"{actor}\0{key}".encode(), digest_size=16).hexdigest()
