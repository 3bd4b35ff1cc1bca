"""The forecast from the store: the open leads' newest scores summed, and past sums checked.

It is the arithmetic of ``leadscore forecast`` (:mod:`scoring.forecast`) over scores that were given
already, so that it follows the store within a minute and scores nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from time import monotonic
from typing import TYPE_CHECKING

import numpy as np

from features.compute.array_types import DAY_US, Float64, Int64, Object
from features.language.language import Language
from scoring.forecast import (
    COVERAGE,
    DEFAULT_HORIZONS,
    ForecastLeads,
    ForecastRow,
    PeriodCheck,
    forecast_rows,
    known_horizons,
)
from scoring.model.log_odds import logit
from scoring.release.release import Release
from scoring.timing import TimingCurves
from serving.problems import Problem, validation_problem
from serving.store.open_leads import (
    CATEGORIES,
    PastLeads,
    StoredOpenLeads,
    open_leads,
    past_leads,
    values_of,
)

if TYPE_CHECKING:
    from serving.services import Services

MAX_DRAWN = 300
"""Groups of more leads are drawn from their mean and variance: a hundred thousand leads in four
splits and three horizons then take a few seconds rather than twenty."""
MAX_GROUPS = 100
OTHER = "(other)"
"""The group of the leads whose word is none of the ``MAX_GROUPS`` most common ones."""
STALE_DAYS = 7.0
KEEP_S = 60.0
MAX_CACHED_FORECASTS = 32
NEAREST, FARTHEST = 1e-12, 1 - 1e-12


@dataclass(frozen=True)
class ForecastQuery:
    """What is asked. ``horizons``: days, none takes those that are known; ``value``: what a
    conversion is worth, a number or the name of an attribute; ``by``: of ``CATEGORIES``."""

    horizons: tuple[float, ...] = ()
    value: float | str | None = None
    by: tuple[str, ...] = ("band",)


@dataclass(frozen=True)
class ForecastCaveats:
    """What a reader must know, as counts of open leads: without a creation, with an unknown value,
    with a score of another release, with one not computed for ``STALE_DAYS``."""

    without_creation: int = 0
    without_value: int = 0
    mean_value: float = 0.0
    of_another_release: int = 0
    stale: int = 0
    left_out_days: tuple[float, ...] = ()
    longest_days: float = 0.0


@dataclass(frozen=True)
class StoredForecast:
    """``rows``: all leads first, then by group, each for every horizon; ``last_periods``: of each
    horizon the forecast as it would have been that long ago, and what came since."""

    release_id: str
    as_of_us: int
    horizons: tuple[float, ...]
    rows: list[ForecastRow]
    last_periods: list[PeriodCheck]
    caveats: ForecastCaveats

    @property
    def coverage(self) -> float:
        """Of the intervals."""
        return COVERAGE


@dataclass
class ForecastCache:
    """Forecasts of the last minute, and one computed at a time: it takes a core for seconds."""

    _kept: dict[tuple[str, ForecastQuery], tuple[float, StoredForecast]] = field(
        default_factory=dict
    )
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(self, services: Services, query: ForecastQuery, now_us: int) -> StoredForecast:
        """The forecast by the release in use; a problem where it cannot be made."""
        predictor = services.live.current()
        key = predictor.release_id, query
        async with self._one_at_a_time:
            at, found = self._kept.get(key, (0.0, None))
            if found is not None and monotonic() - at < KEEP_S:
                return found
            made = await stored_forecast(services, predictor.release, query, now_us)
            while len(self._kept) >= MAX_CACHED_FORECASTS:
                del self._kept[next(iter(self._kept))]
            self._kept.pop(key, None)
            self._kept[key] = monotonic(), made
            return made


async def stored_forecast(
    services: Services, release: Release, query: ForecastQuery, now_us: int
) -> StoredForecast:
    """Read the store, then sum in a thread. Raises Problem for what the release does not know."""
    timing = release.timing
    if timing is None:
        raise Problem(
            409, "no-timing",
            "This release does not know when conversions come; train it again on data with "
            "created_at.",
        )  # fmt: skip
    horizons = _horizons(query.horizons, timing)
    store = services.store
    found = await store.read(lambda c: open_leads(c, release.release_id))
    values: Mapping[str, float] = {}
    if isinstance(query.value, str):
        name = query.value
        values = await store.read(lambda c: values_of(c, name))
    starts = {days: now_us - round(days * DAY_US) for days in horizons}
    past = {
        days: await store.read(partial(past_leads, start_us=start_us, end_us=now_us))
        for days, start_us in starts.items()
    }
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(
        None, summed, release.release_id, timing, horizons, query, found, values, past, now_us
    )


def summed(
    release_id: str,
    timing: TimingCurves,
    horizons: tuple[float, ...],
    query: ForecastQuery,
    found: StoredOpenLeads,
    values: Mapping[str, float],
    past: Mapping[float, PastLeads],
    now_us: int,
) -> StoredForecast:
    """The forecast of leads that were read; pure."""
    worth, unknown, mean = _worth(query.value, found, values)
    leads = forecast_leads(found.probability, found.created_us, found.as_of_us, worth)
    groups = {name: _most_common(found.words[name]) for name in query.by}
    rows = forecast_rows(leads, timing, horizons, groups, max_drawn=MAX_DRAWN)
    stale = (found.checked_us > 0) & (found.checked_us < now_us - STALE_DAYS * DAY_US)
    left_out = () if query.horizons else set(DEFAULT_HORIZONS) - set(horizons)
    caveats = ForecastCaveats(
        int((found.created_us < 0).sum()), unknown, mean, int((found.checked_us == 0).sum()),
        int(stale.sum()), tuple(sorted(left_out)), timing.longest_days,
    )  # fmt: skip
    periods = [
        _checked(timing, days, now_us - round(days * DAY_US), leads_then)
        for days, leads_then in past.items()
        if len(leads_then.probability)
    ]
    if not periods and timing.last_period is not None:
        periods = [PeriodCheck.recorded(timing.last_period, "training")]
    return StoredForecast(release_id, now_us, horizons, rows, periods, caveats)


def forecast_leads(
    probability: Float64, created_us: Int64, as_of_us: Int64, worth: Float64 | None = None
) -> ForecastLeads:
    """Stored scores as a forecast takes them; a lead without a creation counts as new."""
    age = np.where(created_us < 0, 0.0, np.maximum(as_of_us - created_us, 0) / DAY_US)
    return ForecastLeads(logit(np.clip(probability, NEAREST, FARTHEST)), probability, age, worth)


def _horizons(days_ahead: tuple[float, ...], timing: TimingCurves) -> tuple[float, ...]:
    if not days_ahead:
        return known_horizons(timing)
    if max(days_ahead) > timing.longest_days:
        raise validation_problem(
            "?horizons", f"expected at most {timing.longest_days:.0f} days: leads were watched for "
            "no longer after a reference",
        )  # fmt: skip
    return tuple(sorted(set(days_ahead)))


def _worth(
    value: float | str | None, found: StoredOpenLeads, values: Mapping[str, float]
) -> tuple[Float64 | None, int, float]:
    """(what a conversion of each lead is worth, of how many it is unknown, the mean they get)."""
    if value is None:
        return None, 0, 0.0
    if not isinstance(value, str):
        return np.full(len(found), float(value)), 0, float(value)
    worth = np.array([values.get(lead_id, np.nan) for lead_id in found.lead_ids], np.float64)
    unknown = np.isnan(worth)
    if unknown.all() and len(worth):
        raise validation_problem("?value", "is no number, and no attribute of any open lead is")
    mean = float(worth[~unknown].mean()) if len(worth) else 0.0
    return np.where(unknown, mean, worth), int(unknown.sum()), mean


def _most_common(words: Object) -> Object:
    """The words, the rare ones beyond ``MAX_GROUPS`` as one."""
    names, counts = np.unique(words.astype(str), return_counts=True)
    if len(names) <= MAX_GROUPS:
        return words
    kept = set(names[np.argsort(-counts, kind="stable")[:MAX_GROUPS]].tolist())
    made = words.copy()
    made[[word not in kept for word in words]] = OTHER
    return made


def _checked(timing: TimingCurves, days: float, start_us: int, then: PastLeads) -> PeriodCheck:
    at = np.full(len(then.probability), start_us, np.int64)
    leads = forecast_leads(then.probability, then.created_us, at)
    row = forecast_rows(leads, timing, [days], max_drawn=MAX_DRAWN)[0]
    came = int(then.converted.sum())
    return PeriodCheck(start_us, days, len(leads), row.expected, row.low, row.high, came, "scores")


def caveat_sentences(found: StoredForecast, words: Language) -> list[str]:
    """The caveats in words; none where there is nothing to say."""
    _, ngettext, n = words.gettext, words.ngettext, words.format_number
    what, sentences = found.caveats, []
    if what.left_out_days:
        days = ", ".join(n(one) for one in what.left_out_days)
        sentences.append(
            _("{days} days are left out: leads were watched for at most {most} days after a reference.").format(days=days, most=n(what.longest_days, 0))  # noqa: E501
        )  # fmt: skip
    if what.of_another_release:
        count = what.of_another_release
        sentences.append(
            ngettext("{count} open lead has a score of an earlier release only.", "{count} open leads have a score of an earlier release only.", count).format(count=n(count))  # noqa: E501
        )  # fmt: skip
    if what.stale:
        sentences.append(
            ngettext("The score of {count} open lead is more than a week old.", "The scores of {count} open leads are more than a week old.", what.stale).format(count=n(what.stale))  # noqa: E501
        )  # fmt: skip
    if what.without_creation:
        count = what.without_creation
        sentences.append(
            ngettext("{count} open lead has no moment of creation and counts as new.", "{count} open leads have no moment of creation and count as new.", count).format(count=n(count))  # noqa: E501
        )  # fmt: skip
    if what.without_value:
        count = what.without_value
        sentences.append(
            ngettext("The value of {count} open lead is unknown; it counts with the mean of the others, {mean}.", "The value of {count} open leads is unknown; they count with the mean of the others, {mean}.", count).format(count=n(count), mean=n(what.mean_value, 0))  # noqa: E501
        )  # fmt: skip
    return sentences


def query_of(given: Mapping[str, str], default_by: Sequence[str]) -> ForecastQuery:
    """``horizons``, ``value`` and ``by`` of a query string; a 422 names the one that is wrong."""
    by = [part.strip() for part in given.get("by", ",".join(default_by)).split(",") if part.strip()]
    if set(by) - set(CATEGORIES):
        raise validation_problem("?by", f"expected some of {', '.join(CATEGORIES)}, with commas")
    return ForecastQuery(
        _days(given.get("horizons", "")), _value(given.get("value", "")), tuple(dict.fromkeys(by))
    )


def _days(text: str) -> tuple[float, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdigit() and len(part) < 5 for part in parts):
        parts = ["0"]
    days = sorted({float(part) for part in parts})
    if (parts and days[0] <= 0) or len(days) > 12:
        raise validation_problem("?horizons", "expected up to 12 whole days, such as 30,60,90")
    return tuple(days)


def _value(text: str) -> float | str | None:
    text = text.strip()
    if len(text) > 200 or "\x00" in text:
        raise validation_problem("?value", "expected a number or the name of an attribute")
    try:
        number = float(text)
    except ValueError:
        return text or None
    if not abs(number) <= 1e15:
        raise validation_problem("?value", "expected a number within ±10^15")
    return number
