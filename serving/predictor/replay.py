"""Replay of a past score from its stored history, moment and release, bit for bit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.errors import DataError, LeadscoreError, StorageError
from scoring.release.store import ReleaseStore
from serving.messages.scores import ScoreRequest
from serving.predictor.active_release import prepare
from serving.predictor.predictor import Prediction, Predictor, predict_one, query_of_request
from serving.predictor.query import QueryContext
from serving.predictor.score_log import BODY, vector_hash
from serving.predictor.stored_lead import query_of_stored_lead
from serving.settings import Settings
from serving.store.database import connect, failure, store_url
from serving.store.histories import Read, history
from serving.store.migrate import schema_version
from serving.store.tables import score
from serving.timestamps import Clock, moment_of

_request = msgspec.json.Decoder(ScoreRequest)


NOT_OF_THE_SCORE = frozenset({"next_step", "label", "notes"})
"""The playbook's advice of today, and texts: neither is a part of the score or its release."""


TEXTS = frozenset({"text", "rule"})
"""Of a reason: how today's version words it. Its feature, value and share are the score's."""


@dataclass(frozen=True)
class Replayed:
    """``identical``: vector and answer are those of then, to the last bit; else what differs.

    The wording of reasons and notes is not compared: a later version may say it better.
    """

    score_id: str
    identical: bool
    differences: tuple[str, ...]
    then: dict[str, Any]
    now: dict[str, Any]


def replay(settings: Settings, score_id: str) -> Replayed:
    """Give a stored score again from its stored input, as_of and release.

    DataError when there is no such score or its lead's history is gone; ReleaseError when its
    release is not on this machine any more.
    """
    engine = connect(store_url(settings))
    if schema_version(engine) is None:
        raise DataError("there is no store yet; it is made when `leadscore serve` first runs")
    try:
        with engine.begin() as connection:
            row = connection.execute(sa.select(score).where(score.c.score_id == score_id)).first()
            if row is None:
                raise DataError("no such score in the store; a score just given takes a second")
            prediction = _again(settings, connection, row)
    except SQLAlchemyError as error:
        raise failure(error) from error
    finally:
        engine.dispose()
    return _compared(row, prediction)


def _again(settings: Settings, connection: sa.Connection, row: sa.Row[Any]) -> Prediction:
    predictor = _release_of(settings, row)
    now = moment_of(row.asked_us)
    clock = Clock(now, now + timedelta(seconds=settings.clock_skew_s))
    context = QueryContext(clock, row.language, row.n_reasons, moment_of(row.as_of_us))
    if row.origin == BODY:
        request = _request.decode(row.input.encode())
        return predict_one(predictor, query_of_request(predictor, request, context))
    stored = history(connection, row.lead_id, msgspec.json.decode(row.input, type=Read))
    if stored is None:
        raise DataError("the history behind this score is not in the store any more")
    return predict_one(predictor, query_of_stored_lead(stored, context, predictor))


def _release_of(settings: Settings, row: sa.Row[Any]) -> Predictor:
    folders = [ReleaseStore(settings.home).releases / row.release_id]
    if settings.release is not None:
        folders.append(settings.release)
    for folder in (f for f in folders if Path(f).is_dir()):
        try:
            found = prepare(folder, row.version, settings)
        except LeadscoreError:
            continue
        if found.release_id == row.release_id:
            return found
    raise StorageError(
        f"release {row.release_id} is not on this machine; bring it: leadscore fetch VERSION"
    )


def _compared(row: sa.Row[Any], prediction: Prediction) -> Replayed:
    then = json.loads(row.answer)
    now = json.loads(msgspec.json.encode(prediction.answer))
    now["score_id"] = then["score_id"]
    differences = [
        name
        for name in {**then, **now}
        if name not in NOT_OF_THE_SCORE and _numbers(then.get(name)) != _numbers(now.get(name))
    ]
    if vector_hash(prediction) != row.vector_hash:
        differences.append("vector")
    return Replayed(row.score_id, not differences, tuple(differences), then, now)


def _numbers(value: Any) -> Any:
    """A part of an answer without the wording of its reasons."""
    if isinstance(value, dict):
        return {key: _numbers(each) for key, each in value.items() if key not in TEXTS}
    return [_numbers(each) for each in value] if isinstance(value, list) else value
