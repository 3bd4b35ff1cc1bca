"""What people really bring: each folder of cases ends as its README says, and says why.

A table of the folders: what must be declared (as lines of ``dataset.toml``), what is noted, and
what comes out. The folders are another repository's; without them the test is skipped.
"""

from __future__ import annotations

import os
import shutil
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd
import pytest

from features.dataset import Dataset
from features.errors import DataError
from features.reading.read import read_dataset

BESIDE = Path(__file__).resolve().parents[3].parent / "shared" / "cases"
CASES = Path(os.environ.get("LEADSCORE_CASES", BESIDE))
PARIS = 'time_zone = "Europe/Paris"\n'
UTC = 'time_zone = "UTC"\n'
COMMA = 'decimal = ","\n'
MINUTE, DAY = 60.0, 86_400.0


@dataclass(frozen=True)
class Case:
    """How a folder ends.

    ``asks``: words of the message while nothing is declared. ``toml``: what is declared then.
    ``notes``: words among the losses and the sentences. ``within_s``: how far moments may be from
    the reference's. ``leads``, ``interactions``, ``outcomes``: how many fewer or more than it has;
    None where the folder is another dataset. ``columns``: attributes beside the reference's.
    """

    asks: tuple[str, ...] = ()
    toml: str = ""
    notes: tuple[str, ...] = ()
    within_s: float = 1.0
    leads: int | None = 0
    interactions: int | None = 0
    outcomes: int | None = 0
    columns: tuple[str, ...] = ()
    same_ids: bool = True
    outcomes_required: bool = True
    values: bool = True
    refused: bool = False
    extra: dict[str, str] = field(default_factory=dict)


EQUAL = Case()
QUOTE = Case(asks=("a quote opens here", "would vanish"), refused=True)

