"""The model: components averaged in log-odds, calibrated by a straight line, explained exactly."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.compute.jit import kernel
from features.compute.parallel import parallel_ranges
from features.errors import DataError, ReleaseError
from features.language.plural import plural
from scoring.canonical_json import canonical_json, parse_json
from scoring.model.additive import AdditiveComponent
from scoring.model.component import ConstantComponent, ModelComponent, count, number, numbers
from scoring.model.forest import ForestComponent
from scoring.model.learned_range import LearnedRange
from scoring.model.linear import LinearComponent
from scoring.model.log_odds import probability_of
from scoring.model.pairwise import PairwiseComponent
from scoring.model.scorecard import ScorecardComponent
from scoring.model.trees import TreeComponent

MIN_CHUNK = 500
"""Fewer rows than this are not worth a thread of their own."""


LOG_ODDS_LIMIT = 15.0
"""No score is surer than this: 3 in ten million. Beyond it a double near 1 cannot hold the
probability well enough to give its log-odds back to 1e-9, and no dataset supports the claim."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Scores of n vectors: ``base`` + ``contributions`` (n, F) summed over a row in order is
    ``log_odds`` (n,) exactly; ``probability`` (n,) is its logistic."""

    base: float
    contributions: Float64
    log_odds: Float64
    probability: Float64


@kernel
def _finish(base: float, contributions: Float64, log_odds: Float64, probability: Float64) -> None:
    """Sum each row in order; shrink the shares of a row beyond the limit in proportion."""
    for row in range(contributions.shape[0]):
        total = base
        for column in range(contributions.shape[1]):
            total += contributions[row, column]
        if abs(total) > LOG_ODDS_LIMIT:
            shrink = (math.copysign(LOG_ODDS_LIMIT, total) - base) / (total - base)
            total = base
            for column in range(contributions.shape[1]):
                contributions[row, column] *= shrink
                total += contributions[row, column]
        log_odds[row] = total
        probability[row] = probability_of(total)


@dataclass(frozen=True, eq=False)
class Model:
    """log-odds(x) = intercept + slope × Σ weight_i × part_i(x), within ±LOG_ODDS_LIMIT.

    The line (slope, intercept) is the calibration; being affine in the log-odds it keeps the
    shares additive. ``learned_range``: known values outside are held to it before they are scored;
    None in releases made before it was recorded. Raises DataError for parts of another width or a
    number not finite.
    """

    parts: tuple[ModelComponent, ...]
    weights: tuple[float, ...]
    slope: float
    intercept: float
    n_features: int
    learned_range: LearnedRange | None = None

    def __post_init__(self) -> None:
        if len(self.parts) != len(self.weights):
            raise DataError(
                f"{plural(len(self.parts), '{n:,} part', '{n:,} parts')} but "
                f"{plural(len(self.weights), '{n:,} weight', '{n:,} weights')}"
            )
        if any(part.n_features != self.n_features for part in self.parts):
            raise DataError(f"a part of the model does not read {self.n_features} features")
        if not np.isfinite([*self.weights, self.slope, self.intercept]).all():
            raise DataError("a weight, the slope or the intercept of the model is not finite")

    @property
    def base(self) -> float:
        """Log-odds before any contribution, within the limit."""
        total = 0.0
        for weight, part in zip(self.weights, self.parts, strict=True):
            total += weight * part.base
        calibrated = self.intercept + self.slope * total
        return min(max(calibrated, -LOG_ODDS_LIMIT), LOG_ODDS_LIMIT)

    def explain(self, vectors: Float64) -> Explanation:
        """Score (n, F) float64 vectors, NaN is unknown; a row's bits do not depend on the others.

        Values outside of the learned range count as its nearest end.
        A row beyond ±LOG_ODDS_LIMIT keeps its base, and its shares are shrunk in proportion.
        """
        if vectors.ndim != 2 or vectors.shape[1] != self.n_features:
            raise DataError(f"vectors of shape {vectors.shape}; expected (n, {self.n_features})")
        if self.learned_range is not None:
            vectors = self.learned_range.held(vectors)
        rows = np.require(vectors, dtype=np.float64, requirements=["C", "W"])
        shares = np.zeros(rows.shape)
        base, log_odds, probability = self.base, np.empty(len(rows)), np.empty(len(rows))

        def explain_rows(low: int, high: int) -> None:
            for weight, part in zip(self.weights, self.parts, strict=True):
                part.accumulate_contributions(rows[low:high], self.slope * weight, shares[low:high])
            _finish(base, shares[low:high], log_odds[low:high], probability[low:high])

        parallel_ranges(explain_rows, len(rows), at_least=MIN_CHUNK)
        return Explanation(base, shares, log_odds, probability)

    def log_odds(self, vectors: Float64) -> Float64:
        """(n, F) → (n,) calibrated log-odds."""
        return self.explain(vectors).log_odds

    def probability(self, vectors: Float64) -> Float64:
        """(n, F) → (n,) calibrated probabilities, never exactly 0 or 1."""
        return self.explain(vectors).probability

    def to_files(self) -> dict[str, bytes]:
        """``model.json`` and one LightGBM text for each tree part; the same bytes every time."""
        files: dict[str, bytes] = {}
        parts = []
        for i, part in enumerate(self.parts):
            plain = part.to_dict()
            if isinstance(part, TreeComponent | ForestComponent):
                plain["file"] = f"trees_{i}.txt"
                files[plain["file"]] = part.text.encode("ascii")
            parts.append(plain)
        files["model.json"] = canonical_json(
            {
                "intercept": float(self.intercept),
                "n_features": self.n_features,
                "parts": parts,
                "slope": float(self.slope),
                "weights": [float(weight) for weight in self.weights],
                **({} if self.learned_range is None else {"range": self.learned_range.to_dict()}),
            }
        )
        return files

    @classmethod
    def from_files(cls, files: Mapping[str, bytes]) -> Model:
        """Read back what :meth:`to_files` wrote. Raises ReleaseError naming what is wrong."""
        data = parse_json("model.json", files.get("model.json", b""))
        try:
            plain = data.get("parts")
            if not isinstance(plain, list) or not all(isinstance(part, dict) for part in plain):
                raise ReleaseError("'parts' is missing or not a list of objects")
            n_features = count(data, "n_features")
            return cls(
                tuple(_part(part, files) for part in plain),
                tuple(numbers(data, "weights", len(plain)).tolist()),
                number(data, "slope"),
                number(data, "intercept"),
                n_features,
                _learned_range(data, n_features),
            )
        except (DataError, ReleaseError) as problem:
            raise ReleaseError(f"model.json: {problem}") from problem


_KINDS: dict[str, Callable[[Mapping[str, Any]], ModelComponent]] = {
    ConstantComponent.kind: ConstantComponent.from_dict,
    LinearComponent.kind: LinearComponent.from_dict,
    PairwiseComponent.kind: PairwiseComponent.from_dict,
    ScorecardComponent.kind: ScorecardComponent.from_dict,
    AdditiveComponent.kind: AdditiveComponent.from_dict,
}


_TREE_KINDS: dict[str, Callable[[Mapping[str, Any], str], ModelComponent]] = {
    TreeComponent.kind: TreeComponent.from_dict,
    ForestComponent.kind: ForestComponent.from_dict,
}


def _learned_range(data: Mapping[str, Any], n_features: int) -> LearnedRange | None:
    plain = data.get("range")
    if plain is None:
        return None
    if not isinstance(plain, dict):
        raise ReleaseError("'range' is not an object")
    return LearnedRange.from_dict(plain, n_features)


def _part(data: Mapping[str, Any], files: Mapping[str, bytes]) -> ModelComponent:
    kind = str(data.get("kind"))
    if kind in _KINDS:
        return _KINDS[kind](data)
    if kind not in _TREE_KINDS:
        raise ReleaseError(f"unknown kind of part {kind[:40]!r}")
    name = str(data.get("file"))
    if name not in files:
        raise ReleaseError(f"names {name[:40]!r}, which the release does not hold")
    try:
        return _TREE_KINDS[kind](data, files[name].decode("ascii"))
    except (UnicodeDecodeError, ReleaseError) as problem:
        raise ReleaseError(f"{name}: {problem}") from problem
