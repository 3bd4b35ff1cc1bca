"""Changes by cursor and webhooks by the API: who may, what is shown, what is refused."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from serving.http.api_keys import create_key
from serving.outbox.sender import WebhookRounds
from serving.settings import Settings
from serving.store.database import connect, store_url

URL = "https://crm.example.com/hook"


class Api:
    """A running service with keys, and its home."""

    def __init__(self, client: httpx.Client, settings: Settings) -> None:
        self.client, self.settings = client, settings
        self.keys = {
            scope: create_key(settings.home, scope, [scope])[1]
            for scope in ("admin", "read", "score")
        }

    def call(self, method: str, path: str, body: Any = None, scope: str = "admin") -> Any:
        headers = {"authorization": f"Bearer {self.keys[scope]}"}
        return self.client.request(method, path, json=body, headers=headers)


@pytest.fixture(scope="module")
def api(
    release_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
    running: Callable[[Settings], Any],
) -> Iterator[Api]:
    settings = Settings(release=release_dir, home=tmp_path_factory.mktemp("home"))
    with running(settings) as client:
        yield Api(client, settings)


@pytest.fixture
def webhook(api: Api) -> Iterator[dict[str, Any]]:
    answer = api.call("POST", "/v1/webhooks", {"url": URL, "on": ["band", "first"]})
    assert answer.status_code == 201
    yield answer.json()
    api.call("DELETE", f"/v1/webhooks/{answer.json()['webhook']['id']}")


def score(api: Api, lead: dict[str, Any], lead_id: str) -> None:
    """Score a lead and wait until the outbox has its change."""
    assert api.call("POST", "/v1/scores", {**lead, "lead_id": lead_id}, "score").status_code == 200
    deadline = time.monotonic() + 60
    while f'"{lead_id}"' not in api.call("GET", "/v1/changes?limit=1000", scope="read").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_changes_are_read_by_cursor(api: Api, lead: dict[str, Any]) -> None:
    begin = api.call("GET", "/v1/changes?after=latest", scope="read").json()
    assert begin["changes"] == []
    for name in ("one", "two", "three"):
        score(api, lead, name)
    first = api.call("GET", f"/v1/changes?after={begin['next']}&limit=2", scope="read").json()
    assert [c["data"]["lead_id"] for c in first["changes"]] == ["one", "two"]
    assert first["more"] is True
    last = api.call("GET", f"/v1/changes?after={first['next']}", scope="read").json()
    assert [c["data"]["lead_id"] for c in last["changes"]] == ["three"]
    again = api.call("GET", f"/v1/changes?after={last['next']}", scope="read").json()
    assert again == {"changes": [], "next": last["next"], "more": False}
    assert last["changes"][0]["id"] == f"chg_{last['next']}"
    assert last["changes"][0]["data"]["reason"]["text"]


@pytest.mark.parametrize("after", ["-1", "x", "1.5", "9" * 19, "%00", ""])
def test_cursors_that_nobody_gave(api: Api, after: str) -> None:
    assert api.call("GET", f"/v1/changes?after={after}", scope="read").status_code == 422


def test_scopes(api: Api) -> None:
    assert api.call("GET", "/v1/changes", scope="score").status_code == 403
    for method, path in (
        ("GET", "/v1/webhooks"), ("POST", "/v1/webhooks"), ("GET", "/v1/webhooks/wh_1"),
        ("DELETE", "/v1/webhooks/wh_1"), ("POST", "/v1/webhooks/wh_1/test"),
        ("POST", "/v1/webhooks/wh_1/rotate"), ("GET", "/v1/webhooks/wh_1/dead"),
        ("POST", "/v1/webhooks/wh_1/resend"),
    ):  # fmt: skip
        assert api.call(method, path, {}, "read").status_code == 403, path


def test_a_secret_is_shown_when_it_is_made_and_never_again(
    api: Api, webhook: dict[str, Any]
) -> None:
    secret, webhook_id = webhook["secret"], webhook["webhook"]["id"]
    Webhook(secret)
    assert webhook["webhook"]["on"] == ["first", "band"]
    for path in ("/v1/webhooks", f"/v1/webhooks/{webhook_id}"):
        assert "whsec_" not in api.call("GET", path).text
    rotated = api.call("POST", f"/v1/webhooks/{webhook_id}/rotate", {}).json()
    assert rotated["secret"] != secret
    assert rotated["webhook"]["old_secret_until"] is not None
    gone = api.call("POST", f"/v1/webhooks/{webhook_id}/rotate", {"old_valid_hours": 0}).json()
    assert gone["webhook"]["old_secret_until"] is None


@pytest.mark.parametrize(
    "body",
    [{}, {"url": "http://crm.example.com/"}, {"url": "https://127.0.0.1/"}, {"url": 7},
     {"url": "https://10.1.2.3/"}, {"url": URL, "on": []}, {"url": URL, "on": ["everything"]},
     {"url": URL, "secret": "mine"}],
)  # fmt: skip
def test_webhooks_that_are_refused(api: Api, body: dict[str, Any]) -> None:
    answer = api.call("POST", "/v1/webhooks", body)
    assert answer.status_code == 422
    assert "errors" in answer.json()


@pytest.mark.parametrize("webhook_id", ["wh_0", "%00", "é", "x" * 200, "%FF"])
def test_webhooks_that_are_not_there(api: Api, webhook_id: str) -> None:
    for method, path in (
        ("GET", ""), ("DELETE", ""), ("POST", "/test"), ("POST", "/rotate"), ("GET", "/dead"),
        ("POST", "/resend"),
    ):  # fmt: skip
        answer = api.call(method, f"/v1/webhooks/{webhook_id}{path}", {})
        assert 400 <= answer.status_code < 500, answer.text


def test_a_message_goes_dead_and_is_sent_again(
    api: Api, webhook: dict[str, Any], lead: dict[str, Any]
) -> None:
    path = f"/v1/webhooks/{webhook['webhook']['id']}"
    score(api, lead, "unlucky")
    settings = api.settings.model_copy(
        update={"webhook_give_up_hours": 1e-9, "webhook_retry_s": 1e-6}
    )
    engine = connect(store_url(settings))
    rounds = WebhookRounds(engine, settings, webhook["webhook"]["id"], None)  # type: ignore[arg-type]
    rounds._sender = Refusing()  # type: ignore[assignment]
    rounds._rng = FixedJitter()  # type: ignore[assignment]
    assert [rounds.run_once(), rounds.run_once()] == [1, 1]
    (dead,) = api.call("GET", f"{path}/dead").json()["dead"]
    assert dead["lead_id"] == "unlucky"
    assert dead["body"]["data"]["changed"] == ["first"]
    assert (dead["attempts"], dead["last_status"]) == (2, 500)
    wrong = api.call("POST", f"{path}/resend", {"ids": ["7"]})
    assert (wrong.status_code, wrong.json()["errors"][0]["at"]) == (422, "$.ids[0]")
    assert api.call("POST", f"{path}/resend", {"ids": ["chg_0"]}).json() == {"resent": 0}
    assert api.call("POST", f"{path}/resend", {"ids": [dead["id"]]}).json() == {"resent": 1}
    one = api.call("GET", path).json()
    assert (one["pending"], one["dead"]) == (1, 0)
    sent = api.call("POST", f"{path}/test", {})
    assert sent.status_code == 202
    assert api.call("GET", path).json()["pending"] == 2
    assert sent.json()["id"] not in api.call("GET", "/v1/changes?limit=1000", scope="read").text
    rounds.close()
    engine.dispose()


class Refusing:
    """A way to a receiver that takes nothing."""

    def send(self, *_: object) -> Any:
        from serving.outbox.send import SendResult

        return SendResult(500, "status 500")


class FixedJitter:
    def uniform(self, low: float, high: float) -> float:
        return high


def test_the_list_by_the_api(api: Api, lead: dict[str, Any]) -> None:
    known = {**lead, "attributes": {**lead["attributes"], "owner": "karim", "name": "Ada"}}
    score(api, known, "listed")
    page = api.call("GET", "/v1/leads?owner=karim&sort=-updated", scope="read").json()
    (row,) = page["leads"]
    assert (row["lead_id"], row["name"], row["owner"]) == ("listed", "Ada", "karim")
    assert len(row["reasons"]) == 3
    assert page["total"] == sum(page["bands"].values()) == 1
    assert page["release_id"] == row["release_id"]
    since = {"updated_since": "2999-01-01T00:00:00Z"}
    later = api.client.get(
        "/v1/leads", params=since, headers={"authorization": f"Bearer {api.keys['read']}"}
    )
    assert later.json()["total"] == 0


@pytest.mark.parametrize(
    "query",
    ["status=gone", "sort=name", "min_probability=2", "min_probability=nan", "min_probability=1e-1",
     "updated_since=yesterday", "updated_since=2026-01-01T00:00:00", "owner=%00", "release=%00"],
)  # fmt: skip
def test_lists_that_are_refused(api: Api, query: str) -> None:
    assert api.call("GET", f"/v1/leads?{query}", scope="read").status_code == 422


def test_the_openapi_examples_fit_their_schemas() -> None:
    import msgspec

    from serving.api import examples
    from serving.api.changes import ChangesOut
    from serving.api.webhooks import DeadLetters, Webhooks
    from serving.messages.past_scores import RankedLeads
    from serving.outbox.webhooks import WebhookSecret

    for example, kind in (
        (examples.CHANGES, ChangesOut), (examples.WEBHOOKS, Webhooks),
        (examples.WEBHOOK_ADDED, WebhookSecret), (examples.DEAD_LETTERS, DeadLetters),
        (examples.RANKED_LEADS, RankedLeads),
    ):  # fmt: skip
        text = json.dumps(example).encode()
        again = json.loads(msgspec.json.encode(msgspec.json.decode(text, type=kind)))
        assert again == example
