"""An import is answered at once, loaded afterwards, and accounts for every row."""

from __future__ import annotations

import gzip
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.http.bodies import zstd  # of the standard library from Python 3.14 on
from serving.imports.job import ImportJob, JobFolder
from serving.settings import Settings

AT = "2026-03-05T00:00:00Z"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def client(
    release_dir: Path, home: Path, running: Callable[[Settings], Any]
) -> Iterator[httpx.Client]:
    with running(Settings(release=release_dir, home=home, max_import_bytes=5_000_000)) as client:
        yield client


def lines_of(prefix: str, leads: int) -> list[str]:
    rows: list[dict[str, Any]] = []
    for i in range(leads):
        lead_id = f"{prefix}-{i}"
        act = {"lead_id": lead_id, "kind": "page_view", "occurred_at": AT, "event_id": lead_id}
        rows.append({"interaction": act})  # before its lead: a slice is loaded leads first
        rows.append({"lead": {"lead_id": lead_id, "created_at": "2026-03-01T00:00:00Z"}})
        answer = {"lead_id": lead_id, "attribute": "budget", "answered_at": AT, "value": "none"}
        rows.append({"answer": answer})
        rows.append({"outcome": {"lead_id": lead_id, "outcome": "lost", "occurred_at": AT}})
    return [json.dumps(row) for row in rows]


def start(client: httpx.Client, body: bytes, **headers: str) -> httpx.Response:
    given = {"content-type": "application/x-ndjson", **headers}
    return client.post("/v1/imports", content=body, headers=given)


def finished(client: httpx.Client, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + 60
    while True:
        job: dict[str, Any] = client.get(f"/v1/imports/{job_id}").json()
        if job["finished_at"] is not None:
            return job
        assert time.monotonic() < deadline, job
        time.sleep(0.05)


@pytest.mark.parametrize("coding", ["identity", "gzip", "zstd"])
def test_every_row_is_accounted_for(client: httpx.Client, home: Path, coding: str) -> None:
    lines = lines_of(coding, 300)
    nobody = {"lead_id": "nobody", "kind": "a", "occurred_at": AT}
    bad = [
        '{"lead": 3}',
        "nonsense",
        '{"lead": {}, "answer": {}}',
        json.dumps({"interaction": nobody}),
        json.dumps({"outcome": {"lead_id": "x", "outcome": "won", "occurred_at": AT}}),
    ]
    lines[10:10] = bad
    lines += ["", lines[0]]
    text = "\n".join(lines).encode()
    pack: Any = {"identity": bytes, "gzip": gzip.compress, "zstd": zstd.compress}[coding]
    answer = start(client, pack(text), **{"content-encoding": coding})
    assert answer.status_code == 202
    job = finished(client, answer.headers["location"].rpartition("/")[2])
    assert job["status"] == "done", job
    assert (job["rows"], job["taken"], job["repeated"], job["refused"]) == (1206, 1200, 1, 5)
    said = client.get(f"/v1/imports/{job['job_id']}/report").json()
    assert [line["line"] for line in said["refused"]] == [11, 12, 13, 14, 15]
    assert [line["why"] for line in said["refused"]] == [
        "invalid", "invalid", "invalid", "unknown_lead", "invalid",
    ]  # fmt: skip
    assert said["refused"][4]["errors"][0]["at"] == "$.outcome"
    assert said["next"] is None
    page = client.get(f"/v1/imports/{job['job_id']}/report?limit=2").json()
    rest = client.get(f"/v1/imports/{job['job_id']}/report?cursor={page['next']}").json()
    assert page["refused"] + rest["refused"] == said["refused"]
    assert not JobFolder(home, job["job_id"]).rows.exists(), "people are in it"
    assert job["job_id"] in [one["job_id"] for one in client.get("/v1/imports").json()["imports"]]


def test_an_import_sent_again_is_the_same_one(client: httpx.Client) -> None:
    body = "\n".join(lines_of("twice", 3)).encode()
    first = start(client, body, **{"idempotency-key": "load-1"})
    second = start(client, body, **{"idempotency-key": "load-1"})
    assert first.json()["job_id"] == second.json()["job_id"]
    assert second.headers["idempotency-replayed"] == "true"
    finished(client, first.json()["job_id"])


@pytest.mark.parametrize(
    ("body", "coding"),
    [
        (gzip.compress((b"{}" + b" " * 997 + b"\n") * 6000, mtime=0), "gzip"),
        (gzip.compress(b"{}\n" * 1000, mtime=0)[:-9], "gzip"),
        (b"{}", "zstd"),
        (b" " * 2_000_000, "identity"),
    ],
    ids=["a bomb", "cut off", "not zstd", "a line without end"],
)
def test_what_cannot_be_unpacked_fails_with_the_reason(
    client: httpx.Client, body: bytes, coding: str
) -> None:
    job = finished(client, start(client, body, **{"content-encoding": coding}).json()["job_id"])
    assert job["status"] == "failed"
    assert job["error"]


def test_too_large_an_import_leaves_nothing_behind(client: httpx.Client, home: Path) -> None:
    before = set((home / "imports").glob("*"))

    def parts() -> Iterator[bytes]:
        for _ in range(60):
            yield b" " * 100_000

    answer = client.post(
        "/v1/imports", content=parts(), headers={"content-type": "application/x-ndjson"}
    )
    assert answer.status_code == 413
    assert set((home / "imports").glob("*")) == before


def test_an_import_goes_on_where_a_killed_server_left_it(client: httpx.Client, home: Path) -> None:
    """The state on disk says 2 of 8 rows are done and one was refused; the report has a torn
    line."""
    folder = JobFolder(home, "0123456789abcdef" * 2)
    folder.path.mkdir(parents=True)
    folder.rows.write_text("\n".join(["x", "y", *lines_of("resumed", 2)[:4], "z"]) + "\n")
    report = b'{"line":1,"became":"refused","why":"invalid"}\n'
    folder.report.write_bytes(report + b'{"line":2,"bec')
    folder.save(
        ImportJob(
            folder.path.name, "running", "2026-03-05T00:00:00+00:00", "open", "identity", 100,
            rows=2, refused=2, reported_bytes=len(report),
        )
    )  # fmt: skip
    job = finished(client, folder.path.name)
    assert (job["rows"], job["taken"], job["refused"]) == (7, 4, 3)
    lines = [json.loads(line)["line"] for line in folder.report.read_text().splitlines()]
    assert lines == [1, 7]


def test_a_cancelled_import_deletes_what_was_sent(client: httpx.Client, home: Path) -> None:
    body = "\n".join(lines_of("cancelled", 4000)).encode()
    job_id = start(client, body).json()["job_id"]
    assert client.delete(f"/v1/imports/{job_id}").json()["status"] in ("cancelled", "done")
    finished(client, job_id)
    deadline = time.monotonic() + 60
    while JobFolder(home, job_id).rows.exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize("job_id", ["nothing", "..%2F..", "0" * 32])
def test_no_such_import(client: httpx.Client, job_id: str) -> None:
    assert client.get(f"/v1/imports/{job_id}").status_code == 404
