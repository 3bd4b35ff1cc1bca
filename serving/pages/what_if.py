"""What if: answers and interactions typed into a form, scored by the release, recorded nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from features.contract import BANT, AttributeType, value_to_text
from features.histories.arrays import Histories
from features.vectors.spec import AttributeSpec
from serving.http.request import Response
from serving.messages.scores import Answer, Interaction, ScoreRequest
from serving.pages.lead import MAX_REASONS, lead_id_of, steps_of
from serving.pages.lead_chart import waterfall_picture
from serving.pages.lead_scores import attributes_now, known_value
from serving.pages.sent_lead import stored_or_sent
from serving.pages.site import Visit
from serving.pages.worklist import whole_number
from serving.predictor.predictor import Predictor, predict_one, query_of_request
from serving.predictor.query import QueryContext
from serving.problems import Problem, validation_problem
from serving.store.histories import Stored
from serving.timestamps import Clock, microseconds, moment_of

ROWS = 5
"""Lines of the form for interactions."""

MAX_OF_A_KIND = 1000
MAX_DAYS = 3650
LONGEST_VALUE = 200
USUAL_AGE_DAYS = 14
NOBODY = "what-if"


@dataclass(frozen=True)
class Field:
    """An attribute of the form. ``choices``: empty for a number."""

    name: str
    group: str
    choices: tuple[str, ...]
    value: str
    is_qualification: bool


@dataclass(frozen=True)
class Acts:
    """A line of the form: so many interactions of a kind, spread over so many days."""

    kind: str
    count: int
    days: int


async def show(visit: Visit) -> Response:
    """The form: empty, or filled with a stored lead."""
    predictor = visit.services.live.current()
    stored, now_us = await _stored(visit, visit.query.get("id", ""))
    form = _form_of(predictor, stored, now_us) if stored is not None else {}
    return _page(visit, predictor, form, now_us, stored)


async def score(visit: Visit) -> Response:
    """The form's lead scored: the result alone for htmx, the whole page without it."""
    predictor = visit.services.live.current()
    stored, now_us = await _stored(visit, visit.form.get("id", ""))
    return _page(visit, predictor, visit.form, now_us, stored)


async def _stored(visit: Visit, lead_id: str) -> tuple[Stored | None, int]:
    """(the lead that the form begins with, the moment it is about)."""
    if not lead_id:
        return None, visit.now_us
    if not visit.may("read"):
        raise Problem(403, "not-allowed", "This key does not have the scope read.")
    wanted = lead_id_of(lead_id)
    stored = await visit.services.store.read(lambda c: stored_or_sent(c, wanted))
    if stored is None:
        raise Problem(
            404, "not-found", visit.words.gettext("No such lead is stored here; or it was erased.")
        )
    return stored, max(visit.now_us, stored.created_us or 0)


def _page(
    visit: Visit, predictor: Predictor, form: Mapping[str, str], now_us: int, stored: Stored | None
) -> Response:
    data: dict[str, Any] = {
        "fields": fields_of(predictor, form), "acts": acts_of(form), "kinds": predictor.kinds,
        "lead_id": "" if stored is None else stored.lead.lead_id, "fault": "",
        "age_days": whole_number(form.get("age_days", ""), 0, MAX_DAYS, USUAL_AGE_DAYS),
    }  # fmt: skip
    try:
        data |= _scored(visit, predictor, form, moment_of(now_us), stored)
    except Problem as problem:
        data |= {"answer": None, "fault": fault_text(problem)}
    template = "what_if_result.html.j2" if visit.is_partial else "what_if.html.j2"
    return visit.page(template, path="/what-if", **data)


def fault_text(problem: Problem) -> str:
    """What is wrong with a form, each field with what was expected."""
    sentences = [
        f"{error.at.removeprefix('$.attributes.')}: {error.message}" for error in problem.errors
    ]
    return "; ".join(sentences) or problem.detail


def _scored(
    visit: Visit, predictor: Predictor, form: Mapping[str, str], now: datetime,
    stored: Stored | None,
) -> dict[str, Any]:  # fmt: skip
    request = request_of(predictor, form, now, stored)
    latest = now + timedelta(seconds=visit.services.settings.clock_skew_s)
    context = QueryContext(Clock(now, latest), visit.language, MAX_REASONS, now)
    prediction = predict_one(predictor, query_of_request(predictor, request, context))
    answer = prediction.answer
    steps = steps_of(visit, predictor, prediction)
    return {"answer": answer, "waterfall": waterfall_picture(answer.base, steps, visit.words)}


