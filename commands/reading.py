"""What a command says of the dataset that it read: what was set aside, what was inferred."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from features.dataset import Dataset
    from features.quarantine import QuarantinedRows

WEIGHTY = ("left out", "unanswered", "no created_at", "observed_until", "in no table")
"""Inferences that change what is used; the others (types, groups) are counted here."""


def tell_set_aside(quarantined: Iterable[QuarantinedRows]) -> None:
    """Tell on stderr which rows were set aside, and why."""
    from commands.printing import say

    for rows in quarantined:
        say(f"set aside: {rows.rows:,} rows of {rows.file}: {rows.reason}")


def tell_reading(data: Dataset) -> None:
    """Tell on stderr what was set aside and inferred; ``leadscore check`` tells all of it."""
    from commands.printing import say

    tell_set_aside(data.quarantined)
    plain = 0
    for sentence in data.inferred:
        if any(word in sentence for word in WEIGHTY):
            say(f"inferred: {sentence}")
        else:
            plain += 1
    if plain:
        say(f"inferred: types, groups and the like of {plain} more (leadscore check tells each)")
