"""What a release has scored since it answers: its first score of each lead, and what came."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import sqlalchemy as sa

from features.compute.array_types import DAY_US, Bools, Float64, Object
from serving.store import tables


@dataclass(frozen=True, eq=False)
class SincePromotion:
    """Leads that a release scored, each once, by its first score, (n) each.

    ``age_days``: of the lead at that score; NaN where its creation is unknown. ``mature``: whether
    the horizon has passed since; ``converted``: whether the lead converted within it.
    """

    probability: Float64
    band: Object
    age_days: Float64
    mature: Bools
    converted: Bools

    def __len__(self) -> int:
        return len(self.probability)


def since_promotion(
    connection: sa.Connection, release_id: str, horizon_us: int, now_us: int
) -> SincePromotion:
    """Each lead's first score by this release, against outcomes in (as_of, as_of + horizon]."""
    score, outcome, lead = tables.score.c, tables.outcome.c, tables.lead.c
    first = (
        sa.select(score.lead_id, sa.func.min(score.as_of_us).label("as_of_us"))
        .where(score.release_id == release_id, score.role == "champion")
        .group_by(score.lead_id)
        .subquery()
    )
    given = (
        sa.select(
            score.lead_id, score.as_of_us, sa.func.max(score.probability).label("probability"),
            sa.func.max(score.band).label("band"),
        )
        .join(
            first,
            sa.and_(score.lead_id == first.c.lead_id, score.as_of_us == first.c.as_of_us),
        )
        .where(score.release_id == release_id, score.role == "champion")
        .group_by(score.lead_id, score.as_of_us)
        .subquery()
    )  # fmt: skip
    has_converted = sa.and_(
        outcome.outcome == "converted", outcome.occurred_us > given.c.as_of_us,
        outcome.occurred_us <= given.c.as_of_us + horizon_us,
    )  # fmt: skip
    rows = connection.execute(
        sa.select(
            given.c.probability, given.c.band, given.c.as_of_us, lead.created_us,
            sa.case((has_converted, 1), else_=0).label("converted"),
        )
        .select_from(
            given.outerjoin(tables.outcome, outcome.lead_id == given.c.lead_id)
            .outerjoin(tables.lead, lead.lead_id == given.c.lead_id)
        )
        .order_by(given.c.lead_id)
    ).all()  # fmt: skip
    as_of_us = np.array([row.as_of_us for row in rows], np.int64)
    created_us = [np.nan if row.created_us is None else row.created_us for row in rows]
    band = np.empty(len(rows), object)
    band[:] = [row.band for row in rows]
    return SincePromotion(
        np.array([row.probability for row in rows], np.float64),
        band,
        (as_of_us - np.array(created_us, np.float64)) / DAY_US,
        np.asarray(as_of_us + horizon_us <= now_us),
        np.array([bool(row.converted) for row in rows], np.bool_),
    )
