"""The audit on real data sets: the leaks everybody knows, and not the honest strong columns."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from features.reading.read import read_dataset
from training.leakage.audit import LeakVerdict, audit

DATA = Path(
    os.environ.get("LEADSCORE_DATA", Path(__file__).resolve().parents[4] / "shared" / "data")
)
SCORES = {f"Asymmetrique {a} {b}" for a in ("Activity", "Profile") for b in ("Index", "Score")}
LEAKS = {
    "bank_marketing": {"duration"},
    "online_shoppers": {"pagevalues"},
    "x_education": {"Tags", "Lead Quality", "Lead Profile", "Last Notable Activity", *SCORES},
    "hillstrom": {"visit", "spend"},
    "caravan": set(),
    "salvirt_b2b": set(),
}


@pytest.mark.real_data
@pytest.mark.parametrize("name", list(LEAKS))
def test_exactly_the_known_leaks_are_reported(name):
    if not (DATA / name).is_dir():
        pytest.skip(f"{DATA / name} is absent")
    report = audit(read_dataset(DATA / name), costs=False)
    assert {suspect.name for suspect in report.suspects} == LEAKS[name]


@pytest.mark.real_data
def test_closing_events_of_a_log_are_reported_as_harmless():
    if not (DATA / "bpi2012").is_dir():
        pytest.skip(f"{DATA / 'bpi2012'} is absent")
    report = audit(read_dataset(DATA / "bpi2012"), costs=False)
    assert {suspect.what for suspect in report.suspects} == {"kind"}
    assert {suspect.verdict for suspect in report.suspects} == {LeakVerdict.HARMLESS}
    assert "a_declined.complete" in {suspect.name for suspect in report.suspects}
