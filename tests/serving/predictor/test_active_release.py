"""Releases change under a running service: verified first, swapped whole, refused if bad."""

from __future__ import annotations

import json
import pickle
import shutil
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from features.errors import ReleaseError
from scoring.release.release import load_release, sign_release
from scoring.release.store import ChampionPointer, ReleaseStore
from serving.predictor.active_release import ActiveRelease, prepare
from serving.settings import Settings
from serving.telemetry.metrics import Metrics

Running = Callable[[Settings], Any]
Make = Callable[..., Any]


def promote(home: Path, folder: Path, version: str) -> str:
    store = ReleaseStore(home)
    path = store.add(folder)
    old = store.pointer()
    previous = None if old is None else old.stored
    store.set_champion(ChampionPointer(path.name, version, str(path), previous))
    return path.name


@pytest.fixture
def home(tmp_path: Path, make: Make) -> Path:
    make(tmp_path / "a", seed=1)
    make(tmp_path / "b", seed=2)
    promote(tmp_path / "home", tmp_path / "a", "1")
    return tmp_path / "home"


def answers(client: httpx.Client) -> str:
    return str(client.get("/v1/model").json()["model"]["version"])


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "waited a minute in vain"
        time.sleep(0.02)


def test_a_promotion_under_load_fails_no_request_and_mixes_nothing(
    home: Path, tmp_path: Path, running: Running, lead: dict[str, Any]
) -> None:
    with running(Settings(home=home, watch_s=0.1)) as client:
        seen: set[tuple[str, float]] = set()
        failed: list[int] = []
        ending = threading.Event()

        def ask() -> None:
            with httpx.Client(base_url=client.base_url) as mine:
                while not ending.is_set():
                    answer = mine.post("/v1/scores", json=lead)
                    if answer.status_code != 200:
                        failed.append(answer.status_code)
                        continue
                    said = answer.json()
                    seen.add((said["model"]["release_id"], said["probability"]))

        threads = [threading.Thread(target=ask) for _ in range(4)]
        for thread in threads:
            thread.start()
        for version, folder in (("2", "b"), ("3", "a"), ("4", "b")):
            promote(home, tmp_path / folder, version)
            wait_for(lambda version=version: answers(client) == version)
        ending.set()
        for thread in threads:
            thread.join()
    assert failed == []
    assert len(seen) == 2
    assert len({release for release, _ in seen}) == 2


def flip_a_bit(folder: Path) -> None:
    file = folder / "model.json"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


def truncate(folder: Path) -> None:
    file = folder / "model.json"
    file.write_bytes(file.read_bytes()[:-20])


def smuggle_a_pickle(folder: Path) -> None:
    (folder / "model.pkl").write_bytes(pickle.dumps({"a": 1}))


def take_a_file_away(folder: Path) -> None:
    (folder / "spec.json").unlink()


def foreign_feature_set(folder: Path) -> None:
    spec = json.loads((folder / "spec.json").read_bytes())
    spec["features"] = spec["features"][::-1]
    (folder / "spec.json").write_text(json.dumps(spec))


@pytest.mark.parametrize(
    "spoil", [flip_a_bit, truncate, smuggle_a_pickle, take_a_file_away, foreign_feature_set]
)
def test_a_bad_release_is_refused_and_the_old_one_stays(
    home: Path, tmp_path: Path, spoil: Callable[[Path], None]
) -> None:
    metrics = Metrics()
    live = ActiveRelease(Settings(home=home), metrics)
    live.start()
    old = live.current()
    bad = home / "releases" / load_release(tmp_path / "b").release_id
    shutil.copytree(tmp_path / "b", bad)
    spoil(bad)
    ReleaseStore(home).set_champion(ChampionPointer(bad.name, "2", str(bad)))
    assert live.refresh() is False
    assert live.refresh() is False
    assert live.current() is old
    assert b"leadscore_releases_refused_total 1.0" in metrics.text()[0]
    promote(home, tmp_path / "b", "3")
    assert live.refresh() is True
    assert live.current().version == "3"


def test_at_start_the_release_before_a_bad_one_answers(home: Path, tmp_path: Path) -> None:
    bad = home / "releases" / promote(home, tmp_path / "b", "2")
    flip_a_bit(bad)
    live = ActiveRelease(Settings(home=home), Metrics())
    live.start()
    assert live.current().version == "1"


def test_a_pointer_to_nowhere_or_of_nonsense_changes_nothing(home: Path) -> None:
    live = ActiveRelease(Settings(home=home), Metrics())
    live.start()
    store = ReleaseStore(home)
    pointer = store.pointer()
    assert pointer is not None
    store.set_champion(replace(pointer, release_id="0" * 12, path="/nowhere", version="9"))
    live.refresh()
    (home / "champion.json").write_text("{")
    live.refresh()
    (home / "champion.json").unlink()
    live.refresh()
    assert live.current().version == "1"


def test_production_takes_signed_releases_only(tmp_path: Path, make: Make) -> None:
    make(tmp_path / "r")
    ours, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    trusted = ours.public_key().public_bytes_raw().hex()
    settings = Settings(home=tmp_path, production=True, trusted_keys=trusted)
    with pytest.raises(ReleaseError, match="signature"):
        prepare(tmp_path / "r", "1", settings)
    sign_release(tmp_path / "r", other)
    with pytest.raises(ReleaseError, match="not trusted"):
        prepare(tmp_path / "r", "1", settings)
    sign_release(tmp_path / "r", ours)
    assert prepare(tmp_path / "r", "1", settings).release.signed_by == trusted


def test_a_challenger_has_to_be_signed_too(tmp_path: Path, make: Make) -> None:
    make(tmp_path / "r")
    ours = Ed25519PrivateKey.generate()
    settings = Settings(
        home=tmp_path, production=True, shadow=tmp_path / "r",
        trusted_keys=ours.public_key().public_bytes_raw().hex(),
    )  # fmt: skip
    live = ActiveRelease(settings, Metrics())
    live.start()
    assert live.shadow is None
    sign_release(tmp_path / "r", ours)
    live.start()
    assert live.shadow is not None


def test_without_a_release_the_service_lives_and_is_not_ready(
    tmp_path: Path, running: Running, lead: dict[str, Any]
) -> None:
    with running(Settings(home=tmp_path)) as client:
        assert client.get("/health/live").status_code == 200
        for answer in (client.get("/health/ready"), client.post("/v1/scores", json=lead)):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "5"


def test_a_challenger_is_logged_and_never_told(
    home: Path, tmp_path: Path, running: Running, lead: dict[str, Any]
) -> None:
    with running(Settings(home=home, shadow=tmp_path / "b")) as client:
        told = client.post("/v1/scores", json=lead).json()
        assert told["model"]["version"] == "1"
        url = f"/v1/leads/{lead['lead_id']}/history"
        wait_for(lambda: len(client.get(url).json().get("scores", [])) == 2)
        scores = {s["role"]: s for s in client.get(url).json()["scores"]}
        assert scores["champion"]["probability"] == told["probability"]
        assert scores["challenger"]["probability"] != told["probability"]
        ranked = client.get("/v1/leads").json()["leads"]
        assert [row["probability"] for row in ranked] == [told["probability"]]
