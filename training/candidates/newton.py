"""Logistic regression on more rows than fit into memory twice: Newton's method in blocks of rows.

The design matrix of a block is made, used and thrown away, so a fit needs the vectors and one
block. Sums are made in the order of the blocks: the same rows give the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from features.compute.array_types import Float64
from scoring.model.log_odds import sigmoid
from training.candidates.base import TrainingSet

MAX_ROWS_AT_ONCE = 200_000
"""Above so many rows a fit goes through blocks, and medians, scales and borders of bins are taken
from so many rows, spread evenly over all."""


ROWS_PER_BLOCK = 16_384
MAX_STEPS = 30
DECREMENT = 1e-9
"""A step that promises less than this share of the loss is the last."""


def spread_rows(sample: TrainingSet) -> TrainingSet:
    """At most ``MAX_ROWS_AT_ONCE`` rows of ``sample``, evenly spaced; all of a smaller one."""
    if len(sample) <= MAX_ROWS_AT_ONCE:
        return sample
    rows = np.linspace(0, len(sample) - 1, MAX_ROWS_AT_ONCE).astype(np.intp)
    return TrainingSet(sample.vectors[rows], sample.label[rows], sample.weight[rows])


def fit_logistic_in_blocks(
    design: Callable[[Float64], Float64], sample: TrainingSet, strength: float
) -> tuple[Float64, float]:
    """(coefficients, intercept) that minimise strength × Σ weight × log loss + |coefficients|² / 2.

    ``design``: makes the (k, D) matrix of (k, F) vectors. The intercept is not penalised.
    """
    line = np.zeros(design(sample.vectors[:1]).shape[1] + 1)
    line[-1] = sample.base_log_odds
    here = _sums(design, sample, strength, line)
    for _ in range(MAX_STEPS):
        step = np.linalg.solve(here.hessian, here.gradient)
        if 0.5 * float(here.gradient @ step) < DECREMENT * abs(here.loss):
            break
        size = 1.0
        while size > 1e-6:
            there = _sums(design, sample, strength, line - size * step)
            if there.loss <= here.loss:
                break
            size /= 2
        else:
            break
        line, here = line - size * step, there
    return line[:-1], float(line[-1])


@dataclass(frozen=True, slots=True)
class _Sums:
    """The penalised loss of a line (D + 1), its gradient and its Hessian."""

    loss: float
    gradient: Float64
    hessian: Float64


def _sums(
    design: Callable[[Float64], Float64], sample: TrainingSet, strength: float, line: Float64
) -> _Sums:
    coef = line[:-1]
    width = len(line)
    loss, gradient, hessian = 0.0, np.zeros(width), np.zeros((width, width))
    for start in range(0, len(sample), ROWS_PER_BLOCK):
        part = slice(start, start + ROWS_PER_BLOCK)
        matrix = design(np.asarray(sample.vectors[part]))
        weight, positive = sample.weight[part], sample.label[part] == 1
        log_odds = matrix @ coef + line[-1]
        p = sigmoid(log_odds)
        curve = weight * p * (1 - p)
        off = weight * (p - positive)
        loss += float(weight @ np.logaddexp(0.0, np.where(positive, -log_odds, log_odds)))
        gradient[:-1] += off @ matrix
        gradient[-1] += off.sum()
        weighted = matrix * curve[:, None]
        hessian[:-1, :-1] += matrix.T @ weighted
        hessian[-1, :-1] += weighted.sum(axis=0)
        hessian[-1, -1] += curve.sum()
    hessian[:-1, -1] = hessian[-1, :-1]
    gradient *= strength
    hessian *= strength
    gradient[:-1] += coef
    hessian[np.arange(width - 1), np.arange(width - 1)] += 1.0
    hessian[-1, -1] += 1e-9
    return _Sums(strength * loss + float(coef @ coef) / 2, gradient, hessian)
