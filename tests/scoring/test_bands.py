"""Bands and their cuts."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import DataError
from scoring.bands import Band, BandThresholds, label


def test_labels_name_every_band_in_both_languages() -> None:
    assert [label(band, "fr") for band in Band] == ["froid", "tiède", "chaud"]
    assert [label(band) for band in Band] == ["cold", "warm", "hot"]


@pytest.mark.parametrize(("warm", "hot"), [(0.5, 0.4), (-0.1, 0.4), (float("nan"), 0.4)])
def test_cuts_out_of_order_are_refused(warm: float, hot: float) -> None:
    with pytest.raises(DataError, match="not in order"):
        BandThresholds(warm, hot)


def test_many_agree_with_one() -> None:
    cuts = BandThresholds(0.2, 0.6)
    probability = np.array([0.0, 0.2, np.nextafter(0.2, 0), 0.6, 1.0])
    assert list(cuts.bands_of(probability)) == [cuts.band_of(p).value for p in probability]


def test_an_unknown_probability_has_no_band() -> None:
    with pytest.raises(DataError):
        BandThresholds(0.2, 0.6).band_of(float("nan"))
    with pytest.raises(DataError):
        BandThresholds(0.2, 0.6).bands_of(np.array([0.1, np.nan]))


def test_equal_cuts_leave_no_warm_lead() -> None:
    assert set(BandThresholds(0.5, 0.5).bands_of(np.linspace(0, 1, 11))) == {"cold", "hot"}
