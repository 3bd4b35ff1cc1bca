"""The audit before a training: what is not excluded must hold no sure leak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from features.dataset import Dataset
from features.histories.build import histories_from_dataset
from training.labels.training_data import exclude_inputs
from training.leakage.audit import audit
from training.leakage.report import AuditReport, stop_on_sure_leaks


def audit_without(dataset: Dataset, exclude: Sequence[str]) -> AuditReport:
    """The audit of what is left when ``exclude`` is not used."""
    if exclude:
        settings = exclude_inputs(dataset.settings, histories_from_dataset(dataset), exclude)
        dataset = replace(dataset, settings=settings)
    return audit(dataset, costs=False)


def stop_on_leaks(dataset: Dataset, exclude: Sequence[str]) -> AuditReport:
    """The audit of what is used. Raises GateError with the evidence when a leak is sure."""
    report = audit_without(dataset, exclude)
    stop_on_sure_leaks(report)
    return report


def with_evidence_against_excluded(
    report: AuditReport, dataset: Dataset, exclude: Sequence[str]
) -> AuditReport:
    """The report with the evidence against what ``exclude`` leaves out, for the model card."""
    return report.with_evidence_of(audit(dataset, costs=False)) if exclude else report
