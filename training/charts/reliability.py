"""The reliability diagram as a picture."""

from __future__ import annotations

from markupsafe import Markup

from features.language.current import _, current, number, say
from training.calibration.reliability import Reliability
from training.charts import svg

SIDE, LEFT, TOP = 300, 62, 24


BAND = "#dfe7ee"


def largest_of(diagram: Reliability) -> float:
    """The largest prediction or rate of a diagram."""
    return float(max([*diagram.at, *diagram.observed]))


def reliability_chart(
    diagram: Reliability,
    *,
    title: str | None = None,
    colour: str | None = None,
    largest: float | None = None,
) -> Markup:
    """Observed against predicted rate, with the band in which a calibrated model would lie.

    Both axes end a little above the largest prediction or rate, or above ``largest``, so that two
    diagrams side by side have the same axes. A block's dot grows with its
    weight. Self-contained SVG.
    """
    ink = colour or svg.COLOURS["learned"]
    top = min(1.0, 1.05 * max(largest_of(diagram) if largest is None else largest, 1e-3))
    x = svg.Scale(0.0, top, LEFT, LEFT + SIDE)
    y = svg.Scale(0.0, top, TOP + SIDE, TOP)
    parts = [
        _band(diagram, x, y),
        svg.bottom_axis(x, TOP + SIDE, TOP, _("predicted probability"), svg.percent),
        svg.left_axis(y, LEFT, LEFT + SIDE, _("observed rate"), svg.percent),
        svg.line(x(0), y(0), x(top), y(top), svg.SOFT, 1.2, "4 3"),
        svg.path([(x(p), y(r)) for p, r in _stairs(diagram)], ink),
    ]
    heaviest = max(diagram.weight)
    for predicted, observed, weight in zip(
        diagram.predicted, diagram.observed, diagram.weight, strict=True
    ):
        parts.append(svg.dot(x(predicted), y(observed), 2 + 4 * (weight / heaviest) ** 0.5, ink))
    parts += _figures(diagram)
    about = say(
        "{outside:.0%} of the leads lie outside the {level:.0%} band of calibrated models; "
        "miscalibration {miscalibration:.4f} nats, p {p_value:.3f}.",
        outside=diagram.outside,
        level=diagram.level,
        miscalibration=diagram.log_loss.miscalibration,
        p_value=diagram.p_value,
    )
    title = title or _("Reliability, out of time")
    return svg.drawing(LEFT + SIDE + 190, TOP + SIDE + 44, parts, title, about)


def _band(diagram: Reliability, x: svg.Scale, y: svg.Scale) -> str:
    upper = [(x(p), y(v)) for p, v in zip(diagram.at, diagram.high, strict=True)]
    lower = [(x(p), y(v)) for p, v in zip(diagram.at, diagram.low, strict=True)]
    points = " ".join(f"{px:g},{py:g}" for px, py in [*upper, *reversed(lower)])
    return f'<polygon points="{points}" fill="{BAND}"/>'


def _stairs(diagram: Reliability) -> list[tuple[float, float]]:
    return list(zip(diagram.predicted, diagram.observed, strict=True))


def _figures(diagram: Reliability) -> list[str]:
    """The split of the log loss beside the picture."""
    split = diagram.log_loss
    rows = [
        (_("log loss"), number(f"{split.score:.4f}")),
        (_("miscalibration"), number(f"{split.miscalibration:.4f}")),
        (_("discrimination"), number(f"{split.discrimination:.4f}")),
        (_("uncertainty"), number(f"{split.uncertainty:.4f}")),
        (_("p, calibrated"), number(f"{diagram.p_value:.3f}")),
        (
            say("outside {level:.0%} band", level=diagram.level),
            current().format_percent(diagram.outside),
        ),
    ]
    left, parts = LEFT + SIDE + 20, []
    for i, (name, figure) in enumerate(rows):
        parts.append(svg.text(left, TOP + 14 + 20 * i, name, colour=svg.SOFT))
        parts.append(svg.text(left + 160, TOP + 14 + 20 * i, figure, anchor="end"))
    return parts
