"""The data contract: the words and columns of a dataset folder (or database)."""

from __future__ import annotations

from enum import StrEnum

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
