"""Law 2 for raw values: a file of any dialect, a database, a request and the store score alike."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, example, given, settings
from hypothesis import strategies as st
from small_release import small_release

from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.settings_file import settings_from_text
from scoring.release.release import Release
from scoring.scores import scores_table
from serving.settings import Settings

TOML = """
observed_until = 2026-04-01T00:00:00Z
thousands = ","
[attributes.employees]
type = "number"
[attributes.sector]
type = "category"
"""
AS_OF = "2026-03-20T08:00:00Z"
AS_OF_US = 1_773_993_600_000_000
BLANKS = st.sampled_from(["", " ", "\u00a0", "\t", "\ufeff", "\u202f"])


def within_blanks(words: list[str]) -> st.SearchStrategy[str]:
    return st.tuples(BLANKS, st.sampled_from(words), BLANKS).map("".join)


NUMBERS = within_blanks(["12", "1,200", "$1,577", "30%", "12-", '="42"', "Select", "", "N/A", "٤٢"])
WORDS = within_blanks(["software", "retail", "N/A", "(No value)", "", "?"])
KINDS = within_blanks(["page_view", "call", "e-mail"])
DAYS = st.integers(2, 19)


@dataclass(frozen=True)
class Dialect:
    """How the files of a folder are written."""

    separator: str
    quoting: int
    encoding: str
    line_end: str

    def write(self, path: Path, rows: list[list[str]]) -> None:
        text = io.StringIO(newline="")
        writer = csv.writer(
            text, delimiter=self.separator, quoting=self.quoting, lineterminator=self.line_end
        )
        writer.writerows(rows)
        path.write_bytes(text.getvalue().encode(self.encoding))


DIALECTS = st.builds(
    Dialect,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
    st.sampled_from(["\n", "\r\n"]),
)


@dataclass(frozen=True)
class Raw:
    """A lead as somebody's system writes it: texts, and rows that repeat."""

    employees: str
    sector: str
    acts: list[tuple[int, str]]
    answers: list[tuple[int, str]]

    def tables(self, lead_id: str) -> dict[str, list[list[str]]]:
        return {
            "leads": [["lead_id", "created_at", "employees", "sector"],
                      [lead_id, "2026-03-01T09:00:00Z", self.employees, self.sector]],
            "interactions": [["lead_id", "occurred_at", "kind"],
                             *([lead_id, at(day), kind] for day, kind in self.acts)],
            "answers": [["lead_id", "answered_at", "attribute", "value"],
                        *([lead_id, at(day), "employees", value] for day, value in self.answers)],
        }  # fmt: skip


LEADS = st.builds(
    Raw,
    NUMBERS,
    WORDS,
    st.lists(st.tuples(DAYS, KINDS), min_size=1, max_size=4).map(lambda rows: rows + rows[:2]),
    st.lists(st.tuples(DAYS, NUMBERS), max_size=2, unique_by=lambda pair: pair[0]),
)


def at(day: int) -> str:
    return f"2026-03-{day:02}T10:00:00Z"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("law")


@pytest.fixture(scope="module")
def release(place: Path) -> Release:
    cleaning = settings_from_text(TOML, default_name="law")[0].cleaning()
    return small_release(place / "release", cleaning=cleaning)


@pytest.fixture(scope="module")
def client(
    release: Release, place: Path, running: Callable[[Settings], Any]
) -> Iterator[httpx.Client]:
    del release
    with running(Settings(release=place / "release", home=place / "home")) as one:
        yield one


def in_dataset(release: Release, source: str | Path, lead_id: str) -> float:
    dataset = read_dataset(source, outcomes_required=False, max_bad_fraction=0.0)
    asked = np.array([lead_id], dtype=object), np.array([AS_OF_US])
    scores = scores_table(release, histories_from_dataset(dataset), *asked, model_version="1")
    return float(scores.column("probability")[0].as_py())


def in_database(release: Release, path: Path, tables: dict[str, list[list[str]]]) -> float:
    with closing(sqlite3.connect(path)) as base, base:
        for name, (header, *rows) in tables.items():
            columns = ", ".join(f"{column} TEXT" for column in header)
            base.execute(f"CREATE TABLE {name} ({columns})")
            marks = ", ".join("?" * len(header))
            base.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
        base.execute("CREATE TABLE dataset (key TEXT, value TEXT)")
        keys = [
            ("observed_until", "2026-04-01T00:00:00Z"),
            ("thousands", '","'),
            ("attributes.employees.type", "number"),
            ("attributes.sector.type", "category"),
        ]
        base.executemany("INSERT INTO dataset VALUES (?, ?)", keys)
    return in_dataset(release, f"sqlite:///{path}", tables["leads"][1][0])


def in_request(client: httpx.Client, raw: Raw, lead_id: str) -> float:
    body = {
        "lead_id": lead_id, "created_at": "2026-03-01T09:00:00Z", "as_of": AS_OF,
        "attributes": {"employees": raw.employees, "sector": raw.sector},
        "interactions": [{"kind": kind, "occurred_at": at(day)} for day, kind in raw.acts],
        "answers": [
            {"attribute": "employees", "answered_at": at(day), "value": value}
            for day, value in raw.answers
        ],
    }  # fmt: skip
    return probability(client.post("/v1/scores", json=body))


def in_store(client: httpx.Client, raw: Raw, lead_id: str) -> float:
    lead = {
        "created_at": "2026-03-01T09:00:00Z",
        "attributes": {"employees": raw.employees, "sector": raw.sector},
    }
    client.put(f"/v1/leads/{lead_id}", json=lead).raise_for_status()
    acts = [{"lead_id": lead_id, "kind": kind, "occurred_at": at(day)} for day, kind in raw.acts]
    client.post("/v1/interactions", json={"interactions": acts}).raise_for_status()
    answers = [
        {"lead_id": lead_id, "attribute": "employees", "answered_at": at(day), "value": value}
        for day, value in raw.answers
    ]
    if answers:
        client.post("/v1/answers", json={"answers": answers}).raise_for_status()
    return probability(client.get(f"/v1/leads/{lead_id}/score?as_of={AS_OF}"))


def probability(response: httpx.Response) -> float:
    assert response.status_code == 200, response.text
    return float(response.json()["probability"])


NUMBER = count(1)


@settings(
    max_examples=8,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # an example reads files: shrinking takes minutes
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(
    raw=Raw(
        "\ufeffSelect",
        "\u00a0retail",
        [(9, "\ufeffpage_view"), (9, "page_view\t")],
        [(5, "\u00a0")],
    ),
    dialect=Dialect(";", csv.QUOTE_ALL, "utf-16", "\r\n"),
)
@given(raw=LEADS, dialect=DIALECTS)
def test_a_raw_value_scores_alike_through_every_door(
    raw: Raw, dialect: Dialect, release: Release, client: httpx.Client, tmp_path: Path
) -> None:
    number = next(NUMBER)
    lead_id, folder = f"law-{number}", tmp_path / str(number)
    folder.mkdir()
    tables = raw.tables(lead_id)
    for name, rows in tables.items():
        dialect.write(folder / f"{name}.csv", rows)
    (folder / "dataset.toml").write_text(TOML)
    from_file = in_dataset(release, folder, lead_id)
    assert in_database(release, tmp_path / f"{number}.db", tables) == from_file
    assert in_request(client, raw, lead_id) == from_file
    assert in_store(client, raw, lead_id) == from_file
