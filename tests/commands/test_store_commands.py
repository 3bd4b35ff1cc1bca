"""A dataset goes into the store and comes out of it as it was; backups from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.cli import run
from features.dataset import Dataset
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset

LEADS = """lead_id,created_at,employees,sector,decision_maker,"a""b"
L-1,2026-01-01T00:00:00Z,12,software,yes,x
L-2,2026-01-02T00:00:00.000001Z,,retail,no,y
Müller,2026-01-03T00:00:00Z,7.25,,,x
"""
INTERACTIONS = """lead_id,occurred_at,kind,value,duration_s,event_id
L-1,2026-01-05T00:00:00Z,page_view,,30.5,e-1
L-1,2026-01-06T00:00:00Z,page_view,0.1,,
L-1,2026-01-06T00:00:00Z,page_view,0.1,,
Müller,2026-01-07T00:00:00Z,inbound_call,,60,e-2
"""
ANSWERS = """lead_id,answered_at,attribute,value
L-2,2026-01-08T00:00:00Z,employees,40
"""
OUTCOMES = """lead_id,outcome,occurred_at
L-1,converted,2026-01-20T00:00:00Z
L-2,lost,2026-01-21T00:00:00Z
"""
SETTINGS = """name = "small"
horizon_days = 14
reference_ages_days = [0, 7]
observed_until = 2026-03-01T00:00:00Z
[attributes.sector]
group = "fit"
levels = ["retail", "software"]
[attributes.employees]
type = "number"
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADSCORE_HOME", str(tmp_path / "home"))
    made = tmp_path / "small"
    made.mkdir()
    for name, text in (
        ("leads.csv", LEADS), ("interactions.csv", INTERACTIONS), ("answers.csv", ANSWERS),
        ("outcomes.csv", OUTCOMES), ("dataset.toml", SETTINGS),
    ):  # fmt: skip
        (made / name).write_text(text, encoding="utf-8")
    return made


def told(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, int]]:
    assert run([*arguments, "--json"]) == 0
    return json.loads(capsys.readouterr().out)["rows"]


def meaning(data: Dataset) -> list[object]:
    """What the engine sees of a dataset."""
    found = histories_from_dataset(data)
    rows = found.interactions
    return [
        sorted(found.lead_ids.tolist()), data.settings.horizon_days,
        data.settings.reference_ages_days, data.settings.attributes["sector"].levels,
        sorted(
            data.leads.drop(columns=['a"b'], errors="ignore")
            .sort_index(axis=1)
            .astype(str)
            .values.tolist()
        ),
        sorted(
            zip(
                rows.at_us.tolist(), map(str, rows.duration_s), map(str, rows.value), strict=True
            )
        ),
        data.answers.select(["lead_id", "attribute", "value"]).to_pylist(),
        sorted(data.outcomes.astype(str).values.tolist()),
    ]  # fmt: skip


def test_a_dataset_goes_in_and_comes_out(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first = told(capsys, "store", "load", str(folder))
    assert first["lead"] == {"created": 3, "invalid": 0}
    assert first["interaction"] == {"taken": 3, "repeated": 1, "invalid": 0}
    assert first["answer"] == {"taken": 1, "invalid": 0}
    assert first["outcome"] == {"taken": 2, "invalid": 0}
    again = told(capsys, "store", "load", str(folder))
    assert again["lead"] == {"unchanged": 3, "invalid": 0}
    assert again["interaction"] == {"repeated": 4, "invalid": 0}
    assert told(capsys, "store", "export", str(tmp_path / "out"))["interactions"] == 3

    before = meaning(read_dataset(str(folder)))
    assert meaning(read_dataset(str(tmp_path / "out"))) == before
    assert meaning(read_dataset(f"sqlite:///{tmp_path / 'home' / 'store.db'}")) == before
    assert run(["store", "export", str(tmp_path / "out")]) == 2


def test_backup_and_restore_from_the_command_line(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["store", "load", str(folder)]) == 0
    copy = tmp_path / "copy.db"
    assert run(["backup", str(copy)]) == 0
    assert run(["restore", str(copy)]) == 0
    assert "3 leads are back" in capsys.readouterr().err
    assert run(["restore", str(folder)]) == 3
