"""Which endpoint answers a path: matched on the path as sent, so that an id may hold anything.

A framework decodes the path first and splits it then; ``Deal/L9`` would be two segments. Here the
path is split first and each segment decoded by itself, strictly: bytes that are not UTF-8 are
refused, for decoding them loosely made one id of many.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from serving.http.request import Endpoint
from serving.problems import Problem

JSON_BODY = ("application/json",)
FORM_BODY = ("application/x-www-form-urlencoded",)


@dataclass(frozen=True, slots=True)
class Route:
    """``scope``: what a key must allow, nothing if empty. ``direct``: answered without a turn of
    the event loop in between. ``path``: segments, of which ``{name}`` stands for any one.
    ``streams``: the
    endpoint reads the body by itself, piece by piece."""

    method: str
    path: str
    endpoint: Endpoint
    scope: str = ""
    direct: bool = False
    media_types: tuple[str, ...] = JSON_BODY
    streams: bool = False


@dataclass(frozen=True, slots=True)
class RouteMatch:
    """A route and what stands in its path, decoded."""

    route: Route
    path_params: Mapping[str, str]


NO_PARAMS: Mapping[str, str] = {}


class Router:
    """The routes of one application."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self._exact: dict[bytes, dict[str, RouteMatch]] = {}
        self._shaped: dict[int, list[tuple[tuple[bytes, ...], Route]]] = {}
        for route in routes:
            if "{" in route.path:
                segments = tuple(route.path.encode().split(b"/"))
                self._shaped.setdefault(len(segments), []).append((segments, route))
            else:
                of_path = self._exact.setdefault(route.path.encode(), {})
                of_path[route.method] = RouteMatch(route, NO_PARAMS)

    def find(self, method: str, raw_path: bytes) -> RouteMatch | None:
        """The route for a request; HEAD is answered as GET. None for a path that is not ours.

        Raises a 405 for another method of a known path, a 400 for a segment that is not UTF-8.
        """
        routed = "GET" if method == "HEAD" else method
        of_path = self._exact.get(raw_path)
        if of_path is not None and routed in of_path:
            return of_path[routed]
        allowed = set(of_path or ())
        segments = raw_path.split(b"/")
        for shape, route in self._shaped.get(len(segments), ()):
            if all(s[:1] == b"{" or s == given for s, given in zip(shape, segments, strict=True)):
                if route.method == routed:
                    return RouteMatch(route, _decoded(shape, segments))
                allowed.add(route.method)
        if allowed:
            allowed |= {"HEAD"} if "GET" in allowed else set()
            raise Problem(
                405, "method-not-allowed", "This path has other methods; see Allow.",
                headers={"Allow": ", ".join(sorted(allowed))},
            )  # fmt: skip
        return None


def _decoded(shape: tuple[bytes, ...], segments: list[bytes]) -> dict[str, str]:
    return {
        name[1:-1].decode(): segment_text(segment)
        for name, segment in zip(shape, segments, strict=True)
        if name[:1] == b"{"
    }


def segment_text(segment: bytes) -> str:
    """One segment of a path, decoded.

    >>> segment_text(b"Deal%2FL9"), segment_text(b"M%C3%BCller%20%26%20Co")
    ('Deal/L9', 'Müller & Co')
    """
    try:
        return unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise Problem(
            400, "malformed-request",
            "The path is not UTF-8: percent-encode the bytes of the id in UTF-8.",
        ) from None  # fmt: skip