def request_of(
    predictor: Predictor, form: Mapping[str, str], now: datetime, stored: Stored | None
) -> ScoreRequest:
    """The lead that the form describes; a stored lead keeps its own history beneath it."""
    age = timedelta(days=whole_number(form.get("age_days", ""), 0, MAX_DAYS, USUAL_AGE_DAYS))
    created, acts, answers = now - age, list[Interaction](), list[Answer]()
    attributes: dict[str, Any] = {}
    if stored is not None:
        created = now if stored.created_us is None else moment_of(stored.created_us)
        acts, answers = acts_of_history(stored.histories), answers_of_history(stored.histories)
        attributes = dict(stored.attributes)
    just_before = now - timedelta(microseconds=1)
    for attribute in predictor.expected.attributes.values():
        typed = form.get(f"a.{attribute.name}")
        if typed is None:
            continue
        value = typed_value(attribute, typed.strip())
        was = (
            None if stored is None else known_value(attribute, stored.histories, microseconds(now))
        )
        if stored is not None and typed.strip() == was:
            continue
        attributes[attribute.name] = value
        answers.append(Answer(attribute.name, max(just_before, created), value))
    for line in acts_of(form):
        step = timedelta(days=line.days) / line.count
        acts += [
            Interaction(line.kind, now - timedelta(hours=1) - step * i) for i in range(line.count)
        ]
    return ScoreRequest(NOBODY, created, now, attributes, answers, acts)


def typed_value(attribute: AttributeSpec, text: str) -> str | float | None:
    """What was typed, as the attribute's type; a 422 for what is no number. Empty is unknown."""
    if not text:
        return None
    if len(text) > LONGEST_VALUE or "\x00" in text:
        raise validation_problem(attribute.name, f"at most {LONGEST_VALUE} characters")
    if attribute.type != AttributeType.NUMBER:
        return text
    try:
        value = float(text.replace(",", ".").replace("\u202f", "").replace(" ", ""))
    except ValueError:
        raise validation_problem(attribute.name, "expected a number") from None
    if not abs(value) < 1e15:
        raise validation_problem(attribute.name, "expected a finite number")
    return value


def acts_of(form: Mapping[str, str]) -> list[Acts]:
    """The lines of interactions that name a kind."""
    lines = []
    for i in range(ROWS):
        kind = form.get(f"kind.{i}", "").strip()[:LONGEST_VALUE].replace("\x00", "")
        if kind:
            count = whole_number(form.get(f"count.{i}", ""), 1, MAX_OF_A_KIND, 1)
            days = whole_number(form.get(f"days.{i}", ""), 0, MAX_DAYS, 7)
            lines.append(Acts(kind, count, days))
    return lines


def fields_of(predictor: Predictor, form: Mapping[str, str]) -> list[Field]:
    """Every attribute that the release reads, the qualification first."""
    found = [
        Field(
            a.name, a.group.value, choices_of(a), form.get(f"a.{a.name}", ""), a.group in BANT
        )
        for a in predictor.expected.attributes.values()
    ]  # fmt: skip
    return sorted(found, key=lambda f: not f.is_qualification)


def choices_of(attribute: AttributeSpec) -> tuple[str, ...]:
    """What can be chosen; nothing where a number is typed."""
    if attribute.type == AttributeType.BOOLEAN:
        return ("yes", "no")
    return attribute.levels if attribute.type == AttributeType.CATEGORY else ()


def _form_of(predictor: Predictor, stored: Stored, now_us: int) -> dict[str, str]:
    """The form filled with what is known of a stored lead."""
    known = attributes_now(stored.attributes, stored.histories, now_us)
    form = {
        f"a.{a.name}": known_value(a, stored.histories, now_us) or known.get(a.name, "")
        for a in predictor.expected.attributes.values()
    }
    if stored.created_us is not None:
        form["age_days"] = str(max(0, (now_us - stored.created_us) // 86_400_000_000))
    return form


def acts_of_history(histories: Histories) -> list[Interaction]:
    """A stored lead's interactions, as a request sends them."""
    rows = histories.interactions
    return [
        Interaction(
            rows.kinds[kind], moment_of(at), None if value != value else value,
            None if seconds != seconds else seconds, event_id=str(i),
        )
        for i, (kind, at, value, seconds) in enumerate(
            zip(
                rows.kind.tolist(), rows.at_us.tolist(), rows.value.tolist(),
                rows.duration_s.tolist(), strict=True,
            )
        )
    ]  # fmt: skip


def answers_of_history(histories: Histories) -> list[Answer]:
    """A stored lead's answers, as a request sends them."""
    answers = histories.answers
    return [
        Answer(answers.attributes[name], moment_of(at), value_to_text(answers.values[value]))
        for name, at, value in zip(
            answers.attribute.tolist(), answers.at_us.tolist(), answers.value.tolist(), strict=True
        )
    ]
