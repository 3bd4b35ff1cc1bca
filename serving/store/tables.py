"""The store's tables. Moments are whole microseconds since 1970 UTC. Rows of
interactions and answers are never changed, only withdrawn.

The tables are named in the singular. The views ``leads``, ``interactions``, ``answers`` and
``outcomes`` show the same rows in the shape of the data contract (see ``views``), so that
``leadscore train sqlite:///store.db`` reads this database as it reads any other.
"""

from __future__ import annotations

from typing import Any

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

latest_score = sa.Table(
    "standing",
    metadata,
    sa.Column("lead_id", Name, primary_key=True),
    sa.Column("release_id", sa.String(64), primary_key=True),
    sa.Column("version", sa.String(64), nullable=False),
    sa.Column("as_of_us", sa.BigInteger, nullable=False),
    sa.Column("asked_us", sa.BigInteger, nullable=False),
    sa.Column("checked_us", sa.BigInteger, nullable=False, comment="when it was last computed"),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("band", sa.String(10), nullable=False),
    sa.Column("score_id", sa.String(32), nullable=False),
    sa.Column("reasons", sa.Text, nullable=False, comment="JSON: sentences, the strongest first"),
    sa.Column("name", sa.Text, nullable=True),
    sa.Column("owner", sa.Text, nullable=True),
    sa.Column("source", sa.Text, nullable=True),
    sa.Column("account", sa.Text, nullable=True),
    sa.Index("standing_by_band", "release_id", "band", "probability", "lead_id"),
    sa.Index("standing_by_probability", "release_id", "probability", "lead_id"),
    sa.Index("standing_by_check", "release_id", "checked_us"),
)
"""Each lead's newest score by each release, and how the list shows the lead: see ``ranking``."""

