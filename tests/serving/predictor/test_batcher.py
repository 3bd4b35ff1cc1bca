"""Leads that are answered together get what each would get alone, bit for bit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from serving.http.access import AccessControl
from serving.http.gateway import GatewayMiddleware
from serving.http.request import encode
from serving.http.router import Router
from serving.messages.scores import ScoreRequest
from serving.predictor.active_release import MOMENT, prepare
from serving.predictor.batcher import MicroBatcher, predict_each
from serving.predictor.predictor import (
    Prediction,
    Predictor,
    predict,
    predict_one,
    query_of_request,
)
from serving.predictor.query import QueryContext, ScoreQuery
from serving.problems import Problem
from serving.settings import Settings
from serving.telemetry.metrics import Metrics
from serving.telemetry.tracing import NoTraces
from serving.timestamps import Clock

ASKING = QueryContext(Clock(MOMENT, MOMENT), "fr", 5)

moments = st.integers(0, 6 * 24 * 60).map(lambda m: f"2020-01-{2 + m // 1440:02d}T0{m % 10}:00:00Z")
amounts = st.none() | st.floats(0, 1e6)
acts = st.fixed_dictionaries(
    {
        "kind": st.sampled_from(["page_view", "inbound_call", "email_open", "unheard_of"]),
        "occurred_at": moments,
        "value": amounts,
        "duration_s": amounts,
        "event_id": st.none() | st.sampled_from("abc"),
    }
)
answers = st.one_of(
    st.fixed_dictionaries(
        {"attribute": st.just(name), "answered_at": moments, "value": st.none() | values}
    )
    for name, values in (
        ("budget", st.sampled_from(["none", "planned", "a lot"])),
        ("employees", st.floats(0, 1e4)),
        ("unheard_of", st.booleans()),
    )
)
attributes = st.fixed_dictionaries(
    {},
    optional={
        "employees": st.none() | st.floats(0, 1e4) | st.just("12"),
        "sector": st.none() | st.sampled_from(["software", "retail", "mining"]) | st.booleans(),
        "decision_maker": st.none() | st.booleans() | st.just("yes"),
        "unheard_of": st.none() | st.floats(0, 1) | st.booleans() | st.text(max_size=3),
    },
)
leads = st.fixed_dictionaries(
    {
        "lead_id": st.sampled_from(["a", "b", "c"]),
        "created_at": st.just("2020-01-01T00:00:00Z"),
        "as_of": moments,
        "attributes": attributes,
        "answers": st.lists(answers, max_size=5),
        "interactions": st.lists(acts, max_size=8),
    }
)


@pytest.fixture(scope="module")
def answering(release_dir: Path) -> Predictor:
    return prepare(release_dir, "", Settings())


def told_of(told: Prediction) -> tuple[Any, ...]:
    said = msgspec.structs.replace(told.answer, score_id="")
    return encode(said), told.vector.tobytes(), told.shares.tobytes()


@settings(deadline=None, max_examples=150)
@given(st.lists(leads, min_size=2, max_size=6))
def test_together_as_alone(answering: Predictor, sent: list[dict[str, Any]]) -> None:
    asked = [
        query_of_request(answering, msgspec.convert(one, ScoreRequest), ASKING) for one in sent
    ]
    together = [told_of(told) for told in predict(answering, asked)]
    assert together == [told_of(predict_one(answering, one)) for one in asked]


def some(answering: Predictor, number: int) -> list[ScoreQuery]:
    made = []
    for i in range(number):
        acts = [{"kind": "page_view", "occurred_at": "2020-01-02T00:00:00Z"}] * (i % 5)
        sent = {"lead_id": str(i), "created_at": "2020-01-01T00:00:00Z", "interactions": acts}
        made.append(query_of_request(answering, msgspec.convert(sent, ScoreRequest), ASKING))
    return made


def test_who_asks_together_gets_the_own_answer(answering: Predictor, release_dir: Path) -> None:
    other = prepare(release_dir, "another", Settings())

    async def ask() -> None:
        batcher = MicroBatcher()
        asked = some(answering, 50)
        by = [answering if i % 3 else other for i in range(50)]
        told = await asyncio.gather(*map(batcher.submit, by, asked))
        assert [one.answer.lead_id for one in told] == [str(i) for i in range(50)]
        assert [one.answer.model.version for one in told] == [one.version for one in by]

    asyncio.run(ask())


def test_one_that_cannot_be_scored_spoils_no_other(answering: Predictor) -> None:
    good, bad = some(answering, 1)[0], some(answering, 1)[0]
    early = ScoreQuery(bad.lead, bad.as_of, bad.lead.created_at_us - 1, "en", 3)
    told = predict_each(answering, [good, early, good])
    assert [isinstance(one, Prediction) for one in told] == [True, False, True]
    assert "before its lead was created" in str(told[1])
    assert np.isfinite(told[0].answer.probability)  # type: ignore[union-attr]

    async def ask() -> None:
        batcher = MicroBatcher()
        outcomes = await asyncio.gather(
            *(batcher.submit(answering, one) for one in (good, early)), return_exceptions=True
        )
        assert isinstance(outcomes[0], Prediction)
        assert isinstance(outcomes[1], Exception)

    asyncio.run(ask())


def test_nothing_asked_nothing_told(answering: Predictor) -> None:
    assert predict_each(answering, []) == []


def test_who_waits_at_the_desk_counts_as_waiting(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, max_waiting=3)

    async def turn(at_the_desk: int) -> None:
        front = GatewayMiddleware(
            None, settings=settings, metrics=Metrics(), router=Router([]),
            access=AccessControl(settings), traces=NoTraces,
            batch_waiting=lambda: at_the_desk,
        )  # fmt: skip
        front._refuse_if_too_many_wait()

    asyncio.run(turn(2))
    with pytest.raises(Problem) as refused:
        asyncio.run(turn(3))
    assert refused.value.status == 503
    assert refused.value.headers["Retry-After"] == "1"
