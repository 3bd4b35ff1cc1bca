"""``dataset.toml``: read strictly, refused with the key that is wrong."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from features.contract import AttributeSettings, DatasetSettings
from features.errors import DataError


def read_settings(path: Path, *, default_name: str) -> tuple[DatasetSettings, frozenset[str]]:
    """Settings and the names of those given; all defaults if there is no file."""
    if not path.is_file():
        return DatasetSettings(name=default_name), frozenset()
    try:
        given = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is not valid TOML: {error}") from error
    return settings_of(given, path.name, default_name=default_name)


def settings_of(
    given: Mapping[str, Any], file: str, *, default_name: str
) -> tuple[DatasetSettings, frozenset[str]]:
    """Check a mapping with the keys of ``dataset.toml``; DataError names the wrong key."""
    try:
        return DatasetSettings.model_validate({"name": default_name, **given}), frozenset(given)
    except ValidationError as error:
        raise DataError("; ".join(_sentence(problem, file) for problem in error.errors())) from None


def _sentence(problem: Any, file: str) -> str:
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        known = list((AttributeSettings if len(place) == 3 else DatasetSettings).model_fields)
        close = difflib.get_close_matches(place[-1], known, n=1)
        hint = f"did you mean {close[0]}?" if close else f"expected one of {', '.join(known)}"
        return f"{file}: unknown key {key!r}; {hint}"
    if place[-1:] == ["type"] and problem.get("input") == "text":
        return (
            f"{file}: {key} = 'text' is refused: free text is not scored; expected number, "
            "category or boolean, or leave the line out to have the column left out"
        )
    if problem["type"] == "timezone_aware":
        return f"{file}: {key} has no time zone; expected UTC, such as 2026-01-31T00:00:00Z"
    return f"{file}: {key} is {problem.get('input')!r}; {problem['msg'].lower()}"
