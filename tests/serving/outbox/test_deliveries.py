"""Messages wait for those of the same lead before them, are tried again, and die in the end."""

from __future__ import annotations

import base64
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from stored_scores import START_US, TOMBSTONES, enter, new_store, score_row

from features.errors import StorageError, UsageError
from serving.outbox.changes import forget_changes_before
from serving.outbox.deliveries import (
    HOLD_AFTER,
    DeliverySchedule,
    backlog,
    dead_letters,
    due,
    fan_out,
    resend,
    settle,
)
from serving.outbox.secret_box import SecretBox
from serving.outbox.send import SendResult
from serving.outbox.webhooks import (
    MAX_WEBHOOKS,
    add_test,
    add_webhook,
    message_id,
    one_webhook,
    remove_webhook,
    rotate_secret,
    valid_secrets,
    webhook_row,
    webhooks,
)
from serving.store.tombstones import erase

URL = "https://crm.example.com/hook"
SECOND_US = 1_000_000
HOUR_US = 3600 * SECOND_US
OK, BROKEN, BAD = SendResult(204), SendResult(500, "status 500"), SendResult(422, "status 422")
POLICY = DeliverySchedule(first_s=10.0, give_up_s=3600.0)


class Desk:
    """One webhook on a store; ``at`` is the clock."""

    def __init__(self, engine: sa.Engine, policy: DeliverySchedule = POLICY) -> None:
        self.engine, self.policy = engine.execution_options(writes=True), policy
        self.at_us = START_US + HOUR_US
        with self.engine.begin() as connection:
            self.id, self.secret = add_webhook(
                connection, URL, None, self.at_us, allow_private=False
            )

    def round(self, answer: Callable[[str], SendResult], limit: int = 10) -> list[str]:
        """Send what is due; the ids of the messages."""
        with self.engine.begin() as connection:
            row = webhook_row(connection, self.id)
            assert row is not None
            fan_out(connection, row, self.at_us)
            messages = due(connection, row, self.at_us, limit)
            results = [(one, answer(message_id(one.seq))) for one in messages]
            settle(connection, self.id, results, self.at_us, self.policy, random.Random(1))
        return [message_id(one.seq) for one, _ in results]

    def dead(self) -> list[str]:
        with self.engine.begin() as connection:
            return [one.id for one in dead_letters(connection, self.id, 0, 100)[0]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    made = new_store(tmp_path)
    yield made
    made.dispose()


@pytest.fixture
def desk(engine: sa.Engine) -> Desk:
    return Desk(engine)


def rising(lead_id: str, steps: int) -> list[object]:
    return [score_row(lead_id, i, 0.9 * (i % 2), ("cold", "hot")[i % 2]) for i in range(steps)]


def test_a_lead_waits_for_its_own_messages_alone(engine: sa.Engine, desk: Desk) -> None:
    enter(engine, *rising("a", 3), *rising("b", 1))
    fails_once = {"chg_1"}
    assert desk.round(lambda m: BROKEN if m in fails_once else OK) == ["chg_1", "chg_2"]
    assert desk.round(lambda m: OK) == []  # a's second waits for its first, b has no more
    desk.at_us += 11 * SECOND_US
    assert [desk.round(lambda m: OK) for _ in range(3)] == [["chg_1"], ["chg_3"], ["chg_4"]]


def test_a_webhook_is_reported_of_what_it_asked_for_from_then_on(engine: sa.Engine) -> None:
    enter(engine, score_row("before", 0, 0.1))
    desk = Desk(engine)
    with desk.engine.begin() as connection:
        bands, _ = add_webhook(connection, URL, ["band"], desk.at_us, allow_private=False)
    enter(engine, *rising("a", 2))
    assert [desk.round(lambda m: OK), desk.round(lambda m: OK)] == [["chg_2"], ["chg_3"]]
    desk.id = bands
    assert desk.round(lambda m: OK) == ["chg_3"]
    assert desk.round(lambda m: OK) == []


def test_waits_double_with_jitter_up_to_a_bound() -> None:
    rng = random.Random(0)
    waits = [POLICY.wait_s(n, 3600.0, rng) for n in range(1, 40)]
    for n, wait in enumerate(waits, 1):
        full = min(3600.0, 10.0 * 2 ** (n - 1))
        assert full / 2 <= wait <= full
    assert len({round(wait) for wait in waits[10:]}) > 5


def test_a_message_that_nobody_takes_is_dead_and_the_lead_goes_on(
    engine: sa.Engine, desk: Desk
) -> None:
    enter(engine, *rising("a", 2))
    tries = 0
    while not desk.dead():
        tries += len(desk.round(lambda m: BAD if m == "chg_1" else OK))
        desk.at_us += 300 * SECOND_US
    assert desk.dead() == ["chg_1"]
    assert 5 < tries < 20
    assert desk.round(lambda m: OK) == ["chg_2"]
    with desk.engine.begin() as connection:
        assert backlog(connection).dead == 1
        assert resend(connection, desk.id, [1], desk.at_us) == 1
    assert desk.round(lambda m: OK) == ["chg_1"]
    assert desk.dead() == []


def test_a_receiver_that_is_down_for_a_day_costs_few_calls_and_loses_nothing(
    engine: sa.Engine, desk: Desk
) -> None:
    enter(engine, *(score_row(f"lead-{i:03}", 0, 0.1) for i in range(100)))
    calls = 0
    for _ in range(24 * 4):  # looked at every quarter of an hour
        calls += len(desk.round(lambda m: BROKEN))
        desk.at_us += 900 * SECOND_US
    assert calls < 200  # a hundred leads, a day: each would have been tried dozens of times
    with desk.engine.begin() as connection:
        waiting = backlog(connection)
    assert waiting.pending + waiting.dead == 100
    desk.at_us += HOUR_US
    assert len(desk.round(lambda m: OK)) == 1  # one finds out that it is back
    sent = 1
    while more := desk.round(lambda m: OK):
        assert len(more) <= 10
        sent += len(more)
        desk.at_us += HOUR_US
    assert sent == waiting.pending


def test_a_webhook_that_fails_again_and_again_is_held(engine: sa.Engine, desk: Desk) -> None:
    enter(engine, *(score_row(f"lead-{i}", 0, 0.1) for i in range(20)))
    assert len(desk.round(lambda m: BROKEN, HOLD_AFTER)) == HOLD_AFTER
    assert desk.round(lambda m: OK) == []
    desk.at_us += 10 * SECOND_US
    assert len(desk.round(lambda m: OK)) == 1
    assert len(desk.round(lambda m: OK)) == 10


def test_what_probed_a_dead_receiver_goes_out_soon_after_it_is_back(engine: sa.Engine) -> None:
    desk = Desk(engine, DeliverySchedule(first_s=10.0, hold_s=60.0))
    enter(engine, score_row("a", 0, 0.1))
    tries = 0
    while tries < 20:
        tries += len(desk.round(lambda m: BROKEN))
        desk.at_us += 10 * SECOND_US
    desk.at_us += 60 * SECOND_US
    assert desk.round(lambda m: OK) == ["chg_1"]


def test_retry_after_holds_the_webhook(engine: sa.Engine, desk: Desk) -> None:
    enter(engine, *(score_row(f"lead-{i}", 0, 0.1) for i in range(3)))
    assert len(desk.round(lambda m: SendResult(429, "status 429", 120.0), 1)) == 1
    desk.at_us += 119 * SECOND_US
    assert desk.round(lambda m: OK) == []
    desk.at_us += 2 * SECOND_US
    assert len(desk.round(lambda m: OK)) == 3


def test_one_bad_message_does_not_hold_the_others(engine: sa.Engine, desk: Desk) -> None:
    enter(engine, score_row("bad", 0, 0.1))
    for _ in range(2 * HOLD_AFTER):
        desk.round(lambda m: BAD)
        desk.at_us += 200 * SECOND_US
    enter(engine, score_row("good", 0, 0.1))
    assert "chg_2" in desk.round(lambda m: OK if m == "chg_2" else BAD)


def test_a_receiver_that_answers_410_gets_no_more_until_it_is_asked_for(
    engine: sa.Engine, desk: Desk
) -> None:
    enter(engine, score_row("a", 0, 0.1))
    desk.round(lambda m: SendResult(410, "status 410"))
    with desk.engine.begin() as connection:
        one = one_webhook(connection, desk.id)
        assert one is not None
        assert (one.state, one.pending, one.last_status) == ("gone", 1, 410)
        resend(connection, desk.id, None, desk.at_us)
    desk.at_us += 20 * SECOND_US
    assert desk.round(lambda m: OK) == ["chg_1"]


def test_a_test_goes_out_while_the_webhook_is_held_and_only_once(
    engine: sa.Engine, desk: Desk
) -> None:
    enter(engine, *(score_row(f"lead-{i}", 0, 0.1) for i in range(20)))
    desk.round(lambda m: BROKEN)
    with desk.engine.begin() as connection:
        test = add_test(connection, desk.id, desk.at_us)
    assert desk.round(lambda m: BROKEN) == [test]
    desk.at_us += 1
    assert desk.round(lambda m: BROKEN) == []


def test_two_secrets_sign_after_a_rotation_and_one_in_the_end(desk: Desk) -> None:
    with desk.engine.begin() as connection:
        newer = rotate_secret(connection, desk.id, desk.at_us, 24)
        row = webhook_row(connection, desk.id)
        assert row is not None
        assert valid_secrets(row, desk.at_us + HOUR_US) == [newer, desk.secret]
        assert valid_secrets(row, desk.at_us + 24 * HOUR_US) == [newer]
        newest = rotate_secret(connection, desk.id, desk.at_us, 0)
        row = webhook_row(connection, desk.id)
        assert row is not None
        assert valid_secrets(row, desk.at_us) == [newest]
        assert rotate_secret(connection, "wh_none", desk.at_us) is None


def test_secrets_are_encrypted_by_a_key_from_the_environment(desk: Desk) -> None:
    old, new = (base64.urlsafe_b64encode(bytes([i]) * 32).decode() for i in (1, 2))
    box = SecretBox(old)
    with desk.engine.begin() as connection:
        before = rotate_secret(connection, desk.id, desk.at_us)  # kept open, as without a key
        secret = rotate_secret(connection, desk.id, desk.at_us, 24, box)
        row = webhook_row(connection, desk.id)
        assert row is not None
        assert secret not in row.secret
        assert valid_secrets(row, desk.at_us, SecretBox(f"{new}, {old}")) == [secret, before]
        for wrong in (SecretBox(new), SecretBox()):
            with pytest.raises(StorageError, match="LEADSCORE_WEBHOOK_SECRET_KEYS"):
                valid_secrets(row, desk.at_us, wrong)
    with pytest.raises(UsageError, match="openssl rand"):
        SecretBox("too-short")


def test_what_waits_for_a_webhook_is_not_dropped_with_old_changes(
    engine: sa.Engine, desk: Desk
) -> None:
    enter(engine, *rising("a", 2))
    late_us = START_US + 1000 * HOUR_US
    with desk.engine.begin() as connection:
        assert forget_changes_before(connection, late_us) == 0  # it has not seen them yet
    desk.round(lambda m: BROKEN)
    with desk.engine.begin() as connection:
        assert forget_changes_before(connection, late_us) == 0
    desk.at_us += HOUR_US
    desk.round(lambda m: OK)
    with desk.engine.begin() as connection:
        assert forget_changes_before(connection, late_us) == 1


def test_erasure_takes_a_leads_messages_back(engine: sa.Engine, desk: Desk) -> None:
    enter(engine, *rising("a", 2), *rising("b", 1))
    desk.round(lambda m: BROKEN)
    with desk.engine.begin() as connection:
        assert erase(connection, ["a"], desk.at_us, TOMBSTONES)["delivery"] == 2
    desk.at_us += HOUR_US
    assert desk.round(lambda m: OK) == ["chg_2"]


def test_removing_a_webhook_leaves_nothing_of_it(engine: sa.Engine, desk: Desk) -> None:
    enter(engine, *rising("a", 2))
    desk.round(lambda m: BROKEN)
    with desk.engine.begin() as connection:
        add_test(connection, desk.id, desk.at_us)
        assert remove_webhook(connection, desk.id)
        assert not remove_webhook(connection, desk.id)
        assert webhooks(connection) == []
        assert backlog(connection).pending == 0


def test_webhooks_are_few(desk: Desk) -> None:
    with desk.engine.begin() as connection:
        for _ in range(MAX_WEBHOOKS - 1):
            add_webhook(connection, URL, ["band"], desk.at_us, allow_private=False)
        with pytest.raises(UsageError, match="already"):
            add_webhook(connection, URL, None, desk.at_us, allow_private=False)
