"""The lines of the worklist kept up to date, in the transaction of whatever changes them.

A score that is loaded, an outcome, an opt-out, a changed attribute and an overruled band each
change the lead's line before they are acknowledged, so the list never shows a lead that was closed
or turned away before the page was asked for.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.cleaning import TRUE_WORDS
from features.contract import DEFAULT_OPT_OUT_KINDS, value_to_text
from scoring.contact_names import YES, forbids_contact
from serving.settings import Settings
from serving.store import tables
from serving.store.band_moves import CHAMPION, note_moves, replay_moves
from serving.store.bulk import is_one_of, put_values
from serving.store.database import AT_ONCE, failure
from serving.store.page_tables import override, page_setting, worklist

OPEN, PAUSED, NO_CONTACT, CONVERTED, LOST = "open", "paused", "no_contact", "converted", "lost"
"""The state of a line: on the list to call; to be left alone for now; never to be contacted."""

NO_CHANNEL = "none"
"""The channel of a next step that says: leave them alone."""

FACETS: Mapping[str, tuple[str, ...]] = {
    "source": ("source", "lead_source", "utm_source", "original_source", "lead_origin", "origin"),
    "owner": ("owner", "owner_name", "owner_id", "lead_owner", "sales_rep", "salesperson", "rep"),
    "segment": ("segment", "sector", "industry", "market"),
    "account": ("account", "account_name", "account_id", "company", "company_name", "organization"),
    "name": ("name", "full_name", "lead_name", "contact_name", "last_name"),
    "cost": ("cost", "acquisition_cost", "cost_per_lead", "lead_cost"),
}
"""Attributes that fill a column of the worklist, the first one that the lead has. The settings
``list_…`` of the service put others before them."""

RANK = {"cold": 0.0, "warm": 1.0, "hot": 2.0}
RESCORED = (
    "band", "state", "place", "model_band", "probability", "as_of_us", "score_id", "thin", "fit",
    "engagement",
)  # fmt: skip
"""What a newer score changes of a line."""

CHOSEN = "attributes"


class _Step(msgspec.Struct, frozen=True):
    channel: str


class _Rules(msgspec.Struct, frozen=True):
    fit: float
    engagement: float


class _Answer(msgspec.Struct, frozen=True):
    """What a line takes from a score's answer as sent; older answers may lack parts of it."""

    low_evidence: bool = False
    next_step: _Step | None = None
    rules: _Rules | None = None


class _Body(msgspec.Struct, frozen=True):
    attributes: dict[str, Any] = {}
    created_at: str | None = None


_answer = msgspec.json.Decoder(_Answer)
_body = msgspec.json.Decoder(_Body)


def refresh(connection: sa.Connection, lead_ids: Iterable[str]) -> None:
    """Make the lines of these leads again; those without a score have none."""
    wanted = sorted(set(lead_ids))
    facets = facets_in_use(connection)
    for start in range(0, len(wanted), AT_ONCE):
        part = wanted[start : start + AT_ONCE]
        _put(connection, _lines(connection, part, facets))


def rebuild(connection: sa.Connection) -> int:
    """Make every line again; how many leads have one."""
    connection.execute(sa.delete(worklist))
    replay_moves(connection)
    lead_ids = list(connection.scalars(sa.select(tables.latest_score.c.lead_id).distinct()))
    refresh(connection, lead_ids)
    return len(lead_ids)


def prepare_worklist(engine: sa.Engine, chosen: str) -> None:
    """:func:`prepare` in a transaction of its own, before anybody reads; StorageError otherwise."""
    try:
        with engine.execution_options(writes=True).begin() as connection:
            prepare(connection, chosen)
    except (SQLAlchemyError, OSError) as error:
        raise failure(error) from error


def prepare(connection: sa.Connection, chosen: str) -> None:
    """Make the lines again if they were never made, or with other attributes than ``chosen``."""
    known = connection.scalar(sa.select(page_setting.c.value).where(page_setting.c.key == CHOSEN))
    if known == chosen:
        return
    connection.execute(sa.delete(page_setting).where(page_setting.c.key == CHOSEN))
    connection.execute(sa.insert(page_setting).values(key=CHOSEN, value=chosen))
    rebuild(connection)


