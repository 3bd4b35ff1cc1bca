"""Law 9: the same data and the same seed give the same bytes."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import made_up_release
import pytest

from scoring.release.contents import release_files

FILES = """
import hashlib, made_up_release
from scoring.release.contents import release_files
for name, content in sorted(release_files(made_up_release.contents()).items()):
    print(name, hashlib.sha256(content).hexdigest())
"""
TRAIN = """
import hashlib, sys
from pathlib import Path
from features.reading.read import read_dataset
from scoring.release.contents import release_files
from training.config import TrainingConfig
from training.train import train
config = TrainingConfig(seed=3, jobs=int(sys.argv[2]), time_budget_s=4.5)
trained = train(read_dataset(Path(sys.argv[1])), config)
for name, content in sorted(release_files(trained.contents).items()):
    print(name, hashlib.sha256(content).hexdigest())
"""


def run(program: str, *arguments: str, hash_seed: str) -> list[str]:
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root), str(root / "tests" / "support")])
    done = subprocess.run(
        [sys.executable, "-c", program, *arguments],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": hash_seed},
        capture_output=True,
        check=True,
        text=True,
    )
    return done.stdout.splitlines()


def test_files_of_a_release_are_the_same_in_every_process():
    here = release_files(made_up_release.contents())
    expected = [f"{name} {hashlib.sha256(here[name]).hexdigest()}" for name in sorted(here)]
    assert run(FILES, hash_seed="1") == expected


@pytest.mark.slow
def test_training_gives_the_same_bytes_in_every_process_with_any_number_of_jobs(tmp_path):
    from few_kinds import simulate_few_kinds

    from training.simulator import write_simulation

    write_simulation(simulate_few_kinds(120, seed=1), tmp_path, truth=False)
    one = run(TRAIN, str(tmp_path), "1", hash_seed="1")
    two = run(TRAIN, str(tmp_path), "2", hash_seed="2")
    assert len(one) >= 8
    assert one == two
