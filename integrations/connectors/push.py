"""Writing scores into a system's fields: only what changed, in batches, every failure reported."""

from __future__ import annotations

import hashlib
import json
import math
import os
import sqlite3
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar, Generic, Protocol

import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from features.csv_cells import restored
from features.errors import DataError, StorageBusy, UsageError
from integrations.connectors.web import RequestRefusedError, SystemApi

NAMES = ("probability", "band", "reasons", "as_of")
"""What is pushed of a score; each goes into a field of its own."""

DECIMALS = 4
"""The probability's digits: a change beyond them is none that a person sees."""

REFUSED_FOR_ITS_ROWS = (400, 404, 409, 422)


@dataclass(frozen=True)
class Score:
    """One lead's score as it is shown in the system; ``reasons`` are sentences, strongest first."""

    lead_id: str
    probability: float
    band: str
    reasons: str
    as_of: datetime


@dataclass(frozen=True)
class ScoresFile:
    """The last score of every lead in a file, and how many rows had an error in place of one."""

    scores: tuple[Score, ...]
    unscored: int


@dataclass
class PushReport:
    """What a push did: counts of leads, and each failure with the system's reason."""

    sent: int = 0
    unchanged: int = 0
    unscored: int = 0
    failures: list[tuple[str, str]] = field(default_factory=list)


class Target(Protocol):
    """A system that takes scores."""

    batch_size: int

    def check(self) -> None:
        """UsageError naming every field that is not there."""

    def write(self, batch: Sequence[Score]) -> Mapping[str, str]:
        """Write a batch; the reason of each lead that was refused, by id.

        Raises RequestRefusedError if the system refused the batch as a whole.
        """


class FieldTarget(Generic[SystemApi]):
    """A target that writes into fields of a lead, each of ``NAMES`` into one.

    ``types``: what the system calls the type that each field needs. ``advice``: how to have a
    field that is not there; it ends the sentence.
    """

    batch_size = 1
    noun: ClassVar[str]
    """How an error names a field: "Odoo has no lead field"."""

    types: ClassVar[Mapping[str, str]]
    advice: ClassVar[str]

    def __init__(self, api: SystemApi, fields: Mapping[str, str]) -> None:
        self._api = api
        self._fields = fields

    def _require(self, known: Container[str]) -> None:
        """UsageError naming every field that is not among ``known``, with the type it needs."""
        missing = [
            f"{target} ({self.types[name]})"
            for name, target in self._fields.items()
            if target not in known
        ]
        if missing:
            raise UsageError(f"{self.noun} {', '.join(missing)}{self.advice}")

    def _values(self, score: Score, as_of: str) -> dict[str, Any]:
        """A score's values by field; ``as_of`` as the system writes a moment."""
        values = {"probability": score.probability, "band": score.band, "reasons": score.reasons}
        return {self._fields[name]: value for name, value in {**values, "as_of": as_of}.items()}


def in_milliseconds(moment: datetime) -> str:
    """A moment as ISO 8601 in UTC, to the millisecond, with a Z.

    >>> in_milliseconds(datetime(2026, 4, 1, 12, tzinfo=UTC))
    '2026-04-01T12:00:00.000Z'
    """
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def field_names(defaults: Mapping[str, str], chosen: Sequence[str]) -> dict[str, str]:
    """The field of each of ``NAMES``; ``chosen`` has ``NAME=FIELD`` for those that differ.

    >>> field_names({"band": "lead_band", "as_of": "x"}, ["as_of=scored_on"])
    {'band': 'lead_band', 'as_of': 'scored_on'}
    """
    fields = dict(defaults)
    for one in chosen:
        name, _, target = one.partition("=")
        if name not in NAMES or not target:
            raise UsageError(f"--field {one!r}; expected NAME=FIELD with one of {', '.join(NAMES)}")
        fields[name] = target
    return fields


def read_scores(path: Path) -> ScoresFile:
    """The scores that ``leadscore score`` wrote; of a lead's several, the one with the last as_of.

    DataError if a column is missing or a value cannot be one; UsageError if there is no such file.
    """
    if not path.is_file():
        raise UsageError(f"{path} is no file; expected the scores that `leadscore score` wrote")
    table = _table(path)
    missing = {"lead_id", "as_of", "probability", "band"} - set(table.column_names)
    if missing:
        raise DataError(f"{path} has no column {', '.join(sorted(missing))}; expected scores")
    latest: dict[str, Score] = {}
    unscored = 0
    for number, row in enumerate(_rows(table), start=1):
        if row.get("probability") in (None, ""):
            unscored += 1
            continue
        score = _score(row, f"{path.name} row {number}", quoted=path.suffix == ".csv")
        kept = latest.get(score.lead_id)
        if kept is None or kept.as_of <= score.as_of:
            latest[score.lead_id] = score
    return ScoresFile(tuple(latest.values()), unscored)


