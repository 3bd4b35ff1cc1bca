"""Languages, queries and problems: what an endpoint sees and says."""

from __future__ import annotations

import msgspec
import pytest

from serving.http.request import Request, allowed_params, decode, language_of
from serving.messages.scores import ScoreRequest
from serving.problems import Problem, problem_from

decoder = msgspec.json.Decoder(ScoreRequest)


@pytest.mark.parametrize(
    ("accept", "language"),
    [
        (b"", "en"), (b"fr", "fr"), (b"fr-CA,en;q=0.9", "fr"), (b"en,fr;q=0.9", "en"),
        (b"de, fr;q=0.3", "fr"), (b"fr;q=0, en;q=0.1", "en"), (b"*", "en"), (b"\xff;;,", "en"),
        (b"FR", "fr"),
    ],
)  # fmt: skip
def test_language(accept: bytes, language: str) -> None:
    assert language_of(accept) == language


def call(query: bytes) -> Request:
    return Request({}, b"", query, {}, "id")


def test_query_refuses_repeats_and_unknown_names() -> None:
    assert call(b"reasons=3").query == {"reasons": "3"}
    with pytest.raises(Problem, match="twice"):
        _ = call(b"a=1&a=2").query
    with pytest.raises(Problem) as refused:
        allowed_params({"secret": "x"}, "reasons")
    assert refused.value.status == 422
    assert "secret" not in str(refused.value.body(""))
    assert "x" not in refused.value.errors[0].at


SECRET = "s3cr3t-Person"


@pytest.mark.parametrize(
    ("body", "status", "at"),
    [
        ('{"lead_id": 5}', 422, "$.lead_id"),
        (f'{{"lead_id": "{SECRET}", "{SECRET}": 1}}', 422, "$"),
        (f'{{"lead_id": "a", "created_at": "{SECRET}"}}', 422, "$.created_at"),
        (f'{{"lead_id": "a", "attributes": {{"{SECRET}": []}}}}', 422, "$.attributes[...]"),
        (f'{{"lead_id": "{SECRET}', 400, None),
        (f'{{"lead_id": "a", "interactions": [{{"kind": "{SECRET}"}}]}}', 422, "$.interactions[0]"),
        ('{"lead_id": "%s"}' % (SECRET * 50), 422, "$.lead_id"),
    ],
)  # fmt: skip
def test_problems_name_the_place_and_never_the_value(
    body: str, status: int, at: str | None
) -> None:
    with pytest.raises(Problem) as refused:
        decode(decoder, body.encode(), 12)
    problem = refused.value
    assert problem.status == status
    assert [error.at for error in problem.errors] == ([] if at is None else [at])
    assert SECRET not in msgspec.json.encode(problem.body("id")).decode()


def test_a_bug_is_no_problem_of_the_caller() -> None:
    assert problem_from(ZeroDivisionError("x")) is None
