"""The page of one lead: how it stands, why, what moved it, what to ask, and a person's own word."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from features.contract import value_to_text
from features.histories.arrays import Histories
from features.language.language import Language
from features.vectors.nouns import noun
from features.vectors.sentences import humanize_name
from scoring.bands import Band
from scoring.playbook import NextStep
from scoring.reasons import top_k_contributions
from scoring.scorecard.rules import RULE_CONTEXT
from scoring.scorecard.scorecard import CardScores
from serving.http.request import Response
from serving.pages.lead_chart import WaterfallStep, course_picture, marks_of, waterfall_picture
from serving.pages.lead_scores import (
    attributes_now,
    course,
    movement,
    one_reference,
    questions,
)
from serving.pages.sent_lead import stored_or_sent
from serving.pages.site import Visit
from serving.predictor.predictor import Prediction, Predictor, predict_one
from serving.predictor.query import QueryContext
from serving.predictor.stored_lead import query_of_stored_lead
from serving.problems import Problem, validation_problem
from serving.store import tables
from serving.store.database import note
from serving.store.histories import Stored
from serving.store.overrides import overrides_of_lead, put_override
from serving.store.page_tables import worklist
from serving.timestamps import Clock, moment_of

MAX_REASONS = 12
"""Bars of the waterfall; the other features share the last one."""

WEEK_US = 7 * 86_400_000_000
EVENTS_SHOWN = 25
LONGEST_REASON = 1000


@dataclass(frozen=True)
class Found:
    """What the store holds of a lead."""

    stored: Stored
    outcome: Any
    line: Any
    overrides: list[Any]


async def show(visit: Visit) -> Response:
    """The page; 404 for a lead that is not in the store."""
    lead_id = lead_id_of(visit.query.get("id", ""))
    found = await visit.services.store.read(lambda c: _find(c, lead_id))
    if found is None:
        raise Problem(
            404, "not-found", visit.words.gettext("No such lead is stored here; or it was erased.")
        )
    predictor = visit.services.live.current()
    as_of_us = max(visit.now_us, found.stored.created_us or 0)
    context = QueryContext(
        Clock(moment_of(as_of_us), visit.clock.latest), visit.language, MAX_REASONS,
        moment_of(as_of_us),
    )  # fmt: skip
    query = query_of_stored_lead(found.stored, context, predictor)
    prediction = await visit.services.run_for_history(
        found.stored.row_count, lambda: predict_one(predictor, query)
    )
    return visit.page(
        "lead.html.j2", path="/lead", lead_id=lead_id, as_of_us=as_of_us,
        **_score_of_lead(visit, predictor, found, prediction, as_of_us),
    )  # fmt: skip


async def overrule(visit: Visit) -> Response:
    """Put a person's band in place of the model's, or take it back; with a reason."""
    lead_id = lead_id_of(visit.form.get("id", ""))
    band, reason = visit.form.get("band", ""), visit.form.get("reason", "").strip()
    if band and band not in set(Band):
        raise validation_problem("band", "expected cold, warm or hot, or nothing to take it back")
    if not reason or len(reason) > LONGEST_REASON or "\x00" in reason:
        raise validation_problem("reason", f"give a reason of at most {LONGEST_REASON} characters")
    store, now_us = visit.services.store, visit.now_us

    def work(connection: sa.Connection) -> bool:
        put = put_override(connection, lead_id, now_us, visit.actor, band, reason)
        if put:
            subject = store.tombstones.digest(lead_id)
            note(connection, now_us, visit.actor, f"override {band or 'back'}", subject, 1)
        return put

    if not await store.write(work):
        raise Problem(
            409,
            "no-score",
            visit.words.gettext("This lead has no score yet that could be overruled."),
        )
    return visit.go_to("/lead", id=lead_id)


def lead_id_of(text: str) -> str:
    """A lead's id as given; a 422 if no lead can be called so."""
    if not 1 <= len(text) <= 200 or "\x00" in text:
        raise validation_problem("id", "expected 1 to 200 characters, none of them NUL")
    return text


def _find(connection: sa.Connection, lead_id: str) -> Found | None:
    stored = stored_or_sent(connection, lead_id)
    if stored is None:
        return None
    outcome = connection.execute(
        sa.select(tables.outcome).where(tables.outcome.c.lead_id == lead_id)
    ).first()
    line = connection.execute(sa.select(worklist).where(worklist.c.lead_id == lead_id)).first()
    past = overrides_of_lead(connection, lead_id)
    return Found(stored, outcome, line, past)


