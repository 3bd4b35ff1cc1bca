"""``init``: exports of any dialect get a dataset.toml, or a question about what is missing."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from features.errors import DataError
from features.reading.propose import as_toml, propose
from features.reading.read import read_dataset

CONTACTS = """Record ID;Create Date;Sector;Revenue;Topics
1;06/01/2025 10:04;Éditeur;134571,43;CRM;
"""
LEADS = "\n".join(
    ["Lead ID;Created Time;Sector;Revenue"]
    + [
        f"{i};{1 + i % 28:02d}/01/2025 10:04;Éditeur {i % 3};{i * 1000 + 134571},43"
        for i in range(1, 41)
    ]
)
DEALS = "\n".join(
    ["Lead ID;Stage;Close Date"]
    + [
        f"{i};{'Closed Won' if i % 3 else 'Closed Lost'};{1 + i % 28:02d}/03/2025 10:04"
        for i in range(1, 31)
    ]
)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two files as Excel saves them on a French machine."""
    (tmp_path / "contacts.csv").write_text(LEADS, encoding="windows-1252")
    (tmp_path / "deals.csv").write_text(DEALS, encoding="windows-1252")
    return tmp_path


def test_an_export_is_read_once_the_zone_is_said(export: Path) -> None:
    proposal = propose(export)
    text = as_toml(proposal)
    given = tomllib.loads(text)
    assert given["tables"] == {"leads": {"file": "contacts.csv"}, "outcomes": {"file": "deals.csv"}}
    assert given["columns"]["leads"] == {"lead_id": "Lead ID", "created_at": "Created Time"}
    assert given["columns"]["outcomes"]["outcome"] == "Stage"
    assert given["outcome_words"] == {"converted": ["Closed Won"], "lost": ["Closed Lost"]}
    assert given["decimal"] == ","
    assert "time_zone" not in given
    assert "# time_zone =" in text
    assert len(proposal.open) == 1
    (export / "dataset.toml").write_text(text)
    with pytest.raises(DataError, match="time_zone"):
        read_dataset(export)
    (export / "dataset.toml").write_text('time_zone = "Europe/Paris"\n' + text)
    found = read_dataset(export)
    assert len(found.leads) == 40
    assert found.leads["created_at"].iloc[0].isoformat() == "2025-01-02T09:04:00+00:00"
    assert found.leads["Revenue"].iloc[0] == 135571.43
    assert (found.outcomes["outcome"] == "converted").sum() == 20


def test_what_a_person_wrote_stays(export: Path) -> None:
    mine = '# mine\nname = "ours"\ntime_zone = "UTC"\n\n[columns.leads]\nlead_id = "Lead ID"\n'
    first = as_toml(propose(export, tomllib.loads(mine)), mine)
    assert first.index("# mine") < first.index("[columns.leads]")
    given = tomllib.loads(first)
    assert given["name"] == "ours"
    assert given["time_zone"] == "UTC"
    assert given["columns"]["leads"] == {"lead_id": "Lead ID", "created_at": "Created Time"}
    assert as_toml(propose(export, given), first) == first


def test_a_day_that_could_be_a_month_is_left_open(tmp_path: Path) -> None:
    rows = "".join(f"L{i},0{i}/02/2025 10:04,web\n" for i in range(1, 9))
    (tmp_path / "leads.csv").write_text("lead_id,created_at,source\n" + rows)
    proposal = propose(tmp_path, {"time_zone": "UTC"})
    assert any("1 February 2025 if the day" in q or "date_order" in q for q in proposal.open)
    assert "date_order" not in tomllib.loads(as_toml(proposal))


def test_a_folder_without_leads_says_what_each_file_is(tmp_path: Path) -> None:
    (tmp_path / "page.csv").write_text("<html><body></body></html>")
    with pytest.raises(DataError, match=r"no file that looks like leads \(page.csv: .*web page"):
        propose(tmp_path)
