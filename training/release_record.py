"""What a release says of its own making: data, statistics, metrics and golden vectors."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.dataset import Dataset
from features.histories.arrays import NO_TIME
from scoring.model.model import Model
from scoring.model.scorecard import ScorecardComponent
from training.candidates.scorecard import SCORECARD
from training.evaluation.backtest import BacktestResult
from training.evaluation.metrics import Estimate, evaluate
from training.feature_selection.choose import MAX_KINDS, frequent_kinds
from training.labels.references import DAY_US, IMMATURE, LabelledReferences
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import probability
from training.model_selection.fit import FittedModel

QUANTILES = tuple(q / 10 for q in range(11))


RECENT_DAYS = 91


OPTIMISTIC_NOTE = (
    "there is no time to hold back (or too little of it), so these figures come from grouped "
    "folds and flatter"
)


def metrics_of(
    learned: FittedModel, tested: BacktestResult, seed: int, flattered: dict[str, float] | None
) -> dict[str, Any]:
    """How good it is, in plain finite data.

    ``log_loss`` … ``top_decile_lift``: the honest test, each {value, low, high}. ``base_rate``:
    the same of the base rate. ``gain``: log loss minus that of the base rate. ``choice``: what
    was tried when choosing the final recipe. ``random_split``: what the usual test would have
    shown (``training.evaluation.backtest``), None without time or signal.
    """
    rng = np.random.default_rng(seed)
    recipe = learned.recipe
    figures = {name: _plain(figure) for name, figure in tested.metrics(rng).items()}
    floor = evaluate(tested.label, tested.base_rate, tested.weight, tested.lead, rng)
    return {
        **figures,
        "base_rate": {name: _plain(figure) for name, figure in floor.items()},
        "gain": _plain(tested.gain(rng)),
        "random_split": flattered,
        "signal": recipe.signal,
        "verdict": verdict(learned, tested),
        "test": {
            "references": len(tested.rows),
            "leads": len(np.unique(tested.lead)),
            "positives": int(tested.label.sum()),
            "rate": float(np.average(tested.label, weights=tested.weight)),
            "from": moment(tested.cutoff_us),
            "recipe": tested.recipe,
            "flatters": tested.is_optimistic,
        },
        "choice": {
            "recipe": recipe.name,
            "steps": dict(recipe.steps),
            "log_loss": recipe.log_loss,
            "base_rate_log_loss": recipe.base_rate_log_loss,
            "gain_in_errors": float(np.clip(recipe.gain_z_score, -1e6, 1e6)),
            "by_time": learned.by_time,
            "slope": recipe.slope,
            "level": recipe.level,
            "recent": recipe.recent,
            "rule": rule_share(learned.model, learned.sample.vectors),
            "candidates": [
                {"name": t.family.name, "step": t.step, "log_loss": float(t.path_loss.min())}
                for t in learned.trials
            ],
        },
    }


def verdict(learned: FittedModel, tested: BacktestResult) -> str:
    """One sentence for a person: signal or not, and whether the figures flatter."""
    recipe = learned.recipe
    if not recipe.signal:
        text = (
            "no signal: no model was clearly better than the base rate out of time, so everybody "
            f"gets the base rate of {learned.sample.base_rate:.3f}"
        )
    else:
        errors = f"{recipe.gain_z_score:.1f} standard errors"
        text = f"{recipe.name}: better than the base rate by {errors}"
        if SCORECARD in recipe.steps:
            text += f"; {in_words(rule_share(learned.model, learned.sample.vectors))}"
    return f"{text}; {OPTIMISTIC_NOTE}" if tested.is_optimistic else text


def statistics_of(learned: FittedModel) -> dict[str, Any]:
    """Per feature, and of the scores: share unknown, mean and deciles of the training rows.

    ``upto``: share of the known values at or below each decile: more than its tenth where many
    values are equal.
    """
    vectors = learned.sample.vectors
    return {
        "references": len(vectors),
        "base_rate": learned.sample.base_rate,
        "quantiles": list(QUANTILES),
        "features": {
            name: _column(vectors[:, i]) for i, name in enumerate(learned.spec.names)
        },
        "scores": _column(probability(learned.log_odds)),
    }  # fmt: skip


def _column(column: Float64) -> dict[str, Any]:
    known = np.sort(column[~np.isnan(column)])
    deciles = np.quantile(known, QUANTILES) if len(known) else np.zeros(0)
    upto = np.searchsorted(known, deciles, side="right") / max(len(known), 1)
    return {
        "unknown": 1.0 - len(known) / max(len(column), 1),
        "mean": float(known.mean()) if len(known) else None,
        "deciles": deciles.tolist(),
        "upto": upto.tolist(),
    }


def record_of(dataset: Dataset, source: TrainingData) -> dict[str, Any]:
    """Where the data came from: fingerprint, window, counts, kinds. No lead is named.

    ``kinds``: those frequent enough to be learned from, also where no column of their own is left.
    """
    labelled = source.labelled
    label = labelled.label
    created = source.histories.created_at_us
    dated = created[created != NO_TIME]
    return {
        "fingerprint": dataset.fingerprint,
        "first_created_at": moment(int(dated.min())) if len(dated) else None,
        "last_created_at": moment(int(dated.max())) if len(dated) else None,
        "observed_until": moment(labelled.observed_until_us) if labelled.has_time else None,
        "reference_ages_days": (
            sorted(dataset.settings.reference_ages_days) if labelled.has_time else []
        ),
        "leads": len(source.histories),
        "interactions": len(source.histories.interactions.at_us),
        "answers": len(source.histories.answers.at_us),
        "references": len(labelled),
        "positives": int((label == 1).sum()),
        "negatives": int((label == 0).sum()),
        "immature": int((label == IMMATURE).sum()),
        "kinds": sorted(_kinds(source)) if labelled.has_time else [],
    }


def _kinds(source: TrainingData) -> list[str]:
    references, excluded = source.labelled.references, source.settings.excluded_kinds
    return frequent_kinds(source.histories, references, MAX_KINDS, excluded)


def golden_vectors(vectors: Float64) -> Float64:
    """Nine rows of column-wise quantiles of the training rows: typical, but of no lead.

    A column without a known value stays unknown.
    """
    rows = np.full((9, vectors.shape[1]), np.nan)
    known = ~np.isnan(vectors).all(axis=0)
    if len(vectors) and known.any():
        inner = np.linspace(0.1, 0.9, 9)
        rows[:, known] = np.nanquantile(vectors[:, known], inner, axis=0, method="nearest")
    return rows


def leads_per_week(labelled: LabelledReferences, source: TrainingData) -> float | None:
    """Leads created a week over the newest quarter of a year; None without time."""
    if not labelled.has_time:
        return None
    created = source.histories.created_at_us
    days = min(RECENT_DAYS, (labelled.observed_until_us - int(created.min())) / DAY_US)
    recent = (created > labelled.observed_until_us - days * DAY_US).sum()
    return float(recent) / max(days / 7, 1 / 7)


def moment(us: int | None) -> str | None:
    """Microseconds since 1970 as ISO 8601 in UTC.

    >>> moment(86_400_000_000)
    '1970-01-02T00:00:00Z'
    """
    if us is None:
        return None
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return at.isoformat().replace("+00:00", "Z")


def _plain(interval: Estimate) -> dict[str, float | None]:
    return {k: float(v) if np.isfinite(v) else None for k, v in interval.to_dict().items()}


MOST_ROWS = 5_000


def rule_share(model: Model, vectors: Float64) -> dict[str, float]:
    """``weight`` of the rules in the average, and the ``share`` of the scores that they make.

    The share is the covariance of the rules' log-odds with the whole score over the variance of
    the score, on ``vectors`` (n, F; at most 5,000 rows spread evenly): rules and learned parts sum
    to 1. Both 0 without a scorecard among the parts.
    """
    parts = list(zip(model.parts, model.weights, strict=True))
    rules = [(part, weight) for part, weight in parts if isinstance(part, ScorecardComponent)]
    if not rules:
        return {"weight": 0.0, "share": 0.0}
    rows = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_ROWS)).astype(np.intp)]
    moved = np.zeros(rows.shape)
    for part, weight in rules:
        part.accumulate_contributions(rows, model.slope * weight, moved)
    by_rule, whole = moved.sum(axis=1), model.log_odds(rows)
    spread = float(np.var(whole))
    share = float(np.cov(by_rule, whole, ddof=0)[0, 1]) / spread if spread > 0 else 0.0
    return {"weight": float(sum(weight for _, weight in rules)), "share": min(max(share, 0.0), 1.0)}


def in_words(shares: dict[str, Any]) -> str:
    """One sentence for a person.

    >>> in_words({"weight": 0.2, "share": 0.124})
    '12 % of the score is rule, 88 % is learned'
    >>> in_words({"weight": 0.0, "share": 0.0})
    'all of the score is learned'
    """
    if not shares["weight"]:
        return "all of the score is learned"
    rule = round(100 * float(shares["share"]))
    return f"{rule} % of the score is rule, {100 - rule} % is learned"
