"""Idempotency keys: what is kept, for whom, and how much of it."""

from __future__ import annotations

import pytest

from serving.http import idempotency
from serving.http.idempotency import IdempotentResponses, id_of_key
from serving.http.request import Response
from serving.problems import Problem

WHO = ("crm", "POST", "/v1/scores", "key")


def test_the_answer_is_given_again_to_the_same_caller_alone() -> None:
    kept = IdempotentResponses()
    assert kept.begin(WHO, b"body") is None
    with pytest.raises(Problem) as meanwhile:
        kept.begin(WHO, b"body")
    assert meanwhile.value.status == 409
    kept.end(WHO, Response(b"said"))
    again = kept.begin(WHO, b"body")
    assert again is not None
    assert (again.body, again.headers) == (b"said", {"Idempotency-Replayed": "true"})
    with pytest.raises(Problem) as other:
        kept.begin(WHO, b"other")
    assert other.value.status == 422
    assert kept.begin(("web", *WHO[1:]), b"body") is None


def test_what_failed_may_be_tried_again() -> None:
    kept = IdempotentResponses()
    kept.begin(WHO, b"body")
    kept.end(WHO, None)
    assert kept.begin(WHO, b"body") is None


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idempotency, "MAX_KEPT", 10)
    monkeypatch.setattr(idempotency, "MAX_KEPT_BYTES", 50)
    kept = IdempotentResponses()
    for i in range(40):
        who = (*WHO, str(i))
        assert kept.begin(who, b"") is None
        if i != 3:  # one that is never answered goes on blocking its own key alone
            kept.end(who, Response(b"12345"))
    assert kept.begin((*WHO, "0"), b"") is None
    assert kept.begin((*WHO, "39"), b"") is not None


def test_ids_of_keys_differ_by_caller() -> None:
    assert id_of_key("crm", "a") == id_of_key("crm", "a")
    assert len({id_of_key("crm", "a"), id_of_key("web", "a"), id_of_key("crm", "b")}) == 3
