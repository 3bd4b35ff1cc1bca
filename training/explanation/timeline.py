"""A lead's score over time, as data and as a picture."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import numpy as np
from markupsafe import Markup

from features.compute.array_types import DAY_US, Float64, Int64
from features.histories.arrays import Histories, References
from features.language.current import _, current, say
from features.language.language import ENGLISH
from features.vectors.nouns import noun
from features.vectors.sentences import humanize_name
from scoring.bands import BandThresholds
from scoring.bands import label as label_of
from scoring.release.release import Release
from scoring.scores import score
from training.charts import svg
from training.explanation.explain import one_lead

MAX_MOMENTS = 900


MAX_EVENT_KINDS = 14
"""Kinds with a row of their own; the others share the last row, so that every event is shown."""


OTHERS = "all other kinds"


@dataclass(frozen=True)
class Timeline:
    """One lead, moment by moment: every day and just after every interaction and answer.

    ``at_us``, ``probability``, ``low``, ``high`` (m); ``points`` (m) or None without a scorecard.
    ``event_us``, ``event_kind`` (k): interactions and answers.
    """

    lead_id: str
    at_us: Int64
    probability: Float64
    low: Float64
    high: Float64
    points: Float64 | None
    cuts: BandThresholds
    event_us: Int64
    event_kind: tuple[str, ...]


def timeline(histories: Histories, lead_id: str, to_us: int, release: Release) -> Timeline:
    """Score one lead from its creation to ``to_us``.

    Raises:
        DataError: no such lead, or ``to_us`` before its creation.
    """
    lead = one_lead(histories, lead_id)
    rows, answers = lead.interactions, lead.answers
    answered = [f"answer: {answers.attributes[a]}" for a in answers.attribute]
    at = np.concatenate([rows.at_us, answers.at_us])
    names = np.array([*(rows.kinds[k] for k in rows.kind), *answered], dtype=object)
    order = np.argsort(at, kind="stable")
    order = order[at[order] < to_us]
    moments = _moments(int(lead.created_at_us[0]), to_us, at[order])
    references = References(np.zeros(len(moments), np.int64), moments)
    scores = score(release, lead, references)
    return Timeline(
        lead_id,
        moments,
        scores.probability,
        scores.low,
        scores.high,
        scores.rule_points,
        release.thresholds,
        at[order],
        tuple(names[order].tolist()),
    )


def _moments(created_us: int, to_us: int, events: Int64) -> Int64:
    """Every day, each event's moment (not yet seen) and the one after; thinned out if too many."""
    days = np.arange(created_us, to_us, DAY_US, dtype=np.int64)
    at = events[events >= created_us]
    moments = np.unique(np.concatenate([days, at, at + 1, [to_us]]))
    if len(moments) > MAX_MOMENTS:
        kept = np.linspace(0, len(moments) - 1, MAX_MOMENTS).round().astype(np.intp)
        moments = moments[kept]
    return moments.astype(np.int64)


def timeline_picture(series: Timeline, from_us: int | None = None) -> Markup:
    """Probability over bands, rule points below it, and every event as a mark.

    ``from_us``: the moment the explanation starts from, drawn as a line.
    """
    first = min([int(series.at_us[0]), *series.event_us.tolist()])  # also before the creation
    x = svg.Scale(float(first), float(series.at_us[-1]), 160, 880)
    series = replace(series, event_kind=_kinds_with_a_row(series))
    rows = [k for k, _ in _most_frequent_kinds(series)]
    points_top = 250 if series.points is not None else 170
    bottom = points_top + 24 + 17 * len(rows)
    parts = [*_probability(series, x), *_points(series, x)]
    for i, kind in enumerate(rows):
        parts += _events(series, kind, x, points_top + 18 + 17 * i)
    if from_us is not None:
        parts.append(svg.line(x(from_us), 20, x(from_us), bottom, svg.INK, 1, "3 3"))
    parts += _dates(series, x, bottom)
    return svg.drawing(
        900, bottom + 24, parts, say("Score of lead {lead} over time", lead=series.lead_id)
    )


