"""Scores as arrays and as a table."""

from __future__ import annotations

from pathlib import Path

import made_up_release
import numpy as np
import pytest
from drawn import DAY_US, START, histories

from features.errors import DataError
from features.histories.arrays import NO_TIME, References
from features.histories.subset import select_leads
from scoring import scores
from scoring.release.release import Release, write_release
from scoring.scores import SCORE_COLUMNS, score, scores_table

KINDS = ("page_view", "meeting", "contact_attempt", "email_reply")


def lead(i: int) -> dict:
    at = [START + (i + j) * DAY_US for j in range(i % 7)]
    return {
        "created_at_us": START,
        "attributes": {"industry": "software", "seats": float(i), "decides": None, "urgency": None},
        "interactions": [
            {"at_us": t, "kind": KINDS[t // DAY_US % 4], "value": None, "duration_s": 60.0,
             "event_id": None}
            for t in at
        ],
        "answers": [{"at_us": START + DAY_US, "attribute": "decides", "value": "yes"}][: i % 2],
    }  # fmt: skip


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return write_release(tmp_path_factory.mktemp("scores") / "release", made_up_release.contents())


EVERYONE = histories([(f"L{i}", lead(i)) for i in range(40)])
IDS = np.array([f"L{i}" for i in range(40)], dtype=object)
MOMENTS = np.array([START + (i % 13) * DAY_US for i in range(40)], dtype=np.int64)


def test_arrays_agree_with_the_model(release: Release) -> None:
    references = References(np.arange(40), MOMENTS)
    found = score(release, EVERYONE, references)
    explained = release.model.explain(found.vectors)
    assert found.probability.tobytes() == explained.probability.tobytes()
    assert ((found.low <= found.probability) & (found.probability <= found.high)).all()
    assert list(found.band) == [release.thresholds.band_of(p).value for p in found.probability]
    assert release.scorecard is not None
    card = release.scorecard.points(EVERYONE, references)
    assert found.rule_points is not None
    assert found.rule_points.tobytes() == card.points.tobytes()
    assert ((found.known_share > 0) & (found.known_share < 1)).all()


def test_one_row_per_question_in_the_order_asked(release: Release) -> None:
    ids = np.array(["L3", "nobody", "L1", "L3", "L2"], dtype=object)
    at = np.array([START + 5 * DAY_US] * 4 + [START - 1], dtype=np.int64)
    rows = scores_table(release, EVERYONE, ids, at, model_version="7").to_pylist()
    assert [row["lead_id"] for row in rows] == list(ids)
    assert [row["error"] is None for row in rows] == [True, False, True, True, False]
    assert "unknown lead" in rows[1]["error"]
    assert "before the lead's created_at" in rows[4]["error"]
    assert rows[1]["probability"] is rows[1]["band"] is rows[1]["model_version"] is None
    assert rows[0] == rows[3]
    assert rows[0]["model_version"] == "7"
    assert rows[0]["as_of"].isoformat() == "2020-09-18T12:26:40+00:00"
    assert rows[0]["reason_1"].endswith(")")


def test_parts_of_any_size_give_the_same_table(
    release: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = scores_table(release, EVERYONE, IDS, MOMENTS)
    calls: list[tuple[int, int]] = []
    monkeypatch.setattr(scores, "CHUNK_NUMBERS", 7 * len(release.spec) * 3)
    parts = scores_table(
        release, EVERYONE, IDS, MOMENTS, progress=lambda done, total: calls.append((done, total))
    )
    assert parts.combine_chunks().equals(whole.combine_chunks())
    assert calls[-1] == (40, 40)
    assert len(calls) > 1


@pytest.mark.parametrize("leads", [[30, 3, 3, 17], [18, 17, 19, 17]], ids=["apart", "neighbours"])
def test_part_of_the_histories_gives_the_same_bits(release: Release, leads: list[int]) -> None:
    asked = References(np.array(leads), MOMENTS[leads] + 30 * DAY_US)
    part, renamed = select_leads(EVERYONE, asked)
    assert len(part) == 3
    assert list(part.lead_ids[renamed.lead]) == [f"L{i}" for i in leads]
    for field in ("vectors", "contributions", "rule_points"):
        whole = getattr(score(release, EVERYONE, asked), field)
        assert getattr(score(release, part, renamed), field).tobytes() == whole.tobytes()


def test_no_question_no_row(release: Release) -> None:
    nothing = scores_table(release, EVERYONE, IDS[:0], MOMENTS[:0])
    assert nothing.schema == SCORE_COLUMNS
    assert nothing.num_rows == 0


def test_only_questions_without_an_answer(release: Release) -> None:
    table = scores_table(release, EVERYONE, np.array(["x", "y"], dtype=object), MOMENTS[:2])
    assert table.column("error").null_count == 0


def test_a_lead_without_time(release: Release, tmp_path: Path) -> None:
    timeless = histories([("L1", {**lead(0), "created_at_us": NO_TIME})])
    asked = np.array(["L1"], dtype=object), np.array([NO_TIME], dtype=np.int64)
    (refused,) = scores_table(release, timeless, *asked).to_pylist()
    assert "no created_at" in refused["error"]
    without = write_release(tmp_path / "r", made_up_release.contents(has_time=False))
    (row,) = scores_table(without, timeless, *asked).to_pylist()
    assert row["error"] is None
    assert row["as_of"] is None
    assert 0 < row["probability"] < 1


def test_lengths_that_differ(release: Release) -> None:
    with pytest.raises(DataError, match="moments"):
        scores_table(release, EVERYONE, IDS, MOMENTS[:3])
