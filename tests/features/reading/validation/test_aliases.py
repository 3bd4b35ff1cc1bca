"""Ids that are the same lead: merged records, and visitors who were anonymous before."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from features.dataset import Dataset
from features.errors import DataError
from features.reading.read import read_dataset

LEADS = """lead_id,created_at,industry
L1,2026-01-10T00:00:00Z,software
L2,2026-01-02T00:00:00Z,retail
OLD,2026-01-01T00:00:00Z,retail
"""
OUTCOMES = "lead_id,outcome,occurred_at\nOLD,converted,2026-01-20T00:00:00Z\n"
INTERACTIONS = """lead_id,occurred_at,kind
anon-1,2026-01-05T10:00:00Z,page_view
anon-2,2026-01-05T11:00:00Z,page_view
anon-2,2026-01-16T11:00:00Z,webinar
OLD,2026-01-06T10:00:00Z,meeting
L1,2026-01-12T10:00:00Z,inbound_call
"""
ANSWERS = "lead_id,answered_at,attribute,value\nOLDER,2026-01-07T00:00:00Z,industry,games\n"
ALIASES = """alias_id,lead_id,since
anon-1,L1,2026-01-10T00:00:00Z
anon-2,L2,2026-01-15T00:00:00Z
OLD,L2,
OLDER,OLD,
"""


@pytest.fixture
def merged(dataset_folder: Callable[..., Path]) -> Callable[[str], Dataset]:
    def read(aliases: str) -> Dataset:
        folder = dataset_folder(
            leads=LEADS, outcomes=OUTCOMES, interactions=INTERACTIONS, answers=ANSWERS
        )
        (folder / "aliases.csv").write_text(aliases)
        return read_dataset(folder)

    return read


def test_rows_of_an_alias_are_the_leads(merged: Callable[[str], Dataset]) -> None:
    found = merged(ALIASES)
    assert found.leads["lead_id"].tolist() == ["L1", "L2"]  # OLD was merged into L2
    assert found.outcomes["lead_id"].tolist() == ["L2"]
    assert found.answers.column("lead_id").to_pylist() == ["L2"]  # by two steps
    rows = found.interactions.select(["lead_id", "kind"]).to_pylist()
    assert [(row["lead_id"], row["kind"]) for row in rows] == [
        ("L1", "page_view"),  # anonymous before it was created: no question comes before that
        ("L2", "webinar"),
        ("L2", "meeting"),
        ("L1", "inbound_call"),
    ]


def test_nothing_of_it_vanishes(merged: Callable[[str], Dataset]) -> None:
    found = merged(ALIASES)
    aside = {(rows.file, rows.reason): rows.rows for rows in found.quarantined}
    assert aside == {
        ("leads.csv", "merged into another lead (aliases)"): 1,
        ("interactions.csv", "of an alias, before it was known whose it is"): 1,
    }
    for rows in found.rows:
        assert rows.counted == rows.kept + rows.aside
    assert any("4 ids are other names of leads" in sentence for sentence in found.inferred)


def test_the_same_rows_in_memory_are_the_same_dataset(merged: Callable[[str], Dataset]) -> None:
    from io import StringIO

    texts = {"leads": LEADS, "outcomes": OUTCOMES, "interactions": INTERACTIONS}
    texts |= {"answers": ANSWERS, "aliases": ALIASES}
    frames = {name: pd.read_csv(StringIO(text)) for name, text in texts.items()}
    for name in ("created_at", "occurred_at", "answered_at", "since"):
        for frame in frames.values():
            if name in frame:
                frame[name] = pd.to_datetime(frame[name], utc=True)
    made = Dataset.from_frames(**frames)
    assert made.fingerprint == merged(ALIASES).fingerprint


def test_an_alias_of_two_leads_is_the_one_known_first(merged: Callable[[str], Dataset]) -> None:
    found = merged(ALIASES + "anon-1,L2,2026-01-12T00:00:00Z\n")
    assert found.interactions.column("lead_id").to_pylist()[0] == "L1"
    assert any("stand for several leads" in sentence for sentence in found.inferred)


def test_a_circle_is_refused(merged: Callable[[str], Dataset]) -> None:
    with pytest.raises(DataError, match="merged in a circle"):
        merged("alias_id,lead_id\nA,B\nB,C\nC,A\n")


def test_a_table_without_the_columns_is_refused(merged: Callable[[str], Dataset]) -> None:
    with pytest.raises(DataError, match=r"aliases.csv has no column 'alias_id'"):
        merged("old,lead_id\nA,B\n")
