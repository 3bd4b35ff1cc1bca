"""The forecast of the stored leads: the same sums as the list of leads, splits, value, the past."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import httpx
import numpy as np
import pytest
from timing_curves import flat_curves

from scoring.forecast import forecast_rows
from serving.predictor.stored_forecast import (
    MAX_GROUPS,
    OTHER,
    ForecastQuery,
    _most_common,
    forecast_leads,
    stored_forecast,
    summed,
)
from serving.problems import Problem
from serving.store.open_leads import CATEGORIES, PastLeads, StoredOpenLeads

DAY_US = 86_400_000_000
NOW = 100 * DAY_US


def forecast(service: httpx.Client, **query: Any) -> dict[str, Any]:
    answer = service.get("/v1/forecast", params=query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows_of(found: dict[str, Any], by: str, days: float) -> dict[str, dict[str, Any]]:
    return {r["group"]: r for r in found["rows"] if r["by"] == by and r["horizon_days"] == days}


def test_it_is_the_sum_of_the_open_leads_on_the_list(service: httpx.Client) -> None:
    listed = service.get("/v1/leads?limit=200").json()["leads"]
    found = forecast(service, by="band,source,owner", value="cost", horizons="30,90")
    whole = rows_of(found, "all", 30)["all"]
    assert whole["leads"] == len(listed) == 9
    assert whole["expected"] == pytest.approx(sum(lead["probability"] for lead in listed))
    assert whole["low"] <= whole["expected"] <= whole["high"]
    for by in ("band", "source", "owner"):
        for group, row in rows_of(found, by, 30).items():
            of_group = [lead["probability"] for lead in listed if (lead[by] or "") == group]
            assert row["leads"] == len(of_group)
            assert row["expected"] == pytest.approx(sum(of_group))
    costs = {"L-hot": 120, "L-warm": 40, "L-warm-2": 15}  # the others count with the mean
    mean = sum(costs.values()) / 3
    worth = [lead["probability"] * costs.get(lead["lead_id"], mean) for lead in listed]
    assert whole["value"] == pytest.approx(sum(worth))
    assert "The value of 6 open leads is unknown" in found["notes"][0]
    longer = rows_of(found, "all", 90)["all"]
    assert longer["expected"] > whole["expected"]


def test_the_last_period_is_checked_with_the_scores_of_then(service: httpx.Client) -> None:
    [period] = forecast(service)["last_periods"]
    assert (period["horizon_days"], period["by"]) == (30, "scores")
    assert (period["leads"], period["converted"]) == (6, 1)  # scored 35 days ago; L-won converted
    assert period["low"] <= period["expected"] <= period["high"]


def test_notes_are_in_the_language_of_the_reader(service: httpx.Client) -> None:
    answer = service.get("/v1/forecast?value=cost", headers={"Accept-Language": "fr"})
    assert "La valeur de 6 leads ouverts est inconnue" in answer.json()["notes"][0]


@pytest.mark.parametrize(
    ("query", "at"),
    [("by=age", "?by"), ("horizons=soon", "?horizons"), ("horizons=0", "?horizons"),
     ("horizons=365", "?horizons"), ("value=colour", "?value"), ("value=inf", "?value")],
)  # fmt: skip
def test_what_cannot_be_forecast_is_named(service: httpx.Client, query: str, at: str) -> None:
    answer = service.get(f"/v1/forecast?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == at


def test_the_page_names_what_cannot_be_forecast(service: httpx.Client) -> None:
    answer = service.get("/forecast?value=nothing")
    assert answer.status_code == 422
    assert "value: is no number, and no attribute" in answer.text
    assert "<h1>Forecast</h1>" in answer.text


def test_a_release_of_before_is_trained_again() -> None:
    old = cast(Any, SimpleNamespace(timing=None, release_id="old"))
    with pytest.raises(Problem, match="train it again"):
        asyncio.run(stored_forecast(cast(Any, None), old, ForecastQuery(), 0))


def stored(n: int) -> StoredOpenLeads:
    """Leads of which the first has no creation and the second no score of this release."""
    p = np.linspace(0.02, 0.6, n)
    words = np.array([f"s{i % 3}" for i in range(n)], dtype=object)
    created = np.full(n, NOW - 10 * DAY_US)
    created[0] = -1
    checked = np.full(n, NOW - DAY_US)
    checked[1:3] = 0, NOW - 9 * DAY_US
    return StoredOpenLeads(
        np.array([f"L{i}" for i in range(n)], dtype=object), p, np.full(n, NOW - DAY_US), checked,
        created, dict.fromkeys(CATEGORIES, words),
    )  # fmt: skip


def test_caveats_are_counted_and_many_leads_are_summed_as_few_are() -> None:
    found, curves = stored(2000), flat_curves(np.linspace(-0.4, 0.4, 41))
    past = {30.0: PastLeads(np.full(50, 0.2), np.full(50, -1), np.arange(50) < 12)}
    query = ForecastQuery(by=("source",))
    made = summed("r", curves, (30.0, 60.0), query, found, {}, past, NOW)
    caveats = made.caveats
    assert (caveats.without_creation, caveats.of_another_release, caveats.stale) == (1, 1, 1)
    assert caveats.left_out_days == (90.0,)
    leads = forecast_leads(found.probability, found.created_us, found.as_of_us)
    exact = forecast_rows(leads, curves, [30.0, 60.0], {"source": found.words["source"]})
    for fast, drawn in zip(made.rows, exact, strict=True):
        assert fast.expected == drawn.expected
        assert [fast.low, fast.high] == pytest.approx([drawn.low, drawn.high], rel=0.03)
    assert [(p.leads, p.converted, p.held) for p in made.last_periods] == [(50, 12, True)]


def test_rare_words_are_one_group() -> None:
    words = np.array([f"w{i}" for i in range(MAX_GROUPS + 20)] + ["w0"] * 5, dtype=object)
    kept = _most_common(words)
    assert (kept == OTHER).sum() == 20
    assert len(set(kept)) == MAX_GROUPS + 1
