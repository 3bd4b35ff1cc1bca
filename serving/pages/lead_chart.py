"""The pictures of one lead: its score and every interaction on one axis, and the waterfall."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from markupsafe import Markup

from features.histories.arrays import Histories
from features.language.language import Language
from features.vectors.nouns import noun
from scoring.axes import Scale, ticks
from scoring.bands import Band, BandThresholds, label
from scoring.model.log_odds import probability_of
from serving.pages import drawing as svg
from serving.pages.lead_scores import Course
from serving.pages.render import minus, points_of_percent, signed
from serving.timestamps import moment_of

WIDTH, LEFT, RIGHT = 1000, 172, 984
MAX_ROWS = 14
"""Kinds of interactions with a row of their own; the others share the last row."""

ROW = 18
LONGEST_NAME = 27
BAR_TOP, BAR = 34, 26
"""Middle of the waterfall's first row, and the height of each."""


@dataclass(frozen=True)
class Mark:
    """Interactions of one kind, or answers: moments, in microseconds."""

    name: str
    at_us: list[int]
    kind: str


def marks_of(
    histories: Histories, to_us: int, outbound: Sequence[str], words: Language
) -> list[Mark]:
    """Every interaction and answer before ``to_us``: a row a kind, the most frequent first."""
    rows, answers = histories.interactions, histories.answers
    names = [rows.kinds[code] for code in rows.kind]
    by_kind: dict[str, list[int]] = {}
    for name, at in zip(names, rows.at_us.tolist(), strict=True):
        if at < to_us:
            by_kind.setdefault(name, []).append(at)
    frequent = [name for name, _ in Counter({k: len(v) for k, v in by_kind.items()}).most_common()]
    found = [
        Mark(noun(name, words).many, by_kind[name], "marks ours" if name in outbound else "marks")
        for name in frequent[:MAX_ROWS]
    ]
    rest = [at for name in frequent[MAX_ROWS:] for at in by_kind[name]]
    if rest:
        found.append(Mark(words.gettext("other kinds"), rest, "marks"))
    answered = [at for at in answers.at_us.tolist() if at < to_us]
    if answered:
        found.append(Mark(words.gettext("answers"), answered, "marks answers"))
    return found


def course_picture(
    course: Course, marks: Sequence[Mark], thresholds: BandThresholds, words: Language
) -> Markup:
    """Probability over the bands, rule points below it, every interaction as a dot."""
    _ = words.gettext
    first = min([int(course.at_us[0]), *(min(mark.at_us) for mark in marks)])
    last = int(course.at_us[-1])
    x = Scale(float(first), float(max(last, first + 1)), LEFT, RIGHT)
    parts = _probability(course, thresholds, x, words)
    top = 196
    if course.points is not None:
        parts += _points(course, x, top, words)
        top += 84
    for i, mark in enumerate(marks):
        y = top + ROW * i
        name = mark.name if len(mark.name) <= LONGEST_NAME else mark.name[: LONGEST_NAME - 1] + "…"
        count = words.format_number(len(mark.at_us))
        parts.append(svg.line(LEFT, y, RIGHT, y))
        parts.append(svg.text(LEFT - 8, y + 4, f"{name} ({count})", "end"))
        parts.append(svg.marks([x(at) for at in mark.at_us], y, mark.kind))
    bottom = top + ROW * len(marks)
    parts += _dates(x, bottom, words)
    n = sum(len(mark.at_us) for mark in marks)
    about = _("From {first} to {last} of {n} days; {events} interactions and answers.").format(
        first=words.format_percent(float(course.probability[0]), 1),
        last=words.format_percent(float(course.probability[-1]), 1),
        n=words.format_number(round((last - first) / 86_400e6)), events=words.format_number(n),
    )  # fmt: skip
    title = _("Score over time with every interaction")
    return svg.picture(WIDTH, bottom + 26, parts, title, about)


