"""The lines of the worklist, and bands that people overrule."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAMES = ("source", "owner", "segment", "account", "name")


def upgrade() -> None:
    """Create the tables; the server fills the worklist when it next starts."""
    op.create_table(
        "worklist",
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column(
            "place", sa.Float(), nullable=False, comment="order: 0, 1 or 2 of the band + p"
        ),
        sa.Column(
            "state", sa.String(length=12), nullable=False,
            comment="open, paused, no_contact, outcome",
        ),
        sa.Column(
            "band", sa.String(length=10), nullable=False, comment="the person's, where overruled"
        ),
        sa.Column("model_band", sa.String(length=10), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("as_of_us", sa.BigInteger(), nullable=False),
        sa.Column("score_id", sa.String(length=32), nullable=False),
        sa.Column("thin", sa.Boolean(), nullable=False, comment="the evidence is thin"),
        sa.Column("fit", sa.Float(), nullable=True, comment="points of the scorecard"),
        sa.Column("engagement", sa.Float(), nullable=True),
        *(sa.Column(name, sa.String(length=200), nullable=False) for name in NAMES),
        sa.Column("cost", sa.Float(), nullable=True, comment="of acquiring the lead"),
        sa.Column("created_us", sa.BigInteger(), nullable=True),
        sa.Column(
            "search", sa.Text(), nullable=False, comment="id, name and account in small letters"
        ),
        sa.PrimaryKeyConstraint("lead_id"),
    )  # fmt: skip
    op.create_index("worklist_by_place", "worklist", ["state", "place", "lead_id"], unique=False)
    for name in NAMES[:-1]:
        op.create_index(f"worklist_by_{name}", "worklist", ["state", name, "place"], unique=False)
    op.create_table(
        "override",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False, comment="id of the API key"),
        sa.Column("band", sa.String(length=10), nullable=False, comment="empty: taken back"),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False, comment="what the model said then"),
        sa.Column("model_band", sa.String(length=10), nullable=False),
        sa.Column("release_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("override_of_lead", "override", ["lead_id", "id"], unique=False)
    op.create_table(
        "band_move",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column("before", sa.String(length=10), nullable=False, comment="empty: the first score"),
        sa.Column("band", sa.String(length=10), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("band_move_of_lead", "band_move", ["lead_id", "at_us"], unique=False)
    op.create_table(
        "page_setting",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )


def downgrade() -> None:
    """Drop them."""
    for table in ("page_setting", "band_move", "override", "worklist"):
        op.drop_table(table)
