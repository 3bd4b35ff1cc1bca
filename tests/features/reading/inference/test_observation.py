"""Until when everything was observed, by the bulk of the moments."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from features.reading.inference.observation import DailyMoments, end_of_observation

Folder = Callable[..., Path]
DAY = 86_400_000_000


def test_a_few_outliers_do_not_decide_the_end() -> None:
    facts = pd.Series(range(0, 300 * DAY, DAY // 4)).to_numpy()
    plain = end_of_observation(facts, DailyMoments.of(facts))
    assert plain == facts[-1]
    late = pd.Series([*facts, facts[-1] + 5000 * DAY]).to_numpy()
    assert end_of_observation(late, DailyMoments.of(facts)) == plain
    planned = pd.Series([*facts, *(facts[-1] + DAY * n for n in range(10, 40, 3))]).to_numpy()
    assert end_of_observation(facts, DailyMoments.of(planned)) == plain


def test_days_of_parts_add_up() -> None:
    moments = pd.Series([5, DAY, 3 * DAY, 3 * DAY + 7]).to_numpy()
    whole = DailyMoments.of(moments)
    parts = DailyMoments.of(moments[:3]) + DailyMoments.of(moments[3:])
    assert parts.to_dict() == whole.to_dict() == DailyMoments.from_dict(whole.to_dict()).to_dict()
