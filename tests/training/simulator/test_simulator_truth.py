"""The exact probability against brute force: histories drawn until enough fit the condition."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.compute.array_types import DAY_US
from training.simulator import DEFAULT, NOISY, simulate, true_probability
from training.simulator import scenario as w
from training.simulator.sampler import simulate_days, transition_tables
from training.simulator.tables import tables_of
from training.simulator.truth import ObservedEvents, beliefs, first_noon, share_of_day
from training.simulator.truth import true_probability as probability_of

HORIZON = 30
TUESDAY_US = int(np.datetime64("2024-03-05", "us").astype(np.int64))
PAGE_VIEW, CALL = w.KINDS.index("page_view"), w.KINDS.index("inbound_call")
WORLD = tables_of(DEFAULT)


def play(first_state: np.ndarray, noon: int, days: int, seed: int):
    """Let leads of these hidden states live from one calendar day on."""
    n = len(first_state)
    return simulate_days(
        np.random.default_rng(seed),
        first_state,
        np.full(n, noon),
        np.full(n, days),
        transition_tables(WORLD),
    )


def one_lead(prior: np.ndarray, events: list[tuple[float, int]]) -> ObservedEvents:
    """A lead created on a Tuesday at midnight; events are (days after creation, kind)."""
    return ObservedEvents(
        created_us=np.array([TUESDAY_US]),
        prior=prior[None, :],
        offsets=np.array([0, len(events)]),
        at_us=np.array([TUESDAY_US + round(day * DAY_US) for day, _ in events], dtype=np.int64),
        kind=np.array([kind for _, kind in events], dtype=np.int64),
        mark=np.full((len(events), 2), np.nan),
        level=np.full(len(events), -1),
    )


@pytest.fixture(scope="module")
def brute_force():
    """250,000 leads with the prior of all arrivals, each living 45 days from one Tuesday."""
    prior = simulate(500, 1).traces.prior.mean(axis=0)
    rng = np.random.default_rng(7)
    state = rng.choice(len(prior), size=250_000, p=prior)
    noon = int(first_noon(np.array([TUESDAY_US]), WORLD)[0])
    event, place, closing = play(state, noon, 45, 8)
    return prior, event, place, closing


def counts_in(event, chosen, n: int) -> np.ndarray:
    """Events of each lead among the ``chosen`` ones."""
    return np.bincount(event[chosen, 0], minlength=n)


# condition: days it covers, then (day, kind) of every event in them; nothing else happened
CONDITIONS = {
    "silence for three days": (3.0, []),
    "one page view on the first day, then two silent ones": (3.0, [(0.5, PAGE_VIEW)]),
    "one contact attempt on the second day": (3.0, [(1.5, w.ATTEMPT)]),
    "two contact attempts on the first day": (2.0, [(0.5, w.ATTEMPT), (0.5, w.ATTEMPT)]),
    "a call on the first day": (1.0, [(0.5, CALL)]),
    "silence until noon of the second day": (1.5, []),
    "a page view this morning": (0.5, [(0.4, PAGE_VIEW)]),
}


@pytest.mark.parametrize("name", list(CONDITIONS))
def test_filter_agrees_with_histories_that_fit(brute_force, name):
    prior, event, place, closing = brute_force
    days, events = CONDITIONS[name]
    n, whole = len(closing), int(days)
    share = float(share_of_day(np.array([TUESDAY_US + round((days % 1) * DAY_US)]))[0])

    before = (event[:, 1] < whole) | ((event[:, 1] == whole) & (place < share))
    fits = counts_in(event, before, n) == len(events)
    for day, kind in events:
        like = before & (event[:, 1] == int(day)) & (event[:, 2] == kind)
        fits &= counts_in(event, like, n) == sum(e == (day, kind) for e in events)
    closed = np.where(closing[:, 0] >= 0, closing[:, 0] + closing[:, 2], np.inf)
    fits &= closed >= whole + share
    in_time = (closing[:, 1] == 1) & (closed < whole + HORIZON + share)

    as_of = np.array([TUESDAY_US + round(days * DAY_US)])
    truth = probability_of(DEFAULT, one_lead(prior, events), np.array([0]), as_of)[0]
    error = np.sqrt(truth * (1 - truth) / fits.sum())
    assert fits.sum() > 100
    assert abs(in_time[fits].mean() - truth) < 3.5 * error


def test_looking_ahead_agrees_with_futures_drawn_from_the_belief():
    simulation = simulate(400, 21)
    busiest = int(np.argmax(np.diff(simulation.traces.offsets)))
    created = simulation.traces.created_us[busiest]
    as_of = np.array([created + 7 * DAY_US])
    belief, _, day, _ = beliefs(simulation.traces, WORLD, np.array([busiest]), as_of)
    rng = np.random.default_rng(3)
    state = rng.choice(belief.shape[1], size=60_000, p=belief[0])
    noon = int(first_noon(np.array([created]), WORLD)[0] + day[0])
    _, _, closing = play(state, noon, HORIZON, 4)
    drawn = (closing[:, 1] == 1).mean()
    truth = probability_of(DEFAULT, simulation.traces, np.array([busiest]), as_of)[0]
    assert drawn == pytest.approx(truth, abs=3.5 * np.sqrt(truth * (1 - truth) / 60_000))


@pytest.mark.parametrize("world", [DEFAULT, NOISY], ids=lambda world: world.name)
def test_truth_is_calibrated_on_outcomes(world):
    simulation = simulate(6000, 2, world=world)
    table = simulation.truth.merge(simulation.outcomes, on="lead_id", how="left")
    horizon = pd.Timedelta(days=world.horizon_days)
    table = table[table["as_of"] + horizon <= simulation.observed_until]
    # One age a lead, chosen beforehand: several references of one lead are not independent, and
    # choosing among those that exist would favour leads that closed early.
    rng = np.random.default_rng(0)
    age = pd.Series(
        rng.choice(world.reference_ages_days, size=len(simulation.leads)),
        index=simulation.leads["lead_id"],
    )
    created = simulation.leads.set_index("lead_id")["created_at"]
    wanted = created + pd.to_timedelta(age, unit="D")
    table = table[table["as_of"] == wanted.reindex(table["lead_id"]).to_numpy()]
    happened = (table["outcome"] == "converted") & (
        table["occurred_at"] <= table["as_of"] + horizon
    )
    p = table["probability"].to_numpy()
    for low, high in ((0, 0.02), (0.02, 0.1), (0.1, 0.3), (0.3, 1)):
        inside = (p >= low) & (p < high)
        error = np.sqrt((p[inside] * (1 - p[inside])).sum())
        assert abs(happened[inside].sum() - p[inside].sum()) < 3.5 * error


def test_the_future_changes_nothing(brute_force):
    prior = brute_force[0]
    as_of = np.array([TUESDAY_US + 2 * DAY_US])
    past = [(0.5, PAGE_VIEW), (1.2, w.ATTEMPT)]
    future = [*past, (2.0, CALL), (3.0, CALL)]
    first, second = (
        probability_of(DEFAULT, one_lead(prior, events), np.array([0]), as_of)[0]
        for events in (past, future)
    )
    assert first == second


def test_truth_at_any_moment_equals_the_file_at_its_references():
    simulation = simulate(200, 9)
    asked = simulation.truth.sample(50, random_state=1)
    moments = [moment.isoformat() for moment in asked["as_of"]]
    again = true_probability(simulation, list(asked["lead_id"]), moments)
    np.testing.assert_allclose(again, asked["probability"], rtol=1e-12)
