"""Signing in with an API key, and out."""

from __future__ import annotations

from serving.http.request import Response
from serving.pages.site import SIGN_IN, Visit, safe_place

LONGEST_KEY = 200


async def show(visit: Visit) -> Response:
    """The form; those who need none, or are signed in already, go on."""
    place = safe_place(visit.query.get("next", "/"))
    if visit.key is not None or not visit.site.needs_keys:
        return visit.go_to(place)
    return visit.page("sign_in.html.j2", path=SIGN_IN, place=place, failed=False)


async def sign_in(visit: Visit) -> Response:
    """Begin a session for the key of the form; 401 and the form again if no key fits."""
    place = safe_place(visit.form.get("next", "/"))
    secret = visit.form.get("key", "").strip()
    access = visit.services.access
    key = access.keys.find(secret) if 0 < len(secret) <= LONGEST_KEY else None
    if key is None:
        return visit.page("sign_in.html.j2", 401, path=SIGN_IN, place=place, failed=True)
    now_s = int(visit.clock.now.timestamp())
    visit.session = visit.site.sessions.issue(key.id, now_s, visit.session.language)
    visit.key = key
    return visit.go_to(place)


async def sign_out(visit: Visit) -> Response:
    """End the session in this browser."""
    now_s = int(visit.clock.now.timestamp())
    visit.session = visit.site.sessions.issue("", now_s, visit.session.language)
    return visit.go_to(SIGN_IN)
