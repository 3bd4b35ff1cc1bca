"""The settings of a dataset, as ``dataset.toml`` holds them: checked, with their defaults."""

from __future__ import annotations

import zoneinfo
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
)

from features.cleaning import DEFAULT_UNANSWERED, Cleaning, NumberSigns, part_name
from features.contract import (
    DEFAULT_OPT_OUT_KINDS,
    DEFAULT_OUTBOUND_KINDS,
    TABLES,
    AttributeType,
    Available,
    BareDates,
    DateOrder,
    Group,
    IdRule,
    WhichOutcome,
)
from features.errors import DataError
from features.expressions import parse_expression


def _known_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("expected the name of a time zone, such as Europe/Paris or UTC") from None
    return name


def _as_signs(given: object) -> object:
    return (given,) if isinstance(given, str) else given


def _as_units(given: object) -> object:
    """``{ k = 1000 }`` as pairs in order of the words."""
    return tuple(sorted(given.items())) if isinstance(given, dict) else given


def _units_are_words(units: tuple[tuple[str, float], ...]) -> tuple[tuple[str, float], ...]:
    for word, _ in units:
        if word != word.strip() or not word or any(c.isdigit() for c in word):
            raise ValueError(
                f"expected words beside numbers, such as k or M€, without digits; got {word!r}"
            )
    return units


Units = Annotated[
    tuple[tuple[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]], ...],
    BeforeValidator(_as_units),
    AfterValidator(_units_are_words),
]
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
    units: Units | None = Field(default=None, description="as the key of the same name, here")


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
    units: Units | None = None


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
    units: Units = Field(
        default=(), description="words beside numbers, and what these are multiplied by: k = 1000"
    )
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
                for key in (
                    "time_zone",
                    "date_order",
                    "date_formats",
                    "decimal",
                    "thousands",
                    "units",
                )
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
                if a.decimal is not None or a.thousands is not None or a.units is not None
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
        "units",
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
    units = own.units if own.units is not None else outer.units
    return NumberSigns(tuple(decimal or (".",)), tuple(thousands or ()), tuple(units or ()))
