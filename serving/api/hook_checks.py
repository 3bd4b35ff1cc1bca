"""Who sent a webhook: a signature, or a secret; compared in constant time, within a window."""

from __future__ import annotations

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from typing import Any

from integrations.hooks import hubspot, pipedrive
from integrations.hooks.soap import Message
from serving.http.request import Request
from serving.problems import Problem
from serving.settings import Settings

SIGNED_WINDOW = timedelta(minutes=5)
"""How old a signed request may be: HubSpot asks to refuse older ones."""

SENT_WINDOW = timedelta(hours=1)
"""How old a message of Pipedrive may be: it is sent again for some minutes."""


def secrets_of(settings: Settings, system: str) -> list[str]:
    """The secrets that are accepted: two while one is being replaced, none if it is off."""
    given = str(getattr(settings, f"hook_{system}_secret"))
    return [secret.strip() for secret in given.split(",") if secret.strip()]


def refused() -> Problem:
    """One answer for every way in which a request is not from the system."""
    detail = "The signature, the secret or the time of this webhook is not right."
    return Problem(401, "not-authenticated", detail)


def check_hubspot(request: Request, secrets: list[str], url: str, now: datetime) -> None:
    """Signature v3 over method, address, body and time. A 401 if it is wrong, or too old."""
    given = request.headers.get(b"x-hubspot-signature-v3", b"").decode("latin-1")
    timestamp = request.headers.get(b"x-hubspot-request-timestamp", b"").decode("latin-1")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 15):
        raise refused()
    age = abs(now.timestamp() - int(timestamp) / 1000)
    if request.query_string:
        url = f"{url}?{request.query_string.decode('latin-1')}"
    right = [hubspot.signature(s, "POST", url, request.body, timestamp) for s in secrets]
    if not _is_one_of(given, right) or age > SIGNED_WINDOW.total_seconds():
        raise refused()


def check_secret(request: Request, secrets: list[str]) -> None:
    """The secret as the password of basic authentication, or as ``?secret=``; a 401 otherwise."""
    given = _password(request.headers.get(b"authorization", b""))
    if not _is_one_of(given or request.query.get("secret", ""), secrets):
        raise refused()


def check_pipedrive_time(body: Any, now: datetime) -> None:
    """A 401 for a message that was made too long ago."""
    if abs(now - pipedrive.sent_at(body)) > SENT_WINDOW:
        raise refused()


def check_organisation(message: Message, expected: str) -> None:
    """A 401 for another organisation's message; ids of 15 and of 18 characters are the same."""
    if expected and not hmac.compare_digest(
        message.organisation[:15].encode(), expected.strip()[:15].encode()
    ):
        raise refused()


def _is_one_of(given: str, right: list[str]) -> bool:
    """Whether a text is one of several; each is compared, so time says nothing."""
    same = [hmac.compare_digest(given.encode(), one.encode()) for one in right]
    return any(same)


def _password(authorization: bytes) -> str:
    """The password of a header ``Basic …``; empty if there is none."""
    scheme, _, coded = authorization.partition(b" ")
    if scheme.lower() != b"basic" or len(coded) > 1000:
        return ""
    try:
        return base64.b64decode(coded.strip(), validate=True).partition(b":")[2].decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return ""
