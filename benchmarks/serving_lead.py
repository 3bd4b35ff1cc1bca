"""The lead that the benchmarks send, and the release that scores it."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

from serving_load import BUILD


def made_release() -> Path:
    """A release trained on simulated leads, kept in build/."""
    release = BUILD / "release"
    if not release.exists():
        data = BUILD / "data"
        run = [sys.executable, "-m", "leadscore"]
        home = {**os.environ, "LEADSCORE_HOME": str(BUILD / "home")}
        subprocess.run([*run, "simulate", str(data), "--leads", "4000"], check=True, env=home)
        train = [*run, "train", str(data), "--out", str(release), "--no-register"]
        subprocess.run(train, check=True, env=home)
    return release


def a_lead(release: Path) -> dict[str, Any]:
    """One lead with 50 interactions of the kinds that the release knows."""
    spec = json.loads((release / "spec.json").read_bytes())
    known = {f["topic"] for f in spec["features"] if f["source"] == "interactions"}
    kinds = sorted(known - {"any", "inbound", "outbound"}) or ["page_view"]
    interactions = [
        {
            "kind": kinds[i % len(kinds)],
            "occurred_at": f"2026-03-{1 + i % 19:02d}T{i % 24:02d}:{i:02d}:00Z",
            "duration_s": 30.0 + i,
            "event_id": f"event-{i:04d}",
        }
        for i in range(50)
    ]
    lead = {"lead_id": "L-1042", "created_at": "2026-02-28T09:00:00Z", "attributes": {}}
    return {**lead, "as_of": "2026-03-20T08:00:00Z", "interactions": interactions}


def leads(release: Path, number: int = 64) -> list[dict[str, Any]]:
    """Leads that differ in what they did and when, so that nothing is answered from memory."""
    rng = random.Random(0)
    one = a_lead(release)
    kinds = [act["kind"] for act in one["interactions"]]
    made = []
    for n in range(number):
        acts = [
            {
                **act,
                "kind": rng.choice(kinds),
                "occurred_at": f"2026-03-{rng.randint(1, 19):02d}T{rng.randint(0, 23):02d}"
                f":{rng.randint(0, 59):02d}:{rng.randint(0, 59):02d}Z",
                "duration_s": float(rng.randint(1, 3600)),
                "event_id": f"event-{n}-{i}",
            }
            for i, act in enumerate(one["interactions"])
        ]
        made.append({**one, "lead_id": f"L-{n:04d}", "interactions": acts})
    return made
