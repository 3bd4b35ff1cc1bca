"""Processor time of moving a written score into the store: ``python -m benchmarks.score_loading``.

What ``make bench-serving`` measures of the service's processes together is measured here alone:
segments of the journal as a busy service writes them (some 400 scores of leads with 50 interactions
each) are loaded by the code of the loader's process, with nobody beside it. ``in turn``: 64 leads
again and again, as the load generator of bench-serving sends them; ``others``: each score is of
another lead, the first of its own.
"""

from __future__ import annotations

import argparse
import cProfile
import json
import pstats
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from serving.http.request import encode
from serving.journal.segments import SIZE
from serving.predictor.active_release import prepare
from serving.predictor.parse_request import parse_request
from serving.predictor.predictor import Predictor, predict_one
from serving.predictor.query import QueryContext
from serving.predictor.score_log import row_of
from serving.settings import Settings
from serving.store.database import connect, store_url
from serving.store.migrate import migrate
from serving.store.score_loader import SEGMENTS_A_TRANSACTION, JournalLoader
from serving.store.scores import line_of
from serving.store.tombstones import load_tombstones
from serving.timestamps import Clock

sys.path.append(str(Path(__file__).parent))  # behind the package serving, which serving.py hides
from serving_lead import leads, made_release

ROUNDS = 3


def lines(predictor: Predictor, bodies: list[dict[str, Any]], count: int) -> list[bytes]:
    """Lines of the journal: the bodies scored in turn."""
    now = datetime.now(UTC)
    context = QueryContext(Clock(now, now), "en", 3)
    made = []
    for i in range(count):
        body = json.dumps(bodies[i % len(bodies)]).encode()
        prediction = predict_one(predictor, parse_request(predictor, body, context, 12))
        row = row_of(predictor, prediction, encode(prediction.answer), context, body)
        made.append(line_of(row))
    return made


def segments_of(written: list[bytes]) -> list[bytes]:
    """The lines in segments as large as the journal's."""
    made, part, size = [], list[bytes](), 0
    for line in written:
        if size + len(line) > SIZE:
            made.append(b"".join(part).ljust(SIZE, b"\0"))
            part, size = [], 0
        part.append(line)
        size += len(line)
    return [*made, b"".join(part).ljust(SIZE, b"\0")]


def measure(url: str, home: Path, segments: list[bytes], rows: int) -> tuple[float, float]:
    """(microseconds of this process, microseconds of the clock) a score."""
    settings = Settings(home=home, database_url=url or None)
    engine = connect(store_url(settings))
    migrate(engine)
    with engine.execution_options(writes=True).begin() as connection:
        load_tombstones(connection)
    loader = JournalLoader(engine, settings)
    loader.hold()
    worked, begun = 0.0, 0.0
    for first in range(0, len(segments), SEGMENTS_A_TRANSACTION):
        for i, content in enumerate(segments[first : first + SEGMENTS_A_TRANSACTION], first):
            (home / "journal" / f"{i:010d}-00000001.jsonl").write_bytes(content)
        cpu, clock = time.process_time(), time.perf_counter()
        loader.run_once()
        worked += time.process_time() - cpu
        begun += time.perf_counter() - clock
    loader.release()
    engine.dispose()
    return worked / rows * 1e6, begun / rows * 1e6


def main() -> None:
    """Print a line of JSON for each kind of leads."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", type=Path, help="use this release instead of training one")
    parser.add_argument("--url", default="", help="an empty PostgreSQL; SQLite unless given")
    parser.add_argument("--scores", type=int, default=6000)
    parser.add_argument("--profile", action="store_true", help="where the time goes, to stdout")
    given = parser.parse_args()
    release = given.release or made_release()
    predictor = prepare(release, "", Settings())
    for name, number in (("in turn", 64), ("others", given.scores)):
        bodies = leads(release, number)
        taken = []
        for turn in range(1 if given.url or given.profile else ROUNDS):
            segments = segments_of(lines(predictor, bodies, given.scores))
            del turn
            with tempfile.TemporaryDirectory(prefix="leadscore-loading-") as home:
                profile = cProfile.Profile()
                if given.profile:
                    profile.enable()
                taken.append(measure(given.url, Path(home), segments, given.scores))
                profile.disable()
                if given.profile:
                    pstats.Stats(profile).sort_stats("tottime").print_stats(28)
        cpu, clock = min(taken)
        print(
            json.dumps(
                {"leads": name, "cpu_us": round(cpu, 1), "clock_us": round(clock, 1),
                 "rounds": len(taken)}
            ), flush=True,
        )  # fmt: skip


if __name__ == "__main__":
    main()
