"""Fields that several messages have, and the base of every message that comes in."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

LONGEST_NAME, LONGEST_TEXT = 200, 1000
LeadId = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_NAME, description="the CRM's own id of the lead")
]
Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]
Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset")]
EventId = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]
LARGEST_AMOUNT = 1e15
"""Of a number in a request: sums and squares of any history stay far from what a double holds."""
Amount = Annotated[float, Meta(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT)]
Duration = Annotated[float, Meta(ge=0, le=LARGEST_AMOUNT)]
Known = bool | Amount | Text | None
ROWS = Meta(min_length=1, max_length=10_000)


class In(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Base of every message that comes in."""
