"""The choice of a recipe: columns, labels, folds, candidates and the ensemble of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from features.compute.array_types import Bools, Float64, Int8
from features.language.current import _, say
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from training.candidates.base import BaseRate, Candidate, TrainingSet
from training.candidates.factory import default_candidates
from training.candidates.own import is_own, not_released, own_candidates
from training.candidates.pool import CandidatePool, candidate_pool
from training.candidates.scorecard import SCORECARD
from training.config import TrainingConfig
from training.evaluation.metrics import log_losses_of_log_odds
from training.feature_selection.choose import choose_spec
from training.feature_selection.screening import select_by_gain
from training.labels.censoring import (
    CensoringTreatment,
    TrainingRows,
    training_rows,
    treatment_at,
)
from training.labels.references import IMMATURE, LabelledReferences, label_counts
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import (
    CandidateResult,
    CVPlan,
    OutOfFoldRows,
    Progress,
    cross_validate,
    out_of_fold_rows,
    prepare_folds,
    recency_weighted,
    recency_weighted_folds,
)
from training.model_selection.ensemble import EnsembleChoice, choose_ensemble
from training.model_selection.label_policy import LabelPolicy
from training.model_selection.time_budget import within_budget
from training.model_selection.worker_pool import WorkerPool

MIN_FOLDS_FOR_RECENCY = 3
"""With fewer rolling origins, recency weights are not tried."""


MIN_MINUTES_ESTIMATED = 1.5
"""Shorter searches are begun without an estimate."""


MIN_LABELS_TO_FIT = 10
"""With fewer references of either class nothing but the base rate is fitted."""


@dataclass(frozen=True, slots=True)
class Selection:
    """What was chosen, and what the choice rests on.

    ``candidates``: those that fit the ensemble, with their columns; ``label_spec``: the columns
    that labels are expected from. ``results``: the base rate first, then every candidate.
    ``compared``: the user's candidates that cannot be part of a release, each with the reason.
    ``log_odds`` (m): calibrated, of the ``out_of_fold`` rows. ``matrix`` (n, F): vectors of the
    references chosen on. ``known``: what of them may be learned from.
    """

    candidates: CandidatePool
    label_spec: FeatureSpec
    ensemble: EnsembleChoice
    results: tuple[CandidateResult, ...]
    compared: tuple[tuple[CandidateResult, str], ...]
    out_of_fold: OutOfFoldRows
    log_odds: Float64
    plan: CVPlan
    policy: LabelPolicy
    matrix: Float64
    known: TrainingRows


def select_recipe(
    data: TrainingData,
    allowed: Bools,
    until_us: int,
    config: TrainingConfig,
    workers: WorkerPool,
    progress: Progress | None,
) -> Selection:
    """Choose on the references ``allowed`` (n, bool) of ``data``, as known at ``until_us``."""
    labelled = data.labelled
    treatment = treatment_at(labelled, until_us, config.treatment)
    described = labelled.take(_rows_with_columns(labelled, allowed, until_us, treatment))
    spec = choose_spec(data.settings, data.histories, described.references)
    spec = select_by_gain(spec, data.histories, labelled, allowed, until_us, config.seed)
    candidates = candidate_pool(spec, config.scorecard)
    matrix = compute_vectors(candidates.spec, data.histories, labelled.references)
    fitted_columns = matrix[:, : candidates.width]
    age_us = labelled.as_of_us - data.histories.created_at_us[labelled.lead]
    with threadpool_limits(1):
        policy = LabelPolicy(labelled, fitted_columns, age_us, treatment, config.seed)
        policy = policy.checked(allowed, until_us)
        known = policy.rows_at(allowed, until_us)
        candidates = candidates.drop_constant_scorecard(matrix[known.rows])
        matrix = matrix[:, : len(candidates.spec)]
        rng = np.random.default_rng(config.seed)
        plan = prepare_folds(labelled, fitted_columns, allowed, until_us, policy.rows_at, rng)
    label = labelled.labels_as_of(until_us)
    rows = out_of_fold_rows(plan.folds, label, labelled.weight, plan.unit)
    candidates = _with_default_candidates(
        candidates, label[allowed & (label != IMMATURE)], plan, config
    )
    with threadpool_limits(1):
        baseline = cross_validate([BaseRate()], plan.folds, matrix, rows)[0]
        results, is_recent = _candidate_results(
            candidates.candidates, plan, labelled, matrix, rows, workers, progress
        )
        reasons = _not_released(results, matrix, known)
        compared = tuple((r, reasons[r.candidate.name]) for r in results
                         if r.candidate.name in reasons)  # fmt: skip
        results = [result for result in results if result.candidate.name not in reasons]
        if is_recent:  # the base rate that those models were trained at
            plan = recency_weighted_folds(plan, labelled)
            baseline = cross_validate([BaseRate()], plan.folds, matrix, rows)[0]
        ensemble, log_odds = choose_ensemble(results, baseline, rows, by_time=plan.by_time)
    if is_recent and ensemble.signal:
        ensemble = replace(ensemble, recency_weighted=True)
        known = recency_weighted(known, labelled, until_us)
    label_spec = candidates.fitted_spec
    candidates = candidates.restrict(tuple(ensemble.steps))
    return Selection(
        candidates, label_spec, ensemble, (baseline, *results), compared, rows, log_odds, plan,
        policy, matrix[:, : len(candidates.spec)], known,
    )  # fmt: skip


def _rows_with_columns(
    labelled: LabelledReferences, allowed: Bools, until_us: int, treatment: CensoringTreatment
) -> npt.NDArray[np.intp]:
    """The references for which columns are declared: all that were asked, where all can teach."""
    if treatment == CensoringTreatment.EXPECTED:
        return np.flatnonzero(allowed & (labelled.as_of_us < until_us))
    return training_rows(labelled, allowed, until_us, treatment).rows


def _not_released(
    results: Sequence[CandidateResult], matrix: Float64, known: TrainingRows
) -> dict[str, str]:
    """Why candidates of the user cannot be part of a release, by name."""
    own = [result.candidate for result in results if is_own(result.candidate)]
    if not own:
        return {}
    return not_released(own, TrainingSet(matrix[known.rows], known.label, known.weight))


def _with_default_candidates(
    candidates: CandidatePool, label: Int8, plan: CVPlan, config: TrainingConfig
) -> CandidatePool:
    """With the candidates that the budget allows; none where there are too few labels."""
    if min(label_counts(label)) < MIN_LABELS_TO_FIT:
        return candidates.without_scorecard()
    offered = default_candidates(
        config.seed, candidates.fitted_spec, enforce_monotone=config.enforce_monotone
    )
    n_folds = len(plan.folds)
    fitted = within_budget(offered, len(label), candidates.width, n_folds, config.time_budget_s)
    return replace(candidates, fitted=(*fitted, *own_candidates(config.candidates, config.seed)))


def _candidate_results(
    candidates: Sequence[Candidate],
    plan: CVPlan,
    labelled: LabelledReferences,
    matrix: Float64,
    rows: OutOfFoldRows,
    pool: WorkerPool,
    progress: Progress | None,
) -> tuple[list[CandidateResult], bool]:
    """The cross-validation of every candidate, and whether older references weigh less in it.

    They do when every candidate is better for it, on the pooled folds and on the newest: a single
    one may gain by chance. The first that is not better ends the attempt.
    """

    def validated(some: Sequence[Candidate], folds: CVPlan, what: str) -> list[CandidateResult]:
        return cross_validate(
            some, folds.folds, matrix, rows, pool=pool, progress=progress, what=what
        )

    results = validated(candidates, plan, _in_words(candidates, plan, matrix, pool.jobs))
    if not plan.by_time or len(plan.folds) < MIN_FOLDS_FOR_RECENCY or not candidates:
        return results, False
    recent_plan = recency_weighted_folds(plan, labelled)
    recent_results: list[CandidateResult] = []
    for before in results:
        recent_results += validated([before.candidate], recent_plan, _("recency weights"))
        # rules that people wrote do not age, and an estimator of the user may take no weights
        must_gain = before.candidate.name != SCORECARD and not is_own(before.candidate)
        if must_gain and not _is_better(recent_results[-1], before, rows):
            return results, False
    return recent_results, True


def _in_words(candidates: Sequence[Candidate], plan: CVPlan, matrix: Float64, jobs: int) -> str:
    """What progress calls the fits of the candidates: with an estimate where they take minutes."""
    seconds = sum(
        candidate.path_seconds(len(fold.train.rows), matrix.shape[1])
        for candidate in candidates
        for fold in plan.folds
    )
    minutes = seconds / 60 / jobs
    if minutes < MIN_MINUTES_ESTIMATED:
        return _("candidates")
    return say(
        "candidates (about {minutes:.0f} minutes; --time-budget SECONDS tries fewer)",
        minutes=minutes,
    )


def _is_better(after: CandidateResult, before: CandidateResult, rows: OutOfFoldRows) -> bool:
    """Whether the log losses are lower over all folds and in the newest one."""
    gain = log_losses_of_log_odds(rows.label, before.log_odds) - log_losses_of_log_odds(
        rows.label, after.log_odds
    )
    newest = rows.fold == rows.fold.max()
    return bool(rows.weight @ gain > 0 and rows.weight[newest] @ gain[newest] > 0)
