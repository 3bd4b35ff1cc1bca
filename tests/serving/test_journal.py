"""A closed journal is moved in by one worker alone."""

from __future__ import annotations

from pathlib import Path

from serving.store.journal import claimed


def test_one_worker_has_a_journal_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "0000000001-00000001.jsonl"
    path.write_bytes(b"")
    with claimed(path) as first, claimed(path) as second:
        assert (first, second) == (True, False)
    with claimed(path) as again:
        assert again


def test_what_another_worker_has_moved_in_is_nobody_s(tmp_path: Path) -> None:
    path = tmp_path / "0000000001-00000001.jsonl"
    with claimed(path) as gone:
        assert not gone