def _probability(series: Timeline, x: svg.Scale) -> list[str]:
    top = min(1.0, max(float(series.probability.max()) * 1.25, series.cuts.hot * 1.2, 0.02))
    y = svg.Scale(0, top, 160, 20)
    edges = [0.0, min(series.cuts.warm, top), min(series.cuts.hot, top), top]
    parts = []
    for band, low, high in zip(svg.BAND_COLOURS, edges, edges[1:], strict=False):
        shade = svg.box(160, y(high), 720, y(low) - y(high), svg.BAND_COLOURS[band])
        parts.append(f'<g fill-opacity="0.16">{shade}</g>')
        if high > low:
            middle = (y(high) + y(low)) / 2 + 4
            parts.append(
                svg.text(
                    874, middle, label_of(band, current()), anchor="end", size=10, colour=svg.SOFT
                )
            )
    for tick in svg.ticks(0, top, 4):
        label = svg.percent(tick)
        parts.append(svg.text(152, y(tick) + 4, label, anchor="end", size=10, colour=svg.SOFT))
    parts.append(svg.text(10, 94, _("probability"), weight=600))
    line = [(x(t), y(p)) for t, p in zip(series.at_us, series.probability, strict=True)]
    parts.append(_interval_ribbon(series, x, y))
    return [*parts, svg.path(line, svg.COLOURS["learned"], 2)]


def _interval_ribbon(series: Timeline, x: svg.Scale, y: svg.Scale) -> str:
    """The interval around the probability, as a pale ribbon."""
    upper = [(x(t), y(p)) for t, p in zip(series.at_us, series.high, strict=True)]
    lower = [(x(t), y(p)) for t, p in zip(series.at_us, series.low, strict=True)]
    corners = " ".join(f"{a:g},{b:g}" for a, b in [*upper, *reversed(lower)])
    return f'<polygon points="{corners}" fill="{svg.COLOURS["learned"]}" fill-opacity="0.15"/>'


def _points(series: Timeline, x: svg.Scale) -> list[str]:
    if series.points is None:
        return []
    low, high = min(float(series.points.min()), 0.0), max(float(series.points.max()), 10.0)
    y = svg.Scale(low, high, 244, 182)
    parts = [svg.line(160, y(0), 880, y(0)), svg.text(10, 218, _("rule points"), weight=600)]
    for tick in svg.ticks(low, high, 3):
        label = svg.plain(tick)
        parts.append(svg.text(152, y(tick) + 4, label, anchor="end", size=10, colour=svg.SOFT))
    line = [(x(t), y(p)) for t, p in zip(series.at_us, series.points, strict=True)]
    return [*parts, svg.path(line, svg.COLOURS["rules"], 2)]


def _most_frequent_kinds(series: Timeline) -> list[tuple[str, int]]:
    """Kinds with their numbers, most first; those that share a row come last."""
    names, counts = np.unique(np.array(series.event_kind, dtype=object), return_counts=True)
    pairs = zip(names.tolist(), counts.tolist(), strict=True)
    return sorted(pairs, key=lambda p: (p[0] == OTHERS, -p[1], p[0]))


def _kinds_with_a_row(series: Timeline) -> tuple[str, ...]:
    """The kind of each event, or ``OTHERS`` for the rare ones where there are too many kinds."""
    ranked = [kind for kind, _ in _most_frequent_kinds(series)]
    if len(ranked) <= MAX_EVENT_KINDS:
        return series.event_kind
    own = set(ranked[: MAX_EVENT_KINDS - 1])
    return tuple(kind if kind in own else OTHERS for kind in series.event_kind)


def _events(series: Timeline, kind: str, x: svg.Scale, y: float) -> list[str]:
    answers = kind.startswith("answer: ")
    colour = svg.COLOURS["reweighted"] if answers else svg.INK
    marks = [
        f'<circle cx="{x(at):g}" cy="{y:g}" r="3.2" fill="{colour}" fill-opacity="0.65"/>'
        for at, name in zip(series.event_us, series.event_kind, strict=True)
        if name == kind
    ]
    if answers:
        name = humanize_name(kind.removeprefix("answer: "), current())
        label = say("answer: {attribute}", attribute=name)
    else:
        label = noun(kind, current()).one
    name = label if len(label) <= 24 else label[:23] + "…"
    return [svg.line(160, y, 880, y), svg.text(152, y + 4, name, anchor="end", size=10), *marks]


def _dates(series: Timeline, x: svg.Scale, bottom: float) -> list[str]:
    moments = np.linspace(min([series.at_us[0], *series.event_us]), series.at_us[-1], 6)
    return [
        svg.text(
            x(at), bottom + 14, _day(datetime.fromtimestamp(at / 1e6, UTC)),
            anchor="middle" if 0 < i < 5 else ("start" if i == 0 else "end"), size=10,
            colour=svg.SOFT,
        )
        for i, at in enumerate(moments)
    ]  # fmt: skip


def _day(at: datetime) -> str:
    active = current()
    return f"{at:%d %b %Y}" if active is ENGLISH else active.format_short_date(at)
