"""Which questions to ask when nobody says: every open lead, at the end of what was observed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.dataset import Dataset
from features.errors import DataError
from features.histories import NO_TIME, Int64, Object


def open_leads(dataset: Dataset) -> tuple[Object, Int64]:
    """(lead_ids, as_of in microseconds since 1970 UTC) of every lead without an outcome.

    In the order of the leads table, at ``observed_until``. Without time: every lead, with
    ``NO_TIME`` as its moment. Raises DataError when ``observed_until`` is not known.
    """
    lead_ids = dataset.leads["lead_id"].to_numpy(dtype=object)
    if not dataset.has_time:
        return lead_ids, np.full(len(lead_ids), NO_TIME, dtype=np.int64)
    is_open = ~dataset.leads["lead_id"].isin(dataset.outcomes["lead_id"]).to_numpy()
    observed = dataset.settings.observed_until
    if observed is None:
        raise DataError("observed_until is unknown; set it in dataset.toml")
    until = pd.Timestamp(observed).as_unit("us").asm8.astype(np.int64)
    chosen = lead_ids[is_open]
    return chosen, np.full(len(chosen), until, dtype=np.int64)
