"""The figures of a card, each worked out by hand."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scoring.bands import BandThresholds
from scoring.drift import shift_of
from training import backtest as backtest_module
from training.evaluation.gains import gains_at, gains_curve, lift_by_tenth
from training.model_card.record import bands_of, candidates_of, distribution_of

#                 1    2    3    4    5    6    7    8    9    10     best first
CONVERTED = [1, 1, 0, 1, 0, 0, 0, 1, 0, 0]
SCORE = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]


def ten() -> tuple[Any, ...]:
    """Ten leads, four of which convert."""
    return np.array(CONVERTED, np.int8), np.array(SCORE), np.ones(10)


@pytest.mark.parametrize(
    ("called", "found"),
    [(0.1, 0.25), (0.2, 0.5), (0.3, 0.5), (0.4, 0.75), (0.7, 0.75), (0.8, 1.0), (1.0, 1.0)],
)
def test_gains_of_ten_leads(called: float, found: float) -> None:
    assert gains_at(*ten(), (called,)) == [pytest.approx(found)]


def test_lift_of_ten_leads() -> None:
    assert lift_by_tenth(*ten()) == pytest.approx([2.5, 2.5, 0, 2.5, 0, 0, 0, 2.5, 0, 0])
    assert np.mean(lift_by_tenth(*ten())) == pytest.approx(1.0)


def test_order_of_the_rows_is_irrelevant_to_gains() -> None:
    label, score, weight = ten()
    order = np.random.default_rng(0).permutation(10)
    assert gains_at(label[order], score[order], weight) == gains_at(label, score, weight)


def test_equal_scores_are_called_together() -> None:
    label, _, weight = ten()
    assert gains_at(label, np.full(10, 0.3), weight, (0.25, 0.5)) == pytest.approx([0.25, 0.5])
    assert lift_by_tenth(label, np.full(10, 0.3), weight) == pytest.approx([1.0] * 10)


def test_a_weight_of_two_is_two_leads() -> None:
    label, score, _ = ten()
    twice = gains_curve(np.repeat(label, 2), np.repeat(score, 2), np.ones(20))
    once = gains_curve(label, score, np.full(10, 2.0))
    assert twice[0] == pytest.approx(once[0])
    assert twice[1] == pytest.approx(once[1])


def test_nobody_converted_finds_nothing() -> None:
    _, score, weight = ten()
    assert gains_at(np.zeros(10, np.int8), score, weight, (0.5, 1.0)) == [0.0, 0.0]


def answered(label: list[int], probability: list[float]) -> backtest_module.BacktestResult:
    n = len(label)
    return backtest_module.BacktestResult(
        rows=np.arange(n),
        label=np.array(label, np.int8),
        weight=np.ones(n),
        lead=np.arange(n),
        as_of_us=np.arange(n),
        probability=np.array(probability),
        base_rate=np.full(n, 0.5),
        cutoff_us=0,
        ensemble="linear",
    )


def test_bands_with_wilson_intervals() -> None:
    # band    leads  converted   Wilson 1927 at 95 %
    # cold    4      1           4.6 to 69.9 %
    # warm    2      1           9.5 to 90.5 %
    # hot     2      2           34.2 to 100 %
    found = bands_of(
        BandThresholds(0.2, 0.5),
        answered([0, 0, 0, 1, 0, 1, 1, 1], [0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.9, 0.9]),
    )
    rows = [
        (band["band"], band["leads"], band["share"], band["predicted"],
         *(round(band["rate"][name], 3) for name in ("value", "low", "high")))
        for band in found
    ]  # fmt: skip
    assert rows == [
        ("cold", 4, 0.5, pytest.approx(0.1), 0.25, 0.046, 0.699),
        ("warm", 2, 0.25, pytest.approx(0.3), 0.5, 0.095, 0.905),
        ("hot", 2, 0.25, pytest.approx(0.9), 1.0, 0.342, 1.0),
    ]


def test_an_empty_band_has_no_rate() -> None:
    hot = bands_of(BandThresholds(0.2, 0.95), answered([0, 1], [0.1, 0.9]))[2]
    assert (hot["leads"], hot["share"], hot["predicted"]) == (0, 0.0, None)
    assert hot["rate"] == {"value": None, "low": None, "high": None}


COLUMNS: dict[str, tuple[np.ndarray, np.ndarray]] = {
    "the same": (np.arange(1000.0), np.arange(1000.0)),
    "half as large": (np.arange(1000.0), np.arange(1000.0) / 2),
    "other counts": (np.arange(1000) % 4 * 1.0, np.arange(1000) % 5 * 1.0),
    "more unknown": (
        np.arange(1000.0),
        np.where(np.arange(1000) % 10 < 3, np.nan, np.arange(1000.0)),
    ),
}


@pytest.mark.parametrize("name", COLUMNS)
def test_fifty_values_give_the_index_of_all(name: str) -> None:
    from training.monitoring.psi import _shift

    then, now = COLUMNS[name]
    quantiles = [q / 10 for q in range(11)]

    def learned(column: np.ndarray) -> dict[str, Any]:
        known = column[~np.isnan(column)]
        return {"unknown": 1 - len(known) / len(column), "deciles": np.quantile(known, quantiles)}

    whole = shift_of(name, learned(then), quantiles, 1000, now, np.ones(1000), 1000)
    release: Any = type("R", (), {})()
    release.statistics, release.manifest = {"quantiles": quantiles}, {"data": {"leads": 1000}}
    short = _shift(name, learned(then), learned(now), distribution_of(now), release, release)
    assert short.psi == pytest.approx(whole.psi, abs=0.01)
    assert short.unknown_now == pytest.approx(np.isnan(now).mean())


def test_the_index_by_hand() -> None:
    # tenths before; now everything lies in the lower five, twice as much in each:
    # five bins (0.2 - 0.1) ln 2, five bins (0.0005 - 0.1) ln(0.0005 / 0.1), 1/2000 for none
    then, now = COLUMNS["half as large"]
    quantiles = [q / 10 for q in range(11)]
    learned = {"unknown": 0.0, "deciles": np.quantile(then + 0.5, quantiles)}
    found = shift_of("x", learned, quantiles, 1000, now, np.ones(1000), 1000)
    assert found.psi == pytest.approx(
        5 * 0.1 * np.log(2) + 5 * 0.0995 * np.log(0.1 / 0.0005), rel=0.01
    )


def test_candidates_with_interval_and_weight() -> None:
    def result(name: str, odds: float) -> Any:
        log_odds = odds * np.array([1.0, 1.0, -1.0, -1.0])
        return type("T", (), {"candidate": type("F", (), {"name": name})(), "step": 1.0,
                              "log_odds": log_odds})()  # fmt: skip

    baseline, linear, boosted = (
        result("base_rate", 0.0), result("linear", 1.0), result("boosted", 0.5)
    )  # fmt: skip
    rows = type("Rows", (), {"label": np.array([1, 1, 0, 0], np.int8), "weight": np.ones(4),
                             "unit": np.arange(4)})()  # fmt: skip
    learned: Any = type("L", (), {})()
    learned.candidate_results, learned.out_of_fold = (baseline, linear, boosted), rows
    learned.candidates = (linear.candidate, boosted.candidate)
    learned.ensemble = type("R", (), {"steps": {"linear": 1.0}})()
    learned.model = type("M", (), {"weights": (1.0,)})()
    base, first, second = candidates_of(learned)
    assert base["log_loss"]["value"] == pytest.approx(np.log(2))
    assert base["gain"] is None
    assert (first["weight"], second["weight"]) == (1.0, 0.0)
    assert first["gain"]["value"] == pytest.approx(np.log1p(np.exp(-1)) - np.log(2))
    assert first["gain"]["low"] == pytest.approx(first["gain"]["high"])  # the same for every row


def test_a_candidate_that_errs_has_a_wide_interval() -> None:
    from training.model_card.record import _mean

    learned: Any = type("L", (), {})()
    learned.out_of_fold = type(
        "Rows", (), {"weight": np.ones(4), "unit": np.array([0, 0, 1, 1])}
    )()  # two leads: 1.0 and 3.0 on average, so the mean is 2 and its error 1
    found = _mean(np.array([1.0, 1.0, 3.0, 3.0]), learned)
    assert found.value == 2.0
    assert found.high - found.value == pytest.approx(1.959964)
