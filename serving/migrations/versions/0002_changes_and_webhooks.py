"""Changes of scores and who is told of them; the list holds each lead's score by each release."""

from __future__ import annotations

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

NEW_TABLES = (
    "change", "delivery", "refresh_queue", "reported", "service_state", "webhook",
)  # fmt: skip

AS_BEFORE = "lead_id, as_of_us, probability, band, score_id, release_id"


def upgrade() -> None:
    """Create the outbox, and make the list anew: a row per lead and release."""
    _replace_standing(_create_standing, _FILL_NEW)
    _create_outbox()
    op.execute(
        "INSERT INTO reported (lead_id, as_of_us, probability, band, release_id, version) "
        "SELECT lead_id, as_of_us, probability, band, release_id, version FROM standing"
    )


def downgrade() -> None:
    """Drop the outbox; of the list, each lead's newest score stays."""
    for table in NEW_TABLES:
        op.drop_table(table)
    _replace_standing(_create_standing_of_0001, _FILL_OLD, ("standing_by_check",))


_FILL_NEW = (
    "INSERT INTO standing (lead_id, release_id, version, as_of_us, asked_us, checked_us, "
    "probability, band, score_id, reasons) SELECT lead_id, release_id, '', as_of_us, as_of_us, 0, "
    "probability, band, score_id, '[]' FROM standing_before"
)


_FILL_OLD = (
    f"INSERT INTO standing ({AS_BEFORE}) SELECT {AS_BEFORE} FROM standing_before AS a "  # noqa: S608
    "WHERE NOT EXISTS (SELECT 1 FROM standing_before AS b WHERE b.lead_id = a.lead_id AND "
    "(b.as_of_us > a.as_of_us OR (b.as_of_us = a.as_of_us AND b.release_id > a.release_id)))"
)


def _replace_standing(create: Callable[[], None], fill: str, more: tuple[str, ...] = ()) -> None:
    for index in ("standing_by_band", "standing_by_probability", *more):
        op.drop_index(index, table_name="standing")
    op.rename_table("standing", "standing_before")
    if op.get_context().dialect.name == "postgresql":
        op.execute("ALTER INDEX standing_pkey RENAME TO standing_before_pkey")
    create()
    op.execute(fill)
    op.drop_table("standing_before")


def _create_standing() -> None:
    op.create_table(
        "standing",
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("release_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.Column("as_of_us", sa.BigInteger(), nullable=False),
        sa.Column("asked_us", sa.BigInteger(), nullable=False),
        sa.Column(
            "checked_us", sa.BigInteger(), nullable=False, comment="when it was last computed"
        ),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("band", sa.String(length=10), nullable=False),
        sa.Column("score_id", sa.String(length=32), nullable=False),
        sa.Column(
            "reasons", sa.Text(), nullable=False, comment="JSON: sentences, the strongest first"
        ),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=True),
        sa.Column("source", sa.Text(), nullable=True),
        sa.Column("account", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("lead_id", "release_id"),
    )
    of_band = ["release_id", "band", "probability", "lead_id"]
    op.create_index("standing_by_band", "standing", of_band, unique=False)
    op.create_index(
        "standing_by_probability", "standing", ["release_id", "probability", "lead_id"],
        unique=False,
    )  # fmt: skip
    op.create_index("standing_by_check", "standing", ["release_id", "checked_us"], unique=False)


def _create_standing_of_0001() -> None:
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


def _create_outbox() -> None:
    op.create_table(
        "change",
        sa.Column(
            "seq",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column(
            "lead_id",
            sa.String(length=200),
            nullable=True,
            comment="none: about a release, or a test",
        ),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.Column(
            "kinds",
            sa.String(length=60),
            nullable=False,
            comment="what changed, with commas around",
        ),
        sa.Column(
            "webhook_id",
            sa.String(length=32),
            nullable=True,
            comment="a test of this webhook alone",
        ),
        sa.Column("body", sa.Text(), nullable=False, comment="JSON, as sent"),
        sa.PrimaryKeyConstraint("seq"),
        sqlite_autoincrement=True,
    )
    op.create_index("change_of_lead", "change", ["lead_id"], unique=False)
    op.create_table(
        "delivery",
        sa.Column("webhook_id", sa.String(length=32), nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("lead_id", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=10), nullable=False, comment="pending or dead"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("first_us", sa.BigInteger(), nullable=True, comment="the first attempt"),
        sa.Column("next_us", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id", "seq"),
    )
    op.create_index(
        "delivery_due", "delivery", ["webhook_id", "state", "next_us", "seq"], unique=False
    )
    op.create_index(
        "delivery_of_lead", "delivery", ["lead_id", "webhook_id", "state", "seq"], unique=False
    )
    op.create_table(
        "refresh_queue",
        sa.Column(
            "id",
            sa.BigInteger().with_variant(sa.Integer(), "sqlite"),
            autoincrement=True,
            nullable=False,
        ),
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("at_us", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("refresh_queue_of_lead", "refresh_queue", ["lead_id"], unique=False)
    op.create_table(
        "reported",
        sa.Column("lead_id", sa.String(length=200), nullable=False),
        sa.Column("as_of_us", sa.BigInteger(), nullable=False),
        sa.Column("probability", sa.Float(), nullable=False),
        sa.Column("band", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True, comment="feature of the strongest reason"),
        sa.Column("release_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("lead_id"),
    )
    op.create_table(
        "service_state",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key"),
    )
    op.create_table(
        "webhook",
        sa.Column("webhook_id", sa.String(length=32), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column(
            "kinds", sa.String(length=60), nullable=False, comment="what it is told of, with commas"
        ),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("old_secret", sa.Text(), nullable=True, comment="still signs until old_until_us"),
        sa.Column("old_until_us", sa.BigInteger(), nullable=True),
        sa.Column("created_us", sa.BigInteger(), nullable=False),
        sa.Column(
            "state",
            sa.String(length=10),
            nullable=False,
            comment="active, or gone: it answered 410",
        ),
        sa.Column(
            "after_seq", sa.BigInteger(), nullable=False, comment="deliveries exist up to here"
        ),
        sa.Column("failures", sa.Integer(), nullable=False, comment="in a row; 0 after a success"),
        sa.Column(
            "hold_until_us", sa.BigInteger(), nullable=False, comment="nothing is sent before"
        ),
        sa.Column("delivered", sa.BigInteger(), nullable=False),
        sa.Column("last_us", sa.BigInteger(), nullable=True),
        sa.Column("last_status", sa.Integer(), nullable=True),
        sa.Column("last_error", sa.String(length=100), nullable=True),
        sa.PrimaryKeyConstraint("webhook_id"),
    )
