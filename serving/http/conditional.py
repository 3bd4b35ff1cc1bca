"""ETag on what is read: a caller that has it already is answered with 304 and no body."""

from __future__ import annotations

import hashlib

from serving.http.request import Response


def conditional(response: Response, request_headers: dict[bytes, bytes]) -> Response:
    """The answer with a strong ETag of its bytes, or a 304 if the caller has these bytes (RFC 9110,
    13.1.2)."""
    if response.status != 200:
        return response
    tag = '"' + hashlib.blake2b(response.body, digest_size=16).hexdigest() + '"'
    response.headers["ETag"] = tag
    if _holds(request_headers.get(b"if-none-match", b"").decode("latin-1"), tag):
        return Response(b"", 304, response.media_type, response.headers)
    return response


def _holds(given: str, tag: str) -> bool:
    """Whether one of the tags of If-None-Match is this one; weak ones compare alike.

    >>> _holds('W/"a", "b"', '"a"'), _holds("*", '"a"'), _holds('"b"', '"a"')
    (True, True, False)
    """
    tags = [word.strip().removeprefix("W/") for word in given.split(",")]
    return tag in tags or "*" in tags
