"""Which lead a row speaks of, whatever its ids are coded by."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from features.histories.dictionary_codes import dictionary_encode_sorted, lead_codes

LEADS = np.array(["L2", "L0", "a lead with a long id"], dtype=object)
WORDS = {
    "the leads themselves": ["L2", "L0", "a lead with a long id"],
    "other words": ["L0", "nobody", "a lead with a long id", "L2"],
    "some of the leads": ["L0"],
}


@pytest.mark.parametrize("first", WORDS)
@pytest.mark.parametrize("second", WORDS)
@pytest.mark.parametrize("index", [pa.int8(), pa.int32(), pa.int64()])
def test_coded_ids_are_found_as_spelled_out_ones_are(first, second, index):
    rng = np.random.default_rng(3)
    chunks = []
    for words in (WORDS[first], WORDS[second], WORDS[second]):
        codes = pa.array(rng.integers(0, len(words), 40), index, mask=rng.random(40) < 0.2)
        chunks.append(pa.DictionaryArray.from_arrays(codes, pa.array(words)))
    column = pa.chunked_array(chunks)
    spelled_out = [word for chunk in chunks for word in chunk.to_pylist()]
    row = {lead: i for i, lead in enumerate(LEADS)}
    expected = [row.get(word, -1) for word in spelled_out]
    assert lead_codes(column, LEADS).tolist() == expected
    assert lead_codes(pa.chunked_array([pa.array(spelled_out)]), LEADS).tolist() == expected


def test_kinds_are_coded_by_the_sorted_names_that_occur():
    one = pa.DictionaryArray.from_arrays(pa.array([1, None, 1]), pa.array(["unused", "webinar"]))
    other = pa.DictionaryArray.from_arrays(pa.array([0, 1]), pa.array(["call", "webinar"]))
    codes, names = dictionary_encode_sorted(pa.chunked_array([one, other]))
    assert names == ("", "call", "webinar")
    assert codes.tolist() == [2, 0, 2, 1, 2]


def test_no_rows_at_all():
    nothing = pa.chunked_array([], pa.dictionary(pa.int32(), pa.string()))
    assert lead_codes(nothing, LEADS).tolist() == []
    codes, names = dictionary_encode_sorted(nothing)
    assert codes.tolist() == []
    assert names == ()
