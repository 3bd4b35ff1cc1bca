"""Endpoints for imports of many rows: sent in one request, loaded afterwards, watched and read."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from serving.api.endpoint import EndpointSpec, number_of
from serving.http.idempotency import id_of_key, idempotency_key
from serving.http.request import BodyStream, Request, Response, allowed_params, json_response
from serving.identifiers import random_id
from serving.imports.job import FOLDER, ImportJob, JobFolder
from serving.problems import Problem
from serving.services import Services
from serving.timestamps import Clock

ROWS_BODY = ("application/x-ndjson", "application/jsonl")


MAX_LINES = 10_000


class Imports(msgspec.Struct, frozen=True):
    """Jobs of this home, newest first."""

    imports: list[ImportJob]


class ReportLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that was not taken: its line from 1 on, why, and the fields that are wrong."""

    line: int
    became: str
    why: str
    errors: list[dict[str, str]] = []


class Report(msgspec.Struct, frozen=True):
    """Refused rows in order; rows not listed were taken, or were there. ``next``: the cursor of the
    next page; null at the end of what is loaded so far."""

    job: ImportJob
    refused: list[ReportLine]
    next: int | None


JOB: dict[str, Any] = {
    "job_id": "8a6f0d6f3c1b5e2d9f04b7a1c3e58d90", "status": "running",
    "created_at": "2026-04-02T11:00:00+00:00", "actor": "b17ee995", "coding": "gzip",
    "bytes_received": 48113203, "rows": 120000, "taken": 119988, "repeated": 10, "refused": 2,
    "share": 0.31, "reported_bytes": 214, "finished_at": None, "error": None,
}  # fmt: skip


