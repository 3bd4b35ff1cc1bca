"""What is said of an endpoint once, for routing, security and documentation alike."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from serving.calls import Endpoint


@dataclass(frozen=True)
class Route:
    """One endpoint. ``takes`` and ``gives``: message types; ``direct``: answered by the front;
    ``scope``: what an API key must allow, nothing if empty.
    """

    method: str
    path: str
    name: str
    summary: str
    about: str
    endpoint: Endpoint
    gives: Any
    takes: Any = None
    statuses: tuple[int, ...] = (200,)
    example: Any = None
    answer_example: Any = None
    query: tuple[dict[str, Any], ...] = ()
    problems: tuple[int, ...] = ()
    tag: str = "scores"
    scope: str = ""
    direct: bool = False
    headers: tuple[dict[str, Any], ...] = field(default=())
