"""A budget in seconds limits what is tried, the same way every time."""

from __future__ import annotations

import pytest

from training.candidates.factory import default_candidates
from training.model_selection.time_budget import estimated_seconds, within_budget


def test_no_budget_means_everything() -> None:
    families = default_candidates(0)
    assert within_budget(families, 100_000, 300, 5, None) == families


@pytest.mark.parametrize("seconds", [0.001, 1.0, 10.0, 100.0])
def test_what_is_tried_fits_the_budget_or_is_the_cheapest_alone(seconds: float) -> None:
    families = default_candidates(0)
    kept = within_budget(families, 50_000, 200, 5, seconds)
    cost = [estimated_seconds(family, 50_000, 200, 5) for family in kept]
    assert len(kept) == 1 or sum(cost) <= seconds
    assert [f for f in families if f in kept] == list(kept)


def test_more_time_never_tries_less() -> None:
    families = default_candidates(0)
    tried = [len(within_budget(families, 50_000, 200, 5, s)) for s in (1, 10, 50, 100, 1000)]
    assert tried == sorted(tried)
    assert tried[-1] == len(families)


def test_a_tree_costs_something_however_few_rows_there_are() -> None:
    for family in default_candidates(0):
        if family.name != "linear":
            assert family.path_seconds(10, 5) > 0.05
            assert family.path_seconds(10, 500) > 2 * family.path_seconds(10, 5)


def test_no_time_at_all_leaves_the_linear_candidate() -> None:
    kept = within_budget(default_candidates(0), 2000, 60, 5, 0.0)
    assert [family.name for family in kept] == ["linear"]
