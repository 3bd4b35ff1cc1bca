"""Webhooks: who is told of changes. Added, listed, tested, rotated and removed, in a transaction.

Every message is signed with the secret, which is shown when it is made; see
:mod:`serving.outbox.secret_box` for how it is kept.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from features.errors import UsageError
from serving.identifiers import random_id
from serving.outbox.changes import (
    KINDS,
    TEST,
    WebhookTest,
    in_order,
    newest_change,
    outbox_row,
    with_commas,
)
from serving.outbox.secret_box import AS_IT_IS, SecretBox
from serving.outbox.url_safety import checked_url
from serving.store.tables import change, delivery, webhook
from serving.timestamps import moment_of

MAX_WEBHOOKS = 20

ACTIVE, GONE = "active", "gone"

PENDING, DEAD = "pending", "dead"

OLD_SECRET_HOURS = 24.0
"""How long the secret before goes on signing beside a new one."""

MAX_OLD_SECRET_HOURS = 24.0 * 365


class WebhookOut(msgspec.Struct, frozen=True):
    """A webhook without its secret.

    ``state``: active, or gone after it answered 410. ``pending``: messages on their way, the
    oldest from ``oldest_at``; ``dead``: dead letters. ``failures``: in a row; ``held_until``:
    nothing is sent before, as it failed or asked for it. ``last_*``: the last attempt of any.
    """

    id: str
    url: str
    on: list[str]
    state: str
    created_at: datetime
    old_secret_until: datetime | None
    pending: int
    oldest_at: datetime | None
    dead: int
    delivered: int
    failures: int
    held_until: datetime | None
    last_at: datetime | None
    last_status: int | None
    last_error: str | None


class WebhookSecret(msgspec.Struct, frozen=True):
    """A webhook and its new secret, shown this once."""

    webhook: WebhookOut
    secret: str


def new_secret() -> str:
    """256 random bits as Standard Webhooks writes them."""
    return "whsec_" + base64.b64encode(os.urandom(32)).decode("ascii")


def add_webhook(
    connection: sa.Connection,
    url: str,
    kinds: Iterable[str] | None,
    now_us: int,
    *,
    allow_private: bool,
    box: SecretBox = AS_IT_IS,
) -> tuple[str, str]:
    """Tell this URL of every change from now on; (id, secret). UsageError if it may not be.

    ``kinds``: of which changes; all kinds if None.
    """
    checked_url(url, allow_private=allow_private)
    wanted = _kinds(kinds)
    in_order(connection)
    if (connection.scalar(sa.select(sa.func.count()).select_from(webhook)) or 0) >= MAX_WEBHOOKS:
        raise UsageError(f"there are {MAX_WEBHOOKS} webhooks already; remove one")
    webhook_id, secret = "wh_" + random_id(1), new_secret()
    connection.execute(
        sa.insert(webhook).values(
            webhook_id=webhook_id, url=url, kinds=with_commas(wanted), secret=box.seal(secret),
            created_us=now_us, state=ACTIVE, after_seq=newest_change(connection), failures=0,
            hold_until_us=0, delivered=0,
        )
    )  # fmt: skip
    return webhook_id, secret


def _kinds(given: Iterable[str] | None) -> list[str]:
    chosen = set(KINDS if given is None else given)
    if not chosen or chosen - set(KINDS):
        raise UsageError(f"changes are {', '.join(KINDS)}; name at least one")
    return [kind for kind in KINDS if kind in chosen]


def webhooks(connection: sa.Connection) -> list[WebhookOut]:
    """Every webhook, oldest first."""
    counts = {
        (row.webhook_id, row.state): row
        for row in connection.execute(
            sa.select(
                delivery.c.webhook_id, delivery.c.state, sa.func.count().label("count"),
                sa.func.min(change.c.at_us).label("oldest_us"),
            )
            .join(change, change.c.seq == delivery.c.seq)
            .group_by(delivery.c.webhook_id, delivery.c.state)
        )
    }  # fmt: skip
    query = sa.select(webhook).order_by(webhook.c.created_us, webhook.c.webhook_id)
    return [_out(row, counts) for row in connection.execute(query)]


def _out(row: sa.Row[Any], counts: dict[tuple[str, str], sa.Row[Any]]) -> WebhookOut:
    pending = counts.get((row.webhook_id, PENDING))
    dead: Any = counts.get((row.webhook_id, DEAD))
    return WebhookOut(
        id=row.webhook_id, url=row.url, on=row.kinds.strip(",").split(","), state=row.state,
        created_at=moment_of(row.created_us), old_secret_until=_moment(row.old_until_us),
        pending=0 if pending is None else pending._mapping["count"],
        oldest_at=None if pending is None else moment_of(pending.oldest_us),
        dead=0 if dead is None else dead._mapping["count"],
        delivered=row.delivered, failures=row.failures,
        held_until=_moment(row.hold_until_us or None),
        last_at=_moment(row.last_us), last_status=row.last_status, last_error=row.last_error,
    )  # fmt: skip


def _moment(us: int | None) -> datetime | None:
    return None if us is None else moment_of(us)


def one_webhook(connection: sa.Connection, webhook_id: str) -> WebhookOut | None:
    """This webhook; None if there is none such."""
    return next((one for one in webhooks(connection) if one.id == webhook_id), None)


def webhook_row(connection: sa.Connection, webhook_id: str) -> sa.Row[Any] | None:
    """The row of this webhook."""
    return connection.execute(sa.select(webhook).where(webhook.c.webhook_id == webhook_id)).first()


def remove_webhook(connection: sa.Connection, webhook_id: str) -> bool:
    """Forget a webhook and what was on its way to it; False if there is none such."""
    connection.execute(sa.delete(delivery).where(delivery.c.webhook_id == webhook_id))
    connection.execute(sa.delete(change).where(change.c.webhook_id == webhook_id))
    gone = connection.execute(sa.delete(webhook).where(webhook.c.webhook_id == webhook_id))
    return gone.rowcount > 0


def rotate_secret(
    connection: sa.Connection,
    webhook_id: str,
    now_us: int,
    old_valid_hours: float = OLD_SECRET_HOURS,
    box: SecretBox = AS_IT_IS,
) -> str | None:
    """A new secret; the one before signs beside it for a while. None if there is no such webhook.

    A secret before that one ends now: two are valid at most.
    """
    row = webhook_row(connection, webhook_id)
    if row is None:
        return None
    secret = new_secret()
    connection.execute(
        sa.update(webhook)
        .where(webhook.c.webhook_id == webhook_id)
        .values(
            secret=box.seal(secret),
            old_secret=row.secret if old_valid_hours > 0 else None,
            old_until_us=now_us + round(old_valid_hours * 3.6e9) if old_valid_hours > 0 else None,
        )
    )
    return secret


def valid_secrets(row: sa.Row[Any], now_us: int, box: SecretBox = AS_IT_IS) -> list[str]:
    """The secrets that sign now: the newest, and the one before while it is valid. StorageError if
    they cannot be decrypted."""
    if row.old_secret is not None and (row.old_until_us or 0) > now_us:
        return [box.open(row.secret), box.open(row.old_secret)]
    return [box.open(row.secret)]


def add_test(connection: sa.Connection, webhook_id: str, now_us: int) -> str | None:
    """Put a test message on its way, tried once; its id, or None if there is no such webhook."""
    if webhook_row(connection, webhook_id) is None:
        return None
    in_order(connection)
    message = WebhookTest(moment_of(now_us), {"webhook": webhook_id})
    row = outbox_row(message, now_us, [TEST], None, webhook_id)
    seq = connection.execute(sa.insert(change).values(**row)).inserted_primary_key[0]  # type: ignore[index]
    connection.execute(
        sa.insert(delivery).values(
            webhook_id=webhook_id, seq=seq, state=PENDING, attempts=0, next_us=0
        )
    )
    return message_id(seq)


def message_id(seq: int) -> str:
    """A change's id: the ``webhook-id`` of its message, the same however often it is sent."""
    return f"chg_{seq}"


def seq_of(message: str) -> int | None:
    """The number in a change's id.

    >>> seq_of("chg_12"), seq_of("12"), seq_of("chg_x")
    (12, None, None)
    """
    digits = message.removeprefix("chg_")
    fits = message.startswith("chg_") and digits.isascii() and digits.isdigit()
    return int(digits) if fits and len(digits) <= 18 else None
