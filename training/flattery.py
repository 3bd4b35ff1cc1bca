"""How much a random split would have flattered: the usual test, beside the honest one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from threadpoolctl import threadpool_limits

from training.candidates.family import Family, Sample
from training.evaluation import auc, log_loss
from training.learning import Learned, fit_recipe
from training.references import LabelledReferences

TEST_SHARE = 0.2


def random_split(
    learned: Learned,
    labelled: LabelledReferences,
    families: Sequence[Family],
    rng: np.random.Generator,
) -> dict[str, float] | None:
    """Log loss and AUC that a random fifth of the leads would have shown for the same recipe.

    None where there is no signal, or where one side of the split has one class only. Never used
    to choose anything: neighbours in time stand on both sides, so it looks better than what
    comes next month.
    """
    if not learned.recipe.signal:
        return None
    lead = labelled.lead[learned.rows]
    names = np.unique(lead)
    held = np.isin(lead, rng.permutation(names)[: round(TEST_SHARE * len(names))])
    sample = learned.sample
    label, weight = sample.label[held], sample.weight[held]
    if len(np.unique(label)) < 2 or len(np.unique(sample.label[~held])) < 2:
        return None
    rest = Sample(sample.vectors[~held], sample.label[~held], sample.weight[~held])
    with threadpool_limits(1):  # the same bits whatever the machine's threads
        model = fit_recipe(learned.recipe, families, rest)
    chance = model.probability(sample.vectors[held])
    return {"log_loss": log_loss(label, chance, weight), "auc": auc(label, chance, weight)}
