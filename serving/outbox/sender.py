"""Sends what is due to every webhook, from the loader's process: a thread for each webhook.

A webhook that hangs holds up nobody else. What is sent at once to one, and how many a second, is
bounded, also after it was away for a day.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.errors import StorageError
from serving.outbox.deliveries import DeliverySchedule, Due, due, fan_out, settle
from serving.outbox.secret_box import SecretBox
from serving.outbox.send import Sender, SendResult
from serving.outbox.webhooks import ACTIVE, message_id, valid_secrets, webhook_row
from serving.settings import Settings
from serving.store.leader import Leader
from serving.store.migrate import HEAD, schema_version
from serving.store.tables import change, delivery, webhook
from serving.timestamps import microseconds

log = logging.getLogger("leadscore.webhooks")

LOOK_S = 0.25

AGAIN_S = 1.0

UNREADABLE_S = 60.0
"""How often a secret that cannot be decrypted is tried, and complained of."""

ROUND_S = 0.5
"""What is sent within one round, before it is written down; a kill repeats no more than this."""


def now_utc() -> datetime:
    """The clock."""
    return datetime.now(UTC)


class WebhookRounds:
    """One webhook's rounds: look what is due, send it, write down what became of it."""

    def __init__(
        self,
        engine: sa.Engine,
        settings: Settings,
        webhook_id: str,
        rng: random.Random,
        clock: Callable[[], datetime] = now_utc,
    ) -> None:
        self.webhook_id = webhook_id
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._policy = DeliverySchedule.of(settings)
        self._box = SecretBox.of(settings)
        self._sender = Sender(settings.webhook_timeout_s, settings.webhook_private)
        self._rate = settings.webhook_rate_per_s
        self._pool = ThreadPoolExecutor(settings.webhook_concurrency, thread_name_prefix="webhook")
        self._at_most = max(1, round(self._rate * ROUND_S))
        self._rng, self._clock = rng, clock
        self._next_slot = 0.0

    def run_once(self) -> int:
        """One round; how many messages were sent."""
        now_us = microseconds(self._clock())
        if not self._has_work(now_us):
            return 0
        with self._writing.begin() as connection:
            row = webhook_row(connection, self.webhook_id)
            if row is None or row.state != ACTIVE:
                return 0
            fan_out(connection, row, now_us)
            messages = due(connection, row, now_us, self._at_most)
        if not messages:
            return 0
        secrets = valid_secrets(row, now_us, self._box)
        sent = [(one, self._soon(row.url, secrets, one)) for one in messages]
        wait([future for _, future in sent])
        results = [(one, future.result()) for one, future in sent]
        with self._writing.begin() as connection:
            at_us = microseconds(self._clock())
            settle(connection, self.webhook_id, results, at_us, self._policy, self._rng)
        return len(results)

    def _has_work(self, now_us: int) -> bool:
        """Whether a write is worth it: something new, or something due."""
        with self._engine.begin() as connection:
            row = webhook_row(connection, self.webhook_id)
            if row is None or row.state != ACTIVE:
                return False
            new = sa.select(change.c.seq).where(
                change.c.seq > row.after_seq, change.c.webhook_id.is_(None)
            )
            if connection.scalar(new.limit(1)) is not None:
                return True
            waits = sa.select(delivery.c.seq).where(
                delivery.c.webhook_id == self.webhook_id,
                delivery.c.state == "pending",
                delivery.c.next_us <= now_us,
            )
            if row.hold_until_us > now_us:
                waits = waits.join(change, change.c.seq == delivery.c.seq)
                waits = waits.where(change.c.webhook_id.is_not(None))
            return connection.scalar(waits.limit(1)) is not None

    def _soon(self, url: str, secrets: list[str], message: Due) -> Future[SendResult]:
        """Send it in its turn: no more a second than the settings allow."""
        monotonic = time.monotonic()
        slot = max(self._next_slot, monotonic)
        if slot > monotonic:
            time.sleep(slot - monotonic)
        self._next_slot = slot + 1.0 / self._rate
        return self._pool.submit(
            self._sender.send, url, secrets, message_id(message.seq), message.body, self._clock()
        )

    def close(self) -> None:
        """Let go of the threads."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class WebhookSender(threading.Thread):
    """Keeps a thread for each webhook while this process is the one that sends."""

    def __init__(self, engine: sa.Engine, settings: Settings) -> None:
        super().__init__(name="webhooks", daemon=True)
        self._engine, self._settings = engine, settings
        self._leader = Leader(engine, settings.home, "webhooks")
        self._ending = threading.Event()
        self._running: dict[str, tuple[threading.Thread, threading.Event]] = {}
        self._ready = False

    def run(self) -> None:
        """Look after the webhooks until :meth:`stop`."""
        while not self._ending.wait(LOOK_S):
            try:
                wanted = self._wanted()
            except (SQLAlchemyError, OSError) as error:
                log.warning("webhooks wait for the store", extra={"error": type(error).__name__})
                wanted = set()
            self._keep(wanted)
        self._keep(set())
        self._leader.release()

    def stop(self) -> None:
        """Begin nothing more, and wait a little for what is being sent."""
        self._ending.set()
        if self.is_alive():
            self.join(self._settings.webhook_timeout_s + AGAIN_S)

    def _wanted(self) -> set[str]:
        self._ready = self._ready or schema_version(self._engine) == HEAD
        if not self._ready or not self._leader.hold():
            return set()
        with self._engine.begin() as connection:
            query = sa.select(webhook.c.webhook_id).where(webhook.c.state == ACTIVE)
            return set(connection.scalars(query))

    def _keep(self, wanted: set[str]) -> None:
        """Have exactly these threads; the others have ended when this returns."""
        ended = {name for name, (thread, _) in self._running.items() if not thread.is_alive()}
        for webhook_id in ended:  # by a fault of ours, which its traceback tells: begin anew
            del self._running[webhook_id]
        for webhook_id in set(self._running) - wanted:
            self._running[webhook_id][1].set()
        for webhook_id in set(self._running) - wanted:
            self._running.pop(webhook_id)[0].join()
        for webhook_id in wanted - set(self._running):
            ending = threading.Event()
            thread = threading.Thread(
                target=self._send_to, args=(webhook_id, ending), name=webhook_id, daemon=True
            )
            self._running[webhook_id] = thread, ending
            thread.start()

    def _send_to(self, webhook_id: str, ending: threading.Event) -> None:
        rounds = WebhookRounds(self._engine, self._settings, webhook_id, random.Random())  # noqa: S311  (jitter)
        pause_s = 0.0
        while not ending.wait(pause_s):
            try:
                pause_s = 0.0 if rounds.run_once() else LOOK_S
            except StorageError as error:
                pause_s = UNREADABLE_S
                log.error("messages wait: %s", error, extra={"webhook": webhook_id})
            except (SQLAlchemyError, OSError) as error:
                pause_s = AGAIN_S
                log.warning(
                    "messages wait for the store",
                    extra={"webhook": webhook_id, "error": type(error).__name__},
                )
        rounds.close()
