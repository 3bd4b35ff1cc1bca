"""Timing curves for tests that need some: as many conversions on each day of 90."""

from __future__ import annotations

import numpy as np

from scoring.timing import AgeClass, TimingCurves


def flat_curves(level: np.ndarray | None = None, **fields: object) -> TimingCurves:
    """The pace is days / 30; the level of a period does not move unless given."""
    level = np.zeros(100) if level is None else level
    days = np.array([0.0, 30.0, 90.0])
    pace = np.array([[0.0, 1.0, 3.0]])
    ages = (AgeClass(0.0, np.zeros(1), pace),)
    levels = level[None, :]
    return TimingCurves(30.0, days, ages, np.array([30.0]), levels, levels, **fields)  # type: ignore[arg-type]
