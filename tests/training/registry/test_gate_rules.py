"""The gate's rules on made-up answers: who passes, who is refused, and in which words."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scoring.bands import BandThresholds
from training.registry.gate_criteria import (
    GateLimits,
    GateReport,
    PairedPredictions,
    apply_criteria,
)

CUTS = BandThresholds(0.2, 0.5)


def logistic(log_odds: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-log_odds)))


def pairs(
    challenger_noise: float,
    champion_noise: float | None,
    *,
    n: int = 1500,
    slope: float = 1.0,
    shift: float = 0.0,
    seed: int = 0,
) -> PairedPredictions:
    """Both see the truth through noise, calibrated; the challenger then bent by a line."""
    rng = np.random.default_rng(seed)

    def seen(noise: float) -> np.ndarray:
        return signal / (1 + noise) + rng.normal(0, np.sqrt(noise) / (1 + noise), n) * 1.2

    signal = rng.normal(0, 1.2, n)
    label = (rng.random(n) < logistic(signal - 1)).astype(np.int8)
    mine = logistic(slope * (seen(challenger_noise) - 1) + shift)
    theirs = logistic(seen(champion_noise) - 1) if champion_noise is not None else None
    floor = np.full(n, label.mean())
    return PairedPredictions(
        label=label,
        weight=np.ones(n),
        lead=np.arange(n),
        challenger=mine,
        champion=floor if theirs is None else theirs,
        base_rate=floor,
        released=mine,
        challenger_band=CUTS.bands_of(mine),
        champion_band=None if theirs is None else CUTS.bands_of(theirs),
    )


def verdict(asked: PairedPredictions, *, aged: bool = False, **limits: float) -> GateReport:
    return apply_criteria(
        asked, aged=aged, limits=replace(GateLimits(), **limits), rng=np.random.default_rng(1)
    )


def test_a_better_challenger_passes_with_its_evidence() -> None:
    report = verdict(pairs(0.0, 2.0))
    assert report.refusals == ()
    assert report.passed
    assert report.evidence["difference"]["high"] < 0
    assert report.evidence["auc_gap"]["low"] > 0
    assert report.evidence["references"] == 1500


def test_the_first_champion_must_beat_the_base_rate() -> None:
    assert verdict(pairs(0.0, None)).passed
    (refusal,) = verdict(replace(pairs(0.0, None), challenger=pairs(0.0, None).champion)).refusals
    assert "no improvement" in refusal
    assert "the base rate" in refusal


def test_a_worse_challenger_is_refused() -> None:
    refusals = verdict(pairs(2.0, 0.0)).refusals
    assert "it is worse" in refusals[0]
    assert "ranks worse" in refusals[1]


def test_a_champion_that_went_wrong_is_no_excuse_for_the_base_rate() -> None:
    wrong = pairs(0.0, 0.0)
    wrong = replace(wrong, champion=1 - wrong.challenger, challenger=wrong.base_rate)
    report = verdict(wrong, max_band_change=1.0)
    assert report.evidence["difference"]["high"] < 0
    assert "not clearly better than the base rate" in report.refusals[0]


def test_an_equal_challenger_is_refused_unless_the_champion_is_old() -> None:
    same = pairs(0.3, 0.3)
    same = replace(same, champion=same.challenger, champion_band=same.challenger_band)
    (refusal,) = verdict(same).refusals
    assert "no improvement" in refusal
    assert verdict(same, aged=True).passed


def test_an_old_champion_is_not_followed_by_a_worse_one() -> None:
    assert "worse" in verdict(pairs(2.0, 0.0), aged=True).refusals[0]
    small = pairs(0.3, 0.3, n=150)
    bent = replace(small, champion=small.challenger, challenger=logistic(small.challenger * 2))
    assert not verdict(bent, aged=True).passed


@pytest.mark.parametrize(("slope", "shift"), [(2.5, 0.0), (1.0, 1.0), (1.0, -1.2), (0.3, 0.0)])
def test_a_miscalibrated_challenger_is_refused_even_if_it_beats_the_champion(
    slope: float, shift: float
) -> None:
    bad = pairs(0.0, None, slope=slope, shift=shift)
    refusals = verdict(bad).refusals
    assert any("probabilities are not calibrated" in refusal for refusal in refusals)


def test_a_somewhat_timid_challenger_passes() -> None:
    assert verdict(pairs(0.0, None, slope=0.75)).passed


def test_better_ranking_does_not_excuse_miscalibration_worse_than_the_champions() -> None:
    bad = pairs(0.0, 8.0, shift=0.6)
    report = verdict(bad)
    assert report.evidence["difference"]["high"] < 0
    assert len(report.refusals) == 1
    assert "not calibrated" in report.refusals[0]


def test_a_release_that_is_not_what_was_tested_is_refused() -> None:
    good = pairs(0.0, 2.0)
    other = replace(good, released=np.random.default_rng(3).permutation(good.challenger))
    (refusal,) = verdict(other).refusals
    assert "does not perform as its backtest" in refusal


def test_a_release_that_was_refitted_on_the_references_passes() -> None:
    good = pairs(0.2, 2.0)
    sharper = logistic(np.log(good.challenger / (1 - good.challenger)) + 0.5 * (good.label - 0.3))
    assert verdict(replace(good, released=sharper)).passed


def test_a_change_of_most_bands_is_refused() -> None:
    good = pairs(0.0, 2.0)
    other = replace(good, challenger_band=BandThresholds(0.01, 0.02).bands_of(good.challenger))
    (refusal,) = verdict(other).refusals
    assert "would change their band" in refusal
    assert verdict(other, max_band_change=1.0).passed


@pytest.mark.parametrize("n", [5, 60])
def test_too_few_references_decide_nothing(n: int) -> None:
    (refusal,) = verdict(pairs(0.0, 2.0, n=n)).refusals
    assert f"only {n} references" in refusal
    assert "--dataset" in refusal


def test_a_gain_by_rounding_is_none() -> None:
    """Shuffled labels once passed as first champion with a gain of 4e-17 nats."""
    first = pairs(0.0, None)
    nothing = replace(first, challenger=first.base_rate - 1e-15, released=first.base_rate)
    assert not verdict(nothing).passed
    assert not verdict(nothing, aged=True).passed
    hardly = first.base_rate + 0.003 * (first.label - first.base_rate)
    report = verdict(replace(first, challenger=hardly, released=hardly), min_gain_share=0.01)
    assert report.evidence["difference"]["high"] < 0
    assert "no improvement" in "; ".join(report.refusals)


def test_a_release_without_signal_is_not_promoted() -> None:
    first = pairs(0.0, None)
    refusals = verdict(replace(first, signal=False)).refusals
    assert refusals == ("it has no signal: everybody gets the base rate, which ranks nobody",)
    champion = pairs(0.0, 2.0)
    assert "no signal" in verdict(replace(champion, signal=False)).refusals[0]
    off = np.full(1500, 0.6)
    level = replace(champion, challenger=champion.base_rate, champion=off, signal=False)
    said = "; ".join(verdict(replace(level, champion_signal=False)).refusals)
    assert "no signal" not in said  # another that ranks nobody, and its level was wrong


def test_a_first_release_on_few_references_rests_on_what_chose_it() -> None:
    first = replace(pairs(0.0, None, n=130, seed=2), weight=np.ones(130))
    blurred = logistic(0.12 * np.log(first.challenger / (1 - first.challenger)) - 0.7)
    small = replace(first, challenger=blurred, released=blurred)
    report = verdict(small)
    assert report.evidence["difference"]["value"] < 0 < report.evidence["difference"]["high"]
    assert "no improvement" in report.refusals[0]
    assert "no improvement" not in "; ".join(verdict(replace(small, choice_z=3.0)).refusals)


def test_bands_may_move_after_a_champion_without_signal() -> None:
    moved = pairs(0.0, 2.0)
    moved = replace(
        moved, champion=moved.base_rate, champion_band=CUTS.bands_of(np.full(1500, 0.9))
    )
    assert "would change their band" in verdict(moved).refusals[-1]
    assert verdict(replace(moved, champion_signal=False)).passed


def test_a_trifle_worse_is_no_reason_to_keep_an_old_champion() -> None:
    """Of many references a difference of a thousandth is sure, and does not matter."""
    same = pairs(0.3, 0.3, n=4000)
    champion = same.challenger + 0.001 * (same.label - same.challenger)
    trifle = replace(same, champion=champion, champion_band=same.challenger_band)
    report = verdict(trifle, aged=True)
    assert report.evidence["difference"]["low"] > 0
    assert report.passed
    assert not verdict(trifle).passed


def test_accounts_are_the_unit_where_the_data_name_them() -> None:
    single = pairs(0.0, 0.4, n=600)
    copies = np.repeat(np.arange(600), 4)
    names = ("label", "weight", "challenger", "champion", "base_rate", "released",
             "challenger_band", "champion_band")  # fmt: skip
    several = replace(
        single, lead=np.arange(2400), **{name: getattr(single, name)[copies] for name in names}
    )

    def width(asked: PairedPredictions) -> float:
        gap = verdict(asked).evidence["difference"]
        return float(gap["high"] - gap["low"])

    assert verdict(replace(several, unit=copies)).evidence["units"] == 600
    assert width(replace(several, unit=copies)) == pytest.approx(width(single), rel=0.1)
    assert width(several) == pytest.approx(width(single) / 2, rel=0.1)
