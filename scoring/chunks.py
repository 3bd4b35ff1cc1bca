"""A part of many histories, so that scoring them takes memory for one part at a time."""

from __future__ import annotations

import numpy as np

from features.histories import Answers, Histories, Int64, Interactions, References


def histories_of_references(
    histories: Histories, references: References
) -> tuple[Histories, References]:
    """Only the leads that are asked about, and the same references to them.

    Leads keep their order and their rows, so every vector is the same to the last bit.
    """
    leads, position = np.unique(references.lead, return_inverse=True)
    if len(leads) == len(histories):
        return histories, references
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
    told = histories.answers
    answers = Answers(
        offsets,
        told.attribute[rows],
        told.at_us[rows],
        told.value[rows],
        told.attributes,
        told.values,
    )
    part = Histories(
        histories.lead_ids[leads],
        histories.created_at_us[leads],
        {name: column[leads] for name, column in histories.attributes.items()},
        interactions,
        answers,
    )
    return part, References(position.astype(np.int64), references.as_of_us)


def _rows_of(offsets: Int64, leads: Int64) -> tuple[Int64, Int64]:
    """The rows of the leads, one lead after the other, and where each lead's rows begin."""
    counts = offsets[leads + 1] - offsets[leads]
    begin = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    rows = np.repeat(offsets[leads] - begin[:-1], counts) + np.arange(begin[-1])
    return rows.astype(np.int64), begin.astype(np.int64)
