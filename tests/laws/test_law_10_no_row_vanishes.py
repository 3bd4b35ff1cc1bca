"""Law 10: rows read = rows kept + rows set aside with a reason, whatever the file looks like."""

from __future__ import annotations

import csv
import io
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from features.dataset import Dataset
from features.errors import DataError
from features.reading.files.record_count import count_records
from features.reading.read import read_dataset

N_LEADS = 12
LEADS = [
    [
        f"L{i}",
        f"2026-01-{i + 1:02d}T09:30:00Z",
        ("web", "événement", "cold list")[i % 3],
        str(i * 7),
    ]
    for i in range(N_LEADS)
]
HEADER = ["lead_id", "created_at", "source", "employees"]
OUTCOMES = (
    "lead_id,outcome,occurred_at\nL1,converted,2026-02-01T00:00:01Z\nL2,lost,2026-02-03T10:00:00Z\n"
)
TOML = 'horizon_days = 30\n[attributes.employees]\ntype = "number"\n'


def written(rows: list[list[str]], separator: str, end: str, quoting: int) -> str:
    """The leads as a CSV file of this dialect."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=separator, lineterminator=end, quoting=quoting).writerows(rows)
    return text.getvalue()


def read(leads: bytes) -> Dataset:
    """The dataset with these bytes as its leads."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "leads"
        folder.mkdir()
        (folder / "leads.csv").write_bytes(leads)
        (folder / "outcomes.csv").write_text(OUTCOMES)
        (folder / "dataset.toml").write_text(TOML)
        return read_dataset(folder, max_bad_fraction=1.0)


PLAIN = written([HEADER, *LEADS], ",", "\n", csv.QUOTE_MINIMAL)

DIALECTS = st.fixed_dictionaries(
    {
        "separator": st.sampled_from([",", ";", "\t", "|"]),
        "end": st.sampled_from(["\n", "\r\n"]),
        "quoting": st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
        "encoding": st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "windows-1252"]),
        "blanks": st.booleans(),
        "sep_line": st.booleans(),
        "titles": st.booleans(),
    }
)


@settings(max_examples=20, deadline=None)
@given(DIALECTS)
def test_any_dialect_is_the_same_dataset(dialect: dict[str, object]) -> None:
    rows = [HEADER, *LEADS]
    if dialect["blanks"]:
        rows = [[f" {cell} " for cell in row] for row in rows]
    end = str(dialect["end"])
    text = written(rows, str(dialect["separator"]), end, int(str(dialect["quoting"])))
    if dialect["titles"]:
        text = f"All leads of the year{end}{end}" + text
    if dialect["sep_line"]:
        text = f"sep={dialect['separator']}{end}" + text
    found = read(text.encode(str(dialect["encoding"])))
    assert found.fingerprint == read(PLAIN.encode()).fingerprint


@settings(max_examples=40, deadline=None)
@given(
    place=st.integers(0, len(PLAIN.encode()) - 1),
    damage=st.sampled_from([b'"', b"\n", b",", b"\x00", b"\xff", b"\\", b"'", b"\r", b"x"]),
    remove=st.integers(0, 2),
)
def test_damaged_bytes_never_lose_a_row_in_silence(place: int, damage: bytes, remove: int) -> None:
    whole = PLAIN.encode()
    gone = whole[place : place + remove]
    try:
        found = read(whole[:place] + damage + whole[place + remove :])
    except DataError:
        return
    leads = next(rows for rows in found.rows if rows.file == "leads.csv")
    assert leads.counted == leads.kept + leads.aside
    assert leads.counted >= N_LEADS - 1 - gone.count(b"\n")


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.lists(
            st.sampled_from(["a", "b c", 'x"y', "p\nq", "1,2", '"', ""]), min_size=3, max_size=3
        ),
        max_size=6,
    ),
    st.sampled_from(["\n", "\r\n"]),
)
def test_the_second_count_agrees_with_a_writer(rows: list[list[str]], end: str) -> None:
    text = written(rows, ",", end, csv.QUOTE_MINIMAL).encode()
    assert count_records(text, "leads.csv", ",", 3) == len(rows)
