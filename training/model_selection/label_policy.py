"""What is learned from at a moment, under one treatment of immature references, and its check.

``EXPECTED`` labels come from a quick model of the mature references. The check learns both ways
from what was known one horizon before the end, and compares them on other leads' references that
were immature then and have matured since.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from features.compute.array_types import Bools, Float64, Int64, Rows
from scoring.model.learned_range import learned_range
from scoring.model.log_odds import sigmoid
from scoring.model.model import Model
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.linear import DEFAULT_STRENGTH, LinearCandidate
from training.evaluation.confidence import clustered_z_score
from training.evaluation.metrics import log_losses_of_log_odds
from training.labels.censoring import (
    CensoringTreatment,
    TrainingRows,
    expected_training_rows,
    training_rows,
    treatment_at,
)
from training.labels.references import IMMATURE, LabelledReferences
from training.labels.splits import units_by_content

QUICK_TREES = 70
MIN_CONVERSIONS_TO_CHECK = 25
"""With fewer conversions among what matured later the check says nothing."""
CLEARLY_WORSE = 1.0
"""Standard errors by which expected labels must be worse to be given up."""


@dataclass(frozen=True, slots=True)
class ImmatureCheck:
    """How expected labels did beside mature references only, on what matured later.

    ``references``: how many were compared. ``mature_only``, ``expected_labels``: log loss, nats.
    ``gain_z_score``: by how many standard errors over leads expected labels were better.
    """

    references: int
    mature_only: float
    expected_labels: float
    gain_z_score: float


@dataclass(frozen=True, slots=True)
class LabelPolicy:
    """Which references teach what.

    ``matrix`` (n, F): vectors of the labelled references. ``age_us`` (n): as_of minus creation.
    ``treatment``: never ``ADAPTIVE``. ``check``: None where expected labels were not asked for, or
    the history is too short to check them.
    """

    labelled: LabelledReferences
    matrix: Float64
    age_us: Int64
    treatment: CensoringTreatment
    seed: int
    check: ImmatureCheck | None = None

    def rows_at(self, allowed: Bools, cutoff_us: int) -> TrainingRows:
        """What may be learned at ``cutoff_us`` from the references ``allowed`` (n, bool)."""
        mature = training_rows(self.labelled, allowed, cutoff_us, self.treatment)
        positives = int((mature.label == 1).sum())
        if self.treatment != CensoringTreatment.EXPECTED or not 0 < positives < len(mature.label):
            return mature
        chance = sigmoid(self._quick(mature, self._within(mature)))
        return expected_training_rows(self.labelled, allowed, cutoff_us, self.age_us, chance)

    def checked(self, allowed: Bools, until_us: int) -> LabelPolicy:
        """Expected labels given up where they are clearly worse on what matured later."""
        if self.treatment != CensoringTreatment.EXPECTED:
            return self
        check = self._check(allowed, until_us)
        worse = check is not None and check.gain_z_score < -CLEARLY_WORSE
        treatment = CensoringTreatment.MATURE if worse else CensoringTreatment.EXPECTED
        return replace(self, treatment=treatment, check=check)

    def _check(self, allowed: Bools, until_us: int) -> ImmatureCheck | None:
        labelled = self.labelled
        earlier = until_us - labelled.horizon_us
        label = labelled.labels_as_of(until_us)
        rng = np.random.default_rng(self.seed)
        lead = units_by_content(labelled.unit, labelled.as_of_us, self.matrix)
        n_leads = int(lead.max()) + 1
        held = np.isin(lead, rng.permutation(n_leads)[: n_leads // 2])
        since = (label != IMMATURE) & (labelled.labels_as_of(earlier) == IMMATURE)
        test = np.flatnonzero(allowed & held & since)
        if (
            treatment_at(labelled, earlier, CensoringTreatment.ADAPTIVE)
            != CensoringTreatment.EXPECTED
        ):
            return None
        learns = allowed & ~held
        mature = training_rows(labelled, learns, earlier, CensoringTreatment.MATURE)
        wins = (int((label[test] == 1).sum()), int((mature.label == 1).sum()))
        if min(wins) < MIN_CONVERSIONS_TO_CHECK or not (mature.label == 0).any():
            return None
        both = (mature, self.rows_at(learns, earlier))
        at = self.matrix[test]
        waits, expects = (
            log_losses_of_log_odds(label[test], self._quick(each, at)) for each in both
        )
        weight = labelled.weight[test]
        return ImmatureCheck(
            len(test),
            float(np.average(waits, weights=weight)),
            float(np.average(expects, weights=weight)),
            clustered_z_score(waits - expects, weight, labelled.unit[test]),
        )

    def _quick(self, learned: TrainingRows, vectors: Float64) -> Float64:
        """Log-odds of ``vectors`` by a linear and a boosted model, averaged."""
        sample = TrainingSet(self.matrix[learned.rows], learned.label, learned.weight)
        paths = [family.fit_path(sample, vectors)[0] for family in self._quick_candidates()]
        return np.asarray(np.mean(paths, axis=0))

    def _quick_candidates(self) -> tuple[LinearCandidate, BoostedTrees]:
        return (
            LinearCandidate(hyperparameter_grid=(DEFAULT_STRENGTH,)),
            BoostedTrees(
                "quick",
                additive=False,
                seed=self.seed,
                feature_share=1.0,
                hyperparameter_grid=(QUICK_TREES,),
            ),
        )

    def quick_model(self, allowed: Bools, cutoff_us: int) -> Model | None:
        """The quick model of what is mature, with its range; None where no label is expected."""
        mature = training_rows(self.labelled, allowed, cutoff_us, self.treatment)
        positives = int((mature.label == 1).sum())
        if self.treatment != CensoringTreatment.EXPECTED or not 0 < positives < len(mature.label):
            return None
        sample = TrainingSet(self.matrix[mature.rows], mature.label, mature.weight)
        families = self._quick_candidates()
        parts = tuple(f.fit(sample, f.hyperparameter_grid[0]) for f in families)
        width = self.matrix.shape[1]
        return Model(parts, (0.5, 0.5), 1.0, 0.0, width, learned_range(sample.vectors))

    def _within(self, learned: TrainingRows) -> Float64:
        """(n, F) with each column kept inside the range that was learned from: a number that grows
        with the calendar is not extrapolated."""
        seen = self.matrix[learned.rows]
        known = ~np.isnan(seen).all(axis=0)
        inside = self.matrix.copy()
        low, high = np.nanmin(seen[:, known], axis=0), np.nanmax(seen[:, known], axis=0)
        inside[:, known] = np.clip(inside[:, known], low, high)
        return inside


def rows_of_everything(
    policy: LabelPolicy,
    in_sample: Bools,
    labelled: LabelledReferences,
    allowed: Bools,
    age_us: Int64,
    cutoff_us: int,
    vectors_at: Callable[[Rows], Float64],
) -> TrainingRows:
    """What may be learned from all references ``allowed`` (n) under the policy of a sample.

    ``in_sample`` (m): which references of the sample may be used; a quick model of them gives the
    expected labels. ``age_us`` (n): as_of minus creation. ``vectors_at``: gives the vectors of some
    of the references, with the columns of ``policy.matrix``.
    """
    quick = policy.quick_model(in_sample, cutoff_us)
    if quick is None:
        return training_rows(labelled, allowed, cutoff_us, policy.treatment)
    immature = labelled.labels_as_of(cutoff_us) == IMMATURE
    before_cutoff = allowed & (labelled.as_of_us < cutoff_us)
    waiting = np.flatnonzero(before_cutoff & immature & (labelled.closed_us > cutoff_us))
    chance = np.zeros(len(labelled))
    chance[waiting] = quick.probability(vectors_at(waiting))
    return expected_training_rows(labelled, allowed, cutoff_us, age_us, chance)
