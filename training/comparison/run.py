"""The comparison on a dataset: which scores, on which references, fitted on what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from features.compute.array_types import Float64
from features.dataset import Dataset
from features.errors import UsageError
from scoring.scorecard.scorecard import CardScores, Scorecard
from training.backtest import BacktestResult, backtest
from training.comparison.baselines import newest_first, odoo_scores, percentile_tiers
from training.comparison.compare import (
    LEARNED,
    REWEIGHTED,
    RULES,
    Comparison,
    ComparisonRun,
    CostBenefit,
)
from training.comparison.costs import check_names
from training.comparison.given import check_given, given_columns, given_verdicts
from training.comparison.metrics import ScoreColumn, ScoreMetrics
from training.comparison.reweighted import Reweighted, reweight, rule_counts
from training.comparison.segments import add_segments
from training.comparison.suggested_rules import suggested_scorecard
from training.comparison.test_set import EvaluationSet
from training.comparison.verdict import Verdict
from training.config import TrainingConfig
from training.exploration import calling_section
from training.feature_selection.choose import same_attributes_group
from training.html_frame import embedded
from training.labels.references import IMMATURE
from training.labels.splits import Fold, joined_units, time_fold
from training.labels.training_data import TrainingData, check_classes, load_training_data
from training.model_selection.cross_validation import Progress
from training.model_selection.worker_pool import WorkerPool
from training.release_record import OPTIMISTIC_NOTE

GROUPED_FOLDS = 5


POINT_DECIMALS = 9
"""Points that differ by less are equal: 0.1 + 0.2 and 0.3 are the same points."""


ODOO_RANGE = (0.0001, 0.9999)
"""Odoo shows 0.01 to 99.99 percent."""


def exact_ties(points: Float64) -> Float64:
    """Points (n) such that leads with equal rules have equal points, whatever the order of sums.

    >>> exact_ties(np.array([0.1 + 0.2, 0.3])).tolist()
    [0.3, 0.3]
    """
    return np.asarray(np.round(points, POINT_DECIMALS) + 0.0)


SUGGESTION = "The same rules with points as leads turned out; signs and groups as before."


@dataclass(frozen=True)
class ComparisonConfig:
    """What the analyst decides. ``training``: the options of the learned score.

    ``hot_per_week``: how many of the leads open in a week the team can call. ``cost_attribute``:
    the attribute that holds what a lead cost; None looks for one of the group cost. It is never
    learned from. ``source_attribute``: the one that says where leads come from; None looks for one
    of the group source. ``given``: attributes that are scores which somebody else made; the
    learned score never reads them. ``assignments``: of worklists with calls at random
    (:func:`training.exploration.read_assignments`).
    """

    training: TrainingConfig = field(default_factory=TrainingConfig)
    hot_per_week: float | None = None
    cost_benefit: CostBenefit | None = None
    cost_attribute: str | None = None
    given: tuple[str, ...] = ()
    assignments: pd.DataFrame | None = None
    source_attribute: str | None = None


@dataclass(frozen=True)
class ComparisonResult:
    """The comparison, and the re-weighted scorecard refitted on everything that is known."""

    comparison: Comparison
    reweighted: Scorecard

    @property
    def verdict(self) -> Verdict:
        """Who is better, in a headline and the sentences that support it."""
        return self.comparison.verdict

    def score_of(self, name: str) -> ScoreMetrics:
        """One score's figures: ``rules``, ``learned``, ``reweighted``, ``odoo``, ``newest``."""
        return self.comparison.score_of(name)

    def to_dict(self) -> dict[str, Any]:
        """Every table as plain data, as ``leadscore compare --json`` prints it."""
        return self.comparison.to_dict()

    def __repr__(self) -> str:
        return f"<comparison: {self.verdict.headline}>"

    def to_html(self) -> str:
        """The report that ``leadscore compare --out`` writes: one page, nothing is loaded."""
        from training.comparison.report import report_html

        return report_html(self.comparison)

    def _repr_html_(self) -> str:
        return embedded(self.to_html(), "Rules and learned score compared")


