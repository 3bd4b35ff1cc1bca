"""A store with a few leads to look at: a hand-made release, histories that end now, past scores."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from timing_curves import flat_curves

from features.contract import AttributeType, Group
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.bands import BandThresholds
from scoring.intervals import IntervalTable
from scoring.model.linear import LinearComponent
from scoring.model.model import Model
from scoring.release.release import Release, ReleaseContents, write_release
from scoring.release.store import ChampionPointer, ReleaseStore, StoredRelease
from scoring.scorecard.scorecard import default_scorecard

FORMULA = '=HYPERLINK("http://evil.example","x")'
SCRIPT = "<script>alert(1)</script>"

COLUMNS: list[tuple[Feature, float]] = [
    (Feature("interactions", "page_view", "count", window_days=7.0), 0.35),
    (Feature("interactions", "page_view", "count"), 0.15),
    (Feature("interactions", "offer_view", "count", window_days=30.0), 0.8),
    (Feature("interactions", "webinar", "count"), 0.6),
    (Feature("interactions", "inbound_call", "count", window_days=30.0), 1.6),
    (Feature("interactions", "outbound", "count", window_days=30.0), -0.5),
    (Feature("interactions", "any", "days_since_last"), -0.4),
    (Feature("attribute", "employees", "value"), 0.08),
    (Feature("attribute", "sector", "level", level="software"), 0.6),
    (Feature("attribute", "budget", "ordinal"), 0.9),
    (Feature("attribute", "authority", "level", level="decision_maker"), 0.8),
    (Feature("attribute", "need", "ordinal"), 0.7),
    (Feature("attribute", "timeline", "level", level="this_quarter"), 0.7),
]
ATTRIBUTES = (
    AttributeSpec("employees", AttributeType.NUMBER, Group.FIT, median=50.0),
    AttributeSpec("sector", AttributeType.CATEGORY, Group.FIT, levels=("retail", "software")),
    AttributeSpec(
        "budget", AttributeType.CATEGORY, Group.BUDGET, ("none", "planned", "approved"), True
    ),
    AttributeSpec("authority", AttributeType.CATEGORY, Group.AUTHORITY, ("user", "decision_maker")),
    AttributeSpec("need", AttributeType.CATEGORY, Group.NEED, ("none", "clear", "urgent"), True),
    AttributeSpec(
        "timeline", AttributeType.CATEGORY, Group.TIMELINE, ("next_year", "this_quarter")
    ),
)
QUANTILES = [i / 10 for i in range(11)]
SCORES = [0.01, 0.02, 0.03, 0.04, 0.06, 0.08, 0.11, 0.16, 0.25, 0.4, 0.95]
"""Deciles of the scores in a training that never was."""

DATA = {
    "fingerprint": "ab" * 32, "observed_until": "2026-10-31T00:00:00Z", "references": 2100,
    "kinds": ["page_view", "offer_view", "webinar", "inbound_call", "contact_attempt",
              "newsletter_signup", "unsubscribe", "email_open"],
}  # fmt: skip


def page_release(folder: Path, intercept: float = -3.2) -> Release:
    """Another ``intercept`` is another release, tested on the same data."""
    n = len(COLUMNS)
    part = LinearComponent(
        transform=("log1p",) * n,
        fill=np.zeros(n),
        center=np.zeros(n),
        scale=np.ones(n),
        coef=np.array([weight for _, weight in COLUMNS]),
        missing_coef=np.zeros(n),
        intercept=intercept,
    )
    low = np.linspace(0.0, 0.85, 10)
    spec = FeatureSpec(tuple(feature for feature, _ in COLUMNS), ATTRIBUTES)
    return write_release(
        folder,
        ReleaseContents(
            name="pages",
            spec=spec,
            model=Model((part,), (1.0,), 1.0, 0.0, n),
            intervals=IntervalTable(np.linspace(-4, 4, 9), low, np.minimum(low + 0.15, 1.0)),
            thresholds=BandThresholds(0.12, 0.45),
            horizon_days=30.0,
            timing=flat_curves(np.linspace(-0.3, 0.3, 41)),
            scorecard=default_scorecard(),
            data=DATA,
            statistics={
                "quantiles": QUANTILES,
                "scores": {"deciles": SCORES, "upto": QUANTILES, "unknown": 0.0},
            },
            metrics={
                "log_loss": {"value": 0.31 + intercept / 100, "low": 0.28, "high": 0.34},
                "auc": {"value": 0.78, "low": 0.74, "high": 0.82},
                "verdict": "better than the base rate",
                "test": {"references": 700, "optimistic": False},
            },
            documents={"card.md": b"# pages\n\nA release made by hand.\n"},
        ),
    )


def page_home(folder: Path) -> Path:
    """A home with two releases, the first the champion and the second the one before it."""
    home = folder / "home"
    store = ReleaseStore(home)
    paths = []
    for i, intercept in enumerate((-3.2, -3.4)):
        page_release(folder / f"release-{i}", intercept)
        paths.append(store.add(folder / f"release-{i}"))
    champion, before = (StoredRelease(p.name, str(2 - i), str(p)) for i, p in enumerate(paths))
    store.set_champion(
        ChampionPointer(champion.release_id, champion.version, champion.path, before, serial=1)
    )
    for one in (champion, before):
        store.record_version("test", one.version, one.release_id)
    return home


def leads() -> list[dict[str, Any]]:
    """Leads of every kind that a page has to deal with; ``acts``: (kind, days ago)."""

    def of(lead_id: str, age: int, acts: list[tuple[str, float]], **known: Any) -> dict[str, Any]:
        return {"lead_id": lead_id, "age": age, "acts": acts, "attributes": known}

    called = [("contact_attempt", d) for d in (2, 5, 8, 11, 14, 17, 20)]
    looks = [("page_view", d / 3) for d in range(1, 20)]
    return [
        of("L-hot", 40, [*looks, ("inbound_call", 1), ("offer_view", 1.5), ("offer_view", 3),
                         ("offer_view", 4), ("webinar", 12)],
           name="Ada Byron", company="Analytical Engines", source="webinar", owner="Nina",
           sector="software", employees=80, budget="approved", cost=120),
        of("L-warm", 30, [("webinar", 9), *looks[:8]], name="Grace Hopper", company="Cobol & Co",
           source="newsletter", owner="Omar", sector="software", employees=35, cost=40),
        of("L-warm-2", 25, [("offer_view", 6), ("page_view", 7)], name="Alan Turing",
           company="Bletchley", source="search", owner="Nina", sector="retail", employees=12,
           budget="planned", cost=15),
        of("L-cold", 60, [("page_view", 30), ("page_view", 31), ("page_view", 50)],
           name="Blaise Pascal", source="search", owner="Omar", sector="retail", employees=5),
        of("L-thin", 3, [], source="import", owner="Omar"),
        of("L-out", 50, [*looks[:4], ("offer_view", 3), ("unsubscribe", 2)], name="Gone Away",
           source="newsletter", owner="Nina", sector="software"),
        of("L-called", 45, [*called, ("page_view", 3)], name="Rung Often", source="search",
           owner="Omar", sector="software"),
        of("L-won", 80, [*looks, ("inbound_call", 30)], name="Won Already", source="webinar",
           owner="Nina", sector="software", budget="approved", outcome="converted", cost=90),
        of("L-lost", 70, [("page_view", 40)], name="Lost Lately", source="search", owner="Omar",
           sector="retail", outcome="lost", cost=20),
        of("L-script", 20, [("page_view", 2), ("offer_view", 2)], name=SCRIPT, company=SCRIPT,
           source=SCRIPT, owner="Nina"),
        of("b?c&d=é", 15, [("page_view", 1)], name=FORMULA, source="search", owner="Omar"),
    ]  # fmt: skip


def fill(client: httpx.Client, now: datetime | None = None) -> None:
    """Store the leads, score each weekly and now, and wait until the list holds all of them."""
    now = now or datetime.now(UTC)

    def ago(days: float) -> str:
        return (now - timedelta(days=days)).isoformat()

    for lead in leads():
        known = dict(lead["attributes"])
        outcome, path = known.pop("outcome", None), httpx.QueryParams({"x": lead["lead_id"]})
        quoted = str(path)[2:].replace("+", "%20")
        body = {"created_at": ago(lead["age"]), "attributes": known}
        answer = client.put(f"/v1/leads/{quoted}", json=body)
        assert answer.status_code == 201, answer.text
        acts = [
            {"lead_id": lead["lead_id"], "kind": kind, "occurred_at": ago(days),
             "event_id": f"{lead['lead_id']}-{i}"}
            for i, (kind, days) in enumerate(lead["acts"])
        ]  # fmt: skip
        if acts:
            assert client.post("/v1/interactions", json={"interactions": acts}).status_code == 200
        for days in (35, 21, 14, 7, 3, 0):
            if days < lead["age"]:
                query = {} if days == 0 else {"as_of": ago(days)}
                answer = client.get(f"/v1/leads/{quoted}/score", params={**query, "reasons": 6})
                assert answer.status_code == 200, answer.text
        if outcome:
            row = {"lead_id": lead["lead_id"], "outcome": outcome, "occurred_at": ago(1)}
            assert client.post("/v1/outcomes", json={"outcomes": [row]}).status_code == 200
    deadline = time.monotonic() + 60
    while len(client.get("/v1/leads?limit=200&status=all").json()["leads"]) < len(leads()):
        assert time.monotonic() < deadline, "the scores did not arrive in the store"
        time.sleep(0.05)
