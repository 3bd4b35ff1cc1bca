"""Ways in which a CRM lets the outcome into its data, and honest attributes that look bad.

Each leak is planted into the dataset of a simulation; ``plant`` returns the dataset and the names
that an audit has to find. The honest ones are added by ``with_decoys``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from features.contract import AttributeType, Available, Group
from features.dataset import Dataset
from features.dataset_settings import AttributeSettings
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA


@dataclass
class Ends:
    """How each lead of ``dataset.leads`` ended: flags (n,) and moments (NaT while open)."""

    won: np.ndarray
    lost: np.ndarray
    at: pd.Series

    @property
    def closed(self) -> np.ndarray:
        return self.won | self.lost


def ends_of(dataset: Dataset) -> Ends:
    ends = dataset.outcomes.set_index("lead_id").reindex(dataset.leads["lead_id"])
    outcome = ends["outcome"].to_numpy()
    return Ends(
        outcome == "converted", outcome == "lost", ends["occurred_at"].reset_index(drop=True)
    )


def add(dataset: Dataset, **columns: np.ndarray) -> Dataset:
    """The dataset with more attributes, their availability inferred, not confirmed."""
    leads = dataset.leads.copy()
    settings = dict(dataset.settings.attributes)
    said = list(dataset.inferred)
    for name, values in columns.items():
        numeric = values.dtype != object
        leads[name] = values.astype(float) if numeric else pd.Series(values, dtype=object)
        kind = AttributeType.NUMBER if numeric else AttributeType.CATEGORY
        settings[name] = AttributeSettings(
            type=kind, group=Group.OTHER, available=Available.AT_CREATION
        )
        said.append(f"{name}: inferred type {kind.value}, available at_creation")
    changed = dataset.settings.model_copy(update={"attributes": settings})
    return replace(dataset, leads=leads, settings=changed, inferred=tuple(said))


def words(rng: np.random.Generator, n: int, names: list[str], shares=None) -> np.ndarray:
    return rng.choice(np.array(names, dtype=object), size=n, p=shares)


def known_if(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    return (
        np.where(known, values, None) if values.dtype == object else np.where(known, values, np.nan)
    )


def copy_of_outcome(rng, dataset, ends):
    n = len(ends.won)
    said = np.where(ends.won, "customer", "no deal").astype(object)
    wrong = (rng.random(n) < 0.08) | ~ends.closed
    said[wrong] = words(rng, int(wrong.sum()), ["customer", "no deal", "talking"], [0.1, 0.5, 0.4])
    return add(dataset, a1=said)


def filled_after_closing(rng, dataset, ends):
    reason = words(rng, len(ends.won), ["price", "service", "timing", "other"])
    return add(dataset, a1=known_if(reason, ends.closed & (rng.random(len(reason)) < 0.7)))


def unknown_knows(rng, dataset, ends):
    n = len(ends.won)
    known = rng.random(n) < np.where(ends.won, 0.85, 0.04)
    return add(dataset, a1=known_if(rng.normal(100, 15, n).round(), known))


def reason_of_loss(rng, dataset, ends):
    n = len(ends.won)
    reason = words(rng, n, ["too dear", "competitor", "no answer"])
    return add(dataset, a1=known_if(reason, ends.lost & (rng.random(n) < 0.8)))


def money_of_buyers(rng, dataset, ends):
    amount = np.exp(rng.normal(7, 1, len(ends.won))).round(2)
    return add(dataset, a1=np.where(ends.won & (rng.random(len(amount)) < 0.9), amount, 0.0))


def rated_afterwards(rng, dataset, ends):
    n = len(ends.won)
    rating = words(rng, n, ["A", "B", "C", "D"], [0.05, 0.25, 0.4, 0.3])
    rating[ends.won] = words(
        rng, int(ends.won.sum()), ["A", "B", "C", "D"], [0.65, 0.28, 0.06, 0.01]
    )
    return add(dataset, a1=known_if(rating, rng.random(n) < 0.8))


def total_counter(rng, dataset, _ends):
    counts = dataset.interactions.to_pandas()["lead_id"].value_counts()
    total = dataset.leads["lead_id"].map(counts).fillna(0).to_numpy(float)
    return add(dataset, a1=total + rng.poisson(0.5, len(total)))


def last_thing_done(_rng, dataset, _ends):
    last = dataset.interactions.to_pandas().groupby("lead_id")["kind"].last()
    value = dataset.leads["lead_id"].map(last).astype(object)
    return add(dataset, a1=value.where(value.notna(), None).to_numpy(dtype=object))


def two_moments(rng, dataset, ends):
    n = len(ends.won)
    created = dataset.leads["created_at"].dt.as_unit("s").astype("int64").to_numpy(float)
    start = created + rng.uniform(0, 40 * 86_400, n)
    length = np.exp(rng.normal(np.where(ends.won, 6.6, 5.0), 0.7, n))
    return add(dataset, a1=start.round(), a2=(start + length).round())


def answers_written_back(_rng, dataset, _ends):
    answers = dataset.answers.to_pandas()
    last = answers[answers["attribute"] == "need"].groupby("lead_id")["value"].last()
    value = dataset.leads["lead_id"].map(last).astype(object)
    return add(dataset, a1=value.where(value.notna(), None).to_numpy(dtype=object))


def length_of_talk(rng, dataset, ends):
    talk = np.exp(rng.normal(np.where(ends.won, 6.4, 5.0), 0.75, len(ends.won)))
    return add(dataset, a1=talk.round())


def _us(moments: pd.Series) -> np.ndarray:
    return pd.DatetimeIndex(moments).as_unit("us").asi8


def _near_closing(dataset: Dataset, ends: Ends, chosen: np.ndarray, seconds: np.ndarray):
    """Lead ids and moments so many seconds from the outcome, but not before creation."""
    at = _us(ends.at.iloc[chosen]) + seconds.astype(np.int64) * 1_000_000
    at = np.maximum(at, _us(dataset.leads["created_at"].iloc[chosen]))
    return list(dataset.leads["lead_id"].iloc[chosen]), at


def _more_interactions(dataset: Dataset, lead: list[str], at: np.ndarray) -> Dataset:
    n = len(lead)
    rows = {
        name: pa.nulls(n, INTERACTIONS_SCHEMA.field(name).type) for name in ("value", "channel")
    }
    rows |= {"duration_s": pa.nulls(n, pa.float64()), "kind": ["k1"] * n, "lead_id": lead}
    rows |= {"occurred_at": at, "event_id": [f"planted{i}" for i in range(n)]}
    more = pa.table({f.name: pa.array(rows[f.name], f.type) for f in INTERACTIONS_SCHEMA})
    return replace(dataset, interactions=pa.concat_tables([dataset.interactions, more]))


def kind_before_the_outcome(rng, dataset, ends):
    chosen = np.flatnonzero(ends.won & (rng.random(len(ends.won)) < 0.9))
    seconds = -rng.uniform(60, 3_000, len(chosen))
    return _more_interactions(dataset, *_near_closing(dataset, ends, chosen, seconds))


def kind_after_the_outcome(rng, dataset, ends):
    chosen = np.flatnonzero(ends.won & (rng.random(len(ends.won)) < 0.9))
    seconds = rng.uniform(0, 86_400, len(chosen))
    return _more_interactions(dataset, *_near_closing(dataset, ends, chosen, seconds))


def answered_when_closing(rng, dataset, ends):
    chosen = np.flatnonzero(ends.closed)
    lead, at = _near_closing(dataset, ends, chosen, -rng.uniform(0, 2_000, len(chosen)))
    value = ["yes" if won else "no" for won in ends.won[chosen]]
    rows = {"lead_id": lead, "answered_at": at, "attribute": ["a1"] * len(lead), "value": value}
    more = pa.table({f.name: pa.array(rows[f.name], f.type) for f in ANSWERS_SCHEMA})
    settings = dict(dataset.settings.attributes)
    settings["a1"] = AttributeSettings(
        type=AttributeType.CATEGORY, group=Group.OTHER, available=Available.ANSWERED
    )
    return replace(
        dataset,
        answers=pa.concat_tables([dataset.answers, more]),
        settings=dataset.settings.model_copy(update={"attributes": settings}),
    )


def flag_of_buyers(rng, dataset, ends):
    return add(dataset, a1=(rng.random(len(ends.won)) < np.where(ends.won, 0.9, 0.3)).astype(float))


def last_change(rng, dataset, ends):
    n = len(ends.won)
    since = _us(dataset.leads["created_at"]) / 1e6 + rng.uniform(0, 40 * 86_400, n)
    closed = _us(ends.at) / 1e6 + rng.exponential(18_000, n)
    return add(dataset, a1=np.where(ends.closed, closed, since).round())


def emptied_when_closing(rng, dataset, ends):
    n = len(ends.won)
    return add(dataset, a1=known_if(rng.normal(0, 1, n), ~ends.closed | (rng.random(n) < 0.02)))


def softly_rated(rng, dataset, ends):
    rating = words(rng, len(ends.won), ["A", "B", "C"], [0.15, 0.35, 0.5])
    rating[ends.won] = words(rng, int(ends.won.sum()), ["A", "B", "C"], [0.6, 0.3, 0.1])
    return add(dataset, a1=rating)


def soft_length_of_talk(rng, dataset, ends):
    talk = np.exp(rng.normal(np.where(ends.won, 6.0, 5.0), 0.8, len(ends.won)))
    return add(dataset, a1=talk.round())


def softly_known(rng, dataset, ends):
    n = len(ends.won)
    known = rng.random(n) < np.where(ends.won, 0.6, 0.15)
    return add(dataset, a1=known_if(rng.normal(0, 1, n), known))


Planter = Callable[[np.random.Generator, Dataset, Ends], Dataset]
LEAKS: dict[str, tuple[Planter, tuple[str, ...]]] = {
    "a copy of the outcome, 8 % wrong": (copy_of_outcome, ("a1",)),
    "filled in only after closing, saying nothing": (filled_after_closing, ("a1",)),
    "known for buyers, seldom for others": (unknown_knows, ("a1",)),
    "a reason of loss": (reason_of_loss, ("a1",)),
    "money that only buyers spend": (money_of_buyers, ("a1",)),
    "rated by sales afterwards": (rated_afterwards, ("a1",)),
    "a counter that ran on to the end": (total_counter, ("a1",)),
    "the last thing the lead did, ever": (last_thing_done, ("a1",)),
    "two moments whose gap knows": (two_moments, ("a1", "a2")),
    "answers written back into the lead": (answers_written_back, ("a1",)),
    "length of the talk that decided": (length_of_talk, ("a1",)),
    "a kind within the hour before the purchase": (kind_before_the_outcome, ("k1",)),
    "a kind after the purchase": (kind_after_the_outcome, ("k1",)),
    "an answer given when closing": (answered_when_closing, ("a1",)),
    "a flag set for 90 % of buyers, 30 % of others": (flag_of_buyers, ("a1",)),
    "the moment of the last change": (last_change, ("a1",)),
    "emptied when closing": (emptied_when_closing, ("a1",)),
}
SUBTLE: dict[str, tuple[Planter, tuple[str, ...]]] = {
    "soft: rated A by 60 % of buyers, 15 % of others": (softly_rated, ("a1",)),
    "soft: a talk longer by one spread (AUC 0.8)": (soft_length_of_talk, ("a1",)),
    "soft: known for 60 % of buyers, 15 % of others": (softly_known, ("a1",)),
}
"""No stronger than an honest attribute may be: shown beside the others, not counted with them."""


def with_decoys(rng: np.random.Generator, dataset: Dataset, truth: np.ndarray) -> Dataset:
    """Add eight honest attributes: strong, half empty, introduced late, drifting, plain noise.

    ``truth`` (n,): the true probability at creation, which an honest score may well follow.
    """
    n = len(dataset.leads)
    hint = np.log(truth / (1 - truth)) + rng.normal(0, 0.8, n)
    late = np.arange(n) > n * 0.6
    likely = truth > np.quantile(truth, 0.6)
    fits = np.where(rng.random(n) < np.where(likely, 0.7, 0.35), "yes", "no").astype(object)
    return add(
        dataset,
        d_strong=hint.round(2),
        d_half_empty=known_if(hint.round(2) + rng.normal(0, 1, n), rng.random(n) < 0.5),
        d_fuller_for_likely=known_if(
            rng.normal(0, 1, n), rng.random(n) < np.where(likely, 0.7, 0.45)
        ),
        d_introduced_late=known_if(fits, late),
        d_drifting=np.linspace(0, 10, n) + rng.normal(0, 1, n),
        d_skewed=np.where(rng.random(n) < 0.9, 0.0, np.exp(rng.normal(3, 1, n)).round()),
        d_noise=words(rng, n, [f"v{i}" for i in range(30)]),
        d_fit=fits,
    )


def plant(name: str, dataset: Dataset, seed: int) -> tuple[Dataset, tuple[str, ...]]:
    """The dataset with one leak, and what has to be found."""
    planter, names = (LEAKS | SUBTLE)[name]
    return planter(np.random.default_rng(seed), dataset, ends_of(dataset)), names