def compare(
    dataset: Dataset,
    scorecard: Scorecard,
    config: ComparisonConfig | None = None,
    *,
    progress: Progress | None = None,
) -> ComparisonResult:
    """Fit at an earlier moment, then score the references since by rules, model and baselines.

    Raises:
        DataError: no mature reference, or one class only.
        UsageError: a capacity per week is given and there is no time, or the cost is no number.
    """
    config = config or ComparisonConfig()
    if config.hot_per_week is not None and not dataset.has_time:
        raise UsageError("--hot-per-week needs created_at to count weeks by; leave it out here")
    check_given(dataset.settings, config.given)
    exclude = (*config.training.exclude, *config.given)
    config = replace(config, training=replace(config.training, exclude=exclude))
    data = load_training_data(dataset, exclude)
    check_names(data, config.cost_attribute, config.source_attribute)
    if config.cost_attribute is not None:
        data = load_training_data(dataset, (*exclude, config.cost_attribute))
    check_classes(data.labelled)
    until_us = data.labelled.observed_until_us
    with WorkerPool(config.training.jobs) as pool:
        result = backtest(data, until_us, config.training, pool=pool, progress=progress)
    return compare_backtest(dataset, data, result, scorecard, config)


def compare_backtest(
    dataset: Dataset,
    data: TrainingData,
    backtest: BacktestResult,
    scorecard: Scorecard,
    config: ComparisonConfig | None = None,
) -> ComparisonResult:
    """The comparison on references that a model has already predicted."""
    config = config or ComparisonConfig()
    scorecard = scorecard.with_outbound(data.settings.outbound_kinds)
    inputs = ComparisonInputs(data, backtest, scorecard, config)
    rng = np.random.default_rng(config.training.seed)
    run = ComparisonRun.of(inputs.test_set, inputs.score_columns(), rng)
    sections: dict[str, Any] = {
        "about": inputs.about(dataset),
        "scorecard": scorecard.name,
        **add_segments(run, data, backtest.rows, config.cost_attribute, config.source_attribute),
    }
    comparison = run.comparison(config.cost_benefit)
    if config.given:
        rows, test_set = backtest.rows, inputs.test_set
        verdicts = given_verdicts(comparison, data, rows, test_set, config.given)
        sections["given"] = [one.to_dict() for one in verdicts]
    if config.assignments is not None:
        sections["calling"] = calling_section(config.assignments, dataset, config.training.seed)
    refitted = inputs.refit_on_all().card
    sections["suggested_scorecard"] = inputs.suggested(refitted).to_toml(SUGGESTION)
    comparison = replace(comparison, sections=sections)
    return ComparisonResult(comparison, refitted)


