"""The data contract: the words, columns and settings of a dataset folder (or database)."""

from __future__ import annotations

import difflib
import tomllib
import zoneinfo
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)

from features.cleaning import DEFAULT_UNANSWERED, Cleaning, NumberSigns, part_name
from features.errors import DataError
from features.expressions import parse_expression

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


ACCOUNT_ATTRIBUTES = (
    "account_leads", "account_conversions", "account_losses", "account_interactions",
)  # fmt: skip
"""Numbers so far of the account's other leads: created, converted, lost; interactions, which are
counted at the last moment of each day with one."""


TABLES = ("leads", "outcomes", "interactions", "answers")


FORMATS = (
    ".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt", ".parquet", ".xlsx", ".xlsm", ".xlsb", ".xls",
    ".ods",
    ".jsonl", ".jsonl.gz", ".ndjson", ".json", ".json.gz", ".sql",
)  # fmt: skip
"""Ends of the names of files that tables are read from, in any case of letters."""


REQUIRED_COLUMNS = {
    "leads": ("lead_id",),
    "outcomes": ("lead_id", "outcome"),
    "interactions": ("lead_id", "occurred_at", "kind"),
    "answers": ("lead_id", "answered_at", "attribute", "value"),
    "references": ("lead_id", "as_of"),
    "aliases": ("alias_id", "lead_id"),
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
    """What an attribute is about; the first four are the BANT qualification.

    ``cost``: what it cost to get the lead. Reports divide by it; a model never learns from it.
    """

    BUDGET = "budget"
    AUTHORITY = "authority"
    NEED = "need"
    TIMELINE = "timeline"
    FIT = "fit"
    SOURCE = "source"
    COST = "cost"
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


class DateOrder(StrEnum):
    """Which number of ``03/04/2026`` is the day."""

    DAY_FIRST = "day-first"
    MONTH_FIRST = "month-first"


class IdRule(StrEnum):
    """How the ids of other tables are compared with those of leads."""

    AS_WRITTEN = "as-written"
    SALESFORCE = "salesforce"
    WHOLE_NUMBERS = "whole-numbers"
    IGNORE_CASE = "ignore-case"
    WITHOUT_LEADING_ZEROS = "without-leading-zeros"


class BareDates(StrEnum):
    """Which moment of its day a date without a time is, but for ``created_at`` (its start)."""

    END_OF_DAY = "end-of-day"
    START_OF_DAY = "start-of-day"


class WhichOutcome(StrEnum):
    """Which outcome counts where a lead has several."""

    LAST = "last"
    FIRST = "first"


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, such as Europe/Paris or UTC") from None
    return name


def _as_signs(given: object) -> object:
    return (given,) if isinstance(given, str) else given


Zone = Annotated[str, AfterValidator(_known_zone)]
Signs = Annotated[
    tuple[Annotated[str, Field(min_length=1, max_length=1)], ...], BeforeValidator(_as_signs)
]


class AttributeSettings(BaseModel):
    """One attribute of ``dataset.toml``; what is ``None`` is inferred from the data."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    type: AttributeType | None = None
    group: Group | None = None
    available: Available | None = None
    levels: tuple[str, ...] = Field(
        default=(), description="ordered answers, least first: makes an ordinal of a category"
    )
    multiple: str | None = Field(
        default=None, min_length=1, max_length=3,
        description="the sign between several words of one value: each becomes a yes or no",
    )  # fmt: skip
    part_of: str | None = Field(
        default=None, description="the attribute of several words that this yes or no is made of"
    )
    decimal: Signs | None = Field(default=None, description="as the key of the same name, here")
    thousands: Signs | None = Field(default=None, description="as the key of the same name, here")


class FeatureSettings(BaseModel):
    """A declared feature: an expression of attributes (:mod:`features.expressions`)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    sql: str

    @field_validator("sql")
    @classmethod
    def _is_an_expression(cls, text: str) -> str:
        try:
            parse_expression(text)
        except DataError as problem:
            raise ValueError(str(problem)) from None
        return text


class TableSettings(BaseModel):
    """How one table is read; what is ``None`` is as for all tables, or found."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str | None = Field(
        default=None, description="its file, folder, pattern (*.parquet) or URL; its own name else"
    )
    sheet: str | None = Field(default=None, description="the sheet of a workbook")
    separator: str | None = Field(default=None, min_length=1, max_length=1)
    encoding: str | None = None
    multiline_values: bool = Field(
        default=False, description="values between quotes may hold lines that look like rows"
    )
    time_zone: Zone | None = None
    date_order: DateOrder | None = None
    date_formats: tuple[str, ...] | None = None
    decimal: Signs | None = None
    thousands: Signs | None = None


class OutcomeWords(BaseModel):
    """Which words of the outcomes table mean what, in any case of letters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    converted: tuple[str, ...] = ("converted",)
    lost: tuple[str, ...] = ("lost",)
    open: tuple[str, ...] = ("open",)
    reopened: tuple[str, ...] = ("reopened",)


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
    account_features: bool = Field(
        default=False, description="learn from what the other leads of a lead's account did before"
    )
    unanswered: tuple[str, ...] | None = Field(
        default=None, description="words read as unknown; None: DEFAULT_UNANSWERED, printed if met"
    )
    attributes: dict[str, AttributeSettings] = {}
    features: dict[str, FeatureSettings] = Field(
        default={}, description="declared features: expressions of attributes"
    )
    max_bad: float | None = Field(
        default=None, ge=0, le=1, description="share of a table's rows that may break the contract"
    )
    time_zone: Zone | None = Field(default=None, description="of times without a zone")
    date_order: DateOrder | None = None
    date_formats: tuple[str, ...] = Field(
        default=(),
        description="excel, unix (-ms, -us, -ns), julian, or patterns such as %d.%m.%Y %H:%M",
    )
    bare_dates: BareDates = BareDates.END_OF_DAY
    decimal: Signs = Field(default=(), description="the sign before the fraction of a number")
    thousands: Signs = Field(default=(), description="signs between groups of three digits")
    lead_ids: IdRule = IdRule.AS_WRITTEN
    which_outcome: WhichOutcome = WhichOutcome.LAST
    outcome_words: OutcomeWords = OutcomeWords()
    columns: dict[str, dict[str, str | int]] = Field(
        default={}, description="per table: the contract's name of a column to the file's own"
    )
    tables: dict[str, TableSettings] = {}

    @field_validator("reference_ages_days")
    @classmethod
    def _ages_are_times(cls, ages: tuple[float, ...]) -> tuple[float, ...]:
        if not ages or any(not 0 <= age <= 3650 for age in ages):
            raise ValueError("expected one or more ages between 0 and 3650 days")
        return tuple(sorted(set(ages)))

    @field_validator("columns", "tables")
    @classmethod
    def _of_known_tables(cls, given: dict[str, Any]) -> dict[str, Any]:
        known = (*TABLES, "aliases", "references")
        for name in given:
            if name not in known:
                raise ValueError(f"expected tables among {', '.join(known)}")
        return given

    def of_table(self, name: str) -> TableSettings:
        """How a table is read: its own settings, else those of all tables."""
        own = self.tables.get(name, TableSettings())
        return own.model_copy(
            update={
                key: getattr(self, key)
                for key in ("time_zone", "date_order", "date_formats", "decimal", "thousands")
                if getattr(own, key) is None
            }
        )

    def cleaning(self) -> Cleaning:
        """How raw values of attributes and answers are read, also by a release made of this."""
        return Cleaning(
            unknown=DEFAULT_UNANSWERED if self.unanswered is None else self.unanswered,
            signs=signs_of(self.of_table("leads")),
            signs_of={
                name: signs_of(a, self.of_table("leads"))
                for name, a in self.attributes.items()
                if a.decimal is not None or a.thousands is not None
            },
            multiple=self._multiple(),
        )

    def _multiple(self) -> dict[str, tuple[str, tuple[str, ...]]]:
        """Per attribute of several words: the sign between them, and the words split off."""
        parts: dict[str, list[str]] = {}
        signs: dict[str, str] = {}
        for name, own in self.attributes.items():
            if own.part_of is not None and own.multiple is not None:
                signs[own.part_of] = own.multiple
                parts.setdefault(own.part_of, []).append(
                    name.removeprefix(part_name(own.part_of, ""))
                )
        return {name: (signs[name], tuple(sorted(words))) for name, words in parts.items()}


READING_KEYS = frozenset(
    {
        "max_bad", "time_zone", "date_order", "date_formats", "bare_dates", "decimal", "thousands",
        "lead_ids", "which_outcome", "outcome_words", "columns", "tables",
    }
)  # fmt: skip
"""Keys that say how tables are written; the content they lead to is the same without them."""


def signs_of(
    own: AttributeSettings | TableSettings, table: TableSettings | None = None
) -> NumberSigns:
    """The signs of numbers that are declared for an attribute or a table."""
    outer = table or TableSettings()
    decimal = own.decimal if own.decimal is not None else outer.decimal
    thousands = own.thousands if own.thousands is not None else outer.thousands
    return NumberSigns(tuple(decimal or (".",)), tuple(thousands or ()))


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
