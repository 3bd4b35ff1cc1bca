"""The data contract: the words, columns and settings of a dataset folder (or database)."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, field_validator

from features.errors import DataError

DEFAULT_OUTBOUND_KINDS = (
    "contact_attempt",
    "email_sent",
    "outbound_call",
    "outbound_email",
    "sms_sent",
)
"""Interaction kinds that the seller does, unless ``dataset.toml`` says otherwise."""


DEFAULT_OPT_OUT_KINDS = ("opt_out", "spam_complaint", "unsubscribe", "unsubscribed")
"""Interaction kinds by which a lead turns away; counted alone, never as interest."""


DEFAULT_UNANSWERED = ("Select", "Please select", "N/A", "n/a", "-", "--", "?")
"""Words that forms leave behind where nobody answered; read as unknown, which is reported."""


TRUE_WORDS = frozenset({"true", "yes", "y", "t", "1", "oui", "vrai"})
FALSE_WORDS = frozenset({"false", "no", "n", "f", "0", "non", "faux"})
"""How a boolean may be written, in any case of letters."""


NO_VALUE = ("", "NaN", "nan", "NULL", "null")
"""How files write *unknown*; always read as unknown."""


TABLES = ("leads", "outcomes", "interactions", "answers")


FORMATS = (".csv", ".csv.gz", ".parquet")


REQUIRED_COLUMNS = {
    "leads": ("lead_id",),
    "outcomes": ("lead_id", "outcome"),
    "interactions": ("lead_id", "occurred_at", "kind"),
    "answers": ("lead_id", "answered_at", "attribute", "value"),
    "references": ("lead_id", "as_of"),
}
"""Columns a table must have; ``outcomes`` also needs ``occurred_at`` where leads have a time."""


def value_to_text(value: object) -> str:
    """An attribute's value as the answers table and a category write it; None is the empty text.

    A whole number has no ``.0``, so that 3.0, 3 and "3" are one category.

    >>> [value_to_text(v) for v in (True, 3.0, 2.5, None, "yes")]
    ['true', '3', '2.5', '', 'yes']
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


class AttributeType(StrEnum):
    """How an attribute is read; ``text`` is refused by design."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"


class Group(StrEnum):
    """What an attribute is about; the first four are the BANT qualification."""

    BUDGET = "budget"
    AUTHORITY = "authority"
    NEED = "need"
    TIMELINE = "timeline"
    FIT = "fit"
    SOURCE = "source"
    OTHER = "other"


BANT = (Group.BUDGET, Group.AUTHORITY, Group.NEED, Group.TIMELINE)


class Available(StrEnum):
    """When an attribute becomes known; ``after_outcome`` is never used by a model."""

    AT_CREATION = "at_creation"
    ANSWERED = "answered"
    AFTER_OUTCOME = "after_outcome"


class Outcome(StrEnum):
    """How a lead ended. An open lead has no outcome."""

    CONVERTED = "converted"
    LOST = "lost"


class AttributeSettings(BaseModel):
    """One attribute of ``dataset.toml``; what is ``None`` is inferred from the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: AttributeType | None = None
    group: Group | None = None
    available: Available | None = None
    levels: tuple[str, ...] = Field(
        default=(), description="ordered answers, least first: makes an ordinal of a category"
    )


class DatasetSettings(BaseModel):
    """The contents of ``dataset.toml``."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str = Field(min_length=1)
    about: str = ""
    licence: str = ""
    observed_until: AwareDatetime | None = None
    horizon_days: float = Field(default=30.0, gt=0, le=3650)
    reference_ages_days: tuple[float, ...] = (0.0,)
    outbound_kinds: tuple[str, ...] = DEFAULT_OUTBOUND_KINDS
    opt_out_kinds: tuple[str, ...] = Field(
        default=DEFAULT_OPT_OUT_KINDS,
        description="interactions that count as themselves only, not among all or the lead's own",
    )
    excluded_kinds: tuple[str, ...] = Field(
        default=(), description="interactions that no model may count, not even among all"
    )
    unanswered: tuple[str, ...] | None = Field(
        default=None, description="words read as unknown; None: DEFAULT_UNANSWERED, printed if met"
    )
    attributes: dict[str, AttributeSettings] = {}

    @field_validator("reference_ages_days")
    @classmethod
    def _ages_are_times(cls, ages: tuple[float, ...]) -> tuple[float, ...]:
        if not ages or any(not 0 <= age <= 3650 for age in ages):
            raise ValueError("expected one or more ages between 0 and 3650 days")
        return tuple(sorted(set(ages)))


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
