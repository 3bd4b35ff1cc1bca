"""The data contract: the words, columns and settings of a dataset folder (or database)."""

from __future__ import annotations

from enum import StrEnum

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

DEFAULT_OUTBOUND_KINDS = (
    "contact_attempt",
    "email_sent",
    "outbound_call",
    "outbound_email",
    "sms_sent",
)
"""Interaction kinds that are our own acts unless ``dataset.toml`` says otherwise."""


class AttributeType(StrEnum):
    """How an attribute is read; ``text`` is refused by design."""

    NUMBER = "number"
    CATEGORY = "category"
    BOOLEAN = "boolean"


class Group(StrEnum):
    """What an attribute speaks of; the first four are the BANT qualification."""

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
    attributes: dict[str, AttributeSettings] = {}
