"""Data that breaks the contract: the error names file, row, value and what was expected."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import DataError
from features.reading.read import read_dataset, read_references

Folder = Callable[..., Path]

LEADS = "lead_id,created_at,budget,industry,newsletter\n"
OUTCOMES = "lead_id,outcome,occurred_at\n"
INTERACTIONS = "lead_id,occurred_at,kind,value,duration_s\n"
FINE = "L1,2026-01-01T00:00:00Z,1,a,yes\nL2,2026-01-01T00:00:00Z,2,b,no\n"

BROKEN = {
    "missing file": ({"leads": None}, ["no table leads", "leads with one of .csv"]),
    "missing outcomes": ({"outcomes": None}, ["no table outcomes"]),
    "missing column": (
        {"leads": "leadid,created_at\nL1,2026-01-01T00:00:00Z\n"},
        ["leads.csv has no column 'lead_id'", "'leadid'", "[columns.leads] lead_id = "],
    ),
    "missing outcome time": (
        {"outcomes": "lead_id,outcome\nL1,lost\n"},
        ["outcomes.csv has no column 'occurred_at'"],
    ),
    "wrong outcome word": (
        {"outcomes": OUTCOMES + "L1,win,2026-01-20T00:00:00Z\n"},
        ["unknown outcomes: 'win' (1 row)", "expected converted or lost", "[outcome_words]"],
    ),
    "naive timestamp": (
        {"leads": LEADS + "L1,2026-01-01T00:00:00,1,a,yes\n"},
        ["leads.csv row 2", "'2026-01-01T00:00:00'", "a time without a zone", "say time_zone"],
    ),
    "a date alone": (
        {"leads": LEADS + "L1,2026-01-01,1,a,yes\n"},
        ["leads.csv row 2", "a time without a zone", "'2026-01-01'"],
    ),
    "no time at all": (
        {"leads": LEADS + "L1,yesterday,1,a,yes\n"},
        ["leads.csv row 2", "created_at is not a time", "'yesterday'"],
    ),
    "an impossible day": (
        {"leads": LEADS + "L1,2026-02-30T00:00:00Z,1,a,yes\n"},
        ["leads.csv row 2", "created_at is not a time", "'2026-02-30T00:00:00Z'"],
    ),
    "no creation": (
        {"leads": LEADS + FINE + "L3,,1,a,yes\n"},
        ["leads.csv row 4: no created_at", "created_at is empty"],
    ),
    "no lead_id": (
        {"leads": LEADS + FINE + ",2026-01-01T00:00:00Z,1,a,yes\n"},
        ["leads.csv row 4: no lead_id"],
    ),
    "contradicting leads": (
        {"leads": LEADS + FINE + "L1,2026-01-01T00:00:00Z,9,a,yes\n"},
        ["leads.csv row 2: two rows that differ for one lead", "'L1'", "2 of 3 rows"],
    ),
    "contradicting outcomes": (
        {
            "outcomes": OUTCOMES
            + "L1,lost,2026-01-20T00:00:00Z\nL1,converted,2026-01-20T00:00:00Z\n"
        },
        ["outcomes.csv row 2: two outcomes of one lead at one moment"],
    ),
    "outcome before creation": (
        {"outcomes": OUTCOMES + "L1,lost,2025-12-31T23:59:59Z\n"},
        ["outcomes.csv row 2", "before the lead's creation", "at or after the lead's created_at"],
    ),
    "outcome of an unknown lead": (
        {"outcomes": OUTCOMES + "L9,lost,2026-01-20T00:00:00Z\n"},
        ["outcomes.csv row 2: unknown lead", "'L9'"],
    ),
    "interaction of an unknown lead": (
        {"interactions": INTERACTIONS + "L9,2026-01-02T00:00:00Z,page_view,,\n"},
        ["interactions.csv row 2: unknown lead", "'L9'", "the lead_id of a row of leads"],
    ),
    "infinite value": (
        {"interactions": INTERACTIONS + "L1,2026-01-02T00:00:00Z,page_view,Infinity,\n"},
        ["interactions.csv row 2: value is infinite", "'Infinity'", "a finite number"],
    ),
    "too large a value": (
        {"interactions": INTERACTIONS + "L1,2026-01-02T00:00:00Z,page_view,1e999,\n"},
        ["interactions.csv row 2: value is infinite", "'1e999'"],
    ),
    "text for a value": (
        {"interactions": INTERACTIONS + "L1,2026-01-02T00:00:00Z,page_view,many,\n"},
        ["interactions.csv row 2: value is not a number", "'many'"],
    ),
    "negative duration": (
        {"interactions": INTERACTIONS + "L1,2026-01-02T00:00:00Z,page_view,,-3\n"},
        ["interactions.csv row 2: a negative duration", "seconds, 0 or more"],
    ),
    "no kind": (
        {"interactions": INTERACTIONS + "L1,2026-01-02T00:00:00Z, ,,\n"},
        ["interactions.csv row 2: no kind"],
    ),
    "infinite attribute": (
        {"leads": LEADS + FINE + "L3,2026-01-01T00:00:00Z,inf,a,yes\n"},
        ["leads.csv row 4: budget is not a number", "'inf'"],
    ),
    "empty set": ({"leads": LEADS, "outcomes": OUTCOMES}, ["leads.csv has no rows"]),
    "a header without an end": ({"leads": LEADS.strip()}, ["leads.csv has no rows"]),
    "only broken lines": (
        {"leads": LEADS + "L1,2026-01-01T00:00:00Z\n"},
        ["leads.csv row 2: 2 columns; expected 5"],
    ),
    "empty file": ({"leads": ""}, ["leads.csv is empty"]),
    "two formats": (
        {"leads_csv_gz": gzip.compress(LEADS.encode())},
        ["leads.csv and leads.csv.gz"],
    ),
    "an encoding that nothing tells": (
        {"leads": LEADS.encode() + "L1,2026-01-01T00:00:00Z,1,Мебель,yes\n".encode("cp1251")},
        ["leads.csv line 2: not UTF-8 text, and nothing says", 'encoding = "..."'],
    ),
    "a quote that is never closed": (
        {"leads": LEADS + FINE + 'L3,2026-01-01T00:00:00Z,1,"a,yes\n' + "L4,,,,\n" * 3},
        ["leads.csv line 4: a quote opens here and is never closed", "the next 3 lines"],
    ),
    "rounded ids": (
        {"leads": LEADS + "5.54023E+17,2026-01-01T00:00:00Z,1,a,yes\n"},
        ["leads.csv: 1 lead_ids such as '5.54023E+17' were rounded"],
    ),
    "a web page": ({"leads": "<html><body>no</body></html>"}, ["leads.csv is a web page (HTML)"]),
    "columns that share a name": (
        {"leads": "lead_id,a,a\nL1,1,2\n"},
        ["leads.csv: two columns are called 'a'"],
    ),
    "too many columns in a row": (
        {"leads": LEADS + FINE + "L3,2026-01-01T00:00:00Z,1,a,yes,9\n"},
        ["leads.csv row 4", "6 columns; expected 5"],
    ),
    "damaged gzip": (
        {"leads": None, "leads_csv_gz": gzip.compress((LEADS + FINE * 9).encode())[:-20]},
        ["leads.csv.gz cannot be read as gzipped CSV"],
    ),
    "not gzip": (
        {"leads": None, "leads_csv_gz": LEADS.encode()},
        ["leads.csv.gz has no rows"],
    ),
    "damaged Parquet": (
        {"leads": None, "leads_parquet": b"PAR1 and then nothing"},
        ["leads.parquet cannot be read as a Parquet file"],
    ),
    "unknown key": (
        {"dataset_toml": "horizon_day = 14\n"},
        ["dataset.toml: unknown key 'horizon_day'; did you mean horizon_days?"],
    ),
    "unknown key of an attribute": (
        {"dataset_toml": "[attributes.budget]\nkind = 'number'\n"},
        ["dataset.toml: unknown key 'attributes.budget.kind'"],
    ),
    "text declared": (
        {"dataset_toml": "[attributes.industry]\ntype = 'text'\n"},
        ["attributes.industry.type = 'text' is refused", "number, category or boolean"],
    ),
    "naive setting": (
        {"dataset_toml": "observed_until = 2026-02-01T00:00:00\n"},
        ["dataset.toml: observed_until has no time zone"],
    ),
    "broken TOML": ({"dataset_toml": "name = "}, ["dataset.toml is not valid TOML"]),
    "impossible horizon": ({"dataset_toml": "horizon_days = -1"}, ["horizon_days is -1"]),
    "later than observed": (
        {"dataset_toml": "observed_until = 2026-01-10T00:00:00Z\n"},
        ["outcomes.csv row 2: occurred_at after observed_until", "2026-01-10T00:00:00Z"],
    ),
    "declared number, given words": (
        {"dataset_toml": "[attributes.industry]\ntype = 'number'\n"},
        ["leads.csv row 2: industry is not a number", "'software'"],
    ),
    "answer of another type": (
        {"answers": "lead_id,answered_at,attribute,value\nL1,2026-01-04T00:00:00Z,budget,plenty\n"},
        ["answers.csv row 2: the answer to budget is not a number", "'plenty'"],
    ),
}


@pytest.mark.parametrize("case", sorted(BROKEN))
def test_what_breaks_the_contract_is_named(case: str, dataset_folder: Folder) -> None:
    replaced, said = BROKEN[case]
    folder = dataset_folder(**replaced)
    with pytest.raises(DataError) as caught:
        read_dataset(folder)
    message = str(caught.value)
    assert all(part in message for part in said), message
    assert "Traceback" not in message


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="does not exist; expected a dataset folder"):
        read_dataset(tmp_path / "none")


def test_references_keep_order_and_repeats(tmp_path: Path) -> None:
    path = tmp_path / "references.csv"
    rows = "L2,2026-01-02T00:00:00Z\n007,2026-01-01T01:00:00+01:00\n"
    path.write_text("lead_id,as_of\n" + rows * 2)
    references = read_references(path)
    assert references["lead_id"].tolist() == ["L2", "007"] * 2
    assert str(references["as_of"].dtype) == "datetime64[us, UTC]"
    assert references["as_of"].iloc[1].isoformat() == "2026-01-01T00:00:00+00:00"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "lead_id,as_of\nL2,2026-01-02T00:00:00\n",
            "row 2: as_of is .*, a time without a zone .*say time_zone",
        ),
        ("lead_id,as_of\nL2,\n", "row 2: no as_of"),
        ("lead_id,as_of\n" + "L2,2026-01-02T00:00:00Z\n" * 500 + "L2,soon\n", "row 502"),
        ("lead_id\nL2\n", "no column 'as_of'"),
    ],
)
def test_a_broken_reference_is_refused(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "references.csv"
    path.write_text(text)
    with pytest.raises(DataError, match=said):
        read_references(path)
