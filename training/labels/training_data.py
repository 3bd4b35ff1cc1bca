"""What a training reads: histories, labelled references and the attributes that may be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from features.compute.array_types import DAY_US
from features.contract import Available, Group
from features.dataset import Dataset
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.errors import DataError, UsageError
from features.histories.arrays import Histories
from features.histories.build import histories_from_dataset
from features.language.plural import plural
from training.labels.references import LabelledReferences, labelled_references

KIND_PREFIX = "kind:"
"""Before a name to exclude that is an interaction kind and not an attribute."""


def load_training_data(dataset: Dataset, exclude: Sequence[str] = ()) -> TrainingData:
    """Histories, labelled references and the settings with ``exclude`` marked as not usable.

    So are attributes of the group cost: what a lead cost says how it was got, and whoever spends
    by the score would be taught by their own spending.
    """
    histories = histories_from_dataset(dataset)
    settings = exclude_inputs(dataset.settings, histories, exclude)
    costs = {n: a for n, a in settings.attributes.items() if a.group == Group.COST}
    unused = {
        n: a.model_copy(update={"available": Available.AFTER_OUTCOME}) for n, a in costs.items()
    }
    settings = settings.model_copy(update={"attributes": {**settings.attributes, **unused}})
    return TrainingData(settings, histories, labelled_references(dataset, histories))


def exclude_inputs(
    settings: DatasetSettings, histories: Histories, exclude: Sequence[str]
) -> DatasetSettings:
    """``settings`` in which the attributes ``exclude`` are known after the outcome only.

    ``kind:NAME`` excludes an interaction kind: it joins ``excluded_kinds``.
    """
    known = set(settings.attributes) | set(histories.attributes)
    seen = {f"{KIND_PREFIX}{kind}" for kind in histories.interactions.kinds}
    kinds = {name for name in exclude if name in seen - known}
    after = {
        name: settings.attributes.get(name, AttributeSettings()).model_copy(
            update={"available": Available.AFTER_OUTCOME}
        )
        for name in exclude
        if name not in kinds
    }
    if foreign := sorted(set(after) - known):
        raise _cannot_exclude(foreign[0], known, seen)
    named = {*settings.excluded_kinds, *(kind.removeprefix(KIND_PREFIX) for kind in kinds)}
    return settings.model_copy(
        update={
            "attributes": {**settings.attributes, **after},
            "excluded_kinds": tuple(sorted(named)),
        }
    )


def _cannot_exclude(name: str, known: set[str], seen: set[str]) -> UsageError:
    """What is not there, and what could have been meant."""
    if name.startswith(KIND_PREFIX):
        there = ", ".join(sorted(seen)) or "no interactions"
        return UsageError(f"cannot exclude {name!r}: no such kind; there are {there}")
    hint = f"; the kind of that name is excluded by {KIND_PREFIX}{name}"
    meant = hint if f"{KIND_PREFIX}{name}" in seen else ""
    there = ", ".join(sorted(known))
    return UsageError(f"cannot exclude {name!r}: no such attribute; there are {there}{meant}")


def check_classes(labelled: LabelledReferences) -> None:
    """Raise DataError unless there are mature references of both classes."""
    label = labelled.label
    positives, negatives = int((label == 1).sum()), int((label == 0).sum())
    if positives + negatives == 0:
        days = labelled.horizon_us / DAY_US
        raise DataError(
            f"none of the references ({len(label):,}) is mature: the horizon of "
            f"{plural(days, '{n:g} day', '{n:g} days')} has not passed for any. Set a shorter "
            "horizon_days, or wait"
        )
    if not positives or not negatives:
        what = "converted within the horizon" if positives else "did not convert"
        raise DataError(
            f"one class only: all mature references ({positives + negatives:,}) {what}. "
            "A model needs leads that converted and leads that did not; check outcomes and "
            "horizon_days"
        )


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Input of a training; ``settings`` say which attributes and kinds may be used."""

    settings: DatasetSettings
    histories: Histories
    labelled: LabelledReferences
