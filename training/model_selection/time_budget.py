"""Which candidates a time budget allows, by estimated cost, so that the result does not vary.

No clock is read: candidates estimate their own seconds, and the same data, seed and budget always
try the same candidates.
"""

from __future__ import annotations

from collections.abc import Sequence

from training.candidates.base import Candidate


def estimated_seconds(candidate: Candidate, n_rows: int, n_columns: int, n_folds: int) -> float:
    """Seconds on one core to fit the candidate's path on every fold and one step once more.

    >>> from training.candidates.boosted import BoostedTrees
    >>> trees = BoostedTrees("b", additive=False, seed=0)
    >>> quick, slow = (estimated_seconds(trees, n, 100, 5) for n in (1000, 50000))
    >>> 10 < slow / quick < 50
    True
    """
    return (n_folds * 0.6 + 1) * candidate.path_seconds(n_rows, n_columns)


def seconds_to_fit(candidate: Candidate, step: float, n_rows: int, n_columns: int) -> float:
    """Seconds on one core to fit one step of the candidate's path, by estimate."""
    share = step / candidate.hyperparameter_grid[-1]
    return min(1.0, max(share, 0.0)) * candidate.path_seconds(n_rows, n_columns)


def within_budget(
    candidates: Sequence[Candidate],
    n_rows: int,
    n_columns: int,
    n_folds: int,
    seconds: float | None,
) -> tuple[Candidate, ...]:
    """The candidates whose estimates fit into ``seconds``, the cheapest first; at least one.

    The order of the candidates is kept. ``seconds`` None: all.
    """
    if seconds is None:
        return tuple(candidates)
    cost = {c.name: estimated_seconds(c, n_rows, n_columns, n_folds) for c in candidates}
    chosen: set[str] = set()
    for candidate in sorted(candidates, key=lambda c: cost[c.name]):
        if not chosen or sum(cost[name] for name in chosen) + cost[candidate.name] <= seconds:
            chosen.add(candidate.name)
    return tuple(c for c in candidates if c.name in chosen)
