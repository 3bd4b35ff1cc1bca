"""The candidates that compete in every training."""

from __future__ import annotations

from dataclasses import replace

from features.vectors.spec import FeatureSpec
from training.candidates.bant_pairs import bant_pairs
from training.candidates.base import Candidate
from training.candidates.boosted import BoostedTrees
from training.candidates.linear import LinearCandidate
from training.candidates.monotonicity import monotone_constraints, redundant_columns
from training.candidates.symmetric import SymmetricTrees


def default_candidates(
    seed: int, spec: FeatureSpec | None = None, *, enforce_monotone: bool = True
) -> tuple[Candidate, ...]:
    """The candidates of every training, in the order in which they are averaged.

    ``spec``: what the columns are; without it there are no monotone constraints and no BANT pairs.
    ``enforce_monotone``: whether boosted trees keep the directions of
    :mod:`training.candidates.monotonicity`.
    """
    monotone = monotone_constraints(spec) if spec and enforce_monotone else ()
    hidden = redundant_columns(spec) if spec and enforce_monotone else ()
    pairs = bant_pairs(spec) if spec else None
    boosted: tuple[BoostedTrees | SymmetricTrees, ...] = (
        BoostedTrees("additive", additive=True, seed=seed),
        BoostedTrees("boosted", additive=False, seed=seed),
        BoostedTrees(
            "randomised", additive=False, seed=seed, depth=5, feature_share=0.5, randomised=True
        ),
        SymmetricTrees(seed),
    )
    constrained = tuple(replace(c, monotone=monotone, hidden=hidden) for c in boosted)
    return (LinearCandidate(), *constrained, *((pairs,) if pairs else ()))
