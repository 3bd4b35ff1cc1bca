"""Scores that somebody else made (a CRM's, a vendor's, an old model's), judged like the others.

A given score is an attribute: a column of leads, or answers with their moments. At every reference
it is the latest value known strictly before it. It is never an input of the learned score that it
is compared with.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64, Rows
from features.contract import AttributeType
from features.dataset_settings import DatasetSettings
from features.errors import UsageError
from training.comparison.compare import LEARNED, Comparison
from training.comparison.metrics import ScoreColumn
from training.comparison.test_set import EvaluationSet
from training.evaluation.confidence import clustered_mean
from training.evaluation.metrics import Estimate, log_losses
from training.labels.columns_as_of import levels_as_of, numbers_as_of
from training.labels.training_data import TrainingData

PREFIX = "given:"
"""Before the name of a given score among the compared ones."""
MIN_RAW, MAX_RAW = 0.001, 0.999
"""Raw probabilities are cut to this range, so that one certain mistake does not cost everything."""
Z95 = 1.96


@dataclass(frozen=True)
class RawFigures:
    """A given score taken at its word, as a probability, over the references where it is known.

    ``reading``: how it was read. ``mean``: average of it; ``rate``: what converted.
    """

    reading: str
    mean: float
    rate: Estimate
    log_loss: Estimate


@dataclass(frozen=True)
class GivenVerdict:
    """One given score against the learned one, at the team's capacity.

    ``known``: share of the references at which it has a value. ``has_moments``: its values are
    answers with moments. ``raw``: None where it is on no scale of probabilities. ``better``: would
    have called better (True), worse (False), or within chance (None). ``answer``: the sentence.
    """

    name: str
    known: float
    has_moments: bool
    raw: RawFigures | None
    better: bool | None
    answer: str
    money: str | None
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def check_given(settings: DatasetSettings, names: Sequence[str]) -> None:
    """Raise UsageError for a name that is no attribute, or has no order."""
    for name in names:
        declared = settings.attributes.get(name)
        if declared is None or declared.type is None:
            there = ", ".join(sorted(settings.attributes)) or "none"
            raise UsageError(f"--given {name!r}: no such attribute; there are: {there}")
        if declared.type == AttributeType.CATEGORY and not declared.levels:
            raise UsageError(
                f"--given {name!r} holds words without an order; write "
                f'levels = ["lowest", …, "highest"] under [attributes.{name}] in dataset.toml'
            )


def given_columns(data: TrainingData, rows: Rows, names: Sequence[str]) -> list[ScoreColumn]:
    """Each given score at the references ``rows``; where unknown the median of the known.

    Raises UsageError for one that is known at no reference.
    """
    columns = []
    for name in names:
        values = values_as_of(data, rows, name)
        known = np.isfinite(values)
        if not known.any():
            raise UsageError(
                f"--given {name!r} is known before none of the tested references ({len(rows):,}); "
                "its moments may all be later"
            )
        filled = np.where(known, values, np.median(values[known]))
        columns.append(ScoreColumn(PREFIX + name, name, "given, as of its own past", filled))
    return columns


def values_as_of(data: TrainingData, rows: Rows, name: str) -> Float64:
    """The latest value before each reference, (n); a level as its place; NaN where not known."""
    declared = data.settings.attributes[name]
    references = data.labelled.take(rows).references
    if declared.type == AttributeType.CATEGORY:
        return levels_as_of(data.histories, references, name, declared.levels)
    return numbers_as_of(data.histories, references, name)


def given_verdicts(
    comparison: Comparison,
    data: TrainingData,
    rows: Rows,
    test_set: EvaluationSet,
    names: Sequence[str],
) -> list[GivenVerdict]:
    """What is to be said of every given score; ``comparison`` has its row of the main table."""
    return [_verdict(comparison, data, rows, test_set, name) for name in names]


def _verdict(
    comparison: Comparison, data: TrainingData, rows: Rows, test_set: EvaluationSet, name: str
) -> GivenVerdict:
    values = values_as_of(data, rows, name)
    known = np.isfinite(values)
    has_moments = name in data.histories.answers.attributes
    better, answer = _answer(comparison, name)
    notes = []
    if not has_moments:
        notes.append(
            f"{name} has no moments: it may have been written after the outcome, and then it "
            "looks better than it was. As answers with their moments it is judged by its past"
        )
    elif data.histories.attributes.get(name) is not None:
        notes.append(
            f"before its first answer {name} is the column of leads, taken as known at creation"
        )
    if not known.all():
        notes.append(
            f"{name} is unknown at {1 - float(np.average(known, weights=test_set.weight)):.1%} of "
            "the references, which are ranked in the middle"
        )
    return GivenVerdict(
        name,
        float(np.average(known, weights=test_set.weight)),
        has_moments,
        _raw(values, test_set),
        better,
        answer,
        _money(comparison, name),
        tuple(notes),
    )


def _answer(comparison: Comparison, name: str) -> tuple[bool | None, str]:
    """Would the team have called better with it? By the paired difference in conversion."""
    given, learned = comparison.score_of(PREFIX + name), comparison.score_of(LEARNED)
    gap = given.converted_difference
    if gap is None or not np.isfinite([gap.low, gap.high]).all():
        return None, f"Whether {name} would have called better cannot be told from these leads."
    rates = (
        f"of the leads called ({comparison.capacity}), {given.converted_of_called.value:.1%} "
        f"convert if {name} picks them and {learned.converted_of_called.value:.1%} if the learned "
        f"score does (difference {100 * gap.value:+.1f} points, 95 %: {100 * gap.low:+.1f} to "
        f"{100 * gap.high:+.1f})"
    )
    if gap.low > 0:
        return True, f"With {name} the team would have called better: {rates}."
    if gap.high < 0:
        return False, f"With {name} the team would have called worse: {rates}."
    return None, f"With {name} the team would have called about as well, within chance: {rates}."


def _money(comparison: Comparison, name: str) -> str | None:
    """Profit per 100 leads at the team's capacity; None where no money is given."""
    if comparison.value is None:
        return None
    given = comparison.value.by_score[PREFIX + name].at_capacity
    learned = comparison.value.by_score[LEARNED].at_capacity
    return (
        f"Per 100 leads {name} earns {given:,.0f} and the learned score {learned:,.0f} "
        f"({given - learned:+,.0f}) at the same number of calls."
    )


