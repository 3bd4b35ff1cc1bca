"""``make fuzz``: Schemathesis over the whole OpenAPI document of a real server, every check on.

Exits as Schemathesis does: 0 when nothing failed. 900 examples make 12,000 to 15,000 cases.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from serving_lead import made_release
from serving_load import BUILD, free_port, wait_for_answer

ROOT = Path(__file__).resolve().parents[1]
CONFIG = ROOT / "tests" / "contract" / "schemathesis.toml"


def main() -> None:
    """Start a server on a release of its own, and let Schemathesis at it."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--schemathesis", type=Path, default=ROOT / "build/fuzz/bin/schemathesis")
    asked.add_argument("--examples", type=int, default=900, help="of each operation and phase")
    given = asked.parse_args()
    release, port = made_release(), free_port()
    address = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory(dir=BUILD) as home, (BUILD / "fuzz.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "leadscore", "serve", "--port", str(port),
             "--release", str(release)],
            env={**os.environ, "LEADSCORE_HOME": home, "OMP_NUM_THREADS": "1",
                 "LEADSCORE_RATE_PER_S": "1000000", "LEADSCORE_RATE_BURST": "1000000"},
            cwd=ROOT, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
        try:
            wait_for_answer(f"{address}/health/ready", (), process, time.perf_counter())
            run = [str(given.schemathesis), "--config-file", str(CONFIG), "run"]
            # --checks would switch on again what the file takes out
            run += [f"{address}/openapi.json", "--workers", "2"]
            run += ["--max-examples", str(given.examples)]
            ended = subprocess.run(run, cwd=BUILD, check=False)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    sys.exit(ended.returncode)


if __name__ == "__main__":
    main()
