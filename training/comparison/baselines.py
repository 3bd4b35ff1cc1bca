"""Baselines: other ways to rank leads.

Each is fitted on what was known when the model was fitted, and scores the same references.
"""

from __future__ import annotations

import numpy as np

from features.compute.array_types import Float64, Rows
from features.contract import AttributeType, Available
from features.histories.arrays import NO_TIME, References
from features.vectors.catalogue import Source as FeatureSource
from features.vectors.compute import compute_vectors
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from training.comparison.odoo import CrmLead, fit_odoo
from training.labels.references import OPEN
from training.labels.splits import Fold
from training.labels.training_data import TrainingData

TIERS = (0.2, 0.4, 0.6, 0.8)


DECILES = tuple(d / 10 for d in range(1, 10))


TEAM = "team"


def percentile_tiers(score: Float64, weight: Float64, training: Float64) -> Float64:
    """Tiers 0 (lowest fifth) to 4 of ``score`` (n), by the fifths of ``training`` scores (m).

    Raises nothing; ``weight`` (m) belongs to ``training``.

    >>> percentile_tiers(np.array([0.0, 5.0, 9.0]), np.ones(10), np.arange(10.0)).tolist()
    [0.0, 2.0, 4.0]
    """
    order = np.argsort(training, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()
    places = [min(int(np.searchsorted(reached, t)), len(order) - 1) for t in TIERS]
    edges = training[order][places]
    return np.searchsorted(edges, score, side="left").astype(np.float64)


def newest_first(source: TrainingData, rows: Rows) -> Float64:
    """Days since creation, negative, (n): the newest lead is called first; 0 without time."""
    lead = source.labelled.lead[rows]
    created = source.histories.created_at_us[lead]
    if (created == NO_TIME).any():
        return np.zeros(len(rows))
    return -(source.labelled.as_of_us[rows] - created) / 86_400_000_000.0


def odoo_scores(source: TrainingData, fold: Fold, until_us: int) -> Float64:
    """Odoo's percent chance of the references at ``fold.test``; the overall rate where it has none.

    Trained as Odoo does: on leads closed by the fold's cutoff, with their values at closing
    (stages and tags are not in these data; an attribute called ``team`` is the team). Numbers
    are binned by the deciles of the training leads.
    """
    labelled = source.labelled
    moment = until_us if fold.cutoff_us is None else fold.cutoff_us
    closed = _closed_leads(source, fold, moment)
    if not len(closed[0]):
        return np.zeros(len(fold.test))
    crm = _CrmView.of(source, closed[0])
    at_closing = References(closed[0], closed[1])
    tables = fit_odoo(crm.leads(at_closing), list(closed[2]))
    test_leads = crm.leads(labelled.take(fold.test).references)
    scores = [tables.score(lead) for lead in test_leads]
    overall = 100 * float(np.mean(closed[2]))
    return np.array([overall if score is None else score for score in scores])


def _closed_leads(
    source: TrainingData, fold: Fold, moment: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Leads known as closed at ``moment`` and not on the test side: row, closing, won."""
    labelled = source.labelled
    first = np.unique(labelled.lead, return_index=True)[1]
    if fold.cutoff_us is None:
        first = first[np.isin(labelled.lead[first], labelled.lead[fold.train])]
    closed_us = labelled.closed_us[first]
    known = closed_us != OPEN if not labelled.has_time else closed_us <= moment
    known &= ~np.isin(labelled.lead[first], labelled.lead[fold.test])
    rows = first[known]
    at = labelled.closed_us[rows] if labelled.has_time else np.zeros(len(rows), np.int64)
    return labelled.lead[rows], at, labelled.converted[rows]


class _CrmView:
    """The attributes of leads as Odoo's fields: words, with numbers binned by deciles."""

    def __init__(self, source: TrainingData, spec: FeatureSpec, edges: dict[str, Float64]) -> None:
        self.source, self.spec, self.edges = source, spec, edges

    @classmethod
    def of(cls, source: TrainingData, leads: np.ndarray) -> _CrmView:
        """Levels and deciles of the training ``leads`` (rows of the histories)."""
        specs = [s for s in _attribute_specs(source, leads) if s is not None]
        features = tuple(
            Feature(
                FeatureSource.ATTRIBUTE,
                s.name,
                "ordinal" if s.type == AttributeType.CATEGORY else "value",
            )
            for s in specs
        )
        edges = {}
        for s in specs:
            column = source.histories.attributes.get(s.name)
            if s.type == AttributeType.NUMBER and column is not None and column.dtype != object:
                known = column[leads].astype(np.float64)
                known = known[np.isfinite(known)]
                edges[s.name] = np.unique(np.quantile(known, DECILES)) if len(known) else known
        return cls(source, FeatureSpec(features, tuple(specs)), edges)

    def leads(self, references: References) -> list[CrmLead]:
        """What Odoo would see of each reference."""
        matrix = compute_vectors(self.spec, self.source.histories, references)
        words = [self._words(s, matrix[:, i]) for i, s in enumerate(self.spec.attributes)]
        names = [s.name for s in self.spec.attributes]
        leads = []
        for row in range(len(references)):
            fields = {n: w[row] for n, w in zip(names, words, strict=True) if w[row] is not None}
            team = fields.pop(TEAM, None)
            leads.append(CrmLead({k: str(v) for k, v in fields.items()}, team))
        return leads

    def _words(self, spec: AttributeSpec, column: Float64) -> list[str | None]:
        if spec.name in self.edges:
            place = np.searchsorted(self.edges[spec.name], column, side="right")
            return [
                None if np.isnan(v) else f"decile {p}" for v, p in zip(column, place, strict=True)
            ]
        return [None if np.isnan(v) else f"{v:g}" for v in column]


def _attribute_specs(source: TrainingData, leads: np.ndarray) -> list[AttributeSpec | None]:
    """Every attribute that a CRM would hold, with the levels that the training leads had."""
    histories = source.histories
    specs: list[AttributeSpec | None] = []
    for name in sorted(source.settings.attributes):
        declared = source.settings.attributes[name]
        if declared.type is None or declared.available == Available.AFTER_OUTCOME:
            continue
        levels: set[str] = set()
        if declared.type == AttributeType.CATEGORY:
            column = histories.attributes.get(name)
            if column is not None:
                levels |= {str(v) for v in column[leads].tolist() if v is not None}
            if name in histories.answers.attributes:
                levels |= _answered_values(source, name)
        specs.append(AttributeSpec(name, declared.type, levels=tuple(sorted(levels))))
    return specs


def _answered_values(source: TrainingData, name: str) -> set[str]:
    answers = source.histories.answers
    rows = answers.attribute == answers.attributes.index(name)
    return {answers.values[code] for code in np.unique(answers.value[rows])} - {""}
