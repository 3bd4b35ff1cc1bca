"""The store's tables. Moments are whole microseconds since 1970 UTC; rows are never changed.

The tables are named in the singular. The views ``leads``, ``interactions``, ``answers`` and
``outcomes`` show the same rows in the shape of the data contract (see ``views``), so that
``leadscore train sqlite:///store.db`` reads this database as it reads any other.
"""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData()

RowId = sa.BigInteger().with_variant(sa.Integer, "sqlite")
Name = sa.String(200)

lead = sa.Table(
    "lead",
    metadata,
    sa.Column("lead_id", Name, primary_key=True),
    sa.Column("created_us", sa.BigInteger, nullable=True),
    sa.Column("attributes", sa.Text, nullable=False, comment="JSON, as known at creation"),
    sa.Column("received_us", sa.BigInteger, nullable=False),
)

interaction = sa.Table(
    "interaction",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("lead_id", Name, nullable=False),
    sa.Column("occurred_us", sa.BigInteger, nullable=False),
    sa.Column("kind", Name, nullable=False),
    sa.Column("value", sa.Float, nullable=True),
    sa.Column("duration_s", sa.Float, nullable=True),
    sa.Column("channel", sa.Text, nullable=True),
    sa.Column("source", Name, nullable=False),
    sa.Column("event_id", Name, nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("source", "event_id", name="one_row_per_event"),
    sa.Index("interaction_of_lead", "lead_id", "id"),
    sqlite_autoincrement=True,
)

answer = sa.Table(
    "answer",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("lead_id", Name, nullable=False),
    sa.Column("answered_us", sa.BigInteger, nullable=False),
    sa.Column("attribute", Name, nullable=False),
    sa.Column("value", sa.Text, nullable=False, comment="empty: learned to be unknown"),
    sa.Column("received_us", sa.BigInteger, nullable=False),
    sa.UniqueConstraint("lead_id", "attribute", "answered_us", name="one_row_per_answer"),
    sa.Index("answer_of_lead", "lead_id", "id"),
    sqlite_autoincrement=True,
)

outcome = sa.Table(
    "outcome",
    metadata,
    sa.Column("lead_id", Name, primary_key=True),
    sa.Column("outcome", sa.String(20), nullable=False),
    sa.Column("occurred_us", sa.BigInteger, nullable=False),
    sa.Column("received_us", sa.BigInteger, nullable=False),
)

score = sa.Table(
    "score",
    metadata,
    sa.Column("score_id", sa.String(32), primary_key=True),
    sa.Column("lead_id", Name, nullable=False),
    sa.Column("as_of_us", sa.BigInteger, nullable=False),
    sa.Column("asked_us", sa.BigInteger, nullable=False),
    sa.Column("release_id", sa.String(64), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("role", sa.String(20), nullable=False, comment="champion or challenger"),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("band", sa.String(10), nullable=False),
    sa.Column("vector_hash", sa.String(32), nullable=False),
    sa.Column("origin", sa.String(10), nullable=False, comment="body or store"),
    sa.Column("language", sa.String(2), nullable=False),
    sa.Column("n_reasons", sa.Integer, nullable=False),
    sa.Column("input", sa.Text, nullable=False, comment="the body, or how far was read"),
    sa.Column("answer", sa.Text, nullable=False, comment="the answer as sent"),
    sa.Column(
        "shares", sa.Text, nullable=False, comment="every feature's share, float32 in base64"
    ),
    sa.Index("score_of_lead", "lead_id", "as_of_us"),
)

standing = sa.Table(
    "standing",
    metadata,
    sa.Column("lead_id", Name, primary_key=True),
    sa.Column("as_of_us", sa.BigInteger, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("band", sa.String(10), nullable=False),
    sa.Column("score_id", sa.String(32), nullable=False),
    sa.Column("release_id", sa.String(64), nullable=False),
    sa.Index("standing_by_band", "band", "probability", "lead_id"),
    sa.Index("standing_by_probability", "probability", "lead_id"),
)
"""Each lead's newest score: what the ranked list reads."""

tombstone = sa.Table(
    "tombstone",
    metadata,
    sa.Column("digest", sa.String(64), primary_key=True, comment="keyed hash of the lead_id"),
    sa.Column("erased_us", sa.BigInteger, nullable=False),
)

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False, comment="id of the API key"),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("subject", sa.String(64), nullable=False, comment="keyed hash, or a count"),
    sa.Column("count", sa.Integer, nullable=False),
    sqlite_autoincrement=True,
)

attribute_name = sa.Table("attribute_name", metadata, sa.Column("name", Name, primary_key=True))
"""Every attribute a lead was ever created with: the columns of the view ``leads``."""

dataset = sa.Table(
    "dataset",
    metadata,
    sa.Column("key", Name, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""Settings as in dataset.toml, a row each; read by ``leadscore train``."""
