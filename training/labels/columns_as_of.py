"""Attributes as words, as they were known at each reference; reports split by them."""

from __future__ import annotations

import numpy as np

from features.compute.array_types import Float64, Object, Rows
from features.contract import AttributeType
from features.histories.arrays import Histories, References
from features.vectors.catalogue import Source as FeatureSource
from features.vectors.compute import compute_vectors
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from training.labels.training_data import TrainingData


def as_of_words(source: TrainingData, rows: Rows, name: str) -> Object:
    """A category (or boolean) as of each reference, (n) of str; ``unknown`` where not known."""
    return words_as_of(source.histories, source.labelled.take(rows).references, name)


def words_as_of(histories: Histories, references: References, name: str) -> Object:
    """A category (or boolean) as of each reference, (n) of str; ``unknown`` where not known."""
    levels = _levels(histories, name)
    spec = FeatureSpec(
        (Feature(FeatureSource.ATTRIBUTE, name, "ordinal"),),
        (AttributeSpec(name, AttributeType.CATEGORY, levels=levels),),
    )
    codes = compute_vectors(spec, histories, references)[:, 0]
    words = [levels[int(code)] if code == code else "unknown" for code in codes]
    return np.array(words, dtype=object)


def numbers_as_of(histories: Histories, references: References, name: str) -> Float64:
    """A numeric attribute as of each reference, (n); NaN where not known."""
    spec = FeatureSpec(
        (Feature(FeatureSource.ATTRIBUTE, name, "value"),),
        (AttributeSpec(name, AttributeType.NUMBER),),
    )
    return compute_vectors(spec, histories, references)[:, 0]


def levels_as_of(
    histories: Histories, references: References, name: str, levels: tuple[str, ...]
) -> Float64:
    """The place of an ordered category among its ``levels``, (n) from 0; NaN where not known."""
    spec = FeatureSpec(
        (Feature(FeatureSource.ATTRIBUTE, name, "ordinal"),),
        (AttributeSpec(name, AttributeType.CATEGORY, levels=levels),),
    )
    return compute_vectors(spec, histories, references)[:, 0]


def _levels(histories: Histories, name: str) -> tuple[str, ...]:
    column = histories.attributes.get(name)
    known = [] if column is None else [v for v in np.unique(column.astype(str)) if v != "None"]
    levels = {v.removesuffix(".0") for v in known if v != "nan"}
    answers = histories.answers
    if name in answers.attributes:
        given = answers.value[answers.attribute == answers.attributes.index(name)]
        levels |= {answers.values[code] for code in np.unique(given)} - {""}
    return tuple(sorted(levels))
