"""Files appear whole or not at all; a lock has one holder, with and without ``fcntl``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from features.compute import atomic
from features.compute.atomic import (
    atomic_path,
    create_once,
    locked_file,
    process_is_alive,
    write_atomically,
)


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "pointer.json"
    write_atomically(path, b"old")
    write_atomically(path, b"new")
    assert path.read_bytes() == b"new"
    assert os.listdir(path.parent) == ["pointer.json"]


def test_a_failed_write_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "scores.csv"
    path.write_bytes(b"old")

    def fail_halfway() -> None:
        with atomic_path(path) as beside:
            beside.write_bytes(b"half")
            raise ValueError("the disk is full")

    with pytest.raises(ValueError, match="full"):
        fail_halfway()
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["scores.csv"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_a_secret_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    write_atomically(tmp_path / "keys.json", b"{}", mode=0o600)
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_the_first_of_two_creators_wins(tmp_path: Path) -> None:
    assert create_once(tmp_path / "key", b"first", mode=0o600)
    assert not create_once(tmp_path / "key", b"second", mode=0o600)
    assert (tmp_path / "key").read_bytes() == b"first"
    assert os.listdir(tmp_path) == ["key"]


def test_a_lock_has_one_holder(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with locked_file(path, wait=False) as first, locked_file(path, wait=False) as second:
        assert (first, second) == (True, False)
    with locked_file(path, wait=True) as again:
        assert again


def test_a_lock_without_fcntl_uses_msvcrt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    held: list[int] = []

    def locking(handle: int, mode: int, length: int) -> None:
        assert (mode, length) == (2, 1)
        if held:
            raise OSError(13, "Permission denied")
        held.append(handle)

    monkeypatch.setattr(atomic, "_FCNTL", None)
    monkeypatch.setattr(atomic, "_MSVCRT", SimpleNamespace(locking=locking, LK_LOCK=1, LK_NBLCK=2))
    lock = tmp_path / "lock"
    with locked_file(lock, wait=False) as first, locked_file(lock, wait=False) as second:
        assert (first, second) == (True, False)


def test_whether_a_process_is_alive() -> None:
    assert process_is_alive(os.getpid())
    child = subprocess.Popen([sys.executable, "-c", ""])
    child.wait()
    assert not process_is_alive(child.pid)


WITHOUT_FCNTL = """
import sys
sys.modules["fcntl"] = None
import commands.cli
import scoring.batch.out_of_core
import scoring.release.store
import training.comparison.compare
import training.train
"""


def test_training_scoring_and_comparing_import_without_fcntl() -> None:
    done = subprocess.run(
        [sys.executable, "-c", WITHOUT_FCNTL], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
