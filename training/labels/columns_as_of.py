"""Attributes as words, as they were known at each reference; reports split by them."""

from __future__ import annotations

import numpy as np

from features.compute.array_types import Object, Rows
from features.contract import AttributeType
from features.vectors.catalogue import Source as FeatureSource
from features.vectors.compute import compute_vectors
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from training.labels.training_data import TrainingData


def as_of_words(source: TrainingData, rows: Rows, name: str) -> Object:
    """A category (or boolean) as of each reference, (n) of str; ``unknown`` where not known."""
    levels = _levels(source, name)
    spec = FeatureSpec(
        (Feature(FeatureSource.ATTRIBUTE, name, "ordinal"),),
        (AttributeSpec(name, AttributeType.CATEGORY, levels=levels),),
    )
    references = source.labelled.take(rows).references
    codes = compute_vectors(spec, source.histories, references)[:, 0]
    words = [levels[int(code)] if code == code else "unknown" for code in codes]
    return np.array(words, dtype=object)


def _levels(source: TrainingData, name: str) -> tuple[str, ...]:
    column = source.histories.attributes.get(name)
    known = [] if column is None else [v for v in np.unique(column.astype(str)) if v != "None"]
    levels = {v.removesuffix(".0") for v in known if v != "nan"}
    answers = source.histories.answers
    if name in answers.attributes:
        given = answers.value[answers.attribute == answers.attributes.index(name)]
        levels |= {answers.values[code] for code in np.unique(given)} - {""}
    return tuple(sorted(levels))
