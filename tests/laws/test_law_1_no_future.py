"""Law 1: deleting or adding anything at or after as_of changes no vector."""

import numpy as np
from drawn import answers, as_ofs, events, histories, leads, references, specs
from hypothesis import given, settings
from hypothesis import strategies as st

from features.vectors.compute import compute_vectors
from features.vectors.spec import Feature, FeatureSpec


def vector_of(lead, as_of, spec):
    return compute_vectors(spec, histories([("L", lead)]), references([(0, as_of)]))


def before(lead, as_of):
    return {
        **lead,
        "interactions": [e for e in lead["interactions"] if e["at_us"] < as_of],
        "answers": [a for a in lead["answers"] if a["at_us"] < as_of],
    }


@settings(max_examples=60, deadline=None)
@given(leads, as_ofs, specs())
def test_deleting_the_future_changes_nothing(lead, as_of, spec):
    np.testing.assert_array_equal(
        vector_of(lead, as_of, spec), vector_of(before(lead, as_of), as_of, spec)
    )


@settings(max_examples=60, deadline=None)
@given(leads, as_ofs, specs(), st.lists(events, max_size=5), st.lists(answers, max_size=3))
def test_adding_to_the_future_changes_nothing(lead, as_of, spec, later_events, later_answers):
    later = {
        **lead,
        "interactions": lead["interactions"]
        + [{**e, "at_us": max(e["at_us"], as_of)} for e in later_events],
        "answers": lead["answers"]
        + [{**a, "at_us": max(a["at_us"], as_of)} for a in later_answers],
    }
    np.testing.assert_array_equal(vector_of(lead, as_of, spec), vector_of(later, as_of, spec))


@settings(max_examples=50, deadline=None)
@given(leads, as_ofs)
def test_the_law_can_fail(lead, as_of):
    """An event one microsecond before as_of is seen: the tests above are not vacuous."""
    count = FeatureSpec((Feature("interactions", "any", "count"),))
    newest = {
        "at_us": as_of - 1, "kind": "page_view", "value": None, "duration_s": None,
        "event_id": None,
    }  # fmt: skip
    seen = {**lead, "interactions": [*lead["interactions"], newest]}
    assert vector_of(seen, as_of, count) == vector_of(lead, as_of, count) + 1
