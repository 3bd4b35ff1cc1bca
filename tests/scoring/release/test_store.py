"""The release store: verified folders, and a pointer that is old or new and nothing between."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_release import small_release

from features.errors import ReleaseError, StorageError
from scoring.release.release import load_release
from scoring.release.store import ChampionPointer, ReleaseStore, StoredRelease


@pytest.fixture
def store(tmp_path: Path) -> ReleaseStore:
    return ReleaseStore(tmp_path / "home")


def test_a_store_is_made_by_writing_not_by_looking(store: ReleaseStore) -> None:
    assert store.pointer() is None
    assert store.release_ids() == []
    assert not store.home.exists()


def test_a_release_is_kept_under_its_own_name(store: ReleaseStore, tmp_path: Path) -> None:
    release = small_release(tmp_path / "R")
    path = store.add(tmp_path / "R")
    assert path == store.home / "releases" / release.release_id
    assert load_release(path).release_id == release.release_id
    assert store.add(tmp_path / "R") == path
    assert store.release_ids() == [release.release_id]


def test_a_refused_release_never_enters(store: ReleaseStore, tmp_path: Path) -> None:
    small_release(tmp_path / "R")
    model = tmp_path / "R" / "model.json"
    model.write_bytes(model.read_bytes().replace(b"0.8", b"0.9"))
    with pytest.raises(ReleaseError, match=r"model\.json"):
        store.add(tmp_path / "R")
    assert store.release_ids() == []


@pytest.mark.parametrize("damaged", ["model.json", "manifest.json"])
@pytest.mark.parametrize("how", ["flipped", "missing"])
def test_a_damaged_copy_is_replaced(
    store: ReleaseStore, tmp_path: Path, damaged: str, how: str
) -> None:
    small_release(tmp_path / "R")
    path = store.add(tmp_path / "R")
    victim = path / damaged
    if how == "missing":
        victim.unlink()
    else:
        content = bytearray(victim.read_bytes())
        content[10] ^= 1
        victim.write_bytes(bytes(content))
    assert not store.is_intact(path.name)
    assert store.add(tmp_path / "R") == path
    assert store.is_intact(path.name)


def test_the_pointer_reads_back(store: ReleaseStore) -> None:
    old = StoredRelease("aaaaaaaaaaaa", "1", "/elsewhere/a")
    new = ChampionPointer(
        "bbbbbbbbbbbb", "2", "/elsewhere/b", old, 7, True, {"who": "ada", "serial": 7}
    )
    store.set_champion(new)
    assert store.pointer() == new
    plain = json.loads(store.pointer_file.read_text())
    assert (plain["release_id"], plain["version"], plain["path"]) == (
        "bbbbbbbbbbbb",
        "2",
        "/elsewhere/b",
    )


def test_a_pointer_with_three_words_is_enough(store: ReleaseStore) -> None:
    store.home.mkdir()
    store.pointer_file.write_text('{"release_id": "aaaaaaaaaaaa", "version": "1", "path": "/a"}')
    assert store.pointer() == ChampionPointer("aaaaaaaaaaaa", "1", "/a")


def test_a_home_that_moved_still_answers(tmp_path: Path) -> None:
    before = ReleaseStore(tmp_path / "before")
    release = small_release(tmp_path / "R")
    before.set_champion(ChampionPointer(release.release_id, "1", str(before.add(tmp_path / "R"))))
    (tmp_path / "before").rename(tmp_path / "after")
    after = ReleaseStore(tmp_path / "after")
    found = after.pointer()
    assert found is not None
    assert Path(found.path) == tmp_path / "after" / "releases" / release.release_id


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        '{"release_id": "aaaaaaaaaaaa"}',
        '{"release_id": 5, "version": "1", "path": "/a"}',
        '{"release_id": "../../etc", "version": "1", "path": "/etc"}',
        '{"release_id": "aaaaaaaaaaaa", "version": "1", "path": "/a", "previous": 3}',
    ],
)
def test_a_pointer_that_is_none_is_refused(store: ReleaseStore, text: str) -> None:
    store.home.mkdir()
    store.pointer_file.write_text(text)
    with pytest.raises(ReleaseError, match=r"champion\.json is not a release pointer"):
        store.pointer()


def test_versions_are_remembered_per_registry(store: ReleaseStore) -> None:
    store.record_version("here", "3", "aaaaaaaaaaaa")
    store.record_version("there", "3", "bbbbbbbbbbbb")
    assert store.recorded_release("here", "3") == "aaaaaaaaaaaa"
    assert store.recorded_release("there", "3") == "bbbbbbbbbbbb"
    assert store.recorded_release("here", "4") is None
    (store.home / "versions.json").write_text("torn {")
    assert store.recorded_release("here", "3") is None


def test_a_home_that_cannot_be_written_is_reported_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = ReleaseStore(tmp_path / "file" / "home")
    with pytest.raises(StorageError, match="cannot write"):
        store.set_champion(ChampionPointer("aaaaaaaaaaaa", "1", "/a"))
    with pytest.raises(StorageError, match="cannot write"), store.locked():
        pass


def test_what_a_killed_writer_left_is_swept_but_not_a_living_ones(
    store: ReleaseStore, tmp_path: Path
) -> None:
    small_release(tmp_path / "R")
    kept = store.add(tmp_path / "R")
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = [store.releases / f".x.{gone.pid}.partial", store.home / f".champion.json.{gone.pid}"]
    live = store.releases / f".x.{os.getpid()}.partial"
    dead[0].mkdir()
    dead[1].write_text("{")
    live.mkdir()
    with store.locked():
        assert [path.exists() for path in (*dead, live, kept)] == [False, False, True, True]


WRITER = """
import sys
from pathlib import Path
from scoring.release.store import ChampionPointer, ReleaseStore
store = ReleaseStore(Path(sys.argv[1]))
print("ready", flush=True)
serial = 0
while True:
    serial += 1
    with store.locked():
        release_id = "ab"[serial % 2] * 12
        pointer = ChampionPointer(release_id, str(serial), "/" + release_id, serial=serial)
        store.set_champion(pointer)
"""


def test_kill_9_while_pointing_leaves_old_or_new(store: ReleaseStore) -> None:
    for round_ in range(5):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(store.home)], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        end = time.monotonic() + 0.05 + 0.03 * round_
        seen = 0
        while time.monotonic() < end:
            found = store.pointer()
            seen += found is not None
            assert found is None or found.path == "/" + found.release_id
        writer.send_signal(signal.SIGKILL)
        writer.wait()
        writer.stdout.close()
        assert seen
        found = store.pointer()
        assert found is not None
        assert found.release_id == "ab"[found.serial % 2] * 12
        with store.locked():  # the dead process holds no lock and leaves nothing
            assert not list(store.home.glob(".champion.json.*"))
