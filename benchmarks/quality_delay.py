"""Immature leads: four ways to treat them, the same model each time, on the same test."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from features.vectors import vectors
from training.candidates.boosted import Boosted
from training.candidates.family import Sample
from training.delay import Treatment, lesson
from training.evaluation import loss_difference, losses
from training.feature_choice import choose_spec
from training.learning import Source
from training.out_of_time import probability
from training.splits import Fold

TREES = 220.0


def delay_table(
    source: Source, folds: list[Fold], truth: Callable[[np.ndarray], np.ndarray] | None
) -> dict[str, dict[str, float]]:
    """Per treatment: rows learned from, mean prediction, log loss, paired difference to mature."""
    fold, labelled = folds[0], source.labelled
    test = fold.test
    apart = ~np.isin(labelled.lead, labelled.lead[test])
    # where an open lead is called lost, it must be allowed to be: all leads teach
    everyone = np.ones(len(labelled), bool)
    mature = labelled.take(fold.train).references
    matrix = vectors(
        choose_spec(source.settings, source.histories, mature), source.histories,
        labelled.references,
    )  # fmt: skip
    family = Boosted("boosted", additive=False, seed=0, steps=(TREES,))
    label, weight, lead = labelled.label[test], labelled.weight[test], labelled.lead[test]
    answers = {}
    table: dict[str, dict[str, float]] = {}
    for treatment in Treatment:
        allowed = everyone if treatment == Treatment.NEGATIVE else apart
        known = lesson(labelled, allowed, int(fold.cutoff_us or 0), treatment)
        sample = Sample(matrix[known.rows], known.label, known.weight)
        answers[treatment] = probability(family.path(sample, matrix[test])[0])
        table[str(treatment)] = {
            "rows": len(known.rows),
            "mean_prediction": float(np.average(answers[treatment], weights=weight)),
            "log_loss": float(np.average(losses(label, answers[treatment]), weights=weight)),
        }
    for treatment, answer in answers.items():
        rng = np.random.default_rng(0)
        gap = loss_difference(label, answer, answers[Treatment.MATURE], weight, lead, rng)
        table[str(treatment)] |= {"minus_mature": gap.value, "low": gap.low, "high": gap.high}
        if truth is not None:
            true = truth(test)
            table[str(treatment)]["distance_to_truth"] = float(
                np.average((answer - true) ** 2, weights=weight) ** 0.5
            )
    return table
