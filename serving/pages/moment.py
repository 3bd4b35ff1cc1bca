"""The moment that a page is about: now, or where a store of the past says that its data end."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from serving.store.tables import dataset
from serving.timestamps import microseconds

OBSERVED_UNTIL = "observed_until"


def observed_until_us(connection: sa.Connection) -> int | None:
    """Until when the store's leads were observed, as its table ``dataset`` says; None: until now.

    A demo, or a dataset that was loaded to be looked at, ends in the past: its leads are shown as
    they stood then.
    """
    text = connection.scalar(sa.select(dataset.c.value).where(dataset.c.key == OBSERVED_UNTIL))
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip("\"'"))
    except ValueError:
        return None
    return microseconds(moment) if moment.tzinfo is not None else None
