"""The questions asked when nobody says which."""

from __future__ import annotations

from pathlib import Path

from features.histories.arrays import NO_TIME
from features.reading.read import open_leads, read_dataset


def folder(path: Path, **tables: str) -> Path:
    for name, text in tables.items():
        ending = "toml" if name == "dataset" else "csv"
        (path / f"{name}.{ending}").write_text(text)
    return path


def test_open_leads_are_asked_about_when_observation_ended(tmp_path: Path) -> None:
    source = folder(
        tmp_path,
        leads="lead_id,created_at,size\nA,2026-01-01T00:00:00Z,1\nB,2026-01-02T00:00:00Z,2\n"
        "C,2026-01-03T00:00:00Z,3\n",
        outcomes="lead_id,outcome,occurred_at\nB,lost,2026-01-05T00:00:00Z\n",
        dataset="observed_until = 2026-02-01T00:00:00Z\n",
    )
    lead_ids, as_of_us = open_leads(read_dataset(source))
    assert lead_ids.tolist() == ["A", "C"]
    assert as_of_us.tolist() == [1_769_904_000_000_000] * 2


def test_without_time_every_lead_is_asked_about(tmp_path: Path) -> None:
    source = folder(
        tmp_path,
        leads="lead_id,size\nA,1\nB,2\n",
        outcomes="lead_id,outcome\nA,converted\nB,lost\n",
    )
    lead_ids, as_of_us = open_leads(read_dataset(source))
    assert lead_ids.tolist() == ["A", "B"]
    assert as_of_us.tolist() == [NO_TIME] * 2
