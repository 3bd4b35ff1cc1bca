"""A request chooses its language; numbers, keys and other requests keep theirs."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

FRENCH = {"accept-language": "fr-FR,fr;q=0.9,en;q=0.5"}
LEAD: dict[str, Any] = {
    "lead_id": "L-7",
    "created_at": "2026-03-02T09:00:00Z",
    "as_of": "2026-03-20T08:00:00Z",
    "attributes": {"budget": "approved", "sector": "beekeeping"},
    "interactions": [{"kind": "inbound_call", "occurred_at": "2026-03-19T10:00:00Z"}],
}


def texts(answer: dict[str, Any]) -> list[str]:
    reasons = [*answer["reasons"], *answer["rules"]["reasons"]]
    step = answer["next_step"]
    return [*(r["text"] for r in reasons), *answer["notes"], step["message"], step["rhythm"]]


def numbers(answer: dict[str, Any]) -> list[Any]:
    reasons = [(r["feature"], r["contribution"], r["value"]) for r in answer["reasons"]]
    rules = [r["points"] for r in answer["rules"]["reasons"]]
    return [answer["probability"], answer["band"], answer["log_odds"], reasons, rules]


def test_the_header_gives_every_text_in_french_and_the_same_numbers(client: httpx.Client) -> None:
    english = client.post("/v1/scores?reasons=50", json=LEAD).json()
    french = client.post("/v1/scores?reasons=50", json=LEAD, headers=FRENCH).json()
    assert numbers(french) == numbers(english)
    assert french["label"] == {"cold": "froid", "warm": "tiède", "hot": "chaud"}[english["band"]]
    assert not set(texts(french)) & set(texts(english))
    by_rule = {r["rule"]: r["text"] for r in french["rules"]["reasons"]}
    assert by_rule["Nous a appelés"] == "1 appel entrant au cours des 60 derniers jours"
    assert by_rule["Budget disponible"] == "budget\u00a0: approved"
    of_calls = {r["feature"]: r["text"] for r in french["reasons"]}["inbound_call.count_1d"]
    assert of_calls == "1 appel entrant au cours des 24 dernières heures"
    unseen = "valeur que le modèle a rarement ou jamais vue\u00a0: secteur d’activité"
    assert unseen in french["notes"]


@pytest.mark.parametrize(
    ("query", "headers", "label"),
    [
        ("", {}, {"cold", "warm", "hot"}),
        ("?lang=fr", {}, {"froid", "tiède", "chaud"}),
        ("?lang=en", FRENCH, {"cold", "warm", "hot"}),
        ("", {"accept-language": "de"}, {"cold", "warm", "hot"}),
    ],
)
def test_the_query_wins_over_the_header(
    client: httpx.Client, query: str, headers: dict[str, str], label: set[str]
) -> None:
    assert client.post(f"/v1/scores{query}", json=LEAD, headers=headers).json()["label"] in label


def test_a_language_that_is_not_there_is_refused(client: httpx.Client) -> None:
    for answer in (
        client.post("/v1/scores?lang=tlh", json=LEAD),
        client.get("/v1/leads?lang=tlh&min_probability=1"),  # also where there is nothing to say
    ):
        assert answer.status_code == 422
        assert answer.json()["errors"] == [{"at": "?lang", "message": "expected one of en, fr"}]


def test_a_batch_is_in_one_language_and_leaves_no_trace(client: httpx.Client) -> None:
    batch = {"leads": [LEAD, {**LEAD, "lead_id": "L-8"}]}
    french = client.post("/v1/scores/batch?lang=fr", json=batch).json()["items"]
    after = client.post("/v1/scores/batch", json=batch).json()["items"]
    assert {item["score"]["next_step"]["rhythm"] for item in french}.isdisjoint(
        {item["score"]["next_step"]["rhythm"] for item in after}
    )
    assert french[0]["score"]["reasons"][0]["text"] != after[0]["score"]["reasons"][0]["text"]
