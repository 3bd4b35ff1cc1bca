"""``dataset.toml`` read: what is wrong in it is named with its key or line and what is expected."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from features.dataset_settings import (
    AttributeSettings,
    DatasetSettings,
    FeatureSettings,
    OutcomeWords,
    TableSettings,
)
from features.errors import DataError


def read_settings(path: Path, *, default_name: str) -> tuple[DatasetSettings, frozenset[str]]:
    """Settings and the names of those given; all defaults if there is no file."""
    if not path.is_file():
        return DatasetSettings(name=default_name), frozenset()
    return settings_from_text(toml_text(path), default_name=default_name)


def toml_text(path: Path) -> str:
    """The text of a ``dataset.toml``, with or without a byte-order mark.

    DataError with its line where it is no UTF-8, as TOML must be.
    """
    raw = path.read_bytes()
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = 1 + raw[: error.start].count(b"\n")
        raise DataError(
            f"{path.name} line {line} is not UTF-8, which TOML must be; save it as UTF-8 "
            "(Notepad: Save as, Encoding)"
        ) from None


def toml_values(text: str) -> dict[str, Any]:
    """The keys of a ``dataset.toml``. DataError with the line where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(
            f'dataset.toml is not valid TOML: {error}; words stand in quotes (time_zone = "UTC")'
        ) from error


def settings_from_text(text: str, *, default_name: str) -> tuple[DatasetSettings, frozenset[str]]:
    """Settings as the text of a ``dataset.toml`` gives them; all defaults if it is empty."""
    return settings_of(toml_values(text), "dataset.toml", default_name=default_name)


def settings_of(
    given: Mapping[str, Any], file: str, *, default_name: str
) -> tuple[DatasetSettings, frozenset[str]]:
    """Check a mapping with the keys of ``dataset.toml``; DataError names the wrong key."""
    try:
        return DatasetSettings.model_validate({"name": default_name, **given}), frozenset(given)
    except ValidationError as error:
        raise DataError("; ".join(_sentence(problem, file) for problem in error.errors())) from None


def _uncapitalized(text: str) -> str:
    """A message of the validator as part of a sentence, names in it left as they are."""
    plain = text.removeprefix("Value error, ")
    return plain[:1].lower() + plain[1:]


def _sentence(problem: Any, file: str) -> str:
    place = [str(part) for part in problem["loc"]]
    key = ".".join(place)
    if problem["type"] == "extra_forbidden":
        known = _keys_at(place)
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
    return f"{file}: {key} is {problem.get('input')!r}; {_uncapitalized(problem['msg'])}"


def _keys_at(place: list[str]) -> list[str]:
    """The keys that are known where an unknown one was found."""
    within: dict[str, type[BaseModel]] = {
        "attributes": AttributeSettings, "tables": TableSettings, "outcome_words": OutcomeWords,
        "features": FeatureSettings,
    }  # fmt: skip
    model = within.get(place[0], DatasetSettings) if len(place) > 1 else DatasetSettings
    return list(model.model_fields)
