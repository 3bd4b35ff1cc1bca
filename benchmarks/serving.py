"""Requests a second, latency, memory and start of the service and its peers, in one table.

``make bench-serving`` (needs wrk: apt-get install wrk). Everything runs on this machine, the load
generator too, so compare the rows with each other. Leads with 50 interactions are sent to
leadscore and to the naive service; mlflow and BentoML get 60 ready-made numbers. Takes about six
minutes; a run of everything is saved as benchmarks/results/serving.{md,json}.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from serving_lead import leads, made_release
from serving_load import BUILD, Row, free_port, load, load_on, memory_mb, wait_for_answer
from serving_report import EMPTY, EMPTY_TWO, MLFLOW, ONE, TWO, save, table

HERE = Path(__file__).resolve().parent
PEERS = HERE / "serving_peers"
CONNECTIONS = (1, 16, 64)
ROUNDS = 3
PATH = f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}"
ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class MeasuredService:
    """A service to start and to ask."""

    name: str
    command: Sequence[str]
    path: str
    bodies: Sequence[bytes] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: str | None = None


def main() -> None:
    """Measure every candidate and print one table (and JSON with --json)."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=int, default=3, help="of each measurement")
    asked.add_argument(
        "--only", default="", help="only candidates whose name holds this, such as leadscore"
    )
    asked.add_argument("--release", type=Path, help="use this release instead of training one")
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("wrk is not installed; apt-get install wrk")
    BUILD.mkdir(parents=True, exist_ok=True)
    release = given.release or made_release()
    chosen = [c for c in candidates(release) if given.only in c.name]
    compile_once(release)
    results = []
    for candidate in chosen:
        print(f"measuring {candidate.name}", file=sys.stderr, flush=True)
        results.append(measured(candidate, given.seconds))
    text = table(results) if given.only else save(results, given.seconds)
    print(json.dumps(results, indent=2) if given.json else text)


def compile_once(release: Path) -> None:
    """Compile all there is, so that a first start in a fresh clone does not measure that."""
    warm = "from serving.predictor.active_release import prepare; "
    warm += "from serving.settings import Settings; "
    warm += f"from pathlib import Path; prepare(Path({str(release)!r}), '', Settings()); "
    warm += "from serving.journal.disk_writer import write_loop; from numba import int64; "
    warm += "write_loop.compile((int64, int64))"
    subprocess.run([sys.executable, "-c", warm], check=True, cwd=HERE.parent)


def candidates(release: Path) -> list[MeasuredService]:
    """The service in its variants, the ceiling, and the peers."""
    python = sys.executable
    lead = [json.dumps(one).encode() for one in leads(release)]
    numbers = [[float(i % 7) for i in range(60)]]
    model = peer_model()
    server = [python, "-m", "leadscore", "serve", "--port", "{port}", "--release", str(release)]
    uvicorn = [python, "-m", "uvicorn", "--port", "{port}", "--no-access-log", "--app-dir"]
    mlflow = [python, "-m", "mlflow", "models", "serve", "-m", str(mlflow_model()), "-p", "{port}"]
    bento = [python, "-m", "bentoml", "serve", "bento:Scorer", "-p", "{port}"]
    split = {"dataframe_split": {"columns": feature_names(), "data": numbers}}
    peer = {"PEER_MODEL": str(model)}
    rate = {"LEADSCORE_RATE_PER_S": "1000000", "LEADSCORE_RATE_BURST": "1000000"}
    off = {**rate, "LEADSCORE_SCORE_LOG": "off"}
    relaxed = {**rate, "LEADSCORE_SCORE_LOG": "relaxed"}
    two = [*server, "--workers", "2"]
    return [
        MeasuredService(ONE, server, "/v1/scores", lead, rate),
        MeasuredService(TWO, two, "/v1/scores", lead, rate),
        MeasuredService("leadscore, 1 worker, relaxed log", server, "/v1/scores", lead, relaxed),
        MeasuredService("leadscore, 1 worker, no log", server, "/v1/scores", lead, off),
        MeasuredService(EMPTY, [*uvicorn, str(PEERS), "empty:app"], "/empty"),
        MeasuredService(EMPTY_TWO, [*uvicorn, str(PEERS), "empty:app", "--workers", "2"], "/empty"),
        MeasuredService(
            "FastAPI + pandas + sklearn", [*uvicorn, str(PEERS), "naive:app"], "/score", lead, peer
        ),
        MeasuredService(
            MLFLOW,
            [*mlflow, "--env-manager", "local", "--workers", "1"],
            "/invocations", [json.dumps(split).encode()], needs="mlflow",
        ),
        MeasuredService(
            "BentoML (60 numbers)",
            [*bento, "--working-dir", str(PEERS)],
            "/score", [json.dumps({"rows": numbers}).encode()], peer, needs="bentoml",
        ),
    ]  # fmt: skip


