"""What a forecast reads: the leads that are open now, and those of a past moment with their end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from features.cleaning import parse_number
from features.compute.array_types import Bools, Float64, Int64, Object
from features.contract import value_to_text
from serving.store import tables
from serving.store.page_tables import worklist
from serving.store.worklist_lines import NO_CONTACT, OPEN, PAUSED

CATEGORIES = ("band", "source", "owner", "segment")
"""What open leads can be split by."""

_attributes = msgspec.json.Decoder(dict[str, Any])


@dataclass(frozen=True, eq=False)
class StoredOpenLeads:
    """Every lead with a score and without an outcome, (n) each, by lead_id.

    ``probability``: the newest score, given as of ``as_of_us``. ``checked_us``: when it was last
    computed by the release asked about; 0 where that has not scored the lead. ``created_us``: -1
    where unknown. ``words``: band (a person's, where overruled), source, owner and segment; ""
    where unknown.
    """

    lead_ids: Object
    probability: Float64
    as_of_us: Int64
    checked_us: Int64
    created_us: Int64
    words: Mapping[str, Object]

    def __len__(self) -> int:
        return len(self.lead_ids)


@dataclass(frozen=True, eq=False)
class PastLeads:
    """The leads that were open at a past moment and had a score by then, (n) each.

    ``probability``: the newest score up to that moment; ``created_us``: -1 where unknown.
    ``converted``: whether they converted before the end of the period.
    """

    probability: Float64
    created_us: Int64
    converted: Bools


def open_leads(connection: sa.Connection, release_id: str) -> StoredOpenLeads:
    """Every open lead; also those that are paused or not to be contacted: they may convert."""
    line, by_release = worklist.c, tables.latest_score.c
    query = (
        sa.select(
            line.lead_id, line.probability, line.as_of_us, line.created_us,
            *(line[name] for name in CATEGORIES), by_release.checked_us,
        )
        .select_from(
            worklist.outerjoin(
                tables.latest_score,
                sa.and_(by_release.lead_id == line.lead_id, by_release.release_id == release_id),
            )
        )
        .where(line.state.in_((OPEN, PAUSED, NO_CONTACT)))
        .order_by(line.lead_id)
    )  # fmt: skip
    rows = connection.execute(query).all()
    return StoredOpenLeads(
        _words([row.lead_id for row in rows]),
        np.array([row.probability for row in rows], np.float64),
        np.array([row.as_of_us for row in rows], np.int64),
        np.array([row.checked_us or 0 for row in rows], np.int64),
        _moments([row.created_us for row in rows]),
        {name: _words([getattr(row, name) for row in rows]) for name in CATEGORIES},
    )


def values_of(connection: sa.Connection, attribute: str) -> dict[str, float]:
    """lead_id → the attribute as last known, of the leads where it is a number."""
    into = {row.alias_id: row.lead_id for row in connection.execute(sa.select(tables.alias))}
    texts: dict[str, str] = {}
    query = sa.select(tables.lead.c.lead_id, tables.lead.c.attributes)
    for lead_id, text in connection.execute(query):
        given = _attributes.decode(text).get(attribute)
        if given is not None:
            texts[into.get(lead_id, lead_id)] = value_to_text(given)
    answer = tables.answer.c
    later = sa.select(answer.lead_id, answer.value).where(answer.attribute == attribute)
    for lead_id, value in connection.execute(later.order_by(answer.answered_us, answer.id)):
        texts[into.get(lead_id, lead_id)] = value
    numbers = ((lead_id, parse_number(text)) for lead_id, text in texts.items())
    return {lead_id: number for lead_id, number in numbers if number is not None}


def past_leads(connection: sa.Connection, start_us: int, end_us: int) -> PastLeads:
    """Leads with a score as of ``start_us`` or earlier that had not closed by then; what came of
    them in (``start_us``, ``end_us``]."""
    score, outcome, lead = tables.score.c, tables.outcome.c, tables.lead.c
    newest = (
        sa.select(score.lead_id, sa.func.max(score.as_of_us).label("as_of_us"))
        .where(score.role == "champion", score.as_of_us <= start_us)
        .group_by(score.lead_id)
        .subquery()
    )
    given = (
        sa.select(
            score.lead_id, sa.func.max(score.probability).label("probability"),
        )
        .join(
            newest,
            sa.and_(score.lead_id == newest.c.lead_id, score.as_of_us == newest.c.as_of_us),
        )
        .where(score.role == "champion")
        .group_by(score.lead_id)
        .subquery()
    )  # fmt: skip
    came = sa.and_(outcome.outcome == "converted", outcome.occurred_us <= end_us)
    query = (
        sa.select(
            given.c.probability, lead.created_us, sa.case((came, 1), else_=0).label("converted")
        )
        .select_from(
            given.outerjoin(tables.outcome, outcome.lead_id == given.c.lead_id).outerjoin(
                tables.lead, lead.lead_id == given.c.lead_id
            )
        )
        .where(sa.or_(outcome.occurred_us.is_(None), outcome.occurred_us > start_us))
        .order_by(given.c.lead_id)
    )
    rows = connection.execute(query).all()
    return PastLeads(
        np.array([row.probability for row in rows], np.float64),
        _moments([row.created_us for row in rows]),
        np.array([bool(row.converted) for row in rows], np.bool_),
    )


def _moments(values: list[int | None]) -> Int64:
    return np.array([-1 if value is None else value for value in values], np.int64)


def _words(values: list[str]) -> Object:
    made = np.empty(len(values), object)
    made[:] = values
    return made