TABLE: dict[str, Case] = {
    "00-reference": EQUAL,
    "01a-as-exported": Case(
        ("06/01/2025 10:04", "time_zone", "Europe/Paris"), PARIS + COMMA,
        ("Windows-1252", "semicolons", "day comes first"), MINUTE, values=False),
    "01b-utf8-semicolons": Case(
        ("time_zone",), PARIS + COMMA, ("semicolons",), MINUTE, values=False),
    "01d-utf8-commas": Case(
        ("time_zone",), PARIS + COMMA, ("day comes first",), MINUTE, values=False),
    "01e-iso-naive": Case(("time_zone",), PARIS + COMMA, values=False),
    "01f-iso-utc-decimal-comma": Case(("134571,43", "decimal"), COMMA, values=False),
    "02a-utf16-tab": Case(notes=("UTF-16", "tabs")),
    "02c-utf16-comma": Case(notes=("UTF-16",)),
    "03-bom-quoted": EQUAL,
    "04a-xlsx": Case(interactions=-3029),
    "04b-xlsx-named-csv": Case(notes=("Excel workbook",), interactions=-3029),
    "04c-xls-html-named-csv": Case(("web page (HTML)",), refused=True),
    "04d-capital-names": EQUAL,
    "05a-one-open-quote": QUOTE, "05b-two-open-quotes": QUOTE, "05c-open-quote-mid": QUOTE,
    "05d-two-open-quotes-mid": QUOTE, "05e-open-quote-near-end": QUOTE,
    "05g-interactions-open-quote-last": QUOTE,
    "05i-backslash-quotes": Case(columns=("company",)),
    "05j-quote-inside": Case(
        notes=("5 of 900 rows set aside: wrong number of columns",), leads=-5, interactions=-18,
        outcomes=-4, columns=("company",), values=False),
    "06a-footer-900": Case(notes=("4 of 904 rows set aside: a line below the table",)),
    "06c-title-lines": Case(notes=("2 lines above the header",)),
    "06d-total-row": Case(notes=("a total below the table",)),
    "07a-two-trailing-commas": Case(notes=("2 empty columns",)),
    "07c-duplicate-header": Case(
        ("two columns are called 'source'", "[columns.leads] source = 4"),
        "[columns.leads]\nsource = 4\n", ("source (column 8) is left out",)),
    "07d-spaces-in-header": Case(notes=("blanks around the names of columns",)),
    "07e-crm-header": Case(
        ("lead_id", "Record ID - Contact", "[columns.leads]"),
        '[columns.leads]\nlead_id = "Record ID - Contact"\ncreated_at = "Create Date"\n'
        'sector = "Industry"\nsource = "Original Source"\nemployees = "Number of Employees"\n'
        'annual_revenue = "Annual Revenue"\nnewsletter = "Newsletter"\n'),
    "07f-leadid-header": Case(
        ("lead_id", "Lead ID", "[columns.leads]"),
        '[columns.leads]\nlead_id = "Lead ID"\ncreated_at = "Created Time"\nsector = "Industry"\n'
        'source = "Lead Source"\nemployees = "No. of Employees"\n'
        'annual_revenue = "Annual Revenue"\nnewsletter = "Newsletter"\n'),
    "07g-created-at-misnamed": Case(
        ("Created At", "[columns.leads] created_at"),
        '[columns.leads]\ncreated_at = "Created At"\n'),
    "08-multiline-notes": Case(notes=("notes: left out",)),
    "09a-sep-semicolon": EQUAL,
    "10a-ddmmyyyy": Case(("time_zone",), UTC, ("day comes first",), MINUTE),
    "10c-dotted": Case(("time_zone",), UTC, ("day comes first",)),
    "11-zoho-dates": Case(("time_zone",), UTC),
    "12a-date-only": Case(("2025-01-06", "time_zone"), UTC, ("end of their day",), DAY),
    "12c-all-midnight-utc": Case(notes=("these are dates",), within_s=DAY),
    "12d-close-date-same-day": Case(notes=("these are dates",), values=False),
    "12e-close-date-end-of-day": Case(values=False),
    "13a-excel-serial": Case(
        ("45663.378121", "excel", "time_zone"), UTC + 'date_formats = ["excel"]\n', within_s=1.1),
    "14a-one-naive-of-3000": Case(notes=("1 of 3,029 rows set aside",), interactions=-1),
    "14b-offset-space": EQUAL, "14c-named-zone": EQUAL,
    "15a-planned-meetings": Case(notes=("32 of 3,061", "observed_until")),
    "15c-lead-typo": Case(notes=("1 of 900", "2052"), leads=-1),
    "16-case-ids": Case(same_ids=False),
    "17a-sf-15-18-interactions": Case(notes=("salesforce",), same_ids=False),
    "17b-few-15": Case(notes=("salesforce",), same_ids=False),
    "18a-sci-ids": Case(("5.54023E+17", "rounded by a spreadsheet"), refused=True),
    "18c-float-ids": Case(
        ("lead_ids", "whole-numbers"), 'lead_ids = "whole-numbers"\n', same_ids=False),
    "19a-trailing-space-ids": EQUAL,
    "20a-multiselect": Case(notes=("products: left out", "multiple")),
    "20b-multiselect-many": Case(notes=("products: left out", "multiple")),
    "21a-dollar-commas": Case(notes=("$ is left out",)),
    "21c-space-thousands": Case(notes=("942000",)),
    "21d-thousand-commas": Case(notes=("'942,000' is read as 942000",)),
    "21e-sci": EQUAL,
    "21g-percent": Case(notes=("% is left out",), columns=("probability_pct",)),
    "21h-value-currency": Case(
        ("$1,577", "decimal", "thousands"), 'decimal = "."\nthousands = ","\n'),
    "21i-duration-hms": EQUAL,
    "21j-mixed-decimal": Case(
        ("1212,36", "319649.94", "decimal"), 'decimal = [".", ","]\n', columns=("deal_value",)),
    "21k-german-thousands": Case(
        ("1.634", "decimal", "thousands"), 'decimal = ","\nthousands = "."\n'),
    "22-booleans": Case(columns=("opt_in_fr", "opt_in_vrai", "opt_in_de", "opt_in_mixed",
                                 "opt_in_x", "opt_in_on")),
    "24-no-value": Case(notes=("unanswered", "'None' (64 rows)"), values=False),
    "24b-select": Case(notes=("'Select' is read as unanswered",), values=False),
    "24c": Case(values=False),
    "26a-reopened": Case(notes=("24 leads have several outcomes", "last"), values=False),
    "26c-same-outcome-twice-other-time": Case(
        notes=("28 leads have several outcomes",), values=False),
    "26d-few-double": Case(notes=("5 leads have several outcomes",), values=False),
    "27b-lead-twice": Case(
        ("two rows that differ", "max_bad"), "max_bad = 0.06\n", ("52 of 926",), leads=-26,
        interactions=None, outcomes=None, values=False),
    "28-before-creation": Case(
        ("before the lead's creation", "max_bad"), "max_bad = 0.06\n", leads=None,
        interactions=None, outcomes=None, values=False),
    "29a-closed-won": Case(
        ("Closed Won", "[outcome_words]"),
        '[outcome_words]\nconverted = ["Closed Won"]\nlost = ["Closed Lost"]\n'),
    "29b-capital": Case(notes=("'Converted' is read as converted",)),
    "29e-open-rows": Case(notes=("221 of 900", "open")),
    "29f-status-in-leads": Case(columns=("Status", "IsConverted")),
    "30-odd-names": Case(values=False),
    "30b-urls-as-kinds": EQUAL,
    "30c-reserved-names": Case(columns=("kind", "as_of", "outcome_hint", "occurred_at", "__class__",
                                        "probability")),
    "31a-unnamed-index-sorted": Case(notes=("Unnamed: 0 is left out",)),
    "32-spelling-variants": Case(values=False),
    "33a-25-leads": Case(leads=None, interactions=None, outcomes=None, values=False),
    "33b-only-converted-rows": Case(outcomes=-456),
    "33c-only-lost": Case(outcomes=-223),
    "33d-no-outcomes": Case(("no table outcomes",), outcomes=-679, outcomes_required=False),
    "33e-three-conversions": Case(outcomes=-220),
    "33f-nine-leads": Case(leads=None, interactions=None, outcomes=None, values=False),
    "34a-migration-day": Case(
        ("day of an import", "2025-07-25", "[columns.leads] created_at"), refused=True),
    "35a-1900-created": Case(
        notes=("2 of 900", "no plausible moment"), leads=-2, interactions=-5, outcomes=-1,
        values=False),
    "35c-9999-outcome": Case(
        notes=("1 of 679", "no plausible moment"), leads=-1, interactions=-2, outcomes=-1,
        values=False),
    "36-formula": Case(same_ids=False, values=False),
    "37-slash-ids": Case(same_ids=False),
    "40-types": Case(columns=("postcode", "priority", "stage_code", "mixed")),
    "43b-every-row-twice": Case(interactions=3029),
    "43c-kind-as-event-id": EQUAL,
    "44-missing-created": Case(
        ("no created_at", "max_bad"), "max_bad = 0.03\n", leads=-23, interactions=None,
        outcomes=None, values=False),
    "45a-parquet-ok": EQUAL,
    "45b-parquet-naive": Case(("time_zone",), UTC),
    "45c-parquet-index-filtered": Case(
        notes=("__index_level_0__ is left out",), leads=-129, interactions=-425, outcomes=-97,
        values=False),
    "45e-parquet-big-float-ids": Case(("rounded by a spreadsheet",), refused=True),
    "45f-parquet-categories-lists": Case(columns=("revenue_dec",)),
    "45h-parquet-ms": EQUAL, "45i-string-times": EQUAL, "45j-pandas-to-csv": EQUAL,
    "45k-large-string-value": EQUAL,
    "46a-ok.db": EQUAL,
    "46b-naive.db": Case(("time_zone",), UTC, extra={"time_zone": "UTC"}),
    "46e-capital.db": Case(notes=("table Leads is read as leads",)),
    "46f-empty-event-id.db": EQUAL,
    "50a-answers-case": Case(within_s=3 * DAY),
    "52a-cr-only": EQUAL,
    "52b-nul": Case(
        notes=("NUL", "5 of 900"), leads=-5, interactions=-15, outcomes=-5, values=False),
    "53-blank-lines": EQUAL, "55-gz-bom": EQUAL,
    "56-header-only-outcomes": Case(outcomes=-679, outcomes_required=False),
    "56b-empty-outcomes": Case(("outcomes.csv is empty",), outcomes=-679, outcomes_required=False),
}  # fmt: skip


