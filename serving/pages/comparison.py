"""Rules against the learned score: the report, the threshold in calls and money, the matrix."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from features.language.language import Language
from scoring.axes import Scale
from scoring.scorecard.scorecard import Scorecard
from serving.http.request import Response
from serving.pages import drawing as svg
from serving.pages.comparison_file import (
    ComparedScore,
    ComparisonReport,
    UnreadableComparison,
    read_comparison,
)
from serving.pages.render import sentence as sentence_in
from serving.pages.site import Visit
from serving.pages.worklist import current, whole_number
from serving.problems import Problem
from serving.store.matrix import matrix

MAX_MONEY = 10**9
LINES = 6
"""Scores drawn; each has a colour and a dash of its own."""


@dataclass(frozen=True)
class Week:
    """What one score brings in a week at the chosen threshold; each lead and conversion once."""

    title: str
    calls: float
    conversions: float
    money: float


async def show(visit: Visit) -> Response:
    """The page; for htmx only what the slider changes."""
    path = visit.services.settings.comparison_file
    data: dict[str, Any] = {"report": None, "fault": ""}
    if path is not None:
        loop = asyncio.get_running_loop()
        try:
            report = await loop.run_in_executor(None, read_comparison, path)
            data = {"fault": "", **_at(visit, report)}
        except UnreadableComparison as error:
            data["fault"] = str(error)
    if visit.is_partial and data["report"] is not None:
        return visit.page("comparison_week.html.j2", path="/comparison", **data)
    predictor = current(visit)
    card = None if predictor is None else predictor.release.scorecard
    suggested = None if data["report"] is None else data["report"].suggested
    cells = await visit.services.store.read(matrix)
    return visit.page(
        "comparison.html.j2", path="/comparison", matrix=cells, is_set=path is not None,
        has_card=card is not None, suggested=suggested,
        changed=[] if suggested is None else changed_rules(suggested, card), **data,
    )  # fmt: skip


async def scorecard_toml(visit: Visit) -> Response:
    """The scorecard of the release that answers, as the file that it can be changed in."""
    predictor = current(visit)
    card = None if predictor is None else predictor.release.scorecard
    if card is None:
        raise Problem(404, "not-found", visit.words.gettext("This release has no scorecard."))
    headers = {"Content-Disposition": 'attachment; filename="scorecard.toml"'}
    return Response(card.to_toml().encode(), 200, "text/plain; charset=utf-8", headers)


async def suggested_toml(visit: Visit) -> Response:
    """The suggested scorecard as a file, to be checked, changed and trained with."""
    path = visit.services.settings.comparison_file
    suggested = None
    if path is not None:
        loop = asyncio.get_running_loop()
        with contextlib.suppress(UnreadableComparison):
            suggested = (await loop.run_in_executor(None, read_comparison, path)).suggested
    if suggested is None:
        raise Problem(404, "not-found", visit.words.gettext("No comparison suggests rules."))
    headers = {"Content-Disposition": 'attachment; filename="suggested-scorecard.toml"'}
    return Response(suggested.to_toml().encode(), 200, "text/plain; charset=utf-8", headers)


@dataclass(frozen=True)
class ChangedRule:
    """A rule whose points the suggestion changes; ``before`` is None where the release that
    answers has no rule of this name."""

    name: str
    before: float | None
    now: float


def changed_rules(suggested: Scorecard, current_card: Scorecard | None) -> list[ChangedRule]:
    """The rules of a suggestion with other points, those that move most first."""
    old = {} if current_card is None else {r.name: r.points for r in current_card.card.rules}
    rules = [ChangedRule(r.name, old.get(r.name), r.points) for r in suggested.card.rules]
    moved = [rule for rule in rules if rule.before != rule.now]
    return sorted(moved, key=lambda rule: (-abs(rule.now - (rule.before or 0.0)), rule.name))


def _at(visit: Visit, report: ComparisonReport) -> dict[str, Any]:
    """The report at the threshold, the leads a week and the money that the form asks for."""
    query = visit.query
    percent = whole_number(query.get("percent", ""), 1, 100, 10)
    leads = whole_number(query.get("leads", ""), 1, 10**6, 100)
    value = whole_number(query.get("value", ""), 0, MAX_MONEY, round(report.value or 100))
    cost = whole_number(query.get("cost", ""), 0, MAX_MONEY, round(report.cost or 1))
    return {
        "report": report, "percent": percent, "leads_a_week": leads, "value": value, "cost": cost,
        "weeks": weeks_of(report, percent / 100, leads, value, cost),
        "picture": gains_picture(report, percent / 100, visit.words),
    }  # fmt: skip


def weeks_of(
    report: ComparisonReport, share: float, leads: int, value: float, cost: float
) -> list[Week]:
    """Of ``leads`` that come in a week the best ``share`` is called, by each score.

    Conversions: found share × conversions a lead in the test × leads. Money: conversions × value
    less calls × cost.
    """
    rate = report.conversions / report.leads if report.leads else 0.0
    rows = []
    for score in report.scores:
        calls, found = share * leads, score.found_at(share) * rate * leads
        rows.append(Week(score.title, calls, found, found * value - calls * cost))
    return rows


def gains_picture(report: ComparisonReport, share: float, words: Language) -> Markup:
    """Conversions found against leads called, a line a score; the threshold as a vertical line."""
    x, y = Scale(0.0, 1.0, 60, 560), Scale(0.0, 1.0, 300, 14)
    parts = [svg.left_axis(y, 60, 560, words.format_percent)]
    for tick in (0.0, 0.2, 0.4, 0.6, 0.8, 1.0):
        parts.append(svg.text(x(tick), 316, words.format_percent(tick), "middle", "tick"))
    for i, score in enumerate(in_order_of_lines(report)):
        n = len(score.gains) - 1
        points = [(x(j / n), y(found)) for j, found in enumerate(score.gains)]
        parts.append(svg.trace(points, f"trace line-{i}"))
        top = 30 + 24 * i
        parts.append(svg.trace([(580, top), (606, top)], f"trace line-{i}"))
        parts.append(svg.text(614, top + 4, sentence_in(words, score.title)[:34]))
    parts.append(svg.line(x(share), 14, x(share), 300, "edge"))
    parts.append(
        svg.text(310, 336, words.gettext("share of the leads that are called"), "middle", "tick")
    )
    title = words.gettext("Conversions found by leads called")
    return svg.picture(840, 344, parts, title, kind="chart gains")


def in_order_of_lines(report: ComparisonReport) -> list[ComparedScore]:
    """The scores that are drawn: the learned one first and the rules second, so that they have
    their colours of the other pages."""
    order = {"learned": 0, "rules": 1}
    return sorted(report.scores, key=lambda score: order.get(score.name, 2))[:LINES]
