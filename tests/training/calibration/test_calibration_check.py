"""The calibration check: its level, its unit and what it says of timid and bold scores."""

from __future__ import annotations

import numpy as np
import pytest

from training.calibration.test import calibration_test


def test_the_calibration_test_keeps_its_level_and_counts_leads_not_references() -> None:
    """Of well calibrated scores 5 % are doubted at 5 %, also when every lead is asked thrice."""
    doubted = {1: 0, 3: 0}
    for seed in range(300):
        rng = np.random.default_rng(seed)
        probability = rng.uniform(0.05, 0.6, 400)
        label = (rng.random(400) < probability).astype(np.int8)
        for times in doubted:
            lead = np.tile(np.arange(400), times)
            found = calibration_test(
                np.tile(label, times), np.tile(probability, times), np.ones(len(lead)), lead
            )
            doubted[times] += found.p_value < 0.05
    assert doubted[1] == doubted[3]
    assert 4 <= doubted[1] <= 28


def test_a_constant_score_can_be_tested_too() -> None:
    label = np.array([1, 0, 0, 0] * 50, np.int8)
    right = calibration_test(label, np.full(200, 0.25), np.ones(200), np.arange(200))
    wrong = calibration_test(label, np.full(200, 0.5), np.ones(200), np.arange(200))
    assert right.p_value > 0.9
    assert wrong.p_value < 1e-6
    assert wrong.gain > 0.1


@pytest.mark.parametrize(("slope", "timid"), [(0.5, True), (2.0, False)])
def test_timid_and_bold_are_reported_apart(slope: float, timid: bool) -> None:
    rng = np.random.default_rng(5)
    log_odds = rng.normal(-1, 1.5, 3000)
    label = (rng.random(3000) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    centre = log_odds.mean()
    shown = 1 / (1 + np.exp(-(centre + slope * (log_odds - centre))))
    found = calibration_test(label, shown, np.ones(3000), np.arange(3000))
    assert found.p_value < 1e-6
    assert found.gain > 0.01
    assert (found.bold_gain < 0.3 * found.gain) == timid
