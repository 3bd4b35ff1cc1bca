"""``kill -9`` on a promotion or on a release being written, with a server watching: the old release
answers or the new one, never half of one."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from scoring.release.store import ReleaseStore

Start = Callable[..., Any]

PROMOTES = """
import sys, shutil, itertools
from pathlib import Path
from scoring.release.store import ChampionPointer, ReleaseStore
store = ReleaseStore(Path(sys.argv[1]))
sources = [Path(folder) for folder in sys.argv[2:]]

for turn in itertools.count():
    path = store.add(sources[turn % len(sources)])
    store.set_champion(ChampionPointer(path.name, str(turn % len(sources)), str(path)))
    if turn == 0:
        print("begun", flush=True)
    if turn % 5 == 4:  # the next ones are written anew
        other = store.releases / store.add(sources[(turn + 1) % len(sources)]).name
        shutil.rmtree(other)
"""


def test_kill_9_during_promotions_and_release_writes(
    start: Start, home: Path, lead: dict[str, Any], make: Callable[..., None], tmp_path: Path
) -> None:
    folders = []
    for seed in (2, 3):
        make(tmp_path / f"release-{seed}", seed=seed)
        folders.append(str(tmp_path / f"release-{seed}"))
    whole = {ReleaseStore(home).add(Path(folder)).name for folder in folders}
    service = start(watch_s=0.02)
    first = service.client.get("/v1/model").json()["model"]["release_id"]
    rng, seen = random.Random(5), set()
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", PROMOTES, str(home), *folders], stdout=subprocess.PIPE
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        ending = time.monotonic() + rng.uniform(0.1, 1.2)
        while time.monotonic() < ending:
            answer = service.client.post("/v1/scores", json=lead)
            assert answer.status_code == 200
            seen.add(answer.json()["model"]["release_id"])
        writer.kill()
        writer.communicate()
    assert seen <= {first, *whole}
    assert len(seen) > 1

    # what the killed left behind is a whole pointer to a whole release: a fresh start answers
    pointed = ReleaseStore(home).pointer()
    assert pointed is not None
    service.kill()
    service.start()
    assert service.client.get("/v1/model").json()["model"]["release_id"] == pointed.release_id
