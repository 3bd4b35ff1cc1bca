"""Which of two numbers is the day: what a whole column shows, and what to ask where it does not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from features.reading.times.date_forms import Form, extracted, whole_numbers
from features.reading.times.moment_column import TimeRules
from features.reading.times.moment_words import put_plainly
from features.reading.times.moments import moments_of

_AHEAD_OF_YEAR = ("day-first", "month-first")


@dataclass
class TimeEvidence:
    """What a column shows of its order and its numbers, gathered over all of it."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    example: str = ""

    settled: str = ""

    def add(self, texts: pa.ChunkedArray) -> None:
        """Look at some more values of the column."""
        plain = put_plainly(texts)
        texts = texts if plain is None else plain
        parts = extracted(texts, Form.TWO_NUMBERS)
        if parts is not None:
            first, second = whole_numbers(parts["first"], 0), whole_numbers(parts["second"], 0)
            known = first > 0
            self.day_first += int((known & (first > 12) & (second <= 12)).sum())
            self.month_first += int((known & (second > 12) & (first <= 12)).sum())
            settling = known & ((first > 12) != (second > 12))
            if settling.any() and not self.settled:
                self.settled = str(texts[int(np.flatnonzero(settling)[0])].as_py()).strip()
            unsettled = known & (first <= 12) & (second <= 12) & (first != second)
            self.either += int(unsettled.sum())
            if unsettled.any() and not self.example:
                self.example = str(texts[int(np.flatnonzero(unsettled)[0])].as_py()).strip()

    @property
    def order(self) -> str | None:
        """Which comes first, where the values settle it; None where they do not, or disagree."""
        if self.day_first and not self.month_first:
            return "day-first"
        if self.month_first and not self.day_first:
            return "month-first"
        return None

    def question(self, column: str) -> str | None:
        """What to ask about day and month, on a value of the column; None if nothing is open."""
        if not self.either or self.order is not None or not self.example:
            return None
        day, month = (_spelled(self.example, order) for order in _AHEAD_OF_YEAR)
        why = "values of both orders are there" if self.day_first else "no value settles which"
        return (
            f"{column} is {self.example!r}: {day} if the day comes first, {month} if the month "
            f'does, and {why}; say date_order = "day-first" or "month-first"'
        )


def _spelled(text: str, order: str) -> str:
    found = moments_of(pa.chunked_array([[text]]), TimeRules("UTC", order))
    return f"{pd.Timestamp(int(found.at_us[0]), unit='us'):%-d %B %Y}"
