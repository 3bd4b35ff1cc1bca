"""The store's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create them."""
    op.create_table(
        "answer",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("answered_us", sa.BigInteger(), nullable=False),
        sa.Column("attribute", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False, comment="empty: learned to be unknown"),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("lead_id", "attribute", "answered_us", name="one_row_per_answer"),
        sqlite_autoincrement=True,
    )
    op.create_index("answer_of_lead", "answer", ["lead_id", "id"], unique=False)
    op.create_table(
        "attribute_name",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False, comment="id of the API key"),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column(
            "subject", sa.String(length=64), nullable=False, comment="keyed hash, or a count"
        ),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "dataset",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "interaction",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("occurred_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=200), nullable=False),
        sa.Column("event_id", sa.String(length=200), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "event_id", name="one_row_per_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("interaction_of_lead", "interaction", ["lead_id", "id"], unique=False)
    op.create_table(
        "lead",
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("created_us", sa.BigInteger(), nullable=True),
        sa.Column("attributes", sa.Text(), nullable=False, comment="JSON, as known at creation"),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id"),
    )
    op.create_table(
        "outcome",
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("outcome", sa.String(length=20), nullable=False),
        sa.Column("occurred_us", sa.BigInteger(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("lead_id"),
    )
    op.create_table(
        "score",
        sa.Column("score_id", sa.String(length=32), nullable=False),
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("as_of_us", sa.BigInteger(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column("release_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False, comment="champion or challenger"),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("band", sa.String(length=10), nullable=False),
        sa.Column("vector_hash", sa.String(length=32), nullable=False),
        sa.Column("origin", sa.String(length=10), nullable=False, comment="body or store"),
        sa.Column("language", sa.String(length=2), nullable=False),
        sa.Column("n_reasons", sa.Integer(), nullable=False),
        sa.Column("input", sa.Text(), nullable=False, comment="the body, or how far was read"),
        sa.Column("answer", sa.Text(), nullable=False, comment="the answer as sent"),
        sa.Column(
            "shares", sa.Text(), nullable=False, comment="every feature's share, float32 in base64"
        ),
        sa.PrimaryKeyConstraint("score_id"),
    )
    op.create_index("score_of_lead", "score", ["lead_id", "as_of_us"], unique=False)
    op.create_table(
        "standing",
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("as_of_us", sa.BigInteger(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("band", sa.String(length=10), nullable=False),
        sa.Column("score_id", sa.String(length=32), nullable=False),
        sa.Column("release_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("lead_id"),
    )
    op.create_index(
        "standing_by_band", "standing", ["band", "probability", "lead_id"], unique=False
    )
    op.create_index("standing_by_probability", "standing", ["probability", "lead_id"], unique=False)
    op.create_table(
        "tombstone",
        sa.Column(
            "digest", sa.String(length=64), nullable=False, comment="keyed hash of the lead_id"
        ),
        sa.Column("erased_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("digest"),
    )


def downgrade() -> None:
    """Drop them; the views that show them go first."""
    for view in ("leads", "interactions", "answers", "outcomes"):
        op.execute(f"DROP VIEW IF EXISTS {view}")
    for table in (
        "answer", "attribute_name", "audit", "dataset", "interaction", "lead", "outcome",
        "score", "standing", "tombstone",
    ):  # fmt: skip
        op.drop_table(table)
