"""The funnel: where leads stand, how they move, where they leak, and what they cost."""

from __future__ import annotations

from datetime import UTC, datetime

from markupsafe import Markup

from features.language.language import Language
from scoring.axes import Scale
from scoring.bands import label
from serving.http.request import Response
from serving.pages import drawing as svg
from serving.pages.render import month as month_in
from serving.pages.site import Visit
from serving.store.funnel import BANDS, Funnel, funnel
from serving.timestamps import microseconds

MIN_LEADS_OF_A_RATE = 30
"""Rates over fewer leads are shown in grey: chance moves them a lot."""


async def show(visit: Visit) -> Response:
    """The page, of all leads or of those created in a span of days."""
    from_us, to_us = (day_us(visit.query.get(name, "")) for name in ("from", "to"))
    found = await visit.services.store.read(lambda c: funnel(c, from_us, to_us))
    return visit.page(
        "funnel.html.j2", path="/funnel", f=found, bands=BANDS, few=MIN_LEADS_OF_A_RATE,
        picture=funnel_picture(found, visit.words), months=months_picture(found, visit.words),
        has_cost=found.total.priced > 0, leak=leak_of(found),
        from_day=visit.query.get("from", "") if from_us is not None else "",
        to_day=visit.query.get("to", "") if to_us is not None else "",
    )  # fmt: skip


def day_us(text: str) -> int | None:
    """The beginning of a day in UTC; None for what is no day.

    >>> day_us("1970-01-02"), day_us("soon")
    (86400000000, None)
    """
    try:
        return microseconds(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC))
    except ValueError:
        return None


def leak_of(found: Funnel) -> str:
    """The band from which most leads were lost, as a share of those that closed or left it."""
    shares = {}
    for band in BANDS:
        left = sum(n for (before, _), n in found.moves.items() if before == band)
        if left:
            shares[band] = found.moves.get((band, "lost"), 0) / left
    return max(shares, key=lambda band: shares[band]) if any(shares.values()) else ""


def funnel_picture(found: Funnel, words: Language) -> Markup:
    """How many leads ever were scored, warm, hot, and converted: bars from a common left."""
    _ = words.gettext
    ever = dict.fromkeys(BANDS, 0)
    for (_before, band), n in found.moves.items():
        if band in ever:
            ever[band] += n
    rows = [
        (_("scored"), found.total.leads, "fill-rest"),
        *((label(band, words), ever[band], f"fill-{band}") for band in BANDS),
        (_("converted"), found.total.converted, "fill-for"),
        (words.pgettext("several leads", "lost"), found.total.lost, "fill-against"),
    ]
    x = Scale(0.0, float(max([n for _name, n, _kind in rows] + [1])), 120, 640)
    parts = []
    for i, (name, n, kind) in enumerate(rows):
        y = 10 + 30 * i
        parts.append(svg.text(110, y + 14, name, "end"))
        parts.append(svg.box(120, y, x(n) - 120, 20, kind, 3))
        parts.append(svg.text(x(n) + 8, y + 14, words.format_number(n)))
    about = _("Times that leads reached each band, and how they ended.")
    return svg.picture(720, 10 + 30 * len(rows), parts, _("The funnel"), about, kind="chart bars")


def months_picture(found: Funnel, words: Language) -> Markup:
    """Leads by month of their creation, stacked by band."""
    months = found.by_month[-24:]
    if not months:
        return Markup("")
    top = max(tally.leads for _month, tally in months)
    y = Scale(0.0, float(top), 170, 12)
    width = 640 / len(months)
    parts = [svg.left_axis(y, 60, 700, lambda n: words.format_number(n))]
    for i, (month, tally) in enumerate(months):
        left, at = 60 + width * i + width * 0.12, 170.0
        for band in BANDS:
            height = 170 - y(tally.by_band[band])
            parts.append(svg.box(left, at - height, width * 0.76, height, f"fill-{band}"))
            at -= height
        if i % max(1, len(months) // 8) == 0:
            parts.append(
                svg.text(left + width * 0.38, 186, month_in(words, month), "middle", "tick")
            )
    for i, band in enumerate(BANDS):
        parts.append(svg.box(60 + 90 * i, 198, 12, 12, f"fill-{band}", 2))
        parts.append(svg.text(78 + 90 * i, 208, label(band, words)))
    title = words.gettext("Leads by month of creation and band")
    return svg.picture(720, 216, parts, title, kind="chart bars")
