"""Web pages of named origins may call; all others get no permission."""

from __future__ import annotations

import pytest

from serving.http.cors import CrossOrigin

CRM = b"https://crm.example"
ASKING = {b"access-control-request-method": b"POST"}


@pytest.mark.parametrize(
    ("origins", "origin", "allowed"),
    [
        ("https://crm.example, https://b.example/", CRM, True),
        ("https://crm.example", b"https://crm.example.evil", False),
        ("https://crm.example", b"null", False),
        ("*", b"https://anywhere.example", True),
        ("", CRM, False),
    ],
)
def test_origins(origins: str, origin: bytes, allowed: bool) -> None:
    cors = CrossOrigin(origins)
    said = cors.headers({b"origin": origin})
    assert said.get("Access-Control-Allow-Origin") == (origin.decode() if allowed else None)
    preflight = cors.preflight("OPTIONS", {b"origin": origin, **ASKING})
    if not origins:
        assert preflight is None
    else:
        assert preflight is not None
        assert ("Access-Control-Allow-Headers" in preflight.headers) is allowed
        assert "Access-Control-Allow-Credentials" not in preflight.headers


def test_answers_differ_by_origin_for_every_cache() -> None:
    assert CrossOrigin("https://crm.example").headers({}) == {"Vary": "Origin"}
    assert CrossOrigin("").headers({b"origin": CRM}) == {}
