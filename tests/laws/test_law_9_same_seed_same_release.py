"""Law 9: the same data and the same seed give the same bytes."""

import os
import subprocess
import sys
from pathlib import Path

import made_up_release

from scoring.release_contents import release_files

PROGRAM = """
import hashlib, made_up_release
from scoring.release_contents import release_files
for name, content in sorted(release_files(made_up_release.contents()).items()):
    print(name, hashlib.sha256(content).hexdigest())
"""


def test_files_of_a_release_are_the_same_in_every_process():
    import hashlib

    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root), str(root / "tests" / "oracle")])
    here = release_files(made_up_release.contents())
    expected = [f"{name} {hashlib.sha256(here[name]).hexdigest()}" for name in sorted(here)]
    for seed in ("1", "2"):
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
            text=True,
        )
        assert run.stdout.splitlines() == expected