service_state = sa.Table(
    "service_state",
    metadata,
    sa.Column("key", Name, primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)
"""What background work remembers: ``listed_release``, ``changes_pruned_through``."""

refresh_queue = sa.Table(
    "refresh_queue",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("lead_id", Name, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Index("refresh_queue_of_lead", "lead_id"),
    sqlite_autoincrement=True,
)
"""Leads whose history changed since their score, as often as it did; see ``refresh_queue``."""

reported = sa.Table(
    "reported",
    metadata,
    sa.Column("lead_id", Name, primary_key=True),
    sa.Column("as_of_us", sa.BigInteger, nullable=False),
    sa.Column("probability", sa.Float, nullable=False),
    sa.Column("band", sa.String(10), nullable=False),
    sa.Column("reason", sa.Text, nullable=True, comment="feature of the strongest reason"),
    sa.Column("release_id", sa.String(64), nullable=False),
    sa.Column("version", sa.String(64), nullable=False),
)
"""Each lead as the outbox last reported it: what the next score is compared with."""

change = sa.Table(
    "change",
    metadata,
    sa.Column("seq", RowId, primary_key=True, autoincrement=True),
    sa.Column("lead_id", Name, nullable=True, comment="none: about a release, or a test"),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("kinds", sa.String(60), nullable=False, comment="what changed, with commas around"),
    sa.Column("webhook_id", sa.String(32), nullable=True, comment="a test of this webhook alone"),
    sa.Column("body", sa.Text, nullable=False, comment="JSON, as sent"),
    sa.Index("change_of_lead", "lead_id"),
    sqlite_autoincrement=True,
)
"""The outbox: rows are added in the transaction of their score, in the order of ``seq``."""

webhook = sa.Table(
    "webhook",
    metadata,
    sa.Column("webhook_id", sa.String(32), primary_key=True),
    sa.Column("url", sa.Text, nullable=False),
    sa.Column("kinds", sa.String(60), nullable=False, comment="what it is told of, with commas"),
    sa.Column("secret", sa.Text, nullable=False),
    sa.Column("old_secret", sa.Text, nullable=True, comment="still signs until old_until_us"),
    sa.Column("old_until_us", sa.BigInteger, nullable=True),
    sa.Column("created_us", sa.BigInteger, nullable=False),
    sa.Column("state", sa.String(10), nullable=False, comment="active, or gone: it answered 410"),
    sa.Column("after_seq", sa.BigInteger, nullable=False, comment="deliveries exist up to here"),
    sa.Column("failures", sa.Integer, nullable=False, comment="in a row; 0 after a success"),
    sa.Column("hold_until_us", sa.BigInteger, nullable=False, comment="nothing is sent before"),
    sa.Column("delivered", sa.BigInteger, nullable=False),
    sa.Column("last_us", sa.BigInteger, nullable=True),
    sa.Column("last_status", sa.Integer, nullable=True),
    sa.Column("last_error", sa.String(100), nullable=True),
)

delivery = sa.Table(
    "delivery",
    metadata,
    sa.Column("webhook_id", sa.String(32), primary_key=True),
    sa.Column("seq", sa.BigInteger, primary_key=True),
    sa.Column("lead_id", Name, nullable=True),
    sa.Column("state", sa.String(10), nullable=False, comment="pending or dead"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("first_us", sa.BigInteger, nullable=True, comment="the first attempt"),
    sa.Column("next_us", sa.BigInteger, nullable=False),
    sa.Column("status", sa.Integer, nullable=True),
    sa.Column("error", sa.String(100), nullable=True),
    sa.Index("delivery_due", "webhook_id", "state", "next_us", "seq"),
    sa.Index("delivery_of_lead", "lead_id", "webhook_id", "state", "seq"),
)
"""A change that a webhook has not taken yet; the row goes once it has."""

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


tombstone_key = sa.Table(
    "tombstone_key",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True, comment="32 bytes, hexadecimal"),
    sqlite_autoincrement=True,
)
"""The keys that tombstones are hashed with, shared by every machine; the first one is used now."""

correction = sa.Table(
    "correction",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=True),
    sa.Column("lead_id", Name, nullable=False),
    sa.Column("at_us", sa.BigInteger, nullable=False),
    sa.Column("actor", sa.String(64), nullable=False, comment="id of the API key"),
    sa.Column("action", sa.String(40), nullable=False),
    sa.Column("before", sa.Text, nullable=False, comment="JSON: what was replaced"),
    sa.Index("correction_of_lead", "lead_id", "id"),
    sqlite_autoincrement=True,
)
"""What was corrected and how it stood before: a past score says up to which one it had read."""

alias = sa.Table(
    "alias",
    metadata,
    sa.Column("alias_id", Name, primary_key=True, comment="the id that a lead had"),
    sa.Column("lead_id", Name, nullable=False, comment="the lead that it is now"),
    sa.Column("into_id", Name, nullable=False, comment="the lead that it was merged into"),
    sa.Column("since_us", sa.BigInteger, nullable=False),
    sa.Column("correction_id", sa.BigInteger, nullable=False),
    sa.Index("alias_of_lead", "lead_id"),
    sa.Index("alias_into", "into_id"),
)
"""Merged leads. Their rows keep the id they came with and are read as the other lead's."""


def _same_columns(table: sa.Table) -> list[sa.Column[Any]]:
    return [sa.Column(c.name, c.type, nullable=c.nullable) for c in table.columns if c.name != "id"]


withdrawn_interaction = sa.Table(
    "withdrawn_interaction",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=False),
    *_same_columns(interaction),
    sa.Column("correction_id", sa.BigInteger, nullable=False),
    sa.Index("withdrawn_interaction_of_lead", "lead_id", "id"),
    sa.Index("withdrawn_event", "source", "event_id"),
)
"""Interactions taken back: no score sees them but those that saw them once."""

withdrawn_answer = sa.Table(
    "withdrawn_answer",
    metadata,
    sa.Column("id", RowId, primary_key=True, autoincrement=False),
    *_same_columns(answer),
    sa.Column("correction_id", sa.BigInteger, nullable=False),
    sa.Index("withdrawn_answer_of_lead", "lead_id", "attribute", "answered_us"),
)
"""Answers taken back, likewise."""
