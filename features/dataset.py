"""A dataset as read and checked: what every later step starts from."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd
import pyarrow as pa

from features.contract import DatasetSettings
from features.quarantine import QuarantinedRows

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")

CODED_TEXT = pa.dictionary(pa.int32(), pa.string())
"""Words that repeat: a code a row, and each word once."""
INTERACTIONS_SCHEMA = pa.schema(
    [
        ("lead_id", CODED_TEXT),
        ("occurred_at", UTC_MICROSECONDS),
        ("kind", CODED_TEXT),
        ("value", pa.float64()),
        ("duration_s", pa.float64()),
        ("channel", pa.string()),
        ("event_id", pa.string()),
    ]
)
ANSWERS_SCHEMA = pa.schema(
    [
        ("lead_id", pa.string()),
        ("answered_at", UTC_MICROSECONDS),
        ("attribute", pa.string()),
        ("value", pa.string()),
    ]
)


@dataclass(frozen=True)
class Dataset:
    """The tables of one dataset, every row within the contract.

    ``settings``: complete; each attribute of ``leads`` and ``answers`` that is used has its type,
    group and availability. Attributes refused (free text, identifiers, dates) are in neither.
    ``leads``: ``lead_id`` (object of str), ``created_at`` (datetime64[us, UTC], only when the
    dataset has time), then attributes: number and boolean as float64 (NaN unknown, boolean 0/1),
    category as object (str or None).
    ``interactions``: INTERACTIONS_SCHEMA; null value, duration, channel or event_id is unknown.
    Ids and kinds are codes into words that may stand in another order in every chunk.
    ``outcomes``: ``lead_id``, ``outcome``, ``occurred_at`` (NaT where the dataset has no time).
    ``answers``: ANSWERS_SCHEMA; values of number and boolean attributes parse with ``float``.
    ``inferred``: one sentence for each thing not said by the settings.
    """

    settings: DatasetSettings
    leads: pd.DataFrame
    interactions: pa.Table
    outcomes: pd.DataFrame
    answers: pa.Table
    inferred: tuple[str, ...] = ()
    quarantined: tuple[QuarantinedRows, ...] = ()

    @property
    def has_time(self) -> bool:
        """Whether leads have a ``created_at``; without it nothing can be split by time."""
        return "created_at" in self.leads.columns

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) over settings and content; computed when first asked for.

        The order of rows and the format they were read from do not matter. It identifies data;
        it does not protect against someone who wants a collision.
        """
        from features.fingerprint import fingerprint_of

        return fingerprint_of(self)
