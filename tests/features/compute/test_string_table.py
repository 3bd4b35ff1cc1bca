"""Names get numbers: the same name the same one, whatever else the hash table is told."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from features.compute.string_table import MIN_CHUNK, StringTable
from features.errors import DataError

LETTERS = ["a", "b", "\0", "é", "-"]
TYPES = [pa.string(), pa.large_string()]


def drawn(rng: np.random.Generator, n: int, longest: int) -> list[str | None]:
    words = ["".join(rng.choice(LETTERS, rng.integers(0, longest + 1))) for _ in range(n)]
    return [None if rng.random() < 0.1 else word for word in words]


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("longest", [1, 3, 7, 8, 9, 17, 40])
def test_a_name_is_found_where_a_dictionary_would_find_it(kind, longest):
    rng = np.random.default_rng(longest)
    for n in (0, 1, 5, 700):
        words = drawn(rng, n, longest)
        column = pa.array(words, kind).slice(min(n, 3))
        known = list(dict.fromkeys(w for w in words[: n // 2] if w is not None))
        row = {word: i for i, word in enumerate(known)}
        found = StringTable(pa.array(known, pa.string())).codes(column)
        assert found.tolist() == [row.get(w, -1) for w in column.to_pylist()]


@pytest.mark.parametrize("kind", TYPES)
def test_new_names_are_numbered_as_they_come_and_the_table_grows(kind):
    rng = np.random.default_rng(4)
    words = [*drawn(rng, 30000, 12), "x" * 100000, "", "x" * 100000]
    names, first = StringTable(), {}
    for part in range(0, len(words), 7_000):
        column = pa.array(words[part : part + 7_000], kind)
        expected = [
            -1 if word is None else first.setdefault(word, len(first))
            for word in words[part : part + 7_000]
        ]
        assert names.add(column).tolist() == expected
    assert names.all().to_pylist() == list(first)
    assert len(names) == len(first)


def test_chunks_and_a_column_that_begins_in_the_middle_of_its_letters():
    chunks = [["b", None, "a"], [], ["c", "b"]]
    column = pa.chunked_array([pa.array(c, pa.string()) for c in chunks]).slice(1)
    assert StringTable().add(column).tolist() == [-1, 0, 1, 2]
    assert StringTable(pa.array(["b", "a"])).codes(column).tolist() == [-1, 1, -1, 0]


def test_names_with_the_same_hash_are_reported_apart():
    one, other = np.uint64(0x6161616161616161), np.uint64(0x6262626262626262)
    last = np.uint64(0x6363636363636363)
    same_hash = last ^ mixed(one) ^ mixed(other)
    pair = [one.tobytes() + last.tobytes(), other.tobytes() + same_hash.tobytes()]
    column = pa.array([*pair, pair[0]], pa.binary()).view(pa.string())
    assert StringTable().add(column).tolist() == [0, 1, 0]
    assert StringTable(column[:1]).codes(column).tolist() == [0, -1, 0]


def mixed(h: np.uint64) -> np.uint64:
    """As the table mixes: MurmurHash3's last step."""
    with np.errstate(over="ignore"):
        h = (h ^ (h >> np.uint64(33))) * np.uint64(0xFF51AFD7ED558CCD)
        h = (h ^ (h >> np.uint64(33))) * np.uint64(0xC4CEB9FE1A85EC53)
        return h ^ (h >> np.uint64(33))


def test_many_rows_are_looked_up_by_all_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    codes = np.random.default_rng(2).integers(0, 5_000, 4 * MIN_CHUNK)
    words = pa.array([f"lead-{i}" for i in range(5_000)])
    assert np.array_equal(StringTable(words).codes(words.take(pa.array(codes))), codes)


@pytest.mark.parametrize("names", [["a", "b", "a"], ["a", None]])
def test_rows_can_only_be_looked_up_among_different_known_names(names):
    with pytest.raises(DataError, match=r"1 of \d names is repeated or missing"):
        StringTable(pa.array(names, pa.string()))
