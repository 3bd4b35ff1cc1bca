"""Training from a dataset to the contents of a release, with the figures that back it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from features.building import histories_of
from features.contract import AttributeSettings, Available, DatasetSettings
from features.dataset import Dataset
from features.errors import DataError, UsageError
from features.histories import Histories
from scoring.release_contents import ReleaseContents
from scoring.scorecard import Scorecard
from training.audit.report import AuditReport
from training.calibration.reliability_chart import reliability_chart
from training.calibration.report import calibration_of, diagram_of
from training.calibration.score_spread import interval_table
from training.cards.record import FILE, Kept, card_json
from training.cuts import CutsChoice, choose_cuts
from training.delay import Treatment
from training.fit_record import golden_vectors, leads_per_week, metrics_of, record_of, statistics_of
from training.flattery import random_split
from training.honest_test import Tested, honest_test
from training.learning import Learned, Method, Source, learn
from training.out_of_time import Progress, probability
from training.references import LabelledReferences, labelled_references
from training.worker_pool import WorkerPool

KIND_PREFIX = "kind:"
"""Before a name to exclude that is an interaction kind and not an attribute."""


@dataclass(frozen=True, slots=True)
class Training:
    """What the user decides. ``exclude``: attributes, and ``kind:`` kinds, not to be used.

    ``time_budget_s``: estimated seconds for one search (see ``training.budget``), None for all.
    ``jobs``: fits run side by side, in worker processes; the result does not depend on it.
    ``insist``: keep the directions of ``training.monotone``. ``audited``: what the audit found.
    """

    seed: int = 0
    cuts: CutsChoice = field(default_factory=CutsChoice)
    scorecard: Scorecard | None = None
    exclude: tuple[str, ...] = ()
    treatment: Treatment = Treatment.ADAPTIVE
    time_budget_s: float | None = None
    jobs: int = 2
    insist: bool = True
    audited: AuditReport | None = None


@dataclass(frozen=True, slots=True)
class Trained:
    """The contents of a release, and what the report about it is made from.

    ``tested``: the honest test. ``learned``: the final model with its choice. ``source``: the
    data as it was used.
    """

    contents: ReleaseContents
    tested: Tested
    learned: Learned
    source: Source

    @property
    def signal(self) -> bool:
        """Whether the release says more than the base rate."""
        return self.learned.recipe.signal


def train(
    dataset: Dataset, training: Training | None = None, *, progress: Progress | None = None
) -> Trained:
    """Learn, test on the newest references, and gather the contents of a release.

    Raises:
        DataError: no mature reference, or one class only.
        UsageError: an attribute or kind to exclude is not there.
        StorageError: a worker process was killed; nothing has been written.
    """
    training = training or Training()
    source = source_of(dataset, training.exclude)
    check_classes(source.labelled)
    method = Method(
        seed=training.seed,
        treatment=training.treatment,
        time_budget_s=training.time_budget_s,
        jobs=training.jobs,
        progress=progress,
        scorecard=_scorecard(training, dataset),
        insist=training.insist,
    )
    until_us = source.labelled.observed_until_us
    with WorkerPool(training.jobs) as pool:
        method = replace(method, pool=pool)
        tested = honest_test(source, until_us, method)
        learned = learn(source, np.ones(len(source.labelled), bool), until_us, method)
    return Trained(_contents(dataset, training, source, learned, tested), tested, learned, source)


def source_of(dataset: Dataset, exclude: Sequence[str] = ()) -> Source:
    """Histories, labelled references and the settings with ``exclude`` marked as not usable."""
    histories = histories_of(dataset)
    settings = without(dataset.settings, histories, exclude)
    return Source(settings, histories, labelled_references(dataset, histories))


def without(
    settings: DatasetSettings, histories: Histories, exclude: Sequence[str]
) -> DatasetSettings:
    """``settings`` in which the attributes ``exclude`` are known after the outcome only.

    ``kind:NAME`` excludes an interaction kind: it joins ``excluded_kinds``.
    """
    known = set(settings.attributes) | set(histories.attributes)
    seen = {f"{KIND_PREFIX}{kind}" for kind in histories.interactions.kinds}
    kinds = {name for name in exclude if name in seen - known}
    after = {
        name: settings.attributes.get(name, AttributeSettings()).model_copy(
            update={"available": Available.AFTER_OUTCOME}
        )
        for name in exclude
        if name not in kinds
    }
    if foreign := sorted(set(after) - known):
        raise _cannot_exclude(foreign[0], known, seen)
    named = {*settings.excluded_kinds, *(kind.removeprefix(KIND_PREFIX) for kind in kinds)}
    return settings.model_copy(
        update={
            "attributes": {**settings.attributes, **after},
            "excluded_kinds": tuple(sorted(named)),
        }
    )


def _cannot_exclude(name: str, known: set[str], seen: set[str]) -> UsageError:
    """What is not there, and what could have been meant."""
    if name.startswith(KIND_PREFIX):
        there = ", ".join(sorted(seen)) or "no interactions"
        return UsageError(f"cannot exclude {name!r}: no such kind; there are {there}")
    hint = f"; the kind of that name is excluded by {KIND_PREFIX}{name}"
    meant = hint if f"{KIND_PREFIX}{name}" in seen else ""
    there = ", ".join(sorted(known))
    return UsageError(f"cannot exclude {name!r}: no such attribute; there are {there}{meant}")


def check_classes(labelled: LabelledReferences) -> None:
    """Raise DataError when there is nothing to tell apart."""
    label = labelled.label
    positives, negatives = int((label == 1).sum()), int((label == 0).sum())
    if positives + negatives == 0:
        days = labelled.horizon_us / 86_400_000_000
        raise DataError(
            f"none of the {len(label):,} references is mature: the horizon of {days:g} days has "
            "not passed for any. Set a shorter horizon_days, or wait"
        )
    if not positives or not negatives:
        there = "converted within the horizon" if positives else "did not convert"
        raise DataError(
            f"one class only: all {positives + negatives:,} mature references {there}. "
            "A model needs leads that converted and leads that did not; check outcomes and "
            "horizon_days"
        )


def _scorecard(training: Training, dataset: Dataset) -> Scorecard | None:
    """The rules to ship, for which ``outbound`` means what it means in this dataset."""
    card = training.scorecard
    return None if card is None else card.with_outbound(dataset.settings.outbound_kinds)


def _contents(
    dataset: Dataset, training: Training, source: Source, learned: Learned, tested: Tested
) -> ReleaseContents:
    chances = probability(learned.log_odds)
    cuts, why = choose_cuts(
        training.cuts, chances, learned.tested.weight, leads_per_week(source.labelled, source)
    )
    flattered = None
    if dataset.has_time:
        rng = np.random.default_rng(training.seed)
        flattered = random_split(learned, source.labelled, learned.families, rng)
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
            "insist": training.insist,
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