PROBLEMS = (401, 403, 404, 422, 429, 503)


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoints of import jobs."""
    does = _Imports(services)
    common: dict[str, Any] = {"scope": "ingest", "tag": "imports"}
    return [
        EndpointSpec(
            "POST", "/v1/imports", "start_import", "Load many rows",
            "JSON lines, each `{\"lead\": {…}}`, `{\"interaction\": {…}}`, `{\"answer\": {…}}` or "
            "`{\"outcome\": {…}}` as their own routes take them; a lead before its events. "
            "Answered once it is on disk, and loaded afterwards.",
            does.start, ImportJob, statuses=(202,), answer_example=JOB, media_types=ROWS_BODY,
            streams=True, own_body=True, **common,
            problems=(400, 401, 403, 408, 409, 413, 415, 422, 429, 503, 507),
        ),
        EndpointSpec(
            "GET", "/v1/imports", "imports", "Imports, newest first", "Kept for 30 days.",
            does.listed, Imports, problems=PROBLEMS, **common,
        ),
        EndpointSpec(
            "GET", "/v1/imports/{job_id}", "import_job", "How far an import came",
            "Rows read, taken, repeated and refused so far.",
            does.one, ImportJob, answer_example=JOB, problems=PROBLEMS, **common,
        ),
        EndpointSpec(
            "GET", "/v1/imports/{job_id}/report", "import_report", "Which rows were refused",
            "By line, with the reason and the fields; a page at a time.",
            does.report, Report, query=(
                {"name": "limit", "in": "query", "description": "how many",
                 "schema": {"type": "integer", "minimum": 1, "maximum": MAX_LINES}},
                {"name": "cursor", "in": "query", "description": "`next` of the page before",
                 "schema": {"type": "integer", "minimum": 0}},
            ), problems=PROBLEMS, **common,
        ),
        EndpointSpec(
            "DELETE", "/v1/imports/{job_id}", "cancel_import", "Cancel an import",
            "What was loaded stays; what was sent is deleted.",
            does.cancel, ImportJob, answer_example=JOB, problems=PROBLEMS, **common,
        ),
    ]  # fmt: skip


class _Imports:
    def __init__(self, services: Services) -> None:
        self.home = services.settings.home

    async def start(self, request: Request) -> Response:
        """Write the body to disk, as it comes, and leave it to the runner."""
        allowed_params(request.query)
        key = idempotency_key(request.headers)
        job_id = random_id(2) if key is None else id_of_key(request.actor, f"import {key}")
        folder = JobFolder(self.home, job_id)
        before = folder.state()
        if before is not None:
            return _accepted(before, {"Idempotency-Replayed": "true"})
        assert request.stream is not None  # noqa: S101  (the route streams)
        size = await _written(folder, request.stream)
        now = Clock.read(0).now.isoformat(timespec="seconds")
        job = ImportJob(job_id, "waiting", now, request.actor, request.stream.coding, size)
        await _in_a_thread(folder.save, job)
        return _accepted(job, {})

    async def listed(self, request: Request) -> Response:
        """Every job."""
        allowed_params(request.query)
        return json_response(Imports(await _in_a_thread(_all, self.home)))

    async def one(self, request: Request) -> Response:
        """One job."""
        allowed_params(request.query)
        return json_response(self._job(request)[1])

    async def report(self, request: Request) -> Response:
        """A page of refused rows."""
        query = allowed_params(request.query, "limit", "cursor")
        limit = number_of(query, "limit", 1000, 1, MAX_LINES)
        cursor = number_of(query, "cursor", 0, 0, 10**15)
        folder, job = self._job(request)
        lines, following = await _in_a_thread(_page, folder, job, cursor, limit)
        return json_response(Report(job, lines, following))

    async def cancel(self, request: Request) -> Response:
        """Cancel a job that is not over."""
        allowed_params(request.query)
        folder, job = self._job(request)
        if not job.is_over:
            await _in_a_thread(folder.cancel)
            job = msgspec.structs.replace(job, status="cancelled")
        return json_response(job)

    def _job(self, request: Request) -> tuple[JobFolder, ImportJob]:
        job_id: str = request.path_params["job_id"]
        if len(job_id) == 32 and set(job_id) <= set("0123456789abcdef"):
            folder = JobFolder(self.home, job_id)
            job = folder.state()
            if job is not None:
                return folder, job
        raise Problem(404, "not-found", "No such import; they are kept for 30 days.")


def _accepted(job: ImportJob, headers: dict[str, str]) -> Response:
    return json_response(job, 202, {**headers, "Location": f"/v1/imports/{job.job_id}"})


async def _in_a_thread(function: Any, *arguments: Any) -> Any:
    return await asyncio.get_running_loop().run_in_executor(None, function, *arguments)


async def _written(folder: JobFolder, stream: BodyStream) -> int:
    """Write the body to disk; its size. Nothing stays behind when it breaks off."""
    file = await _in_a_thread(_opened, folder)
    try:
        with file:
            async for part in stream.parts():
                await _in_a_thread(file.write, part)
            await _in_a_thread(_synced, file)
            size: int = file.tell()
            return size
    except BaseException:
        folder.remove()
        raise


def _opened(folder: JobFolder) -> BinaryIO:
    folder.path.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(folder.rows, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    return os.fdopen(handle, "wb")


def _synced(file: BinaryIO) -> None:
    file.flush()
    os.fsync(file.fileno())


def _all(home: Path) -> list[ImportJob]:
    jobs = [JobFolder(home, path.name).state() for path in (home / FOLDER).glob("*")]
    found = [job for job in jobs if job is not None]
    return sorted(found, key=lambda job: (job.created_at, job.job_id), reverse=True)


_line = msgspec.json.Decoder(ReportLine)


def _page(
    folder: JobFolder, job: ImportJob, cursor: int, limit: int
) -> tuple[list[ReportLine], int | None]:
    """The lines of the report from byte ``cursor`` on, as far as the state knows it."""
    lines: list[ReportLine] = []
    if cursor >= job.reported_bytes:
        return lines, None
    with folder.report.open("rb") as file:
        file.seek(cursor)
        try:
            while len(lines) < limit and file.tell() < job.reported_bytes:
                lines.append(_line.decode(file.readline()))
        except msgspec.DecodeError:
            raise Problem(404, "not-found", "No page of the report begins there.") from None
        end = file.tell()
    return lines, end if end < job.reported_bytes else None
