"""How a release's probabilities held since it answers: its first score of a lead, and what came."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from serving.store import tables


@dataclass(frozen=True)
class SincePromotion:
    """Leads that a release scored, each once.

    ``leads`` and ``mean``: all of them, and their mean probability. ``mature``: those whose horizon
    has passed; of them ``expected`` conversions by the probabilities, and ``converted``.
    """

    leads: int
    mean: float | None
    mature: int
    expected: float
    converted: int


def since_promotion(
    connection: sa.Connection, release_id: str, horizon_us: int, now_us: int
) -> SincePromotion:
    """Each lead's first score by this release, against outcomes in (as_of, as_of + horizon]."""
    score, outcome = tables.score.c, tables.outcome.c
    first = (
        sa.select(score.lead_id, sa.func.min(score.as_of_us).label("as_of_us"))
        .where(score.release_id == release_id, score.role == "champion")
        .group_by(score.lead_id)
        .subquery()
    )
    given = (
        sa.select(
            score.lead_id, score.as_of_us, sa.func.max(score.probability).label("probability")
        )
        .join(
            first,
            sa.and_(score.lead_id == first.c.lead_id, score.as_of_us == first.c.as_of_us),
        )
        .where(score.release_id == release_id, score.role == "champion")
        .group_by(score.lead_id, score.as_of_us)
        .subquery()
    )
    is_mature = given.c.as_of_us + horizon_us <= now_us
    has_converted = sa.and_(
        is_mature, outcome.outcome == "converted",
        outcome.occurred_us > given.c.as_of_us,
        outcome.occurred_us <= given.c.as_of_us + horizon_us,
    )  # fmt: skip
    row = connection.execute(
        sa.select(
            sa.func.count(), sa.func.avg(given.c.probability),
            sa.func.sum(sa.case((is_mature, 1), else_=0)),
            sa.func.sum(sa.case((is_mature, given.c.probability), else_=0.0)),
            sa.func.sum(sa.case((has_converted, 1), else_=0)),
        ).select_from(
            given.outerjoin(tables.outcome, outcome.lead_id == given.c.lead_id)
        )
    ).one()  # fmt: skip
    leads, mean, mature, expected, converted = row
    return SincePromotion(leads, mean, mature or 0, expected or 0.0, converted or 0)
