"""What a training keeps for its card, in the release's ``card.json``: aggregates, never a lead.

Bands, gains and lift of the honest test; every candidate with its interval and weight; what was
left out, by whom and why; and how every feature and the scores were spread, so that the card of a
later release can say how far they have moved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.contract import Available
from scoring.bands import Band, BandThresholds
from scoring.canonical_json import canonical_json, parse_json
from scoring.release.release import Release
from training.evaluation.backtest import BacktestResult
from training.evaluation.confidence import Z95, rate_of
from training.evaluation.gains import gains_at, lift_by_tenth
from training.evaluation.metrics import Estimate
from training.labels.censoring import CensoringTreatment, treatment_at
from training.labels.training_data import TrainingData
from training.leakage.report import AuditReport, Suspect
from training.leakage.report import LeakVerdict as Suspicion
from training.model_selection.cross_validation import log_odds_losses, probability
from training.model_selection.fit import FittedModel

FILE = "card.json"


MOST_VALUES = 50
"""Of each column so many quantiles are kept, evenly spaced, and the largest value."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the record is made from. ``audited``: the audit, None if none was asked for."""

    source: TrainingData
    learned: FittedModel
    tested: BacktestResult
    cuts: BandThresholds
    treatment: CensoringTreatment
    exclude: tuple[str, ...]
    audited: AuditReport | None


def card_json(kept: Kept) -> bytes:
    """The record as the one spelling that a release holds."""
    tested = kept.tested
    scored = (tested.label, tested.probability, tested.weight)
    labelled = kept.source.labelled
    treatment = treatment_at(labelled, labelled.observed_until_us, kept.treatment)
    return canonical_json(
        {
            "bands": bands_of(kept.cuts, tested),
            "gains": gains_at(*scored),
            "lift": lift_by_tenth(*scored),
            "candidates": candidates_of(kept.learned),
            "immature": {"treatment": str(treatment), "taught_by": len(kept.learned.rows)},
            "left_out": left_out(kept.source, kept.exclude, kept.audited),
            "audit": audit_of(kept.audited),
            "spread": {
                "features": {
                    name: spread_of(kept.learned.sample.vectors[:, i])
                    for i, name in enumerate(kept.learned.spec.names)
                },
                "scores": spread_of(probability(kept.learned.log_odds)),
            },
        }
    )


def card_record(release: Release) -> dict[str, Any]:
    """What a release keeps for its card; empty for one made before there were cards."""
    content = release.documents.get(FILE)
    return {} if content is None else parse_json(FILE, content)


def bands_of(cuts: BandThresholds, tested: BacktestResult) -> list[dict[str, Any]]:
    """Per band of the honest test: counts, mean prediction, rate with Wilson's interval.

    ``share`` is of the weight (a lead counts once); an empty band has no rates (None).
    """
    band, rows = cuts.bands_of(tested.probability), []
    for name in Band:
        mine = band == name.value
        weight, lead = tested.weight[mine], tested.lead[mine]
        rate = rate_of(tested.label[mine], weight, lead)
        mean = np.average(tested.probability[mine], weights=weight) if mine.any() else np.nan
        rows.append(
            {
                "band": name.value,
                "references": int(mine.sum()),
                "leads": len(np.unique(lead)),
                "share": float(weight.sum() / tested.weight.sum()),
                "predicted": finite(float(mean)),
                "rate": finite_interval(rate),
            }
        )
    return rows


def candidates_of(learned: FittedModel) -> list[dict[str, Any]]:
    """Every family that was tried: its log loss out of time and its weight in what was chosen.

    ``log_loss`` at the step it was used at, and ``gain``, that minus the base rate's on the same
    rows; normal intervals at 95 %, leads as the unit. ``weight`` 0 for one that was not chosen.
    """
    floor, *_ = learned.trials
    used = [family.name for family in learned.families if family.name in learned.recipe.steps]
    weights = dict(zip(used, learned.model.weights, strict=False)) if used else {}
    rows = []
    for trial in learned.trials:
        mine, base = (log_odds_losses(learned.tested.label, t.log_odds) for t in (trial, floor))
        rows.append(
            {
                "name": trial.family.name,
                "step": float(trial.step),
                "weight": float(weights.get(trial.family.name, 0.0)),
                "log_loss": finite_interval(_mean(mine, learned)),
                "gain": finite_interval(_mean(mine - base, learned))
                if trial is not floor
                else None,
            }
        )
    return rows


def _mean(values: Float64, learned: FittedModel) -> Estimate:
    """Weighted mean over the rows tested when choosing, its error over units (ratio mean)."""
    weight, unit = learned.tested.weight, learned.tested.unit
    mean = float(np.average(values, weights=weight))
    _, member = np.unique(unit, return_inverse=True)
    gap = np.bincount(member, weights=weight * (values - mean))
    n = len(gap)
    error = float(np.sqrt((gap**2).sum() * n / max(n - 1, 1)) / weight.sum())
    return Estimate(mean, mean - Z95 * error, mean + Z95 * error)


def left_out(
    source: TrainingData, exclude: Sequence[str], audited: AuditReport | None
) -> list[dict[str, str]]:
    """Attributes and kinds that were not used: name, what, by whom, and what the audit says."""
    declared = source.settings
    after = [n for n, a in declared.attributes.items() if a.available == Available.AFTER_OUTCOME]
    found = {(s.what == "kind", s.name): s for s in (audited.suspects if audited else ())}
    rows = []
    for name in sorted(after):
        by = "--exclude" if name in exclude else "dataset.toml: known after the outcome only"
        rows.append({"name": name, "what": "attribute", "by": by})
    for name in declared.excluded_kinds:
        by = "--exclude" if f"kind:{name}" in exclude else "dataset.toml: excluded_kinds"
        rows.append({"name": name, "what": "kind", "by": by})
    for row in rows:
        suspect = found.get((row["what"] == "kind", row["name"]))
        row["evidence"] = suspect.reasons if suspect else ""
    return rows


def audit_of(audited: AuditReport | None) -> dict[str, Any] | None:
    """The audit in one sentence, and the suspects that are used all the same."""
    if audited is None:
        return None
    used = [s for s in audited.suspects if s.verdict is not Suspicion.EXCLUDED]
    return {"summary": audited.summary(), "suspects": [_told(suspect) for suspect in used]}


def _told(suspect: Suspect) -> dict[str, str]:
    return {
        "name": suspect.name,
        "what": suspect.what,
        "verdict": suspect.verdict.value,
        "evidence": suspect.reasons,
    }


def spread_of(column: Float64) -> dict[str, list[float]]:
    """How (n,) lies: at most 51 of its known values, and the exact share at or below each.

    Both lists are empty when none is known.

    >>> spread_of(np.array([1.0, 2.0, 2.0, 2.0, np.nan]))
    {'values': [1.0, 2.0], 'upto': [0.25, 1.0]}
    """
    known = np.sort(column[~np.isnan(column)])
    if not len(known):
        return {"values": [], "upto": []}
    levels = (np.arange(MOST_VALUES) + 0.5) / MOST_VALUES
    typical = np.quantile(known, levels, method="inverted_cdf")
    values = np.unique([*typical, known[-1]])
    upto = np.searchsorted(known, values, side="right") / len(known)
    return {"values": values.tolist(), "upto": upto.tolist()}


def finite(value: float) -> float | None:
    """A number as JSON can hold it."""
    return float(value) if np.isfinite(value) else None


def finite_interval(found: Estimate) -> dict[str, float | None]:
    """{value, low, high} as JSON can hold it."""
    plain: Mapping[str, float] = found.to_dict()
    return {name: finite(value) for name, value in plain.items()}
