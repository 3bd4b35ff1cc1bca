"""Training from a dataset to the contents of a release, with the figures that back it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from features.dataset import Dataset
from scoring.release.contents import ReleaseContents
from scoring.scorecard.scorecard import Scorecard
from training.calibration.model_uncertainty import interval_table
from training.calibration.report import calibration_of, diagram_of
from training.charts.reliability import reliability_chart
from training.evaluation.backtest import BacktestResult, backtest, random_split_optimism
from training.labels.censoring import CensoringTreatment
from training.labels.training_data import TrainingData, check_classes, load_training_data
from training.leakage.report import AuditReport
from training.model_card.record import FILE, Kept, card_json
from training.model_selection.cross_validation import Progress, probability
from training.model_selection.fit import FittedModel, SearchSettings, select_and_fit
from training.model_selection.worker_pool import WorkerPool
from training.release_record import (
    golden_vectors,
    leads_per_week,
    metrics_of,
    record_of,
    statistics_of,
)
from training.thresholds import ThresholdPolicy, choose_thresholds


@dataclass(frozen=True, slots=True)
class TrainingConfig:
    """What the user decides. ``exclude``: attributes, and ``kind:`` kinds, not to be used.

    ``time_budget_s``: estimated seconds for one search (see
    ``training.model_selection.time_budget``), None for all.
    ``jobs``: fits run side by side, in worker processes; the result does not depend on it.
    ``enforce_monotone``: keep the directions of ``training.candidates.monotonicity``. ``audited``:
    what the audit found.
    """

    seed: int = 0
    cuts: ThresholdPolicy = field(default_factory=ThresholdPolicy)
    scorecard: Scorecard | None = None
    exclude: tuple[str, ...] = ()
    treatment: CensoringTreatment = CensoringTreatment.ADAPTIVE
    time_budget_s: float | None = None
    jobs: int = 2
    enforce_monotone: bool = True
    audited: AuditReport | None = None


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """The contents of a release, and what the report about it is made from.

    ``tested``: the honest test. ``learned``: the final model with its choice. ``source``: the
    data as it was used.
    """

    contents: ReleaseContents
    tested: BacktestResult
    learned: FittedModel
    source: TrainingData

    @property
    def signal(self) -> bool:
        """Whether the release says more than the base rate."""
        return self.learned.recipe.signal


def train(
    dataset: Dataset, training: TrainingConfig | None = None, *, progress: Progress | None = None
) -> TrainedModel:
    """Learn, test on the newest references, and gather the contents of a release.

    Raises:
        DataError: no mature reference, or one class only.
        UsageError: an attribute or kind to exclude is not there.
        StorageError: a worker process was killed; nothing has been written.
    """
    training = training or TrainingConfig()
    source = load_training_data(dataset, training.exclude)
    check_classes(source.labelled)
    method = SearchSettings(
        seed=training.seed,
        treatment=training.treatment,
        time_budget_s=training.time_budget_s,
        jobs=training.jobs,
        progress=progress,
        scorecard=_scorecard(training, dataset),
        enforce_monotone=training.enforce_monotone,
    )
    until_us = source.labelled.observed_until_us
    with WorkerPool(training.jobs) as pool:
        method = replace(method, pool=pool)
        tested = backtest(source, until_us, method)
        learned = select_and_fit(source, np.ones(len(source.labelled), bool), until_us, method)
    return TrainedModel(
        _contents(dataset, training, source, learned, tested), tested, learned, source
    )


def _scorecard(training: TrainingConfig, dataset: Dataset) -> Scorecard | None:
    """The rules to ship, for which ``outbound`` means what it means in this dataset."""
    card = training.scorecard
    return None if card is None else card.with_outbound(dataset.settings.outbound_kinds)


def _contents(
    dataset: Dataset,
    training: TrainingConfig,
    source: TrainingData,
    learned: FittedModel,
    tested: BacktestResult,
) -> ReleaseContents:
    chances = probability(learned.log_odds)
    cuts, why = choose_thresholds(
        training.cuts, chances, learned.tested.weight, leads_per_week(source.labelled, source)
    )
    flattered = None
    if dataset.has_time:
        rng = np.random.default_rng(training.seed)
        flattered = random_split_optimism(learned, source.labelled, learned.families, rng)
    kept = Kept(
        source, learned, tested, cuts, training.treatment, training.exclude, training.audited
    )
    return ReleaseContents(
        name=dataset.settings.name,
        spec=learned.spec,
        model=learned.model,
        intervals=interval_table(learned, source),
        cuts=cuts,
        horizon_days=dataset.settings.horizon_days,
        has_time=dataset.has_time,
        scorecard=_scorecard(training, dataset),
        data=record_of(dataset, source),
        settings={
            "seed": training.seed,
            "excluded": sorted(training.exclude),
            "treatment": str(training.treatment),
            "time_budget_s": training.time_budget_s,
            "insist": training.enforce_monotone,
            "cuts": why,
        },
        statistics=statistics_of(learned),
        metrics={
            **metrics_of(learned, tested, training.seed, flattered),
            "calibration": calibration_of(source, tested, training.seed),
        },
        documents={
            "reliability.svg": str(reliability_chart(diagram_of(tested, training.seed))).encode(),
            FILE: card_json(kept),
        },
        golden_vectors=golden_vectors(learned.sample.vectors),
    )