def cases() -> Path:
    """The folder of the cases, or a skip."""
    if not CASES.is_dir():
        pytest.skip(f"no cases at {CASES} (set LEADSCORE_CASES)")
    return CASES


@pytest.fixture(scope="module")
def reference() -> Dataset:
    """The original of all cases."""
    return read_dataset(cases() / "00-reference")


def source(name: str, toml: str, tmp_path: Path) -> str | Path:
    """A copy of a case with these settings; a database as it is."""
    place = cases() / name
    if name.endswith(".db"):
        copy = tmp_path / name
        shutil.copyfile(place, copy)
        if toml:
            import sqlite3

            with closing(sqlite3.connect(copy)) as database, database:
                database.execute("CREATE TABLE dataset (key TEXT, value TEXT)")
                database.execute("INSERT INTO dataset VALUES ('time_zone', 'UTC')")
        return f"sqlite:///{copy}"
    copy = tmp_path / name
    copy.mkdir()
    for file in place.iterdir():
        shutil.copyfile(file, copy / file.name)
    if toml:
        own = copy / "dataset.toml"
        own.write_text(toml + (own.read_text() if own.is_file() else ""))
    return copy


@pytest.mark.parametrize("name", sorted(TABLE))
def test_a_case_ends_as_its_readme_says(name: str, reference: Dataset, tmp_path: Path) -> None:
    case = TABLE[name]
    if case.asks:
        (tmp_path / "asked").mkdir()
        with pytest.raises(DataError) as asked:
            read_dataset(source(name, "", tmp_path / "asked"))
        for words in case.asks:
            assert words in str(asked.value)
        if case.refused:
            return
    found = read_dataset(
        source(name, case.toml, tmp_path), outcomes_required=case.outcomes_required
    )
    said = "\n".join((*found.losses, *found.inferred))
    for words in case.notes:
        assert words in said
    _assert_counts(found, reference, case)
    _assert_rows_add_up(found)
    if case.values:
        _assert_same_values(found, reference, case)


