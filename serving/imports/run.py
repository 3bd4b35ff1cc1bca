"""Import jobs carried out: slices of rows through the same endpoints that callers use."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import groupby, islice
from pathlib import Path
from typing import Any

import msgspec

from features.compute.atomic import locked_file
from features.errors import DataError, StorageError
from serving.http.request import Endpoint, Request, decode
from serving.imports.job import FOLDER, ImportJob, JobFolder, Lines
from serving.problems import FieldError, Problem, problem_from, validation_problem
from serving.timestamps import Clock

log = logging.getLogger("leadscore.serving")


SLICE_ROWS = 1000


LEADS_AT_ONCE = 64


MAX_DEPTH = 12
"""Nesting of a lead."""


LOOK_S = 0.5


AGAIN_S = 2.0
"""How long a job waits before it tries again what the store could not do."""


KEPT_DAYS = 30.0
"""How long the state and report of a finished job stay."""


KINDS = {"lead": "leads", "interaction": "interactions", "answer": "answers", "outcome": "outcomes"}
"""What a line holds, and the list that the endpoint for it takes; loaded in this order."""


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    lead: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    interaction: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    answer: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    outcome: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


_line = msgspec.json.Decoder(_Line)


_lead = msgspec.json.Decoder(dict[str, Any])


class ImportRow(msgspec.Struct, frozen=True):
    """One row: its line from 1 on, what it is, its JSON; ``kind`` empty for what is no row."""

    line: int
    kind: str
    text: bytes


class ImportRunner:
    """Carries out the jobs of one home, one at a time; of several processes one takes each.

    ``endpoints``: the endpoint of each list of ``KINDS``, and ``lead`` for one lead.
    """

    def __init__(self, home: Path, endpoints: dict[str, Endpoint], limit: int) -> None:
        self._home, self._endpoints, self._limit = home, endpoints, limit

    async def run(self) -> None:
        """Look for jobs and carry them out, for as long as the service lives."""
        loop = asyncio.get_running_loop()
        while True:
            try:
                for folder in await loop.run_in_executor(None, unfinished, self._home):
                    with locked_file(folder.lock, wait=False, mode=0o600) as is_ours:
                        if is_ours:
                            await self._carry_out(folder)
            except (StorageError, OSError) as error:
                log.warning("an import waits", extra={"error": type(error).__name__})
                await asyncio.sleep(AGAIN_S)
            await asyncio.sleep(LOOK_S)

    async def _carry_out(self, folder: JobFolder) -> None:
        job = folder.state()
        if job is None or job.is_over:
            return
        job = msgspec.structs.replace(job, status="running")
        loop = asyncio.get_running_loop()
        lines = Lines(folder.rows, job.coding, self._limit)
        rows = numbered(lines, job.rows)
        try:
            while part := await loop.run_in_executor(None, _next, rows):
                outcome = await self._load(part, job.actor)
                if folder.is_cancelled:
                    job = msgspec.structs.replace(job, status="cancelled")
                    break
                job = _counted(job, outcome, lines.bytes_read)
                refused = sorted(outcome.refused, key=lambda line: line["line"])
                end = await loop.run_in_executor(None, folder.append_report, job, refused)
                job = msgspec.structs.replace(job, reported_bytes=end)
                await loop.run_in_executor(None, folder.save, job)
            else:
                job = msgspec.structs.replace(job, status="done", share=1.0)
        except DataError as error:
            job = msgspec.structs.replace(job, status="failed", error=str(error))
        finished = Clock.read(0).now.isoformat(timespec="seconds")
        folder.save(msgspec.structs.replace(job, finished_at=finished))
        folder.forget_rows()

    async def _load(self, rows: list[ImportRow], actor: str) -> SliceOutcome:
        outcome = SliceOutcome(refused=[_not_a_row(row) for row in rows if not row.kind])
        order = list(KINDS)
        ordered = sorted((row for row in rows if row.kind), key=lambda row: order.index(row.kind))
        for kind, group in groupby(ordered, key=lambda row: row.kind):
            if kind == "lead":
                outcome += await self._put_leads(list(group), actor)
            else:
                outcome += await self._send(KINDS[kind], list(group), actor)
        return outcome

    async def _put_leads(self, rows: list[ImportRow], actor: str) -> SliceOutcome:
        """Leads through their endpoint, some at once: the writer commits those together."""
        outcome = SliceOutcome()
        for start in range(0, len(rows), LEADS_AT_ONCE):
            part = rows[start : start + LEADS_AT_ONCE]
            for one in await asyncio.gather(*(self._put_lead(row, actor) for row in part)):
                outcome += one
        return outcome

    async def _put_lead(self, row: ImportRow, actor: str) -> SliceOutcome:
        try:
            lead = decode(_lead, row.text, MAX_DEPTH)
            lead_id = lead.pop("lead_id", None)
            if not isinstance(lead_id, str):
                raise validation_problem("$.lead_id", "expected the id of the lead, a text")
            request = Request({}, msgspec.json.encode(lead), b"", {"lead_id": lead_id}, "", actor)
            response = await self._endpoints["lead"](request)
        except (Problem, DataError) as error:
            problem = _of_the_caller(error)
            why = {409: "conflict", 410: "erased"}.get(problem.status, "invalid")
            errors = _of_the_row(problem.errors, problem.detail)
            return SliceOutcome(refused=[_refused(row, why, errors)])
        unchanged = msgspec.json.decode(response.body)["became"] == "unchanged"
        return SliceOutcome(repeated=1) if unchanged else SliceOutcome(taken=1)

    async def _send(self, name: str, rows: list[ImportRow], actor: str) -> SliceOutcome:
        """Rows of one kind through their endpoint; halves apart when one of them spoils all."""
        body = b'{"%s":[%s]}' % (name.encode(), b",".join(row.text for row in rows))
        try:
            response = await self._endpoints[name](Request({}, body, b"", {}, "", actor))
        except (Problem, DataError) as error:
            problem = _of_the_caller(error)
            if len(rows) == 1:
                errors = _of_the_row(problem.errors, problem.detail)
                return SliceOutcome(refused=[_refused(rows[0], "invalid", errors)])
            half = len(rows) // 2
            first = await self._send(name, rows[:half], actor)
            return first + await self._send(name, rows[half:], actor)
        counts = msgspec.json.decode(response.body)
        return SliceOutcome(
            counts["taken"],
            counts["repeated"],
            [
                _refused(rows[one["index"]], one["why"], _of_the_row_raw(one))
                for one in counts["refused"]
            ],
        )


@dataclass(frozen=True)
class SliceOutcome:
    """How many rows were taken, and were there already; a report line for each refused one."""

    taken: int = 0
    repeated: int = 0
    refused: list[dict[str, Any]] = field(default_factory=list)

    def __add__(self, other: SliceOutcome) -> SliceOutcome:
        return SliceOutcome(
            self.taken + other.taken, self.repeated + other.repeated, self.refused + other.refused
        )


def _counted(job: ImportJob, outcome: SliceOutcome, bytes_read: int) -> ImportJob:
    refused = len(outcome.refused)
    return msgspec.structs.replace(
        job,
        rows=job.rows + outcome.taken + outcome.repeated + refused,
        taken=job.taken + outcome.taken,
        repeated=job.repeated + outcome.repeated,
        refused=job.refused + refused,
        share=min(0.99, bytes_read / max(job.bytes_received, 1)),
    )


def _of_the_caller(error: Exception) -> Problem:
    """The problem of a row; StorageError if it is the store's, so that the slice is tried again."""
    problem = problem_from(error)
    if problem is None or problem.status >= 429:
        raise StorageError("a slice could not be stored") from error
    return problem


