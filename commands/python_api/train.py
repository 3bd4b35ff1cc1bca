"""Training from a notebook: the same steps as ``leadscore train``, the same bytes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pandas as pd

from commands.python_api.data import DatasetLike, as_dataset
from commands.python_api.release import Release
from features.errors import UsageError

if TYPE_CHECKING:
    from scoring.scorecard.scorecard import Scorecard
    from training.config import TrainingConfig
    from training.model_card.blocks import Card
    from training.train import TrainedModel


@dataclass(frozen=True, eq=False)
class TrainingResult:
    """What a training made: ``release``, and the figures it rests on.

    >>> sorted(fitted.metrics)[:3]
    ['auc', 'auc_by_age', 'base_rate']
    >>> list(fitted.candidates.columns)
    ['candidate', 'log_loss', 'used', 'not_released']
    """

    trained: TrainedModel = field(repr=False)
    release: Release

    @property
    def metrics(self) -> dict[str, Any]:
        """Figures of the backtest, each ``{value, low, high}``, beside those of the base rate."""
        return self.release.metrics

    @property
    def verdict(self) -> str:
        """One sentence: what was chosen, and whether it is better than the base rate."""
        return str(self.metrics["verdict"])

    @cached_property
    def candidates(self) -> pd.DataFrame:
        """Every candidate on the same folds, best first.

        Columns: ``candidate``, ``log_loss`` (pooled, on the rows held out), ``used`` (part of the
        released ensemble), ``not_released`` (why it cannot be, empty if it can).
        """
        choice = self.metrics["choice"]
        used = set(choice["steps"])
        rows = [
            (one["name"], one["log_loss"], one["name"] in used, "") for one in choice["candidates"]
        ]
        rows += [
            (one["name"], one["log_loss"], False, one["reason"])
            for one in choice.get("compared", [])
        ]
        columns = ["candidate", "log_loss", "used", "not_released"]
        frame = pd.DataFrame(rows, columns=columns)
        return frame.sort_values("log_loss", kind="stable", ignore_index=True)

    def card(self) -> Card:
        """The model card of the release."""
        return self.release.card()

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()


def train(
    data: DatasetLike,
    config: TrainingConfig | None = None,
    *,
    hot_per_week: float | None = None,
    value_per_conversion: float | None = None,
    cost_per_contact: float | None = None,
    warm: float | None = None,
    hot: float | None = None,
    scorecard: Scorecard | None = None,
    exclude: Sequence[str] = (),
    candidates: Sequence[object] = (),
    seed: int = 0,
    jobs: int = 2,
    time_budget_s: float | None = None,
    enforce_monotone: bool = True,
    allow_leaks: bool = False,
) -> TrainingResult:
    """Choose by later references, calibrate, test; nothing is registered.

    Args:
        data: a dataset, or a folder or URL to read one from.
        config: every option in one value, instead of those below (``allow_leaks`` apart).
        hot_per_week: how many leads a week the team can call: sets the threshold of hot. Or
            ``value_per_conversion`` with ``cost_per_contact``, or the probabilities ``warm`` and
            ``hot``; without any, they follow the average probability.
        scorecard: the rules to stand beside the model; None takes the default scorecard.
        exclude: attributes, and ``kind:NAME`` for interactions, that are not to be used.
        candidates: scikit-learn classifiers of your own, to compete on the same folds: an
            estimator, or a pair ``(name, estimator)``. They get the vectors (float64, NaN is
            unknown). One whose arithmetic can be written as data can be part of the release.
        seed: the same data and seed give the same release, byte for byte.
        jobs: fits side by side, in worker processes; the result does not depend on it.
        time_budget_s: candidates estimated to take longer are left out; None tries all.
        enforce_monotone: a better answer on budget, authority, need or timeline never lowers the
            score of a boosted candidate.
        allow_leaks: train although a leak is sure.

    Returns:
        A result with ``release``, ``metrics``, ``candidates`` and ``verdict``.

    Raises:
        DataError: the data break the contract, no reference is mature, or one class only.
        GateError: a leak is sure; the message has the evidence.
        UsageError: options that exclude each other, an unknown name to exclude, a candidate that
            is no classifier or cannot be sent to a worker process.
        StorageError: a worker process was killed.

    >>> fitted = ls.train(data, hot_per_week=5, time_budget_s=0, jobs=1)
    >>> fitted.release.horizon_days
    30.0
    """
    from commands.output import progress_bar
    from scoring.release.contents import release_files
    from scoring.release.release import release_from_files
    from scoring.scorecard.scorecard import default_scorecard
    from training.config import TrainingConfig
    from training.leakage.gate import stop_on_leaks, with_evidence_against_excluded
    from training.thresholds import ThresholdPolicy
    from training.train import train as fit

    options = TrainingConfig(
        seed=seed,
        thresholds=ThresholdPolicy(hot_per_week, value_per_conversion, cost_per_contact, warm, hot),
        scorecard=scorecard,
        exclude=tuple(exclude),
        time_budget_s=time_budget_s,
        jobs=jobs,
        enforce_monotone=enforce_monotone,
        candidates=tuple(candidates),
    )
    if config is None:
        config = replace(options, scorecard=scorecard or default_scorecard())
    elif options != TrainingConfig():
        raise UsageError("options are given twice; put all of them into config, or leave it out")
    dataset = as_dataset(data)
    report = None
    if not allow_leaks:
        report = stop_on_leaks(dataset, config.exclude)
        report = with_evidence_against_excluded(report, dataset, config.exclude)
    with progress_bar(quiet=True) as report_progress:
        trained = fit(dataset, config, audit=report, progress=report_progress)
    files = release_files(trained.contents)
    content = release_from_files(files)
    return TrainingResult(trained, Release(content, files, content.release_id))
