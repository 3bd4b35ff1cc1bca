"""The forecast on a dataset: open leads, groups, values, and the last period."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest
from small_release import small_release
from timing_curves import flat_curves

import leadscore as ls
from commands import cli
from features.errors import DataError, UsageError
from scoring.release.release import Release
from training.forecast.run import forecast

LEADS = """lead_id,created_at,employees,sector,owner,deal
L1,2026-01-01T00:00:00Z,10,software,Ann,100
L2,2026-01-02T00:00:00Z,10,retail,Ann,300
L3,2026-01-03T00:00:00Z,10,retail,Bo,
L4,2026-01-04T00:00:00Z,10,retail,Bo,50
"""
OUTCOMES = """lead_id,outcome,occurred_at
L4,converted,2026-02-20T00:00:00Z
"""
INTERACTIONS = "lead_id,occurred_at,kind\n" + "".join(
    f"L1,2026-02-2{i}T10:00:00Z,page_view\n" for i in range(5)
)
ANSWERS = "lead_id,answered_at,attribute,value\nL2,2026-02-10T00:00:00Z,deal,500\n"
TOML = """name = "deals"
observed_until = 2026-03-01T00:00:00Z
[attributes.sector]
group = "source"
[attributes.owner]
type = "category"
[attributes.deal]
type = "number"
"""
RECORD = {
    "start_us": 1769817600000000, "horizon_days": 30.0, "leads": 9, "expected": 2.5, "low": 1.0,
    "high": 5.0, "converted": 6,
}  # fmt: skip


@pytest.fixture
def deals(dataset_folder: Callable[..., Path]) -> Path:
    """Four leads, of which L4 has converted."""
    return dataset_folder(
        leads=LEADS, outcomes=OUTCOMES, interactions=INTERACTIONS, answers=ANSWERS,
        dataset_toml=TOML,
    )  # fmt: skip


def made(folder: Path, **fields: object) -> Release:
    data = {"observed_until": "2026-02-27T00:00:00Z", "reference_ages_days": [0.0, 90.0]}
    return small_release(
        folder / "R", timing=flat_curves(last_period=RECORD), **{"data": data, **fields}
    )


def test_every_open_lead_counts_with_its_score(deals: Path, tmp_path: Path) -> None:
    release = made(tmp_path)
    data = ls.read_dataset(deals)
    found = forecast(data, release, by=["band", "source", "owner"])
    scores = ls.score(data, tmp_path / "R")
    assert found.leads["lead_id"].tolist() == scores["lead_id"].tolist() == ["L1", "L2", "L3"]
    assert found.leads["probability_30d"].tolist() == scores["probability"].tolist()  # to the bit
    assert found.rows[0].expected == scores["probability"].sum()
    longer = found.leads[["probability_30d", "probability_60d", "probability_90d"]]
    assert (longer.diff(axis=1).iloc[:, 1:] > 0).all(axis=None)
    by = found.frame().query("horizon_days == 30").groupby("by")["expected"].sum()
    assert by.tolist() == pytest.approx([found.rows[0].expected] * 4)
    groups = found.frame().query("horizon_days == 30 and by != 'band'")["group"].tolist()
    assert groups == ["all", "retail", "software", "Ann", "Bo"]
    assert found.notes == ()


def test_a_value_is_an_attribute_as_of_now_or_a_number(deals: Path, tmp_path: Path) -> None:
    release, data = made(tmp_path), ls.read_dataset(deals)
    found = forecast(data, release, horizons=[30], value="deal", by=[])
    assert found.leads["value"].tolist() == [100, 500, 300]  # answered later; unknown: the mean
    assert "deal is unknown of 1 of 3 open leads" in found.notes[0]
    p = found.leads["probability_30d"]
    assert found.rows[0].value == pytest.approx(float(p @ found.leads["value"]))
    fixed = forecast(data, release, horizons=[30], value=900.0, by=[])
    assert fixed.rows[0].value == pytest.approx(900 * float(p.sum()))
    assert [fixed.rows[0].value_low, fixed.rows[0].value_high] == [
        900 * fixed.rows[0].low,
        900 * fixed.rows[0].high,
    ]


def test_the_last_period_is_of_this_release_where_it_had_not_seen_it(
    deals: Path, tmp_path: Path
) -> None:
    data = ls.read_dataset(deals)
    recorded = forecast(data, made(tmp_path), horizons=[30]).last_periods
    assert [(p.converted, p.held, p.by) for p in recorded] == [
        (6, False, "the same recipe, fitted on what was known then")
    ]
    older = {"observed_until": "2026-01-20T00:00:00Z", "reference_ages_days": [0.0, 90.0]}
    own = forecast(data, made(tmp_path, data=older), horizons=[30, 60]).last_periods
    assert [(p.horizon_days, p.leads, p.converted, p.by) for p in own] == [
        (30, 4, 1, "this release")
    ]
    assert str(pd.Timestamp(own[0].start_us, unit="us")) == "2026-01-30 00:00:00"


def test_what_cannot_be_forecast_is_refused(deals: Path, tmp_path: Path) -> None:
    release, data = made(tmp_path), ls.read_dataset(deals)
    with pytest.raises(DataError, match="120 days is not known"):
        forecast(data, release, horizons=[30, 120])
    with pytest.raises(UsageError, match="there are: deal, employees"):
        forecast(data, release, value="owner")
    with pytest.raises(UsageError, match="expected band or an attribute"):
        forecast(data, release, by=["region"])
    with pytest.raises(DataError, match="train it again"):
        forecast(data, small_release(tmp_path / "old"))


def test_leads_older_than_any_learned_from_are_reported(deals: Path, tmp_path: Path) -> None:
    young = {"observed_until": "2026-02-27T00:00:00Z", "reference_ages_days": [0.0, 57.5]}
    notes = forecast(ls.read_dataset(deals), made(tmp_path, data=young)).notes
    assert len(notes) == 1
    assert "1 of 3 open leads are older than any learned from (57.5 days)" in notes[0]


def test_the_command(deals: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made(tmp_path)
    asked = ["forecast", str(deals), "--release", str(tmp_path / "R"), "--value", "deal"]
    assert cli.run([*asked, "--by", "band,owner", "--out", str(tmp_path / "o" / "rows.csv")]) == 0
    said = capsys.readouterr().out
    assert "3 leads are open on 2026-03-01" in said
    assert "owner: Ann" in said
    assert "2.5 conversions forecast (1 to 5)" in said
    assert "6 came, outside the interval" in said
    assert cli.run([*asked, "--horizons", "60,30", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [row["horizon_days"] for row in found["rows"]][:2] == [30, 60]
    assert cli.run([*asked, "--by", "band,owner", "--format", "csv"]) == 0
    assert capsys.readouterr().out == (tmp_path / "o" / "rows.csv").read_text()
    assert cli.run([*asked, "--horizons", "soon"]) == 2
    assert cli.run([*asked, "--out", "rows.doc"]) == 2
