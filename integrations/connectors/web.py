"""Requests to a system's API: retries with backoff, rate limits, expired tokens, plain errors."""

from __future__ import annotations

import ipaddress
import random
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import cache
from types import TracebackType
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from features.errors import DataError, StorageError, UsageError

ATTEMPTS = 6
FIRST_WAIT_S = 0.5
LONGEST_WAIT_S = 300.0
"""A longer Retry-After (a daily limit) ends the run; the next one goes on from there."""

TIMEOUT_S = 60.0
RETRIED = (429, 500, 502, 503, 504)
LONGEST_MESSAGE = 300


class RequestRefusedError(DataError):
    """The system refused a request for good: its ``path``, an HTTP ``status`` and a ``reason``."""

    def __init__(self, status: int, path: str, reason: str) -> None:
        super().__init__(f"{path} was refused with {status}: {reason or 'no reason given'}")
        self.status = status
        self.path = path
        self.reason = reason


class Token(Protocol):
    """What proves who asks. It is never shown: not in errors, not in a repr."""

    def headers(self) -> Mapping[str, str]:
        """The header that proves it, by name."""

    def renew(self) -> bool:
        """Get a new one after a 401; False where there is none to get."""


class FixedToken:
    """A token that a person made and that cannot be renewed from here."""

    def __init__(
        self, secret: str, scheme: str = "Bearer", *, header: str = "authorization"
    ) -> None:
        self._headers = {header: f"{scheme} {secret}".strip()}

    def headers(self) -> Mapping[str, str]:
        """The header that proves who asks."""
        return self._headers

    def renew(self) -> bool:
        """False: only a person can make another."""
        return False


class RefreshedToken:
    """An OAuth access token, got at ``url`` with ``form`` and got again when it has expired.

    ``basic``: client id and secret, where the system wants them in a header in place of the form.
    ``settings``: the environment variables that an error names. A refresh token that the system
    replaces is used from then on, in this run alone: it cannot be written into the environment.
    """

    def __init__(
        self,
        url: str,
        form: Mapping[str, str],
        settings: str,
        *,
        basic: tuple[str, str] | None = None,
    ) -> None:
        self._url = checked_url(url)
        self._form = dict(form)
        self._settings = settings
        self._basic = basic
        self._access: str | None = None

    def headers(self) -> Mapping[str, str]:
        """The header Authorization; gets the first token."""
        if self._access is None:
            self.renew()
        return {"authorization": f"Bearer {self._access}"}

    def renew(self) -> bool:
        """Get an access token; StorageError if the system gives none."""
        library = http_library()
        try:
            answer = library.post(
                self._url, data=self._form, auth=self._basic, timeout=TIMEOUT_S, verify=_tls()
            )
        except library.TransportError as error:
            raise StorageError(f"{self._url} could not be reached for a token") from error
        try:
            given = answer.json() if answer.is_success else {}
        except ValueError:
            given = {}
        if not isinstance(given, dict) or not isinstance(given.get("access_token"), str):
            raise StorageError(
                f"{self._url} gave no access token ({answer.status_code}); check {self._settings}"
            )
        self._access = given["access_token"]
        if "refresh_token" in self._form and given.get("refresh_token"):
            self._form["refresh_token"] = str(given["refresh_token"])
        return True


def settings_from(environment: Mapping[str, str], names: tuple[str, ...]) -> list[str] | None:
    """The values of environment variables; None unless all of them are set."""
    values = [environment.get(name, "").strip() for name in names]
    return values if all(values) else None


def http_library() -> Any:
    """The module httpx2; UsageError says how to install it where it is missing."""
    try:
        import httpx2
    except ModuleNotFoundError as error:
        if error.name != "httpx2":
            raise
        raise UsageError(
            "connectors need httpx2; install it with `pip install 'leadscore[client]'`"
        ) from error
    return httpx2


@cache
def _tls() -> Any:
    """Certificates that are trusted, read once: a run makes several clients."""
    return http_library().create_ssl_context()


