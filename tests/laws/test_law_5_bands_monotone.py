"""Law 5: bands are monotone in probability, and a band's cuts come from the release."""

import made_up_release
import numpy as np
from drawn import histories, leads, references
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.bands import Band, BandThresholds
from scoring.release.release import load_release, write_release
from scoring.scores import score

ORDER = {band: rank for rank, band in enumerate(Band)}
probabilities = st.floats(0, 1)
cuts = st.tuples(st.floats(0, 2), st.floats(0, 2)).map(
    lambda two: BandThresholds(min(two), max(two))
)


@settings(deadline=None)
@given(cuts, probabilities, probabilities)
def test_more_probable_is_never_colder(cut, one, other):
    low, high = sorted((one, other))
    assert ORDER[cut.band_of(low)] <= ORDER[cut.band_of(high)]


@settings(deadline=None)
@given(cuts, st.lists(probabilities))
def test_many_at_once_are_as_one_by_one(cut, some):
    bands = cut.bands_of(np.array(some, dtype=np.float64))
    assert list(bands) == [cut.band_of(p).value for p in some]


@settings(max_examples=20, deadline=None)
@given(cuts, st.lists(leads, min_size=1, max_size=3))
def test_the_release_s_own_cuts_decide(tmp_path_factory, cut, drawn_leads):
    path = tmp_path_factory.mktemp("law5") / "release"
    write_release(path, made_up_release.contents(thresholds=cut, scorecard=None))
    release = load_release(path)
    everyone = histories([(f"L{i}", lead) for i, lead in enumerate(drawn_leads)])
    late = max(lead["created_at_us"] for lead in drawn_leads) + 10**13
    asked = references([(i, late) for i in range(len(drawn_leads))])
    scores = score(release, everyone, asked)
    assert list(scores.band) == [cut.band_of(p).value for p in scores.probability]
