"""What the honest test says, for the model card: bands, reliability and gains as small tables."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from scoring.bands import Band, Cuts
from training.honest_test import Tested
from training.intervals import rate_of
from training.tracking.plots import gains_curve, reliability_points

GAINS_AT = (0.1, 0.2, 0.3, 0.5)


def tested_lines(cuts: Cuts, tested: Tested) -> Iterator[str]:
    """Markdown lines; rates are weighted by lead, intervals are Wilson's at 95 %."""
    yield from _bands(cuts, tested)
    yield from _reliability(tested)
    yield from _gains(tested)


def _bands(cuts: Cuts, tested: Tested) -> Iterator[str]:
    yield "## What became of each band in the test"
    yield ""
    yield "| band | share | predicted | converted | 95 % interval |"
    yield "|---|---|---|---|---|"
    band = cuts.bands_of(tested.probability)
    for name in Band:
        rows = band == name.value
        if not rows.any():
            yield f"| {name.value} | 0.0% | | | |"
            continue
        weight = tested.weight[rows]
        rate = rate_of(tested.label[rows], weight, tested.lead[rows])
        yield (
            f"| {name.value} | {weight.sum() / tested.weight.sum():.1%} "
            f"| {np.average(tested.probability[rows], weights=weight):.1%} "
            f"| {rate.value:.1%} | {rate.low:.1%} to {rate.high:.1%} |"
        )
    yield ""


def _reliability(tested: Tested) -> Iterator[str]:
    yield "## Reliability in the test"
    yield ""
    yield "| predicted | converted |"
    yield "|---|---|"
    predicted, observed, _ = reliability_points(tested.label, tested.probability, tested.weight)
    for p, rate in zip(predicted, observed, strict=True):
        yield f"| {p:.1%} | {rate:.1%} |"
    yield ""


def _gains(tested: Tested) -> Iterator[str]:
    called, found = gains_curve(tested.label, tested.probability, tested.weight)
    yield "## Gains in the test"
    yield ""
    yield "| leads called, best first | conversions found |"
    yield "|---|---|"
    for share in GAINS_AT:
        yield f"| {share:.0%} | {np.interp(share, called, found):.1%} |"
    yield ""
