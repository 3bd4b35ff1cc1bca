"""The worklist: whom to call this week, hottest first, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup

from scoring.bands import Band
from serving.http.request import Response
from serving.pages.drawing import sparkline
from serving.pages.past_answers import PastAnswer, ShownReason, past_answer, shown_reasons
from serving.pages.site import Visit
from serving.pages.tables import csv_file, xlsx_file
from serving.predictor.predictor import Predictor
from serving.problems import Problem
from serving.store.worklist_query import (
    CHOICES,
    LEFT_ALONE,
    TO_CALL,
    Filters,
    Line,
    choices,
    count_by_band,
    count_left_alone,
    lines,
)
from serving.timestamps import moment_of

PER_PAGE = 50
MAX_CALLS = 100_000
LONGEST_FILTER = 200
LONGEST_EXPORT = 10_000
"""Leads in one exported file; more would hold the service up, and nobody calls as many."""

STALE_S = 5.0


FOR_SHOWN, AGAINST_SHOWN = 3, 2
"""Reasons for a conversion and against it in a line of the list."""


@dataclass(frozen=True)
class WorklistRow:
    """A line of the list, ready to be shown."""

    line: Line
    answer: PastAnswer
    reasons: list[ShownReason]
    spark: Markup

    @property
    def for_it(self) -> list[ShownReason]:
        """Reasons for a conversion."""
        return [reason for reason in self.reasons if reason.share > 0]

    @property
    def against_it(self) -> list[ShownReason]:
        """Reasons against one."""
        return [reason for reason in self.reasons if reason.share < 0]

    @property
    def shown(self) -> list[ShownReason]:
        """The strongest of both sides."""
        return [*self.for_it[:FOR_SHOWN], *self.against_it[:AGAINST_SHOWN]]


async def show(visit: Visit) -> Response:
    """A page of the list, with filters, counts and where this week's calls end."""
    filters, calls = filters_of(visit.query), calls_of(visit)
    page = whole_number(visit.query.get("page", "1"), 1, MAX_CALLS, 1)
    store = visit.services.store
    data: dict[str, Any] = await store.read(
        lambda c: {
            "found": lines(c, filters, PER_PAGE, (page - 1) * PER_PAGE),
            "counts": count_by_band(c, filters),
            "left_alone": count_left_alone(c),
            "choices": choices(c),
        }
    )
    total, predictor = sum(data["counts"].values()), current(visit)
    narrowed = {name: getattr(filters, name) for name in ("show", "band", *CHOICES)}
    kept = {name: value for name, value in narrowed.items() if value and value != TO_CALL}
    kept |= {"q": filters.search} if filters.search else {}
    return visit.page(
        "worklist.html.j2", path="/",
        rows=[row_of(visit, predictor, line) for line in data["found"]],
        filters=filters, choices=data["choices"], counts=data["counts"], total=total,
        left_alone=data["left_alone"], calls=calls, n_page=page,
        n_pages=max(1, -(-total // PER_PAGE)), bands=[band.value for band in reversed(Band)],
        link=lambda **changes: link_to(kept, calls, changes), is_to_call=filters.show == TO_CALL,
        late_s=late_s(visit), horizon_days=predictor.release.horizon_days if predictor else None,
    )  # fmt: skip


async def export_csv(visit: Visit) -> Response:
    """The list as CSV: every lead that the filters let through."""
    return _download(csv_file(*await _table(visit)), "text/csv; charset=utf-8", "worklist.csv")


async def export_xlsx(visit: Visit) -> Response:
    """The list as a workbook."""
    media = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _download(xlsx_file(*await _table(visit)), media, "worklist.xlsx")


def _download(content: bytes, media_type: str, name: str) -> Response:
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, 200, media_type, headers)


async def _table(visit: Visit) -> tuple[list[str], list[list[Any]]]:
    """(headings, rows) of an export; a 422 for more leads than one file takes."""
    filters, predictor = filters_of(visit.query), current(visit)
    found = await visit.services.store.read(
        lambda c: lines(c, filters, LONGEST_EXPORT + 1, 0, with_past=False)
    )
    if len(found) > LONGEST_EXPORT:
        raise Problem(
            422, "too-many-leads",
            f"One file takes at most {LONGEST_EXPORT:,} leads; narrow the list by a filter.",
        )  # fmt: skip
    _ = visit.words.gettext
    headings = [
        _("rank"), _("lead"), _("name"), _("account"), _("source"), _("owner"), _("segment"),
        _("band"), _("probability"), _("scored as of"), _("for"), _("against"), _("next step"),
        _("channel"), _("rhythm"), _("evidence is thin"), _("overruled because"),
    ]  # fmt: skip
    return headings, [_cells(row_of(visit, predictor, line)) for line in found]


def _cells(row: WorklistRow) -> list[Any]:
    line, step = row.line.row, row.answer.next_step
    return [
        row.line.rank, line.lead_id, line.name, line.account, line.source, line.owner,
        line.segment, line.band, line.probability,
        moment_of(line.as_of_us).isoformat(timespec="seconds"),
        "; ".join(reason.text for reason in row.for_it),
        "; ".join(reason.text for reason in row.against_it),
        "" if step is None else step.message, "" if step is None else step.channel,
        "" if step is None else step.rhythm, "; ".join(row.answer.notes),
        "" if row.line.override is None else row.line.override.reason,
    ]  # fmt: skip


def row_of(visit: Visit, predictor: Predictor | None, line: Line) -> WorklistRow:
    """A line with its reasons in words and its sparkline."""
    answer = past_answer(line.answer)
    title = visit.words.gettext("Probability over the last scores")
    return WorklistRow(
        line,
        answer,
        shown_reasons(predictor, answer.reasons, visit.words),
        sparkline(line.past, title),
    )


def current(visit: Visit) -> Predictor | None:
    """The release that answers; None before the first, when there is still a list to show."""
    try:
        return visit.services.live.current()
    except Problem:
        return None


def filters_of(query: Mapping[str, str]) -> Filters:
    """The filters of a query; what is no band or view is no filter."""
    given = {name: query.get(name, "").strip()[:LONGEST_FILTER] for name in CHOICES}
    band = query.get("band", "")
    show = query.get("show", TO_CALL)
    return Filters(
        show=show if show in (TO_CALL, LEFT_ALONE) else TO_CALL,
        band=band if band in set(Band) else "",
        search=query.get("q", "").strip()[:LONGEST_FILTER].replace("\x00", ""),
        **{name: value.replace("\x00", "") for name, value in given.items()},
    )


def calls_of(visit: Visit) -> int:
    """How many calls a week the team can make: as asked, else as the service is set."""
    default = visit.services.settings.calls_per_week
    return whole_number(visit.query.get("calls", ""), 1, MAX_CALLS, default)


def whole_number(text: str, least: int, most: int, default: int) -> int:
    """A number of a query within its range; the default for anything else.

    >>> whole_number("7", 1, 9, 1), whole_number("7e9", 1, 9, 1), whole_number("99", 1, 9, 1)
    (7, 1, 9)
    """
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        return default
    return min(max(int(text), least), most)


def late_s(visit: Visit) -> float:
    """How long scores have waited to get onto the list, in seconds; 0 when none waits long."""
    age_s = visit.services.store.mover.age_s()
    return age_s if age_s > STALE_S else 0.0


def link_to(kept: Mapping[str, str], calls: int, changes: Mapping[str, Any]) -> str:
    """The query of this list with something else changed; "" takes a filter away."""
    query = {**kept, "calls": calls, **changes}
    return "?" + urlencode({name: value for name, value in query.items() if value != ""})
