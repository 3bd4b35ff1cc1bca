"""The tables of the pages: each lead's line of the worklist, and bands that people overrule."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store.tables import Name, RowId, metadata

__all__ = ["band_move", "metadata", "override", "page_setting", "worklist"]

worklist = sa.Table(
    "worklist",
    metadata,
    sa.Column("lead_id", Name, primary_key=True),
    sa.Column("place", sa.Float, nullable=False, comment="order: 0, 1 or 2 of the band + p"),
    sa.Column("state", sa.String(12), nullable=False, comment="open, paused, no_contact, outcome"),
    sa.Column("band", sa.String(10), nullable=False, comment="the person's, where overruled"),
    sa.Column("model_band", sa.String(10), nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("as_of_us", sa.BigInteger, nullable=False),
    sa.Column("score_id", sa.String(32), nullable=False),
    sa.Column("thin", sa.Boolean, nullable=False, comment="the evidence is thin"),
    sa.Column("fit", sa.Float, nullable=True, comment="points of the scorecard"),
    sa.Column("engagement", sa.Float, nullable=True),
    sa.Column("source", Name, nullable=False),
    sa.Column("owner", Name, nullable=False),
    sa.Column("segment", Name, nullable=False),
    sa.Column("account", Name, nullable=False),
    sa.Column("name", Name, nullable=False),
    sa.Column("cost", sa.Float, nullable=True, comment="of acquiring the lead"),
    sa.Column("created_us", sa.BigInteger, nullable=True),
    sa.Column("search", sa.Text, nullable=False, comment="id, name and account in small letters"),
    sa.Index("worklist_by_place", "state", "place", "lead_id"),
    sa.Index("worklist_by_source", "state", "source", "place"),
    sa.Index("worklist_by_owner", "state", "owner", "place"),
    sa.Index("worklist_by_segment", "state", "segment", "place"),
    sa.Index("worklist_by_account", "state", "account", "place"),
    sa.Index("worklist_by_search", "state", "search", "lead_id").ddl_if(dialect="sqlite"),
    sa.Index("worklist_by_model_band", "model_band", "state", "source", "created_us", "cost"),
)
"""What the worklist filters and orders by: a line for each lead with a score.

It repeats other tables and can be made again from them (``worklist_lines.rebuild``). A search reads
one index through, the funnel another. PostgreSQL has no index for the search: an entry of it may be
longer than the third of a page that it takes.
"""

override = sa.Table(
    "override",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("lead_id", Name, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False, comment="id of the API key"),
    sa.Column("band", sa.String(10), nullable=False, comment="empty: taken back"),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("probability", sa.Float, nullable=False, comment="what the model said then"),
    sa.Column("model_band", sa.String(10), nullable=False),
    sa.Column("release_id", sa.String(64), nullable=False),
    sa.Index("override_of_lead", "lead_id", "id"),
    sqlite_autoincrement=True,
)
"""A person's band for a lead, with the reason; rows are never changed, the last one holds."""

band_move = sa.Table(
    "band_move",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("lead_id", Name, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("before", sa.String(10), nullable=False, comment="empty: the first score"),
    sa.Column("band", sa.String(10), nullable=False),
    sa.Column("since_us", sa.BigInteger, nullable=True, comment="of the stay that it ended"),
    sa.Index("band_move_of_lead", "lead_id", "at_us"),
    sa.Index("band_move_by_bands", "band", "before", "at_us", "since_us"),
    sqlite_autoincrement=True,
)
"""Each change of a lead's band by the model, in the order of its scores: the funnel's moves.

``since_us``: when the lead had come into the band that it leaves; null for its first score.
"""

page_setting = sa.Table(
    "page_setting",
    metadata,
    sa.Column("key", Name, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""How the lines of the worklist were made, so that another setting makes them again."""
