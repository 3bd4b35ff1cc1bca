"""A lead as the API takes it: what was known before as_of, nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from features.errors import DataError
from features.lead_message import lead_message
from features.reading.read import read_dataset


@pytest.fixture
def source(tmp_path: Path) -> Path:
    tables = {
        "leads.csv": "lead_id,created_at,size,sector,newsletter\n"
        "A,2026-01-01T00:00:00Z,12,retail,yes\nB,2026-01-02T00:00:00Z,,,no\n",
        "outcomes.csv": "lead_id,outcome,occurred_at\nB,lost,2026-01-05T00:00:00Z\n",
        "interactions.csv": "lead_id,occurred_at,kind,value\n"
        "A,2026-01-04T00:00:00Z,call,\nA,2026-01-03T00:00:00.5Z,visit,2\nB,2026-01-04T00:00:00Z,call,\n",
        "answers.csv": "lead_id,answered_at,attribute,value\n"
        "A,2026-01-03T12:00:00Z,sector,trade\nA,2026-01-09T00:00:00Z,sector,retail\n",
        "dataset.toml": "observed_until = 2026-02-01T00:00:00Z\n"
        '[attributes.newsletter]\ntype = "boolean"\n',
    }
    for name, text in tables.items():
        (tmp_path / name).write_text(text)
    return tmp_path


def test_a_lead_is_reported_as_it_was_known_before_as_of(source: Path) -> None:
    as_of = datetime(2026, 1, 4, tzinfo=UTC)
    assert lead_message(read_dataset(source), "A", as_of) == {
        "lead_id": "A",
        "created_at": "2026-01-01T00:00:00Z",
        "as_of": "2026-01-04T00:00:00Z",
        "attributes": {"size": 12.0, "sector": "retail", "newsletter": True},
        "answers": [
            {"answered_at": "2026-01-03T12:00:00Z", "attribute": "sector", "value": "trade"}
        ],
        "interactions": [
            {"occurred_at": "2026-01-03T00:00:00.500000Z", "kind": "visit", "value": 2.0}
        ],
    }


def test_unknown_values_are_left_out(source: Path) -> None:
    assert lead_message(read_dataset(source), "B")["attributes"] == {"newsletter": False}


def test_a_foreign_lead_is_refused(source: Path) -> None:
    with pytest.raises(DataError, match=r"no lead 'C'.*there are A, B"):
        lead_message(read_dataset(source), "C")
