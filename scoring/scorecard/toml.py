"""Scorecards as TOML: reading with errors that point to line and key, and writing."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from features.errors import DataError
from scoring.scorecard.checks import CardFault, card_faults, never_matching
from scoring.scorecard.rules import (
    Exclusion,
    GroupCap,
    Matrix,
    PointThresholds,
    Rule,
    ScorecardDefinition,
)

Place = tuple[str | int, ...]


_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\[\]]+?)\s*\]\]?\s*(?:#.*)?$")


_KEY = re.compile(r"^\s*(\"[^\"]+\"|'[^']+'|[A-Za-z0-9_.-]+)\s*=")


def line_index(text: str) -> dict[Place, int]:
    """Line number (from 1) of every key and table of a TOML text, by its path.

    >>> line_index('name = "x"\\n[[rules]]\\npoints = 5\\n')[("rules", 0, "points")]
    3
    """
    lines: dict[Place, int] = {}
    table: Place = ()
    seen: dict[str, int] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        header = _HEADER.match(line)
        if header and not _KEY.match(line):
            table = _table_of(header.group(2), header.group(1) == "[[", seen)
            lines.setdefault(table, number)
        elif key := _KEY.match(line):
            place = table
            for part in key.group(1).strip("\"'").split("."):
                place = (*place, part)
                lines.setdefault(place, number)
    return lines


def _table_of(name: str, is_list: bool, seen: dict[str, int]) -> Place:
    if is_list:
        seen[name] = seen.get(name, -1) + 1
        return (name, seen[name])
    return tuple(part.strip().strip("\"'") for part in name.split("."))


def parse_card(text: str, source: str) -> ScorecardDefinition:
    """A :class:`ScorecardDefinition` from TOML text. ``source`` names the file in errors.

    Raises ``DataError`` with line and key of every fault, rules that can never match among them.
    """
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise DataError(f"{source}: not valid TOML: {error}") from None
    lines = line_index(text)
    never = _places(never_matching(data))
    try:
        card = ScorecardDefinition.model_validate(data)
    except ValidationError as error:
        more = [*_places(card_faults(data)), *never]
        raise DataError(faults_of(error, source, lines, more)) from None
    if never:
        raise DataError(_listed(never, source, lines))
    return card


def card_from_data(
    data: Mapping[str, Any], source: str = "scorecard", lines: Mapping[Place, int] | None = None
) -> ScorecardDefinition:
    """A checked :class:`ScorecardDefinition` from plain data; every fault is listed, with line and
    key."""
    try:
        return ScorecardDefinition.model_validate(dict(data))
    except ValidationError as error:
        more = _places(card_faults(data))
        raise DataError(faults_of(error, source, lines or {}, more)) from None


Fault = tuple[Place, str]


def _places(faults: Iterable[CardFault]) -> list[Fault]:
    return [((fault.table, fault.position, fault.key), fault.message) for fault in faults]


def faults_of(
    error: ValidationError,
    source: str,
    lines: Mapping[Place, int],
    more: Sequence[Fault] = (),
) -> str:
    """Every fault once, a line each: file, line, key and what is wrong; in order of the lines."""
    found = [fault for e in error.errors(include_url=False) for fault in _faults(dict(e))]
    return _listed([*found, *more], source, lines)


def _listed(faults: Sequence[Fault], source: str, lines: Mapping[Place, int]) -> str:
    rows = {
        f"{source}{_line_of(place, lines)}: {_key_of(place)}: {message}": _number_of(place, lines)
        for place, message in faults
    }
    return "\n".join(sorted(rows, key=lambda text: rows[text]))


def _number_of(place: Place, lines: Mapping[Place, int]) -> int:
    return int(_line_of(place, lines).lstrip(":") or 0)


def _faults(error: dict[str, Any]) -> list[Fault]:
    context, place = error.get("ctx") or {}, tuple(error["loc"])
    if "card_faults" in context:
        return _places(context["card_faults"])
    if "faults" in context:
        return [((*place, key), message) for key, message in context["faults"]]
    place = _place_of(error)
    return [(place, _message_of(error, place))]


def _place_of(error: dict[str, Any]) -> Place:
    context = error.get("ctx") or {}
    place: Place = tuple(error["loc"])
    return (*place, context["key"]) if "key" in context else place


def _line_of(place: Place, lines: Mapping[Place, int]) -> str:
    for length in range(len(place), 0, -1):
        if place[:length] in lines:
            return f":{lines[place[:length]]}"
    return ""


def _key_of(place: Place) -> str:
    """The path as a person reads it: rules start from 1.

    >>> _key_of(("rules", 2, "points"))
    'rules[3].points'
    """
    text = ""
    for part in place:
        text += f"[{part + 1}]" if isinstance(part, int) else f".{part}" if text else str(part)
    return text or "the file"


def _message_of(error: dict[str, Any], place: Place) -> str:
    if error["type"] == "extra_forbidden":
        key = str(place[-1])
        close = difflib.get_close_matches(key, _keys_at(place), n=1)
        return "unknown key" + (f"; did you mean {close[0]!r}?" if close else "")
    if error["type"] == "missing":
        return "is missing"
    message = str(error["msg"]).replace("Input should be", "must be")
    shown = error.get("input")
    plain = isinstance(shown, str | int | float | bool) and error["type"] != "scorecard"
    return f"{message}, not {shown!r}" if plain else message


def _keys_at(place: Place) -> list[str]:
    by_root: dict[str, type[BaseModel]] = {
        "rules": Rule,
        "exclusions": Exclusion,
        "bands": PointThresholds,
        "matrix": Matrix,
        "groups": GroupCap,
    }
    model = (
        by_root.get(str(place[0]), ScorecardDefinition) if len(place) > 1 else ScorecardDefinition
    )
    return [field.alias or name for name, field in model.model_fields.items()]


def read_card(path: Path) -> ScorecardDefinition:
    """The scorecard in a TOML file. Raises :class:`DataError` with line and key of each fault."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise DataError(f"cannot read the scorecard {path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise DataError(f"{path}: is not UTF-8 text (byte {error.start})") from None
    return parse_card(text, str(path))


def packaged_text(name: str) -> str:
    """The text of a TOML file that ships with this package."""
    return resources.files("scoring").joinpath(name).read_text(encoding="utf-8")


def card_to_data(card: ScorecardDefinition) -> dict[str, Any]:
    """Plain data (dict, list, str, float, bool) that :func:`card_from_data` reads back equal."""
    data: dict[str, Any] = card.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return data


def card_to_toml(card: ScorecardDefinition, heading: str = "") -> str:
    """TOML text of a card; ``heading`` becomes comment lines at the top."""
    data = card_to_data(card)
    lines = [f"# {line}".rstrip() for line in heading.splitlines()]
    lines += _pairs({k: v for k, v in data.items() if k in ("name", "about", "outbound_kinds")})
    lines += ["", "[bands]", *_pairs(data["bands"])]
    if "matrix" in data:
        lines += ["", "[matrix]", *_pairs(data["matrix"])]
    for name, group in data.get("groups", {}).items():
        lines += ["", f"[groups.{_toml_key(name)}]", *_pairs(group)]
    for table in ("rules", "exclusions"):
        for row in data.get(table, []):
            lines += ["", f"[[{table}]]", *_pairs({"name": row["name"], **row})]
    return "\n".join(lines) + "\n"


def _pairs(row: Mapping[str, Any]) -> list[str]:
    return [f"{_toml_key(key)} = {_toml_value(value)}" for key, value in row.items()]


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)


def _toml_value(value: Any) -> str:
    if isinstance(value, list):
        if len(value) == 1 and not isinstance(value[0], dict):
            return _toml_value(value[0])
        return "[" + ", ".join(_toml_value(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(_pairs(value)) + " }"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value, ensure_ascii=False)
