"""Corrections, merged leads, and the keys of tombstones in the database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = sa.String(length=200)


def row_id(autoincrement: bool = True) -> sa.Column[int]:
    """The number of a row."""
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column("id", kind, autoincrement=autoincrement, nullable=False)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "tombstone_key",
        row_id(),
        sa.Column("key", sa.String(length=64), nullable=False, comment="32 bytes, hexadecimal"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "correction",
        row_id(),
        sa.Column("lead_id", NAME, nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False, comment="id of the API key"),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("before", sa.Text(), nullable=False, comment="JSON: what was replaced"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("correction_of_lead", "correction", ["lead_id", "id"], unique=False)
    op.create_table(
        "alias",
        sa.Column("alias_id", NAME, nullable=False, comment="the id that a lead had"),
        sa.Column("lead_id", NAME, nullable=False, comment="the lead that it is now"),
        sa.Column("into_id", NAME, nullable=False, comment="the lead that it was merged into"),
        sa.Column("since_us", sa.BigInteger(), nullable=False),
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("alias_id"),
    )
    op.create_index("alias_of_lead", "alias", ["lead_id"], unique=False)
    op.create_index("alias_into", "alias", ["into_id"], unique=False)
    op.create_table(
        "withdrawn_interaction",
        row_id(autoincrement=False),
        sa.Column("lead_id", NAME, nullable=False),
        sa.Column("occurred_us", sa.BigInteger(), nullable=False),
        sa.Column("kind", NAME, nullable=False),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("duration_s", sa.Float(), nullable=True),
        sa.Column("channel", sa.Text(), nullable=True),
        sa.Column("source", NAME, nullable=False),
        sa.Column("event_id", NAME, nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "withdrawn_interaction_of_lead", "withdrawn_interaction", ["lead_id", "id"], unique=False
    )
    op.create_index(
        "withdrawn_event", "withdrawn_interaction", ["source", "event_id"], unique=False
    )
    op.create_table(
        "withdrawn_answer",
        row_id(autoincrement=False),
        sa.Column("lead_id", NAME, nullable=False),
        sa.Column("answered_us", sa.BigInteger(), nullable=False),
        sa.Column("attribute", NAME, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("received_us", sa.BigInteger(), nullable=False),
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "withdrawn_answer_of_lead", "withdrawn_answer", ["lead_id", "attribute", "answered_us"],
        unique=False,
    )  # fmt: skip


def downgrade() -> None:
    """Drop them; the views that show them go first."""
    for view in ("leads", "interactions", "answers", "outcomes"):
        op.execute(f"DROP VIEW IF EXISTS {view}")
    for table in (
        "withdrawn_answer", "withdrawn_interaction", "alias", "correction", "tombstone_key",
    ):  # fmt: skip
        op.drop_table(table)
