"""Model selection at one moment, from what was known then to one calibrated model.

Where there are more leads than a choice needs, the recipe is chosen on a sample of them
(:mod:`training.model_selection.choice_sample`) and fitted on everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from threadpoolctl import threadpool_limits

from features.compute.array_types import Bools, Float64, Int8, Int64, Rows
from features.compute.mapped import empty_matrix
from features.language.current import _
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from scoring.model.component import ConstantComponent, ModelComponent
from scoring.model.model import Model
from training.candidates.base import Candidate, TrainingSet
from training.config import TrainingConfig
from training.labels.censoring import CensoringTreatment, TrainingRows
from training.labels.training_data import TrainingData
from training.model_selection.choice_sample import (
    ChoiceError,
    ChoiceSample,
    choice_error,
    choice_sample,
)
from training.model_selection.cross_validation import (
    CandidateResult,
    CVPlan,
    OutOfFoldRows,
    Progress,
    recency_weighted,
)
from training.model_selection.ensemble import EnsembleChoice, ensemble_weights
from training.model_selection.label_policy import ImmatureCheck, rows_of_everything
from training.model_selection.selection import Selection, select_recipe
from training.model_selection.time_budget import seconds_to_fit
from training.model_selection.worker_pool import WorkerPool

MAX_ROWS_DESCRIBED = 200_000
"""Distributions of columns are taken from at most so many references, spread evenly over time."""


@dataclass(frozen=True, slots=True)
class SampledChoice:
    """The sample that the recipe was chosen on.

    ``leads`` of ``of_leads``; ``rows`` (m): its references among all; ``error``: how well
    differences between recipes are known on it, None without a signal.
    """

    leads: int
    of_leads: int
    rows: Rows
    error: ChoiceError | None


@dataclass(frozen=True, slots=True)
class FittedModel:
    """A model with what its choice rests on.

    ``ensemble``: what was chosen. ``candidate_results``: the base rate first, then every candidate.
    ``out_of_fold``: the rows predicted when choosing, with their ``out_of_fold_vectors`` (m, F) and
    calibrated ``log_odds`` (m). ``by_time``: the folds followed time. ``training_set``: what the
    model was fitted on, the references at ``rows``. ``candidates``: those that can fit the
    ensemble again. ``compared``: the user's candidates that cannot be part of a release, each with
    the reason. ``plan``: the folds that chose, rows of ``choice_matrix`` (k, F). ``treatment``: of
    immature references, with its ``check``, None where it could not be made. ``sample``: None
    where the recipe was chosen on all leads.
    """

    spec: FeatureSpec
    model: Model
    ensemble: EnsembleChoice
    candidate_results: tuple[CandidateResult, ...]
    out_of_fold: OutOfFoldRows
    out_of_fold_vectors: Float64
    log_odds: Float64
    by_time: bool
    training_set: TrainingSet
    rows: Int64
    candidates: tuple[Candidate, ...] = ()
    compared: tuple[tuple[CandidateResult, str], ...] = ()
    plan: CVPlan | None = None
    treatment: CensoringTreatment = CensoringTreatment.MATURE
    check: ImmatureCheck | None = None
    choice_matrix: Float64 | None = None
    sample: SampledChoice | None = None

    @property
    def described(self) -> Rows:
        """Places in ``training_set`` of what was learned from, each reference once (with an
        expected label it enters twice); at most ``MAX_ROWS_DESCRIBED`` of them."""
        _, first = np.unique(self.rows, return_index=True)
        if len(first) <= MAX_ROWS_DESCRIBED:
            return first
        return first[np.linspace(0, len(first) - 1, MAX_ROWS_DESCRIBED).astype(np.intp)]

    @property
    def references(self) -> int:
        """How many references were learned from."""
        return len(np.unique(self.rows))

    @property
    def reference_vectors(self) -> Float64:
        """(k, F) the vectors of what is ``described``."""
        return self.training_set.vectors[self.described]


def select_and_fit(
    data: TrainingData,
    allowed: Bools,
    until_us: int,
    config: TrainingConfig,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
) -> FittedModel:
    """Choose, calibrate and fit on the references ``allowed`` (n, bool), as known at ``until_us``.

    Byte-identical for the same data and seed: linear algebra runs on one thread, and the order
    of work does not depend on ``config.jobs``. ``pool``: worker processes shared with other fits;
    None starts them for this one alone.
    """
    sample = choice_sample(data, config.choose_on)
    with _workers(pool, config.jobs) as workers:
        if sample is None:
            chosen = select_recipe(data, allowed, until_us, config, workers, progress)
            known = chosen.known
            vectors = chosen.matrix[known.rows]
        else:
            chosen = select_recipe(
                sample.data, allowed[sample.rows], until_us, config, workers, progress
            )
            known = _known_of_all(data, allowed, until_us, sample, chosen)
            vectors = vectors_at(data, known.rows, chosen.candidates.spec)
        training_set = TrainingSet(vectors, known.label, known.weight)
        model = fit_ensemble(
            chosen.ensemble,
            chosen.candidates.candidates,
            training_set,
            pool=workers,
            progress=progress,
        )
    return _fitted(chosen, model, training_set, known.rows, sample)


def _fitted(
    chosen: Selection,
    model: Model,
    training_set: TrainingSet,
    rows: Rows,
    sample: ChoiceSample | None,
) -> FittedModel:
    out_of_fold, described = chosen.out_of_fold, None
    if sample is not None:
        error = choice_error(chosen.results, chosen.ensemble, out_of_fold)
        described = SampledChoice(sample.leads, sample.of_leads, sample.rows, error)
        out_of_fold = out_of_fold.at(sample.rows[out_of_fold.rows])
    return FittedModel(
        chosen.candidates.spec, model, chosen.ensemble, chosen.results, out_of_fold,
        chosen.matrix[chosen.out_of_fold.rows], chosen.log_odds, chosen.plan.by_time,
        training_set, rows, chosen.candidates.candidates, chosen.compared, chosen.plan,
        chosen.policy.treatment, chosen.policy.check, chosen.matrix, described,
    )  # fmt: skip


def _known_of_all(
    data: TrainingData, allowed: Bools, until_us: int, sample: ChoiceSample, chosen: Selection
) -> TrainingRows:
    """What may be learned from all leads, with the labels that the sample's policy expects."""
    labelled = data.labelled
    known = rows_of_everything(
        chosen.policy,
        allowed[sample.rows],
        labelled,
        allowed,
        labelled.as_of_us - data.histories.created_at_us[labelled.lead],
        until_us,
        lambda rows: vectors_at(data, rows, chosen.label_spec),
    )
    if chosen.ensemble.recency_weighted:
        known = recency_weighted(known, labelled, until_us)
    return known


