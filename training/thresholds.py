"""Where warm and hot begin: by default, by capacity, by value, or as given. Never in the model.

- default: warm from the average probability of the out-of-time references, hot from three times
  its odds (0.5 for an average of 0.25, 0.27 for 0.11);
- capacity: of the leads that are open in a week, ``hot_per_week`` are hot, and three times as many
  warm or hot;
- value: a contact pays where probability * value > cost, so warm begins at cost / value, and hot
  where a contact returns at least ``HOT_RETURN`` times its cost;
- given: two probabilities.

A release without signal has one band, and says so, unless the cuts are given or come from value.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.compute.array_types import Float64
from features.errors import UsageError
from scoring.bands import BandThresholds
from training.open_leads import OpenLeads

HOT_TIMES_ODDS = 3.0


WARM_TIMES_HOT_CAPACITY = 3.0


HOT_RETURN = 3.0


MAX_THRESHOLD = 0.99


@dataclass(frozen=True, slots=True)
class ThresholdPolicy:
    """How the user sets the bands; at most one of three ways. All None: the default."""

    hot_per_week: float | None = None
    value_per_conversion: float | None = None
    cost_per_contact: float | None = None
    warm: float | None = None
    hot: float | None = None

    def __post_init__(self) -> None:
        ways = [self._asks_capacity(), self._asks_value(), self._asks_given()]
        if sum(ways) > 1:
            raise UsageError(
                "cuts come from one source: --hot-per-week, or --value-per-conversion with "
                "--cost-per-contact, or --warm with --hot; give only one of them"
            )

    @property
    def depends_on_scores(self) -> bool:
        """Whether the cuts follow from the scores: by default, or by capacity."""
        return self.value_per_conversion is None and self.warm is None

    def _asks_capacity(self) -> bool:
        if self.hot_per_week is None:
            return False
        if not self.hot_per_week > 0:
            raise UsageError(f"--hot-per-week is {self.hot_per_week}; expected a number above 0")
        return True

    def _asks_value(self) -> bool:
        value, cost = self.value_per_conversion, self.cost_per_contact
        if value is None and cost is None:
            return False
        if value is None or cost is None:
            raise UsageError("--value-per-conversion and --cost-per-contact go together; give both")
        if not 0 < cost < value:
            raise UsageError(
                f"a contact costs {cost} and a conversion is worth {value}; expected "
                "0 < cost < value, otherwise no contact ever pays"
            )
        return True

    def _asks_given(self) -> bool:
        if self.warm is None and self.hot is None:
            return False
        if self.warm is None or self.hot is None:
            raise UsageError("--warm and --hot go together; give both probabilities")
        if not 0 < self.warm < self.hot < 1:
            raise UsageError(
                f"cuts warm {self.warm} and hot {self.hot}; expected 0 < warm < hot < 1"
            )
        return True


def choose_thresholds(
    choice: ThresholdPolicy,
    probability: Float64,
    weight: Float64,
    open_leads: OpenLeads | None = None,
) -> tuple[BandThresholds, str]:
    """The cuts and the sentence that says where they come from.

    ``probability`` (n), ``weight`` (n): calibrated out-of-time scores of recent references.
    ``open_leads``: those open in the newest weeks, for a capacity; None where there is no time.

    Raises:
        UsageError: a capacity was given and there is no time to count weeks by.
    """
    if choice.warm is not None and choice.hot is not None:
        return BandThresholds(choice.warm, choice.hot), "given"
    if choice.hot_per_week is not None:
        return _by_capacity(choice.hot_per_week, open_leads)
    if choice.value_per_conversion is not None and choice.cost_per_contact is not None:
        return _by_value(choice.value_per_conversion, choice.cost_per_contact)
    average = float(np.average(probability, weights=weight))
    hot = HOT_TIMES_ODDS * average / (1 + (HOT_TIMES_ODDS - 1) * average)
    cuts = _apart(average, hot)
    return cuts, (
        f"default: warm from the average probability ({cuts.warm:.1%}), "
        f"hot from {HOT_TIMES_ODDS:g} times its odds ({cuts.hot:.1%})"
    )


def thresholds_without_signal(base_rate: float) -> tuple[BandThresholds, str]:
    """Cuts of a release that gives every lead ``base_rate``: all are cold, and the words say so.

    >>> thresholds_without_signal(0.1)[1]
    'no signal: every lead has a probability of 10.0% and is cold; no band separates leads'
    """
    odds = [base_rate * times / (1 + base_rate * (times - 1)) for times in (3.0, 9.0)]
    return _apart(max(odds[0], float(np.nextafter(base_rate, 1.0))), odds[1]), (
        f"no signal: every lead has a probability of {base_rate:.1%} and is cold; "
        "no band separates leads"
    )


def _by_capacity(per_week: float, leads: OpenLeads | None) -> tuple[BandThresholds, str]:
    if leads is None:
        raise UsageError(
            "--hot-per-week needs created_at to count leads by week, and this dataset has no "
            "time; give --warm and --hot instead"
        )
    share = min(per_week / leads.per_week, 1.0)
    hot = _threshold_above_share(share, leads.probability)
    warm = _threshold_above_share(min(WARM_TIMES_HOT_CAPACITY * share, 1.0), leads.probability)
    cuts = _apart(warm, hot)
    return cuts, (
        f"capacity: {per_week:g} of the {leads.per_week:.1f} leads open in a week are hot, and "
        f"{WARM_TIMES_HOT_CAPACITY:g} times as many warm or hot"
    )


def _by_value(value: float, cost: float) -> tuple[BandThresholds, str]:
    cuts = _apart(cost / value, HOT_RETURN * cost / value)
    return cuts, (
        f"value: a contact pays from {cuts.warm:.1%} (cost {cost:g} / value {value:g}); hot "
        f"from {cuts.hot:.1%}, where it returns {HOT_RETURN:g} times its cost"
    )


def _threshold_above_share(share: float, probability: Float64) -> float:
    """The lowest probability such that at most ``share`` of the leads are at or above it."""
    levels, place = np.unique(-probability, return_inverse=True)
    reached = np.cumsum(np.bincount(place)) / len(probability)
    fits = np.flatnonzero(reached <= share + 1e-12)
    return float(-levels[fits[-1]]) if len(fits) else float(np.nextafter(-levels[0], 1.0))


def _apart(warm: float, hot: float) -> BandThresholds:
    """Cuts kept inside (0, 1) and in order, whatever the scores look like."""
    hot = min(max(hot, 1e-6), MAX_THRESHOLD)
    warm = max(warm, 1e-9)
    return BandThresholds(min(warm, hot * 0.999), hot)
