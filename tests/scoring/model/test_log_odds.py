"""The logistic function and its inverse agree with each other, near zero and far out."""

import doctest

import numpy as np
import pytest

from scoring.model import log_odds
from scoring.model.log_odds import logit, probability_of, sigmoid

FAR_OUT = np.array([-745.0, -30.0, -1.0, 0.0, 1e-9, 2.5, 30.0, 745.0])


def test_examples() -> None:
    assert doctest.testmod(log_odds).attempted > 0
    assert doctest.testmod(log_odds).failed == 0


def test_kernel_and_array_agree() -> None:
    one_by_one = [probability_of(z) for z in FAR_OUT]
    np.testing.assert_allclose(sigmoid(FAR_OUT), one_by_one, rtol=1e-14, atol=1e-320)


@pytest.mark.parametrize("z", [-12.0, -0.5, 0.0, 3.0, 12.0])
def test_logit_is_the_inverse(z: float) -> None:
    assert logit(sigmoid(np.array([z])))[0] == pytest.approx(z, abs=1e-9)


def test_unknown_stays_unknown() -> None:
    assert np.isnan(sigmoid(np.array([np.nan])))[0]