def vectors_at(data: TrainingData, rows: Rows, spec: FeatureSpec) -> Float64:
    """(k, F) vectors of the references at ``rows``; a large matrix is a file that workers map."""
    references = data.labelled.take(rows).references
    out = empty_matrix(len(rows), len(spec))
    return compute_vectors(spec, data.histories, references, out=out)


class _Fit(NamedTuple):
    candidate: Candidate
    step: float
    label: Int8
    weight: Float64


def fit_ensemble(
    ensemble: EnsembleChoice,
    candidates: Sequence[Candidate],
    training_set: TrainingSet,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
) -> Model:
    """The chosen candidates fitted on ``training_set``, recalibrated around its base rate.

    ``pool``: worker processes that fit side by side; the bits do not depend on it.
    """
    width, base = training_set.vectors.shape[1], training_set.base_log_odds
    if not ensemble.signal:
        return Model((ConstantComponent(base, width),), (1.0,), 1.0, 0.0, width)
    chosen = [c for c in candidates if c.name in ensemble.steps]
    components = _components(chosen, ensemble, training_set, pool or WorkerPool(1), progress)
    weights = ensemble_weights([c.name for c in chosen], ensemble.scorecard_weight)
    intercept = (1 - ensemble.slope) * base + ensemble.level
    return Model(components, weights, ensemble.slope, intercept, width)


def _components(
    chosen: Sequence[Candidate],
    ensemble: EnsembleChoice,
    sample: TrainingSet,
    pool: WorkerPool,
    progress: Progress | None,
) -> tuple[ModelComponent, ...]:
    """Fitted, the longest first, so that no worker is left with it at the end."""
    steps = [ensemble.steps[c.name] for c in chosen]
    seconds = [
        seconds_to_fit(c, step, *sample.vectors.shape)
        for c, step in zip(chosen, steps, strict=True)
    ]
    order = np.argsort(seconds, kind="stable")[::-1]
    tasks = [_Fit(chosen[i], steps[i], sample.label, sample.weight) for i in order]
    fitted: dict[int, ModelComponent] = {}
    with threadpool_limits(1):
        made = pool.map(_fit_component, sample.vectors, tasks, sum(seconds))
        for place, component in zip(order, made, strict=True):
            fitted[int(place)] = component
            if progress:
                progress(_("final fits"), len(fitted), len(tasks))
    return tuple(fitted[i] for i in range(len(chosen)))


def _fit_component(vectors: Float64, task: _Fit) -> ModelComponent:
    return task.candidate.fit(TrainingSet(vectors, task.label, task.weight), task.step)


def _workers(pool: WorkerPool | None, jobs: int) -> AbstractContextManager[WorkerPool]:
    """The pool given, which stays open, or one for this fit alone."""
    return WorkerPool(jobs) if pool is None else nullcontext(pool)
