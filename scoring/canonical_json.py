"""JSON with one spelling: the same data always gives the same bytes, and only those are read."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import numpy as np

from features.errors import ReleaseError


def canonical_json(data: Any) -> bytes:
    """ASCII, keys sorted, one value a line, shortest exact floats; NaN raises ValueError.

    >>> canonical_json({"b": [0.1], "a": None})
    b'{\\n "a": null,\\n "b": [\\n  0.1\\n ]\\n}\\n'
    """
    text = json.dumps(
        data, sort_keys=True, indent=1, allow_nan=False, ensure_ascii=True, default=_plain
    )
    return text.encode("ascii") + b"\n"


def parse_json(name: str, content: bytes) -> dict[str, Any]:
    """The object in ``content``; ReleaseError naming the file unless it is spelled canonically.

    That refuses duplicate keys, NaN, other white space and other spellings of a number.
    """
    try:
        data = json.loads(content, parse_constant=_refuse)
        same = canonical_json(data) == content
    except (ValueError, RecursionError) as problem:
        raise ReleaseError(f"{name}: not readable as JSON; the file is damaged") from problem
    if not isinstance(data, dict) or not same:
        raise ReleaseError(f"{name}: not written the one way this file is written; it was altered")
    return data


def _plain(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not plain data")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")