def _raw(values: Float64, test_set: EvaluationSet) -> RawFigures | None:
    known = np.isfinite(values)
    top, bottom = float(values[known].max()), float(values[known].min())
    if bottom < 0 or top > 100:
        return None
    scale, reading = (1.0, "a probability") if top <= 1 else (100.0, "percent")
    probability = values[known] / scale
    label, weight = test_set.label[known], test_set.weight[known]
    cut = np.clip(probability, MIN_RAW, MAX_RAW)
    unit = test_set.lead[known]
    return RawFigures(
        reading,
        float(np.average(probability, weights=weight)),
        _with_interval(label.astype(np.float64), weight, unit),
        _with_interval(log_losses(label, cut), weight, unit),
    )


def _with_interval(values: Float64, weight: Float64, unit: Any) -> Estimate:
    mean, error = clustered_mean(values, weight, unit)
    return Estimate(mean, mean - Z95 * error, mean + Z95 * error)


def raw_words_of(verdict: Mapping[str, Any]) -> str:
    """One sentence on a score at its word, from :meth:`GivenVerdict.to_dict`."""
    name, figures = verdict["name"], verdict["raw"]
    if figures is None:
        return f"{name} is on no scale of probabilities (0 to 1, or 0 to 100): only ranks count."
    rate, loss = Estimate(**figures["rate"]), Estimate(**figures["log_loss"])
    raw = RawFigures(figures["reading"], figures["mean"], rate, loss)
    low, high = raw.rate.low, raw.rate.high
    side = "too high" if raw.mean > high else "too low" if raw.mean < low else "right on average"
    return (
        f"Taken at its word ({raw.reading}), {name} says {raw.mean:.1%} where {raw.rate.value:.1%} "
        f"convert (95 %: {low:.1%} to {high:.1%}): {side}; log loss {raw.log_loss.value:.4f} "
        f"({raw.log_loss.low:.4f} to {raw.log_loss.high:.4f}) uncalibrated."
    )
