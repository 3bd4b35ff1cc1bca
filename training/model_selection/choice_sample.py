"""The leads on which a recipe is chosen, where there are more than the choice needs.

Which families are averaged, with how many trees and which calibration, is decided by differences of
log loss between recipes. Their standard error is sd(d) / sqrt(m): d is a lead's difference in log
loss, m the leads predicted out of fold. Neighbouring recipes differ by s of about 0.2 to 0.3 in
log-odds on a lead, and then sd(d) is about s × sqrt(rate): a difference is known to within the
share e of the log loss (about rate × ln(2.7 / rate)) with

    conversions = (s / (e × ln(2.7 / rate)))²

For s = 0.25, e = 0.2 % and a rate of 14 % that is 1,800 conversions, or 13,000 leads; at 2 %, 650
conversions or 33,000 leads (:func:`leads_to_choose_on`). Choosing wrongly between two recipes costs
at most 0.17 standard errors on average (the maximum of g × Φ(-g)). What was reached is measured
each time
(:func:`choice_error`) and stands in the release. See docs/decisions/0080-chosen-on-a-sample.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.compute.array_types import Float64, Int64, Rows, UInt64
from features.histories.subset import select_leads
from training.evaluation.confidence import clustered_mean
from training.evaluation.metrics import log_losses_of_log_odds
from training.labels.references import LabelledReferences
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import CandidateResult, OutOfFoldRows
from training.model_selection.ensemble import EnsembleChoice, ensemble_weights

REFERENCES_TO_CHOOSE = 60_000
"""On so many references a recipe is chosen without a sample, and on no fewer with one."""


MIN_SAVING = 0.2
"""A sample that would leave out a smaller share of the leads is not taken."""


SPREAD = 0.25
ERROR_SHARE = 0.002
"""s and e of the formula above."""


HASH_KEY = "leadscore choice"  # sixteen letters, as SipHash needs


@dataclass(frozen=True, slots=True)
class ChoiceSample:
    """Whole leads, with all their references and their history.

    ``data``: of these leads alone. ``rows`` (m): their references' places among all references, in
    the same order. ``of_leads``: how many there are in all.
    """

    data: TrainingData
    rows: Rows
    of_leads: int

    @property
    def leads(self) -> int:
        """How many leads are in the sample."""
        return len(self.data.histories)


def choice_sample(data: TrainingData, leads: int | None = None) -> ChoiceSample | None:
    """The leads with the smallest hashes of their ids; None where all of them are to be used.

    ``leads``: how many, 0 for all; None for :func:`leads_to_choose_on`. An account is in it whole
    or not at all. The order of time and the base rate stay as they are, for a hash knows neither; a
    larger sample holds every smaller one.
    """
    labelled = data.labelled
    present = np.unique(labelled.lead)
    if leads is None:
        leads = leads_to_choose_on(labelled)
        if leads > (1 - MIN_SAVING) * len(present):
            return None
    if leads == 0 or leads >= len(present):
        return None
    unit = _unit_of_leads(labelled, len(data.histories))[present]
    chosen = present[_smallest(unit, _hashes(data.histories.lead_ids)[present], leads)]
    if len(chosen) == len(present):
        return None
    rows = np.flatnonzero(np.isin(labelled.lead, chosen))
    part = labelled.take(rows)
    histories, references = select_leads(data.histories, part.references)
    of_sample = LabelledReferences(
        references,
        part.closed_us,
        part.converted,
        part.weight,
        part.horizon_us,
        part.observed_until_us,
        part.has_time,
        part.account,
    )
    return ChoiceSample(TrainingData(data.settings, histories, of_sample), rows, len(present))


def leads_to_choose_on(labelled: LabelledReferences) -> int:
    """How many leads are enough: by the formula above, and ``REFERENCES_TO_CHOOSE`` references."""
    leads = len(np.unique(labelled.lead))
    for_references = np.ceil(REFERENCES_TO_CHOOSE * leads / max(len(labelled), 1))
    mature = labelled.mature
    rate = float(np.average(labelled.label[mature] == 1)) if mature.any() else 0.0
    if not 0.0 < rate < 1.0:
        return leads
    rarer = min(rate, 1 - rate)
    conversions = (SPREAD / (ERROR_SHARE * np.log(np.e / rarer))) ** 2
    return int(max(for_references, np.ceil(conversions / rarer)))


def _smallest(unit: Int64, hashes: UInt64, leads: int) -> Rows:
    """Places of the leads (n) of the units whose smallest hash is smallest, ``leads`` or a few
    more."""
    _, member = np.unique(unit, return_inverse=True)
    order = np.argsort(hashes, kind="stable")
    _, first = np.unique(member[order], return_index=True)
    rank = np.empty(len(first), np.int64)  # of each unit, by its smallest hash
    rank[np.argsort(first, kind="stable")] = np.arange(len(first))
    sizes = np.bincount(rank[member])
    enough = int(np.searchsorted(np.cumsum(sizes), leads)) + 1
    return np.flatnonzero(rank[member] < enough)


def _unit_of_leads(labelled: LabelledReferences, n_leads: int) -> Int64:
    unit = np.arange(n_leads, dtype=np.int64)
    unit[labelled.lead] = labelled.unit
    return unit


def _hashes(lead_ids: np.ndarray) -> UInt64:
    words = np.asarray([str(lead_id) for lead_id in lead_ids.tolist()], dtype=object)
    return np.asarray(pd.util.hash_array(words, hash_key=HASH_KEY, categorize=False))


@dataclass(frozen=True, slots=True)
class ChoiceError:
    """How well a sample tells recipes apart.

    ``standard_error``: nats, the largest of the differences in log loss between the ensemble and
    the same without one of its candidates (the base rate, where it has one). ``log_loss``: of the
    ensemble, out of fold. ``leads``: the units predicted out of fold.
    """

    standard_error: float
    log_loss: float
    leads: int

    @property
    def share(self) -> float:
        """The standard error as a share of the log loss."""
        return self.standard_error / self.log_loss if self.log_loss > 0 else 0.0


def choice_error(
    results: Sequence[CandidateResult], ensemble: EnsembleChoice, rows: OutOfFoldRows
) -> ChoiceError | None:
    """Measured on the ``rows`` (m) predicted out of fold; None without a signal.

    ``results``: the base rate first, then every candidate.
    """
    by_name = {result.candidate.name: result.log_odds for result in results}
    names = tuple(ensemble.steps)
    if not names:
        return None

    def losses(some: tuple[str, ...]) -> Float64:
        weights = ensemble_weights(some, ensemble.scorecard_weight)
        log_odds = np.average([by_name[name] for name in some], axis=0, weights=weights)
        return log_losses_of_log_odds(rows.label, log_odds)

    whole = losses(names)
    smaller = [tuple(n for n in names if n != out) for out in names] if len(names) > 1 else []
    others = [losses(some) for some in smaller] or [
        log_losses_of_log_odds(rows.label, results[0].log_odds)
    ]
    errors = [clustered_mean(other - whole, rows.weight, rows.unit)[1] for other in others]
    mean = float(np.average(whole, weights=rows.weight))
    return ChoiceError(max(errors), mean, len(np.unique(rows.unit)))
