"""Reading an export: what DuckDB may touch, how rows are counted, how times are read."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from drawn_export import assert_table, table, write_export

from features.errors import DataError
from integrations.export import (
    Export,
    ExportFile,
    Notes,
    literal,
    locked_connection,
    look_at,
    read_table,
)
from integrations.moments import TimeSettings, make_typed
from integrations.recipe import Choices, SourceTable, load_recipe, recipe_names
from integrations.run import import_export
from integrations.table_match import detect, match

PAGES = Path(__file__).parents[2] / "docs" / "integrations"
LEADS = """
    Id              | CreatedDate              | Status | SystemModstamp
    00Q5f00000AbCdA | 2026-01-05T09:00:00.000Z | New    | 2026-03-01T08:00:00.000Z
"""


def test_duckdb_reads_the_export_and_nothing_else(tmp_path: Path) -> None:
    folder = write_export(tmp_path / "export", {"Lead.csv": LEADS})
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    connection = locked_connection(look_at(folder).files)
    for forbidden in (
        f"SELECT * FROM read_csv({literal(str(secret))})",
        f"SELECT * FROM read_text({literal(str(folder / '..' / 'secret.csv'))})",
        f"COPY (SELECT 1) TO {literal(str(tmp_path / 'out.csv'))}",
        f"ATTACH {literal(str(tmp_path / 'x.db'))}",
        "SELECT * FROM glob('/etc/*')",
        "SELECT * FROM 'http://127.0.0.1:9/x.parquet'",
        "INSTALL httpfs",
        "SET enable_external_access = true",
        "SET allowed_directories = ['/']",
        "SET autoload_known_extensions = true",
    ):
        with pytest.raises(duckdb.Error):
            connection.execute(forbidden).fetchall()
    assert not (tmp_path / "out.csv").exists()


@pytest.mark.parametrize("name", recipe_names())
def test_every_recipe_is_well_formed(name: str) -> None:
    recipe = load_recipe(name)
    assert {"leads", recipe.outcomes_query(None)} <= set(recipe.queries)
    assert set(recipe.goals.values()) <= set(recipe.queries)
    assert all(page.startswith("https://") for page in recipe.pages)
    assert any(table.needed for table in recipe.tables.values())
    for source in recipe.tables.values():
        assert {*source.moments, *source.days, *source.written_at, *source.key} <= {*source.columns}
        assert set(source.written_at) <= set(source.moments)
    page = (PAGES / f"{name.split('_')[0]}.md").read_text()
    assert "## What to export" in page
    assert "**Rights**" in page


@pytest.mark.parametrize(
    "ending",
    [".csv", ".csv.gz", ".tsv", ".parquet", ".jsonl", "16.csv", ".xlsx", ".json", "1252.csv"],
)
def test_an_export_may_have_any_of_these_formats(tmp_path: Path, ending: str) -> None:
    folder = tmp_path / "export" / "deep"
    folder.mkdir(parents=True)
    rows = [
        {"Id": "00Q5f00000AbCdA", "CreatedDate": "2026-01-05T09:00:00Z", "Status": "New, or; not"},
        {"Id": "00Q5f00000AbCdB", "CreatedDate": "2026-01-06T09:00:00Z", "Status": "é"},
    ]
    path = folder / f"Lead{ending}"
    text = 'Id,CreatedDate,Status\n{Id},{CreatedDate},"{Status}"\n'.format(**rows[0])
    text += "{Id},{CreatedDate},{Status}\n".format(**rows[1])
    if ending == ".parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    elif ending == ".jsonl":
        path.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    elif ending == ".json":
        path.write_text(json.dumps({"records": rows}), "utf-8")
    elif ending == ".xlsx":
        with pd.ExcelWriter(folder / "report.xlsx", engine="xlsxwriter") as book:
            pd.DataFrame({"Leads of 2026": ["two"]}).to_excel(book, sheet_name="About", index=False)
            pd.DataFrame(rows).to_excel(book, sheet_name="Lead", index=False, startrow=2)
    elif ending == "1252.csv":
        frame = pd.DataFrame(rows)
        path.write_text(frame.to_csv(sep=";", index=False) + "Exported by Ann\n", "windows-1252")
    elif ending == ".csv.gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif ending == ".tsv":
        path.write_text(text.replace(",", "\t").replace("New\t", "New,"), "utf-8-sig")
    else:
        path.write_text(text, "utf-16" if "16" in ending else "utf-8")
    words = {"New, or; not": "open", "é": "open"}
    made = import_export("salesforce", tmp_path / "export", tmp_path / "out", Choices(words=words))
    assert ending != "1252.csv" or any("read as Windows-1252" in note for note in made.notes)
    found = table(tmp_path / "out", "leads", ["lead_id"])
    assert len(found) == 3


def test_a_quote_that_is_never_closed_loses_no_row_and_shows_none(tmp_path: Path) -> None:
    folder = tmp_path / "export"
    folder.mkdir()
    lines = [
        "Id,CreatedDate,Status",
        '1,2026-01-05T09:00:00Z,"Ann Smith',
        "2,2026-01-05T09:00:00Z,New",
    ]
    (folder / "Lead.csv").write_text("\n".join(lines) + "\n")
    with pytest.raises(DataError, match=r"Lead\.csv") as caught:
        import_export("salesforce", folder, tmp_path / "out")
    assert "Smith" not in str(caught.value)


def test_parts_of_one_table_are_read_together(tmp_path: Path) -> None:
    other = LEADS.replace("AbCdA", "AbCdB").replace("SystemModstamp", "LastModifiedDate")
    folder = write_export(tmp_path / "export", {"Lead_1.csv": LEADS, "more/Lead_2.csv": other})
    report = import_export("salesforce", folder, tmp_path / "out")
    assert report.tables[0].files == ("Lead_1.csv", "more/Lead_2.csv")
    assert report.leads == 2


def test_a_file_that_could_be_two_tables_is_asked_about() -> None:
    plain = SourceTable(required=("id", "at"), files=("calls*",))
    recipe = load_recipe("salesforce").model_copy(
        update={"name": "made up", "tables": {"calls": plain, "mails": plain}}
    )
    file = ExportFile(Path("x.csv"), "x.csv", ("id", "at"))
    with pytest.raises(DataError, match=r"x\.csv could be calls or mails of made up"):
        match(Export(Path(), (file,), ()), recipe)


def read_times(
    tmp_path: Path, texts: list[str], clock: TimeSettings
) -> tuple[list[str], list[str]]:
    """Texts as moments in UTC (empty where they are none), and what is said of them."""
    folder = write_export(tmp_path / "times", {"t.csv": "\n".join(["n | at", *texts])})
    source = SourceTable(required=("n", "at"), moments=("at",))
    connection = locked_connection(look_at(folder).files)
    read_table(connection, "t", source, look_at(folder).files)
    notes = Notes()
    make_typed(connection, "t", source, clock, notes)
    rows = connection.execute("SELECT strftime(\"at\", '%d %H:%M:%S') FROM typed_t").fetchall()
    return [row[0] or "" for row in rows], notes.sentences


def test_times_in_every_way_that_systems_write_them(tmp_path: Path) -> None:
    texts = [
        "1 | 2026-01-31T09:30:00.000Z",
        "2 | 2026-01-31T09:30:00.000+0000",
        "3 | 2026-01-31 11:30:00+02:00",
        "4 | 2026-01-31 09:30:00 UTC",
        "5 | 1769851800000",
        "6 | 1769851800",
        "7 | 1769851800000000",
        "8 | 2026-01-31 10:30",
        "9 | 31/01/2026 10:30",
        "10 |",
        "11 | soon",
    ]
    found, said = read_times(tmp_path, texts, TimeSettings("Europe/Paris", ("%d/%m/%Y %H:%M",)))
    assert found == ["31 09:30:00"] * 9 + ["", ""]
    assert said == ["t.at: 1 value cannot be read as a time, such as 'soon'"]


def test_times_without_a_pattern_are_read_where_the_column_settles_them(tmp_path: Path) -> None:
    clock = TimeSettings("Europe/Paris")
    rows, notes = read_times(tmp_path, ["1 | 13/01/2025 10:00", "2 | 02/01/2025 09:00 PM"], clock)
    assert rows == ["13 09:00:00", "02 20:00:00"]
    assert any("2 times written otherwise" in note for note in notes)
    with pytest.raises(DataError, match=r"2 January 2025 if the day comes first.*2026-01-31"):
        read_times(tmp_path, ["1 | 02/01/2025 09:00"], clock)
    with pytest.raises(DataError, match=r"'13/01/2025 10:00' has no time zone; say .*--zone"):
        read_times(tmp_path, ["1 | 13/01/2025 10:00"], TimeSettings(None))


def test_a_file_that_is_not_read_is_named_with_the_reason(tmp_path: Path) -> None:
    (tmp_path / "export.zip").write_bytes(b"PK\x03\x04")
    with pytest.raises(DataError, match=r"export\.zip \(a ZIP archive: unpack it first\)"):
        detect(look_at(tmp_path), [load_recipe("hubspot")])


def test_local_times_where_clocks_change(tmp_path: Path) -> None:
    texts = [
        "1 | 2026-03-29 01:30:00",
        "2 | 2026-03-29 02:30:00",
        "3 | 2026-03-29 03:30:00",
        "4 | 2026-10-25 01:30:00",
        "5 | 2026-10-25 02:30:00",
        "6 | 2026-10-25 03:30:00",
    ]
    found, said = read_times(tmp_path, texts, TimeSettings("Europe/Paris"))
    assert found == [
        "29 00:30:00",
        "29 01:30:00",
        "29 01:30:00",
        "24 23:30:00",
        "25 01:30:00",
        "25 02:30:00",
    ]
    assert said == [
        "t.at: 1 time in an hour that Europe/Paris has twice; read as the second one (standard time)",
        "t.at: 1 time in an hour that Europe/Paris leaves out; read as if clocks had not changed",
    ]


def test_a_time_without_a_zone_asks_for_one(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"t\.at: '2026-03-29 01:30:00' has no time zone.*--zone"):
        read_times(tmp_path, ["1 | 2026-03-29 01:30:00"], TimeSettings(None))


def test_repeats_count_once_and_the_last_written_stays(tmp_path: Path) -> None:
    twice = LEADS + LEADS.strip().splitlines()[1].replace("2026-03-01", "2026-03-05").replace(
        "New ", "Nope"
    )
    folder = write_export(tmp_path / "export", {"Lead.csv": twice})
    report = import_export("salesforce", folder, tmp_path / "out")
    assert [(r.fate, r.reason[:6]) for r in report.reasons] == [
        ("set aside", "'Nope'"),
        ("folded", "the sa"),
    ]
    assert_table(tmp_path / "out", "leads", "lead_id")
