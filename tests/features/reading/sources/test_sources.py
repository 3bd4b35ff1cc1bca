"""Tables as queries, folders of parts, patterns and workbooks; what is not read is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet
import pytest

from features.errors import DataError
from features.reading.open_dataset import in_sample
from features.reading.read import read_dataset
from features.reading.sources.folder import FolderSource

Folder = Callable[..., Path]
DAY = 86_400_000_000


def test_a_query_is_a_table_of_the_folder(dataset_folder: Folder) -> None:
    folder = dataset_folder()
    plain = read_dataset(folder)
    (folder / "interactions.csv").rename(folder / "export.csv")
    (folder / "interactions.sql").write_text("SELECT * FROM 'export.csv'; -- all of it\n")
    found = read_dataset(folder)
    assert found.interactions.num_rows == plain.interactions.num_rows
    assert found.fingerprint == plain.fingerprint


@pytest.mark.parametrize(
    "query",
    [
        "SELECT * FROM '/etc/passwd'",
        "SELECT * FROM read_csv('../other/leads.csv')",
        "COPY (SELECT 1) TO 'made.csv'",
        "SET threads = 1",
        "SELECT 1; SELECT 2",
        "INSTALL httpfs",
        "ATTACH 'other.db'",
        "SELECT * FROM glob('/etc/*')",
    ],
)
def test_a_query_has_access_to_nothing_else(dataset_folder: Folder, query: str) -> None:
    folder = dataset_folder()
    (folder / "interactions.csv").unlink()
    (folder / "interactions.sql").write_text(query)
    with pytest.raises(DataError, match=r"interactions\.sql"):
        read_dataset(folder)
    assert not (folder / "made.csv").exists()


def test_parts_of_a_table_are_one_table(dataset_folder: Folder) -> None:
    folder = dataset_folder()
    plain = read_dataset(folder)
    rows = pd.read_csv(folder / "interactions.csv", dtype=str)
    rows["occurred_at"] = pd.to_datetime(rows["occurred_at"], utc=True, format="ISO8601")
    rows[["value", "duration_s"]] = rows[["value", "duration_s"]].astype(float)
    (folder / "interactions.csv").unlink()
    for number in range(len(rows)):
        part = folder / "interactions" / f"year=2026/part-{number}.parquet"
        part.parent.mkdir(parents=True, exist_ok=True)
        rows.iloc[number : number + 1].to_parquet(part, index=False)
    found = read_dataset(folder)
    assert found.fingerprint == plain.fingerprint
    kept = next(r for r in found.rows if r.file.startswith("interactions"))
    assert kept.counted == kept.kept == len(rows)
    assert parquet.read_metadata(folder / "interactions/year=2026/part-0.parquet").num_rows == 1


def test_a_pattern_names_files(dataset_folder: Folder) -> None:
    folder = dataset_folder()
    (folder / "leads.csv").rename(folder / "contacts-2026.csv")
    (folder / "dataset.toml").write_text('[tables.leads]\nfile = "contacts-*.csv"\n')
    assert len(read_dataset(folder).leads) == 3


def test_what_is_not_read_is_named(dataset_folder: Folder) -> None:
    folder = dataset_folder()
    (folder / "campaigns.csv").write_text("a,b\n1,2\n")
    assert FolderSource(folder).not_read() == ["campaigns.csv"]
    assert any("campaigns.csv" in loss for loss in read_dataset(folder).losses)


def test_the_limit_of_the_settings_is_used(dataset_folder: Folder) -> None:
    folder = dataset_folder()
    with (folder / "outcomes.csv").open("a") as file:
        file.write("L99,lost,2026-01-10T00:00:00Z\n")
    with pytest.raises(DataError, match="max_bad = "):
        read_dataset(folder)
    (folder / "dataset.toml").write_text("max_bad = 0.9\n")
    assert read_dataset(folder).quarantined[0].rows == 1


def test_a_sample_keeps_whole_leads_and_says_so(dataset_folder: Folder) -> None:
    ids = [f"L{i}" for i in range(10_000)]
    assert 0.18 < in_sample(ids, 0.2).mean() < 0.22
    assert in_sample(ids[:50], 0.2).tolist() == in_sample(ids, 0.2)[:50].tolist()
    found = read_dataset(dataset_folder(), sample=0.999999)
    assert any("a sample of" in loss for loss in found.losses)


def test_a_set_of_which_every_outcome_is_set_aside_is_refused(dataset_folder: Folder) -> None:
    outcomes = "".join(f"{lead},win,2026-01-20T00:00:00Z\n" for lead in ("L1", "L2", "L3"))
    folder = dataset_folder(outcomes="lead_id,outcome,occurred_at\n" + outcomes)
    with pytest.raises(DataError, match=r"no lead is left: .*unknown outcome"):
        read_dataset(folder, max_bad_fraction=1.0)
