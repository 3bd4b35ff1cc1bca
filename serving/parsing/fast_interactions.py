"""The interactions of a body, when written in the usual way, read straight into packed rows.

A decoder makes five objects of every interaction, only for them to be taken apart again. Here one
compiled pass makes the engine's rows of them. Whatever is unusual, or may be wrong, is left to the
decoder, which says so in words: this reader either agrees with it or declines.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Int64
from features.compute.jit import kernel
from features.histories.arrays import NO_TIME
from features.histories.sorting import AT, DURATION, EVENT, KIND, VALUE
from serving.messages.fields import LONGEST_NAME, LONGEST_TEXT
from serving.parsing.fast_json import (
    CLOSE,
    CLOSE_LIST,
    COMMA,
    MINUS,
    OPEN,
    OPEN_LIST,
    QUOTE,
    UNSUPPORTED,
    Bytes,
    TokenTable,
    after_colon,
    after_space,
    code_of,
    end_of_number,
    end_of_value,
    end_of_word,
    is_null,
    moment_of,
    number_of,
    token_table,
)

UInt64 = npt.NDArray[np.uint64]


SHORTEST = 40
"""No interaction is written with fewer characters: ``{"kind":"a","occurred_at":"2026-…Z"}``."""


MAX_PROBES = 32
"""Places of the table of events that one id may look at; it is never more than half full."""


FIELDS = ("interactions", "kind", "occurred_at", "value", "duration_s", "channel", "event_id")


INTERACTIONS, KIND_OF, OCCURRED_AT, VALUE_OF, DURATION_OF, CHANNEL, EVENT_ID, FIRST_KIND = range(8)


ALWAYS = 1 << KIND_OF | 1 << OCCURRED_AT


def vocabulary(kinds: Sequence[str]) -> TokenTable:
    """The fields (with their opening quote, so that a kind may be named like one), then the kinds
    that are known. Any other kind is unusual."""
    return token_table([*(f'"{name}' for name in FIELDS), *kinds])


@kernel
def read_interactions(
    text: Bytes, letters: Bytes, start: Int64, table: Int64,
    earliest_us: int, latest_us: int, place: Int64,
) -> Int64:  # fmt: skip
    """Find the list ``interactions`` of a body and read it into packed rows (n, 4).

    ``letters``, ``start``, ``table``: the :func:`vocabulary`; a row's kind is a position in its
    ``kinds``. No row repeats an ``event_id``. ``place`` becomes where the list stands: from, to;
    (0, 0) if there is no list or it is not plain, and the rows mean nothing then.
    """
    place[:] = 0
    rows = np.empty((0, EVENT), dtype=np.int64)
    at, more = after_space(text, 0), True
    if text[at] != OPEN:
        return rows
    while more:
        low = after_space(text, at + 1)
        high = end_of_word(text, low + 1)
        if text[low] != QUOTE or high == UNSUPPORTED:
            break
        field, at = code_of(text, low, high, letters, start, table), after_colon(text, high + 1)
        if field == INTERACTIONS:
            if at == UNSUPPORTED or place[0] > 0:
                break
            rows = rows_at(text, at, letters, start, table, earliest_us, latest_us, place)
            at = place[1]
        elif at != UNSUPPORTED:
            at = end_of_value(text, at)
        if at == UNSUPPORTED or at == 0:
            break
        at = after_space(text, at)
        more = text[at] == COMMA
    if more or text[at] != CLOSE:
        place[:] = 0
    return rows


@kernel
def rows_at(
    text: Bytes, first: int, letters: Bytes, start: Int64, table: Int64,
    earliest_us: int, latest_us: int, place: Int64,
) -> Int64:  # fmt: skip
    """The rows of the list that begins at ``first``; ``place`` as above."""
    most, n, slots = (len(text) - first) // SHORTEST + 1, 0, 4
    rows = np.empty((most, EVENT), dtype=np.int64)
    amounts = rows.view(np.float64)
    while slots < 2 * most:
        slots *= 2
    events = np.zeros(slots, dtype=np.uint64)
    at, more = after_space(text, first + 1), True
    if text[first] != OPEN_LIST:
        return rows[:0]
    if text[at] == CLOSE_LIST:
        place[0], place[1] = first, at + 1
        return rows[:0]
    while more:
        amounts[n, VALUE] = amounts[n, DURATION] = np.nan
        seen, within = 0, True
        if text[at] != OPEN:
            return rows[:0]
        while within:  # one loop for all: a call with so many arrays costs as much as its work
            low = after_space(text, at + 1)
            high = end_of_word(text, low + 1)
            if text[low] != QUOTE or high == UNSUPPORTED:
                return rows[:0]
            field, at = code_of(text, low, high, letters, start, table), after_colon(text, high + 1)
            if at == UNSUPPORTED or field < KIND_OF or field > EVENT_ID or seen >> field & 1:
                return rows[:0]
            seen |= 1 << field
            if field == KIND_OF:
                end = word_at(text, at, 1, LONGEST_NAME)
                if end == UNSUPPORTED:
                    return rows[:0]
                rows[n, KIND] = code_of(text, at + 1, end - 1, letters, start, table) - FIRST_KIND
                at = end if rows[n, KIND] >= 0 else UNSUPPORTED
            elif field == OCCURRED_AT:
                end = word_at(text, at, 1, LONGEST_NAME)
                rows[n, AT] = NO_TIME if end == UNSUPPORTED else moment_of(text, at + 1, end - 1)
                within_bounds = earliest_us <= rows[n, AT] <= latest_us and rows[n, AT] != 0
                at = end if within_bounds else UNSUPPORTED
            elif is_null(text, at):
                at += 4
            elif field == CHANNEL:
                at = word_at(text, at, 0, LONGEST_TEXT)
            elif field == EVENT_ID:
                at = new_event_at(text, at, events)
            else:
                end = end_of_number(text, at)
                amount = 0.0 if end == UNSUPPORTED else number_of(text, at, end)
                amounts[n, VALUE if field == VALUE_OF else DURATION] = amount
                below = text[at] == MINUS and (field == DURATION_OF or amount == 0.0)
                at = UNSUPPORTED if below else end
            if at == UNSUPPORTED:
                return rows[:0]
            at = after_space(text, at)
            within = text[at] == COMMA
        if text[at] != CLOSE or seen & ALWAYS != ALWAYS:
            return rows[:0]
        n += 1
        at = after_space(text, at + 1)
        more = text[at] == COMMA
        at = after_space(text, at + 1) if more else at
    if text[at] == CLOSE_LIST:
        place[0], place[1] = first, at + 1
    return rows[:n].copy()


@kernel
def word_at(text: Bytes, at: int, least: int, most: int) -> int:
    """The place after a string of so many letters."""
    if text[at] != QUOTE:
        return UNSUPPORTED
    end = end_of_word(text, at + 1)
    return end + 1 if end != UNSUPPORTED and least <= end - at - 1 <= most else UNSUPPORTED


@kernel
def new_event_at(text: Bytes, at: int, events: UInt64) -> int:
    """The place after an event's id, which is noted; one with the same hash was not there yet.

    Ids that crowd into one place of the table are unusual too: they would take long.
    """
    end = word_at(text, at, 1, LONGEST_NAME)
    hashed = np.uint64(14695981039346656037)  # FNV-1a
    for i in range(at + 1, end - 1):
        hashed = (hashed ^ np.uint64(text[i])) * np.uint64(1099511628211)
    hashed |= np.uint64(1)
    last = np.uint64(events.shape[0] - 1)
    place = (hashed >> np.uint64(1)) & last  # of short ids only the low bits are spread well
    for _ in range(MAX_PROBES):
        if events[place] == 0:
            events[place] = hashed
            return end
        if events[place] == hashed:
            return UNSUPPORTED
        place = (place + np.uint64(1)) & last
    return UNSUPPORTED
