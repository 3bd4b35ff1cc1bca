"""Calibration as the model card tells it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


def calibration_lines(calibration: Mapping[str, Any]) -> Iterable[str]:
    """Markdown of what :func:`training.calibration.report.calibration_of` recorded."""
    if not calibration:
        return
    found = calibration["reliability"]
    yield "## Do the probabilities mean what they say"
    yield ""
    split = found["log_loss"]
    yield "| log loss | miscalibration | discrimination | uncertainty |"
    yield "|---|---|---|---|"
    parts = ("score", "miscalibration", "discrimination", "uncertainty")
    yield "| " + " | ".join(f"{split[part]:.4f}" for part in parts) + " |"
    yield ""
    yield (
        f"- chance of so much miscalibration if every probability were true: {found['p_value']:.3f}"
    )
    yield f"- outside the {found['level']:.0%} consistency band: {found['outside']:.0%} of leads"
    warnings = calibration["warnings"]
    for warning in warnings:
        yield f"- **warning:** {warning}"
    tested = sum(segment["p_value"] is not None for segment in calibration["segments"])
    if not warnings:
        yield f"- by segment: no failure that {tested} questions would not raise by chance"
    yield ""
    yield from _segments(calibration["segments"])


def _segments(segments: Iterable[Mapping[str, Any]]) -> Iterable[str]:
    rows = list(segments)
    if not rows:
        return
    yield "| segment | leads | expected | observed | 95 % of calibrated models |"
    yield "|---|---|---|---|---|"
    for row in rows:
        cells = (
            f"{row['by']} = {row['name']}",
            f"{row['leads']:,}",
            f"{row['expected']:.1%}",
            f"{row['observed']:.1%}",
            f"{row['low']:.1%} to {row['high']:.1%}",
        )
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"
    yield ""
