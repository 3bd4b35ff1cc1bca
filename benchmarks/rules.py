"""Rules against learned features: 100,000 leads, 5 million interactions, the same engine.

Times, on histories in memory: the default scorecard (count, points, caps, shares, bands), the
features that a model would choose, and one lead from lists to points. Writes
``benchmarks/results/rules.{json,md}``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

import numpy as np

from features.compute.array_types import Float64, Object
from features.contract import AttributeType, Group
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.histories.arrays import Answers, Histories, Interactions, References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from features.vectors.compute import compute_vectors
from scoring.scorecard.scorecard import Scorecard, default_scorecard
from training.feature_selection.choose import choose_spec

RESULTS = Path(__file__).parent / "results"
DAY_US = 86_400_000_000
SPAN_DAYS = 180
MOST_RATIO = 1.5


def made_up(n_leads: int, n_interactions: int, card: Scorecard) -> tuple[Histories, References]:
    """Leads with interactions of every kind that the card knows, one question each."""
    rng = np.random.default_rng(0)
    named = {kind for rule in card.card.rules for kind in rule.interaction}
    kinds = tuple(sorted({"contact_attempt", "unsubscribe", *named} - {"outbound", "inbound"}))
    lead = np.sort(rng.integers(0, n_leads, n_interactions))
    at = rng.integers(0, SPAN_DAYS * DAY_US, n_interactions)
    at = at[np.lexsort((at, lead))]
    kind = rng.integers(0, len(kinds) - 1, n_interactions).astype(np.int32)
    offsets = np.searchsorted(lead, np.arange(n_leads + 1)).astype(np.int64)
    rows = Interactions(
        offsets, at, kind, np.full(len(at), np.nan), rng.exponential(60, len(at)), kinds
    )
    none = np.zeros(0, np.int32)
    answers = Answers(np.zeros(n_leads + 1, np.int64), none, none.astype(np.int64), none, (), ())
    attributes: dict[str, Float64 | Object] = {
        "budget": rng.choice(np.array(["none", "planned", "approved", None]), n_leads),
        "authority": rng.choice(np.array(["user", "decision_maker", None]), n_leads),
        "employees": rng.lognormal(3, 1, n_leads),
    }
    ids = np.array([f"L{i}" for i in range(n_leads)], dtype=object)
    histories = Histories(ids, np.zeros(n_leads, np.int64), attributes, rows, answers)
    moments = np.full(n_leads, SPAN_DAYS * DAY_US, np.int64)
    return histories, References(np.arange(n_leads, dtype=np.int64), moments)


SETTINGS = DatasetSettings(
    name="made up",
    attributes={
        "budget": AttributeSettings(type=AttributeType.CATEGORY, group=Group.BUDGET),
        "authority": AttributeSettings(type=AttributeType.CATEGORY, group=Group.AUTHORITY),
        "employees": AttributeSettings(type=AttributeType.NUMBER, group=Group.FIT),
    },
)


def seconds(work, runs: int) -> float:
    """Median seconds of ``runs`` calls, after one to warm up."""
    work()
    spent = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent)


def one_lead(card: Scorecard) -> float:
    """Median microseconds from lists of 50 interactions to points."""
    kinds = ["page_view", "email_open", "offer_view", "meeting", "contact_attempt"] * 10
    rows = RecordColumns(kinds, [(i + 1) * DAY_US for i in range(50)])
    lead = LeadRecord("L", 0, {"budget": "approved"}, rows)
    asked = References(np.zeros(1, np.int64), np.array([60 * DAY_US]))
    return 1e6 * seconds(lambda: card.points(histories_from_records([lead]), asked), 500)


def main() -> None:
    """Print the table and keep it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=5_000_000)
    parser.add_argument("--runs", type=int, default=5)
    asked = parser.parse_args()
    card = default_scorecard()
    histories, references = made_up(asked.leads, asked.interactions, card)
    spec = choose_spec(
        SETTINGS, histories, References(references.lead[:5000], references.as_of_us[:5000])
    )
    rules = seconds(lambda: card.points(histories, references), asked.runs)
    learned = seconds(lambda: compute_vectors(spec, histories, references), asked.runs)
    figures = {
        "leads": asked.leads,
        "interactions": asked.interactions,
        "rules": len(card.card.rules),
        "rule_features": len(card.spec),
        "learned_features": len(spec),
        "rules_seconds": round(rules, 3),
        "learned_seconds": round(learned, 3),
        "ratio": round(rules / learned, 2),
        "one_lead_us": round(one_lead(card), 1),
    }
    text = (
        "| | features | seconds |\n|---|---|---|\n"
        f"| {figures['rules']} rules: points, shares, bands | {len(card.spec)} | {rules:.2f} |\n"
        f"| features a model would choose | {len(spec)} | {learned:.2f} |\n\n"
        f"{asked.leads:,} leads, {asked.interactions:,} interactions; rules take "
        f"{figures['ratio']} times as long. One lead of 50 interactions, from lists to points: "
        f"{figures['one_lead_us']} µs.\n"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "rules.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "rules.md").write_text(text, encoding="utf-8")
    print(text)
    if rules > MOST_RATIO * learned:
        raise SystemExit(f"rules take more than {MOST_RATIO} times as long as learned features")


if __name__ == "__main__":
    main()
