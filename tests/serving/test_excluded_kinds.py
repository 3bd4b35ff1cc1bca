"""A kind that a release leaves out is left out over HTTP as well, from all interactions too."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from small_release import small_release

from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.release.release import Release
from scoring.scores import score
from serving.settings import Settings

CREATED, AS_OF = "2026-03-01T08:00:00Z", "2026-03-20T08:00:00Z"
HONEST = [("page_view", "2026-03-18T09:00:00Z"), ("meeting", "2026-03-19T09:00:00Z")]
LEAK = [("closing_call", "2026-03-19T10:00:00Z"), ("closing_call", "2026-03-19T11:00:00Z")]


def at_us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


def lead(acts: list[tuple[str, str]]) -> dict[str, Any]:
    rows = [{"kind": kind, "occurred_at": at} for kind, at in acts]
    return {"lead_id": "L-1", "created_at": CREATED, "as_of": AS_OF, "interactions": rows}


def in_batch(release: Release, acts: list[tuple[str, str]]) -> float:
    rows = RecordColumns([kind for kind, _ in acts], [at_us(at) for _, at in acts])
    history = histories_from_records([LeadRecord("L-1", at_us(CREATED), {}, rows)])
    asked = References(np.zeros(1, np.int64), np.array([at_us(AS_OF)], np.int64))
    return float(score(release, history, asked).probability[0])


def test_the_api_and_the_batch_leave_out_the_same(
    tmp_path: Path, running: Callable[[Settings], Any]
) -> None:
    release = small_release(tmp_path / "release", excluded_kinds=("closing_call",))
    with running(Settings(release=tmp_path / "release", home=tmp_path / "home")) as client:
        plain = client.post("/v1/scores", json=lead(HONEST)).json()
        leaky = client.post("/v1/scores", json=lead(HONEST + LEAK)).json()
    assert leaky["probability"] == plain["probability"]
    assert leaky["reasons"] == plain["reasons"]
    assert in_batch(release, HONEST + LEAK) == leaky["probability"] == in_batch(release, HONEST)
    everything = small_release(tmp_path / "everything")
    assert in_batch(everything, HONEST + LEAK) != in_batch(everything, HONEST)


def test_a_release_remembers_what_it_leaves_out(tmp_path: Path) -> None:
    release = small_release(tmp_path / "release", excluded_kinds=("closing_call",))
    plain = small_release(tmp_path / "plain")
    assert release.spec.excluded_kinds == ("closing_call",)
    assert plain.spec.excluded_kinds == ()
    assert "excluded_kinds" not in plain.spec.to_dict()
    assert release.release_id != plain.release_id
