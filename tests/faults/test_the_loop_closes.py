"""The loop closes: what the service took in trains the next release, as a folder of it would."""

from __future__ import annotations

import csv
import json
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.csv as pacsv
import pytest
import sqlalchemy as sa
from empty_registry import empty_registry
from few_kinds import simulate_few_kinds

from serving.store.database import connect
from training.simulator import write_simulation

Start = Callable[..., Any]
LEADS = 300
REFERENCES = 60
QUICK = ("--time-budget", "0", "--jobs", "1")


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, new_quick_house: Callable[..., Any]) -> Path:
    """Simulated leads in ``leads``, and the release trained on them in ``of_folder``."""
    made = tmp_path_factory.mktemp("folder")
    house = new_quick_house(made)
    write_simulation(simulate_few_kinds(LEADS, seed=5), made / "leads", truth=False)
    house.run("train", "leads", "--out", "of_folder", "--no-register", *QUICK)
    return made


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest, home: Path) -> Iterator[str]:
    """The URL of the store: the file in the home, or a PostgreSQL of our own."""
    if request.param == "sqlite":
        yield f"sqlite:///{home / 'store.db'}"
    else:
        yield request.getfixturevalue("postgresql").url


def send(client: Any, path: str, name: str, rows: list[dict[str, Any]]) -> None:
    for first in range(0, len(rows), 5000):
        answer = client.post(path, json={name: rows[first : first + 5000]})
        assert answer.status_code == 200, answer.text
        assert answer.json()["refused"] == []


def plain(row: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {name: value for name, value in {**row, **changes}.items() if value not in (None, "")}


def tell_everything(client: Any, folder: Path) -> None:
    """Send a whole dataset folder through the API."""
    for lead in rows_of(folder / "leads.csv"):
        lead_id, created = lead.pop("lead_id"), lead.pop("created_at")
        attributes = plain(lead)
        if "employees" in attributes:
            attributes["employees"] = float(attributes["employees"])
        body = {"created_at": created, "attributes": attributes}
        assert client.put(f"/v1/leads/{lead_id}", json=body).status_code in (200, 201)
    happened = pacsv.read_csv(folder / "interactions.csv.gz").to_pylist()
    acts = [plain(row, occurred_at=f"{row['occurred_at']:%Y-%m-%dT%H:%M:%SZ}") for row in happened]
    send(client, "/v1/interactions", "interactions", acts)
    answers = rows_of(folder / "answers.csv")
    told = [{**row, "value": row["value"] or None} for row in answers]
    send(client, "/v1/answers", "answers", told)
    send(client, "/v1/outcomes", "outcomes", rows_of(folder / "outcomes.csv"))


def describe(url: str, settings: dict[str, Any]) -> None:
    """Write dataset.toml into the store's table ``dataset``, a row each."""
    flat: dict[str, Any] = {k: v for k, v in settings.items() if k != "attributes"}
    for name, told in settings["attributes"].items():
        flat |= {f"attributes.{name}.{key}": value for key, value in told.items()}
    engine = connect(url)
    table = sa.table("dataset", sa.column("key"), sa.column("value"))
    with engine.execution_options(writes=True).begin() as connection:
        connection.execute(
            sa.insert(table),
            [{"key": k, "value": json.dumps(v, default=str).strip('"')} for k, v in flat.items()],
        )
    engine.dispose()


def test_the_loop_closes(
    start: Start,
    home: Path,
    tmp_path: Path,
    folder: Path,
    store_url: str,
    new_quick_house: Callable[..., Any],
) -> None:
    (home / "champion.json").unlink()
    empty_registry(home)
    database = {} if store_url.startswith("sqlite") else {"database_url": store_url}
    service = start(ready=False, watch_s=0.2, **database)
    service.wait_for(lambda: service.metric("leadscore_store_up") == 1)
    tell_everything(service.client, folder / "leads")
    describe(store_url, tomllib.loads((folder / "leads" / "dataset.toml").read_text()))

    # the same release comes out of the store as out of the folder
    house = new_quick_house(tmp_path, home)
    trained = json.loads(house.run("train", store_url, "--out", "of_store", *QUICK, "--json"))
    for name in ("spec.json", "model.json", "golden.json", "intervals.json"):
        said, again = folder / "of_folder" / name, tmp_path / "of_store" / name
        assert said.read_bytes() == again.read_bytes(), name

    # batch scores of the store, of the folder, and the service's own are the same numbers
    leads = rows_of(folder / "leads" / "leads.csv")[:REFERENCES]
    (tmp_path / "asked.csv").write_text(
        "lead_id,as_of\n" + "".join(f"{row['lead_id']},2024-12-30T12:00:00Z\n" for row in leads)
    )
    asked = ("--references", "asked.csv", "--release", "of_store")
    house.run("score", store_url, *asked, "--out", "of_store.csv")
    house.run("score", str(folder / "leads"), *asked, "--out", "of_folder.csv")
    assert house.scores("of_store.csv") == house.scores("of_folder.csv")

    house.run("promote", str(trained["version"]), "--force")  # too few leads for the gate
    service.wait_for(lambda: service.answers("/health/ready"))
    for row in house.scores("of_store.csv"):
        answer = service.client.get(
            f"/v1/leads/{row['lead_id']}/score", params={"as_of": row["as_of"]}
        ).json()
        told = [answer["probability"], answer["interval"]["low"], answer["interval"]["high"]]
        assert told == [float(row[name]) for name in ("probability", "low", "high")]
        assert answer["band"] == row["band"]
