"""Evidence in kinds of interactions and in answers: what comes only with the outcome."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import chdtri

from features.compute.array_types import Float64, Int64
from features.dataset import Dataset
from features.histories.arrays import Histories
from training.labels.references import OPEN, closings, labelled_references
from training.leakage.binned_columns import AuditFrame, Column, column_of, frame_of
from training.leakage.values import Evidence, LeakSignal

MIN_ROWS, MIN_LEADS = 20, 10


MAX_SHARE_AFTER = 0.9
"""Share of a kind's rows on closed leads at or after the outcome."""


MIN_SHARE_WITHIN_HOUR = 0.75
"""Share of the leads with a kind that close within the hour after it."""


HOUR_US = 3_600_000_000


MIN_RATE_ALL_CONVERT, MAX_RATE_NONE_CONVERTS = 0.97, 0.10


MAX_PROBABILITY_BY_CHANCE = 1e-7


MIN_SHARE_AT_CLOSING = 0.12


@dataclass(frozen=True, eq=False)
class KindRows:
    """Rows of one kind: lead (row of the histories), time, and when the lead closed.

    ``converted`` (n_leads,): whether each lead converted.
    """

    lead: Int64
    at_us: Int64
    closed_us: Int64
    converted: np.ndarray


def kind_evidence(dataset: Dataset, histories: Histories) -> dict[str, list[Evidence]]:
    """Evidence against kinds of interactions, by kind."""
    table = histories.interactions
    lead = np.repeat(np.arange(len(histories)), np.diff(table.offsets))
    closed, won = closings(dataset, histories)
    evidence_by_name: dict[str, list[Evidence]] = {}
    base = float(won[closed != OPEN].mean()) if (closed != OPEN).any() else 0.0
    by_kind = np.argsort(table.kind, kind="stable")
    starts = np.searchsorted(table.kind[by_kind], np.arange(len(table.kinds) + 1))
    for code, name in enumerate(table.kinds):
        chosen = by_kind[starts[code] : starts[code + 1]]
        rows = KindRows(lead[chosen], table.at_us[chosen], closed[lead[chosen]], won)
        evidence = [
            e for e in (_mostly_after(rows), _announces(rows), _one_outcome(rows, base)) if e
        ]
        if evidence:
            evidence_by_name[name] = evidence
    return evidence_by_name


def answer_evidence(dataset: Dataset, histories: Histories) -> dict[str, list[Evidence]]:
    """Evidence against answered attributes, by attribute: answers given when closing."""
    table = histories.answers
    lead = np.repeat(np.arange(len(histories)), np.diff(table.offsets))
    closed, _ = closings(dataset, histories)
    evidence_by_name: dict[str, list[Evidence]] = {}
    for code, name in enumerate(table.attributes):
        chosen = (table.attribute == code) & (closed[lead] != OPEN)
        if chosen.sum() < MIN_ROWS:
            continue
        share = float((table.at_us[chosen] >= closed[lead[chosen]] - HOUR_US).mean())
        if share >= MIN_SHARE_AT_CLOSING:
            text = f"{share:.0%} of its answers on closed leads come with the closing or later"
            evidence_by_name[name] = [Evidence(LeakSignal.ANSWERED_AT_CLOSING, text)]
    return evidence_by_name


def _mostly_after(rows: KindRows) -> Evidence | None:
    ended = rows.closed_us != OPEN
    if len(rows.lead) < MIN_ROWS or ended.sum() < MAX_SHARE_AFTER * len(rows.lead):
        return None
    share = float((rows.at_us[ended] >= rows.closed_us[ended]).mean())
    if share < MAX_SHARE_AFTER:
        return None
    return Evidence(
        LeakSignal.AT_OR_AFTER_OUTCOME,
        f"{share:.0%} of its {len(rows.lead):,} rows lie at or after the outcome, where no "
        "reference sees them",
    )


