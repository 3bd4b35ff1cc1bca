"""One bad segment never holds up those after it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
import sqlalchemy as sa
from stored_scores import MINUTE_US, START_US, score_row

from features.errors import StorageError
from serving.settings import Settings
from serving.store.database import connect
from serving.store.migrate import migrate
from serving.store.score_loader import JournalLoader
from serving.store.scores import line_of
from serving.store.store import Store
from serving.store.tables import score
from serving.telemetry.metrics import Metrics


@pytest.fixture
def loader(tmp_path: Path) -> JournalLoader:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    (tmp_path / "journal").mkdir()
    return JournalLoader(engine, Settings(home=tmp_path, keep_scores_days=1e5))


def stored(loader: JournalLoader) -> list[int]:
    with loader._engine.connect() as connection:
        found = connection.scalars(sa.select(score.c.as_of_us).order_by(score.c.as_of_us))
        return [(at_us - START_US) // MINUTE_US for at_us in found]


def test_rows_that_the_database_refuses_are_set_aside(loader: JournalLoader) -> None:
    bad = score_row("L", 2, 0.5, asked_us=2**70)
    (loader.folder / "1.jsonl").write_bytes(
        line_of(score_row("L", 1, 0.5)) + line_of(bad) + line_of(score_row("L", 3, 0.5))
    )
    (loader.folder / "2.jsonl").write_bytes(line_of(score_row("L", 4, 0.5)))
    loader.run_once()
    assert stored(loader) == [1, 3, 4]
    (aside,) = (loader.folder / "refused").iterdir()
    assert aside.read_bytes() == line_of(bad)
    assert not list(loader.folder.glob("*.jsonl"))


def test_a_refused_row_takes_none_of_the_segments_beside_it_with_it(loader: JournalLoader) -> None:
    bad = score_row("L", 2, 0.5, asked_us=2**70)
    for name, row in (("1", score_row("L", 1, 0.5)), ("2", bad), ("3", score_row("L", 3, 0.5))):
        (loader.folder / f"{name}.jsonl").write_bytes(line_of(row))
    loader.run_once()
    assert stored(loader) == [1, 3]
    (aside,) = (loader.folder / "refused").iterdir()
    assert aside.read_bytes() == line_of(bad)
    assert aside.name.startswith("2.")


def test_a_folder_in_place_of_a_segment_is_passed_by(loader: JournalLoader) -> None:
    (loader.folder / "1.jsonl").mkdir()
    (loader.folder / "2.jsonl").write_bytes(line_of(score_row("L", 1, 0.5)))
    loader.run_once()
    assert stored(loader) == [1]
    assert [path.name for path in loader.unreadable] == ["1.jsonl"]


async def _start(home: Path) -> Store:
    store = Store(Settings(home=home), Metrics())
    await store.start()
    return store


@pytest.mark.parametrize("name", ["store.db", "tombstone.key", "erased.jsonl"])
def test_a_folder_in_place_of_a_file_is_named_and_stops_no_start(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / name).mkdir()

    async def run() -> None:
        store = await _start(tmp_path)
        with pytest.raises(StorageError):
            await store.read(lambda c: c.scalar(sa.text("SELECT 1")))
        await store.stop()

    asyncio.run(run())
    said = " ".join(record.getMessage() for record in caplog.records)
    assert ("cannot be opened" if name == "store.db" else name) in said
