"""How a release holds: drift of first scores, and promises against what came."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from scipy.stats import chi2

from scoring.drift import chi2_95
from serving.pages.release_health import KeptPromise, health_of
from serving.store.since_promotion import SincePromotion

QUANTILES = [i / 10 for i in range(11)]


def release(by_age: dict[str, Any] | None = None) -> Any:
    deciles = np.quantile(np.linspace(0, 1, 2001) ** 2, QUANTILES).tolist()
    scores = {"deciles": deciles, "upto": QUANTILES, "unknown": 0.0}
    statistics = {
        "quantiles": QUANTILES,
        "scores": scores if by_age is None else {**scores, "by_age": by_age},
    }
    return cast(Any, SimpleNamespace(statistics=statistics, manifest={"data": {"leads": 2000}}))


def first_scores(p: np.ndarray, converted: np.ndarray, age_days: float = 0.0) -> SincePromotion:
    band = np.where(p > 0.5, "hot", "cold").astype(object)
    n = len(p)
    return SincePromotion(p, band, np.full(n, age_days), np.ones(n, bool), converted)


def test_scores_as_in_training_have_not_drifted_and_keep_their_promise() -> None:
    rng = np.random.default_rng(0)
    p = rng.random(600) ** 2
    found = health_of(release(), first_scores(p, rng.random(600) < p))
    assert found.drift is not None
    assert not found.drift.is_noticeable
    assert [(one.group, one.leads) for one in found.promises] == [
        ("all", 600), ("hot", int((p > 0.5).sum())), ("cold", int((p <= 0.5).sum())),
    ]  # fmt: skip
    assert [one.verdict for one in found.promises] == ["held"] * 3
    assert found.promises[0].expected == pytest.approx(p.sum())


def test_other_leads_and_broken_promises_are_seen() -> None:
    rng = np.random.default_rng(1)
    p = rng.random(600) ** 0.5
    found = health_of(release(), first_scores(p, rng.random(600) < p / 2))
    assert found.drift is not None
    assert found.drift.is_large
    assert found.promises[0].verdict == "fewer"
    assert KeptPromise("all", 9, 1.0, 0.0, 3.0, 5).verdict == "more"


def test_like_ages_are_compared() -> None:
    """New leads have the lower scores: that is no drift where the training had seen both ages."""
    rng = np.random.default_rng(2)
    deciles = release().statistics["scores"]["deciles"]
    young = np.sort(rng.random(2000) ** 4)
    upto = (np.searchsorted(young, deciles, side="right") / 2000).tolist()
    by_age = {"0": {"unknown": 0.0, "upto": upto}, "28": {"unknown": 0.0, "upto": QUANTILES}}
    since = first_scores(rng.random(600) ** 4, np.zeros(600, bool), age_days=0.3)
    mixed, apart = health_of(release(), since).drift, health_of(release(by_age), since).drift
    assert mixed is not None
    assert mixed.is_large
    assert apart is not None
    assert not apart.is_noticeable


def test_nobody_scored_says_nothing() -> None:
    found = health_of(release(), first_scores(np.zeros(0), np.zeros(0, bool)))
    assert (found.leads, found.mean, found.drift, found.promises) == (0, None, None, [])


def test_the_quantiles_of_chi_squared() -> None:
    for degrees in (1, 2, 5, 10, 11, 30):
        assert chi2_95(degrees) == pytest.approx(chi2.ppf(0.95, degrees), rel=1e-3)