def _table(path: Path) -> pa.Table:
    try:
        if path.suffix == ".parquet":
            return pq.read_table(path)
        with path.open(encoding="utf-8") as lines:
            names = lines.readline().strip().split(",")
        as_text = pa_csv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
        newlines = pa_csv.ParseOptions(newlines_in_values=True)
        return pa_csv.read_csv(path, convert_options=as_text, parse_options=newlines)
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as scores") from error


def _rows(table: pa.Table) -> Iterator[dict[str, Any]]:
    for batch in table.to_batches(max_chunksize=10_000):
        yield from batch.to_pylist()


def _score(row: Mapping[str, Any], where: str, *, quoted: bool) -> Score:
    """``quoted``: text may carry the apostrophe that keeps spreadsheets from running it."""

    def text(name: str) -> str:
        value = str(row.get(name) or "")
        return restored(value) if quoted else value

    try:
        probability = float(row["probability"])
        moment = row["as_of"]
        as_of = moment if isinstance(moment, datetime) else datetime.fromisoformat(str(moment))
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    if not (math.isfinite(probability) and 0 <= probability <= 1) or as_of.tzinfo is None:
        raise DataError(f"{where}: expected a probability of 0 to 1 and an as_of with a time zone")
    reasons = [text(name) for name in sorted(row) if name.startswith("reason_")]
    return Score(
        text("lead_id"),
        round(probability, DECIMALS),
        text("band"),
        "\n".join(filter(None, reasons)),
        as_of.astimezone(UTC),
    )


class SentScores:
    """A context manager over the file that knows what was sent: a digest of each lead's score.

    Raises StorageBusy while another push has it. The moment of a score is no part of its digest:
    a score that is as it was is not sent for its date alone.
    """

    def __init__(self, path: Path, target: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._target = target
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            # a commit that a loss of power takes away is sent again: no sync each time
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(
                "BEGIN EXCLUSIVE; CREATE TABLE IF NOT EXISTS sent "
                "(lead_id TEXT PRIMARY KEY, digest BLOB) WITHOUT ROWID; COMMIT;"
            )
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" not in str(error):
                raise
            raise StorageBusy(f"{path} is in use by another push; wait for its end") from error

    def __enter__(self) -> SentScores:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def changed(self, scores: Sequence[Score]) -> list[Score]:
        """Those whose probability, band or reasons are not what was last sent to this target."""
        known = dict(self._db.execute("SELECT lead_id, digest FROM sent"))
        return [score for score in scores if known.get(score.lead_id) != self._digest(score)]

    def mark(self, scores: Sequence[Score]) -> None:
        """These are sent."""
        rows = [(score.lead_id, self._digest(score)) for score in scores]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT OR REPLACE INTO sent VALUES (?, ?)", rows)
        self._db.execute("COMMIT")

    def _digest(self, score: Score) -> bytes:
        parts = [self._target, score.probability, score.band, score.reasons]
        return hashlib.sha256(json.dumps(parts).encode()).digest()[:16]


def push(target: Target, file: ScoresFile, sent: SentScores) -> PushReport:
    """Send what changed. What a batch has written is marked at once: a push that ends in the
    middle goes on from there. A lead that was refused is tried again by the next push.
    """
    changed = sent.changed(file.scores)
    report = PushReport(unchanged=len(file.scores) - len(changed), unscored=file.unscored)
    if changed:
        target.check()
    for start in range(0, len(changed), target.batch_size):
        batch = changed[start : start + target.batch_size]
        refused = _written(target, batch)
        good = [score for score in batch if score.lead_id not in refused]
        sent.mark(good)
        report.sent += len(good)
        report.failures += sorted(refused.items())
    return report


def _written(target: Target, batch: Sequence[Score]) -> dict[str, str]:
    """Write a batch; one that is refused as a whole is halved until the row at fault is alone."""
    try:
        return dict(target.write(batch))
    except RequestRefusedError as error:
        if error.status not in REFUSED_FOR_ITS_ROWS:
            raise
        if len(batch) == 1:
            return {batch[0].lead_id: error.reason or f"refused with {error.status}"}
    middle = len(batch) // 2
    return _written(target, batch[:middle]) | _written(target, batch[middle:])
