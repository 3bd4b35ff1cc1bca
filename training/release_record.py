"""The record of a training in its release: data, statistics, metrics and golden vectors."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.dataset import Dataset
from features.histories.arrays import NO_TIME
from scoring.model.log_odds import sigmoid
from scoring.model.model import Model
from scoring.model.scorecard import ScorecardComponent
from training.backtest import BacktestResult
from training.candidates.scorecard import SCORECARD
from training.evaluation.ages import ages_in_days, auc_by_age, column_by_age
from training.evaluation.metrics import Estimate, evaluate
from training.feature_selection.choose import MAX_KINDS, frequent_kinds
from training.labels.censoring import CensoringTreatment
from training.labels.references import IMMATURE
from training.labels.training_data import TrainingData
from training.model_selection.fit import FittedModel, SampledChoice

QUANTILES = tuple(q / 10 for q in range(11))


OPTIMISTIC_NOTE = (
    "there is no time to hold back (or too little of it), so these figures come from grouped "
    "folds and are optimistic"
)


def metrics_of(
    fitted: FittedModel,
    backtest: BacktestResult,
    seed: int,
    random_split: dict[str, float] | None,
    age_days: Float64,
) -> dict[str, Any]:
    """The metrics, as plain finite data.

    ``log_loss`` … ``top_decile_lift``: the backtest, each {value, low, high}. ``base_rate``:
    the same of the base rate. ``gain``: log loss minus that of the base rate. ``choice``: what
    was tried when choosing the final ensemble. ``random_split``: what a random split would have
    shown (:func:`training.backtest.random_split_optimism`), None without time or signal.
    ``age_days`` (n): of the backtest's references; ``auc_by_age`` where there are several.
    """
    rng = np.random.default_rng(seed)
    ensemble = fitted.ensemble
    figures = {name: _plain(figure) for name, figure in backtest.metrics(rng).items()}
    baseline = evaluate(backtest.label, backtest.base_rate, backtest.weight, backtest.unit, rng)
    return {
        **figures,
        "base_rate": {name: _plain(figure) for name, figure in baseline.items()},
        "gain": _plain(backtest.gain(rng)),
        "random_split": random_split,
        **_areas(backtest, age_days),
        "signal": ensemble.signal,
        "verdict": verdict(fitted, backtest),
        "test": {
            "references": len(backtest.rows),
            "leads": len(np.unique(backtest.lead)),
            **({} if backtest.account is None else {"units": len(np.unique(backtest.unit))}),
            "positives": int(backtest.label.sum()),
            "rate": float(np.average(backtest.label, weights=backtest.weight)),
            "from": moment(backtest.cutoff_us),
            "recipe": backtest.ensemble,
            "optimistic": backtest.is_optimistic,
        },
        "choice": {
            "recipe": ensemble.name,
            "steps": dict(ensemble.steps),
            "log_loss": ensemble.log_loss,
            "base_rate_log_loss": ensemble.base_rate_log_loss,
            "gain_in_errors": float(np.clip(ensemble.gain_z_score, -1e6, 1e6)),
            "by_time": fitted.by_time,
            "slope": ensemble.slope,
            "level": ensemble.level,
            "recent": ensemble.recency_weighted,
            "immature": immature_of(fitted),
            **({} if fitted.sample is None else {"sample": sample_of(fitted.sample)}),
            "rule": rule_share(fitted.model, fitted.training_set.vectors),
            "candidates": [
                {"name": t.candidate.name, "step": t.step, "log_loss": float(t.path_loss.min())}
                for t in fitted.candidate_results
            ],
            **({"compared": _compared(fitted)} if fitted.compared else {}),
        },
    }


def _areas(backtest: BacktestResult, age_days: Float64) -> dict[str, Any]:
    if len(np.unique(age_days)) < 2:
        return {}
    b = backtest
    return {"auc_by_age": auc_by_age(b.label, b.probability, b.weight, b.unit, age_days)}


def _compared(fitted: FittedModel) -> list[dict[str, Any]]:
    """Candidates that were compared and cannot be released, with the reason."""
    return [
        {"name": t.candidate.name, "log_loss": float(t.path_loss.min()), "reason": reason}
        for t, reason in fitted.compared
    ]


def sample_of(sample: SampledChoice) -> dict[str, Any]:
    """On which leads the recipe was chosen, how well that tells recipes apart, and in words."""
    error = sample.error
    if error is None:
        sentence = f"{sample.leads:,} of {sample.of_leads:,} leads; it is fitted on all of them"
    else:
        sentence = (
            f"{sample.leads:,} of {sample.of_leads:,} leads; it is fitted on all of them. One "
            "recipe's log loss beside another's is known there to ± "
            f"{error.standard_error:.2g} (one standard error, {error.share:.2%} of the loss)"
        )
    return {
        "leads": sample.leads,
        "of_leads": sample.of_leads,
        "references": len(sample.rows),
        "standard_error": None if error is None else error.standard_error,
        "words": sentence,
    }


def immature_of(fitted: FittedModel) -> dict[str, Any]:
    """How immature references were treated, the check of it, and both in words."""
    check = fitted.check
    name = str(fitted.treatment).replace("_", " ")
    if check is None:
        expected = fitted.treatment == CensoringTreatment.EXPECTED
        sentence = f"{name} (the history is too short to check it)" if expected else name
    else:
        sentence = (
            f"{name}; on {check.references:,} references that matured later the log loss is "
            f"{check.expected_labels:.4f} with expected labels, {check.mature_only:.4f} with "
            "mature ones only"
        )
    return {
        "treatment": str(fitted.treatment),
        "check": None if check is None else asdict(check),
        "words": sentence,
    }


def verdict(fitted: FittedModel, backtest: BacktestResult) -> str:
    """One sentence for a person: signal or not, and whether the figures are optimistic."""
    ensemble = fitted.ensemble
    if not ensemble.signal:
        text = (
            "no signal: no model was clearly better than the base rate out of time, so every lead "
            f"gets the base rate of {fitted.training_set.base_rate:.1%} and the same band"
        )
    else:
        text = f"{ensemble.name}: better than the base rate, beyond chance"
        if SCORECARD in ensemble.steps:
            text += f"; {in_words(rule_share(fitted.model, fitted.training_set.vectors))}"
    return f"{text}; {OPTIMISTIC_NOTE}" if backtest.is_optimistic else text


def statistics_of(fitted: FittedModel, data: TrainingData) -> dict[str, Any]:
    """Per feature, and of the scores: share unknown, mean and deciles of the training rows.

    ``upto``: share of the known values at or below each decile: more than its tenth where many
    values are equal. ``by_age``: the same two shares of each reference age, where there are
    several (:mod:`training.evaluation.ages`).
    """
    vectors = fitted.reference_vectors
    age = ages_in_days(data.labelled, data.histories.created_at_us)
    learned = age[fitted.rows[fitted.described]]
    predicted = age[fitted.out_of_fold.rows]
    return {
        "references": fitted.references,
        "base_rate": fitted.training_set.base_rate,
        "quantiles": list(QUANTILES),
        "features": {
            name: _column(vectors[:, i], learned) for i, name in enumerate(fitted.spec.names)
        },
        "scores": _column(sigmoid(fitted.log_odds), predicted),
    }  # fmt: skip


def _column(column: Float64, age_days: Float64) -> dict[str, Any]:
    known = np.sort(column[~np.isnan(column)])
    deciles = np.quantile(known, QUANTILES) if len(known) else np.zeros(0)
    upto = np.searchsorted(known, deciles, side="right") / max(len(known), 1)
    return {
        "unknown": 1.0 - len(known) / max(len(column), 1),
        "mean": float(known.mean()) if len(known) else None,
        "deciles": deciles.tolist(),
        "upto": upto.tolist(),
        **(
            {"by_age": column_by_age(column, age_days, deciles.tolist())}
            if len(np.unique(age_days)) > 1
            else {}
        ),
    }


def record_of(dataset: Dataset, data: TrainingData) -> dict[str, Any]:
    """Where the data came from: fingerprint, window, counts, kinds. No lead is named.

    ``kinds``: those frequent enough for features of their own, also where none was kept.
    """
    labelled = data.labelled
    label = labelled.label
    created = data.histories.created_at_us
    dated = created[created != NO_TIME]
    return {
        "fingerprint": dataset.fingerprint,
        "first_created_at": moment(int(dated.min())) if len(dated) else None,
        "last_created_at": moment(int(dated.max())) if len(dated) else None,
        "observed_until": moment(labelled.observed_until_us) if labelled.has_time else None,
        "reference_ages_days": (
            sorted(dataset.settings.reference_ages_days) if labelled.has_time else []
        ),
        "leads": len(data.histories),
        "interactions": len(data.histories.interactions.at_us),
        "answers": len(data.histories.answers.at_us),
        "references": len(labelled),
        "positives": int((label == 1).sum()),
        "negatives": int((label == 0).sum()),
        "immature": int((label == IMMATURE).sum()),
        "kinds": sorted(_kinds(data)) if labelled.has_time else [],
    }


def _kinds(data: TrainingData) -> list[str]:
    references, excluded = data.labelled.references, data.settings.excluded_kinds
    return frequent_kinds(data.histories, references, MAX_KINDS, excluded)


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


def moment(us: int | None) -> str | None:
    """Microseconds since 1970 as ISO 8601 in UTC.

    >>> moment(86_400_000_000)
    '1970-01-02T00:00:00Z'
    """
    if us is None:
        return None
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
    return at.isoformat().replace("+00:00", "Z")


def _plain(estimate: Estimate) -> dict[str, float | None]:
    return {k: float(v) if np.isfinite(v) else None for k, v in estimate.to_dict().items()}


MAX_ROWS = 5_000


def rule_share(model: Model, vectors: Float64) -> dict[str, float]:
    """``weight`` of the scorecard in the ensemble, and its ``share`` of the scores.

    The share is the covariance of the rules' log-odds with the whole score over the variance of
    the score, on ``vectors`` (n, F; at most 5,000 rows spread evenly): rules and fitted components
    sum to 1. Both 0 without a scorecard in the model.
    """
    components = list(zip(model.parts, model.weights, strict=True))
    rules = [(c, weight) for c, weight in components if isinstance(c, ScorecardComponent)]
    if not rules:
        return {"weight": 0.0, "share": 0.0}
    rows = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), MAX_ROWS)).astype(np.intp)]
    contributions = np.zeros(rows.shape)
    for component, weight in rules:
        component.accumulate_contributions(rows, model.slope * weight, contributions)
    by_rule, log_odds = contributions.sum(axis=1), model.log_odds(rows)
    variance = float(np.var(log_odds))
    share = float(np.cov(by_rule, log_odds, ddof=0)[0, 1]) / variance if variance > 0 else 0.0
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
