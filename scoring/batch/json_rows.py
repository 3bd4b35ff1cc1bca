"""Whole histories in the rows of a table: attributes, interactions and answers as JSON text.

The form in which tools that know tables only (MLflow's model server, a warehouse) ask for scores.
A row is about one lead; what is wrong with it is in the ``error`` of its own result.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd

from features.errors import DataError, LeadscoreError
from features.histories.arrays import NO_TIME, References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.reasons import top_reasons
from scoring.release.release import Release
from scoring.scores import score

COLUMNS = ["lead_id", "probability", "low", "high", "band", "reasons", "error"]


def answer_row(release: Release, row: dict[str, Any]) -> dict[str, Any]:
    """The result of one row; what is wrong with the row is in ``error``."""
    empty = (str(row["lead_id"]), np.nan, np.nan, np.nan, "", "[]", "")
    result = dict(zip(COLUMNS, empty, strict=True))
    try:
        return result | _scored(release, row)
    except LeadscoreError as problem:
        return result | {"error": str(problem)}


def _scored(release: Release, row: dict[str, Any]) -> dict[str, Any]:
    as_of_us = _moment("as_of", row.get("as_of")) if release.has_time else 0
    histories = histories_from_records([_record(row)])
    references = References(np.zeros(1, np.int64), np.array([as_of_us], np.int64))
    scores = score(release, histories, references)
    reasons = top_reasons(release.spec, scores.vectors[0], scores.contributions[0])
    return {
        "probability": float(scores.probability[0]),
        "low": float(scores.low[0]),
        "high": float(scores.high[0]),
        "band": str(scores.band[0]),
        "reasons": json.dumps(
            [{"text": reason.text, "contribution": reason.contribution} for reason in reasons]
        ),
    }


def _record(row: dict[str, Any]) -> LeadRecord:
    attributes = _object(row, "attributes")
    interactions = _objects(row, "interactions")
    answers = _objects(row, "answers")
    created = row.get("created_at")
    return LeadRecord(
        str(row["lead_id"]),
        NO_TIME if _absent(created) else _moment("created_at", created),
        {str(name): _value(f"attributes.{name}", value) for name, value in attributes.items()},
        RecordColumns(
            kinds=[_text("interactions.kind", each.get("kind")) for each in interactions],
            at_us=_moments("interactions.occurred_at", interactions),
            values=[_number("interactions.value", each.get("value")) for each in interactions],
            durations_s=[
                _number("interactions.duration_s", each.get("duration_s")) for each in interactions
            ],
            event_ids=[_event_id(each.get("event_id")) for each in interactions],
            attributes=[_text("answers.attribute", each.get("attribute")) for each in answers],
            answered_us=_moments("answers.answered_at", answers),
            answers=[_value("answers.value", each.get("value")) for each in answers],
        ),
    )


def _object(row: dict[str, Any], column: str) -> dict[str, Any]:
    found = _json(row, column, "{}")
    if not isinstance(found, dict):
        raise DataError(f"{column} is not a JSON object")
    return found


def _objects(row: dict[str, Any], column: str) -> list[dict[str, Any]]:
    found = _json(row, column, "[]")
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise DataError(f"{column} is not a JSON array of objects")
    return found


def _json(row: dict[str, Any], column: str, nothing: str) -> Any:
    text = row.get(column)
    try:
        return json.loads(nothing if _absent(text) or text == "" else str(text))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{column} is not JSON text") from error


_EXPECTED = "expected text such as 2026-03-01T09:30:00Z"


def _absent(value: Any) -> bool:
    return value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value))


def _moment(where: str, value: Any) -> int:
    """Microseconds since 1970 UTC of ISO 8601 text with an offset."""
    try:
        moment = datetime.fromisoformat(value)
    except (TypeError, ValueError) as error:
        raise DataError(
            f"{where} is not a moment; expected text as 2026-03-01T09:30:00Z"
        ) from error
    if moment.tzinfo is None:
        raise DataError(f"{where} has no offset; {_EXPECTED}")
    since = moment.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _moments(where: str, rows: list[dict[str, Any]]) -> list[int]:
    column = where.partition(".")[2]
    return [_moment(where, row.get(column)) for row in rows]


def _event_id(value: Any) -> str | None:
    return None if value is None else _text("interactions.event_id", value)


def _text(where: str, value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise DataError(f"{where} is missing or not text")
    return value


def _number(where: str, value: Any) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) < 1e300:
        raise DataError(f"{where} is not a number")
    return float(value)


def _value(where: str, value: Any) -> float | str | bool | None:
    if value is None or isinstance(value, str | bool):
        return value
    return _number(where, value)


def answer_rows(release: Release, questions: pd.DataFrame) -> pd.DataFrame:
    """One result a row, in the order given; columns as COLUMNS.

    ``questions`` hold ``lead_id``, ``as_of`` and perhaps ``created_at`` (ISO 8601 with an offset)
    and the JSON texts ``attributes`` (an object), ``interactions`` and ``answers`` (arrays of
    objects with the columns of the data contract). A row that cannot be scored has ``error`` filled
    in and NaN for its numbers.
    """
    rows: list[dict[Any, Any]] = questions.to_dict(orient="records")
    return pd.DataFrame([answer_row(release, row) for row in rows], columns=COLUMNS)
