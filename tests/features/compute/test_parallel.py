"""Work shared among cores gives what one core gives, to the last bit."""

from __future__ import annotations

import time

import numpy as np
import pytest

from features.compute.parallel import ordered_map, parallel_ranges, usable_cores
from features.histories.arrays import Answers, Histories, Interactions, References
from features.histories.from_records import LeadRecord, histories_from_records
from features.histories.grouping import group_few, group_rows
from features.vectors.compute import compute_vectors
from features.vectors.spec import Feature, FeatureSpec

N_LEADS, N_ROWS = 300, 210_000


@pytest.fixture
def four_cores(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "4")


@pytest.fixture
def rows():
    """Rows in no order: many ties, unknown leads, unknown amounts, events delivered twice."""
    rng = np.random.default_rng(5)
    return (
        rng.integers(-1, N_LEADS, N_ROWS).astype(np.int32), N_LEADS,
        rng.integers(0, 5_000, N_ROWS) * 1_000_000,
        rng.integers(0, 3, N_ROWS).astype(np.int32),
        np.where(rng.random(N_ROWS) < 0.3, np.nan, rng.integers(0, 4, N_ROWS).astype(float)),
        np.where(rng.random(N_ROWS) < 0.3, np.nan, rng.integers(0, 4, N_ROWS).astype(float)),
        rng.integers(0, N_ROWS // 2, N_ROWS).astype(np.uint64),
    )  # fmt: skip


@pytest.mark.parametrize(("n", "at_least"), [(0, 1), (1, 1), (3, 1), (10, 4), (1_001, 7)])
def test_blocks_cover_everything_once(four_cores, n, at_least):
    seen = np.zeros(n, dtype=int)

    def work(low, high):
        seen[low:high] += 1

    parallel_ranges(work, n, at_least=at_least)
    assert (seen == 1).all()


def test_an_error_in_a_block_is_not_lost(four_cores):
    def work(low, high):
        if low:
            raise ValueError("a block failed")

    with pytest.raises(ValueError, match="a block failed"):
        parallel_ranges(work, 100)


@pytest.mark.parametrize("cores", ["1", "4"])
def test_results_come_in_order_and_jobs_are_taken_as_they_are_needed(monkeypatch, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", cores)
    taken = []

    def jobs():
        for job in range(50):
            taken.append(job)
            yield job

    def work(job):
        time.sleep(0.002 * (job % 3))
        return job

    results = ordered_map(work, jobs())
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(taken) <= 10 + int(cores)
    assert list(results) == list(range(10, 50))


def test_an_error_in_a_job_is_not_lost(four_cores):
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda job: 1 // (3 - job), range(10)))


def test_a_share_of_the_work_is_not_shared_out_again(four_cores):
    calls = []

    def share(_):
        parallel_ranges(lambda low, high: calls.append((low, high)), 100)
        return list(ordered_map(abs, [-1, -2]))

    assert list(ordered_map(share, range(3))) == [[1, 2]] * 3
    assert calls == [(0, 100)] * 3


@pytest.mark.parametrize(("asked", "cores"), [("3", 3), ("0", None), ("many", None), ("", None)])
def test_the_usual_variable_sets_the_number_of_cores(monkeypatch, asked, cores):
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    assert usable_cores() == cores if cores else usable_cores() >= 1


def test_a_table_grouped_by_many_cores_is_the_one_grouped_by_one(four_cores, rows):
    for one, many in zip(group_few(*rows), group_rows(*rows), strict=True):
        np.testing.assert_array_equal(one, many)


def test_rows_are_grouped_whatever_order_they_arrive_in(four_cores, rows):
    lead, n_leads, *columns = rows
    columns[-1] = np.zeros(0, dtype=np.uint64)  # which of an event's rows counts is another test
    shuffled = np.random.default_rng(6).permutation(N_ROWS)
    moved = [lead[shuffled], n_leads, *(c[shuffled] if len(c) else c for c in columns)]
    for one, other in zip(group_rows(lead, n_leads, *columns), group_rows(*moved), strict=True):
        np.testing.assert_array_equal(one, other)


def test_vectors_made_by_many_cores_are_those_of_each_lead_alone(monkeypatch, rows):
    lead, n_leads, *columns = rows
    kinds = ("call", "email_open", "page_view")
    grouped = Interactions(*group_rows(lead, n_leads, *columns), kinds)
    none = (np.zeros(0, np.int32), np.zeros(0, np.int64), np.zeros(0, np.int32))
    histories = Histories(
        np.array([f"L{i}" for i in range(n_leads)], dtype=object), np.zeros(n_leads, np.int64), {},
        grouped, Answers(np.zeros(n_leads + 1, np.int64), *none, (), ()),
    )  # fmt: skip
    spec = FeatureSpec(
        (
            Feature("interactions", "any", "count", window_days=0.01),
            Feature("interactions", "call", "decayed", half_life_days=0.02),
            Feature("interactions", "any", "value_total"),
            Feature("interactions", "page_view", "days_since_last"),
        )
    )
    rng = np.random.default_rng(7)
    asked = References(rng.integers(0, n_leads, 9_000), rng.integers(0, 6_000, 9_000) * 1_000_000)
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    alone = compute_vectors(spec, histories, asked)
    monkeypatch.setenv("OMP_NUM_THREADS", "4")
    np.testing.assert_array_equal(compute_vectors(spec, histories, asked), alone)
    assert np.nanmax(alone[:, 0]) > 100
    nothing_yet = histories_from_records([LeadRecord("L0", 0)])
    assert np.isnan(
        compute_vectors(spec, nothing_yet, References(asked.lead[:1] * 0, asked.as_of_us[:1]))[0, 3]
    )
