"""The comparison on a dataset: who competes, on which references, taught by what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from features.compute.array_types import Float64, Int64
from features.dataset import Dataset
from features.errors import UsageError
from features.vectors.compute import compute_vectors
from scoring.scorecard.scorecard import CardScores, Scorecard
from training.comparison.baselines import newest_first, odoo_scores, percentile_tiers
from training.comparison.compare import (
    LEARNED,
    REWEIGHTED,
    RULES,
    Comparison,
    ComparisonRun,
    CostBenefit,
)
from training.comparison.metrics import ScoreColumn
from training.comparison.reweighted import Reweighted, amounts, reweight
from training.comparison.segments import add_segments, cost_attribute
from training.comparison.test_set import EvaluationSet
from training.evaluation.backtest import BacktestResult, backtest
from training.feature_selection.choose import choose_spec
from training.labels.references import IMMATURE
from training.labels.splits import Fold, identical_rows, time_fold
from training.labels.training_data import TrainingData, check_classes, load_training_data
from training.model_selection.cross_validation import Progress
from training.model_selection.fit import SearchSettings
from training.model_selection.worker_pool import WorkerPool
from training.release_record import OPTIMISTIC_NOTE

GROUPED_FOLDS = 5


@dataclass(frozen=True)
class ComparisonConfig:
    """What the analyst asks. ``hot_per_week``: how many leads the team can call.

    ``cost``: the attribute that holds what a lead cost; None looks for one called so.
    """

    seed: int = 0
    hot_per_week: float | None = None
    worth: CostBenefit | None = None
    cost: str | None = None
    exclude: tuple[str, ...] = ()
    jobs: int = 2


@dataclass(frozen=True)
class ComparisonResult:
    """The comparison, and the re-weighted scorecard refitted on everything that is known."""

    comparison: Comparison
    reweighted: Scorecard


def compare(
    dataset: Dataset,
    scorecard: Scorecard,
    question: ComparisonConfig | None = None,
    *,
    progress: Progress | None = None,
) -> ComparisonResult:
    """Learn at an earlier moment, then let rules, model and baselines answer what was asked since.

    Raises:
        DataError: no mature reference, or one class only.
        UsageError: weeks are asked for and there is no time, or the cost is no number.
    """
    question = question or ComparisonConfig()
    if question.hot_per_week is not None and not dataset.has_time:
        raise UsageError("--hot-per-week needs created_at to count weeks by; leave it out here")
    source = load_training_data(dataset, question.exclude)
    cost_attribute(source, question.cost)
    check_classes(source.labelled)
    with WorkerPool(question.jobs) as pool:
        method = SearchSettings(question.seed, jobs=question.jobs, progress=progress, pool=pool)
        tested = backtest(source, source.labelled.observed_until_us, method)
    return compare_tested(dataset, source, tested, scorecard, question)


def compare_tested(
    dataset: Dataset,
    source: TrainingData,
    tested: BacktestResult,
    scorecard: Scorecard,
    question: ComparisonConfig | None = None,
) -> ComparisonResult:
    """The comparison on references that a model has already answered (``Trained.tested``)."""
    question = question or ComparisonConfig()
    card = scorecard.with_outbound(source.settings.outbound_kinds)
    arena = ComparisonInputs(source, tested, card, question)
    bout = ComparisonRun.of(arena.ground, arena.contestants(), np.random.default_rng(question.seed))
    found = bout.comparison(question.worth)
    sections = {
        "about": arena.about(dataset),
        "scorecard": card.name,
        **add_segments(bout, source, tested.rows, question.cost),
    }
    return ComparisonResult(replace(found, sections=sections), arena.refit_on_all().card)


def same_attributes_group(source: TrainingData) -> Int64:
    """A number per reference, the same for leads that look the same in every usable attribute."""
    references = source.labelled.references
    spec = choose_spec(source.settings, source.histories, references)
    return identical_rows(compute_vectors(spec, source.histories, references))


@dataclass(frozen=True)
class ComparisonInputs:
    """The references asked about, and every score's answer to them."""

    source: TrainingData
    tested: BacktestResult
    card: Scorecard
    question: ComparisonConfig

    @cached_property
    def ground(self) -> EvaluationSet:
        """The tested references with the team's capacity."""
        return EvaluationSet.of(self.source.labelled, self.tested.rows, self.question.hot_per_week)

    @cached_property
    def until_us(self) -> int:
        """Until when the data speak."""
        return self.source.labelled.observed_until_us

    @cached_property
    def all_points(self) -> CardScores:
        """Points of every labelled reference."""
        return self.card.points(self.source.histories, self.source.labelled.references)

    @cached_property
    def times(self) -> Float64:
        """How often each rule gave its points, at every labelled reference."""
        return amounts(self.card, self.source.histories, self.source.labelled.references)

    def contestants(self) -> list[ScoreColumn]:
        """Rules, re-weighted rules, learned score and baselines, in the report's order."""
        rows, points = self.tested.rows, self.all_points
        p = np.clip(self.tested.probability, 1e-12, 1 - 1e-12)
        return [
            ScoreColumn(
                RULES,
                "Rules",
                f"scorecard “{self.card.name}”",
                points.points[rows],
                points.band[rows],
            ),
            ScoreColumn(
                REWEIGHTED,
                "Rules, re-weighted",
                "the same rules, points refitted and rounded",
                self._over_folds(self._reweighted),
            ),
            ScoreColumn(
                LEARNED, "Learned", f"the model ({self.tested.recipe})", np.log(p / (1 - p))
            ),
            ScoreColumn(
                "odoo",
                "Odoo's formula",
                "naive Bayes on closed leads' attributes",
                self._over_folds(lambda fold: odoo_scores(self.source, fold, self.until_us)),
            ),
            ScoreColumn(
                "tiers",
                "Percentile tiers",
                "rule points in five tiers",
                self._over_folds(self._tiers),
            ),
            ScoreColumn(
                "newest", "Newest first", "no score at all", newest_first(self.source, rows)
            ),
        ]

    @cached_property
    def folds(self) -> list[Fold]:
        """What each tested reference could be answered from: one cutoff, or grouped folds."""
        labelled, rows = self.source.labelled, self.tested.rows
        if self.tested.cutoff_us is not None:
            return [time_fold(labelled, rows, self.tested.cutoff_us)]
        unit = labelled.lead if labelled.has_time else same_attributes_group(self.source)
        _, member = np.unique(unit[rows], return_inverse=True)
        rng = np.random.default_rng(self.question.seed)
        dealt = rng.permutation(np.arange(member.max() + 1) % GROUPED_FOLDS)[member]
        known = labelled.label != IMMATURE
        return [
            Fold(np.flatnonzero(known & ~np.isin(unit, unit[test])), test, None)
            for test in (rows[dealt == number] for number in range(GROUPED_FOLDS))
        ]

    def _over_folds(self, answer: Callable[[Fold], Float64]) -> Float64:
        """The answers of every fold, in the order of the tested references."""
        place = {int(row): i for i, row in enumerate(self.tested.rows)}
        out = np.empty(len(place))
        for fold in self.folds:
            out[[place[int(row)] for row in fold.test]] = answer(fold)
        return out

    def _tiers(self, fold: Fold) -> Float64:
        points, weight = self.all_points.points, self.source.labelled.weight
        return percentile_tiers(points[fold.test], weight[fold.train], points[fold.train])

    def _reweighted(self, fold: Fold) -> Float64:
        refit = self._refit(fold.train, fold.cutoff_us)
        asked = self.source.labelled.take(fold.test).references
        return refit.card.points(self.source.histories, asked).points

    def refit_on_all(self) -> Reweighted:
        """The card refitted on every reference with a known answer: the one to adopt."""
        return self._refit(np.flatnonzero(self.source.labelled.label != IMMATURE), None)

    def _refit(self, rows: np.ndarray, cutoff_us: int | None) -> Reweighted:
        labelled = self.source.labelled
        kept = rows[~self.all_points.excluded[rows]]
        label = labelled.labels_as_of(self.until_us if cutoff_us is None else cutoff_us)
        if len(np.unique(label[kept])) < 2:
            return Reweighted(self.card, 0.0, 0.0)
        return reweight(
            self.card,
            self.times[kept],
            label[kept],
            labelled.weight[kept],
            labelled.lead[kept],
            np.random.default_rng(self.question.seed),
        )

    def about(self, dataset: Dataset) -> dict[str, object]:
        """What a reader must know of the test."""
        return {
            "dataset": dataset.settings.name,
            "description": dataset.settings.about,
            "horizon_days": dataset.settings.horizon_days,
            "learned_at_us": self.tested.cutoff_us,
            "flatters": OPTIMISTIC_NOTE if self.tested.is_optimistic else "",
            "recipe": self.tested.recipe,
        }
