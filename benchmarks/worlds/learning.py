"""A made world read back: what there is to learn from, and the test references with their truth."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from features.histories.arrays import Histories, References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from training.labels.training_data import TrainingData, load_training_data
from worlds.definition import World
from worlds.files import make_world, read_truth


@dataclass(frozen=True)
class Exam:
    """``source``: to learn from. ``histories``, ``references`` (n): to predict. ``truth`` (n):
    exact probabilities."""

    source: TrainingData
    histories: Histories
    references: References
    truth: np.ndarray

    def excess(self, probability: np.ndarray) -> float:
        """Expected log loss beyond that of the truth, as a share of the truth's (entropy)."""
        t, q = (np.clip(p, 1e-12, 1 - 1e-12) for p in (self.truth, probability))
        apart = t * np.log(t / q) + (1 - t) * np.log((1 - t) / (1 - q))
        entropy = -(t * np.log(t) + (1 - t) * np.log(1 - t))
        return float(apart.mean() / entropy.mean())

    def bias(self, probability: np.ndarray) -> float:
        """Mean probability over that of the truth, minus 1."""
        return float(probability.mean() / self.truth.mean() - 1)


def exam(world: World, seed: int, leads: int | None = None) -> Exam:
    """The world made in a temporary folder and read by the product's own reader."""
    with tempfile.TemporaryDirectory() as folder:
        make_world(world, seed, Path(folder), leads)
        return exam_in(Path(folder), read_truth(Path(folder)))


def exam_in(folder: Path, truth: pd.DataFrame) -> Exam:
    """An exam from ``train/`` and ``test/`` in a folder."""
    source = load_training_data(read_dataset(folder / "train"))
    histories = histories_from_dataset(read_dataset(folder / "test", outcomes_required=False))
    lead = pd.Index(histories.lead_ids).get_indexer(truth["lead_id"]).astype(np.int64)
    as_of = truth["as_of"].dt.as_unit("us").astype("int64").to_numpy()
    return Exam(source, histories, References(lead, as_of), truth["probability"].to_numpy())