def _probability(
    course: Course, thresholds: BandThresholds, x: Scale, words: Language
) -> list[str]:
    top = min(1.0, max(float(course.high.max()) * 1.1, min(thresholds.hot, 1.0) * 1.15, 0.02))
    y = Scale(0.0, top, 172, 14)
    edges = [0.0, min(thresholds.warm, top), min(thresholds.hot, top), top]
    parts = []
    for band, low, high in zip(Band, edges, edges[1:], strict=False):
        if high > low:
            parts.append(
                svg.box(LEFT, y(high), RIGHT - LEFT, y(low) - y(high), f"zone-{band.value}")
            )
            name = label(band, words)
            parts.append(svg.text(RIGHT - 6, y(high) + 13, name, "end", "tick"))
    parts.append(
        svg.left_axis(y, LEFT, RIGHT, lambda p: words.format_percent(p, 0 if top > 0.1 else 1))
    )
    parts.append(svg.text(4, 24, words.gettext("probability")))
    upper = [(x(t), y(p)) for t, p in zip(course.at_us, course.high, strict=True)]
    lower = [(x(t), y(p)) for t, p in zip(course.at_us, course.low, strict=True)]
    line = [(x(t), y(p)) for t, p in zip(course.at_us, course.probability, strict=True)]
    return [*parts, svg.ribbon(upper, lower), svg.trace(line)]


def _points(course: Course, x: Scale, top: float, words: Language) -> list[str]:
    assert course.points is not None  # noqa: S101 - the caller looked
    low, high = min(float(course.points.min()), 0.0), max(float(course.points.max()), 10.0)
    y = Scale(low, high, top + 58, top)
    parts = [svg.left_axis(y, LEFT, RIGHT, lambda p: minus(f"{p:g}"), 3)]
    parts.append(svg.text(4, top + 10, words.gettext("points of the rules")))
    line = [(x(t), y(p)) for t, p in zip(course.at_us, course.points, strict=True)]
    return [*parts, svg.trace(line, "trace rules")]


def _dates(x: Scale, bottom: float, words: Language) -> list[str]:
    moments = np.linspace(x.low, x.high, 6)
    anchors = ["start", *["middle"] * 4, "end"]
    return [
        svg.text(x(at), bottom + 14, words.format_short_date(moment_of(int(at))), anchor, "tick")
        for at, anchor in zip(moments.tolist(), anchors, strict=True)
    ]


@dataclass(frozen=True)
class WaterfallStep:
    """A bar of the waterfall: a share of the log-odds, and where it leads."""

    name: str
    share: float


def waterfall_picture(base: float, steps: Sequence[WaterfallStep], words: Language) -> Markup:
    """From the base rate through every reason to the score, on the scale of the log-odds.

    The bars' lengths add up exactly; what each leads to stands beside it in percent.
    """
    _ = words.gettext
    ends = [base]
    for step in steps:
        ends.append(ends[-1] + step.share)
    low, high = min(ends), max(ends)
    pad = max((high - low) * 0.06, 0.05)
    x = Scale(low - pad, high + pad, 344, 610)
    bottom = BAR_TOP + BAR * (len(steps) + 1) + 12
    parts = [svg.line(x(tick), 16, x(tick), bottom) for tick in ticks(x.low, x.high, 5)]
    parts.append(svg.text(680, 12, _("share"), "end", "tick"))
    parts.append(svg.text(752, 12, _("percent"), "end", "tick"))
    parts += _waterfall_end(_("Before anything is known"), base, x, BAR_TOP, words)
    for i, step in enumerate(steps):
        parts += _bar(step, ends[i], ends[i + 1], x, BAR_TOP + BAR * (i + 1), words)
    parts += _waterfall_end(_("This lead"), ends[-1], x, BAR_TOP + BAR * (len(steps) + 1), words)
    title = _("From the base rate to this score")
    about = _("Each bar is one reason’s share of the log-odds; they add up to the score.")
    return svg.picture(760, bottom, parts, title, about, kind="chart fall")


def _bar(
    step: WaterfallStep, before: float, after: float, x: Scale, y: float, words: Language
) -> list[str]:
    left, right = sorted((x(before), x(after)))
    name = step.name if len(step.name) <= 52 else step.name[:51] + "…"
    change = probability_of(after) - probability_of(before)
    return [
        svg.text(334, y + 4, name, "end"),
        svg.box(
            left,
            y - 8,
            max(right - left, 1),
            16,
            f"fill-{'for' if step.share > 0 else 'against'}",
            2,
        ),
        svg.line(x(after), y + 8, x(after), y + BAR - 8, "join"),
        svg.text(680, y + 4, signed(words, step.share), "end"),
        svg.text(752, y + 4, points_of_percent(words, change), "end"),
    ]


def _waterfall_end(name: str, at: float, x: Scale, y: float, words: Language) -> list[str]:
    share = words.format_percent(probability_of(at), 1)
    return [
        svg.text(334, y + 4, name, "end"),
        svg.box(x(at) - 3, y - 9, 6, 18, "fill-whole", 2),
        svg.text(752, y + 4, share, "end"),
    ]
