"""What a search and the funnel read in one index: neither reads whole lines any more."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SINCE = """
UPDATE band_move SET since_us = (
    SELECT max(earlier.at_us) FROM band_move AS earlier
    WHERE earlier.lead_id = band_move.lead_id AND earlier.id < band_move.id
)
"""


def upgrade() -> None:
    """Create them; moves of leads that were merged into another one go, as their lines went."""
    op.execute("DELETE FROM band_move WHERE lead_id NOT IN (SELECT lead_id FROM worklist)")
    op.add_column(
        "band_move",
        sa.Column("since_us", sa.BigInteger(), nullable=True, comment="of the stay that it ended"),
    )
    op.execute(SINCE)
    op.create_index(
        "band_move_by_bands", "band_move", ["band", "before", "at_us", "since_us"], unique=False
    )
    if op.get_bind().dialect.name == "sqlite":  # elsewhere an entry may be too long for an index
        op.create_index(
            "worklist_by_search", "worklist", ["state", "search", "lead_id"], unique=False
        )
    op.create_index(
        "worklist_by_model_band", "worklist",
        ["model_band", "state", "source", "created_us", "cost"], unique=False,
    )  # fmt: skip


def downgrade() -> None:
    """Drop them."""
    op.drop_index("worklist_by_model_band", "worklist")
    if op.get_bind().dialect.name == "sqlite":
        op.drop_index("worklist_by_search", "worklist")
    op.drop_index("band_move_by_bands", "band_move")
    op.drop_column("band_move", "since_us")
