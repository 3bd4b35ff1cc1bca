"""API keys, scopes and rate limits (token buckets), checked before the body is read."""

from __future__ import annotations

import ipaddress
import math
from time import monotonic

from features.errors import StorageError, UsageError
from serving.http.api_keys import KeyFile
from serving.problems import Problem
from serving.settings import Settings

OPEN = "open"


MAX_BUCKETS = 10_000


_LOCAL_NAMES = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})


class AccessControl:
    """Keys and rates of one application."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.keys = KeyFile(settings.home)
        self._buckets: dict[str, tuple[float, float]] = {}

    @property
    def needs_keys(self) -> bool:
        """Whether every request must bring a key: in production, or once any key was made."""
        self.keys.look()
        return self.settings.production or self.keys.required

    def authorize(self, headers: dict[bytes, bytes], scope: str, peer: str) -> str:
        """The id of the key that may do this; 401, 403 or 429 otherwise."""
        if not scope:
            return OPEN
        if not self.needs_keys:
            refuse_foreign_names(headers)
            self.take_token(peer)
            return OPEN
        secret = _secret(headers)
        try:
            key = None if secret is None else self.keys.find(secret)
        except StorageError:
            raise Problem(
                503, "keys-unreadable", "The file of API keys cannot be read; nobody is let in.",
                headers={"Retry-After": "5"},
            ) from None  # fmt: skip
        if key is None:
            self.take_token(f"no key: {peer}")
            raise Problem(
                401, "not-authenticated",
                "A live API key is needed: Authorization: Bearer ls_….",
                headers={"WWW-Authenticate": 'Bearer realm="leadscore"'},
            )  # fmt: skip
        self.take_token(key.id)
        if not key.allows(scope):
            raise Problem(403, "not-allowed", f"This key does not have the scope {scope}.")
        return key.id

    def take_token(self, who: str) -> None:
        """Take a token from the caller's bucket; 429 when it is empty."""
        rate, burst = self.settings.rate_per_s, float(self.settings.rate_burst)
        now = monotonic()
        tokens, since = self._buckets.get(who, (burst, now))
        tokens = min(burst, tokens + (now - since) * rate)
        if tokens < 1.0:
            wait = max(1, math.ceil((1.0 - tokens) / rate))
            raise Problem(
                429, "too-many-requests", f"More than {rate:g} requests a second; slow down.",
                headers={"Retry-After": str(wait)},
            )  # fmt: skip
        if who not in self._buckets and len(self._buckets) >= MAX_BUCKETS:
            self._buckets.clear()
        self._buckets[who] = (tokens - 1.0, now)


def _secret(headers: dict[bytes, bytes]) -> str | None:
    given = headers.get(b"authorization", b"")
    if given[:7].lower() != b"bearer " or len(given) > 200:
        return None
    return given[7:].strip().decode("latin-1")


def refuse_foreign_names(headers: dict[bytes, bytes]) -> None:
    """Without keys only this machine's own names are answered, so that no web page can reach us
    through a name of its own that resolves to the loopback."""
    host = headers.get(b"host", b"localhost").lower()
    name = host[: host.index(b"]") + 1] if b"]" in host else host.split(b":")[0]
    if name not in _LOCAL_NAMES:
        raise Problem(403, "not-allowed", "Without API keys only localhost is answered.")


def require_keys_if_public(settings: Settings) -> None:
    """UsageError when the service would listen beyond this machine, or in production, keyless."""
    keys = KeyFile(settings.home)
    keys.look()
    if keys.required:
        return
    if settings.production:
        raise UsageError("production needs API keys; make one: leadscore keys create NAME")
    if not _is_loopback(settings.host):
        raise UsageError(
            f"refusing to listen on {settings.host} without API keys; make one with "
            "leadscore keys create NAME, or listen on 127.0.0.1"
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
