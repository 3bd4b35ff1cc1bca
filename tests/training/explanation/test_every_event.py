"""Every event of a lead is drawn inside the picture, and the last of several answers holds."""

from __future__ import annotations

import re

import numpy as np

from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.bands import BandThresholds
from training.explanation.explain import _happened
from training.explanation.timeline import MAX_EVENT_KINDS, OTHERS, Timeline, timeline_picture

DAY_US = 86_400_000_000


def test_every_event_is_drawn_within_the_frame_however_many_kinds_there_are() -> None:
    n = MAX_EVENT_KINDS + 6
    at = np.arange(5, 45, 10) * DAY_US
    events = np.arange(2 * n) * DAY_US  # the first before the creation on day 5
    kinds = tuple(f"kind_{i // 2}" for i in range(2 * n))
    rates = np.full(len(at), 0.2)
    series = Timeline(
        "L", at, rates, rates, rates, None, BandThresholds(0.1, 0.3), events[:40], kinds[:40]
    )
    picture = str(timeline_picture(series))
    marks = [float(x) for x in re.findall(r'<circle cx="([\d.]+)"', picture)]
    assert len(marks) == 40
    assert min(marks) >= 160
    assert OTHERS in picture


def test_the_last_of_several_answers_is_what_happened() -> None:
    columns = RecordColumns(
        attributes=["budget", "need", "budget"],
        answered_us=[2 * DAY_US, 3 * DAY_US, 4 * DAY_US],
        answers=["none", "clear", "approved"],
    )
    lead = histories_from_records([LeadRecord("L", 0, {}, columns)])
    assert list(_happened(lead, DAY_US, 9 * DAY_US)) == ["budget: approved", "need: clear"]
