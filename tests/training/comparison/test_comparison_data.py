"""The comparison from a dataset to the report, where the truth about the rules is known."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache, partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from french import english_left, visible

from commands import cli
from features.contract import AttributeType, Available, Group
from features.dataset import Dataset
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.language.catalogues import language
from features.language.current import use
from features.reading.read import read_dataset
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.toml import parse_card
from training.comparison.compare import CostBenefit
from training.comparison.report import report_html
from training.comparison.run import ComparisonConfig, ComparisonResult, compare
from training.comparison.verdict import Finding
from training.config import TrainingConfig
from training.labels.training_data import load_training_data

QUICK = ComparisonConfig(TrainingConfig(time_budget_s=0.0, jobs=1))
DAY_US = 86_400_000_000
START = datetime(2024, 1, 1, tzinfo=UTC)
KINDS = ("call", "demo", "page", "mail", "fair", "chat", "quiz", "poll")
CARD = """
name = "agreed"
[bands]
warm = 10
hot = 20
[[rules]]
name = "fresh call, nothing else pending"
interaction = "call"
within_days = 4
without = ["mail", "quiz"]
points = 20
[[rules]]
name = "two kinds of proof"
interaction = ["demo", "fair"]
at_least = 3
within_days = 5
points = 20
[[rules]]
name = "pages"
interaction = "page"
count = "each"
points = 2
max_points = 8
[[rules]]
name = "by partner"
attribute = "source"
is = "partner"
points = 8
"""


def card_of(text: str = CARD) -> Scorecard:
    return Scorecard(parse_card(text, "agreed.toml"))


def without_outcomes(n: int, rng: np.random.Generator) -> Dataset:
    """Leads with eight kinds of interactions in their first ten days, asked about on the tenth."""
    created = int(START.timestamp() * 1e6) + np.sort(rng.integers(0, 400 * DAY_US, n))
    counts = rng.poisson(0.6, (n, len(KINDS)))
    lead, kind = (a.repeat(counts.ravel()) for a in np.divmod(np.arange(counts.size), len(KINDS)))
    at = created[lead] + rng.integers(1, 10 * DAY_US, len(lead))
    ids = np.array([f"L{i}" for i in range(n)], dtype=object)
    source = np.where(rng.random(n) < 0.25, "partner", "web").astype(object)
    interactions = pa.table(
        {
            "lead_id": ids[lead],
            "occurred_at": pa.array(at).cast(INTERACTIONS_SCHEMA.field(1).type),
            "kind": np.array(KINDS, dtype=object)[kind],
            **{name: pa.nulls(len(at)) for name in ("value", "duration_s", "channel", "event_id")},
        }
    ).cast(INTERACTIONS_SCHEMA)
    settings = DatasetSettings(
        name="agreed <leads>",
        observed_until=datetime(2025, 4, 1, tzinfo=UTC),
        reference_ages_days=(10.0,),
        attributes={
            "source": AttributeSettings(type=AttributeType.CATEGORY, group=Group.SOURCE),
            "acquisition_cost": AttributeSettings(type=AttributeType.NUMBER, group=Group.COST),
        },
    )
    leads = pd.DataFrame(
        {
            "lead_id": ids,
            "created_at": pd.to_datetime(created, unit="us", utc=True).as_unit("us"),
            "source": source,
            "acquisition_cost": np.where(source == "partner", 20.0, 5.0),
        }
    )
    empty = pd.DataFrame({"lead_id": [], "outcome": [], "occurred_at": []})
    return Dataset(settings, leads, interactions, empty, ANSWERS_SCHEMA.empty_table())


@lru_cache
def dataset(n: int, seed: int, slope: float, base: float) -> Dataset:
    """Leads whose log-odds of converting are ``base + slope * points of CARD``."""
    rng = np.random.default_rng(seed)
    made = without_outcomes(n, rng)
    histories = histories_from_dataset(made)
    asked = References(np.arange(n), histories.created_at_us + 10 * DAY_US)
    points = card_of().points(histories, asked).points
    won = rng.random(n) < 1 / (1 + np.exp(-(base + slope * points)))
    closed = asked.as_of_us + 5 * DAY_US + rng.integers(0, 10 * DAY_US, n)
    outcomes = pd.DataFrame(
        {
            "lead_id": made.leads["lead_id"],
            "outcome": np.where(won, "converted", "lost").astype(object),
            "occurred_at": pd.to_datetime(closed, unit="us", utc=True),
        }
    )
    return replace(made, outcomes=outcomes)


@pytest.fixture(scope="module")
def few_conversions() -> ComparisonResult:
    """Rules equal to the truth, some 150 conversions to learn from."""
    config = replace(QUICK, cost_benefit=CostBenefit(900.0, 15.0), hot_per_week=3.0)
    return compare(dataset(1500, 1, 0.25, -5.0), card_of(), config)


def test_rules_that_are_the_truth_are_not_given_up(few_conversions: ComparisonResult) -> None:
    found = few_conversions.comparison
    assert found.verdict.finding is Finding.RULES
    assert found.verdict.headline.startswith("Keep the rules")
    rules = found.score_of("rules")
    assert rules.log_loss_difference is not None
    assert rules.log_loss_difference.high < 0


def test_refitted_points_keep_the_proportions_of_true_ones(
    few_conversions: ComparisonResult,
) -> None:
    refit = {rule.name: rule.points for rule in few_conversions.reweighted.card.rules}
    assert refit["fresh call, nothing else pending"] == pytest.approx(20, abs=4)
    assert refit["two kinds of proof"] == pytest.approx(20, abs=4)
    assert refit["by partner"] == pytest.approx(8, abs=3)
    text = few_conversions.reweighted.to_toml("by a test")
    assert parse_card(text, "again") == few_conversions.reweighted.card


def test_rules_without_meaning_lose() -> None:
    turned = CARD.replace("points = 20", "points = -20")
    found = compare(dataset(1500, 1, 0.25, -5.0), card_of(turned), QUICK).comparison
    assert found.verdict.finding is Finding.LEARNED
    split = {s.name: s.log_loss.value for s in found.scores}
    assert split["reweighted"] < split["rules"]  # most of the gain is in the weights
    assert split["reweighted"] - split["learned"] < (split["rules"] - split["learned"]) / 2


def test_pure_noise_cannot_be_told() -> None:
    found = compare(dataset(700, 3, 0.0, -2.0), card_of(), QUICK).comparison
    assert found.verdict.finding is Finding.CANNOT_TELL
    assert "Cannot tell" in found.verdict.headline


def test_every_part_of_the_comparison_is_there(few_conversions: ComparisonResult) -> None:
    found = few_conversions.comparison
    assert [s.name for s in found.scores] == [
        "rules", "reweighted", "learned", "odoo", "tiers", "newest",
    ]  # fmt: skip
    segments = found.sections["segments"]
    assert {(s.by, s.name) for s in segments} <= {("source", "partner"), ("source", "web")}
    assert segments


def test_costs_are_those_of_pandas(few_conversions: ComparisonResult) -> None:
    """By the source column, each lead once, with totals by source, by band and of everything."""
    found = few_conversions.comparison
    costs = pd.DataFrame([c.to_dict() for c in found.sections["costs"]])
    cells = costs[~costs.is_total]
    assert cells.leads.sum() == found.leads
    assert cells.conversions.sum() == found.conversions
    prices = cells.source.map({"partner": 20.0, "web": 5.0})
    assert cells.cost.tolist() == pytest.approx((prices * cells.leads).tolist())
    for by in ("source", "band"):
        sums = cells.groupby(by)[["leads", "cost", "conversions"]].sum()
        other = "band" if by == "source" else "source"
        totals = costs[costs.is_total & (costs[other] == "all") & (costs[by] != "all")]
        pd.testing.assert_frame_equal(
            totals.set_index(by)[sums.columns].sort_index(), sums, check_exact=False
        )
    everything = costs.iloc[-1]
    assert (everything.source, everything.band) == ("all", "all")
    assert everything.cost_per_lead == pytest.approx(cells.cost.sum() / found.leads)
    assert everything.cost_per_conversion == pytest.approx(cells.cost.sum() / found.conversions)


def test_a_cost_is_never_learned_from(tmp_path: Path) -> None:
    made = dataset(1500, 1, 0.25, -5.0)
    made.leads.to_csv(tmp_path / "leads.csv", index=False)
    made.outcomes.to_csv(tmp_path / "outcomes.csv", index=False)
    read = read_dataset(tmp_path)
    assert read.settings.attributes["acquisition_cost"].group == Group.COST
    assert any("never learned from" in sentence for sentence in read.inferred)
    declared = load_training_data(read).settings.attributes
    assert declared["acquisition_cost"].available == Available.AFTER_OUTCOME
    assert declared["source"].available == Available.AT_CREATION


class Tags(HTMLParser):
    """Collects what a browser would load and whether tags are closed."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: list[str] = []
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.loads += [v or "" for k, v in attrs if k in ("src", "href", "xlink:href", "data")]
        if tag not in ("meta", "br", "img", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def test_the_report_is_one_file_that_loads_nothing(few_conversions: ComparisonResult) -> None:
    text = report_html(few_conversions.comparison)
    parser = Tags()
    parser.feed(text)
    assert parser.loads == []
    assert parser.open == []
    assert "url(" not in text
    assert "@import" not in text
    assert "<script" not in text
    assert "agreed &lt;leads&gt;" in text
    assert few_conversions.comparison.verdict.headline in text
    assert text.count("<svg") >= 10
    assert not re.search(r"\bnan\b", text)


def test_the_report_is_in_french_for_a_french_reader(few_conversions: ComparisonResult) -> None:
    with use(language("fr")):
        text = report_html(few_conversions.comparison)
    names = ("agreed <leads>", "partner", "web")
    assert not english_left(visible(text), names)
    assert '<html lang="fr">' in text
    assert "Tous les scores sur les mêmes leads" in text
    assert few_conversions.comparison.verdict.headline in report_html(few_conversions.comparison)


def test_compare_from_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = partial(TrainingConfig, time_budget_s=0.0, jobs=1)
    monkeypatch.setattr("training.config.TrainingConfig", quick)
    folder = tmp_path / "leads"
    folder.mkdir()
    made = dataset(700, 3, 0.0, -2.0)
    made.leads.to_parquet(folder / "leads.parquet")
    made.outcomes.to_parquet(folder / "outcomes.parquet")
    (folder / "dataset.toml").write_text(
        'name = "small"\nobserved_until = 2025-04-01T00:00:00Z\nreference_ages_days = [10]\n'
    )
    page, points = tmp_path / "out" / "report.html", tmp_path / "out" / "points.toml"
    code = cli.run(
        ["compare", str(folder), "--out", str(page), "--reweighted", str(points), "--json"]
    )
    told = capsys.readouterr()
    assert code == 0, told.err
    answer = json.loads(told.out)
    assert answer["verdict"]["finding"] == "cannot tell"
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert points.read_text(encoding="utf-8").startswith("# The same rules")
    assert cli.run(["compare", str(folder), "--value-per-conversion", "5"]) == 2
    assert "go together" in capsys.readouterr().err
