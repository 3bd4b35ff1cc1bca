"""The same tables in SQLite and PostgreSQL give the same dataset as the folder."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest
import sqlalchemy as sa

from features.dataset import Dataset
from features.errors import DataError, StorageError, UsageError
from features.reading.read import read_dataset
from features.reading.sources.database import arrow_column, nested

Folder = Callable[..., Path]
TOML = 'horizon_days = 14\n[attributes.industry]\ngroup = "need"\n'
SETTINGS = [("horizon_days", "14"), ("attributes.industry.group", "need")]


def same(one: Dataset, other: Dataset) -> None:
    pd.testing.assert_frame_equal(one.leads, other.leads)
    pd.testing.assert_frame_equal(one.outcomes, other.outcomes)
    assert one.interactions.equals(other.interactions)
    assert one.answers.equals(other.answers)
    assert one.fingerprint == other.fingerprint


def sqlite_file(folder: Path, target: Path) -> str:
    """Tables as text, as SQLite users keep them, with numbers where they are numbers."""
    with closing(sqlite3.connect(target)) as connection, connection:
        for path in folder.glob("*.csv"):
            frame = pd.read_csv(path)
            frame.to_sql(path.stem, connection, index=False)
        connection.execute("CREATE TABLE dataset (key TEXT, value TEXT)")
        connection.executemany("INSERT INTO dataset VALUES (?, ?)", SETTINGS)
    connection.close()
    return f"sqlite:///{target}"


def test_sqlite_reads_as_the_folder_does(dataset_folder: Folder, tmp_path: Path) -> None:
    folder = dataset_folder(dataset_toml=TOML)
    dataset = read_dataset(sqlite_file(folder, tmp_path / "crm.db"))
    same(read_dataset(folder), dataset)
    assert dataset.settings.name == "crm"
    assert dataset.settings.horizon_days == 14


def test_a_database_without_settings_infers_them(dataset_folder: Folder, tmp_path: Path) -> None:
    url = sqlite_file(dataset_folder(), tmp_path / "crm.db")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute("DROP TABLE dataset")
    connection.close()
    dataset = read_dataset(url)
    assert dataset.settings.horizon_days == 30
    assert any("observed_until: inferred 2026-01-20" in s for s in dataset.inferred)


def test_a_bad_row_of_a_database_is_named(dataset_folder: Folder, tmp_path: Path) -> None:
    url = sqlite_file(dataset_folder(), tmp_path / "crm.db")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute("UPDATE outcomes SET outcome = 'win' WHERE lead_id = 'L2'")
    connection.close()
    with pytest.raises(DataError, match=r"table outcomes: unknown outcomes: 'win' \(1 row\)"):
        read_dataset(url)


@pytest.mark.parametrize(
    ("url", "error", "said"),
    [
        ("sqlite:////nowhere/crm.db", DataError, "does not exist; expected an SQLite file"),
        ("oracle://host/db", UsageError, "oracle:// cannot be read; expected one of sqlite://"),
        ("mysql://host/db", UsageError, "needs a driver that is not installed"),
        ("postgresql://u:secret@127.0.0.1:1/db", StorageError, "cannot read postgresql"),
        ("postgresql://u:secret@127.0.0.1:port/db", UsageError, "not a database URL"),
    ],
)
def test_a_url_that_does_not_lead_anywhere(url: str, error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said) as caught:
        read_dataset(url)
    assert "secret" not in str(caught.value)


def test_a_database_without_leads(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "empty.db")) as connection, connection:
        connection.execute("CREATE TABLE outcomes (lead_id TEXT, outcome TEXT)")
    connection.close()
    with pytest.raises(DataError, match="no table leads"):
        read_dataset(f"sqlite:///{tmp_path / 'empty.db'}")


def test_a_dataset_table_of_another_shape(dataset_folder: Folder, tmp_path: Path) -> None:
    url = sqlite_file(dataset_folder(), tmp_path / "crm.db")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute("ALTER TABLE dataset RENAME COLUMN key TO name")
    connection.close()
    with pytest.raises(DataError, match="table dataset needs the columns key and value"):
        read_dataset(url)


def test_settings_in_rows_read_as_toml_would() -> None:
    rows = {"name": "crm", "reference_ages_days": "[0, 7]", "attributes.a.b.type": "number"}
    assert nested(rows) == {
        "name": "crm",
        "reference_ages_days": [0, 7],
        "attributes": {"a.b": {"type": "number"}},
    }


def test_mixed_values_become_words() -> None:
    assert arrow_column([1, "a", None]).to_pylist() == ["1", "a", None]
    assert arrow_column([1, 2.5, None]).to_pylist() == [1.0, 2.5, None]
    assert arrow_column([True, None]).to_pylist() == [True, None]


def _program(name: str) -> Path | None:
    """A PostgreSQL program, from where Debian keeps them or from PATH."""
    kept = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    on_path = shutil.which(name)
    return kept[0] if kept else Path(on_path) if on_path else None


def _as_postgres(command: list[str]) -> None:
    """Run a command, as user postgres when we are root (the server refuses root)."""
    prefix = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"]
    full = [*prefix, *command] if os.geteuid() == 0 else command
    subprocess.run(full, check=True, capture_output=True, timeout=60)


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A private server on a free loopback port, ended with the session."""
    initdb, control = _program("initdb"), _program("pg_ctl")
    if initdb is None or control is None:
        pytest.skip("no PostgreSQL server programs here (initdb, pg_ctl)")
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("root without setpriv: PostgreSQL refuses to run as root")
    home = Path(f"/tmp/leadscore-pg-{os.getpid()}")  # short: a socket's path is limited
    home.mkdir(mode=0o700)
    if os.geteuid() == 0:
        shutil.chown(home, "postgres", "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    data = str(home / "data")
    _as_postgres([str(initdb), "-D", data, "-U", "leadscore", "-A", "trust", "--no-sync"])
    options = f"-c listen_addresses=127.0.0.1 -p {port} -k {home} -c fsync=off"
    log = str(home / "log")
    _as_postgres([str(control), "-D", data, "-l", log, "-w", "-o", options, "start"])
    try:
        yield f"postgresql://leadscore@127.0.0.1:{port}/postgres"
    finally:
        _as_postgres([str(control), "-D", data, "-w", "-m", "immediate", "stop"])
        shutil.rmtree(home)


TYPES = {"created_at": sa.TIMESTAMP(timezone=True), "occurred_at": sa.TIMESTAMP(timezone=True),
         "answered_at": sa.TIMESTAMP(timezone=True), "budget": sa.Numeric()}  # fmt: skip


def postgres_tables(folder: Path, url: str) -> None:
    engine = sa.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        for path in folder.glob("*.csv"):
            frame = pd.read_csv(path)
            for column in frame.columns.intersection(list(TYPES)).difference(["budget"]):
                frame[column] = pd.to_datetime(frame[column], utc=True, format="ISO8601")
            types = {k: v for k, v in TYPES.items() if k in frame}
            frame.to_sql(path.stem, connection, index=False, dtype=types, if_exists="replace")
        settings = pd.DataFrame(SETTINGS, columns=["key", "value"])
        settings.to_sql("dataset", connection, index=False, if_exists="replace")
    engine.dispose()


def test_postgresql_reads_as_the_folder_does(dataset_folder: Folder, postgres_url: str) -> None:
    folder = dataset_folder(dataset_toml=TOML)
    postgres_tables(folder, postgres_url)
    same(read_dataset(folder), read_dataset(postgres_url))


def test_postgresql_times_without_zone_are_refused(
    dataset_folder: Folder, postgres_url: str
) -> None:
    postgres_tables(dataset_folder(), postgres_url)
    engine = sa.create_engine(postgres_url.replace("postgresql://", "postgresql+psycopg://"))
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE leads ALTER created_at TYPE timestamp"))
    engine.dispose()
    with pytest.raises(DataError, match=r"leads row 1: created_at is .*, a time without a zone"):
        read_dataset(postgres_url)


def test_a_column_of_numbers_and_later_words_is_read_as_words(
    dataset_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = sqlite_file(dataset_folder(answers=None), tmp_path / "crm.db")
    with closing(sqlite3.connect(tmp_path / "crm.db")) as connection, connection:
        connection.execute("ALTER TABLE leads ADD COLUMN size")
        connection.execute("UPDATE leads SET size = CASE lead_id WHEN 'L1' THEN 3 ELSE 'big' END")
    connection.close()
    monkeypatch.setattr("features.reading.sources.database.ROWS_AT_ONCE", 1)
    dataset = read_dataset(url)
    assert dataset.leads["size"].tolist() == ["3", "big", "big"]
    assert dataset.interactions.num_rows == 3
