"""The forecast on a dataset: open leads scored, grouped and summed, and the last period checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from features.compute.array_types import DAY_US, Bools, Float64, Object, Rows
from features.contract import AttributeType, Group
from features.dataset import Dataset
from features.errors import DataError, UsageError
from features.histories.arrays import Histories, References
from features.histories.build import histories_from_dataset
from features.histories.subset import select_leads
from scoring.extrapolation import is_extrapolating, oldest_learned_days
from scoring.forecast import (
    COVERAGE,
    DEFAULT_HORIZONS,
    ForecastLeads,
    ForecastRow,
    PeriodCheck,
    forecast_rows,
    known_horizons,
)
from scoring.release.release import Release
from scoring.scores import score
from scoring.timing import TimingCurves
from training.labels.columns_as_of import numbers_as_of, words_as_of
from training.labels.references import EPOCH, closings, observed_until_us

BAND = "band"
LEADS_AT_ONCE = 20_000


@dataclass(frozen=True, eq=False)
class Forecast:
    """What to expect of the leads that are open at ``as_of_us``.

    ``rows``: all leads first, then by group. ``leads``: lead_id, probability of each horizon, band
    and value of every open lead. ``last_periods``: forecasts of passed periods. ``notes``: what a
    reader must know. ``coverage``: of the intervals.
    """

    release_id: str
    as_of_us: int
    coverage: float
    rows: tuple[ForecastRow, ...]
    leads: pd.DataFrame
    last_periods: tuple[PeriodCheck, ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data, without the single leads, as ``leadscore forecast --json`` prints it."""
        return {
            "release": self.release_id,
            "as_of": moment_words(self.as_of_us),
            "coverage": self.coverage,
            "rows": [row.to_dict() for row in self.rows],
            "last_periods": [{**asdict(p), "held": p.held} for p in self.last_periods],
            "notes": list(self.notes),
        }

    def frame(self) -> pd.DataFrame:
        """``rows`` as a DataFrame, columns as :class:`scoring.forecast.ForecastRow`."""
        return pd.DataFrame([row.to_dict() for row in self.rows])

    def __repr__(self) -> str:
        first = self.rows[0]
        return (
            f"<forecast of {first.leads:,} open leads: {first.expected:.1f} conversions "
            f"({first.low:.0f} to {first.high:.0f}) in {first.horizon_days:g} days>"
        )

    def _repr_html_(self) -> str:
        return str(self.frame().to_html(index=False))


def forecast(
    dataset: Dataset,
    release: Release,
    *,
    horizons: Sequence[float] | None = None,
    value: str | float | None = None,
    by: Sequence[str] = (BAND,),
    coverage: float = COVERAGE,
    seed: int = 0,
) -> Forecast:
    """Conversions, and their value, to expect from the leads open at ``observed_until``.

    ``horizons``: in days; None takes those of 30, 60 and 90 that are known, and the release's own.
    ``value``: a numeric attribute (as of now), or what any conversion is worth. ``by``: ``band`` or
    names of attributes; ``source`` is also the attribute of that group.

    Raises:
        DataError: the data or the release have no time, or a horizon is not known.
        UsageError: no such attribute, or a value that is no number.
    """
    if not dataset.has_time or release.timing is None:
        raise DataError(
            "a forecast needs created_at and a release that knows when conversions come; train on "
            "data with created_at (a release made by an earlier version: train it again)"
        )
    histories = histories_from_dataset(dataset)
    until = observed_until_us(dataset)
    notes: list[str] = []
    requested = _horizons(horizons, release.timing, notes)
    members, scored = _open_leads(dataset, histories, release, until)
    worth = _values(value, dataset, histories, members, until, notes)
    leads = ForecastLeads(scored.log_odds, scored.probability, scored.age_days, worth)
    groups = _groups(by, dataset, histories, release, members, leads, until)
    rows = forecast_rows(leads, release.timing, requested, groups, coverage=coverage, seed=seed)
    notes += _extrapolating(release, histories, members, leads, until)
    return Forecast(
        release.release_id,
        until,
        coverage,
        tuple(rows),
        _per_lead(histories, members, leads, release, requested),
        tuple(_last_periods(dataset, histories, release, requested, until, coverage, seed)),
        tuple(notes),
    )


