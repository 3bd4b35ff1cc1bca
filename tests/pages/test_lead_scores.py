"""What the page of a lead computes: possible answers, movements and the course of the score."""

from __future__ import annotations

import numpy as np
import pytest
from pages_service import page_release

from features.compute.array_types import DAY_US
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from features.language.language import ENGLISH
from features.vectors.compute import compute_vectors
from scoring.release.release import Release
from serving.pages.lead_scores import (
    MAX_MOMENTS,
    course,
    explained_at,
    moments_of,
    movement,
    one_reference,
    questions,
)

NOW = 60 * DAY_US


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return page_release(tmp_path_factory.mktemp("release") / "r")


def lead(n_acts: int = 30, **lists: list[object]) -> LeadRecord:
    at = [DAY_US + i * (58 * DAY_US // max(n_acts, 1)) for i in range(n_acts)]
    kinds = ["page_view" if i % 3 else "inbound_call" for i in range(n_acts)]
    columns = RecordColumns(
        kinds=kinds, at_us=at, attributes=["budget"], answered_us=[9 * DAY_US],
        answers=["planned"], **lists,
    )  # fmt: skip
    return LeadRecord("L", 0, {"employees": 50.0, "sector": "software", "need": None}, columns)


def test_a_possible_answer_scores_as_if_it_had_been_given(release: Release) -> None:
    record = lead()
    histories = histories_from_records([record])
    vector, explained = explained_at(release, histories, NOW)
    found = questions(release, record, histories, vector, NOW)
    assert {q.attribute for q in found} == {"budget", "authority", "need", "timeline"}
    assert [q.known for q in found][-1] == "planned"
    for question in found:
        for answer in question.answers:
            lists = record.lists
            given = RecordColumns(
                kinds=lists.kinds, at_us=lists.at_us,
                attributes=[*lists.attributes, question.attribute],
                answered_us=[*lists.answered_us, NOW - 1],
                answers=[*lists.answers, answer.value],
            )  # fmt: skip
            whole = histories_from_records([LeadRecord("L", 0, record.attributes, given)])
            vectors = compute_vectors(release.spec, whole, one_reference(NOW))
            assert release.model.probability(vectors)[0] == answer.probability
            assert answer.change == answer.probability - explained.probability[0]
    planned = next(a for q in found for a in q.answers if a.value == "planned")
    assert planned.change == 0.0


def test_a_movement_adds_up(release: Release) -> None:
    histories = histories_from_records([lead()])
    found = movement(release, histories, NOW - 7 * DAY_US, NOW, ENGLISH)
    assert found is not None
    before = release.model.explain(
        compute_vectors(release.spec, histories, one_reference(NOW - 7 * DAY_US))
    )
    now = release.model.explain(compute_vectors(release.spec, histories, one_reference(NOW)))
    moved = now.log_odds[0] - before.log_odds[0]
    assert sum(c.moved for c in found.changes) + found.others == pytest.approx(moved, abs=1e-12)
    assert found.probability_now == now.probability[0]
    assert movement(release, histories, -1, NOW, ENGLISH) is None


def test_the_course_ends_with_the_score_of_now(release: Release) -> None:
    histories = histories_from_records([lead(n_acts=5000)])
    found = course(release, histories, NOW)
    _, explained = explained_at(release, histories, NOW)
    assert len(found.at_us) == MAX_MOMENTS
    assert found.probability[-1] == explained.probability[0]
    assert ((found.low <= found.probability) & (found.probability <= found.high)).all()
    assert (np.diff(found.at_us) > 0).all()


def test_moments_begin_with_the_lead_and_end_now() -> None:
    histories = histories_from_records([lead(n_acts=2)])
    moments = moments_of(histories, NOW)
    assert (moments[0], moments[-1]) == (0, NOW)
    assert set((histories.interactions.at_us + 1).tolist()) <= set(moments.tolist())
    assert moments_of(histories, 0).tolist() == [0]
