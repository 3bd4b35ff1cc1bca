"""Rules, learned score and baselines on the same references: who is better, by how much, for whom.

:func:`compare_scores` works on arrays; :func:`training.comparison.run.compare` on a dataset.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from training.calibration.reliability import Reliability, reliability
from training.comparison.bands import BandView, band_view
from training.comparison.metrics import (
    EvaluatedScore,
    ScoreColumn,
    ScoreMetrics,
    evaluate_score,
    gains,
    score_table,
)
from training.comparison.profit import ProfitView, profit_view
from training.comparison.test_set import EvaluationSet, bootstrap_weights
from training.comparison.verdict import Verdict, verdict
from training.evaluation.confidence import rate_of

RULES, REWEIGHTED, LEARNED = "rules", "reweighted", "learned"


RESAMPLES = 500


@dataclass(frozen=True)
class Comparison:
    """Everything that was found, as data; the report and the terminal only draw it.

    ``leads``, ``conversions``, ``rate``: of the test, each lead and each conversion once.
    ``scores``: the main table. ``gains``: name → share of conversions found (101 points).
    ``calibration``: reliability of rules and learned. ``sections``: what a dataset adds
    (segments, age, cost, about).
    """

    verdict: Verdict
    leads: int
    references: int
    conversions: int
    rate: dict[str, float]
    capacity: str
    scores: tuple[ScoreMetrics, ...]
    gains: dict[str, list[float]]
    calibration: dict[str, Reliability]
    bands: BandView
    value: ProfitView | None = None
    sections: dict[str, Any] = field(default_factory=dict)

    def score_of(self, name: str) -> ScoreMetrics:
        """One row of the main table; ``KeyError`` when there is none of that name."""
        return {score.name: score for score in self.scores}[name]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)


@dataclass(frozen=True)
class CostBenefit:
    """What a conversion is worth and what calling a lead costs, in the same currency."""

    value_per_conversion: float
    cost_per_contact: float


def compare_scores(
    test_set: EvaluationSet,
    score_columns: Sequence[ScoreColumn],
    rng: np.random.Generator,
    *,
    cost_benefit: CostBenefit | None = None,
    resamples: int = RESAMPLES,
) -> Comparison:
    """Compare ``rules`` with ``learned`` (both are required) and with the other scores.

    Every score is measured on the same references, by the probabilities that its user gets and,
    beside them, recalibrated alike; intervals and differences come from the same resampled leads.

    Raises:
        ValueError: ``rules`` or ``learned`` is missing, or one class only was seen.
    """
    return ComparisonRun.of(test_set, score_columns, rng, resamples).comparison(cost_benefit)


@dataclass(frozen=True)
class ComparisonRun:
    """The contestants, measured, and the resampled leads: what every table is made from."""

    test_set: EvaluationSet
    evaluated: dict[str, EvaluatedScore]
    times: Float64

    @classmethod
    def of(
        cls,
        test_set: EvaluationSet,
        score_columns: Sequence[ScoreColumn],
        rng: np.random.Generator,
        resamples: int = RESAMPLES,
    ) -> ComparisonRun:
        """Calibrate and measure. Raises ValueError as :func:`compare_scores` does."""
        names = [c.name for c in score_columns]
        if RULES not in names or LEARNED not in names:
            raise ValueError(f"the comparison needs {RULES!r} and {LEARNED!r}, found {names}")
        if len(np.unique(test_set.label)) < 2:
            raise ValueError("the references that could be tested ended all alike")
        folds = test_set.folds(rng)
        evaluated = {c.name: evaluate_score(test_set, c, folds) for c in score_columns}
        return cls(test_set, evaluated, bootstrap_weights(test_set, rng, resamples))

    def reliability_of(self, name: str) -> Reliability:
        """The reliability diagram of one score's probabilities: as given, or else recalibrated."""
        test_set, rng = self.test_set, np.random.default_rng(0)
        probability = self.evaluated[name].probability
        return reliability(test_set.label, probability, test_set.weight, test_set.unit, rng)

    def comparison(self, cost_benefit: CostBenefit | None = None) -> Comparison:
        """Every table of the report that needs no dataset."""
        test_set = self.test_set
        scores = score_table(test_set, list(self.evaluated.values()), self.times, LEARNED)
        by_name = {score.name: score for score in scores}
        conversions, n = int(test_set.converted.sum()), test_set.n_leads
        rate = rate_of(test_set.converted.astype(np.int8), np.ones(n), test_set.unit_of_lead)
        bands, words = self.band_view(), test_set.capacity_words
        return Comparison(
            verdict(by_name[RULES], by_name[LEARNED], bands.swap, n, conversions, words),
            test_set.n_leads,
            len(test_set),
            conversions,
            rate.to_dict(),
            words,
            tuple(scores),
            {name: gains(test_set, m.column.score).tolist() for name, m in self.evaluated.items()},
            {name: self.reliability_of(name) for name in (RULES, LEARNED)},
            bands,
            None
            if cost_benefit is None
            else profit_view(
                test_set,
                self.evaluated,
                cost_benefit.value_per_conversion,
                cost_benefit.cost_per_contact,
            ),
        )

    def band_view(self) -> BandView:
        """Bands by the rules against bands by the learned score at the same workload."""
        rules, learned = self.evaluated[RULES].column, self.evaluated[LEARNED].column
        return band_view(self.test_set, rules, learned, self.times)
