"""A small release made by hand, the service on it, and requests that fit it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from live_service import served

from features.contract import AttributeType, Group
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.bands import BandThresholds
from scoring.intervals import IntervalTable
from scoring.model.linear import LinearComponent
from scoring.model.model import Model
from scoring.release.release import Release, ReleaseContents, write_release
from scoring.scorecard.scorecard import default_scorecard
from serving.settings import Settings


def spec() -> FeatureSpec:
    counted = [
        Feature("interactions", topic, "count", window_days=days)
        for topic in ("page_view", "inbound_call", "any", "outbound")
        for days in (1.0, 7.0, 30.0, None)
    ]
    other = [
        Feature("interactions", "any", "days_since_last"),
        Feature("interactions", "any", "decayed", half_life_days=7.0),
        Feature("interactions", "inbound", "active_days", window_days=30.0),
        Feature("attribute", "employees", "value"),
        Feature("attribute", "sector", "level", level="software"),
        Feature("attribute", "sector", "other_level"),
        Feature("attribute", "budget", "ordinal"),
        Feature("attribute", "decision_maker", "value"),
        Feature("attribute", "lead", "age_days"),
    ]
    attributes = (
        AttributeSpec("employees", AttributeType.NUMBER, Group.FIT, median=50.0),
        AttributeSpec("sector", AttributeType.CATEGORY, Group.FIT, levels=("retail", "software")),
        AttributeSpec(
            "budget", AttributeType.CATEGORY, Group.BUDGET, ("none", "planned", "approved"), True
        ),
        AttributeSpec("decision_maker", AttributeType.BOOLEAN, Group.AUTHORITY),
    )
    return FeatureSpec((*counted, *other), attributes)


def model(n: int, seed: int) -> Model:
    rng = np.random.default_rng(seed)
    part = LinearComponent(
        transform=("log1p",) * n,
        fill=np.zeros(n),
        center=rng.normal(0.5, 0.1, n),
        scale=np.ones(n),
        coef=rng.normal(0.1, 0.2, n),
        missing_coef=rng.normal(0, 0.1, n),
        intercept=-1.5,
    )
    return Model((part,), (1.0,), 1.0, 0.0, n)


def make_release(folder: Path, seed: int = 1, name: str = "hand_made") -> Release:
    declared = spec()
    at = np.linspace(-4, 4, 9)
    low = np.linspace(0.0, 0.9, 10)
    return write_release(
        folder,
        ReleaseContents(
            name=name,
            spec=declared,
            model=model(len(declared), seed),
            intervals=IntervalTable(at, low, np.minimum(low + 0.1, 1.0)),
            thresholds=BandThresholds(0.2, 0.5),
            horizon_days=30.0,
            scorecard=default_scorecard(),
            metrics={"log_loss": 0.5},
        ),
    )


@pytest.fixture(scope="session")
def release_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("releases") / "one"
    make_release(folder)
    return folder


@pytest.fixture(scope="session")
def client(release_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    home = tmp_path_factory.mktemp("home")
    with served(Settings(release=release_dir, home=home)) as running:
        yield running


@pytest.fixture(scope="session")
def make() -> Callable[..., Release]:
    """Writes a small release to a folder; another seed makes another model."""
    return make_release


@pytest.fixture(scope="session")
def running() -> Callable[[Settings], Any]:
    """Starts the service with any settings, as a context manager."""
    return served


@pytest.fixture
def lead() -> dict[str, Any]:
    return a_lead()


def a_lead(n_interactions: int = 5, **changes: Any) -> dict[str, Any]:
    return {
        "lead_id": "L-1",
        "created_at": "2026-03-01T09:00:00Z",
        "as_of": "2026-03-20T08:00:00Z",
        "attributes": {"employees": 120, "sector": "software"},
        "answers": [
            {"attribute": "budget", "answered_at": "2026-03-10T14:00:00Z", "value": "approved"}
        ],
        "interactions": [
            {
                "kind": "page_view",
                "occurred_at": f"2026-03-{1 + i % 19:02d}T10:{i % 60:02d}:00Z",
                "event_id": f"e-{i}",
                "duration_s": 30,
            }
            for i in range(n_interactions)
        ],
        **changes,
    }


@pytest.fixture
def post(client: httpx.Client) -> Callable[..., Any]:
    def send(body: Any, path: str = "/v1/scores", **headers: str) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        given = {"content-type": "application/json", **headers}
        return client.post(path, content=raw, headers=given)

    return send
