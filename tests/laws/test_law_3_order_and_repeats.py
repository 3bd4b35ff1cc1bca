"""Law 3: row order, duplicate delivery (the same event_id) and partitioning change no bit."""

import numpy as np
from drawn import as_ofs, histories, leads, references, specs
from hypothesis import given, settings
from hypothesis import strategies as st

from features.vectors.compute import compute_vectors

several = st.lists(leads, min_size=1, max_size=5)


def named(drawn_leads):
    return [(f"L{i}", lead) for i, lead in enumerate(drawn_leads)]


@settings(max_examples=60, deadline=None)
@given(several, as_ofs, specs(), st.randoms(use_true_random=False))
def test_row_order_is_irrelevant(drawn_leads, as_of, spec, random):
    everyone = named(drawn_leads)
    shuffled = []
    for name, lead in everyone:
        rows, learned = list(lead["interactions"]), list(lead["answers"])
        random.shuffle(rows)
        random.shuffle(learned)
        shuffled.append((name, {**lead, "interactions": rows, "answers": learned}))
    pairs = references([(i, as_of) for i in range(len(everyone))])
    assert (
        compute_vectors(spec, histories(everyone), pairs).tobytes()
        == compute_vectors(spec, histories(shuffled), pairs).tobytes()
    )


@settings(max_examples=60, deadline=None)
@given(leads, as_ofs, specs(), st.randoms(use_true_random=False))
def test_duplicate_delivery_is_irrelevant(lead, as_of, spec, random):
    rows = [
        {**e, "event_id": e["event_id"] or f"own-{i}"} for i, e in enumerate(lead["interactions"])
    ]
    twice = rows + random.sample(rows, k=len(rows) // 2)
    once = histories([("L", {**lead, "interactions": rows})])
    repeated = histories([("L", {**lead, "interactions": twice})])
    pairs = references([(0, as_of)])
    assert (
        compute_vectors(spec, once, pairs).tobytes()
        == compute_vectors(spec, repeated, pairs).tobytes()
    )


@settings(max_examples=60, deadline=None)
@given(several, as_ofs, specs(), st.lists(st.integers(0, 2), min_size=5, max_size=5))
def test_partitioning_is_irrelevant(drawn_leads, as_of, spec, partition_of):
    everyone = named(drawn_leads)
    whole = compute_vectors(
        spec, histories(everyone), references([(i, as_of) for i in range(len(everyone))])
    )
    for partition in range(3):
        rows = [i for i in range(len(everyone)) if partition_of[i] == partition]
        part = histories([everyone[i] for i in rows])
        got = compute_vectors(spec, part, references([(i, as_of) for i in range(len(rows))]))
        assert got.tobytes() == np.ascontiguousarray(whole[rows]).tobytes()
