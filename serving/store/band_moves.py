"""Changes of a lead's band by the model, noted as scores come: what the funnel counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa

from serving.store import tables
from serving.store.bulk import is_one_of
from serving.store.page_tables import band_move

CHAMPION = "champion"
"""The role of scores that count; a challenger's move nobody."""


def replay_moves(connection: sa.Connection) -> None:
    """Make every move again from the scores that are kept, in their order."""
    connection.execute(sa.delete(band_move))
    score = tables.score.c
    order = sa.select(
        score.lead_id, score.as_of_us, score.band,
        sa.func.lag(score.band, 1, "")
        .over(partition_by=score.lead_id, order_by=(score.as_of_us, score.score_id))
        .label("before"),
    ).where(score.role == CHAMPION).subquery()  # fmt: skip
    moved = sa.select(order.c.lead_id, order.c.as_of_us, order.c.before, order.c.band)
    connection.execute(
        sa.insert(band_move).from_select(
            ["lead_id", "at_us", "before", "band"],
            moved.where(order.c.band != order.c.before).order_by(order.c.lead_id, order.c.as_of_us),
        )
    )
    earlier = band_move.alias("earlier").c
    came = sa.select(sa.func.max(earlier.at_us)).where(
        earlier.lead_id == band_move.c.lead_id, earlier.id < band_move.c.id
    )
    connection.execute(sa.update(band_move).values(since_us=came.scalar_subquery()))


def note_moves(
    connection: sa.Connection,
    by_lead: Mapping[str, Sequence[Mapping[str, Any]]],
    there: Mapping[str, sa.Row[*tuple[Any, ...]]],
) -> None:
    """Note each change of band, in the order of a lead's scores; one that comes late is none.

    ``by_lead``: new scores by lead, in order of ``as_of_us``. ``there``: the leads' lines of the
    worklist as they were before these scores; a lead without one is scored for the first time.
    """
    moves = []
    leaving = [
        lead_id
        for lead_id, line in there.items()
        if any(score["band"] != line.model_band for score in by_lead[lead_id])
    ]
    came = _last_moves(connection, leaving)
    for lead_id, scores in by_lead.items():
        line = there.get(lead_id)
        band, since = ("", -(2**63)) if line is None else (line.model_band, line.as_of_us)
        for score in scores:
            if score["as_of_us"] >= since and score["band"] != band:
                moves.append(
                    {"lead_id": lead_id, "at_us": score["as_of_us"], "before": band,
                     "band": score["band"], "since_us": came.get(lead_id)}
                )  # fmt: skip
                band, came[lead_id] = score["band"], score["as_of_us"]
    if moves:
        connection.execute(sa.insert(band_move), moves)


def _last_moves(connection: sa.Connection, lead_ids: list[str]) -> dict[str, int]:
    """When each of these leads came into its band."""
    move = band_move.c
    if not lead_ids:
        return {}
    query = sa.select(move.lead_id, sa.func.max(move.at_us)).group_by(move.lead_id)
    rows = connection.execute(query.where(is_one_of(connection, move.lead_id, lead_ids)))
    return {row[0]: row[1] for row in rows}