def checked_url(url: str) -> str:
    """The URL of an API without a slash at its end. UsageError unless it is https, or this machine.

    >>> checked_url("https://api.hubapi.com/")
    'https://api.hubapi.com'
    """
    parts = urlsplit(url)
    if parts.username or parts.password or not parts.hostname:
        raise UsageError("the URL of the API must have a host, and no user or password in it")
    if parts.scheme != "https" and not (parts.scheme == "http" and _is_loopback(parts.hostname)):
        raise UsageError(f"{parts.hostname}: tokens are sent over https only; expected https://…")
    return url.rstrip("/")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Api:
    """A context manager: JSON requests to one system.

    A 429 waits as long as Retry-After says, other passing failures (5xx, a lost connection) wait
    twice as long each time; both at most ``ATTEMPTS`` times. A 401 renews the token once. Redirects
    are not followed: they would carry the token to another host. ``busy``: words in a refusal by
    which a system says that a rate limit is used up, where it does not say so with a 429.
    """

    def __init__(
        self,
        url: str,
        token: Token,
        *,
        sleep: Callable[[float], None],
        headers: Mapping[str, str],
        busy: str | None = None,
    ) -> None:
        library = http_library()
        self.url = checked_url(url)
        self._token = token
        self._sleep = sleep
        self._busy = busy
        self._lost = library.TransportError
        self._http = library.Client(
            base_url=self.url,
            timeout=TIMEOUT_S,
            verify=_tls(),
            headers={"user-agent": "leadscore", **headers},
        )

    def __enter__(self) -> Api:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """The decoded body of a success. Raises RequestRefusedError for another status below 500,
        StorageError when the system stays away, is busy or refuses the token.
        """
        renewed = False
        attempt = 0
        while True:
            answer = self._send(method, path, body, params, headers or {})
            status = 0 if answer is None else answer.status_code
            if status == 401 and not renewed and self._token.renew():
                renewed = True
                continue
            if status not in (0, *RETRIED):
                return self._result(answer, path)
            attempt += 1
            wait = _wait_s(attempt, answer)
            if attempt >= ATTEMPTS or wait > LONGEST_WAIT_S:
                raise StorageError(_gave_up(self.url, path, status, attempt, wait))
            self._sleep(wait)

    def _send(
        self,
        method: str,
        path: str,
        body: Any,
        params: Mapping[str, Any] | None,
        headers: Mapping[str, str],
    ) -> Any:
        """One response; None when the connection failed."""
        every = {**headers, **self._token.headers()}
        try:
            return self._http.request(method, path, json=body, params=params, headers=every)
        except self._lost:
            return None

    def _result(self, answer: Any, path: str) -> Any:
        if answer.is_success:
            try:
                return answer.json() if answer.content else None
            except ValueError as error:
                raise StorageError(f"{self.url}{path} answered with something but JSON") from error
        if answer.status_code == 401:
            raise StorageError(
                f"{self.url} refused the token (401): it has expired, was revoked or never was "
                "valid; make a new one and run the same command again"
            )
        reason = _reason(answer)
        if self._busy is not None and self._busy in reason:
            raise StorageError(
                f"{self.url} is busy: {reason}; run the same command again later, it goes on "
                "from here"
            )
        raise RequestRefusedError(answer.status_code, path.partition("?")[0], reason)


def _wait_s(attempt: int, answer: Any) -> float:
    """Seconds before the next attempt: doubled each time with jitter, or what the system says."""
    wait = FIRST_WAIT_S * 2.0 ** (attempt - 1) * random.uniform(0.8, 1.2)  # noqa: S311  (jitter)
    return wait if answer is None else max(wait, _requested_wait_s(answer.headers))


def _requested_wait_s(headers: Mapping[str, str]) -> float:
    """Seconds that Retry-After (a number, or a date compared with the response's own) asks for.

    >>> [_requested_wait_s(each) for each in ({"retry-after": "11"}, {}, {"retry-after": "?"})]
    [11.0, 0.0, 0.0]
    >>> at = {"date": "Wed, 01 Apr 2026 12:00:00 GMT"}
    >>> _requested_wait_s({"retry-after": "Wed, 01 Apr 2026 12:00:30 GMT", **at})
    30.0
    """
    value = headers.get("retry-after", "").strip()
    try:
        return float(value)
    except ValueError:
        pass
    try:
        until, now = (parsedate_to_datetime(text) for text in (value, headers.get("date", "")))
        return (until - now).total_seconds()
    except (TypeError, ValueError):
        return 0.0


def _gave_up(url: str, path: str, status: int, attempt: int, wait: float) -> str:
    if status == 429:
        limit = f"its rate limit asks to wait {wait:.0f} s"
        return f"{url} is busy: {limit}; run the same command again later, it goes on from here"
    what = f"answered {status}" if status else "could not be reached"
    return f"{url}{path} {what} in {attempt} attempts; run the same command again to go on"


def _reason(answer: Any) -> str:
    """The system's own words, from the shapes that errors have."""
    try:
        body = answer.json()
    except ValueError:
        return ""
    return error_words(body)[:LONGEST_MESSAGE]


def error_words(body: Any) -> str:
    """What an error's body says: a text, a message, an error with a message, or a list of them.

    >>> error_words([{"errorCode": "INVALID_FIELD", "message": "No such column"}])
    'INVALID_FIELD: No such column'
    >>> error_words({"error": {"code": "0x80040217", "message": "lead does not exist"}})
    'lead does not exist'
    """
    if isinstance(body, list):
        return "; ".join(error_words(one) for one in body)
    if not isinstance(body, dict):
        return str(body or "")
    found = body.get("message") or body.get("error")
    text = error_words(found) if isinstance(found, dict | list) else str(found or "")
    code = body.get("errorCode") or body.get("statusCode")
    return f"{code}: {text}" if isinstance(code, str) else text


SystemApi = TypeVar("SystemApi", bound=Api)
"""The API of a system: :class:`Api` itself, or one with calls of its own."""
