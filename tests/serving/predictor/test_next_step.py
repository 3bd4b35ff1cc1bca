"""A score says what to do next, and every rule of the scorecard says its share."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import DataError
from serving.predictor.active_release import prepare
from serving.settings import Settings

REQUEST: dict[str, Any] = {
    "lead_id": "L-7",
    "created_at": "2026-03-02T09:00:00Z",
    "as_of": "2026-03-20T08:00:00Z",
    "attributes": {"budget": "approved"},
    "interactions": [
        {"kind": "inbound_call", "occurred_at": "2026-03-19T10:00:00Z"},
        {"kind": "page_view", "occurred_at": "2026-03-18T10:00:00Z"},
    ],
}


def scored(client: httpx.Client, **changed: Any) -> dict[str, Any]:
    answer = client.post("/v1/scores", json={**REQUEST, **changed})
    assert answer.status_code == 200, answer.text
    body: dict[str, Any] = answer.json()
    return body


def test_every_rule_has_a_share_and_they_sum_to_the_points(client: httpx.Client) -> None:
    rules = scored(client)["rules"]
    shares = {reason["rule"]: reason["points"] for reason in rules["reasons"]}
    assert shares == {"Called us": 50.0, "Budget is there": 12.0}
    assert rules["points"] == rules["fit"] + rules["engagement"] == 62.0
    assert rules["reasons"][0]["text"] == "1 inbound call in the last 60 days"


def test_the_band_has_a_step(client: httpx.Client) -> None:
    said = scored(client, interactions=[], attributes={})
    assert said["next_step"]["because"] == said["band"]
    assert said["next_step"]["message"]


def test_an_unsubscribed_lead_is_left_alone(client: httpx.Client) -> None:
    gone = {"kind": "unsubscribe", "occurred_at": "2026-03-19T12:00:00Z"}
    said = scored(client, interactions=[*REQUEST["interactions"], gone])
    assert said["next_step"]["because"] == "Unsubscribed"
    assert said["rules"]["band"] == "cold"


def test_an_operator_may_give_another_playbook(release_dir: Path, tmp_path: Path) -> None:
    step = 'channel = "owl"\nrhythm = "nightly"\nmessage = "Hoot."\n'
    plays = tmp_path / "plays.toml"
    plays.write_text(
        'name = "owls"\n' + "".join(f"[bands.{b}]\n{step}" for b in ("cold", "warm", "hot")),
        encoding="utf-8",
    )
    answering = prepare(release_dir, "1", Settings(home=tmp_path, playbook=plays))
    assert answering.playbook.plays.bands.hot.channel == "owl"
    plays.write_text(plays.read_text().replace("channel", "chanel", 1), encoding="utf-8")
    with pytest.raises(DataError, match=r"plays.toml:3: bands.cold.chanel: unknown key"):
        prepare(release_dir, "1", Settings(home=tmp_path, playbook=plays))
