"""The stylesheet, the script (htmx, with its licence) and the icon: read once, then held."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

from serving.http.request import Request, Response
from serving.pages.site import Handler, Visit

FOLDER = Path(__file__).parent / "static"
MEDIA_TYPES: Mapping[str, str] = {
    "page.css": "text/css; charset=utf-8",
    "htmx.min.js": "text/javascript; charset=utf-8",
    "htmx.LICENSE.txt": "text/plain; charset=utf-8",
    "icon.svg": "image/svg+xml",
}


@lru_cache(maxsize=len(MEDIA_TYPES))
def content(name: str) -> tuple[bytes, str]:
    """The bytes of a file and its entity tag."""
    data = (FOLDER / name).read_bytes()
    return data, f'"{hashlib.sha256(data).hexdigest()[:16]}"'


def file_of(name: str) -> Handler:
    """The handler of one file."""

    async def answer(visit: Visit) -> Response:
        data, tag = content(name)
        headers = {"Cache-Control": "no-cache", "ETag": tag}
        if is_known(visit.request, tag):
            return Response(b"", 304, MEDIA_TYPES[name], headers)
        return Response(data, 200, MEDIA_TYPES[name], headers)

    return answer


def is_known(request: Request, tag: str) -> bool:
    """Whether the browser holds this very content."""
    return request.headers.get(b"if-none-match", b"").decode("latin-1") == tag