def measured(candidate: MeasuredService, seconds: int) -> dict[str, Any]:
    """Start it, ask it, end it."""
    if candidate.needs and not importable(candidate.needs):
        return {"name": candidate.name, "skipped": f"{candidate.needs} is not installed"}
    port, load_before = free_port(), os.getloadavg()[0]
    with tempfile.TemporaryDirectory(dir=BUILD) as home:
        environment = {
            **os.environ, "PATH": PATH, **ONE_THREAD, "LEADSCORE_HOME": home,
            **candidate.environment,
        }  # fmt: skip
        command = [part.format(port=port) for part in candidate.command]
        started = time.perf_counter()
        with (BUILD / "last-server.log").open("w") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        try:
            url = f"http://127.0.0.1:{port}{candidate.path}"
            first_s = wait_for_answer(url, candidate.bodies, process, started)
            load(url, candidate.bodies, 8, 2)  # warm
            rounds = [
                {c: load_on(process.pid, url, candidate.bodies, c, seconds) for c in CONNECTIONS}
                for _ in range(ROUNDS)
            ]
            memory = memory_mb(process.pid)
        except RuntimeError as error:
            return {"name": candidate.name, "skipped": str(error)}
        finally:
            end(process)
    return {
        "name": candidate.name,
        "load_before": round(load_before, 2),
        "first_answer_s": round(first_s, 2),
        "memory_mb": round(memory),
        "connections": {c: vars(middle([rows[c] for rows in rounds])) for c in CONNECTIONS},
    }


def middle(rows: Sequence[Row]) -> Row:
    """The one with the median of requests a second: neighbours on the host disturb single runs."""
    return sorted(rows, key=lambda row: row.per_second)[len(rows) // 2]


def end(process: subprocess.Popen[bytes]) -> None:
    """End the process and all it started."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.killpg(process.pid, number)
            process.wait(20)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def feature_names() -> list[str]:
    """Names of the peers' 60 numbers."""
    kinds = ("page_view", "email_open", "webinar", "contact_form", "inbound_call")
    return [f"{kinds[i % 5]}_{(1, 7, 30)[i % 3]}_{i}" for i in range(60)]


def peer_pipeline() -> Any:
    """A scikit-learn pipeline on 60 numbers, as small as the comparison allows."""
    import numpy as np
    import pandas as pd
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    rng = np.random.default_rng(0)
    features = pd.DataFrame(rng.normal(size=(500, 60)), columns=feature_names())
    pipeline = make_pipeline(StandardScaler(), LogisticRegression())
    return pipeline.fit(features, rng.integers(0, 2, 500))


def peer_model() -> Path:
    """The peers' pipeline as they load it."""
    import joblib

    path = BUILD / "peer.joblib"
    joblib.dump(peer_pipeline(), path)
    return path


def mlflow_model() -> Path:
    """The peers' pipeline as MLflow saves it."""
    path = BUILD / "mlflow-model"
    if not path.exists() and importable("mlflow"):
        import mlflow.sklearn

        mlflow.sklearn.save_model(
            peer_pipeline(), path, pip_requirements=["scikit-learn"],
            serialization_format="cloudpickle",
        )  # fmt: skip
    return path


def importable(name: str) -> bool:
    """Whether this Python has the package."""
    import importlib.util

    return importlib.util.find_spec(name) is not None


if __name__ == "__main__":
    main()
