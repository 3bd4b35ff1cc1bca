"""BentoML with a scikit-learn pipeline on ready-made numbers."""

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=1, traffic={"timeout": 30})
class Scorer:
    def __init__(self) -> None:
        self.model = joblib.load(os.environ["PEER_MODEL"])

    @bentoml.api
    def score(self, rows: list[list[float]]) -> list[float]:
        return list(map(float, self.model.predict_proba(np.array(rows))[:, 1]))
