"""What changed about a lead since the outbox last reported it, added with the score itself.

A lead is compared with how it was *last reported*, so a probability that creeps by little steps is
reported once the steps add up. Scores older than the newest one seen change nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from serving.store.bulk import is_one_of, put_values
from serving.store.database import AT_ONCE
from serving.store.latest_scores import AnsweredReason, ShownAttributes, reasons_of
from serving.store.tables import change, delivery, reported, service_state, webhook
from serving.timestamps import moment_of

if TYPE_CHECKING:
    from serving.settings import Settings

FIRST, BAND, PROBABILITY, REASON, RELEASE = "first", "band", "probability", "reason", "release"

KINDS = (FIRST, BAND, PROBABILITY, REASON, RELEASE)
"""first: the lead's first score. band: another band. probability: moved by the threshold or more.
reason: another feature is the strongest reason. release: another release made the score."""

TEST = "test"

PRUNED = "changes_pruned_through"

_ORDER = 0x6C65616473636F72
"""PostgreSQL's advisory lock: rows of the outbox are committed in the order of their numbers."""


@dataclass(frozen=True, slots=True)
class ChangePolicy:
    """``probability``: how far it must have moved to be a change; ``shown``: see there."""

    probability: float = 0.1
    shown: ShownAttributes = field(default_factory=ShownAttributes)

    @classmethod
    def of(cls, settings: Settings) -> ChangePolicy:
        """As the operator set it."""
        return cls(settings.change_probability, ShownAttributes.of(settings))


class ModelName(msgspec.Struct, frozen=True):
    """The release that made a score."""

    version: str
    release_id: str


class StrongestReason(msgspec.Struct, frozen=True):
    """The feature that moves a score most, and its sentence."""

    feature: str
    text: str


class Before(msgspec.Struct, frozen=True):
    """The lead as it was last reported; ``reason``: the feature of its strongest reason."""

    probability: float
    band: str
    reason: str | None
    model: ModelName


class ChangedScore(msgspec.Struct, frozen=True):
    """A lead's new score; ``before`` is null for its first."""

    lead_id: str
    changed: list[str]
    probability: float
    band: str
    reason: StrongestReason | None
    as_of: datetime
    score_id: str
    model: ModelName
    before: Before | None


class ChangedRelease(msgspec.Struct, frozen=True):
    """The list is of another release from now on: every open lead has been scored by it."""

    model: ModelName
    before: ModelName | None


class ScoreChanged(msgspec.Struct, frozen=True, tag_field="type", tag="lead.score_changed"):
    """A lead's score changed, as it is sent."""

    timestamp: datetime
    data: ChangedScore


class ReleaseChanged(msgspec.Struct, frozen=True, tag_field="type", tag="release.changed"):
    """The release of the list changed, as it is sent."""

    timestamp: datetime
    data: ChangedRelease


class WebhookTest(msgspec.Struct, frozen=True, tag_field="type", tag="webhook.test"):
    """A test of a webhook, as it is sent."""

    timestamp: datetime
    data: dict[str, str]


