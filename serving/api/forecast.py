"""Endpoint of the forecast: conversions and value to expect from the open leads of the store."""

from __future__ import annotations

from datetime import datetime

import msgspec

from features.language.catalogues import language_or_english
from scoring.forecast import ForecastRow
from serving.api.endpoint import LANGUAGE_HEADER, LANGUAGE_QUERY, EndpointSpec
from serving.api.examples import FORECAST
from serving.http.request import Request, Response, allowed_params, json_response
from serving.predictor.stored_forecast import StoredForecast, caveat_sentences, query_of
from serving.services import Services
from serving.store.open_leads import CATEGORIES
from serving.timestamps import Clock, microseconds, moment_of

QUERY = (
    {
        "name": "horizons", "in": "query",
        "description": "days ahead, with commas; those of 30, 60 and 90 that are known, and the "
        "release's own, if left out",
        "schema": {"type": "string", "pattern": r"^([0-9]{1,4}(,[0-9]{1,4}){0,11})?$"},
        "example": "30,60,90",
    },
    {
        "name": "by", "in": "query",
        "description": f"split by some of {', '.join(CATEGORIES)}, with commas; band, if left out",
        "schema": {"type": "string"},
        "example": "band,source",
    },
    {
        "name": "value", "in": "query",
        "description": "what a conversion is worth: a number, or the name of a numeric attribute",
        "schema": {"type": "string", "maxLength": 200},
        "example": "900",
    },
    LANGUAGE_QUERY,
)  # fmt: skip


class ForecastOfPeriod(msgspec.Struct, frozen=True):
    """A forecast of a period that has passed, and what came of the ``leads`` that were open then.

    ``held``: whether what came is within the interval. ``by``: ``scores`` (given before the
    period began) or ``training`` (recorded when the release was made).
    """

    start: datetime
    horizon_days: float
    leads: int
    expected: float
    low: float
    high: float
    converted: int
    held: bool
    by: str


class ForecastAnswer(msgspec.Struct, frozen=True):
    """``rows``: all leads first, then by group, each for every horizon. ``coverage``: the share of
    forecasts that intervals are to hold in. ``notes``: what a reader must know."""

    release_id: str
    as_of: datetime
    coverage: float
    rows: list[ForecastRow]
    last_periods: list[ForecastOfPeriod]
    notes: list[str]


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoint of the forecast."""
    return [
        EndpointSpec(
            "GET", "/v1/forecast", "forecast", "Forecast from the open leads",
            "Conversions, and their value, to expect of the leads that are open in the store, from "
            "their newest scores, with intervals that are to hold in 90 of 100 forecasts; then the "
            "forecast of the last period against what came. At most a minute old.",
            _Forecasts(services).forecast, ForecastAnswer, query=QUERY,
            headers=(LANGUAGE_HEADER,), answer_example=FORECAST,
            problems=(401, 403, 409, 422, 429, 503), scope="read", tag="leads",
        )
    ]  # fmt: skip


class _Forecasts:
    def __init__(self, services: Services) -> None:
        self.services = services

    async def forecast(self, request: Request) -> Response:
        """Sums of the newest scores."""
        query = query_of(allowed_params(request.query, "horizons", "by", "value", "lang"), ["band"])
        now_us = microseconds(Clock.read(self.services.settings.clock_skew_s).now)
        found = await self.services.forecasts.get(self.services, query, now_us)
        return json_response(answer_of(found, request.language))


def answer_of(found: StoredForecast, language: str) -> ForecastAnswer:
    """The forecast as it is sent; its notes in a language."""
    periods = [
        ForecastOfPeriod(
            moment_of(p.start_us), p.horizon_days, p.leads, p.expected, p.low, p.high,
            p.converted, p.held, p.by,
        )
        for p in found.last_periods
    ]  # fmt: skip
    return ForecastAnswer(
        found.release_id, moment_of(found.as_of_us), found.coverage,
        found.rows, periods,
        caveat_sentences(found, language_or_english(language)),
    )  # fmt: skip
