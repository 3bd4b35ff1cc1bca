"""Law 4: base + sum(reasons) == logit(probability) to 1e-9, for every score."""

import made_up_release
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from scoring.model.model import Model

WIDTH = made_up_release.WIDTH
values = st.one_of(
    st.just(np.nan),
    st.floats(-50, 1000),
    st.sampled_from([0.0, -0.0, 1e300, -1e300, 5e-324]),
)
vectors = st.integers(0, 6).flatmap(lambda n: arrays(np.float64, (n, WIDTH), elements=values))
scales = st.sampled_from([0.0, 1e-6, 0.3, 1.0, 5.0, 300.0, -2.0])


@settings(max_examples=300, deadline=None)
@given(vectors, st.lists(scales, min_size=6, max_size=6), scales, st.floats(-40, 40))
def test_reasons_sum_to_the_score(x, weights, slope, intercept):
    model = Model(made_up_release.parts(), tuple(weights), slope, intercept, WIDTH)
    explained = model.explain(x)
    assert ((explained.probability > 0) & (explained.probability < 1)).all()
    logit = np.log(explained.probability) - np.log1p(-explained.probability)
    told = np.full(len(x), explained.base)
    for shares in explained.contributions.T:
        told += shares
    np.testing.assert_allclose(told, logit, atol=1e-9, rtol=0)
    assert told.tobytes() == explained.log_odds.tobytes()


@settings(max_examples=100, deadline=None)
@given(vectors)
def test_one_by_one_equals_all_at_once(x):
    whole = made_up_release.model().explain(x)
    for i in range(len(x)):
        alone = made_up_release.model().explain(x[i : i + 1])
        assert alone.contributions.tobytes() == whole.contributions[i : i + 1].tobytes()
        assert alone.probability.tobytes() == whole.probability[i : i + 1].tobytes()
