"""A release made by hand in a millisecond: page views speak for a conversion."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from features.cleaning import Cleaning
from features.contract import AttributeType, Group
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.bands import BandThresholds
from scoring.intervals import IntervalTable
from scoring.model.linear import LinearComponent
from scoring.model.model import Model
from scoring.release.release import Release, ReleaseContents, write_release

FEATURES = (
    Feature("interactions", "page_view", "count", window_days=7.0),
    Feature("interactions", "any", "count"),
    Feature("attribute", "employees", "value"),
    Feature("attribute", "sector", "level", level="software"),
)
ATTRIBUTES = (
    AttributeSpec("employees", AttributeType.NUMBER, Group.FIT, median=50.0),
    AttributeSpec("sector", AttributeType.CATEGORY, Group.FIT, levels=("retail", "software")),
)


def small_release(
    folder: Path,
    *,
    coefficient: float = 0.8,
    intercept: float = -1.5,
    has_time: bool = True,
    excluded_kinds: tuple[str, ...] = (),
    extra: tuple[Feature, ...] = (),
    cleaning: Cleaning | None = None,
    change: Callable[[Model], Model] = lambda model: model,
    **contents: Any,
) -> Release:
    """A linear model on log1p of four features; another coefficient is another release.

    ``extra``: further features. ``cleaning``: how raw values are read.
    """
    n = len(FEATURES) + len(extra)
    part = LinearComponent(
        transform=("log1p",) * n,
        fill=np.zeros(n),
        center=np.zeros(n),
        scale=np.ones(n),
        coef=np.array([coefficient, 0.1, 0.02, 0.3, *[0.1] * len(extra)]),
        missing_coef=np.zeros(n),
        intercept=intercept,
    )
    low = np.linspace(0.0, 0.9, 10)
    return write_release(
        folder,
        ReleaseContents(
            name="small",
            spec=FeatureSpec(
                (*FEATURES, *extra), ATTRIBUTES, excluded_kinds=excluded_kinds, cleaning=cleaning
            ),
            model=change(Model((part,), (1.0,), 1.0, 0.0, n)),
            intervals=IntervalTable(np.linspace(-4, 4, 9), low, np.minimum(low + 0.1, 1.0)),
            thresholds=BandThresholds(0.2, 0.5),
            horizon_days=30.0,
            has_time=has_time,
            **contents,
        ),
    )
