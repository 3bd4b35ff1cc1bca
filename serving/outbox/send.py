"""One message to one webhook: signed by Standard Webhooks, one POST, no redirects."""

from __future__ import annotations

import contextlib
import email.utils
import http.client
import socket
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import SplitResult

from standardwebhooks import Webhook

from features.errors import UsageError
from features.version import VERSION
from serving.outbox.url_safety import AddressRefused, checked_url, connection_to

MAX_RETRY_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class SendResult:
    """What became of one attempt. ``status``: None when there was no response; ``error``: a word,
    never what the receiver wrote. ``retry_after_s``: what it asked for, if it did."""

    status: int | None
    error: str | None = None
    retry_after_s: float | None = None

    @property
    def taken(self) -> bool:
        """Whether the receiver has the message: any 2xx."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        """Whether the receiver wants no more messages: 410."""
        return self.status == 410


@dataclass(frozen=True, slots=True)
class Sender:
    """How messages are sent. ``timeout_s``: from the first byte to the last."""

    timeout_s: float = 10.0
    allow_private: bool = False

    def send(
        self, url: str, secrets: Sequence[str], message_id: str, body: str, now: datetime
    ) -> SendResult:
        """POST the message once; never raises for what the network or the receiver does."""
        try:
            parts = checked_url(url, allow_private=self.allow_private)
            return self._post(parts, signed(secrets, message_id, body, now), body.encode(), now)
        except UsageError:
            return SendResult(None, "url refused")
        except AddressRefused:
            return SendResult(None, "private address")
        except TimeoutError:
            return SendResult(None, "timeout")
        except ssl.SSLError:
            return SendResult(None, "tls")
        except socket.gaierror:
            return SendResult(None, "name not found")
        except (OSError, http.client.HTTPException, ValueError) as error:
            return SendResult(None, f"no response ({type(error).__name__})"[:100])

    def _post(
        self, parts: SplitResult, headers: dict[str, str], body: bytes, now: datetime
    ) -> SendResult:
        connection = connection_to(parts, self.timeout_s, allow_private=self.allow_private)
        late = threading.Event()

        def give_up() -> None:
            late.set()
            if connection.sock is not None:
                with contextlib.suppress(OSError):  # it ended by itself a moment ago
                    connection.sock.shutdown(socket.SHUT_RDWR)

        # a socket's own timeout begins anew with every byte that trickles in
        timer = threading.Timer(self.timeout_s, give_up)
        timer.daemon = True
        timer.start()
        try:
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            connection.request("POST", target, body, headers)
            response = connection.getresponse()
            wait = _retry_after(response.getheader("Retry-After"), now)
            return SendResult(response.status, _word(response.status), wait)
        except (OSError, http.client.HTTPException):
            if late.is_set():
                raise TimeoutError from None
            raise
        finally:
            timer.cancel()
            connection.close()


def signed(secrets: Sequence[str], message_id: str, body: str, now: datetime) -> dict[str, str]:
    """The headers of Standard Webhooks; one signature for each secret that is valid."""
    return {
        "Content-Type": "application/json",
        "User-Agent": f"leadscore/{VERSION}",
        "Connection": "close",
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(Webhook(s).sign(message_id, now, body) for s in secrets),
    }


def _word(status: int) -> str | None:
    if 200 <= status < 300:
        return None
    return "redirect" if 300 <= status < 400 else f"status {status}"


def _retry_after(given: str | None, now: datetime) -> float | None:
    """Seconds to wait, at most an hour; None without the header or if it means nothing.

    >>> _retry_after("7", datetime(2026, 1, 1, tzinfo=UTC)), _retry_after("soon", datetime.now(UTC))
    (7.0, None)
    """
    if given is None:
        return None
    if given.isascii() and given.isdigit():
        return min(float(given[:9]), MAX_RETRY_AFTER_S)
    try:
        at = email.utils.parsedate_to_datetime(given)
    except ValueError:
        return None
    wait = (at.replace(tzinfo=at.tzinfo or UTC) - now).total_seconds()
    return min(max(wait, 0.0), MAX_RETRY_AFTER_S)