def after_scores(connection: sa.Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Lines follow their leads' newest scores; ``rows``: new rows of ``score``, in any order.

    A line that is there keeps what does not come from a score; a lead's first score makes one.
    """
    by_lead: dict[str, list[Mapping[str, Any]]] = {}
    for row in sorted(rows, key=lambda row: row["as_of_us"]):
        if row["role"] == CHAMPION:
            by_lead.setdefault(row["lead_id"], []).append(row)
    lead_ids = sorted(by_lead)
    for start in range(0, len(lead_ids), AT_ONCE):
        part = lead_ids[start : start + AT_ONCE]
        query = sa.select(
            *(worklist.c[name] for name in ("lead_id", *RESCORED)),
        ).where(is_one_of(connection, worklist.c.lead_id, part))  # fmt: skip
        there = {row.lead_id: row for row in connection.execute(query)}
        note_moves(connection, {lead_id: by_lead[lead_id] for lead_id in part}, there)
        overruled = _overruled(connection, list(there))
        changed = [
            _rescored(by_lead[lead_id][-1], line, overruled.get(lead_id))
            for lead_id, line in there.items()
            if line.as_of_us <= by_lead[lead_id][-1]["as_of_us"]
        ]
        _update(connection, changed, there)
        refresh(connection, [lead_id for lead_id in part if lead_id not in there])


def _update(
    connection: sa.Connection,
    changed: Sequence[Mapping[str, Any]],
    there: Mapping[str, sa.Row[*tuple[Any, ...]]],
) -> None:
    """Update lines; of one that says the same as before, whose score it is and nothing else, for
    every other column is in the way of five indexes."""
    of_a_score = ("score_id", "as_of_us")
    others = [name for name in RESCORED if name not in of_a_score]
    moved, same = list[Mapping[str, Any]](), list[Mapping[str, Any]]()
    for row in changed:
        line = there[row["line_of"]]._mapping
        is_same = all(row[name] == line[name] for name in others)
        (same if is_same else moved).append(row)
    statement = sa.update(worklist).where(worklist.c.lead_id == sa.bindparam("line_of"))
    for rows, names in ((moved, RESCORED), (same, of_a_score)):
        if rows:
            values: dict[str, Any] = {name: sa.bindparam(name) for name in names}
            given = [{name: row[name] for name in ("line_of", *names)} for row in rows]
            connection.execute(statement.values(values), given)


def after_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Mapping[str, Any]]
) -> None:
    """Lines follow new rows of a table of the store, where they bear on the list."""
    if table is tables.outcome:
        touched = [row["lead_id"] for row in rows]
    elif table is tables.interaction:
        touched = [row["lead_id"] for row in rows if row["kind"] in DEFAULT_OPT_OUT_KINDS]
    elif table is tables.answer:
        shown = {name for names in facets_in_use(connection).values() for name in names}
        touched = [row["lead_id"] for row in rows if _is_shown(row["attribute"], shown)]
    else:
        touched = []
    if touched:
        refresh(connection, touched)


def facets_in_use(connection: sa.Connection) -> dict[str, tuple[str, ...]]:
    """The attributes that fill each column, with those that the service's setting names first."""
    chosen = connection.scalar(sa.select(page_setting.c.value).where(page_setting.c.key == CHOSEN))
    return with_chosen(chosen or "")


def with_chosen(chosen: str) -> dict[str, tuple[str, ...]]:
    """:data:`FACETS` with the settings' own names in front; ``chosen``: see :func:`chosen_of`.

    >>> with_chosen('{"owner":"rep_code"}')["owner"][:2]
    ('rep_code', 'owner')
    """
    own: Mapping[str, str] = json.loads(chosen) if chosen else {}
    return {
        facet: tuple(dict.fromkeys((*([own[facet]] if facet in own else []), *names)))
        for facet, names in FACETS.items()
    }


def chosen_of(settings: Settings) -> str:
    """The attributes that the settings name, as they are kept beside the lines made with them."""
    own = {facet: str(getattr(settings, f"list_{facet}")) for facet in FACETS}
    return json.dumps(own, sort_keys=True, ensure_ascii=False)


def _rescored(
    score: Mapping[str, Any], line: sa.Row[*tuple[Any, ...]], overruled: str | None
) -> dict[str, Any]:
    """The columns of a line that a newer score changes; ``overruled``: a person's band, which
    holds though the model said the same for a while."""
    said = _decoded(score["answer"])
    band = overruled or score["band"]
    state = line.state if line.state not in (OPEN, PAUSED) else _state(said)
    return {
        "line_of": score["lead_id"],
        "band": band,
        "state": state,
        **_of_score(score, band, said),
    }


def _of_score(score: Mapping[str, Any], band: str, said: _Answer) -> dict[str, Any]:
    return {
        "place": RANK[band] + score["probability"],
        "model_band": score["band"],
        "probability": score["probability"],
        "as_of_us": score["as_of_us"],
        "score_id": score["score_id"],
        "thin": said.low_evidence,
        "fit": None if said.rules is None else said.rules.fit,
        "engagement": None if said.rules is None else said.rules.engagement,
    }


def _state(said: _Answer) -> str:
    step = said.next_step
    return PAUSED if step is not None and step.channel == NO_CHANNEL else OPEN


def _decoded(answer: str) -> _Answer:
    try:
        return _answer.decode(answer)
    except msgspec.MsgspecError:
        return _Answer()  # written by a version that answered in another form


def _lines(
    connection: sa.Connection, lead_ids: list[str], facets: Mapping[str, tuple[str, ...]]
) -> list[dict[str, Any]]:
    scores = _newest_scores(connection, lead_ids)
    if not scores:
        return []
    leads = _by_lead(connection, tables.lead, lead_ids)
    outcomes = _by_lead(connection, tables.outcome, lead_ids)
    overruled = _overruled(connection, lead_ids)
    opted_out = _opted_out(connection, lead_ids)
    answered = _answered(connection, lead_ids, facets)
    lines = []
    for lead_id, score in scores.items():
        created_us, attributes = _attributes(score, leads.get(lead_id))
        attributes |= answered.get(lead_id, {})
        said = _decoded(score["answer"])
        band = overruled.get(lead_id) or score["band"]
        if lead_id in outcomes:
            state = outcomes[lead_id].outcome
        elif lead_id in opted_out or _is_forbidden(attributes):
            state = NO_CONTACT
        else:
            state = _state(said)
        shown = {facet: _first(attributes, names) for facet, names in facets.items()}
        lines.append(
            {
                "lead_id": lead_id, "state": state, "band": band, **_of_score(score, band, said),
                **shown, "cost": _amount(shown["cost"]), "created_us": created_us,
                "search": " ".join([lead_id, shown["name"], shown["account"]]).lower(),
            }
        )  # fmt: skip
    return lines


def _newest_scores(connection: sa.Connection, lead_ids: list[str]) -> dict[str, dict[str, Any]]:
    """Each lead's newest score; where it was forgotten, what the table ``standing`` keeps."""
    latest_score, score = tables.latest_score.c, tables.score.c
    query = sa.select(
        latest_score.lead_id, latest_score.probability, latest_score.band, latest_score.as_of_us,
        latest_score.score_id, score.answer, score.input, score.origin,
    ).select_from(
        tables.latest_score.outerjoin(tables.score, latest_score.score_id == score.score_id)
    ).where(is_one_of(connection, latest_score.lead_id, lead_ids))  # fmt: skip
    # the last row of a lead stays
    query = query.order_by(latest_score.as_of_us, latest_score.release_id)
    return {
        row.lead_id: {**row._mapping, "answer": row.answer or "{}"}
        for row in connection.execute(query)
    }


def _by_lead(
    connection: sa.Connection, table: sa.Table, lead_ids: list[str]
) -> dict[str, sa.Row[Any]]:
    query = sa.select(table).where(is_one_of(connection, table.c.lead_id, lead_ids))
    return {row.lead_id: row for row in connection.execute(query)}


def _overruled(connection: sa.Connection, lead_ids: list[str]) -> dict[str, str]:
    query = sa.select(override.c.lead_id, override.c.band)
    query = query.where(is_one_of(connection, override.c.lead_id, lead_ids))
    return {row.lead_id: row.band for row in connection.execute(query.order_by(override.c.id))}


def _opted_out(connection: sa.Connection, lead_ids: list[str]) -> set[str]:
    acts = tables.interaction.c
    query = sa.select(acts.lead_id).distinct()
    of_these = is_one_of(connection, acts.lead_id, lead_ids)
    query = query.where(of_these, acts.kind.in_(DEFAULT_OPT_OUT_KINDS))
    return set(connection.scalars(query))


def _answered(
    connection: sa.Connection, lead_ids: list[str], facets: Mapping[str, tuple[str, ...]]
) -> dict[str, dict[str, Any]]:
    """Attributes of the list that were learned after creation: the last answer of each."""
    shown = {name for several in facets.values() for name in several}
    answer = tables.answer.c
    query = sa.select(answer.lead_id, answer.attribute, answer.value)
    query = query.where(is_one_of(connection, answer.lead_id, lead_ids))
    query = query.order_by(answer.answered_us, answer.id)
    found: dict[str, dict[str, Any]] = {}
    for lead_id, name, value in connection.execute(query):
        if _is_shown(name, shown):
            found.setdefault(lead_id, {})[name] = value
    return found


def _is_shown(attribute: str, shown: Collection[str]) -> bool:
    """Whether the line of a lead depends on an attribute."""
    return attribute in shown or forbids_contact(attribute)


def _attributes(
    score: Mapping[str, Any], lead: sa.Row[Any] | None
) -> tuple[int | None, dict[str, Any]]:
    """(creation, attributes at creation): of the stored lead, else of the body it was scored by."""
    if lead is not None:
        return lead.created_us, json.loads(lead.attributes)
    if score["origin"] != "body":
        return None, {}
    try:
        body = _body.decode(score["input"])
    except msgspec.MsgspecError:
        return None, {}
    return None, dict(body.attributes)


def _first(attributes: Mapping[str, Any], names: Sequence[str]) -> str:
    """The first of these attributes that is known, as text that fits the column."""
    texts = (value_to_text(attributes[name]).strip() for name in names if name in attributes)
    return next((text for text in texts if text), "")[:200]


def _is_forbidden(attributes: Mapping[str, Any]) -> bool:
    values = (value for name, value in attributes.items() if forbids_contact(name))
    words = {value_to_text(value).strip().lower() for value in values}
    return not words.isdisjoint(TRUE_WORDS | set(YES))


def _amount(text: str) -> float | None:
    try:
        amount = float(text)
    except ValueError:
        return None
    return amount if abs(amount) < 1e12 else None


def _put(connection: sa.Connection, lines: list[dict[str, Any]]) -> None:
    if not lines:
        return
    put_values(connection, worklist, ["lead_id"], lines)