def _announces(rows: KindRows) -> Evidence | None:
    """Nearly every lead that shows it closes within the hour."""
    before = rows.at_us < rows.closed_us
    first = pd.Series(rows.at_us[before]).groupby(rows.lead[before]).min()
    if len(first) < MIN_LEADS:
        return None
    closed = pd.Series(rows.closed_us[before]).groupby(rows.lead[before]).first()
    share = float((closed - first <= HOUR_US).mean())
    if share < MIN_SHARE_WITHIN_HOUR:
        return None
    return Evidence(
        LeakSignal.ANNOUNCES_OUTCOME,
        f"{share:.0%} of the {len(first):,} leads that show it before closing close within an hour",
    )


def _one_outcome(rows: KindRows, base: float) -> Evidence | None:
    before = (rows.at_us < rows.closed_us) & (rows.closed_us != OPEN)
    leads = np.unique(rows.lead[before])
    won = int(rows.converted[leads].sum())
    if len(leads) < MIN_LEADS or not 0.001 < base < 0.9:
        return None
    most = chdtri(2 * (won + 1), 0.05) / 2
    all_win = (
        won >= MIN_RATE_ALL_CONVERT * len(leads) and base ** len(leads) < MAX_PROBABILITY_BY_CHANCE
    )
    if not all_win and most > MAX_RATE_NONE_CONVERTS * base * len(leads):
        return None
    return Evidence(
        LeakSignal.ONLY_ONE_OUTCOME,
        f"of the {len(leads):,} closed leads that showed it {won:,} converted, where "
        f"{base * len(leads):,.0f} would be usual",
    )


def frame_at_references(dataset: Dataset, histories: Histories) -> AuditFrame | None:
    """What histories say at one age per lead (the middle one): kinds seen, answers as of then.

    None if nothing can be seen then: no history, or creation is the only age.
    """
    labelled = labelled_references(dataset, histories)
    ages = np.array(dataset.settings.reference_ages_days)
    age_us = round(float(ages[len(ages) // 2]) * 24 * HOUR_US)
    chosen = labelled.as_of_us - histories.created_at_us[labelled.lead] == age_us
    references = labelled.take(np.asarray(chosen))
    if age_us == 0 or not len(references):
        return None
    columns = [*_kinds_seen(histories, references.lead, references.as_of_us)]
    columns += _answers_as_of(histories, references.lead, references.as_of_us)
    return frame_of(references.label, columns, timed=True) if columns else None


def _kinds_seen(histories: Histories, lead: Int64, as_of: Int64) -> list[Column]:
    table = histories.interactions
    row = np.full(len(histories), -1)
    row[lead] = np.arange(len(lead))
    event_row = np.repeat(row, np.diff(table.offsets))
    seen = (event_row >= 0) & (table.at_us < as_of[event_row])
    n_kinds = len(table.kinds)
    place = event_row[seen] * n_kinds + table.kind[seen]
    counts: Float64 = np.bincount(place, minlength=len(lead) * n_kinds).astype(np.float64)
    by_kind = counts.reshape(len(lead), n_kinds)
    return [
        column_of(name, pd.Series(by_kind[:, code]))
        for code, name in enumerate(table.kinds)
        if by_kind[:, code].any()
    ]


def _answers_as_of(histories: Histories, lead: Int64, as_of: Int64) -> list[Column]:
    table = histories.answers
    row = np.full(len(histories), -1)
    row[lead] = np.arange(len(lead))
    answer_row = np.repeat(row, np.diff(table.offsets))
    seen = (answer_row >= 0) & (table.at_us < as_of[answer_row])
    words = np.array([*table.values, None], dtype=object)
    columns = []
    for code, name in enumerate(table.attributes):
        chosen = seen & (table.attribute == code)
        value = np.full(len(lead), len(table.values))
        value[answer_row[chosen]] = table.value[chosen]
        columns.append(column_of(name, pd.Series(words[value], dtype=object)))
    return columns
