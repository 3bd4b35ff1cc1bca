"""Small exports of many kinds: each is read as the plain one, or the message says what to do.

A table of kinds: how the files are written, and the words of the message or of what is said.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from features.dataset import Dataset
from features.errors import DataError
from features.reading.read import read_dataset

DAYS = pd.date_range("2025-01-01", periods=60, freq="37h", tz="UTC")
SECTORS = ("software", "industry", "public sector")
ROWS = [
    {"lead_id": f"L{i:03}", "created_at": f"{at:%Y-%m-%dT%H:%M:%SZ}", "sector": SECTORS[i % 3],
     "size": str(10 + 7 * i)}
    for i, at in enumerate(DAYS)
]  # fmt: skip
HEADER = tuple(ROWS[0])
OUTCOMES = "lead_id,outcome,occurred_at\n" + "".join(
    f"L{i:03},{'converted' if i % 3 else 'lost'},{at + pd.Timedelta(days=3):%Y-%m-%dT%H:%M:%SZ}\n"
    for i, at in enumerate(DAYS[:40])
)


def lines(
    separator: str = ",", quote: str = "", rows: list[dict[str, str]] | None = None
) -> list[str]:
    """The leads as lines of CSV, the header first."""
    cells = [list(HEADER), *(list(row.values()) for row in (rows or ROWS))]
    return [separator.join(f"{quote}{cell}{quote}" for cell in row) for row in cells]


def text(*args: object, **named: object) -> bytes:
    return ("\n".join(lines(*args, **named)) + "\n").encode()  # type: ignore[arg-type]


def times(pattern: str, zone: str = "UTC") -> bytes:
    """The leads with ``created_at`` written otherwise."""
    rows = [
        row | {"created_at": f"{at.tz_convert(zone):{pattern}}"}
        for row, at in zip(ROWS, DAYS, strict=True)
    ]
    return text("\t", rows=rows)


def objects(change: Callable[[dict[str, str]], object] = lambda row: row) -> list[object]:
    return [change(dict(row)) for row in ROWS]


def json_lines(*args: Callable[[dict[str, str]], object], indent: int | None = None) -> bytes:
    return "\n".join(json.dumps(row, indent=indent) for row in objects(*args)).encode()


def nested(row: dict[str, str]) -> object:
    own = {k: row.pop(k) for k in ("sector", "size")}
    return {"lead_id": {"$oid": row["lead_id"]}, "created_at": {"$date": row["created_at"]},
            "properties": own}  # fmt: skip


def joined(separator: str) -> bytes:
    """Two pages of one export, each with its header."""
    plain = lines()
    return (plain[0] + "\n" + "\n".join(plain[1:30]) + f"\n{separator}{plain[0]}\n"
            + "\n".join(plain[30:]) + "\n").encode()  # fmt: skip


PARIS = 'time_zone = "Europe/Paris"\n'
POLISH = text().replace(b"software", "źródło".encode("cp1250"))


@dataclass(frozen=True)
class Export:
    """How the leads are written, and how that ends. ``refused``: words of the message."""

    content: bytes
    file: str = "leads.csv"
    toml: str = ""
    told: str = ""
    refused: tuple[str, ...] = ()
    renamed: tuple[tuple[str, str], ...] = ()


TABLE = {
    "single quotes": Export(text(";", "'"), told="single quotes"),
    "a blank before quotes": Export(
        "\n".join(lines(", ", '"')).encode(), told="blanks stand between"
    ),
    "each line quoted as a whole": Export(
        "\n".join(f'"{line}"' for line in lines()).encode(), told="quoted as a whole"
    ),
    "a header once more": Export(joined(""), told="1 of 61 rows set aside: the header once more"),
    "a header with a mark once more": Export(joined("\ufeff"), told="the header once more"),
    "a header without the row names": Export(
        "\n".join([lines()[0], *(f"{i},{x}" for i, x in enumerate(lines()[1:]))]).encode(),
        refused=("names 4 columns, and every row has 5", "row.names"),
    ),
    "two encodings": Export(
        text().replace(b"software", b"soci\xc3\xa9t\xc3\xa9").replace(b"industry", b"m\xe9tal", 1),
        refused=("line 3: not UTF-8", "UTF-8 elsewhere"),
    ),
    "letters of another code page": Export(
        text().replace(b"software", "Łódź".encode("cp1250")), refused=("£ódŸ", "windows-1250")
    ),
    "that code page declared": Export(
        POLISH, toml='[tables.leads]\nencoding = "windows-1250"\n'
    ),
    "packed": Export(b"BZh91AY&SY", refused=("packed with bzip2", "unpack it")),
    "xml": Export(b"<?xml version='1.0'?><leads/>", refused=("is XML",)),
    "rtf": Export(b"{\\rtf1\\ansi " + text(), refused=("export it as CSV",)),
    "one wide column": Export(
        "\n".join("  ".join(f"{c:20}" for c in x.split(",")) for x in lines()).encode(),
        refused=("one column is found", "separator"),
    ),
    "another separator declared": Export(
        text(), toml='[tables.leads]\nseparator = ";"\n', refused=("commas stand in it",)
    ),
    "json array": Export(json.dumps(objects()).encode(), "leads.json"),
    "json in an envelope": Export(
        json.dumps({"results": objects(), "paging": {"next": 2}}, indent=1).encode(), "leads.json"
    ),
    "json called csv": Export(json_lines(), told="JSON whatever its name"),
    "json over several lines": Export(json_lines(indent=2), "leads.jsonl"),
    "json with objects in it": Export(
        json_lines(nested), "leads.jsonl",
        renamed=(("properties.sector", "sector"), ("properties.size", "size")),
    ),
    "json in UTF-16, gzipped": Export(
        gzip.compress(json_lines().decode().encode("utf-16")), "leads.jsonl.gz"
    ),
    "json cut off": Export(json_lines()[:-9], "leads.jsonl", refused=("line 60", "export again")),
    "unknown words for the zone": Export(
        times("%Y-%m-%d %H:%M:%S IST"), "leads.tsv", refused=("'IST'", "no single offset")
    ),
    "an unknown way": Export(
        times("%Y week %U"), "leads.tsv", refused=("no known way", "date_formats")
    ),
    "dates turned around": Export(
        text(rows=[
            r | {"created_at": f"{at:%Y-%d-%m %H:%M}" if at.day <= 12 else f"{at:%d/%m/%Y %H:%M}"}
            for r, at in zip(ROWS, DAYS, strict=True)
        ]),
        refused=("turned day and month around", "%Y-%d-%m"),
    ),
    "an hour that no clock showed": Export(
        times("%Y-%m-%d %H:%M:%S", "Europe/Paris").replace(b"2025-04-02 01", b"2025-03-30 02"),
        "leads.tsv", PARIS, told="the hour that no clock showed",
    ),
}  # fmt: skip
TIMES = {
    "Oracle": ("%d-%b-%y %I.%M.%S.000000000 %p", "UTC"),
    "ctime": ("%a %b %d %H:%M:%S UTC %Y", "UTC"),
    "Uhr": ("%d.%m.%Y %H:%M:%S Uhr", "Europe/Paris"),
    "dots in the clock": ("%d.%m.%Y %H.%M.%S", "Europe/Paris"),
    "narrow blank": ("%m/%d/%Y, %I:%M:%S\u202f%p", "UTC"),
    "Japanese": ("%Y年%m月%d日 %H:%M:%S", "UTC"),
    "Spanish": ("%d de %B de %Y %H:%M:%S", "UTC"),
    "clock first": ("%H:%M:%S %d/%m/%Y", "UTC"),
    "American zones": ("%Y-%m-%d %H:%M:%S %Z", "America/New_York"),
    "other digits": ("%Y-%m-%d %H:%M:%S", "UTC"),
    ".NET": ("/Date(%s000)/", "UTC"),
}


def write(folder: Path, export: Export) -> Path:
    (folder / export.file).write_bytes(export.content)
    (folder / "outcomes.csv").write_text(OUTCOMES)
    if export.toml:
        (folder / "dataset.toml").write_text(export.toml)
    return folder


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    """The leads as a clean file holds them."""
    return read_dataset(write(tmp_path_factory.mktemp("plain"), Export(text())))


@pytest.mark.parametrize("kind", TABLE)
def test_an_export_is_read_or_says_what_to_do(kind: str, plain: Dataset, tmp_path: Path) -> None:
    export = TABLE[kind]
    folder = write(tmp_path, export)
    if export.refused:
        with pytest.raises(DataError) as refused:
            read_dataset(folder)
        for words in export.refused:
            assert words in str(refused.value)
        return
    found = read_dataset(folder)
    assert export.told in "\n".join((*found.losses, *found.inferred))
    leads = found.leads.rename(columns=dict(export.renamed))
    if "code page" not in kind and "hour" not in kind:
        pd.testing.assert_frame_equal(leads[list(plain.leads)], plain.leads)
    for rows in found.rows:
        assert rows.counted == rows.kept + rows.aside


@pytest.mark.parametrize("way", TIMES)
def test_times_are_read_however_a_program_writes_them(
    way: str, plain: Dataset, tmp_path: Path
) -> None:
    pattern, zone = TIMES[way]
    written = times(pattern, zone)
    if way == "other digits":
        rows = [r | {"created_at": r["created_at"].translate(ARABIC)} for r in ROWS]
        written = text("\t", rows=rows).replace(b"Z\t", b"\t").replace(b"T", b" ")
    toml = f'time_zone = "{zone}"\n' if zone != "America/New_York" else ""
    found = read_dataset(write(tmp_path, Export(written, "leads.tsv", toml)))
    pd.testing.assert_series_equal(found.leads["created_at"], plain.leads["created_at"])


ARABIC = str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")


SIZES = {
    "blanks between thousands, a comma": ("{0:,},50", ",", "\u202f", 'decimal = ","'),
    "thousands as in India": ("12,34,{0:03}", "", "", "'12,34,010' is read as 1234010"),
    "ranges that became dates": ("1-10 01-Oct", "", "", "a spreadsheet turned into dates"),
    "percent signs on some": ("{0}% 0.{0}", "", "", "have none: both are read as they stand"),
    "two currencies": ("${0} €{0}", "", "", "amounts in $, € are read as they stand"),
    "thousands and millions": ("{0}k 0.{0}M", "", "", "say units = { M = 1000000, k = 1000 }"),
    "millions of euros": ("{0},5\u202fM€ {0}\u202fk€", "", "", "is 17000 if k means 1000"),
    "words beside numbers": (
        "{0}\u00a0employés ~{0}",
        "",
        "",
        'units = { "employés" = 1, "~" = 1 }',
    ),
    "a dash for a minus": ("\u2013{0} {0}", "", "", "size: inferred type number"),
    "letters that were replaced": ("caf\ufffd th\u00e9", "", "", "a program replaced because"),
    "letters of another encoding": (
        "caf\u00c3\u00a9 the",
        "",
        "",
        "were read in the wrong encoding",
    ),
    "lists of several words": ('["a","b"] ["b"] ["c","a"] []', "", "", "type category"),
    "telephone numbers": ("+33612{0:06}", "", "", "size: left out: looks like free text or"),
}
"""Words in turn for a number, what is replaced in them by what, and what is said of them."""


@pytest.mark.parametrize("kind", SIZES)
def test_numbers_of_several_kinds_are_reported_or_asked_about(kind: str, tmp_path: Path) -> None:
    words, old, new, said = SIZES[kind]
    each = words.split(" ")
    rows = []
    for place, row in enumerate(ROWS):
        word = each[place % len(each)].format(int(row["size"]) * (1_000 if old else 1))
        rows.append(row | {"size": word.replace(old, new, 1) if old else word})
    folder = write(tmp_path, Export(text("\t", rows=rows), "leads.tsv"))
    if said.startswith(("decimal", "say units", "is 17000")):
        with pytest.raises(DataError) as refused:
            read_dataset(folder)
        assert said in str(refused.value)
        return
    found = read_dataset(folder)
    assert said in "\n".join((*found.losses, *found.inferred))


UNDECLARED = {
    "a comma is declared, points group": (
        "1.{0:03},25",
        'decimal = ","',
        'thousands = "."',
        1010.25,
    ),
    "a point is declared, commas group": (
        "1,{0:03}.25",
        'decimal = "."',
        'thousands = ","',
        1010.25,
    ),
    "a comma is declared, points are there": ("{0}.25", 'decimal = ","', 'decimal = "."', 10.25),
    "grouped by points alone": ("1.{0:03}", 'decimal = ","', 'thousands = "."', 1010.0),
    "both signs before fractions": (
        "{0}.25 {0},25",
        'decimal = "."',
        'decimal = [".", ","]',
        10.25,
    ),
    "k and M are declared": ("{0}k", "units = { k = 1000 }", "", 10000.0),
    "units of a word and a currency": (
        "{0},5 M€",
        'decimal = ","\nunits = { M = 1e6 }',
        "",
        10.5e6,
    ),
}
"""Words in turn, what is declared, what is asked then (for one attribute), and the first value."""


@pytest.mark.parametrize("kind", UNDECLARED)
def test_signs_that_the_declared_ones_do_not_read_are_asked_for(kind: str, tmp_path: Path) -> None:
    words, declared, asked, value = UNDECLARED[kind]
    each = words.split(" ") if "M€" not in words else [words]
    rows = [
        row | {"size": each[n % len(each)].format(int(row["size"]))} for n, row in enumerate(ROWS)
    ]
    folder = write(tmp_path, Export(text("\t", rows=rows), "leads.tsv", declared + "\n"))
    if asked:
        with pytest.raises(DataError) as refused:
            read_dataset(folder)
        assert f"say {asked} in dataset.toml" in str(refused.value)
        assert "[attributes.size]" in str(refused.value)
        with (folder / "dataset.toml").open("a") as settings:
            settings.write(f"[attributes.size]\n{asked}\n")
    assert read_dataset(folder).leads["size"].iloc[0] == value


IDS: dict[str, tuple[Callable[[str], str], str]] = {
    "a prefix on one side": (lambda i: f"crm/{i}", "the ids of leads begin with 'crm/'"),
    "braces and capital letters": (lambda i: "{" + i.lower() + "}", "extra signs or blanks"),
    "wide letters": (lambda i: i.replace("L", "Ｌ"), "extra signs or blanks"),
}


@pytest.mark.parametrize("kind", IDS)
def test_why_ids_do_not_meet_is_reported(kind: str, tmp_path: Path) -> None:
    change, said = IDS[kind]
    rows = [row | {"lead_id": change(row["lead_id"])} for row in ROWS]
    with pytest.raises(DataError) as refused:
        read_dataset(write(tmp_path, Export(text(rows=rows))))
    assert said in str(refused.value)


@pytest.mark.parametrize(
    ("written", "said"),
    [("5.5402{}E+17", "were rounded by a spreadsheet"), ("https://x.y/L{}/view", "a longer text")],
)
def test_why_ids_of_one_table_do_not_meet_is_reported(
    written: str, said: str, tmp_path: Path
) -> None:
    folder = write(tmp_path, Export(text()))
    header, *rows = OUTCOMES.splitlines()
    spoiled = [written.format(row[1 : row.index(",")]) + row[row.index(",") :] for row in rows]
    (folder / "outcomes.csv").write_text("\n".join([header, *spoiled]))
    with pytest.raises(DataError, match=said):
        read_dataset(folder)


def test_ids_that_look_alike_or_like_dates_are_reported(tmp_path: Path) -> None:
    twins = [ROWS[3] | {"lead_id": "l003"}, ROWS[4] | {"lead_id": "2025-03-01"}]
    losses = read_dataset(write(tmp_path, Export(text(rows=[*ROWS, *twins])))).losses
    assert any("1 id is there twice, differing in capital letters alone" in x for x in losses)
    assert any("1 lead_id, '2025-03-01', is a date" in x for x in losses)


def test_an_empty_outcome_means_what_is_declared(tmp_path: Path) -> None:
    folder = write(tmp_path, Export(text()))
    (folder / "outcomes.csv").write_text(OUTCOMES.replace("lost", ""))
    with pytest.raises(DataError, match=r'nothing \(14 rows\).*open = \[""\]'):
        read_dataset(folder)
    (folder / "dataset.toml").write_text('[outcome_words]\nopen = [""]\n')
    assert set(read_dataset(folder).outcomes["outcome"]) == {"converted"}


def test_tables_of_a_database_with_other_names_and_types(tmp_path: Path) -> None:
    place = tmp_path / "crm.db"
    with closing(sqlite3.connect(place)) as base, base:
        base.execute("CREATE TABLE crm_lead (id BLOB, at REAL, sector TEXT, size INTEGER)")
        base.executemany(
            "INSERT INTO crm_lead VALUES (CAST(? AS BLOB), julianday(?), ?, ?)",
            [tuple(row.values()) for row in ROWS],
        )
    with pytest.raises(DataError, match=r"found crm_lead\. Make a view leads"):
        read_dataset(f"sqlite:///{place}", outcomes_required=False)
    with closing(sqlite3.connect(place)) as base, base:
        base.execute(
            "CREATE VIEW leads AS SELECT id AS lead_id, at AS created_at, size FROM crm_lead"
        )
    with pytest.raises(DataError, match="2025-01-01 00:00:00 as julian"):
        read_dataset(f"sqlite:///{place}", outcomes_required=False)
    with closing(sqlite3.connect(place)) as base, base:
        base.execute("CREATE TABLE dataset (key TEXT, value TEXT)")
        base.execute("""INSERT INTO dataset VALUES ('date_formats', '["julian"]')""")
    found = read_dataset(f"sqlite:///{place}", outcomes_required=False)
    assert found.leads["lead_id"].tolist() == [row["lead_id"] for row in ROWS]
    assert found.leads["created_at"].tolist() == list(DAYS)
    with pytest.raises(DataError, match=r"the folder holds the database crm\.db"):
        read_dataset(tmp_path)
