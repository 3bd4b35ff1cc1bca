"""Law 2: one lead at a time and all at once give the same vectors, bit for bit."""

from drawn import as_ofs, facts, histories, leads, references, specs
from hypothesis import given, settings
from hypothesis import strategies as st

from features.histories.from_records import histories_from_records
from features.vectors.compute import compute_vectors

several = st.lists(leads, min_size=1, max_size=5)


def named(drawn_leads):
    return [(f"L{i}", lead) for i, lead in enumerate(drawn_leads)]


@settings(max_examples=60, deadline=None)
@given(several, as_ofs, specs())
def test_one_by_one_equals_all_at_once(drawn_leads, as_of, spec):
    everyone = named(drawn_leads)
    batch = compute_vectors(
        spec, histories(everyone), references([(i, as_of) for i in range(len(everyone))])
    )
    for i, (name, lead) in enumerate(everyone):
        alone = compute_vectors(
            spec, histories_from_records([facts(name, lead)]), references([(0, as_of)])
        )
        assert alone.tobytes() == batch[i : i + 1].tobytes()
