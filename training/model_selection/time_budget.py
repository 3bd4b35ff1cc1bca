"""How much to try: a budget in seconds, spent by estimate so that the result does not vary.

The clock is not read: seconds are those of one core as measured below, and the same data, seed
and budget always try the same candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.candidates.base import Candidate
from training.candidates.symmetric import SymmetricTrees

CELLS_PER_SECOND = 1.5e9
"""Rows × columns × trees that LightGBM reads in a second with 63 bins at depth 3."""


SYMMETRIC_CELLS_PER_SECOND = 1.7e8
"""The same of symmetric trees, which are grown by our own kernel and to the full depth."""


PRODUCTS_PER_SECOND = 4e9
"""Rows × columns² of a Newton step in a second; a path takes about ``NEWTON_STEPS``."""


NEWTON_STEPS = 25


def path_seconds(family: Candidate, n_rows: int, n_columns: int) -> float:
    """Seconds on one core to follow the family's path once, learning from ``n_rows``."""
    family = getattr(family, "family", family)  # one that reads fewer columns than there are
    depth = float(getattr(family, "depth", 0))
    if depth:
        read = n_columns * float(getattr(family, "feature_share", 1.0))
        symmetric = isinstance(family, SymmetricTrees)
        speed = SYMMETRIC_CELLS_PER_SECOND if symmetric else CELLS_PER_SECOND
        return n_rows * read * family.hyperparameter_grid[-1] * depth / 3 / speed
    return n_rows * n_columns**2 * NEWTON_STEPS / PRODUCTS_PER_SECOND


def estimated_seconds(family: Candidate, n_rows: int, n_columns: int, n_folds: int) -> float:
    """Seconds on one core to follow the family's path on every fold and to fit it once more.

    >>> from training.candidates.boosted import BoostedTrees as Boosted
    >>> quick, slow = (estimated_seconds(Boosted("b", False, 0), n, 100, 5) for n in (1000, 50000))
    >>> round(slow / quick)
    50
    """
    return (n_folds * 0.6 + 1) * path_seconds(family, n_rows, n_columns)


def within_budget(
    families: Sequence[Candidate], n_rows: int, n_columns: int, n_folds: int, seconds: float | None
) -> tuple[Candidate, ...]:
    """The families whose estimates fit into ``seconds``, the cheapest first; at least one.

    The order of the families is kept. None: all.
    """
    if seconds is None:
        return tuple(families)
    cost = {f.name: estimated_seconds(f, n_rows, n_columns, n_folds) for f in families}
    kept: set[str] = set()
    for family in sorted(families, key=lambda f: cost[f.name]):
        if not kept or sum(cost[name] for name in kept) + cost[family.name] <= seconds:
            kept.add(family.name)
    return tuple(f for f in families if f.name in kept)
