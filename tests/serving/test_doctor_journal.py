"""The doctor tells of scores that wait too long for the store."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from commands.doctor import State, journal


def test_waiting_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEADSCORE_HOME", str(tmp_path))
    assert journal().state is State.FINE
    path = tmp_path / "journal" / "0000000001-00000001.jsonl"
    path.parent.mkdir()
    path.write_bytes(b"{}\n")
    assert journal().state is State.FINE
    os.utime(path, (time.time() - 300, time.time() - 300))
    found = journal()
    assert found.state is State.FAULT
    assert found.found == "1 file of scores waits for the store, 300 s at most"
