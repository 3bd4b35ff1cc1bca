"""Questions as rows of JSON text: what is answered, and what is refused in which words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from small_release import small_release

from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.batch.json_rows import COLUMNS, answer_rows
from scoring.release.release import Release
from scoring.scores import score

KNOWN = {"lead_id": "A", "as_of": "2026-03-20T08:00:00Z", "created_at": "2026-03-01T00:00:00Z"}
AS_OF_US = 1_773_993_600_000_000


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return small_release(tmp_path_factory.mktemp("release") / "R")


def views(n: int) -> str:
    moments = [f"2026-03-18T10:00:{second:02d}+01:00" for second in range(n)]
    return json.dumps([{"kind": "page_view", "occurred_at": moment} for moment in moments])


def test_a_row_is_scored_as_everywhere_else_to_the_last_bit(release: Release) -> None:
    row = KNOWN | {
        "attributes": '{"sector": "software", "employees": 12}',
        "interactions": views(3),
    }
    (answer,) = answer_rows(release, pd.DataFrame([row])).to_dict(orient="records")
    first = AS_OF_US - 169_200_000_000 + 3_600_000_000
    lead = LeadRecord(
        "A",
        1_772_323_200_000_000,
        {"sector": "software", "employees": 12.0},
        RecordColumns(["page_view"] * 3, [first, first + 1_000_000, first + 2_000_000]),
    )
    asked = References(np.zeros(1, np.int64), np.array([AS_OF_US]))
    scores = score(release, histories_from_records([lead]), asked)
    assert answer["probability"] == scores.probability[0]
    assert (answer["low"], answer["high"]) == (scores.low[0], scores.high[0])
    assert answer["band"] == scores.band[0]
    assert json.loads(answer["reasons"])[0]["text"] == "3 page views in the last 7 days"
    assert answer["error"] == ""


def test_missing_columns_and_nulls_are_unknown_not_wrong(release: Release) -> None:
    table = pd.DataFrame(
        [
            KNOWN,
            KNOWN | {"attributes": None, "interactions": "", "answers": float("nan")},
            KNOWN | {"attributes": '{"sector": null, "foreign": true}'},
        ]
    )
    answers = answer_rows(release, table)
    assert list(answers.columns) == COLUMNS
    assert answers["error"].tolist() == [""] * 3
    assert answers["probability"].nunique() == 1


def test_a_wrong_row_spoils_no_other(release: Release) -> None:
    answers = answer_rows(release, pd.DataFrame([KNOWN, KNOWN | {"as_of": "soon"}, KNOWN]))
    assert answers["probability"].notna().tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"as_of": "2026-03-20T08:00:00"}, "as_of has no offset"),
        ({"as_of": None}, "as_of is not a moment"),
        ({"as_of": "2026-02-01T00:00:00Z"}, "before its lead was created"),
        ({"created_at": "yesterday"}, "created_at is not a moment"),
        ({"interactions": "{"}, "interactions is not JSON text"),
        ({"interactions": "{}"}, "interactions is not a JSON array of objects"),
        ({"interactions": "[3]"}, "interactions is not a JSON array of objects"),
        ({"interactions": "[" * 100_000}, "interactions is not JSON text"),
        ({"interactions": '[{"occurred_at": "2026-03-18T10:00:00Z"}]'}, "interactions.kind"),
        ({"interactions": '[{"kind": "x"}]'}, "interactions.occurred_at is not a moment"),
        (
            {
                "interactions": '[{"kind": "x", "occurred_at": "2026-03-18T10:00:00Z",'
                ' "event_id": 7}]'
            },
            "interactions.event_id is missing or not text",
        ),
        ({"attributes": "[]"}, "attributes is not a JSON object"),
        ({"attributes": '{"employees": [1]}'}, "attributes.employees is not a number"),
        ({"attributes": '{"employees": 1e999}'}, "attributes.employees is not a number"),
        ({"attributes": '{"employees": NaN}'}, "attributes.employees is not a number"),
        ({"answers": '[{"attribute": "sector", "value": "x"}]'}, "answers.answered_at"),
    ],
)
def test_what_is_wrong_is_reported_in_the_row(
    release: Release, changed: dict[str, str | None], said: str
) -> None:
    (answer,) = answer_rows(release, pd.DataFrame([KNOWN | changed])).to_dict(orient="records")
    assert said in answer["error"]
    assert np.isnan(answer["probability"])


def test_without_time_no_moment_is_asked_for(tmp_path: Path) -> None:
    release = small_release(tmp_path / "R", has_time=False)
    (answer,) = answer_rows(release, pd.DataFrame([{"lead_id": "A"}])).to_dict(orient="records")
    assert answer["error"] == ""
    assert 0 < answer["probability"] < 1
