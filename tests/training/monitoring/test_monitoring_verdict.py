"""The verdict, from figures given: ranking first, then probabilities; without outcomes, drift."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from scoring.drift import Shift
from training.calibration.test import Calibration
from training.evaluation.metrics import Estimate
from training.monitoring import monitor as monitoring
from training.monitoring.monitor import (
    MonitoringVerdict,
    ObservedPerformance,
    auc_dropped,
    verdict_of,
)


def around(value: float, half: float) -> Estimate:
    return Estimate(value, value - half, value + half)


def release(auc: Estimate, *, signal: bool = True) -> Any:
    return SimpleNamespace(metrics={"auc": auc.to_dict(), "signal": signal})


def realised(auc: Estimate, p_value: float = 0.5, worth: float = 0.0) -> ObservedPerformance:
    rate = around(0.1, 0.02)
    figures = {"auc": auc, "log_loss": around(0.3, 0.02)}
    calibration = Calibration(p_value, 0.0, 0.0)
    return ObservedPerformance(
        500, 400, 50, rate, 0.1, figures, around(-0.02, 0.01), calibration, worth
    )


def shifts(moved: int, of: int = 100) -> list[Shift]:
    return [Shift(f"f{i}", 0.5 if i < moved else 0.01, 0.05, 0.0, 0.0) for i in range(of)]


STEADY = Shift("score", 0.02, 0.05, 0.0, 0.0)


@pytest.mark.parametrize(
    ("auc", "half", "p_value", "worth", "verdict"),
    [
        # promised: 0.80 ± 0.04
        (0.80, 0.04, 0.5, 0.00, MonitoringVerdict.KEEP),
        (0.78, 0.01, 0.5, 0.00, MonitoringVerdict.KEEP),  # chance
        (0.74, 0.04, 0.5, 0.00, MonitoringVerdict.RETRAIN),  # 2.1 standard errors, a fifth of 0.3
        (0.74, 0.09, 0.5, 0.00, MonitoringVerdict.KEEP),  # 1.2 standard errors
        (0.80, 0.04, 0.001, 0.05, MonitoringVerdict.RECALIBRATE),
        (0.80, 0.04, 0.001, 0.01, MonitoringVerdict.KEEP),  # surely off, by a trifle
        (0.80, 0.04, 0.2, 0.05, MonitoringVerdict.KEEP),  # off, perhaps by chance
        (0.74, 0.04, 0.001, 0.05, MonitoringVerdict.RETRAIN),  # ranking first
    ],
)
def test_outcomes_decide(
    auc: float, half: float, p_value: float, worth: float, verdict: MonitoringVerdict
) -> None:
    found = realised(around(auc, half), p_value, worth)
    assert verdict_of(release(around(0.8, 0.04)), STEADY, shifts(0), found)[0] == verdict


def test_drift_does_not_overrule_outcomes() -> None:
    found = realised(around(0.8, 0.04))
    verdict, because = verdict_of(release(around(0.8, 0.04)), STEADY, shifts(30), found)
    assert verdict == MonitoringVerdict.KEEP
    assert because[-1].startswith("30 of 100 features have another distribution")


@pytest.mark.parametrize(("moved", "verdict"), [(0, "keep"), (9, "keep"), (10, "retrain")])
def test_without_outcomes_a_tenth_of_the_features_decides(moved: int, verdict: str) -> None:
    assert verdict_of(release(around(0.8, 0.04)), STEADY, shifts(moved), None)[0].value == verdict


def test_without_outcomes_other_scores_decide() -> None:
    other = Shift("score", 0.3, 0.05, 0.0, 0.0)
    assert (
        verdict_of(release(around(0.8, 0.04)), other, shifts(0), None)[0]
        == MonitoringVerdict.RETRAIN
    )


def test_a_release_without_signal_has_no_ranking_to_lose() -> None:
    found = realised(Estimate(0.5, 0.5, 0.5))
    nothing = release(Estimate(0.5, 0.5, 0.5), signal=False)
    assert verdict_of(nothing, STEADY, shifts(0), found)[0] == MonitoringVerdict.KEEP
    other = Shift("score", 5.0, 0.05, 0.0, 0.0)
    assert verdict_of(nothing, other, shifts(0), None) == (
        MonitoringVerdict.KEEP,
        ["too few outcomes are in to judge the probabilities themselves"],
    )


def test_a_trifle_that_many_leads_make_sure_is_no_fall() -> None:
    then = around(0.8, 0.001)
    assert not auc_dropped(around(0.79, 0.001), then)
    assert auc_dropped(around(0.76, 0.001), then)
    assert not auc_dropped(around(0.85, 0.001), then)


def test_mending_is_worth_less_than_it_looks() -> None:
    # true probabilities and 400 leads: what a fitted line seems to save is chance
    rng = np.random.default_rng(0)
    seems, worth = [], []
    for _ in range(60):
        p = rng.uniform(0.05, 0.5, 400)
        label = (rng.random(400) < p).astype(np.int8)
        n = np.arange(400)
        asked: Any = SimpleNamespace(
            mature=np.ones(400, bool), label=label, weight=np.ones(400), lead=n, unit=n
        )
        found = monitoring._observed(asked, p, np.zeros(400), rng)
        assert found is not None
        loss = found.figures["log_loss"].value
        seems.append(found.calibration.gain / loss)
        worth.append(found.worth)
        assert found.worth == pytest.approx(seems[-1] - 2 / 400 / loss)
    assert np.mean(seems) > 0.003
    assert np.mean(worth) < 0
