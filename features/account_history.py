"""What an account's other leads did, as answers of each lead: dated, so that no future is seen.

With ``account_features = true`` in dataset.toml, every lead with an account learns, at the moment
when it happens, how many of the account's *other* leads have been created, converted or lost so
far, and how many interactions they have had. These are answers like any other: the value as of a
moment is the last one strictly before it, through every door that reads the dataset. Unknown means
that nothing of that sort had happened, or that the lead has no account.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.accounts import accounts_of
from features.compute.array_types import DAY_US, Int64, Object
from features.contract import ACCOUNT_ATTRIBUTES, AttributeType, Available, Group, Outcome
from features.dataset import Dataset
from features.dataset_settings import AttributeSettings
from features.errors import DataError
from features.schemas import ANSWERS_SCHEMA, UTC_MICROSECONDS

MAX_LEADS_WITH_HISTORY = 50
"""Only so many leads of an account, the first created, count and are told: the answers grow with
the square of its leads. Not its size decides, which nobody knew before."""


@dataclass(frozen=True, slots=True)
class _Events:
    """Moments of leads (rows of the leads table), each worth ``count``."""

    lead: Int64
    at_us: Int64
    count: Int64


def with_account_history(dataset: Dataset) -> Dataset:
    """The dataset with these answers and their attributes declared.

    Raises DataError without accounts or time, or where an attribute has one of the names.
    """
    names = accounts_of(dataset)
    if names is None or not dataset.has_time:
        what = "a column account_id in leads" if names is None else "created_at in leads"
        raise DataError(f"account_features in dataset.toml needs {what}")
    if taken := sorted(set(ACCOUNT_ATTRIBUTES) & set(dataset.settings.attributes)):
        raise DataError(f"account_features makes {taken[0]!r}, which the data have already")
    answers = pa.concat_tables([dataset.answers, _answers(dataset, names)])
    declared = AttributeSettings(
        type=AttributeType.NUMBER, group=Group.FIT, available=Available.ANSWERED
    )
    attributes = dataset.settings.attributes | dict.fromkeys(ACCOUNT_ATTRIBUTES, declared)
    settings = dataset.settings.model_copy(update={"attributes": attributes})
    return Dataset(settings, dataset.leads, dataset.interactions, dataset.outcomes, answers)


def _answers(dataset: Dataset, names: pd.Series) -> pa.Table:
    account: Int64 = pd.factorize(names)[0].astype(np.int64)
    in_order = dataset.leads.assign(account=account).sort_values(["created_at", "lead_id"])
    rank = in_order.groupby("account").cumcount().reindex(dataset.leads.index).to_numpy()
    usable = (account >= 0) & (rank < MAX_LEADS_WITH_HISTORY)
    lead_ids = dataset.leads["lead_id"].to_numpy(dtype=object)
    tables = [
        _table(lead_ids, attribute, counts)
        for attribute, events in _events(dataset, lead_ids).items()
        for counts in _counts_of_others(events, account, usable)
    ]
    return pa.concat_tables([ANSWERS_SCHEMA.empty_table(), *tables])


def _events(dataset: Dataset, lead_ids: Object) -> dict[str, _Events]:
    place = pd.Series(np.arange(len(lead_ids)), index=lead_ids)

    def of_frame(frame: pd.DataFrame, column: str) -> _Events:
        lead = place.reindex(frame["lead_id"]).to_numpy(np.int64)
        moments = frame[column].astype("datetime64[us, UTC]").astype("int64").to_numpy(np.int64)
        return _Events(lead, np.asarray(moments, np.int64), np.ones(len(frame), np.int64))

    closed = {
        outcome: of_frame(dataset.outcomes[dataset.outcomes["outcome"] == outcome], "occurred_at")
        for outcome in (Outcome.CONVERTED.value, Outcome.LOST.value)
    }
    return {
        "account_leads": of_frame(dataset.leads, "created_at"),
        "account_conversions": closed[Outcome.CONVERTED.value],
        "account_losses": closed[Outcome.LOST.value],
        "account_interactions": _interactions_by_day(dataset.interactions, place),
    }


def _interactions_by_day(table: pa.Table, place: pd.Series) -> _Events:
    """The interactions of a lead on one day, at the last of them."""
    lead_id = table["lead_id"].cast(pa.string()).to_numpy(zero_copy_only=False)
    at_us = pc.cast(table["occurred_at"], pa.int64()).to_numpy(zero_copy_only=False)
    rows = pd.DataFrame({"lead": place.reindex(lead_id).to_numpy(np.int64), "at": at_us})
    days = rows.groupby(["lead", rows["at"] // DAY_US])["at"].agg(["max", "size"]).reset_index()
    return _Events(
        days["lead"].to_numpy(np.int64), days["max"].to_numpy(np.int64),
        days["size"].to_numpy(np.int64),
    )  # fmt: skip


def _counts_of_others(
    events: _Events, account: Int64, usable: np.ndarray
) -> Iterator[tuple[Int64, Int64, Int64]]:
    """Per account: (lead, moment, count so far of the account's other leads), one row a moment."""
    kept = np.flatnonzero(usable[events.lead])
    order = kept[np.lexsort((events.lead[kept], events.at_us[kept], account[events.lead[kept]]))]
    of = account[events.lead[order]]
    starts = np.flatnonzero(np.append(True, of[1:] != of[:-1])) if len(of) else np.zeros(0, int)
    members = _members(account, usable)
    for rows in np.split(order, starts[1:]) if len(of) else []:
        lead, at_us, count = events.lead[rows], events.at_us[rows], events.count[rows]
        for own in members[int(account[lead[0]])]:
            others = lead != own
            if not others.any():
                continue
            moments, so_far = at_us[others], np.cumsum(count[others])
            last = np.append(moments[1:] != moments[:-1], True)
            n = int(last.sum())
            yield np.full(n, own, np.int64), moments[last], so_far[last]


def _members(account: Int64, usable: np.ndarray) -> dict[int, list[int]]:
    """The leads of each usable account, by its number."""
    found: dict[int, list[int]] = {}
    for lead in np.flatnonzero(usable):
        found.setdefault(int(account[lead]), []).append(int(lead))
    return found


def _table(lead_ids: Object, attribute: str, counts: tuple[Int64, Int64, Int64]) -> pa.Table:
    lead, moments, count = counts
    return pa.table(
        {
            "lead_id": pa.array(lead_ids[lead], pa.string()),
            "answered_at": pa.array(moments, pa.int64()).cast(UTC_MICROSECONDS),
            "attribute": pa.array([attribute] * len(lead), pa.string()),
            "value": pa.array([str(n) for n in count], pa.string()),
        },
        schema=ANSWERS_SCHEMA,
    )
