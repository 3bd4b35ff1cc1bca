"""The compiled engine equals the plain one on random histories, references and specifications."""

import numpy as np
import plain_engine
from drawn import as_ofs, histories, leads, references, specs
from hypothesis import given, settings
from hypothesis import strategies as st

from features.vectors.compute import compute_vectors


@settings(max_examples=200, deadline=None)
@given(st.lists(leads, min_size=1, max_size=4), st.lists(as_ofs, min_size=1, max_size=4), specs())
def test_the_kernel_equals_the_plain_engine(drawn_leads, moments, spec):
    named = [(f"L{i}", lead) for i, lead in enumerate(drawn_leads)]
    pairs = [(i, as_of) for i in range(len(named)) for as_of in moments]
    got = compute_vectors(spec, histories(named), references(pairs))
    expected = np.array([plain_engine.vector(spec, named[i][1], t) for i, t in pairs])
    # sin, cos, exp2 and log differ by a rounding between libraries; nothing else may
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-9)
    counts = [i for i, f in enumerate(spec.features) if f.aggregate in ("count", "sessions")]
    np.testing.assert_array_equal(got[:, counts], expected[:, counts])
