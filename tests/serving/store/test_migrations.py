"""The migrations make the tables that the code declares, and can be taken back."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from features.errors import StorageBusy, StorageError
from serving.settings import Settings
from serving.store.database import connect
from serving.store.migrate import HEAD, MIGRATIONS, migrate, schema_version
from serving.store.store import Store
from serving.store.tables import metadata
from serving.telemetry.metrics import Metrics


def alembic(work: Callable[[Config, str], None], engine: sa.Engine, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    with engine.execution_options(writes=True).begin() as connection:
        config.attributes["connection"] = connection
        work(config, revision)


def schema(engine: sa.Engine) -> list[str]:
    """Every statement that made the database, white space aside."""
    with engine.connect() as connection:
        made = connection.scalars(sa.text("SELECT sql FROM sqlite_master WHERE sql IS NOT NULL"))
        return sorted(re.sub(r"\s*([(),])\s*", r"\1", " ".join(text.split())) for text in made)


def test_a_new_database_is_what_the_migrations_make(tmp_path: Path) -> None:
    new = connect(f"sqlite:///{tmp_path / 'new.db'}")
    assert schema_version(new) is None
    assert migrate(new) is True
    assert migrate(new) is False
    old = connect(f"sqlite:///{tmp_path / 'old.db'}")
    alembic(command.upgrade, old, "head")
    assert schema_version(old) == schema_version(new) == HEAD
    for engine in (new, old):
        with engine.connect() as connection:
            assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    views = {text for text in schema(new) if text.startswith("CREATE VIEW")}
    assert schema(old) == [text for text in schema(new) if text not in views]
    new.dispose()
    old.dispose()


def test_the_head_is_the_newest_script() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_current_head() == HEAD


def test_down_and_up_again(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    alembic(command.downgrade, engine, "base")
    with engine.connect() as connection:
        assert set(sa.inspect(connection).get_table_names()) <= {"alembic_version"}
    assert migrate(engine) is True
    engine.dispose()


def test_an_older_store_learns_when_leads_came_into_the_bands_they_left(tmp_path: Path) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    alembic(command.upgrade, engine, "0004")
    moves = (
        ("a", 1, "", "cold"), ("a", 4, "cold", "hot"), ("a", 9, "hot", "warm"),
        ("merged", 2, "", "cold"),
    )  # fmt: skip
    line = (
        "INSERT INTO worklist VALUES ('a', 1.3, 'open', 'warm', 'warm', 0.3, 9, 's', 0, NULL, "
        "NULL, '', '', '', '', '', NULL, NULL, 'a')"
    )
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text(line))
        for lead_id, at_us, before, band in moves:
            connection.execute(
                sa.text(
                    "INSERT INTO band_move (lead_id, at_us, before, band) VALUES (:i, :t, :f, :b)"
                ),
                {"i": lead_id, "t": at_us, "f": before, "b": band},
            )
    migrate(engine)
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT lead_id, at_us, since_us FROM band_move"))
        assert rows.all() == [("a", 1, None), ("a", 4, 1), ("a", 9, 4)]
    engine.dispose()


def test_a_newer_schema_is_named_and_stops_no_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(StorageError, match="newer leadscore"):
        migrate(engine)
    engine.dispose()

    async def run() -> None:
        store = Store(Settings(home=tmp_path), Metrics())
        await store.start()
        with pytest.raises(StorageBusy):
            await store.write(lambda c: c.scalar(sa.text("SELECT 1")))
        await store.stop()

    asyncio.run(run())
    assert "9999" in " ".join(record.getMessage() for record in caplog.records)
