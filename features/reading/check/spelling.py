"""Words that are equal but for their spelling."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa
import pyarrow.compute as pc

from features.dataset import Dataset
from features.reading.files.headers import plain_name


def spelling_variants(words: Iterable[str]) -> list[list[str]]:
    """Words that are equal but for capital letters, accents, blanks and normal form.

    >>> spelling_variants(["Web", "web", "wéb ", "event"])
    [['Web', 'web', 'wéb ']]
    """
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(plain_name(word) or word, []).append(word)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def spellings_in(dataset: Dataset) -> list[str]:
    """Attributes, their words and kinds of interactions that are equal but for their spelling."""
    found = []
    for name, settings in dataset.settings.attributes.items():
        if settings.type == "category" and name in dataset.leads:
            words = dataset.leads[name].dropna().unique().tolist()
            found += [f"{name}: {_quoted(group)}" for group in spelling_variants(words)]
    found += [f"attributes: {_quoted(g)}" for g in spelling_variants(dataset.settings.attributes)]
    kinds = pc.unique(dataset.interactions.column("kind")).cast(pa.string()).to_pylist()
    return found + [f"kinds: {_quoted(group)}" for group in spelling_variants(kinds)]


def _quoted(words: list[str]) -> str:
    return ", ".join(repr(word) for word in words[:6])
