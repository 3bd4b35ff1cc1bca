"""Cross-origin requests of browsers: answered for the origins that the settings name."""

from __future__ import annotations

from serving.http.request import Response

METHODS = "GET, HEAD, POST, PUT, PATCH, DELETE"
REQUEST_HEADERS = (
    "Accept-Language, Authorization, Content-Encoding, Content-Type, Idempotency-Key, "
    "If-None-Match, X-Request-ID"
)
RESPONSE_HEADERS = "ETag, Idempotency-Replayed, Location, Retry-After, X-Request-ID"
PREFLIGHT_S = 600
"""How long a browser may remember that it was allowed."""


class CrossOrigin:
    """``origins``: as browsers send them, separated by commas; ``*`` for any; empty for none."""

    def __init__(self, origins: str) -> None:
        words = [word.strip().rstrip("/") for word in origins.split(",")]
        self._origins = frozenset(word.encode("latin-1") for word in words if word)

    def headers(self, request_headers: dict[bytes, bytes]) -> dict[str, str]:
        """What an answer to this request says beside its own headers.

        No cookie plays a part: a key is sent by the page itself, so credentials are not allowed.
        """
        if not self._origins:
            return {}
        origin = request_headers.get(b"origin")
        if origin is None or not ({origin, b"*"} & self._origins):
            return {"Vary": "Origin"}
        return {
            "Access-Control-Allow-Origin": origin.decode("latin-1"),
            "Access-Control-Expose-Headers": RESPONSE_HEADERS,
            "Vary": "Origin",
        }

    def preflight(self, method: str, request_headers: dict[bytes, bytes]) -> Response | None:
        """The answer to a browser that asks whether it may ask; None for any other request."""
        is_preflight = b"access-control-request-method" in request_headers
        if method != "OPTIONS" or not is_preflight or not self._origins:
            return None
        allowed = self.headers(request_headers)
        if "Access-Control-Allow-Origin" in allowed:
            allowed |= {
                "Access-Control-Allow-Methods": METHODS,
                "Access-Control-Allow-Headers": REQUEST_HEADERS,
                "Access-Control-Max-Age": str(PREFLIGHT_S),
            }
        return Response(b"", 204, headers=allowed)
