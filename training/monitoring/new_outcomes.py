"""How many outcomes are known now that a release could not learn from."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from features.dataset import Dataset
from features.histories.build import histories_from_dataset
from scoring.release.release import Release
from training.labels.references import IMMATURE, labelled_references
from training.monitoring.monitor import with_training_references


def new_outcomes(release: Release, dataset: Dataset) -> int:
    """References of ``dataset`` whose label is known now and was not when ``release`` was trained.

    A reference's label is known once its horizon has passed, so these are the mature references
    later than the end of the training data less one horizon. Without time: how many more outcomes
    there are than the release learned from, never below 0. Corrections of old outcomes do not
    count. Raises DataError when ``dataset`` has no reference.
    """
    data = with_training_references(release, dataset)
    labelled = labelled_references(data, histories_from_dataset(data))
    learned = release.manifest["data"]
    until = learned.get("observed_until") if release.has_time and labelled.has_time else None
    if until is None:
        before = int(learned["positives"]) + int(learned["negatives"])
        return max(0, int(labelled.mature.sum()) - before)
    known = labelled.labels_as_of(round(datetime.fromisoformat(until).timestamp() * 1e6))
    return int(np.sum(labelled.mature & (known == IMMATURE)))
