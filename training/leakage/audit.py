"""Leakage detection: does anything in the data know the outcome before it can?

Evidence, not one threshold: each check in ``values``, ``missingness``, ``history`` and ``kinds``
finds one thing that leaks do and other attributes do not; ``docs/guide/audit.md`` explains them.
Names and texts are never read, only values, moments and outcomes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

import numpy as np

from features.compute.array_types import Float64, Int64
from features.contract import Available
from features.dataset import Dataset
from features.histories.arrays import Histories
from features.histories.build import histories_from_dataset
from training.leakage.binned_columns import AuditFrame, attributes_of, frame_at_creation
from training.leakage.history import correlates_with_future, later_events
from training.leakage.kinds import answer_evidence, frame_at_references, kind_evidence
from training.leakage.missingness import (
    differences,
    filled_in_batches,
    open_leads_lack,
    overwritten,
)
from training.leakage.periods import holds_the_closing_period
from training.leakage.report import (
    AuditReport,
    LeakVerdict,
    Suspect,
    stop_on_sure_leaks,
    sure_leaks,
    verdict_of,
)
from training.leakage.univariate import UnivariateResult, multivariate, univariate
from training.leakage.values import Evidence, out_of_proportion, value_evidence
from training.leakage.written_form import written_form

__all__ = ["AuditReport", "LeakVerdict", "Suspect", "audit", "stop_on_sure_leaks", "sure_leaks"]


EvidenceFound = dict[str, list[Evidence]]


MIN_LEADS_PER_OUTCOME = 20


VERDICT_ORDER = list(LeakVerdict)


def audit(dataset: Dataset, *, costs: bool = True) -> AuditReport:
    """Look for leaks; ``costs=False`` leaves out what excluding each suspect costs (faster).

    Deterministic. Attributes that dataset.toml calls ``after_outcome``, and its
    ``excluded_kinds``, are listed as excluded; of attributes it calls ``at_creation`` evidence is
    reported, but the leak is never sure.
    """
    excluded = [
        n for n, s in dataset.settings.attributes.items() if s.available == Available.AFTER_OUTCOME
    ]
    frame, row = frame_at_creation(dataset)
    frame = frame.with_columns([c for c in frame.columns if c.name not in excluded])
    suspects: list[Suspect] = []
    kinds, notes = 0, []
    if min((frame.label == 1).sum(), (frame.label == 0).sum()) < MIN_LEADS_PER_OUTCOME:
        notes.append(
            f"fewer than {MIN_LEADS_PER_OUTCOME} leads of each outcome: nothing can be said"
        )
    else:
        histories = histories_from_dataset(dataset) if dataset.has_time else None
        suspects += _attributes(dataset, histories, frame, row, costs=costs)
        if histories and (len(histories.interactions.kinds) or len(histories.answers.attributes)):
            counted = _without_kinds(histories, dataset.settings.excluded_kinds)
            suspects += [
                suspect
                for suspect in _histories(dataset, counted, costs=costs)
                if suspect.what == "kind" or suspect.name not in excluded
            ]
            kinds = len(histories.interactions.kinds)
    suspects += [Suspect(n, "attribute", LeakVerdict.EXCLUDED, ()) for n in sorted(excluded)]
    suspects += [Suspect(n, "kind", LeakVerdict.EXCLUDED, ()) for n in _excluded_kinds(dataset)]
    suspects.sort(key=lambda s: (VERDICT_ORDER.index(s.verdict), -(s.gain or 0.0), s.name))
    if not dataset.has_time:
        notes.append("no created_at: the order of time could not be used")
    return AuditReport(
        dataset=dataset.settings.name,
        leads=len(dataset.leads),
        attributes=len(attributes_of(dataset)),
        kinds=kinds,
        suspects=tuple(suspects),
        notes=tuple(notes),
    )


def _excluded_kinds(dataset: Dataset) -> list[str]:
    """Kinds that dataset.toml excludes and that the data has."""
    there = set(dataset.interactions.column("kind").unique().to_pylist())
    return sorted(there & set(dataset.settings.excluded_kinds))


def _without_kinds(histories: Histories, excluded: tuple[str, ...]) -> Histories:
    """The histories without the rows of kinds that no model may count."""
    rows = histories.interactions
    codes = [code for code, kind in enumerate(rows.kinds) if kind in excluded]
    if not codes:
        return histories
    kept = ~np.isin(rows.kind, codes)
    return replace(
        histories,
        interactions=replace(
            rows,
            offsets=np.concatenate(([0], np.cumsum(kept)))[rows.offsets],
            at_us=rows.at_us[kept],
            kind=rows.kind[kept],
            value=rows.value[kept],
            duration_s=rows.duration_s[kept],
        ),
    )


def confirmed_at_creation(dataset: Dataset) -> frozenset[str]:
    """Attributes whose ``available = "at_creation"`` is declared in dataset.toml, not inferred."""
    guessed = {
        sentence.split(": inferred ")[0]
        for sentence in dataset.inferred
        if ": inferred " in sentence and " available " in sentence
    }
    declared = dataset.settings.attributes.items()
    at_creation = {n for n, settings in declared if settings.available is Available.AT_CREATION}
    return frozenset(at_creation - guessed)


def _attributes(
    dataset: Dataset, histories: Histories | None, frame: AuditFrame, row: Int64, *, costs: bool
) -> list[Suspect]:
    evidence_by_name: EvidenceFound = {}
    results = {column.name: univariate(frame, column) for column in frame.columns}
    for column in frame.columns:
        _add(evidence_by_name, column.name, value_evidence(frame, column, results[column.name]))
        _add(evidence_by_name, column.name, [e for e in [open_leads_lack(frame, column)] if e])
    created: Float64 | None = None
    if histories is not None:
        _merge(evidence_by_name, filled_in_batches(frame, results))
        later = later_events(dataset, histories)
        created = later.created_s[row]
        future = correlates_with_future(later, row, frame.columns)
        _merge(evidence_by_name, holds_the_closing_period(later, row, frame.columns) | future)
    _merge(evidence_by_name, overwritten(frame))
    categories = [c.name for c in frame.columns if c.number is None]
    words = {name: dataset.leads[name].iloc[row] for name in categories}
    for name, evidence in written_form(frame, words, results).items():
        _add(evidence_by_name, name, evidence)
    _merge(evidence_by_name, differences(frame, results, created))
    _merge(evidence_by_name, out_of_proportion(frame, results, set(evidence_by_name)))
    confirmed = confirmed_at_creation(dataset)
    suspects = [
        _suspect(name, "attribute", evidence_by_name[name], results.get(name), name in confirmed)
        for name in evidence_by_name
    ]
    return _with_costs(frame, suspects) if costs else suspects


def _histories(dataset: Dataset, histories: Histories, *, costs: bool) -> list[Suspect]:
    by_kind, by_answer = kind_evidence(dataset, histories), answer_evidence(dataset, histories)
    frame = frame_at_references(dataset, histories)
    results: dict[str, UnivariateResult] = {}
    if frame is not None:
        results = {column.name: univariate(frame, column) for column in frame.columns}
        values: EvidenceFound = {}
        for column in frame.columns:
            _add(values, column.name, value_evidence(frame, column, results[column.name]))
        _merge(values, out_of_proportion(frame, results, {*by_kind, *by_answer, *values}))
        for name, evidence in values.items():
            _add(by_kind if name in histories.interactions.kinds else by_answer, name, evidence)
    suspects = [
        _suspect(name, what, evidence, results.get(name), False)
        for what, evidence_by_name in (("kind", by_kind), ("answer", by_answer))
        for name, evidence in evidence_by_name.items()
    ]
    if costs and frame is not None:
        suspects = _with_costs(frame, suspects)
    return suspects


def _suspect(
    name: str,
    what: str,
    evidence: list[Evidence],
    results: UnivariateResult | None,
    confirmed: bool,
) -> Suspect:
    verdict = verdict_of(tuple(evidence), confirmed=confirmed)
    if results is None or np.isnan(results.log_loss):
        return Suspect(name, what, verdict, tuple(evidence))
    return Suspect(
        name, what, verdict, tuple(evidence), results.auc, results.gain, results.log_loss
    )


def _with_costs(frame: AuditFrame, suspects: list[Suspect]) -> list[Suspect]:
    """Add to each suspect what a quick model of all unsuspected columns gains by it."""
    by_name = {column.name: column for column in frame.columns}
    unsuspected = tuple(c for c in frame.columns if c.name not in {s.name for s in suspects})
    if not any(suspect.name in by_name for suspect in suspects):
        return suspects
    without = multivariate(frame, unsuspected).log_loss
    priced = []
    for suspect in suspects:
        if suspect.name in by_name:
            loss = multivariate(frame, (*unsuspected, by_name[suspect.name])).log_loss
            suspect = replace(suspect, cost=None if np.isnan(loss) else without - loss)
        priced.append(suspect)
    return priced


def _add(evidence_by_name: EvidenceFound, name: str, evidence: Iterable[Evidence]) -> None:
    for each in evidence:
        evidence_by_name.setdefault(name, []).append(each)


def _merge(evidence_by_name: EvidenceFound, more: Mapping[str, Evidence]) -> None:
    for name, evidence in more.items():
        _add(evidence_by_name, name, [evidence])
