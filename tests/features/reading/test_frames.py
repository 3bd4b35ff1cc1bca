"""Tables in memory mean what the same tables in files mean."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.dataset import Dataset
from features.errors import DataError
from features.reading.frames import arrow_table, references_from_frame
from features.reading.read import read_dataset
from training.simulator import simulate, write_simulation

SETTINGS = {"horizon_days": 30, "observed_until": "2024-12-31T00:00:00Z"}
TOML = 'name = "frames"\nhorizon_days = 30\nobserved_until = 2024-12-31T00:00:00Z\n'


@pytest.fixture(scope="module")
def frames() -> dict[str, pd.DataFrame]:
    made = simulate(120, 3)
    return {
        "leads": made.leads,
        "outcomes": made.outcomes,
        "interactions": made.interactions,
        "answers": made.answers,
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tables as files."""
    out = tmp_path_factory.mktemp("frames")
    write_simulation(simulate(120, 3), out)
    (out / "dataset.toml").write_text(TOML)
    return out


def test_pandas_frames_give_the_dataset_that_the_files_give(
    frames: dict[str, pd.DataFrame], folder: Path
) -> None:
    ours, theirs = Dataset.from_frames(**frames, **SETTINGS), read_dataset(folder)
    assert ours.fingerprint == theirs.fingerprint
    assert ours.settings == theirs.settings


def test_arrow_tables_and_mappings_give_the_same(
    frames: dict[str, pd.DataFrame], folder: Path
) -> None:
    arrow = {name: arrow_table(name, frame) for name, frame in frames.items()}
    lists = {name: frame.to_dict("list") for name, frame in frames.items()}
    expected = read_dataset(folder).fingerprint
    assert Dataset.from_frames(**arrow, **SETTINGS).fingerprint == expected
    assert Dataset.from_frames(**lists, **SETTINGS).fingerprint == expected


def test_polars_frames_give_the_same(frames: dict[str, pd.DataFrame], folder: Path) -> None:
    polars = pytest.importorskip("polars")
    converted = {
        name: polars.from_arrow(arrow_table(name, frame)) for name, frame in frames.items()
    }
    made = Dataset.from_frames(**converted, **SETTINGS)
    assert made.fingerprint == read_dataset(folder).fingerprint


def test_a_named_index_is_a_column(frames: dict[str, pd.DataFrame], folder: Path) -> None:
    indexed = {**frames, "leads": frames["leads"].set_index("lead_id")}
    made = Dataset.from_frames(**indexed, **SETTINGS)
    assert made.fingerprint == read_dataset(folder).fingerprint


def test_words_for_unknown_are_unknown() -> None:
    leads = pd.DataFrame({"lead_id": ["a", "b", "c"], "industry": ["food", "NULL", np.nan]})
    data = Dataset.from_frames(leads=leads)
    assert data.leads["industry"].tolist() == ["food", None, None]


def test_words_and_numbers_mixed_are_read_as_a_file_would_be() -> None:
    leads = pd.DataFrame({"lead_id": [1, 2, 3], "size": ["big", 3, None]})
    data = Dataset.from_frames(leads=leads)
    assert data.leads["lead_id"].tolist() == ["1", "2", "3"]
    assert data.leads["size"].tolist() == ["big", "3", None]


def test_without_outcomes_leads_can_be_scored_only() -> None:
    data = Dataset.from_frames(leads={"lead_id": ["a"], "employees": [3]})
    assert len(data.outcomes) == 0


def test_a_time_without_a_zone_is_refused() -> None:
    leads = pd.DataFrame({"lead_id": ["a"], "created_at": pd.to_datetime(["2024-01-01 10:00"])})
    with pytest.raises(DataError, match=r"leads row 1: created_at is .*, a time without a zone"):
        Dataset.from_frames(leads=leads)


def test_a_missing_column_is_named() -> None:
    with pytest.raises(DataError, match=r"leads has no column 'lead_id'.*'leadid'"):
        Dataset.from_frames(leads={"leadid": ["a"]})


def test_a_column_named_twice_is_refused() -> None:
    leads = pd.DataFrame([["a", 1, 2]], columns=["lead_id", "size", "size"])
    with pytest.raises(DataError, match="'size'; rename one"):
        Dataset.from_frames(leads=leads)


def test_what_is_no_table_is_refused() -> None:
    with pytest.raises(DataError, match="leads is a list"):
        Dataset.from_frames(leads=["a"])


def test_an_unknown_setting_is_named() -> None:
    with pytest.raises(DataError, match="unknown key 'horizon'; did you mean horizon_days"):
        Dataset.from_frames(leads={"lead_id": ["a"]}, horizon=30)


def test_references_of_a_frame() -> None:
    asked = pd.DataFrame({"lead_id": [7], "as_of": pd.to_datetime(["2024-02-01"], utc=True)})
    read = references_from_frame(asked)
    assert read["lead_id"].tolist() == ["7"]
    assert read["as_of"].dtype == "datetime64[us, UTC]"
    with pytest.raises(DataError, match="no lead_id"):
        references_from_frame(asked.assign(lead_id=[None]))
