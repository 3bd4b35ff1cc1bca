"""Numbers that no history can hold are refused; values beyond what was learned are held to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from small_release import small_release

from features.errors import DataError
from features.histories.from_records import LeadRecord, RecordColumns
from features.vectors.spec import Feature
from scoring.model.learned_range import learned_range
from serving.predictor.predictor import Predictor, predict_one
from serving.predictor.query import ScoreQuery
from serving.settings import Settings
from serving.timestamps import microseconds

AT = "2026-03-05T00:00:00Z"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def client(home: Path, running: Callable[[Settings], Any]) -> Iterator[httpx.Client]:
    bounds = learned_range(np.array([[0.0, 0.0, 10.0, 0.0], [2.0, 3.0, 200.0, 1.0]]))
    small_release(home / "release", change=lambda model: replace(model, learned_range=bounds))
    with running(Settings(release=home / "release", home=home)) as client:
        yield client


@pytest.mark.parametrize("value", [9e307, -9e307, 1.1e15])
def test_amounts_have_bounds(client: httpx.Client, value: float) -> None:
    act = {"kind": "page_view", "occurred_at": AT, "value": value}
    body = {"lead_id": "a", "created_at": "2026-03-01T00:00:00Z"}
    sent = [
        ("/v1/scores", {**body, "interactions": [act]}),
        ("/v1/scores", {**body, "interactions": [{**act, "value": 1, "duration_s": abs(value)}]}),
        ("/v1/scores", {**body, "attributes": {"employees": value}}),
        ("/v1/interactions", {"interactions": [{**act, "lead_id": "a"}]}),
    ]
    for path, message in sent:
        answer = client.post(path, json=message)
        assert answer.status_code == 422, path
        assert "e+" not in answer.text


def test_a_history_that_no_number_holds_is_a_problem_and_no_failure(tmp_path: Path) -> None:
    """Two values of 9e307 gave 500 for good; they may lie in a store from before."""
    total = Feature("interactions", "page_view", "value_total")
    moment = datetime(2026, 3, 6, tzinfo=UTC)
    at_us = microseconds(moment)
    acts = RecordColumns(
        kinds=["page_view"] * 2, at_us=[at_us - 2, at_us - 1], values=[9e307] * 2,
        durations_s=[None] * 2, event_ids=[0, 1],
    )  # fmt: skip
    asked = ScoreQuery(LeadRecord("a", at_us - 10, {}, acts), moment, at_us, "en", 3)
    before = small_release(tmp_path / "before", extra=(total,))
    with pytest.raises(DataError):
        predict_one(Predictor(before, "1"), asked)
    bounds = learned_range(np.array([[0.0] * 5, [9.0] * 5]))
    now = small_release(
        tmp_path / "now", extra=(total,), change=lambda model: replace(model, learned_range=bounds)
    )
    assert 0 < predict_one(Predictor(now, "1"), asked).answer.probability < 1


def test_what_is_beyond_what_was_learned_is_held_to_it_and_said(client: httpx.Client) -> None:
    def scored(views: int, employees: float) -> Any:
        acts = [{"kind": "page_view", "occurred_at": f"2026-03-05T00:00:{i:02d}Z"}
                for i in range(views)]  # fmt: skip
        body = {"lead_id": "a", "created_at": "2026-03-01T00:00:00Z", "interactions": acts,
                "as_of": "2026-03-06T00:00:00Z",
                "attributes": {"employees": employees, "sector": "retail"}}  # fmt: skip
        return client.post("/v1/scores?reasons=50", json=body).json()

    usual, beyond = scored(2, 200), scored(2, 90_000)
    assert usual["notes"] == []
    assert beyond["probability"] == usual["probability"]
    assert beyond["low_evidence"] is True
    assert beyond["notes"] == ["beyond what was learned from, and held to it: employees"]
    shown = {reason["feature"]: reason["value"] for reason in beyond["reasons"]}
    assert shown["employees"] == 90_000, "the reason shows what is known"
    both = scored(50, 90_000)
    assert both["notes"] == [
        "beyond what was learned from, and held to it: page_view.count_7d, any.count_all, employees"
    ]


def test_an_attribute_in_other_letters_is_refused_with_its_spelling(client: httpx.Client) -> None:
    """``Sector`` was passed over without a word where the model knows ``sector``."""
    body = {"lead_id": "a", "created_at": "2026-03-01T00:00:00Z"}
    answer = {"attribute": "EMPLOYEES", "answered_at": AT, "value": 3}
    for message, at in (
        ({**body, "attributes": {"Sector": "retail"}}, "$.attributes"),
        ({**body, "attributes": {"sector": "retail", "SECTOR": "x"}}, "$.attributes"),
        ({**body, "answers": [answer]}, "$.answers[0].attribute"),
    ):
        said = client.post("/v1/scores", json=message)
        assert said.status_code == 422
        assert said.json()["errors"][0]["at"] == at
        assert "written" in said.json()["errors"][0]["message"]
