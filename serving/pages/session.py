"""Sessions of the pages: a signed cookie that names an API key, and the token of its forms.

The cookie holds no secret: the key's public id, when it was issued, a nonce and the language, under
an HMAC with a key of this home (``page.key``). So any worker can check it, a restart ends no
session, and a revoked key ends its sessions within a second.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from http.cookies import CookieError, SimpleCookie
from pathlib import Path

import msgspec

from features.compute.atomic import create_once
from features.errors import StorageError

COOKIE = "leadscore_session"
KEY_FILE = "page.key"
LASTS_S = 12 * 3600
LONGEST_COOKIE = 2000


class _Payload(msgspec.Struct, frozen=True, array_like=True):
    key_id: str
    issued_s: int
    nonce: str
    language: str


@dataclass(frozen=True)
class Session:
    """Who looks at a page. ``key_id``: the API key they signed in with, "" for nobody.

    ``language``: chosen on a page; "" for what the browser asks for. ``is_new``: not yet in the
    browser's cookie.
    """

    key_id: str
    issued_s: int
    nonce: str
    language: str = ""
    is_new: bool = False

    def in_language(self, language: str) -> Session:
        """The same session in another language."""
        return replace(self, language=language, is_new=True)


class Sessions:
    """Issues and checks the cookies of one home; nothing is read before it is needed."""

    def __init__(self, home: Path) -> None:
        self._path = home / KEY_FILE
        self._key = b""

    def of(self, headers: dict[bytes, bytes], now_s: int) -> Session:
        """The session of a request's cookie; a new one of nobody if there is none that holds."""
        return self._read(_cookie_of(headers), now_s) or self.issue("", now_s)

    def issue(self, key_id: str, now_s: int, language: str = "") -> Session:
        """A new session, with a nonce of its own: signing in never keeps the one before."""
        return Session(key_id, now_s, secrets.token_urlsafe(16), language, is_new=True)

    def cookie(self, session: Session, *, secure: bool) -> str:
        """The value of ``Set-Cookie``."""
        payload = _Payload(session.key_id, session.issued_s, session.nonce, session.language)
        text = base64.urlsafe_b64encode(msgspec.json.encode(payload)).decode("ascii").rstrip("=")
        value = f"{text}.{self._sign('session', text)}"
        flags = "; Secure" if secure else ""
        return f"{COOKIE}={value}; Path=/; Max-Age={LASTS_S}; HttpOnly; SameSite=Strict{flags}"

    def csrf(self, session: Session) -> str:
        """The token that every form of this session carries."""
        return self._sign("form", f"{session.key_id} {session.issued_s} {session.nonce}")

    def is_form_of(self, session: Session, token: str) -> bool:
        """Whether a form came from a page of this session."""
        return hmac.compare_digest(self.csrf(session).encode(), token.encode())

    def _read(self, cookie: str, now_s: int) -> Session | None:
        text, _, signature = cookie.partition(".")
        if not text or not hmac.compare_digest(
            self._sign("session", text).encode(), signature.encode()
        ):
            return None
        try:
            padded = text + "=" * (-len(text) % 4)
            found = msgspec.json.decode(base64.urlsafe_b64decode(padded), type=_Payload)
        except (ValueError, binascii.Error, msgspec.MsgspecError):
            return None
        if not 0 <= now_s - found.issued_s < LASTS_S:
            return None
        return Session(found.key_id, found.issued_s, found.nonce, found.language)

    def _sign(self, purpose: str, text: str) -> str:
        message = f"{purpose}\n{text}".encode()
        return hmac.new(self._secret(), message, hashlib.sha256).hexdigest()

    def _secret(self) -> bytes:
        """The home's key, made at first need; the first of several processes wins."""
        if not self._key:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                if not self._path.exists():
                    create_once(self._path, secrets.token_hex(32).encode("ascii"), mode=0o600)
                self._key = bytes.fromhex(self._path.read_text("ascii").strip())
            except (OSError, ValueError) as error:
                name = type(error).__name__
                raise StorageError(f"cannot read the key in {self._path} ({name})") from error
        return self._key


def _cookie_of(headers: dict[bytes, bytes]) -> str:
    given = headers.get(b"cookie", b"")
    if len(given) > LONGEST_COOKIE * 4:
        return ""
    try:
        found = SimpleCookie(given.decode("latin-1")).get(COOKIE)
    except CookieError:
        return ""
    return "" if found is None or len(found.value) > LONGEST_COOKIE else found.value
