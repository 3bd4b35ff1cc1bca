"""The store's schema brought up to date, once, before anybody reads it: a new database gets the
tables as they are declared, an older one is upgraded by Alembic."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.errors import StorageError
from serving.store.database import failure
from serving.store.page_tables import metadata
from serving.store.views import refresh_views

HEAD = "0005"
"""The newest revision in ``serving/migrations/versions``; a test holds the two together."""

MIGRATIONS = Path(__file__).resolve().parents[1] / "migrations"


def schema_version(engine: sa.Engine) -> str | None:
    """The revision of the database; None before the first. StorageError if it is away."""
    try:
        with engine.connect() as connection:
            if not sa.inspect(connection).has_table("alembic_version"):
                return None
            found: str | None = connection.scalar(
                sa.text("SELECT version_num FROM alembic_version")
            )
            return found
    except SQLAlchemyError as error:
        raise failure(error) from error


def migrate(engine: sa.Engine) -> bool:
    """Upgrade the schema if it is not the newest; True if anything was done.

    StorageError if it is away, or newer than this program.
    """
    found = schema_version(engine)
    if found == HEAD:
        return False
    if found is not None and found not in known_revisions():
        raise StorageError(
            f"the store's schema is revision {found}, made by a newer leadscore; this one knows "
            f"{HEAD}: install the newer one here. Scoring goes on without the store"
        )
    try:
        with engine.execution_options(writes=True).begin() as connection:
            if connection.dialect.name == "postgresql":  # an index on many rows may take long
                connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
            if sa.inspect(connection).get_table_names():
                _upgrade(connection)
            else:
                _create(connection)
            refresh_views(connection)
    except SQLAlchemyError as error:
        raise failure(error) from error
    return True


def known_revisions() -> set[str]:
    """Every revision that there is a script for."""
    return {path.name.split("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py")}


def _create(connection: sa.Connection) -> None:
    """All tables, marked as the newest revision; tests hold them equal to upgraded ones."""
    metadata.create_all(connection)
    version = sa.Table(
        "alembic_version", sa.MetaData(),
        sa.Column("version_num", sa.String(32), nullable=False),
        sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
    )  # fmt: skip
    version.create(connection)
    connection.execute(version.insert().values(version_num=HEAD))


def _upgrade(connection: sa.Connection) -> None:
    from alembic import command  # costs 0.3 s: only when needed
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
