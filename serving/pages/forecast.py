"""The forecast: what the open leads will bring, by band, source and owner, and how it held."""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from features.language.language import Language
from scoring.axes import Scale, ticks
from scoring.forecast import ALL, ForecastRow
from serving.http.request import Response
from serving.pages import drawing as svg
from serving.pages.site import Visit
from serving.predictor.stored_forecast import StoredForecast, caveat_sentences, query_of
from serving.problem_texts import in_language
from serving.problems import Problem

SPLITS = ("band", "source", "owner")
FEW_LEADS = 30
FEW_EXPECTED = 3.0
"""Rows over fewer leads, or with fewer conversions to expect, are grey: chance decides them."""


@dataclass(frozen=True)
class SplitRow:
    """One group: its leads, and its row for each horizon."""

    group: str
    leads: int
    rows: list[ForecastRow]

    @property
    def is_small(self) -> bool:
        """Whether chance moves it too much to plan by."""
        return self.leads < FEW_LEADS or self.rows[-1].expected < FEW_EXPECTED


async def show(visit: Visit) -> Response:
    """The page; it says so where the release cannot forecast."""
    given = {name: visit.query.get(name, "") for name in ("value", "horizons")}
    fault, found, status = "", None, 200
    try:
        query = query_of({**given, "by": ",".join(SPLITS)}, SPLITS)
        found = await visit.services.forecasts.get(visit.services, query, visit.now_us)
    except Problem as problem:
        if problem.status not in (409, 422):
            raise
        wrong = "; ".join(
            f"{one.at.strip('?')}: {in_language(one.message, visit.language)}"
            for one in problem.errors
        )
        fault = wrong or in_language(problem.detail, visit.language)
        status = problem.status
    return visit.page(
        "forecast.html.j2", 422 if status == 422 else 200, path="/forecast", f=found,
        fault=fault,
        given=given, splits=[] if found is None else splits_of(found),
        whole=[] if found is None else [row for row in found.rows if row.by == ALL],
        notes=[] if found is None else caveat_sentences(found, visit.words),
        picture="" if found is None else horizons_picture(found, visit.words),
    )  # fmt: skip


def splits_of(found: StoredForecast) -> list[tuple[str, list[SplitRow]]]:
    """(split, its groups in the order of the forecast), without splits of nothing known."""
    splits = []
    for name in SPLITS:
        groups: dict[str, list[ForecastRow]] = {}
        for row in found.rows:
            if row.by == name:
                groups.setdefault(row.group, []).append(row)
        rows = [SplitRow(group, rows[0].leads, rows) for group, rows in groups.items()]
        if name != "band":
            rows.sort(key=lambda one: (-one.rows[-1].expected, one.group))
        if any(row.group for row in rows):
            splits.append((name, rows))
    return splits


def horizons_picture(found: StoredForecast, words: Language) -> Markup:
    """A bar of the interval for each horizon, with what is expected as a stroke across it."""
    rows = [row for row in found.rows if row.by == ALL]
    x = Scale(0.0, max([row.high for row in rows] + [1.0]), 90, 640)
    bottom = 14 + 44 * len(rows)
    parts = [
        svg.line(x(tick), 8, x(tick), bottom) + svg.text(
            x(tick), bottom + 14, words.format_number(tick, 0), "middle", "tick"
        )
        for tick in ticks(x.low, x.high, 6)
    ]  # fmt: skip
    for i, row in enumerate(rows):
        y = 16 + 44 * i
        days = words.gettext("{days} days").format(days=words.format_number(row.horizon_days))
        parts.append(svg.text(80, y + 17, days, "end"))
        parts.append(svg.box(x(row.low), y + 2, x(row.high) - x(row.low), 22, "span", 4))
        parts.append(svg.box(x(row.expected) - 2, y - 2, 4, 30, "fill-whole", 1))
        parts.append(svg.text(x(row.high) + 8, y + 17, words.format_number(row.expected, 1)))
    title = words.gettext("Conversions to expect, with intervals")
    return svg.picture(720, bottom + 20, parts, title, kind="chart bars")
