"""Rule coverage: how many leads each rule of a scorecard matches, and how they end.

Counted at the dataset's labelled references, those a model is tested on; nothing at or after as_of
is seen.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.contract import AttributeType
from features.dataset import Dataset
from features.histories.arrays import Histories
from scoring.bands import Band
from scoring.scorecard.rules import UNANSWERED, Rule, RuleCondition, is_category
from scoring.scorecard.scorecard import CardScores, Scorecard
from training.evaluation.confidence import rate_of
from training.evaluation.metrics import Estimate
from training.labels.references import LabelledReferences, labelled_references

STREAMS = frozenset({"any", "inbound", "outbound", UNANSWERED})


@dataclass(frozen=True, slots=True)
class RuleMatch:
    """One rule (or exclusion) on a dataset.

    ``leads``: matched at one reference at least; ``share``: weighted share of the references.
    ``mean_points``: of the references matched, after caps. ``rate``: conversion of the mature
    ones. ``notes``: why it cannot match here, if it cannot.
    """

    name: str
    points: float | None
    leads: int
    share: float
    mean_points: float
    rate: Estimate
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class BandMatch:
    """How many leads the points put in a band, and how they end."""

    band: str
    leads: int
    share: float
    rate: Estimate


@dataclass(frozen=True, slots=True)
class RulesCheck:
    """What a scorecard does on a dataset. ``cells``: of its matrix fit × engagement, if any."""

    scorecard: str
    dataset: str
    leads: int
    references: int
    rate: Estimate
    rules: tuple[RuleMatch, ...]
    bands: tuple[BandMatch, ...]
    cells: tuple[BandMatch, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)


def check_rules(scorecard: Scorecard, dataset: Dataset, histories: Histories) -> RulesCheck:
    """Count what every rule matches at the labelled references of ``dataset``.

    Raises:
        DataError: there is no reference.
    """
    labelled = labelled_references(dataset, histories)
    card = scorecard.with_outbound(dataset.settings.outbound_kinds)
    scores = card.points(histories, labelled.references)
    conditions = (*card.card.rules, *card.card.exclusions)
    cells = card.cells(scores)
    return RulesCheck(
        card.name,
        dataset.settings.name,
        len(np.unique(labelled.lead)),
        len(labelled),
        _rate(labelled, np.ones(len(labelled), bool)),
        tuple(
            _match(i, condition, scores, labelled, tuple(_notes(condition, card, dataset)))
            for i, condition in enumerate(conditions)
        ),
        tuple(_of(band.value, scores.band == band.value, labelled) for band in Band),
        () if cells is None else tuple(_of(c, cells == c, labelled) for c in np.unique(cells)),
    )


def _match(
    i: int,
    condition: RuleCondition,
    scores: CardScores,
    labelled: LabelledReferences,
    notes: tuple[str, ...],
) -> RuleMatch:
    rows = scores.matched[:, i]
    return RuleMatch(
        condition.name,
        condition.points if isinstance(condition, Rule) else None,
        len(np.unique(labelled.lead[rows])),
        _share(labelled, rows),
        float(np.average(scores.shares[rows, i], weights=labelled.weight[rows]))
        if rows.any()
        else 0.0,
        _rate(labelled, rows),
        notes if notes or rows.any() else ("matches no lead here",),
    )


def _of(name: str, rows: np.ndarray, labelled: LabelledReferences) -> BandMatch:
    rows = np.asarray(rows, dtype=bool)
    leads = len(np.unique(labelled.lead[rows]))
    return BandMatch(name, leads, _share(labelled, rows), _rate(labelled, rows))


def _share(labelled: LabelledReferences, rows: np.ndarray) -> float:
    return float(labelled.weight[rows].sum() / labelled.weight.sum())


def _rate(labelled: LabelledReferences, rows: np.ndarray) -> Estimate:
    known = rows & labelled.mature
    return rate_of(labelled.label[known], labelled.weight[known], labelled.unit[known])


def _notes(condition: RuleCondition, card: Scorecard, dataset: Dataset) -> Iterator[str]:
    """Why a condition cannot match this dataset, in words."""
    known = dataset.settings.attributes
    if condition.attribute is None:
        kinds = set(dataset.interactions["kind"].unique().to_pylist())
        absent = sorted(set(condition.interaction) - kinds - STREAMS)
        if absent:
            yield f"no interaction of kind {', '.join(absent)} in the data"
    elif condition.attribute not in known:
        yield f"the data have no attribute {condition.attribute!r}"
    else:
        attribute_type = known[condition.attribute].type
        about = [c for c in card.card.rules if c.attribute == condition.attribute]
        if (
            is_category(about or [condition])
            and condition.is_
            and attribute_type == AttributeType.NUMBER
        ):
            yield f"{condition.attribute!r} is a number in the data, the rule compares words"
        if not is_category(about or [condition]) and attribute_type == AttributeType.CATEGORY:
            yield f"{condition.attribute!r} holds words in the data, the rule compares numbers"