def _score_of_lead(
    visit: Visit, predictor: Predictor, found: Found, prediction: Prediction, as_of_us: int
) -> dict[str, Any]:
    """Everything that the template shows."""
    release, histories = predictor.release, found.stored.histories
    line = course(release, histories, as_of_us)
    marks = marks_of(histories, as_of_us, release.spec.outbound_kinds, visit.words)
    lead = found.stored.lead
    override = found.overrides[0] if found.overrides and found.overrides[0].band else None
    card, scores = release.scorecard, None
    if card is not None:
        scores = card.points(histories, one_reference(as_of_us))
    known = attributes_now(found.stored.attributes, histories, as_of_us)
    answer, steps = prediction.answer, steps_of(visit, predictor, prediction)
    band = answer.band if override is None else override.band
    return {
        "answer": answer, "band": band, "override": override, "overrides": found.overrides,
        "outcome": found.outcome, "line": found.line, "created_us": found.stored.created_us,
        "chart": course_picture(line, marks, release.thresholds, visit.words),
        "waterfall": waterfall_picture(answer.base, steps, visit.words),
        "rules": None if scores is None else rules_of(predictor, scores, visit.words),
        "questions": questions(release, lead, histories, prediction.vector, as_of_us),
        "movement": movement(release, histories, as_of_us - WEEK_US, as_of_us, visit.words),
        "known": {name: value for name, value in sorted(known.items()) if value},
        "unknown": sorted(a.name for a in release.spec.attributes if not known.get(a.name)),
        "events": events_of(histories, as_of_us, visit.words)[:EVENTS_SHOWN],
        "n_events": len(histories.interactions.at_us),
        "step": step_for(predictor, prediction, band, scores).translated(visit.words),
        "thresholds": release.thresholds,
    }  # fmt: skip


def steps_of(visit: Visit, predictor: Predictor, prediction: Prediction) -> list[WaterfallStep]:
    """The strongest reasons as bars, and what all others add up to."""
    shares, vector = prediction.shares, prediction.vector
    columns = [
        c for c in top_k_contributions(shares.reshape(1, -1), MAX_REASONS)[0].tolist() if c >= 0
    ]
    features = predictor.release.spec.features
    steps = [
        WaterfallStep(features[c].sentence(float(vector[c]) + 0.0, visit.words), float(shares[c]))
        for c in columns
    ]
    answer = prediction.answer
    rest = answer.log_odds - answer.base - sum(step.share for step in steps)
    n_others = int((shares != 0).sum()) - len(columns)
    if n_others > 0:
        text = visit.words.ngettext("{n} other reason", "{n} other reasons", n_others)
        steps.append(WaterfallStep(text.format(n=n_others), rest))
    return steps


def rules_of(predictor: Predictor, scores: CardScores, words: Language) -> dict[str, Any]:
    """What the scorecard says, and the exclusions that hold."""
    card = predictor.release.scorecard
    assert card is not None  # noqa: S101 - there are scores of it
    matched = scores.as_lists[1][0]
    first = len(card.card.rules)
    held = [
        rule.name
        for rule, holds in zip(card.card.exclusions, matched[first:], strict=True)
        if holds
    ]
    return {
        "name": card.name, "points": float(scores.points[0]), "band": str(scores.band[0]),
        "fit": float(scores.fit[0]), "engagement": float(scores.engagement[0]),
        "reasons": card.reasons(scores, 0, words),
        "excluded_by": [words.pgettext(RULE_CONTEXT, name) for name in held],
        "warm": card.thresholds.warm, "hot": card.thresholds.hot,
    }  # fmt: skip


def step_for(
    predictor: Predictor, prediction: Prediction, band: str, scores: CardScores | None
) -> NextStep:
    """The playbook's step for the band that holds: a person's where one was put."""
    reasons = predictor.sentences(prediction.query.language).one(
        prediction.vector, prediction.shares, 3
    )
    card = predictor.release.scorecard
    rules = frozenset[str]() if card is None or scores is None else card.active_rules(scores, 0)
    return predictor.playbook.next_step(Band(band), reasons, rules)


def events_of(histories: Histories, to_us: int, words: Language) -> list[dict[str, Any]]:
    """Interactions and answers before ``to_us``, newest first, for the table."""
    rows, answers = histories.interactions, histories.answers
    acts = [
        {
            "at_us": int(at), "what": noun(rows.kinds[kind], words).one,
            "value": None if value != value else value,
            "duration_s": None if seconds != seconds else seconds,
        }
        for at, kind, value, seconds in zip(
            rows.at_us.tolist(), rows.kind.tolist(), rows.value.tolist(), rows.duration_s.tolist(),
            strict=True,
        )
    ]  # fmt: skip
    learned = [
        {
            "at_us": int(at), "what": humanize_name(answers.attributes[name], words),
            "value": value_to_text(answers.values[value]), "duration_s": None,
        }
        for at, name, value in zip(
            answers.at_us.tolist(), answers.attribute.tolist(), answers.value.tolist(), strict=True
        )
    ]  # fmt: skip
    both: list[dict[str, Any]] = [*acts, *learned]
    both = [event for event in both if event["at_us"] < to_us]
    return sorted(both, key=lambda event: -event["at_us"])