def moment_words(us: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC."""
    return str(pd.Timestamp(us, unit="us", tz="UTC").isoformat()).replace("+00:00", "Z")


def _horizons(
    requested: Sequence[float] | None, timing: TimingCurves, notes: list[str]
) -> tuple[float, ...]:
    """Those asked, each of which must be known; by default those that are."""
    if requested is not None:
        for days in requested:
            timing.pace(np.zeros(1), np.zeros(1), days)  # raises where it is not known
        return tuple(requested)
    known = known_horizons(timing)
    if left := sorted(set(DEFAULT_HORIZONS) - set(known)):
        notes.append(
            f"{', '.join(f'{d:g}' for d in left)} days are left out: leads were watched for at "
            f"most {timing.longest_days:.0f} days after a reference"
        )
    return known


def _open_leads(
    dataset: Dataset, histories: Histories, release: Release, moment_us: int
) -> tuple[Rows, ForecastLeads]:
    closed_us, _ = closings(dataset, histories)
    is_open: Bools = (histories.created_at_us <= moment_us) & (closed_us > moment_us)
    members = np.flatnonzero(is_open)
    parts = []
    for start in range(0, len(members), LEADS_AT_ONCE):
        some = members[start : start + LEADS_AT_ONCE].astype(np.int64)
        references = References(some, np.full(len(some), moment_us, np.int64))
        scores = score(release, *select_leads(histories, references))
        parts.append((scores.log_odds, scores.probability))
    age = (moment_us - histories.created_at_us[members]) / DAY_US
    log_odds = np.concatenate([np.zeros(0), *(z for z, _ in parts)])
    probability = np.concatenate([np.zeros(0), *(p for _, p in parts)])
    return members, ForecastLeads(log_odds, probability, age)


def _values(
    value: str | float | None,
    dataset: Dataset,
    histories: Histories,
    members: Rows,
    moment_us: int,
    notes: list[str],
) -> Float64 | None:
    """What a conversion of each lead is worth, (n); where unknown the mean of the known."""
    if value is None:
        return None
    if not isinstance(value, str):
        if not np.isfinite(value):
            raise UsageError(f"the value of a conversion is {value}; expected a finite number")
        return np.full(len(members), float(value))
    numeric = [n for n, a in dataset.settings.attributes.items() if a.type == AttributeType.NUMBER]
    if value not in numeric:
        there = ", ".join(sorted(numeric)) or "none"
        raise UsageError(f"value {value!r} is not a numeric attribute here; there are: {there}")
    references = References(members.astype(np.int64), np.full(len(members), moment_us, np.int64))
    worth = numbers_as_of(histories, references, value)
    unknown = np.isnan(worth)
    if unknown.all() and len(worth):
        raise DataError(f"{value} is not known of any open lead; there is no value to forecast")
    if unknown.any():
        mean = float(worth[~unknown].mean())
        notes.append(
            f"{value} is unknown of {int(unknown.sum()):,} of {len(worth):,} open leads; they "
            f"count with the mean of the others, {mean:,.2f}"
        )
        worth = np.where(unknown, mean, worth)
    return worth


def _groups(
    by: Sequence[str],
    dataset: Dataset,
    histories: Histories,
    release: Release,
    members: Rows,
    leads: ForecastLeads,
    moment_us: int,
) -> dict[str, Object]:
    references = References(members.astype(np.int64), np.full(len(members), moment_us, np.int64))
    words: dict[str, Object] = {}
    for name in by:
        if name == BAND:
            words[name] = release.thresholds.bands_of(leads.probability)
        else:
            words[name] = words_as_of(histories, references, attribute_called(name, dataset))
    return words


def attribute_called(name: str, dataset: Dataset) -> str:
    """The attribute of that name; ``source`` is also the one of that group. Raises UsageError."""
    attributes = dataset.settings.attributes
    if name in attributes and attributes[name].type != AttributeType.NUMBER:
        return name
    of_group = [n for n, a in attributes.items() if a.group == Group.SOURCE]
    if name == Group.SOURCE.value and of_group:
        return of_group[0]
    there = [n for n, a in attributes.items() if a.type not in (None, AttributeType.NUMBER)]
    raise UsageError(
        f"cannot split by {name!r}: expected band or an attribute that is no number: "
        f"{', '.join(there) or 'there is none'}"
    )


def _extrapolating(
    release: Release, histories: Histories, members: Rows, leads: ForecastLeads, moment_us: int
) -> list[str]:
    oldest = oldest_learned_days(release.manifest["data"])
    at = np.full(len(members), moment_us, np.int64)
    older = is_extrapolating(oldest, histories.created_at_us[members], at)
    if not older.any() or oldest is None:
        return []
    share = float(leads.probability[older].sum() / max(leads.probability.sum(), 1e-12))
    return [
        f"{int(older.sum()):,} of {len(older):,} open leads are older than any learned from "
        f"({oldest:g} days); {share:.0%} of the expected conversions are theirs, and less sure. "
        "Add later reference_ages_days in dataset.toml and train again"
    ]


def _per_lead(
    histories: Histories,
    members: Rows,
    leads: ForecastLeads,
    release: Release,
    horizons: Sequence[float],
) -> pd.DataFrame:
    if release.timing is None:
        raise DataError("this release does not know when conversions come; train it again")
    columns: dict[str, Any] = {
        "lead_id": histories.lead_ids[members],
        "band": release.thresholds.bands_of(leads.probability),
    }
    for days in horizons:
        columns[f"probability_{days:g}d"] = release.timing.probability(
            leads.log_odds, leads.probability, leads.age_days, days
        )
    if leads.value is not None:
        columns["value"] = leads.value
    return pd.DataFrame(columns)


def _last_periods(
    dataset: Dataset,
    histories: Histories,
    release: Release,
    horizons: Sequence[float],
    until: int,
    coverage: float,
    seed: int,
) -> list[PeriodCheck]:
    """This release's own forecast where the period is later than its data; else its record."""
    learned = learned_until_us(release.manifest["data"])
    found = []
    for days in horizons:
        start = until - round(days * DAY_US)
        if learned is not None and start >= learned and release.timing is not None:
            members, leads = _open_leads(dataset, histories, release, start)
            if not len(members):
                continue
            row = forecast_rows(leads, release.timing, [days], coverage=coverage, seed=seed)[0]
            closed_us, converted = closings(dataset, histories)
            came = int((converted[members] & (closed_us[members] <= until)).sum())
            found.append(
                PeriodCheck(
                    start, days, len(members), row.expected, row.low, row.high, came, "this release"
                )
            )
    record = None if release.timing is None else release.timing.last_period
    if not found and record is not None:
        by = "the same recipe, fitted on what was known then"
        found.append(PeriodCheck.recorded(record, by))
    return found


def learned_until_us(data: Mapping[str, Any]) -> int | None:
    """The last moment that the training data covered, from the release's record of them."""
    until = data.get("observed_until")
    if not isinstance(until, str):
        return None
    return int((pd.Timestamp(datetime.fromisoformat(until)) - EPOCH) // pd.Timedelta(1, "us"))
