"""The candidates of every training, made for one feature specification."""

from __future__ import annotations

from dataclasses import replace

from features.vectors.spec import FeatureSpec
from training.candidates.base import Candidate


def default_candidates(
    seed: int, spec: FeatureSpec | None = None, *, enforce_monotone: bool = True
) -> tuple[Candidate, ...]:
    """The families that compete in every training, in the order in which they are blended.

    ``spec``: what the columns are; without it nothing is insisted on and no products are offered.
    ``enforce_monotone``: whether the boosted ones keep the directions of ``training.monotone``.
    """
    from training.candidates.bant_pairs import bant_pairs
    from training.candidates.boosted import BoostedTrees
    from training.candidates.linear import LinearCandidate
    from training.candidates.monotonicity import monotone_constraints, redundant_columns
    from training.candidates.symmetric import SymmetricTrees

    ways = monotone_constraints(spec) if spec and enforce_monotone else ()
    hidden = redundant_columns(spec) if spec and enforce_monotone else ()
    crossed = bant_pairs(spec) if spec else None
    boosted = (
        BoostedTrees("additive", additive=True, seed=seed),
        BoostedTrees("boosted", additive=False, seed=seed),
        BoostedTrees(
            "randomised", additive=False, seed=seed, depth=5, feature_share=0.5, randomised=True
        ),
        SymmetricTrees(seed),
    )
    kept = tuple(replace(family, monotone=ways, hidden=hidden) for family in boosted)
    return (LinearCandidate(), *kept, *((crossed,) if crossed else ()))
