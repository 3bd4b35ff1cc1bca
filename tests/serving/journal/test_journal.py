"""Segments of the journal: one holder at a time, one that moves in, wiped before the next use."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from serving.journal import segments
from serving.journal.journal import Journal
from serving.journal.segments import SIZE, claim, content, ready, recover_used, recycle, used

ZERO = b"\0"


def test_a_segment_has_one_holder(tmp_path: Path) -> None:
    one, other = ready(tmp_path), ready(tmp_path)
    assert one.path != other.path
    with claim(one.path) as handle:
        assert handle is None
    one.close()
    with claim(one.path) as handle:
        assert handle is not None
    again = ready(tmp_path)
    assert again.path == one.path
    for segment in (again, other):
        segment.close()


def test_a_segment_in_use_is_seen_and_a_spare_one_is_not(tmp_path: Path) -> None:
    segment = ready(tmp_path)
    assert used(tmp_path) == []
    spare = segment.path
    segment.begin()
    assert used(tmp_path) == [segment.path]
    segment.close()
    with claim(spare) as handle:  # it has another name by now
        assert handle is None


def test_what_was_moved_in_is_wiped_and_used_again(tmp_path: Path) -> None:
    segment = ready(tmp_path)
    segment.begin()
    os.write(segment.handle, b"a\nb\n")
    segment.close()
    with claim(segment.path) as handle:
        assert handle is not None
        assert content(handle) == b"a\nb\n"
        recycle(handle, segment.path, 4)
    assert used(tmp_path) == []
    (spare,) = tmp_path.iterdir()
    assert spare.read_bytes() == ZERO * SIZE
    assert ready(tmp_path).path == spare


def test_a_segment_that_is_used_again_comes_after_those_written_before(tmp_path: Path) -> None:
    first = ready(tmp_path)
    first.begin()
    os.write(first.handle, b"a\n")
    second = ready(tmp_path)
    first.close()
    with claim(first.path) as handle:  # moved in, so it is spare while the second is written
        assert handle is not None
        recycle(handle, first.path, 2)
    second.begin()
    os.write(second.handle, b"b\n")
    third = ready(tmp_path)
    third.begin()
    os.utime(second.path, (1.0, 1.0))  # long before, whatever a file system's clock can tell
    os.write(third.handle, b"c\n")
    assert third.path == first.path
    assert used(tmp_path) == [second.path, third.path]
    for segment in (second, third):
        segment.close()


def test_a_longer_or_older_file_is_read_whole_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "0000000001-00000001.jsonl"
    for text in (b"", b"x\n", b"x" * (SIZE + 10)):
        path.write_bytes(text)
        with claim(path) as handle:
            assert handle is not None
            assert content(handle) == text
            recycle(handle, path, len(text))
        assert not list(tmp_path.iterdir())


def test_a_name_that_a_power_failure_undid_is_given_back(tmp_path: Path) -> None:
    segment = ready(tmp_path)
    os.write(segment.handle, b"a\n")  # as after a rename that never reached the disk
    segment.close()
    unused = ready(tmp_path)  # it is not taken
    assert unused.path != segment.path
    unused.close()
    recover_used(tmp_path)
    assert used(tmp_path) == [segment.path.with_suffix(".jsonl")]


def test_no_more_spares_are_kept_than_are_needed(tmp_path: Path) -> None:
    for i in range(segments.MAX_SPARE_SEGMENTS + 3):
        path = tmp_path / f"{i:010d}-00000001.jsonl"
        path.write_bytes(ZERO * SIZE)
        with claim(path) as handle:
            assert handle is not None
            recycle(handle, path, 0)
    assert len(list(tmp_path.iterdir())) == segments.MAX_SPARE_SEGMENTS


def lines_in(folder: Path) -> list[bytes]:
    found = []
    for path in used(folder):
        with claim(path) as handle:
            assert handle is not None
            found += content(handle).splitlines()
    return found


def test_every_line_is_on_disk_before_it_is_acknowledged(tmp_path: Path) -> None:
    async def write() -> None:
        lost: list[int] = []
        journal = Journal(tmp_path, lost.append)
        journal.start(asyncio.get_running_loop())
        for first in range(0, 300, 100):
            await asyncio.gather(
                *(journal.append_durably(b"%d\n" % i) for i in range(first, first + 100))
            )
            seen = b"".join(path.read_bytes() for path in used(tmp_path))
            assert all(b"%d\n" % i in seen for i in range(first + 100))
        await journal.stop()
        assert not lost

    asyncio.run(write())
    assert lines_in(tmp_path) == [b"%d" % i for i in range(300)]


def test_more_than_a_segment_holds_goes_on_in_the_next(tmp_path: Path) -> None:
    line = b"x" * (SIZE // 3) + b"\n"

    async def write() -> None:
        journal = Journal(tmp_path, lambda _: None)
        journal.start(asyncio.get_running_loop())
        for _ in range(5):
            await journal.append_durably(line)
            await asyncio.sleep(0.05)  # the next segment is made meanwhile
        await journal.stop()

    asyncio.run(write())
    assert lines_in(tmp_path) == [line.strip()] * 5
    assert len(used(tmp_path)) > 1


def test_relaxed_gathers_lines_and_settling_does_not_wait_for_that(tmp_path: Path) -> None:
    async def write() -> None:
        journal = Journal(tmp_path, lambda _: None, gather_s=60.0)
        journal.start(asyncio.get_running_loop())
        journal.append(b"a\n")
        await asyncio.sleep(0.02)
        assert lines_in(tmp_path) == []
        journal.append(b"b\n")
        await journal.settle()
        await journal.stop()

    asyncio.run(write())
    assert lines_in(tmp_path) == [b"a", b"b"]


def test_what_cannot_be_written_is_counted(tmp_path: Path) -> None:
    async def write() -> list[int]:
        lost: list[int] = []
        journal = Journal(tmp_path / "journal", lost.append)
        (tmp_path / "journal").write_bytes(b"")  # no folder can be there
        journal.start(asyncio.get_running_loop())
        await journal.append_durably(b"a\n")
        (tmp_path / "journal").unlink()
        await journal.append_durably(b"b\n")
        await journal.stop()
        return lost

    assert asyncio.run(write()) == [1]
    assert lines_in(tmp_path / "journal") == [b"b"]
