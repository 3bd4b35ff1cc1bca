"""Every real data set reads without a row in quarantine."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.reading.read import read_dataset

SETS = {
    "bank_marketing": (41_188, 4_640, 0),
    "bpi2012": (8_111, 1_179, 150_253),
    "caravan": (5_822, 348, 0),
    "hillstrom": (64_000, 578, 0),
    "online_shoppers": (12_330, 1_908, 0),
    "salvirt_b2b": (448, 227, 0),
    "x_education": (9_240, 3_561, 0),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", sorted(SETS))
def test_a_real_set_reads_cleanly(name: str, real_data: Path) -> None:
    dataset = read_dataset(real_data / name)
    leads, converted, interactions = SETS[name]
    assert len(dataset.leads) == leads
    assert int((dataset.outcomes["outcome"] == "converted").sum()) == converted
    assert dataset.interactions.num_rows == interactions
    assert dataset.quarantined == ()
    assert dataset.has_time == (name not in {"caravan", "hillstrom", "salvirt_b2b"})
    typed = set(dataset.settings.attributes)
    assert typed == set(dataset.leads.columns) - {"lead_id", "created_at"}
    assert all(a.type and a.group and a.available for a in dataset.settings.attributes.values())
