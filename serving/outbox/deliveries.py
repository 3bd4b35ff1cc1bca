"""Messages on their way to webhooks: in order for each lead, tried again, dead in the end.

A lead's next message waits until the one before was taken or is dead; other leads go on. When
several attempts in a row fail, the webhook itself is held: then one message at a time finds out
whether it is back, so that nothing else grows old meanwhile and no storm follows.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from serving.outbox.send import SendResult
from serving.outbox.webhooks import ACTIVE, DEAD, GONE, PENDING, message_id, webhook_row
from serving.store.bulk import insert_new
from serving.store.tables import change, delivery, webhook
from serving.timestamps import moment_of

if TYPE_CHECKING:
    from serving.settings import Settings

FAN_OUT = 1000

HOLD_AFTER = 5
"""Failures in a row until the webhook is held."""

LONGEST_WAIT_S = 3600.0
"""Between two attempts of a message that the receiver refuses. A failure of the receiver itself
keeps a message no longer than it holds the webhook: what probed a dead receiver would else wait
for an hour after it is back."""

OF_THE_MESSAGE = frozenset({400, 409, 413, 415, 422})
"""Statuses that speak of one message, not of the receiver."""


@dataclass(frozen=True, slots=True)
class DeliverySchedule:
    """``first_s``: wait after the first failure, doubled each time; ``hold_s``: the longest that a
    webhook is held; ``give_up_s``: after so long of failures a message is dead."""

    first_s: float = 5.0
    hold_s: float = 900.0
    give_up_s: float = 72 * 3600.0

    @classmethod
    def of(cls, settings: Settings) -> DeliverySchedule:
        """As the operator set it."""
        return cls(
            first_s=settings.webhook_retry_s,
            hold_s=settings.webhook_hold_s,
            give_up_s=settings.webhook_give_up_hours * 3600,
        )

    def wait_s(self, failures: int, longest_s: float, rng: random.Random) -> float:
        """Seconds until the next attempt: doubled each time, less up to a half by chance."""
        full: float = min(longest_s, self.first_s * 2.0 ** min(failures - 1, 30))
        return full * rng.uniform(0.5, 1.0)


class Due(msgspec.Struct, frozen=True):
    """A message to send now."""

    seq: int
    attempts: int
    first_us: int | None
    kinds: str
    body: str


class DeadLetter(msgspec.Struct, frozen=True):
    """A message that was given up; ``body`` as it would be sent."""

    id: str
    lead_id: str | None
    at: datetime
    attempts: int
    first_tried_at: datetime | None
    last_status: int | None
    last_error: str | None
    body: msgspec.Raw


def fan_out(connection: sa.Connection, row: sa.Row[Any], now_us: int) -> int:
    """Put the changes that this webhook wants on their way, up to a thousand; how many were seen.

    In the caller's transaction, so each change is put on its way once, whatever is killed.
    """
    query = sa.select(change.c.seq, change.c.lead_id, change.c.kinds)
    query = query.where(change.c.seq > row.after_seq, change.c.webhook_id.is_(None))
    seen = list(connection.execute(query.order_by(change.c.seq).limit(FAN_OUT)))
    if not seen:
        return 0
    wanted = set(row.kinds.strip(",").split(","))
    rows = [
        {"webhook_id": row.webhook_id, "seq": one.seq, "lead_id": one.lead_id, "state": PENDING,
         "attempts": 0, "next_us": now_us}
        for one in seen
        if wanted & set(one.kinds.strip(",").split(","))
    ]  # fmt: skip
    insert_new(connection, delivery, rows)
    _update(connection, row.webhook_id, after_seq=seen[-1].seq)
    return len(seen)


def due(connection: sa.Connection, row: sa.Row[Any], now_us: int, limit: int) -> list[Due]:
    """What is to be sent now: of each lead the first that waits; tests even while it is held."""
    held = row.hold_until_us > now_us
    earlier = delivery.alias("earlier")
    first = ~sa.exists().where(
        earlier.c.webhook_id == delivery.c.webhook_id,
        earlier.c.lead_id == delivery.c.lead_id,
        earlier.c.state == PENDING,
        earlier.c.seq < delivery.c.seq,
    )
    query = (
        sa.select(
            delivery.c.seq, delivery.c.attempts, delivery.c.first_us, change.c.kinds, change.c.body
        )
        .join(change, change.c.seq == delivery.c.seq)
        .where(
            delivery.c.webhook_id == row.webhook_id,
            delivery.c.state == PENDING,
            delivery.c.next_us <= now_us,
        )
        .order_by(delivery.c.next_us, delivery.c.seq)
    )
    query = query.where(change.c.webhook_id.is_not(None)) if held else query.where(first)
    wanted = 1 if row.failures >= HOLD_AFTER else limit
    return [Due(*one) for one in connection.execute(query.limit(wanted))]


def settle(
    connection: sa.Connection,
    webhook_id: str,
    results: Sequence[tuple[Due, SendResult]],
    now_us: int,
    policy: DeliverySchedule,
    rng: random.Random,
) -> None:
    """Write down what became of these messages."""
    row = webhook_row(connection, webhook_id)
    if row is None or not results:
        return
    failures, hold_us, delivered, state = row.failures, row.hold_until_us, row.delivered, row.state
    for message, outcome in results:
        if outcome.taken:
            failures, hold_us, delivered = 0, 0, delivered + 1
            _forget(connection, webhook_id, message)
            continue
        if outcome.gone:
            state = GONE
        if message.kinds == ",test,":
            _forget(connection, webhook_id, message)
            continue
        if outcome.status not in OF_THE_MESSAGE:
            failures += 1
            wait_s = outcome.retry_after_s
            if wait_s is None and failures >= HOLD_AFTER:
                wait_s = policy.wait_s(failures - HOLD_AFTER + 1, policy.hold_s, rng)
            if wait_s is not None:
                hold_us = max(hold_us, now_us + round(wait_s * 1e6))
        _try_again(connection, webhook_id, message, outcome, now_us, policy, rng)
    last = results[-1][1]
    _update(
        connection, webhook_id, failures=failures, hold_until_us=hold_us, delivered=delivered,
        state=state, last_us=now_us, last_status=last.status, last_error=last.error,
    )  # fmt: skip


def _forget(connection: sa.Connection, webhook_id: str, message: Due) -> None:
    connection.execute(sa.delete(delivery).where(*_is(webhook_id, message.seq)))


def _is(webhook_id: str, seq: int) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    return delivery.c.webhook_id == webhook_id, delivery.c.seq == seq


def _try_again(
    connection: sa.Connection,
    webhook_id: str,
    message: Due,
    outcome: SendResult,
    now_us: int,
    policy: DeliverySchedule,
    rng: random.Random,
) -> None:
    first_us = message.first_us if message.first_us is not None else now_us
    dead = now_us - first_us >= policy.give_up_s * 1e6
    of_the_message = outcome.status in OF_THE_MESSAGE
    longest_s = LONGEST_WAIT_S if of_the_message else policy.hold_s
    wait_s = policy.wait_s(message.attempts + 1, longest_s, rng)
    connection.execute(
        sa.update(delivery)
        .where(*_is(webhook_id, message.seq))
        .values(
            attempts=message.attempts + 1, first_us=first_us, next_us=now_us + round(wait_s * 1e6),
            state=DEAD if dead else PENDING, status=outcome.status, error=outcome.error,
        )
    )  # fmt: skip


def _update(connection: sa.Connection, webhook_id: str, **values: Any) -> None:
    connection.execute(
        sa.update(webhook).where(webhook.c.webhook_id == webhook_id).values(**values)
    )


def dead_letters(
    connection: sa.Connection, webhook_id: str, after: int, limit: int
) -> tuple[list[DeadLetter], bool]:
    """(dead letters with numbers above ``after``, the oldest first; whether there are more)."""
    query = (
        sa.select(delivery, change.c.at_us, change.c.body)
        .join(change, change.c.seq == delivery.c.seq)
        .where(
            delivery.c.webhook_id == webhook_id, delivery.c.state == DEAD, delivery.c.seq > after
        )
        .order_by(delivery.c.seq)
        .limit(limit + 1)
    )
    rows = list(connection.execute(query))
    found = [
        DeadLetter(
            message_id(row.seq), row.lead_id, moment_of(row.at_us), row.attempts,
            None if row.first_us is None else moment_of(row.first_us), row.status, row.error,
            msgspec.Raw(row.body.encode()),
        )
        for row in rows[:limit]
    ]  # fmt: skip
    return found, len(rows) > limit


def resend(
    connection: sa.Connection, webhook_id: str, seqs: Sequence[int] | None, now_us: int
) -> int:
    """Send dead letters again, these or all, as if they were new; how many. A webhook that was
    gone or is held is tried again at once."""
    again = sa.update(delivery).where(delivery.c.webhook_id == webhook_id, delivery.c.state == DEAD)
    if seqs is not None:
        again = again.where(delivery.c.seq.in_(seqs))
    count = connection.execute(
        again.values(state=PENDING, attempts=0, first_us=None, next_us=now_us)
    ).rowcount
    _update(connection, webhook_id, state=ACTIVE, failures=0, hold_until_us=0)
    return count


@dataclass(frozen=True, slots=True)
class Backlog:
    """All webhooks together: messages on their way, when the oldest change was made, dead ones."""

    pending: int
    oldest_us: int | None
    dead: int


def backlog(connection: sa.Connection) -> Backlog:
    """What waits; a change not yet put on its way counts as well."""
    rows = connection.execute(
        sa.select(delivery.c.state, sa.func.count(), sa.func.min(delivery.c.seq)).group_by(
            delivery.c.state
        )
    )
    found = {state: (count, first) for state, count, first in rows}
    pending, first = found.get(PENDING, (0, None))
    behind = connection.scalar(
        sa.select(sa.func.min(webhook.c.after_seq)).where(webhook.c.state == ACTIVE)
    )
    unseen = None
    if behind is not None:
        unseen = connection.scalar(
            sa.select(sa.func.min(change.c.seq)).where(
                change.c.seq > behind, change.c.webhook_id.is_(None)
            )
        )
    oldest = min((seq for seq in (first, unseen) if seq is not None), default=None)
    oldest_us = connection.scalar(sa.select(change.c.at_us).where(change.c.seq == oldest))
    return Backlog(pending, oldest_us, found.get(DEAD, (0, None))[0])
