"""Training: from a dataset to the contents of a release, with the figures that back it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.dataset import Dataset
from features.language.current import use
from features.language.language import ENGLISH
from scoring.intervals import IntervalTable
from scoring.model.learned_range import learned_range
from scoring.model.log_odds import sigmoid
from scoring.release.contents import ReleaseContents
from scoring.timing import TimingCurves
from training.backtest import BacktestResult, backtest, random_split_optimism
from training.calibration.model_uncertainty import interval_table
from training.calibration.report import calibration_of, diagram_of
from training.candidates.newton import spread_rows
from training.candidates.own import own_candidates, warn_not_released
from training.charts.reliability import reliability_chart
from training.config import TrainingConfig
from training.evaluation.ages import ages_in_days
from training.forecast.timing import fit_timing
from training.labels.training_data import TrainingData, check_classes, load_training_data
from training.leakage.report import AuditReport
from training.model_card.record import FILE, card_json
from training.model_selection.cross_validation import Progress
from training.model_selection.fit import FittedModel, select_and_fit
from training.model_selection.worker_pool import WorkerPool
from training.open_leads import open_leads
from training.release_record import (
    golden_vectors,
    metrics_of,
    record_of,
    statistics_of,
)
from training.thresholds import choose_thresholds, thresholds_without_signal


@dataclass(frozen=True, slots=True)
class TrainedModel:
    """The contents of a release, and what the report about it is made from.

    ``fitted``: the final model with its choice. ``data``: the input as it was used.
    """

    contents: ReleaseContents
    backtest: BacktestResult
    fitted: FittedModel
    data: TrainingData

    @property
    def signal(self) -> bool:
        """Whether the release is better than the base rate."""
        return self.fitted.ensemble.signal


def train(
    dataset: Dataset,
    config: TrainingConfig | None = None,
    *,
    audit: AuditReport | None = None,
    progress: Progress | None = None,
) -> TrainedModel:
    """Backtest on the newest references, fit on all, and gather the contents of a release.

    ``audit``: what the leakage audit found; it is kept for the model card.

    Raises:
        DataError: no mature reference, or one class only.
        UsageError: an attribute or kind to exclude is not there.
        StorageError: a worker process was killed; nothing has been written.
    """
    config = config or TrainingConfig()
    if config.scorecard:  # its ``outbound`` means what it means in this dataset
        outbound = dataset.settings.outbound_kinds
        config = replace(config, scorecard=config.scorecard.with_outbound(outbound))
    own_candidates(config.candidates, config.seed)  # what is wrong with one is told before the work
    data = load_training_data(dataset, config.exclude)
    check_classes(data.labelled)
    until_us = data.labelled.observed_until_us
    everything = np.ones(len(data.labelled), bool)
    with WorkerPool(config.jobs) as pool:
        result = backtest(data, until_us, config, pool=pool, progress=progress)
        fitted = select_and_fit(data, everything, until_us, config, pool=pool, progress=progress)
        intervals = interval_table(fitted, data, config, pool=pool, progress=progress)
        timing = fit_timing(fitted, data, pool=pool)
        random_split = None
        if dataset.has_time:
            rng = np.random.default_rng(config.seed)
            random_split = random_split_optimism(fitted, data.labelled, rng, pool=pool)
    made = _Made(fitted, result, intervals, timing, random_split)
    with use(ENGLISH):  # a release has the same bytes whatever language its maker reads
        contents = _contents(dataset, config, data, made, audit)
    warn_not_released({r.candidate.name: reason for r, reason in fitted.compared})
    return TrainedModel(contents, result, fitted, data)


def _described(config: TrainingConfig) -> dict[str, str]:
    """The user's candidates by name, each with the class of its estimator."""
    made = own_candidates(config.candidates, config.seed)
    classes = {one.name: type(one.estimator) for one in made}
    return {name: f"{kind.__module__}.{kind.__name__}" for name, kind in classes.items()}


@dataclass(frozen=True, slots=True)
class _Made:
    """What the steps of a training made, before it is gathered."""

    fitted: FittedModel
    result: BacktestResult
    intervals: IntervalTable
    timing: TimingCurves | None
    random_split: dict[str, float] | None


def _contents(
    dataset: Dataset,
    config: TrainingConfig,
    data: TrainingData,
    made: _Made,
    audit: AuditReport | None,
) -> ReleaseContents:
    fitted, result = made.fitted, made.result
    policy = config.thresholds
    if not fitted.ensemble.signal and policy.depends_on_scores:
        thresholds, why = thresholds_without_signal(fitted.training_set.base_rate)
    else:
        thresholds, why = choose_thresholds(
            policy,
            sigmoid(fitted.log_odds),
            fitted.out_of_fold.weight,
            open_leads(data, fitted.model, fitted.spec) if policy.hot_per_week else None,
        )
    age_days = ages_in_days(data.labelled, data.histories.created_at_us)
    return ReleaseContents(
        name=dataset.settings.name,
        spec=fitted.spec,
        model=replace(fitted.model, learned_range=learned_range(fitted.training_set.vectors)),
        intervals=made.intervals,
        thresholds=thresholds,
        horizon_days=dataset.settings.horizon_days,
        has_time=dataset.has_time,
        scorecard=config.scorecard,
        data=record_of(dataset, data),
        settings={
            "seed": config.seed,
            "excluded": sorted(config.exclude),
            "treatment": str(config.treatment),
            "time_budget_s": config.time_budget_s,
            "insist": config.enforce_monotone,
            "cuts": why,
            **({"candidates": _described(config)} if config.candidates else {}),
        },
        statistics=statistics_of(fitted, data),
        metrics={
            **metrics_of(fitted, result, config.seed, made.random_split, age_days[result.rows]),
            "calibration": calibration_of(data, result, config.seed),
        },
        documents={
            "reliability.svg": str(reliability_chart(diagram_of(result, config.seed))).encode(),
            FILE: card_json(data, fitted, result, thresholds, config, audit),
        },
        golden_vectors=golden_vectors(spread_rows(fitted.training_set).vectors),
        timing=made.timing,
    )
