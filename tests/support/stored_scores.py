"""Rows of the score log made by hand, and stores of our own to put them into."""

from __future__ import annotations

from pathlib import Path

import msgspec
import sqlalchemy as sa

from serving.outbox.changes import ChangePolicy
from serving.store.database import connect
from serving.store.migrate import migrate
from serving.store.scores import ScoreRow, move_in
from serving.store.tombstones import Tombstones

MINUTE_US = 60_000_000
START_US = 1_767_225_600_000_000  # 2026-01-01

TOMBSTONES = Tombstones([b"key"])


def new_store(folder: Path) -> sa.Engine:
    engine = connect(f"sqlite:///{folder / 'store.db'}")
    migrate(engine)
    return engine


def score_row(
    lead_id: str,
    minute: int,
    probability: float,
    band: str = "cold",
    reason: str | None = "page_view.count",
    release: str = "R1",
    **changed: object,
) -> ScoreRow:
    """A score of a lead ``minute`` minutes after the start."""
    reasons = [] if reason is None else [{"feature": reason, "text": f"says {reason}"}]
    at_us = START_US + minute * MINUTE_US
    row = {
        "score_id": f"{lead_id}-{minute}-{release}",
        "lead_id": lead_id,
        "as_of_us": at_us,
        "asked_us": at_us,
        "release_id": release,
        "version": release[1:],
        "role": "champion",
        "probability": probability,
        "band": band,
        "vector_hash": "0" * 32,
        "origin": "body",
        "language": "en",
        "n_reasons": 3,
        "input": msgspec.Raw(b'{"attributes": {"owner": "ada", "seats": 3}}'),
        "answer": msgspec.Raw(msgspec.json.encode({"reasons": reasons})),
        "shares": "[]",
    }
    return ScoreRow(**{**row, **changed})


def enter(engine: sa.Engine, *rows: ScoreRow, policy: ChangePolicy | None = None) -> None:
    """Move scores into the store, in one transaction."""
    with engine.execution_options(writes=True).begin() as connection:
        move_in(connection, rows, TOMBSTONES, policy)
