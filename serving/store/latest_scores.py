"""Each lead's newest score by each release: the rows behind the list, and how it shows a lead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec
import sqlalchemy as sa

from features.contract import value_to_text
from serving.store.bulk import is_one_of
from serving.store.database import AT_ONCE
from serving.store.tables import answer, latest_score, lead

if TYPE_CHECKING:
    from serving.settings import Settings

SHOWN_REASONS = 3

SHOWN_COLUMNS = ("name", "owner", "source", "account")

COLUMNS = [column.name for column in latest_score.columns]


@dataclass(frozen=True, slots=True)
class ShownAttributes:
    """Which attributes of a lead the list shows as its name, owner, source and account."""

    name: str = "name"
    owner: str = "owner"
    source: str = "source"
    account: str = "account_id"

    @classmethod
    def of(cls, settings: Settings) -> ShownAttributes:
        """As the operator set them."""
        return cls(
            settings.list_name, settings.list_owner, settings.list_source, settings.list_account
        )

    def of_texts(self, texts: Mapping[str, str]) -> dict[str, str | None]:
        """What is shown of a lead with these attributes; None for what is unknown."""
        return {column: texts.get(getattr(self, column)) or None for column in SHOWN_COLUMNS}


class AnsweredReason(msgspec.Struct):
    """A reason as an answer holds it; the text is in the language of who asked for the score."""

    feature: str
    text: str
    value: float | None = None


class _StoredScore(msgspec.Struct):
    reasons: list[AnsweredReason]


class _StoredRequest(msgspec.Struct):
    attributes: dict[str, msgspec.Raw] = {}


_score_decoder = msgspec.json.Decoder(_StoredScore)


_request_decoder = msgspec.json.Decoder(_StoredRequest)


_attributes = msgspec.json.Decoder(dict[str, Any])


def reasons_of(row: Mapping[str, Any]) -> list[AnsweredReason]:
    """The reasons of a row of ``score``, the strongest first."""
    return _score_decoder.decode(row["answer"]).reasons


def listed_reasons(text: str) -> list[AnsweredReason]:
    """What the list keeps of a lead's reasons; rows of an older version hold sentences alone."""
    kept = msgspec.json.decode(text, type=list[str | AnsweredReason])
    return [AnsweredReason("", each) if isinstance(each, str) else each for each in kept]


def latest_score_rows(
    connection: sa.Connection, rows: Sequence[Mapping[str, Any]], shown: ShownAttributes
) -> list[dict[str, Any]]:
    """Rows of the table ``standing``: the newest of these scores by lead and release, in order."""
    newest: dict[tuple[str, str], Mapping[str, Any]] = {}
    for row in rows:
        key = row["lead_id"], row["release_id"]
        before = newest.get(key)
        if before is None or before["as_of_us"] <= row["as_of_us"]:
            newest[key] = row
    known = stored_texts(connection, sorted({lead_id for lead_id, _ in newest}), shown)
    made = []
    for _, row in sorted(newest.items()):
        texts = known.get(row["lead_id"])
        if texts is None:
            texts = _texts_of_body(row)
        values = {
            **row, **shown.of_texts(texts), "checked_us": row["asked_us"],
            "reasons": msgspec.json.encode(reasons_of(row)[:SHOWN_REASONS]).decode(),
        }  # fmt: skip
        made.append({name: values[name] for name in COLUMNS})
    return made


def stored_texts(
    connection: sa.Connection, lead_ids: Sequence[str], shown: ShownAttributes
) -> dict[str, dict[str, str]]:
    """Each stored lead's shown attributes as last known, as text."""
    found: dict[str, dict[str, str]] = {}
    names = [getattr(shown, column) for column in SHOWN_COLUMNS]
    for part in _parts(lead_ids):
        query = sa.select(lead.c.lead_id, lead.c.attributes).where(
            is_one_of(connection, lead.c.lead_id, part)
        )
        for lead_id, text in connection.execute(query):
            given = _attributes.decode(text)
            found[lead_id] = {n: value_to_text(given[n]) for n in names if n in given}
        later = (
            sa.select(answer.c.lead_id, answer.c.attribute, answer.c.value)
            .where(is_one_of(connection, answer.c.lead_id, part), answer.c.attribute.in_(names))
            .order_by(answer.c.answered_us, answer.c.id)
        )
        for lead_id, attribute, value in connection.execute(later):
            found.setdefault(lead_id, {})[attribute] = value
    return found


def _texts_of_body(row: Mapping[str, Any]) -> dict[str, str]:
    """The attributes of a lead that is not stored, as its request gave them."""
    try:
        given = _request_decoder.decode(row["input"]).attributes
        return {name: value_to_text(msgspec.json.decode(raw)) for name, raw in given.items()}
    except msgspec.MsgspecError:  # scored from the store, and erased or merged since
        return {}


def _parts(lead_ids: Sequence[str]) -> Iterable[Sequence[str]]:
    return (lead_ids[start : start + AT_ONCE] for start in range(0, len(lead_ids), AT_ONCE))


KEY = ("lead_id", "release_id")

IF_NEWER = (
    f" ON CONFLICT ({', '.join(KEY)}) DO UPDATE SET "
    + ", ".join(f"{name} = excluded.{name}" for name in COLUMNS if name not in KEY)
    + " WHERE excluded.as_of_us >= standing.as_of_us"
)
"""The same words on SQLite and PostgreSQL."""


def show_again(connection: sa.Connection, lead_ids: Sequence[str], shown: ShownAttributes) -> None:
    """Bring name, owner, source and account in the list up to date, without a new score."""
    known = stored_texts(connection, lead_ids, shown)
    rows = [{"b_lead_id": lead_id, **shown.of_texts(texts)} for lead_id, texts in known.items()]
    if rows:
        update = sa.update(latest_score).where(latest_score.c.lead_id == sa.bindparam("b_lead_id"))
        connection.execute(update.values({c: sa.bindparam(c) for c in SHOWN_COLUMNS}), rows)
