"""A part of many histories, so that scoring takes memory for one part at a time."""

from __future__ import annotations

import numpy as np

from features.compute.array_types import Int64
from features.histories.arrays import Answers, Histories, Interactions, References


def select_leads(histories: Histories, references: References) -> tuple[Histories, References]:
    """Only the leads of these references, and the references to them.

    Leads keep their order and their rows, so every vector is the same to the last bit.
    """
    leads, position = np.unique(references.lead, return_inverse=True)
    if len(leads) == len(histories):
        return histories, references
    if len(leads) and leads[-1] - leads[0] == len(leads) - 1:
        part = _slice_contiguous(histories, int(leads[0]), int(leads[-1]) + 1)
        return part, References(position.astype(np.int64), references.as_of_us)
    rows, offsets = _rows_of(histories.interactions.offsets, leads)
    events = histories.interactions
    interactions = Interactions(
        offsets,
        events.at_us[rows],
        events.kind[rows],
        events.value[rows],
        events.duration_s[rows],
        events.kinds,
    )
    rows, offsets = _rows_of(histories.answers.offsets, leads)
    learned = histories.answers
    answers = Answers(
        offsets,
        learned.attribute[rows],
        learned.at_us[rows],
        learned.value[rows],
        learned.attributes,
        learned.values,
    )
    part = Histories(
        histories.lead_ids[leads],
        histories.created_at_us[leads],
        {name: column[leads] for name, column in histories.attributes.items()},
        interactions,
        answers,
    )
    return part, References(position.astype(np.int64), references.as_of_us)


def _slice_contiguous(histories: Histories, first: int, last: int) -> Histories:
    """Neighbouring leads: only the offsets are copied."""
    events, learned = histories.interactions, histories.answers
    low, high = events.offsets[first], events.offsets[last]
    interactions = Interactions(
        events.offsets[first : last + 1] - low,
        events.at_us[low:high],
        events.kind[low:high],
        events.value[low:high],
        events.duration_s[low:high],
        events.kinds,
    )
    low, high = learned.offsets[first], learned.offsets[last]
    answers = Answers(
        learned.offsets[first : last + 1] - low,
        learned.attribute[low:high],
        learned.at_us[low:high],
        learned.value[low:high],
        learned.attributes,
        learned.values,
    )
    return Histories(
        histories.lead_ids[first:last],
        histories.created_at_us[first:last],
        {name: column[first:last] for name, column in histories.attributes.items()},
        interactions,
        answers,
    )


def _rows_of(offsets: Int64, leads: Int64) -> tuple[Int64, Int64]:
    """The rows of the leads, one lead after the other, and where each lead's rows begin."""
    counts = offsets[leads + 1] - offsets[leads]
    begin = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    rows = np.repeat(offsets[leads] - begin[:-1], counts) + np.arange(begin[-1])
    return rows.astype(np.int64), begin.astype(np.int64)
