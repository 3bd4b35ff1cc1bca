"""Law 2 for declared features: one lead at a time and all at once, to the bit."""

from drawn import ATTRIBUTES, as_ofs, facts, histories, leads, references
from hypothesis import given, settings
from hypothesis import strategies as st

from features.histories.from_records import histories_from_records
from features.vectors.compute import compute_vectors
from features.vectors.spec import DERIVED, Feature, FeatureSpec

TEXTS = (
    "seats / nullif(budget_eur, 0)",
    "coalesce(budget_eur, seats) * 3 - seats",
    "case when decides and seats > 2.5 then budget_eur / 7 else seats / 3 end",
    "seats * seats * seats / (budget_eur + 0.1)",
)
SPEC = FeatureSpec(
    tuple(Feature("attribute", f"own_{i}", DERIVED, level=text) for i, text in enumerate(TEXTS)),
    ATTRIBUTES,
)
several = st.lists(leads, min_size=1, max_size=5)


@settings(max_examples=40, deadline=None)
@given(several, as_ofs)
def test_one_by_one_equals_all_at_once(drawn_leads, as_of):
    everyone = [(f"L{i}", lead) for i, lead in enumerate(drawn_leads)]
    asked = references([(i, as_of) for i in range(len(everyone))])
    batch = compute_vectors(SPEC, histories(everyone), asked)
    for i, (name, lead) in enumerate(everyone):
        alone = compute_vectors(
            SPEC, histories_from_records([facts(name, lead)]), references([(0, as_of)])
        )
        assert alone.tobytes() == batch[i : i + 1].tobytes()
