"""The families of models that compete, each with its path from simple to complex.

A family is fitted along its path once per fold, which prices every point of the path out of
time; the point with the lowest pooled loss is then fitted on everything. Parts come back as
:mod:`scoring` arithmetic, so that what is evaluated is what will be served.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from features.histories import Float64
from features.spec import FeatureSpec
from scoring.parts import ConstantPart, Part
from training.references import Int8


@dataclass(frozen=True, slots=True)
class Sample:
    """Rows to learn from: ``vectors`` (n, F; NaN unknown), ``label`` (n: 0/1), ``weight`` (n)."""

    vectors: Float64
    label: Int8
    weight: Float64

    def __len__(self) -> int:
        return len(self.label)

    @property
    def base_rate(self) -> float:
        """Weighted share of positives, kept off 0 and 1 by half a lead on either side."""
        total = float(self.weight.sum())
        return (float(self.weight @ (self.label == 1)) + 0.5) / (total + 1.0)

    @property
    def base_log_odds(self) -> float:
        """Log-odds of the base rate."""
        return float(np.log(self.base_rate / (1 - self.base_rate)))


class Family(Protocol):
    """One way of learning."""

    @property
    def name(self) -> str:
        """Unique among the candidates."""
        ...

    @property
    def steps(self) -> tuple[float, ...]:
        """The path, simple first: inverse penalties, or numbers of trees."""
        ...

    def path(self, sample: Sample, vectors: Float64) -> Float64:
        """Log-odds (len(steps), n) of ``vectors`` at each step, learned from ``sample``."""
        ...

    def fit(self, sample: Sample, step: float) -> Part:
        """The part at one step, learned from all of ``sample``."""
        ...


@dataclass(frozen=True, slots=True)
class BaseRate:
    """The floor: the same log-odds for everybody."""

    name: str = "base_rate"
    steps: tuple[float, ...] = (0.0,)

    def path(self, sample: Sample, vectors: Float64) -> Float64:
        """The base rate's log-odds, (1, n)."""
        return np.full((1, len(vectors)), sample.base_log_odds)

    def fit(self, sample: Sample, step: float) -> Part:
        """A constant."""
        del step
        return ConstantPart(sample.base_log_odds, sample.vectors.shape[1])


@dataclass(frozen=True, slots=True)
class Narrow:
    """A family that learns from the first ``width`` columns only; its part reads them all."""

    family: Family
    width: int

    @property
    def name(self) -> str:
        """The family's own."""
        return self.family.name

    @property
    def steps(self) -> tuple[float, ...]:
        """The family's own."""
        return self.family.steps

    @property
    def usual(self) -> float | None:
        """The family's own; None where no step is the usual one."""
        step: float | None = getattr(self.family, "usual", None)
        return step

    def path(self, sample: Sample, vectors: Float64) -> Float64:
        """As the family would from a narrower table."""
        mine = Sample(sample.vectors[:, : self.width], sample.label, sample.weight)
        return self.family.path(mine, vectors[:, : self.width])

    def fit(self, sample: Sample, step: float) -> Part:
        """Columns beyond the width are made constant, so that nothing can be learned from them."""
        vectors = sample.vectors.copy()
        vectors[:, self.width :] = 0.0
        return self.family.fit(Sample(vectors, sample.label, sample.weight), step)


def make_candidates(
    seed: int, spec: FeatureSpec | None = None, *, insist: bool = True
) -> tuple[Family, ...]:
    """The families that compete in every training, in the order in which they are blended.

    ``spec``: what the columns are; without it nothing is insisted on and no products are offered.
    ``insist``: whether the boosted ones keep the directions of ``training.monotone``.
    """
    from training.candidates.boosted import Boosted
    from training.candidates.linear import Linear
    from training.candidates.products import products_of
    from training.monotone import directions, spoken_for

    ways = directions(spec) if spec and insist else ()
    hidden = spoken_for(spec) if spec and insist else ()
    crossed = products_of(spec) if spec else None
    boosted = (
        Boosted("additive", additive=True, seed=seed),
        Boosted("boosted", additive=False, seed=seed),
        Boosted(
            "randomised", additive=False, seed=seed, depth=5, feature_share=0.5, randomised=True
        ),
    )
    kept = tuple(replace(family, monotone=ways, hidden=hidden) for family in boosted)
    return (Linear(), *kept, *((crossed,) if crossed else ()))
