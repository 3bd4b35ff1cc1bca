"""Data for a notebook: datasets by any name, vectors and labels as frames, simulated leads."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.dataset import Dataset
from features.errors import UsageError
from features.language.plural import plural

if TYPE_CHECKING:
    from features.compute.array_types import Float64, Int64, Object
    from features.histories.arrays import Histories, References
    from features.vectors.spec import FeatureSpec
    from training.simulator import Simulation

DatasetLike = Dataset | str | Path
"""A dataset, or where to read one: a folder or the URL of a database."""


def as_dataset(data: DatasetLike, *, outcomes_required: bool = True) -> Dataset:
    """``data`` itself, or what is read from there."""
    if isinstance(data, Dataset):
        return data
    from features.reading.read import read_dataset

    return read_dataset(data, outcomes_required=outcomes_required)


def asked_references(dataset: Dataset, references: object) -> tuple[Object, Int64]:
    """(lead_ids, as_of in microseconds) of a frame, of a file, or of every open lead (None)."""
    from features.reading.frames import references_from_frame
    from features.reading.read import open_leads, read_references

    if references is None:
        return open_leads(dataset)
    if isinstance(references, str | Path):
        asked = read_references(Path(references), dataset.settings)
    else:
        asked = references_from_frame(references, dataset.settings)
    moments = asked["as_of"].to_numpy(dtype="datetime64[us]").astype("int64")
    return asked["lead_id"].to_numpy(dtype=object), moments


def vectorize(
    data: DatasetLike, references: object = None, *, spec: FeatureSpec | None = None
) -> pd.DataFrame:
    """What was known of each reference, as a frame of features: one row each, in their order.

    Args:
        data: a dataset, or a folder or URL to read one from.
        references: a frame (or the path of a file) with ``lead_id`` and ``as_of``; None takes the
            references of :func:`label_references`.
        spec: which features, such as ``release.spec``; None chooses those that vary over the
            references.

    Returns:
        DataFrame (n references, n features) of float64, NaN is unknown; the index is
        ``(lead_id, as_of)``. ``.attrs["features"]`` says of each column its ``unit``, what it holds
        when there is nothing to count (``null``) and a ``sentence`` with its median value.

    Raises:
        DataError: the data break the contract, or a reference asks about an unknown lead or a
            moment before the lead's creation.

    >>> X = ls.vectorize(data)
    >>> sorted(X.attrs["features"]["employees"])
    ['null', 'sentence', 'unit']
    """
    from features.histories.build import histories_from_dataset
    from features.vectors.compute import compute_vectors
    from training.feature_selection.choose import choose_spec

    dataset = as_dataset(data, outcomes_required=references is None)
    if references is None:
        references = label_references(dataset)
    histories = histories_from_dataset(dataset)
    lead_ids, moments = asked_references(dataset, references)
    asked = rows_of(histories, lead_ids, moments)
    chosen = choose_spec(dataset.settings, histories, asked) if spec is None else spec
    return vectors_frame(chosen, compute_vectors(chosen, histories, asked), lead_ids, moments)


def rows_of(histories: Histories, lead_ids: Object, moments: Int64) -> References:
    """The references as rows of the histories. Raises DataError for an unknown lead."""
    from features.errors import DataError
    from features.histories.arrays import NO_TIME, References

    rows = pd.Index(histories.lead_ids).get_indexer(pd.Index(lead_ids)).astype(np.int64)
    if (rows < 0).any():
        unknown = lead_ids[int(np.argmin(rows))]
        raise DataError(f"no lead {unknown!r} in the dataset; each reference needs a row in leads")
    created = histories.created_at_us[rows]
    return References(rows, np.where(created == NO_TIME, 0, moments).astype(np.int64))


def vectors_frame(
    spec: FeatureSpec, vectors: Float64, lead_ids: Object, moments: Int64
) -> pd.DataFrame:
    """Vectors with their names, and what the columns mean in ``attrs``."""
    as_of = moments_of(moments)
    index = pd.MultiIndex.from_arrays([lead_ids, as_of], names=["lead_id", "as_of"])
    frame = pd.DataFrame(vectors, index=index, columns=list(spec.names))
    frame.attrs["features"] = {
        feature.name: {
            "unit": feature.unit,
            "null": feature.null,
            "sentence": feature.sentence(_median(vectors[:, i])),
        }
        for i, feature in enumerate(spec.features)
    }
    return frame


def _median(column: Float64) -> float:
    known = np.sort(column[~np.isnan(column)])
    return float(known[len(known) // 2]) if len(known) else float("nan")


def moments_of(as_of_us: Int64) -> pd.DatetimeIndex:
    """Microseconds since 1970 as moments in UTC; NaT where there is no time."""
    from features.histories.arrays import NO_TIME

    known = np.where(as_of_us == NO_TIME, np.iinfo(np.int64).min, as_of_us)
    return pd.DatetimeIndex(known.view("datetime64[us]")).tz_localize("UTC")


def label_references(data: DatasetLike) -> pd.DataFrame:
    """The references that a training learns from, and what became of each.

    Returns:
        DataFrame with ``lead_id``, ``as_of`` (UTC), ``label`` (1.0 converted within the horizon,
        0.0 not, NaN not known yet: never a negative) and ``weight`` (a lead asked about at several
        ages counts once), in order of time.

    Raises:
        DataError: no reference can be asked.

    >>> list(ls.label_references(data).columns)
    ['lead_id', 'as_of', 'label', 'weight']
    """
    from features.histories.build import histories_from_dataset
    from training.labels.references import IMMATURE, labelled_references

    dataset = as_dataset(data)
    histories = histories_from_dataset(dataset)
    labelled = labelled_references(dataset, histories)
    label = labelled.label
    return pd.DataFrame(
        {
            "lead_id": histories.lead_ids[labelled.lead],
            "as_of": moments_of(labelled.as_of_us),
            "label": np.where(label == IMMATURE, np.nan, label.astype(np.float64)),
            "weight": labelled.weight,
        }
    )


def simulate(n_leads: int = 5000, seed: int = 0, *, world: str = "default") -> Simulation:
    """Simulated leads of a small B2B firm, with the exact probability that each converts.

    Args:
        n_leads: how many leads.
        seed: the same arguments give the same tables.
        world: ``default``, ``rare`` (few conversions) or ``noisy``.

    Returns:
        A simulation: ``leads``, ``interactions``, ``outcomes``, ``answers`` and ``truth`` (lead_id,
        as_of, probability) as DataFrames, ``to_dataset()`` and ``save(folder)``.

    Raises:
        UsageError: an unknown world, or no lead.

    >>> len(ls.simulate(60, seed=1).leads)
    60
    """
    from training import simulator

    if world not in simulator.SCENARIOS:
        known = ", ".join(simulator.SCENARIOS)
        raise UsageError(f"unknown world {world!r}; expected one of {known}")
    if n_leads < 1:
        raise UsageError(
            "cannot simulate "
            + plural(n_leads, "{n:,} lead", "{n:,} leads")
            + "; expected 1 or more"
        )
    return simulator.simulate(n_leads, seed, world=simulator.SCENARIOS[world])