def in_order(connection: sa.Connection) -> None:
    """From here to the end of the transaction no other process may add to the outbox.

    Else a reader could see number 7 before 6, go on from 7, and never see 6. SQLite has one writer.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ORDER)))


def record_changes(
    connection: sa.Connection, rows: Sequence[Mapping[str, Any]], policy: ChangePolicy
) -> int:
    """Add what these new rows of ``score`` change; how many changes. The caller is in order."""
    leads = _reported(connection, sorted({row["lead_id"] for row in rows}))
    added, moved = [], set[str]()
    for row in sorted(rows, key=lambda row: (row["as_of_us"], row["asked_us"], row["score_id"])):
        before = leads.get(row["lead_id"])
        if before is not None and row["as_of_us"] < before["as_of_us"]:
            continue
        if before is not None and _is_as_reported(row, before, policy.probability):
            if row["as_of_us"] != before["as_of_us"]:
                leads[row["lead_id"]] = {**before, "as_of_us": row["as_of_us"]}
                moved.add(row["lead_id"])
            continue
        strongest = next(iter(reasons_of(row)), None)
        kinds = _kinds(row, strongest, before, policy.probability)
        if kinds:
            added.append(_change(row, strongest, before, kinds))
            leads[row["lead_id"]] = _as_reported(row, strongest, before)
        elif before is not None:
            leads[row["lead_id"]] = {**before, "as_of_us": row["as_of_us"]}
        moved.add(row["lead_id"])
    _insert(connection, added)
    _report(connection, [leads[lead_id] for lead_id in sorted(leads) if lead_id in moved])
    return len(added)


def _reported(connection: sa.Connection, lead_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for start in range(0, len(lead_ids), AT_ONCE):
        part = lead_ids[start : start + AT_ONCE]
        query = sa.select(reported).where(is_one_of(connection, reported.c.lead_id, part))
        found.update({row.lead_id: dict(row._mapping) for row in connection.execute(query)})
    return found


def _is_as_reported(row: Mapping[str, Any], before: Mapping[str, Any], threshold: float) -> bool:
    """Whether a score says what was reported last, seen without decoding its answer.

    An answer is written without blanks, and quotes within its texts are escaped, so the words
    looked for stand nowhere but in front of the strongest reason. False when it is not sure.
    """
    if (
        row["band"] != before["band"]
        or abs(row["probability"] - before["probability"]) >= threshold
    ):
        return False
    if before["reason"] is None:
        return True
    feature = msgspec.json.encode(before["reason"]).decode()
    return f'"reasons":[{{"feature":{feature},' in row["answer"]


def _kinds(
    row: Mapping[str, Any],
    strongest: AnsweredReason | None,
    before: Mapping[str, Any] | None,
    threshold: float,
) -> list[str]:
    """What changed; another release alone, with the same score, is no change of the lead."""
    if before is None:
        return [FIRST]
    changed = []
    if row["band"] != before["band"]:
        changed.append(BAND)
    if abs(row["probability"] - before["probability"]) >= threshold:
        changed.append(PROBABILITY)
    known = strongest is not None and before["reason"] is not None
    if known and strongest is not None and strongest.feature != before["reason"]:
        changed.append(REASON)
    if changed and row["release_id"] != before["release_id"]:
        changed.append(RELEASE)
    return changed


def _change(
    row: Mapping[str, Any],
    strongest: AnsweredReason | None,
    before: Mapping[str, Any] | None,
    kinds: list[str],
) -> dict[str, Any]:
    then = None
    if before is not None:
        model = ModelName(before["version"], before["release_id"])
        then = Before(before["probability"], before["band"], before["reason"], model)
    reason = None if strongest is None else StrongestReason(strongest.feature, strongest.text)
    data = ChangedScore(
        row["lead_id"], kinds, row["probability"], row["band"], reason,
        moment_of(row["as_of_us"]), row["score_id"],
        ModelName(row["version"], row["release_id"]), then,
    )  # fmt: skip
    message = ScoreChanged(moment_of(row["asked_us"]), data)
    return outbox_row(message, row["asked_us"], kinds, row["lead_id"])


def outbox_row(
    message: ScoreChanged | ReleaseChanged | WebhookTest,
    at_us: int,
    kinds: Iterable[str],
    lead_id: str | None = None,
    webhook_id: str | None = None,
) -> dict[str, Any]:
    """A row of ``change`` without its number."""
    return {
        "lead_id": lead_id, "at_us": at_us, "kinds": with_commas(kinds), "webhook_id": webhook_id,
        "body": msgspec.json.encode(message).decode(),
    }  # fmt: skip


def with_commas(kinds: Iterable[str]) -> str:
    """Kinds as a column holds them: each stands between commas, so that LIKE finds it.

    >>> with_commas(["band", "release"])
    ',band,release,'
    """
    return f",{','.join(kinds)},"


def _as_reported(
    row: Mapping[str, Any], strongest: AnsweredReason | None, before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Where a score was asked for without reasons, the reason known before goes on counting."""
    reason = strongest.feature if strongest is not None else None
    if strongest is None and before is not None:
        reason = before["reason"]
    names = ("lead_id", "as_of_us", "probability", "band", "release_id", "version")
    return {**{name: row[name] for name in names}, "reason": reason}


def _insert(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    if rows:
        connection.execute(sa.insert(change), list(rows))


def _report(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    put_values(connection, reported, ["lead_id"], rows)


def record_release(
    connection: sa.Connection, now: ModelName, before: ModelName | None, at_us: int
) -> None:
    """Add that the list is of another release now."""
    in_order(connection)
    message = ReleaseChanged(moment_of(at_us), ChangedRelease(now, before))
    _insert(connection, [outbox_row(message, at_us, [RELEASE])])


def changes_after(
    connection: sa.Connection, after: int, limit: int
) -> tuple[list[sa.Row[Any]], bool] | None:
    """(rows of the outbox after this number, whether there are more); None when some after it were
    dropped already, so that reading on from there would skip them."""
    if 0 < after < pruned_through(connection):
        return None
    query = sa.select(change).where(change.c.seq > after, change.c.webhook_id.is_(None))
    rows = list(connection.execute(query.order_by(change.c.seq).limit(limit + 1)))
    return rows[:limit], len(rows) > limit


def newest_change(connection: sa.Connection) -> int:
    """The number of the newest change; 0 before the first."""
    newest = connection.scalar(sa.select(sa.func.max(change.c.seq)))
    return max(newest or 0, pruned_through(connection))


def pruned_through(connection: sa.Connection) -> int:
    """Changes up to this number may have been dropped."""
    query = sa.select(service_state.c.value).where(service_state.c.key == PRUNED)
    return int(connection.scalar(query) or 0)


def forget_changes_before(connection: sa.Connection, at_us: int) -> int:
    """Drop changes older than they are to be kept, unless a webhook has not taken them; how many.

    What is dead stays until it is sent again or dropped by hand.
    """
    in_order(connection)
    waiting = connection.scalar(
        sa.select(sa.func.min(webhook.c.after_seq)).where(webhook.c.state == "active")
    )
    last = sa.select(sa.func.max(change.c.seq)).where(change.c.at_us < at_us)
    if waiting is not None:
        last = last.where(change.c.seq <= waiting)
    through = connection.scalar(last)
    if through is None:
        return 0
    undelivered = sa.select(delivery.c.seq).where(delivery.c.seq == change.c.seq).exists()
    gone = connection.execute(
        sa.delete(change).where(change.c.seq <= through, sa.not_(undelivered))
    ).rowcount
    remember(connection, PRUNED, str(through))
    return gone


def remember(connection: sa.Connection, key: str, value: str) -> None:
    """Set a value of ``service_state``."""
    make = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    insert = make(service_state).values(key=key, value=value)
    connection.execute(
        insert.on_conflict_do_update(index_elements=["key"], set_={"value": insert.excluded.value})
    )
