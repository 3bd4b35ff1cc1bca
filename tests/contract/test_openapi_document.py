"""The OpenAPI document: every route in it, and every example in it true."""

from __future__ import annotations

from typing import Any

import msgspec

from serving.api.examples import BATCH_ANSWER, PROBLEM, SCORE_ANSWER, SCORE_REQUEST
from serving.app import create_app
from serving.messages.scores import BatchAnswer, ScoreAnswer, ScoreRequest
from serving.problems import ProblemBody
from serving.settings import Settings


def document() -> dict[str, Any]:
    return create_app(Settings()).openapi()


def test_examples_are_messages() -> None:
    for example, kind in [
        (SCORE_REQUEST, ScoreRequest),
        (SCORE_ANSWER, ScoreAnswer),
        (BATCH_ANSWER, BatchAnswer),
        (PROBLEM, ProblemBody),
    ]:
        assert msgspec.convert(example, kind) is not None


def test_the_example_answer_adds_up() -> None:
    reasons = sum(reason["contribution"] for reason in SCORE_ANSWER["reasons"])
    total = SCORE_ANSWER["base"] + reasons + SCORE_ANSWER["other_reasons"]
    assert abs(total - SCORE_ANSWER["log_odds"]) < 1e-12


def test_every_route_is_documented_with_its_problems() -> None:
    paths = document()["paths"]
    app = create_app(Settings())
    served = {
        (path, method.lower())
        for path, methods in app.state.services.served.items()
        for method in methods
    }
    assert served == {(path, method) for path, said in paths.items() for method in said}
    for said in paths.values():
        for operation in said.values():
            assert operation["summary"]
            assert operation["description"]
            assert "500" in operation["responses"]


def test_every_reference_points_somewhere() -> None:
    said = document()
    text = msgspec.json.encode(said).decode()
    for name in {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}:
        assert name in said["components"]["schemas"], name
