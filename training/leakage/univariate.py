"""Predictive power of one attribute alone, and of many together.

Fitted on the earlier leads and evaluated on the later ones, within periods of time: a gain is the
share of the log loss of the period's rate that knowing the attribute removes.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from scipy.stats import rankdata

from features.compute.array_types import Bools, Float64, Int64
from scoring.model.log_odds import sigmoid
from training.leakage.binned_columns import AuditFrame, Column

SLOPES = (0.3, 0.6, 1.0, 1.3)


PRIOR_LEADS = 4.0
"""Leads of the base rate that are added to each bin."""


@dataclass(frozen=True)
class UnivariateResult:
    """Predictive power of one attribute alone.

    ``gain``: share of the log loss removed, 0 nothing, 1 everything; ``low``: its lower end
    (95 %, one-sided). ``auc``: chance to rank a converted lead above another one of its time.
    ``log_loss``: in nats.
    """

    gain: float
    low: float
    auc: float
    log_loss: float


NO_RESULT = UnivariateResult(0.0, 0.0, 0.5, float("nan"))


def univariate(frame: AuditFrame, column: Column) -> UnivariateResult:
    """Evaluate one attribute both ways: later leads from earlier ones, and earlier from later."""
    if not _has_both_outcomes(frame):
        return NO_RESULT
    score = np.zeros(len(frame.label))
    for part in (frame.first, ~frame.first):
        score[~part] = log_odds_of_bins(frame, column, part & frame.known)[column.code[~part]]
    return evaluate_score(frame, score)


def log_odds_of_bins(frame: AuditFrame, column: Column, rows: Bools) -> Float64:
    """Log odds ratio of each bin against the rates of its rows' periods, with the prior added."""
    n, rate = len(column.bins), frame.rate()
    code = column.code[rows]
    won = np.bincount(code, frame.label[rows] == 1, minlength=n)
    size = np.bincount(code, minlength=n)
    expected = np.bincount(code, rate[rows], minlength=n)
    base = float(frame.label[rows].mean()) if rows.any() else 0.5
    base = min(max(base, 1e-4), 1 - 1e-4)
    observed = np.log((won + PRIOR_LEADS * base) / (size - won + PRIOR_LEADS * (1 - base)))
    prior = np.log((expected + PRIOR_LEADS * base) / (size - expected + PRIOR_LEADS * (1 - base)))
    return np.asarray(observed - prior)


def multivariate(frame: AuditFrame, columns: tuple[Column, ...]) -> UnivariateResult:
    """The same for a small boosted model of all ``columns``."""
    if not _has_both_outcomes(frame):
        return NO_RESULT
    if not columns:
        return evaluate_score(frame, np.zeros(len(frame.label)))
    table = np.column_stack([_numeric(frame, column) for column in columns])
    score = np.zeros(len(frame.label))
    offset = _logit(frame.rate())
    for part in (frame.first, ~frame.first):
        rows = part & frame.known
        data = lgb.Dataset(table[rows], frame.label[rows], init_score=offset[rows])
        settings = {
            "objective": "binary",
            "learning_rate": 0.1,
            "max_depth": 3,
            "num_leaves": 8,
            "min_data_in_leaf": max(20, int(rows.sum()) // 200),
            "lambda_l2": 5.0,
            "num_threads": 1,
            "seed": 0,
            "deterministic": True,
            "verbose": -1,
        }
        score[~part] = lgb.train(settings, data, 60).predict(table[~part], raw_score=True)
    return evaluate_score(frame, score)


def evaluate_score(frame: AuditFrame, score: Float64) -> UnivariateResult:
    """Gain and AUC of a score (n,) in log odds.

    Its level is refitted in each half block and its slope in each half, so drift costs nothing.
    """
    known = frame.known
    label = frame.label[known].astype(np.float64)
    group = (frame.block * 2 + frame.first)[known]
    score = np.clip(score[known], -12, 12)
    rate = (np.bincount(group, label) / np.maximum(np.bincount(group), 1))[group]
    base, loss = _loss(label, rate), np.zeros(len(label))
    for half in (0, 1):
        rows = group % 2 == half
        losses = [_loss_at(label[rows], group[rows], slope * score[rows]) for slope in SLOPES]
        loss[rows] = min(losses, key=np.sum)
    total = base.sum()
    if total <= 0:
        return NO_RESULT
    gain = 1 - loss.sum() / total
    error = np.sqrt(len(label)) * np.std(base - loss - gain * base) / total
    return UnivariateResult(
        float(gain), float(gain - 1.645 * error), _auc(label, group, score), float(loss.mean())
    )


def _loss_at(label: Float64, group: Int64, score: Float64) -> Float64:
    return _loss(label, sigmoid(score + _levels(label, group, score)))


def _has_both_outcomes(frame: AuditFrame) -> bool:
    """At least ten of each outcome in each part."""
    parts = (frame.first & frame.known, ~frame.first & frame.known)
    return all(min((frame.label[p] == 1).sum(), (frame.label[p] == 0).sum()) >= 10 for p in parts)


def _numeric(frame: AuditFrame, column: Column) -> Float64:
    """Numbers as they are; words as the log odds of their bin in the other part of the leads."""
    if column.number is not None:
        return column.number
    value = np.zeros(len(column.code))
    for part in (frame.first, ~frame.first):
        odds = log_odds_of_bins(frame, column, part & frame.known)
        value[~part] = odds[column.code[~part]]
    return value


def _levels(label: Float64, group: Int64, score: Float64) -> Float64:
    """Intercept of each group that makes the mean probability equal the rate (Newton's method)."""
    n = int(group.max()) + 1
    size = np.bincount(group, minlength=n)
    won = np.bincount(group, label, minlength=n)
    target = np.clip(won, 1e-9, None)
    level = _logit((won + 0.5) / (size + 1))
    for _ in range(8):
        p = sigmoid(score + level[group])
        mean = np.bincount(group, p, minlength=n)
        slope = np.bincount(group, p * (1 - p), minlength=n)
        level = level + np.clip((target - mean) / np.maximum(slope, 1e-9), -1, 1)
    return np.asarray(np.clip(level, -30, 30)[group])


def _auc(label: Float64, group: Int64, score: Float64) -> float:
    """Pairs of one group in the right order, ties half, over all groups."""
    right = pairs = 0.0
    for each in np.unique(group):
        rows = group == each
        won = label[rows] == 1
        n_pairs = float(won.sum()) * float((~won).sum())
        if n_pairs:
            ranks = rankdata(score[rows])
            right += ranks[won].sum() - won.sum() * (won.sum() + 1) / 2
            pairs += n_pairs
    return float(right / pairs) if pairs else 0.5


def _loss(label: Float64, probability: Float64) -> Float64:
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-(label * np.log(p) + (1 - label) * np.log1p(-p)))


def _logit(p: Float64) -> Float64:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))
