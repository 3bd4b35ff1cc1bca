"""What comes back: an answer, an error as an exception, or a reason to try again."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx2

RETRY_STATUSES = frozenset({408, 429, 502, 503, 504, 507})
"""Statuses that a later attempt may not see."""


class Problem(Exception):
    """An answer that is an error; ``request_id`` finds it in the service's logs."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        self.status = status
        self.type = str(body.get("type", "about:blank"))
        self.detail = str(body.get("detail", ""))
        self.request_id = str(body.get("request_id", ""))
        self.errors: list[dict[str, str]] = list(body.get("errors", []))
        super().__init__(f"{status} {self.type}: {self.detail} (request {self.request_id})")


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how patiently; a ``Retry-After`` of the service is obeyed up to ``most_s``."""

    attempts: int = 5
    first_s: float = 0.2
    most_s: float = 30.0

    def wait_s(self, attempt: int, answer: httpx2.Response | None) -> float:
        """Seconds before the next attempt: doubled each time, with jitter."""
        retry_after = answer.headers.get("retry-after", "") if answer is not None else ""
        backoff = self.first_s * 2.0**attempt * random.uniform(0.5, 1.5)  # noqa: S311  (jitter)
        least = float(retry_after) if retry_after.isdigit() else 0.0
        return min(max(backoff, least), self.most_s)


def headers_of(key: str | None, language: str) -> dict[str, str]:
    """The headers of every request."""
    headers = {"accept-language": language, "user-agent": "leadscore-client"}
    return headers if key is None else {**headers, "authorization": f"Bearer {key}"}


def result_of(answer: httpx2.Response) -> Any:
    """The decoded answer; raises Problem for an error."""
    if answer.is_success:
        return answer.json()
    try:
        body = answer.json()
    except ValueError:
        body = {}
    raise Problem(answer.status_code, body if isinstance(body, dict) else {})