def _assert_counts(found: Dataset, reference: Dataset, case: Case) -> None:
    for wanted, here, there in (
        (case.leads, len(found.leads), len(reference.leads)),
        (case.outcomes, len(found.outcomes), len(reference.outcomes)),
        (case.interactions, found.interactions.num_rows, reference.interactions.num_rows),
    ):
        if wanted is not None:
            assert here - there == wanted


def _assert_rows_add_up(found: Dataset) -> None:
    """Rows counted in the file are those kept and those set aside: none vanishes."""
    assert found.rows
    for rows in found.rows:
        assert rows.counted == rows.kept + rows.aside, rows


def _assert_same_values(found: Dataset, reference: Dataset, case: Case) -> None:
    mine, theirs = found.leads, reference.leads
    assert set(mine.columns) == set(theirs.columns) | set(case.columns)
    if case.same_ids:
        mine = mine.set_index("lead_id").sort_index()
        theirs = theirs.set_index("lead_id").loc[mine.index]
    _assert_near(mine["created_at"], theirs["created_at"], case.within_s)
    for column in ("sector", "source", "employees", "annual_revenue", "newsletter"):
        pd.testing.assert_series_equal(
            mine[column], theirs[column], check_index=False, check_dtype=False
        )
    if case.outcomes == 0 and case.leads == 0:
        a, b = (d.outcomes.reset_index(drop=True) for d in (found, reference))
        if case.same_ids:
            a, b = (f.sort_values("lead_id").reset_index(drop=True) for f in (a, b))
        assert a["outcome"].tolist() == b["outcome"].tolist()
        _assert_near(a["occurred_at"], b["occurred_at"], case.within_s)


def _assert_near(mine: pd.Series, theirs: pd.Series, seconds: float) -> None:
    apart = mine.reset_index(drop=True) - theirs.reset_index(drop=True)
    assert apart.abs().max() <= pd.Timedelta(seconds=seconds)


def test_every_folder_has_a_row_in_the_table() -> None:
    there = {place.name for place in cases().iterdir() if place.name != "README.md"}
    assert there == set(TABLE)
