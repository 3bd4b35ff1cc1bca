"""The release's ``card.json``, from which its model card is made: aggregates, never a lead.

Bands, gains and lift of the backtest; every candidate with its interval and weight; what was left
out, by whom and why; and the distribution of every feature and of the scores, so that the card of a
later release can say how far they have moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.contract import Available
from scoring.bands import Band, BandThresholds
from scoring.canonical_json import canonical_json, parse_json
from scoring.model.log_odds import sigmoid
from scoring.release.release import Release
from training.backtest import BacktestResult
from training.config import TrainingConfig
from training.evaluation.confidence import Z95, clustered_mean, rate_of
from training.evaluation.gains import gains_at, lift_by_tenth
from training.evaluation.metrics import Estimate, log_losses_of_log_odds
from training.labels.training_data import TrainingData
from training.leakage.report import AuditReport, LeakVerdict, Suspect
from training.model_selection.fit import FittedModel

FILE = "card.json"


N_QUANTILES = 50
"""Kept of each column, evenly spaced, beside the largest value."""


def card_json(
    data: TrainingData,
    fitted: FittedModel,
    backtest: BacktestResult,
    thresholds: BandThresholds,
    config: TrainingConfig,
    audit: AuditReport | None,
) -> bytes:
    """The record as canonical JSON. ``audit``: None if none was run."""
    rows = (backtest.label, backtest.probability, backtest.weight)
    vectors = fitted.reference_vectors
    return canonical_json(
        {
            "bands": bands_of(thresholds, backtest),
            "gains": gains_at(*rows),
            "lift": lift_by_tenth(*rows),
            "candidates": candidates_of(fitted),
            "immature": {"treatment": str(fitted.treatment), "taught_by": fitted.references},
            "left_out": left_out(data, config.exclude, audit),
            "audit": audit_of(audit),
            "spread": {
                "features": {
                    name: distribution_of(vectors[:, i]) for i, name in enumerate(fitted.spec.names)
                },
                "scores": distribution_of(sigmoid(fitted.log_odds)),
            },
        }
    )


def card_record(release: Release) -> dict[str, Any]:
    """What a release keeps for its card; empty for one made before there were cards."""
    content = release.documents.get(FILE)
    return {} if content is None else parse_json(FILE, content)


def bands_of(thresholds: BandThresholds, backtest: BacktestResult) -> list[dict[str, Any]]:
    """Per band of the backtest: counts, mean prediction, rate with Wilson's interval.

    ``share`` is of the weight (a lead counts once); an empty band has no rates (None).
    """
    band, rows = thresholds.bands_of(backtest.probability), []
    for name in Band:
        in_band = band == name.value
        weight, lead = backtest.weight[in_band], backtest.unit[in_band]
        rate = rate_of(backtest.label[in_band], weight, lead)
        mean = (
            np.average(backtest.probability[in_band], weights=weight) if in_band.any() else np.nan
        )
        rows.append(
            {
                "band": name.value,
                "references": int(in_band.sum()),
                "leads": len(np.unique(lead)),
                "share": float(weight.sum() / backtest.weight.sum()),
                "predicted": finite(float(mean)),
                "rate": finite_interval(rate),
            }
        )
    return rows


def candidates_of(fitted: FittedModel) -> list[dict[str, Any]]:
    """Every candidate: its out-of-fold log loss and its weight in the ensemble.

    ``log_loss`` at the step that was chosen, and ``gain``, that minus the base rate's on the same
    rows; normal intervals at 95 %, leads as the unit. ``weight`` 0 for one that was not chosen.
    """
    baseline, *_ = fitted.candidate_results
    chosen = [c.name for c in fitted.candidates if c.name in fitted.ensemble.steps]
    weights = dict(zip(chosen, fitted.model.weights, strict=False)) if chosen else {}
    label = fitted.out_of_fold.label
    base = log_losses_of_log_odds(label, baseline.log_odds)
    rows = []
    for result in fitted.candidate_results:
        losses = log_losses_of_log_odds(label, result.log_odds)
        gain = None if result is baseline else finite_interval(_mean(losses - base, fitted))
        rows.append(
            {
                "name": result.candidate.name,
                "step": float(result.step),
                "weight": float(weights.get(result.candidate.name, 0.0)),
                "log_loss": finite_interval(_mean(losses, fitted)),
                "gain": gain,
            }
        )
    return rows


def _mean(values: Float64, fitted: FittedModel) -> Estimate:
    """Weighted mean over the out-of-fold rows, with its interval over units."""
    rows = fitted.out_of_fold
    mean, error = clustered_mean(values, rows.weight, rows.unit)
    return Estimate(mean, mean - Z95 * error, mean + Z95 * error)


def left_out(
    data: TrainingData, exclude: Sequence[str], audit: AuditReport | None
) -> list[dict[str, str]]:
    """Attributes and kinds that were not used: name, what, by whom, and what the audit says."""
    declared = data.settings
    after = [n for n, a in declared.attributes.items() if a.available == Available.AFTER_OUTCOME]
    suspects = {(s.what == "kind", s.name): s for s in (audit.suspects if audit else ())}
    rows = []
    for name in sorted(after):
        by = "--exclude" if name in exclude else "dataset.toml: known after the outcome only"
        rows.append({"name": name, "what": "attribute", "by": by})
    for name in declared.excluded_kinds:
        by = "--exclude" if f"kind:{name}" in exclude else "dataset.toml: excluded_kinds"
        rows.append({"name": name, "what": "kind", "by": by})
    for row in rows:
        suspect = suspects.get((row["what"] == "kind", row["name"]))
        row["evidence"] = suspect.reasons if suspect else ""
    return rows


def audit_of(audit: AuditReport | None) -> dict[str, Any] | None:
    """The audit in one sentence, and the suspects that are used all the same."""
    if audit is None:
        return None
    used = [s for s in audit.suspects if s.verdict is not LeakVerdict.EXCLUDED]
    return {"summary": audit.summary(), "suspects": [_suspect_record(suspect) for suspect in used]}


def _suspect_record(suspect: Suspect) -> dict[str, str]:
    return {
        "name": suspect.name,
        "what": suspect.what,
        "verdict": suspect.verdict.value,
        "evidence": suspect.reasons,
    }


def distribution_of(column: Float64) -> dict[str, list[float]]:
    """The distribution of (n,): at most 51 of its known values, and the share at or below each.

    Both lists are empty when none is known.

    >>> distribution_of(np.array([1.0, 2.0, 2.0, 2.0, np.nan]))
    {'values': [1.0, 2.0], 'upto': [0.25, 1.0]}
    """
    known = np.sort(column[~np.isnan(column)])
    if not len(known):
        return {"values": [], "upto": []}
    levels = (np.arange(N_QUANTILES) + 0.5) / N_QUANTILES
    typical = np.quantile(known, levels, method="inverted_cdf")
    values = np.unique([*typical, known[-1]])
    upto = np.searchsorted(known, values, side="right") / len(known)
    return {"values": values.tolist(), "upto": upto.tolist()}


def finite(value: float) -> float | None:
    """A number as JSON can hold it."""
    return float(value) if np.isfinite(value) else None


def finite_interval(estimate: Estimate) -> dict[str, float | None]:
    """{value, low, high} as JSON can hold it."""
    plain: Mapping[str, float] = estimate.to_dict()
    return {name: finite(value) for name, value in plain.items()}
