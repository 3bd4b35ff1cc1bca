"""A proposal as the text of ``dataset.toml``."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from features.language.composed import composed
from features.reading.files.headers import toml_key
from features.reading.proposal.proposal import Proposal

_KEY = re.compile(r"(\[\S+\] )?[\w.]+ = ")


def toml_string(text: str) -> str:
    """A text as a string of TOML, in quotes."""
    escaped = (
        text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    )
    return f'"{escaped}"'


def as_toml(proposal: Proposal, before: str = "") -> str:
    """The text of ``dataset.toml``: what a person wrote stays, and what is new is added."""
    given = tomllib.loads(before)
    top = [
        line
        for name, (value, comment) in proposal.keys.items()
        if name not in given
        for line in (*_comment(comment), f"{name} = {value}")
    ]
    comments = [c for c in map(_in_language, proposal.comments) if c not in before]
    head = [] if before.strip() else [
        "# How these files are read. Every key is explained in docs/reference/data-contract.md;",
        "# lines that start with # are not in force. `leadscore check` says what is missing.", "",
    ]  # fmt: skip
    head = [composed(line) for line in head]
    text = "\n".join([*head, *top, *comments, *([""] if top or comments else []), before])
    for section, keys in proposal.sections.items():
        text = _with_section(text, section, keys, _at(given, section))
    return text.strip("\n") + "\n"


def _comment(text: str) -> list[str]:
    return [f"# {composed(text)}"] if text else []


def _in_language(comment: str) -> str:
    """A line of comment in the language in use; a key that is not in force stays as it is."""
    text = comment.removeprefix("# ")
    return comment if _KEY.match(text) else f"# {composed(text)}"


def _at(given: Mapping[str, Any], section: str) -> Mapping[str, Any]:
    """What is given within a section, whose last name may be quoted."""
    place: Any = given
    for part in (tomllib.loads(f"{section}.x = 1"),):
        while isinstance(part, dict) and list(part) != ["x"]:
            ((name, part),) = part.items()
            place = place.get(name, {}) if isinstance(place, dict) else {}
    return place if isinstance(place, dict) else {}


def _with_section(
    text: str, section: str, keys: Mapping[str, tuple[str, str]], given: Mapping[str, Any]
) -> str:
    lines = [
        line
        for name, (value, comment) in keys.items()
        if name not in given
        for line in (*_comment(comment), f"{toml_key(name)} = {value}")
    ]
    if not lines:
        return text
    header = f"[{section}]"
    if header in text.splitlines():
        rows = text.splitlines()
        place = rows.index(header) + 1
        return "\n".join([*rows[:place], *lines, *rows[place:]])
    return "\n".join([text.rstrip("\n"), "", header, *lines, ""])