def _refused(row: ImportRow, why: str, errors: list[Any]) -> dict[str, Any]:
    line: dict[str, Any] = {"line": row.line, "became": "refused", "why": why}
    return {**line, "errors": errors} if errors else line


def _not_a_row(row: ImportRow) -> dict[str, Any]:
    expected = " or ".join(f'{{"{kind}": {{…}}}}' for kind in KINDS)
    return _refused(row, "invalid", [{"at": "$", "message": f"expected {expected} on a line"}])


def _of_the_row(errors: Sequence[FieldError], detail: str) -> list[dict[str, str]]:
    """The errors of a body of rows, with places within the row."""
    moved = [{"at": _within(error.at), "message": error.message} for error in errors]
    return moved or [{"at": "$", "message": detail}]


def _of_the_row_raw(refused: Mapping[str, Any]) -> list[dict[str, str]]:
    errors = refused.get("errors", ())
    return [{"at": _within(error["at"]), "message": error["message"]} for error in errors]


def _within(at: str) -> str:
    """A place in the body as a place in its row.

    >>> _within("$.interactions[12].occurred_at"), _within("$.created_at"), _within("$")
    ('$.occurred_at', '$.created_at', '$')
    """
    return _OF_A_LIST.sub("$", at)


_OF_A_LIST = re.compile(rf"^\$\.({'|'.join(KINDS.values())})\[\d+\]")


def numbered(lines: Lines, done: int) -> Iterator[ImportRow]:
    """The rows after those that are done; blank lines count for nothing."""
    number, seen = 0, 0
    for text in lines:
        number += 1
        if not text.strip():
            continue
        seen += 1
        if seen > done:
            yield _row(number, text)


def _row(number: int, text: bytes) -> ImportRow:
    try:
        line = _line.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ImportRow(number, "", b"")
    given = [kind for kind in KINDS if getattr(line, kind) is not msgspec.UNSET]
    if len(given) != 1:
        return ImportRow(number, "", b"")
    return ImportRow(number, given[0], bytes(getattr(line, given[0])))


def _next(rows: Iterator[ImportRow]) -> list[ImportRow]:
    return list(islice(rows, SLICE_ROWS))


def unfinished(home: Path) -> list[JobFolder]:
    """The jobs that are not over, oldest first; those that are over for long are deleted."""
    found: list[tuple[str, JobFolder]] = []
    oldest = (Clock.read(0).now - timedelta(days=KEPT_DAYS)).isoformat(timespec="seconds")
    for path in (home / FOLDER).glob("*"):
        folder = JobFolder(home, path.name)
        job = folder.state()
        if job is not None and not job.is_over:
            found.append((job.created_at, folder))
        elif job is not None and job.created_at < oldest:
            folder.remove()
    return [folder for _, folder in sorted(found, key=lambda one: one[0])]
