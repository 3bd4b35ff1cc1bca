"""The doctor looks at keys, store and database, and names no password."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from commands import doctor
from commands.doctor import State
from features.errors import UsageError
from features.reading.sources.database_url import without_password
from serving.http.api_keys import create_key, revoke_key
from serving.store.database import connect
from serving.store.migrate import migrate


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LEADSCORE_HOME", str(tmp_path))
    return tmp_path


def test_keys(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert doctor.keys().state is State.ABSENT
    monkeypatch.setenv("LEADSCORE_PRODUCTION", "true")
    assert doctor.keys().state is State.FAULT
    key, _ = create_key(home, "crm", ["score"])
    assert doctor.keys().state is State.FINE
    (home / "keys.json").chmod(0o644)
    assert "others may read" in doctor.keys().found
    (home / "keys.json").chmod(0o600)
    revoke_key(home, key.id)
    assert doctor.keys().state is State.FAULT
    (home / "keys.json").write_text("{")
    assert doctor.carefully("keys", doctor.keys).state is State.FAULT


def test_store(home: Path) -> None:
    assert doctor.store().state is State.ABSENT
    engine = connect(f"sqlite:///{home / 'store.db'}")
    migrate(engine)
    engine.dispose()
    assert doctor.store().state is State.FINE
    assert (home / "store.db").stat().st_mode & 0o777 == 0o600, "people are in it"
    with closing(sqlite3.connect(home / "store.db")) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    newer = doctor.store()
    assert newer.state is State.FAULT
    assert "newer" in newer.next_step
    (home / "store.db").write_bytes(b"this is no database" * 100)
    assert doctor.carefully("store", doctor.store).state is State.FAULT


def test_a_store_that_others_may_read_is_made_private(home: Path) -> None:
    path = home / "store.db"
    path.touch(mode=0o644)
    path.chmod(0o644)
    migrate(connect(f"sqlite:///{path}"))
    assert all(p.stat().st_mode & 0o077 == 0 for p in home.glob("store.db*"))


PASSWORDS = ["zq9@xj7", "@zq9", "zq9@xj7@kv3", "zq9/xj7@kv3", "zq9:xj7@kv3/wy5?ub2"]


@pytest.mark.parametrize("password", PASSWORDS)
def test_no_part_of_a_password_is_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """Of ``p@ss`` the tail was shown."""
    url = f"postgresql://reader:{password}@127.0.0.1:1/crm"
    assert without_password(url) == "postgresql://reader:***@127.0.0.1:1/crm"
    monkeypatch.setenv("LEADSCORE_DATABASE_URL", url)
    found = doctor.carefully("store", doctor.store)
    assert found.state is State.FAULT
    assert not [part for part in re.findall(r"\w{3}", password) if part in found.found]


def test_an_unencoded_at_sign_is_refused_with_the_way_to_write_it() -> None:
    with pytest.raises(UsageError, match="%40"):
        connect("postgresql://reader:p@ss@localhost/crm")
