"""Accounts: the firm that several leads belong to, where the data name one.

Leads of one account decide together, so they are not independent observations: folds keep them on
one side, and standard errors count accounts. An account that holds a large part of all leads is no
firm (a free mail provider, a placeholder); its leads are counted one by one.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.compute.array_types import Int64
from features.dataset import Dataset
from features.language.plural import plural
from features.schemas import ACCOUNT_COLUMN

MIN_LEADS_OF_LARGE_ACCOUNT = 50
MAX_ACCOUNT_SHARE = 0.05
"""An account with so many leads, and more than this share of all, is not taken for one."""


def accounts_of(dataset: Dataset) -> pd.Series | None:
    """(n_leads) names of accounts, None where unknown; None where the data name no accounts.

    An attribute that dataset.toml declares under this name stays an attribute.
    """
    leads = dataset.leads
    if ACCOUNT_COLUMN not in leads or ACCOUNT_COLUMN in dataset.settings.attributes:
        return None
    return leads[ACCOUNT_COLUMN]


def large_accounts(names: pd.Series) -> list[str]:
    """Names that too many leads share to be a firm's, by name.

    >>> large_accounts(pd.Series(["gmail.com"] * 60 + [f"firm {i}" for i in range(400)]))
    ['gmail.com']
    """
    counts = names.value_counts()
    many = counts[
        (counts >= MIN_LEADS_OF_LARGE_ACCOUNT) & (counts > MAX_ACCOUNT_SHARE * len(names))
    ]
    return sorted(str(name) for name in many.index)


def account_numbers(names: pd.Series | None, n_leads: int) -> Int64:
    """(n_leads) the row of the first lead of each lead's account: its own row where it has none.

    >>> account_numbers(pd.Series(["Acme", None, "Acme"]), 3).tolist()
    [0, 1, 0]
    """
    own = np.arange(n_leads, dtype=np.int64)
    if names is None:
        return own
    known = (names.notna() & ~names.isin(large_accounts(names))).to_numpy()
    code, _ = pd.factorize(names[known])
    rows = own[known]
    first = pd.Series(rows).groupby(code).transform("min").to_numpy(np.int64)
    own[known] = first if len(rows) else rows
    return own


def lead_accounts(dataset: Dataset) -> dict[str, str] | None:
    """Lead id → account, of the leads that have one; None where the data name no accounts.

    Large accounts are in it: they are left out of folds and errors alone.
    """
    names = accounts_of(dataset)
    if names is None:
        return None
    known = names.notna()
    return dict(zip(dataset.leads["lead_id"][known], names[known], strict=True))


def accounts_in_words(dataset: Dataset) -> tuple[str, ...]:
    """What is reported of a dataset's accounts: how many there are, and which are not taken."""
    names = accounts_of(dataset)
    if names is None:
        return ()
    large = large_accounts(names)
    number = names.nunique() - len(large)
    sentences = [
        "account_id: "
        + plural(number, "{n:,} account", "{n:,} accounts")
        + "; leads of one are kept together in folds, and standard errors count accounts"
    ]
    sentences += [
        f"account_id: {name!r} has {int((names == name).sum()):,} of {len(names):,} leads: too "
        "many for a firm, so they are counted one by one"
        for name in large
    ]
    return tuple(sentences)
