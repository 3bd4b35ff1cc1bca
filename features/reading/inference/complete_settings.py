"""The settings of a dataset, completed with what was inferred."""

from __future__ import annotations

import difflib
from datetime import datetime

from features.contract import AttributeType, Available
from features.dataset import Dataset
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.errors import DataError
from features.expressions import parse_expression
from features.reading.inference.inference import Inference


def completed(
    dataset: Dataset, given: frozenset[str], found: Inference, until: datetime | None
) -> DatasetSettings:
    """The settings with everything that was inferred, each with its sentence.

    ``until``: the end of what was observed, as declared or inferred.
    """
    settings = dataset.settings
    known = {*found.attributes, *found.left_out}
    parts = {a.part_of for a in found.attributes.values() if a.part_of}
    for name in sorted(set(settings.attributes) - known - parts):
        found.say(f"{name}: in the settings, but in no table")
    check_declared_features(settings, found)
    updates: dict[str, object] = {"attributes": found.attributes}
    if dataset.has_time and settings.observed_until is None and until is not None:
        updates["observed_until"] = until
        found.say(f"observed_until: inferred {until:%Y-%m-%dT%H:%M:%SZ}, the latest moment seen")
    if "horizon_days" not in given and dataset.has_time:
        found.say(f"horizon_days: not given, {settings.horizon_days:g} is taken")
    if not dataset.has_time:
        found.say(
            "leads have no created_at: nothing can be split by time, so figures are optimistic"
        )
        if dataset.interactions.num_rows or dataset.answers.num_rows:
            found.lose("leads have no created_at: interactions and answers cannot be used")
    return settings.model_copy(update=updates)


def check_declared_features(settings: DatasetSettings, found: Inference) -> None:
    """Raise DataError where a declared feature reads no number; say which cannot be used."""
    for name, declared in settings.features.items():
        key = f"dataset.toml: features.{name}.sql"
        if name in found.attributes:
            raise DataError(f"{key}: {name!r} is an attribute already; give it another name")
        for read in parse_expression(declared.sql).names:
            known = found.attributes.get(read)
            if known is None:
                numbers = [n for n, a in found.attributes.items() if is_numeric(a)]
                near = difflib.get_close_matches(read, numbers, n=1)
                hint = f"did you mean {near[0]!r}?" if near else f"there are: {', '.join(numbers)}"
                raise DataError(f"{key}: no attribute {read!r}; {hint}")
            if not is_numeric(known):
                raise DataError(f"{key}: {read!r} is a {known.type}, not a number or boolean")
            if known.available is Available.AFTER_OUTCOME:
                found.lose(f"feature {name}: {read} is known after the outcome only")


def is_numeric(attribute: AttributeSettings) -> bool:
    """Whether an expression may read the attribute: it is a number, or yes and no."""
    return attribute.type in (AttributeType.NUMBER, AttributeType.BOOLEAN)
