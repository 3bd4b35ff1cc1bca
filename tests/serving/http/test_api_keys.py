"""Keys: hashed, scoped, rotated, revoked; and no open door beyond this machine."""

from __future__ import annotations

import stat
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.errors import UsageError
from serving.http.access import AccessControl, require_keys_if_public
from serving.http.api_keys import create_key, list_keys, revoke_key
from serving.problems import Problem
from serving.settings import Settings

Running = Callable[[Settings], Any]


def bearer(secret: str) -> dict[str, str]:
    return {"authorization": f"Bearer {secret}"}


def test_scopes_are_kept(release_dir: Path, tmp_path: Path, running: Running, lead: Any) -> None:
    _, scorer = create_key(tmp_path, "crm", ["score"])
    _, reader = create_key(tmp_path, "analyst", ["read"])
    _, admin = create_key(tmp_path, "ops", ["admin"])
    with running(Settings(release=release_dir, home=tmp_path)) as client:

        def status(method: str, path: str, secret: str | None, **more: Any) -> int:
            headers = {} if secret is None else bearer(secret)
            return int(client.request(method, path, headers=headers, **more).status_code)

        assert status("POST", "/v1/scores", None, json=lead) == 401
        assert status("POST", "/v1/scores", "ls_wrong", json=lead) == 401
        assert status("POST", "/v1/scores", reader, json=lead) == 403
        assert status("POST", "/v1/scores", scorer, json=lead) == 200
        assert status("POST", "/v1/scores", admin, json=lead) == 200
        assert status("GET", "/v1/model", scorer) == 403
        assert status("GET", "/v1/model", reader) == 200
        assert status("GET", "/metrics", None) == 401
        assert status("GET", "/v1/leads/x/score", None) == 401
        assert status("GET", "/v1/leads/x/score", reader) == 403
        assert status("PUT", "/v1/leads/x", scorer, json={}) == 403
        assert status("DELETE", "/v1/leads/x", reader) == 403
        assert status("DELETE", "/v1/leads/x", admin) == 200
        assert status("GET", "/health/live", None) == 200
        for path in ("/v1/scores/", "//v1/scores", "/v1//model", "/V1/model"):
            assert status("GET", path, None) in (401, 404, 405, 307)


def test_two_keys_live_at_once_and_a_revoked_one_stops(
    release_dir: Path, tmp_path: Path, running: Running, lead: dict[str, Any]
) -> None:
    old, old_secret = create_key(tmp_path, "crm", ["score"])
    with running(Settings(release=release_dir, home=tmp_path)) as client:

        def works(secret: str) -> bool:
            answer = client.post("/v1/scores", json=lead, headers=bearer(secret))
            assert answer.status_code in (200, 401)
            return bool(answer.status_code == 200)

        assert works(old_secret)
        _, new_secret = create_key(tmp_path, "crm", ["score"])
        deadline = time.monotonic() + 60
        while not works(new_secret):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert works(old_secret)
        revoke_key(tmp_path, old.id)
        while works(old_secret):
            assert time.monotonic() < deadline
            time.sleep(0.1)
        assert works(new_secret)
        (tmp_path / "keys.json").unlink()
        time.sleep(1.1)
        assert not works(new_secret)


def test_only_hashes_are_kept(tmp_path: Path) -> None:
    key, secret = create_key(tmp_path, "crm", ["score", "ingest"])
    file = tmp_path / "keys.json"
    assert secret.split("_", 2)[2] not in file.read_text()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    (shown,) = list_keys(tmp_path)
    assert shown["id"] == key.id
    assert "hash" not in shown


def test_wrong_scopes_and_ids_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="scopes"):
        create_key(tmp_path, "crm", ["everything"])
    with pytest.raises(UsageError, match="no key"):
        revoke_key(tmp_path, "nope")


def test_no_open_door(tmp_path: Path) -> None:
    require_keys_if_public(Settings(home=tmp_path))
    require_keys_if_public(Settings(home=tmp_path, host="::1"))
    for host in ("0.0.0.0", "192.0.2.1", "::", "example.org"):
        with pytest.raises(UsageError, match="keys"):
            require_keys_if_public(Settings(home=tmp_path, host=host))
    with pytest.raises(UsageError, match="production"):
        require_keys_if_public(Settings(home=tmp_path, production=True))
    create_key(tmp_path, "crm", ["score"])
    require_keys_if_public(Settings(home=tmp_path, host="0.0.0.0", production=True))


def test_without_keys_only_this_machine_s_names_are_answered(client: httpx.Client) -> None:
    answer = client.get("/v1/model", headers={"host": "evil.example"})
    assert answer.status_code == 403
    assert client.get("/v1/model", headers={"host": "localhost:8000"}).status_code == 200


def test_a_caller_that_is_too_quick_is_reported_when_to_come_back(tmp_path: Path) -> None:
    door = AccessControl(Settings(home=tmp_path, rate_per_s=0.5, rate_burst=3))
    for _ in range(3):
        door.authorize({}, "score", "127.0.0.1")
    with pytest.raises(Problem) as refused:
        door.authorize({}, "score", "127.0.0.1")
    assert refused.value.status == 429
    assert 1 <= int(refused.value.headers["Retry-After"]) <= 2
    door.authorize({}, "score", "127.0.0.2")


def test_keys_made_at_once_are_all_kept_and_a_revoked_one_stays_revoked(tmp_path: Path) -> None:
    """Without a lock 13 of 31 keys were kept, and a key that was revoked lived again."""
    old, _ = create_key(tmp_path, "old", ["score"])
    with ThreadPoolExecutor(16) as pool:
        made = [pool.submit(create_key, tmp_path, f"key {i}", ["read"]) for i in range(30)]
        pool.submit(revoke_key, tmp_path, old.id).result()
        ids = {future.result()[0].id for future in made}
    found = {key["id"]: key for key in list_keys(tmp_path)}
    assert set(found) == ids | {old.id}
    assert found[old.id]["revoked_at"] is not None


@pytest.mark.parametrize("content", [b"", b"{", b'{"keys": [{}]}', b'{"keys": 3}', None])
def test_keys_that_cannot_be_read_let_nobody_in(tmp_path: Path, content: bytes | None) -> None:
    """They left every key valid that was valid before, the revoked ones too."""
    _, secret = create_key(tmp_path, "crm", ["score"])
    good = (tmp_path / "keys.json").read_bytes()
    access = AccessControl(Settings(home=tmp_path))
    headers = {b"authorization": f"Bearer {secret}".encode()}
    access.authorize(headers, "score", "127.0.0.1")
    (tmp_path / "keys.json").unlink()
    if content is None:
        (tmp_path / "keys.json").mkdir()
    else:
        (tmp_path / "keys.json").write_bytes(content)
    access.keys.look(time.monotonic() + 2)
    for given in (headers, {b"authorization": b"Bearer ls_other"}):
        with pytest.raises(Problem) as refused:
            access.authorize(given, "score", "127.0.0.1")
        assert (refused.value.status, refused.value.kind) == (503, "keys-unreadable")
    with pytest.raises(Problem):
        access.authorize({}, "score", "127.0.0.1")
    if content is None:
        (tmp_path / "keys.json").rmdir()
    (tmp_path / "keys.json").write_bytes(good)
    access.keys.look(time.monotonic() + 4)
    access.authorize(headers, "score", "127.0.0.1")
