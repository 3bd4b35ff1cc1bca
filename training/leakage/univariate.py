"""How much one attribute knows alone, and how much all others know together.

Learned from the earlier leads, judged on the later ones, within stretches of time: a gain is the
share of the log loss of "the rate of that time" that knowing the attribute takes away.
"""

from __future__ import annotations

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
from scipy.stats import rankdata

from training.leakage.binned_columns import AuditFrame, Bools, Column, F, Int

SLOPES = (0.3, 0.6, 1.0, 1.3)


PRIOR = 4.0
"""Leads of the usual rate that each bin is mixed with."""


@dataclass(frozen=True)
class UnivariateResult:
    """What one attribute reaches by itself.

    ``gain``: share of the log loss taken away, 0 nothing, 1 everything; ``low``: its lower end
    (95 %, one-sided). ``auc``: chance to rank a converted lead above another one of its time.
    ``log_loss``: in nats.
    """

    gain: float
    low: float
    auc: float
    log_loss: float


NOTHING = UnivariateResult(0.0, 0.0, 0.5, float("nan"))


def univariate(ground: AuditFrame, column: Column) -> UnivariateResult:
    """Judge one attribute, both ways round: later leads from earlier and earlier from later."""
    if not _judgeable(ground):
        return NOTHING
    score = np.zeros(len(ground.label))
    for part in (ground.first, ~ground.first):
        score[~part] = log_odds_of_bins(ground, column, part & ground.known)[column.code[~part]]
    return judged(ground, score)


def log_odds_of_bins(ground: AuditFrame, column: Column, rows: Bools) -> F:
    """Log odds ratio of each bin against what its rows' times would give, mixed with the prior."""
    n, rate = len(column.bins), ground.rate()
    code = column.code[rows]
    won = np.bincount(code, ground.label[rows] == 1, minlength=n)
    size = np.bincount(code, minlength=n)
    expected = np.bincount(code, rate[rows], minlength=n)
    base = float(ground.label[rows].mean()) if rows.any() else 0.5
    base = min(max(base, 1e-4), 1 - 1e-4)
    seen = np.log((won + PRIOR * base) / (size - won + PRIOR * (1 - base)))
    usual = np.log((expected + PRIOR * base) / (size - expected + PRIOR * (1 - base)))
    return np.asarray(seen - usual)


def multivariate(ground: AuditFrame, columns: tuple[Column, ...]) -> UnivariateResult:
    """The same judgement of a small boosted model of all ``columns``."""
    if not _judgeable(ground):
        return NOTHING
    if not columns:
        return judged(ground, np.zeros(len(ground.label)))
    table = np.column_stack([_numeric(ground, column) for column in columns])
    score = np.zeros(len(ground.label))
    offset = _logit(ground.rate())
    for part in (ground.first, ~ground.first):
        rows = part & ground.known
        data = lgb.Dataset(table[rows], ground.label[rows], init_score=offset[rows])
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
    return judged(ground, score)


def judged(ground: AuditFrame, score: F) -> UnivariateResult:
    """Gain and AUC of a score (n,) in log odds.

    Its level is set anew in each half block, its slope in each half: what drifts is not held
    against it.
    """
    known = ground.known
    label = ground.label[known].astype(np.float64)
    group = (ground.block * 2 + ground.first)[known]
    score = np.clip(score[known], -12, 12)
    rate = (np.bincount(group, label) / np.maximum(np.bincount(group), 1))[group]
    base, loss = _loss(label, rate), np.zeros(len(label))
    for half in (0, 1):
        rows = group % 2 == half
        tried = [_loss_at(label[rows], group[rows], slope * score[rows]) for slope in SLOPES]
        loss[rows] = min(tried, key=np.sum)
    total = base.sum()
    if total <= 0:
        return NOTHING
    gain = 1 - loss.sum() / total
    error = np.sqrt(len(label)) * np.std(base - loss - gain * base) / total
    return UnivariateResult(
        float(gain), float(gain - 1.645 * error), _auc(label, group, score), float(loss.mean())
    )


def _loss_at(label: F, group: Int, score: F) -> F:
    return _loss(label, 1 / (1 + np.exp(-(score + _levels(label, group, score)))))


def _judgeable(ground: AuditFrame) -> bool:
    """At least ten of each outcome in each part."""
    parts = (ground.first & ground.known, ~ground.first & ground.known)
    return all(min((ground.label[p] == 1).sum(), (ground.label[p] == 0).sum()) >= 10 for p in parts)


def _numeric(ground: AuditFrame, column: Column) -> F:
    """Numbers as they are; words as the log odds of their bin in the other part of the leads."""
    if column.number is not None:
        return column.number
    value = np.zeros(len(column.code))
    for part in (ground.first, ~ground.first):
        odds = log_odds_of_bins(ground, column, part & ground.known)
        value[~part] = odds[column.code[~part]]
    return value


def _levels(label: F, group: Int, score: F) -> F:
    """Intercept of each group that makes the mean probability equal the rate (Newton's method)."""
    n = int(group.max()) + 1
    size = np.bincount(group, minlength=n)
    won = np.bincount(group, label, minlength=n)
    target = np.clip(won, 1e-9, None)
    level = _logit((won + 0.5) / (size + 1))
    for _ in range(8):
        p = 1 / (1 + np.exp(-(score + level[group])))
        mean = np.bincount(group, p, minlength=n)
        slope = np.bincount(group, p * (1 - p), minlength=n)
        level = level + np.clip((target - mean) / np.maximum(slope, 1e-9), -1, 1)
    return np.asarray(np.clip(level, -30, 30)[group])


def _auc(label: F, group: Int, score: F) -> float:
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


def _loss(label: F, probability: F) -> F:
    p = np.clip(probability, 1e-12, 1 - 1e-12)
    return np.asarray(-(label * np.log(p) + (1 - label) * np.log1p(-p)))


def _logit(p: F) -> F:
    clipped = np.clip(p, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(clipped / (1 - clipped)))
