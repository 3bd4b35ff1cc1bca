"""A signal added to a lead moves the score in the direction in which it moves the truth.

Two simulated leads, 14 days old: one that never did anything and one that looks around. Each kind
of interaction that the default scorecard has a rule for is added on the day before.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from scoring.scorecard.scorecard import default_scorecard
from training.config import TrainingConfig
from training.labels.training_data import load_training_data
from training.model_selection.fit import FittedModel, select_and_fit
from training.simulator import DEFAULT, simulate, write_simulation
from training.simulator import scenario as w
from training.simulator.leads import prior_of
from training.simulator.truth import ObservedEvents, true_probability

DAY_US = 86_400_000_000
HOUR_US = DAY_US // 24
AGE_DAYS = 14
CREATED = pd.Timestamp("2024-09-03T09:00:00Z")
SIGNALS = tuple(
    kind for kind in w.INTERACTION_KINDS if kind not in ("page_view", "contact_attempt")
)
HISTORIES = {
    "silent": (),
    "active": ((1, "page_view"), (3, "email_open"), (5, "page_view"), (8, "offer_view"),
               (10, "page_view"), (11, "email_open")),
}  # fmt: skip
"""Day of the lead's life and kind."""
LEAD = {
    "source": "organic_search",
    "first_action": "content_download",
    "employees": 30.0,
    "sector": "manufacturing",
    "country": "FR",
}
MATERIAL = 0.1
"""Log-odds by which the truth must move for its direction to be asked."""


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> FittedModel:
    folder = tmp_path_factory.mktemp("directions") / "made"
    write_simulation(simulate(4_000, 3), folder, truth=False)
    source = load_training_data(read_dataset(folder))
    card = default_scorecard().with_outbound(source.settings.outbound_kinds)
    everything = np.ones(len(source.labelled), bool)
    method = TrainingConfig(scorecard=card, jobs=1)
    return select_and_fit(source, everything, source.labelled.observed_until_us, method)


@pytest.fixture(scope="module")
def moved(
    fitted: FittedModel, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, dict[str, tuple[float, float]]]:
    """Base history → signal → by how much (truth, score) move, in log-odds; "" is the level."""
    histories = [
        (name, signal, [*acts, *([(AGE_DAYS - 1, signal)] if signal else [])])
        for name, acts in HISTORIES.items()
        for signal in ("", *SIGNALS)
    ]
    events = [
        [(_created_us() + day * DAY_US + 2 * HOUR_US, kind) for day, kind in acts]
        for _, _, acts in histories
    ]
    folder = tmp_path_factory.mktemp("asked")
    truth = np.log(odds := _truth(events)) - np.log1p(-odds)
    score = _scores(fitted, events, folder)
    found: dict[str, dict[str, tuple[float, float]]] = {}
    for (name, signal, _), true, mine in zip(histories, truth, score, strict=True):
        level = found.setdefault(name, {"": (true, mine)})[""]
        if signal:
            found[name][signal] = (true - level[0], mine - level[1])
    return found


def _created_us() -> int:
    return CREATED.value // 1000


def _as_of(n: int) -> np.ndarray:
    return np.full(n, _created_us() + AGE_DAYS * DAY_US + 4 * HOUR_US)


def _truth(events: list[list[tuple[int, str]]]) -> np.ndarray:
    flat = [event for history in events for event in history]
    leads = pd.DataFrame([LEAD] * len(events))
    observed = ObservedEvents(
        created_us=np.full(len(events), _created_us()),
        prior=prior_of(leads, DEFAULT),
        offsets=np.cumsum([0, *map(len, events)]),
        at_us=np.array([at for at, _ in flat]),
        kind=np.array([w.KINDS.index(kind) for _, kind in flat]),
        mark=np.full((len(flat), 2), np.nan),
        level=np.full(len(flat), -1),
    )
    return true_probability(DEFAULT, observed, np.arange(len(events)), _as_of(len(events)))


def _scores(fitted: FittedModel, events: list[list[tuple[int, str]]], folder: Path) -> np.ndarray:
    ids = [f"L{i}" for i in range(len(events))]
    leads = pd.DataFrame([LEAD] * len(ids)).assign(lead_id=ids, created_at=CREATED)
    leads.to_csv(folder / "leads.csv", index=False)
    rows = [
        (name, pd.Timestamp(at * 1000, tz="UTC").isoformat(), kind)
        for name, history in zip(ids, events, strict=True)
        for at, kind in history
    ]
    table = pd.DataFrame(rows, columns=["lead_id", "occurred_at", "kind"])
    table.to_csv(folder / "interactions.csv", index=False)
    (folder / "dataset.toml").write_text('name = "asked"\n')
    histories = histories_from_dataset(read_dataset(folder, outcomes_required=False))
    lead = pd.Index(histories.lead_ids).get_indexer(ids).astype(np.int64)
    matrix = compute_vectors(fitted.spec, histories, References(lead, _as_of(len(ids))))
    return fitted.model.log_odds(matrix)


@pytest.mark.slow
def test_every_signal_of_the_scorecard_has_a_column(fitted: FittedModel) -> None:
    assert not set(SIGNALS) - {feature.topic for feature in fitted.spec.features}


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES)
@pytest.mark.parametrize("signal", SIGNALS)
def test_a_signal_moves_the_score_as_it_moves_the_truth(
    moved: dict[str, dict[str, tuple[float, float]]], history: str, signal: str
) -> None:
    truth, score = moved[history][signal]
    if abs(truth) >= MATERIAL:
        assert np.sign(score) == np.sign(truth), f"truth {truth:+.2f}, score {score:+.2f}"


@pytest.mark.slow
@pytest.mark.parametrize("history", HISTORIES)
def test_turning_away_is_worse_than_signing_up(
    moved: dict[str, dict[str, tuple[float, float]]], history: str
) -> None:
    assert moved[history]["unsubscribe"][1] < moved[history]["newsletter_signup"][1] - 0.1


@pytest.mark.slow
def test_a_lead_that_never_did_anything_scores_below_one_that_looks_around(
    moved: dict[str, dict[str, tuple[float, float]]],
) -> None:
    assert moved["silent"][""][1] < moved["active"][""][1]