@dataclass(frozen=True)
class ComparisonInputs:
    """The references of the backtest, and every score on them."""

    data: TrainingData
    backtest: BacktestResult
    card: Scorecard
    config: ComparisonConfig

    @cached_property
    def test_set(self) -> EvaluationSet:
        """The references of the backtest, with the team's capacity."""
        return EvaluationSet.of(self.data.labelled, self.backtest.rows, self.config.hot_per_week)

    @cached_property
    def until_us(self) -> int:
        """The last moment that the data cover."""
        return self.data.labelled.observed_until_us

    @cached_property
    def all_points(self) -> CardScores:
        """Points of every labelled reference."""
        return self.card.points(self.data.histories, self.data.labelled.references)

    @cached_property
    def times(self) -> Float64:
        """How often each rule gave its points, at every labelled reference."""
        return rule_counts(self.card, self.data.histories, self.data.labelled.references)

    def score_columns(self) -> list[ScoreColumn]:
        """Rules, re-weighted rules, learned score and baselines, in the report's order."""
        rows, points = self.backtest.rows, self.all_points
        p = np.clip(self.backtest.probability, 1e-12, 1 - 1e-12)
        odoo = self._over_folds(lambda fold: odoo_scores(self.data, fold, self.until_us))
        return [
            ScoreColumn(
                RULES,
                "Rules",
                f"scorecard “{self.card.name}”",
                exact_ties(points.points[rows]),
                points.band[rows],
            ),
            ScoreColumn(
                REWEIGHTED,
                "Rules, re-weighted",
                "the same rules, points refitted and rounded",
                exact_ties(self._over_folds(self._reweighted)),
            ),
            ScoreColumn(
                LEARNED,
                "Learned",
                f"the model ({self.backtest.ensemble})",
                np.log(p / (1 - p)),
                probability=self.backtest.probability,
            ),
            ScoreColumn(
                "odoo",
                "Odoo's formula",
                "naive Bayes on closed leads' attributes",
                odoo,
                probability=np.clip(odoo / 100, *ODOO_RANGE) if odoo.min() > 0 else None,
            ),
            ScoreColumn(
                "tiers",
                "Percentile tiers",
                "rule points in five tiers",
                self._over_folds(self._tiers),
            ),
            ScoreColumn("newest", "Newest first", "no score at all", newest_first(self.data, rows)),
            *given_columns(self.data, rows, self.config.given),
        ]

    @cached_property
    def folds(self) -> list[Fold]:
        """What was known before each reference: one cutoff, or grouped folds."""
        labelled, rows = self.data.labelled, self.backtest.rows
        if self.backtest.cutoff_us is not None:
            return [time_fold(labelled, rows, self.backtest.cutoff_us)]
        unit = labelled.unit
        if not labelled.has_time:
            unit = joined_units(labelled.account, same_attributes_group(self.data))
        _, member = np.unique(unit[rows], return_inverse=True)
        rng = np.random.default_rng(self.config.training.seed)
        assigned = rng.permutation(np.arange(member.max() + 1) % GROUPED_FOLDS)[member]
        known = labelled.label != IMMATURE
        return [
            Fold(np.flatnonzero(known & ~np.isin(unit, unit[test])), test, None)
            for test in (rows[assigned == number] for number in range(GROUPED_FOLDS))
        ]

    def _over_folds(self, score_fold: Callable[[Fold], Float64]) -> Float64:
        """The scores of every fold, in the order of the backtest's references."""
        place = {int(row): i for i, row in enumerate(self.backtest.rows)}
        out = np.empty(len(place))
        for fold in self.folds:
            out[[place[int(row)] for row in fold.test]] = score_fold(fold)
        return out

    def _tiers(self, fold: Fold) -> Float64:
        points, weight = exact_ties(self.all_points.points), self.data.labelled.weight
        return percentile_tiers(points[fold.test], weight[fold.train], points[fold.train])

    def _reweighted(self, fold: Fold) -> Float64:
        refit = self._refit(fold.train, fold.cutoff_us)
        references = self.data.labelled.take(fold.test).references
        return refit.card.points(self.data.histories, references).points

    def refit_on_all(self) -> Reweighted:
        """The scorecard refitted on every labelled reference: the one to adopt."""
        return self._refit(np.flatnonzero(self.data.labelled.label != IMMATURE), None)

    def suggested(self, refitted: Scorecard) -> Scorecard:
        """The team's scorecard with the refitted points, as far as signs agree."""
        labelled = self.data.labelled
        return suggested_scorecard(
            self.card, refitted, self.data.histories, labelled.references, labelled.weight
        )

    def _refit(self, rows: np.ndarray, cutoff_us: int | None) -> Reweighted:
        labelled = self.data.labelled
        included = rows[~self.all_points.excluded[rows]]
        label = labelled.labels_as_of(self.until_us if cutoff_us is None else cutoff_us)
        if len(np.unique(label[included])) < 2:
            return Reweighted(self.card, 0.0, 0.0)
        return reweight(
            self.card,
            self.times[included],
            label[included],
            labelled.weight[included],
            labelled.unit[included],
            np.random.default_rng(self.config.training.seed),
        )

    def about(self, dataset: Dataset) -> dict[str, object]:
        """What a reader must know of the backtest."""
        return {
            "dataset": dataset.settings.name,
            "description": dataset.settings.about,
            "horizon_days": dataset.settings.horizon_days,
            "learned_at_us": self.backtest.cutoff_us,
            "optimistic": OPTIMISTIC_NOTE if self.backtest.is_optimistic else "",
            "recipe": self.backtest.ensemble,
        }
