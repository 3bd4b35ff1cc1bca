"""The demo's leads in the service's store: moved to end now, scored as the service scores."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa
from many_leads import made_up_folder
from small_release import small_release

from commands.demo_store import fill_store
from features.reading.read import read_dataset
from scoring.release.store import ChampionPointer, ReleaseStore
from serving.predictor.predictor import Predictor
from serving.predictor.replay import replay
from serving.settings import Settings
from serving.store import tables
from serving.store.database import connect, store_url
from serving.store.worklist_query import Filters, lines
from serving.timestamps import microseconds

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_the_newest_leads_are_stored_scored_and_listed(tmp_path: Path) -> None:
    dataset = read_dataset(made_up_folder(tmp_path / "leads", n_leads=60, n_rows=400))
    home = tmp_path / "home"
    release = small_release(tmp_path / "release")
    path = ReleaseStore(home).add(tmp_path / "release")
    ReleaseStore(home).set_champion(ChampionPointer(path.name, "1", str(path)))
    settings = Settings(home=home)
    assert fill_store(dataset, Predictor(release, "1"), settings, NOW) == 60
    engine = connect(store_url(settings))
    with engine.begin() as connection:
        listed = lines(connection, Filters(), 50, 0)
        score_ids = list(connection.scalars(sa.select(tables.score.c.score_id).limit(3)))
        last = connection.scalar(sa.select(sa.func.max(tables.interaction.c.occurred_us)))
        closed = set(connection.scalars(sa.select(tables.outcome.c.lead_id)))
    engine.dispose()
    assert len(listed) == 60 - 20
    assert closed.isdisjoint(line.row.lead_id for line in listed)
    assert all(len(line.past) >= 1 for line in listed)
    assert last is not None
    assert microseconds(NOW) - 14 * 86_400_000_000 < last < microseconds(NOW)
    assert all(replay(settings, score_id).identical for score_id in score_ids)
    assert fill_store(dataset, Predictor(release, "1"), settings, NOW) is None
