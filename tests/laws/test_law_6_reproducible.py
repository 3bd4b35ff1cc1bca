"""Law 6: a score is reproduced bit for bit from the stored history, its as_of and its release."""

import os
import subprocess
import sys
from pathlib import Path

import made_up_release
import pytest
from drawn import as_ofs, histories, leads, references
from hypothesis import given, settings
from hypothesis import strategies as st

from scoring.release.release import load_release, write_release
from scoring.scores import score

FIELDS = ("probability", "low", "high", "log_odds", "contributions", "vectors", "rule_points")


def bits(scores):
    return [getattr(scores, field).tobytes() for field in FIELDS]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("law6") / "release"
    write_release(path, made_up_release.contents())
    return path


@settings(max_examples=25, deadline=None)
@given(st.lists(leads, min_size=1, max_size=4), as_ofs)
def test_a_release_read_again_says_the_same(folder, drawn_leads, as_of):
    release = load_release(folder)
    everyone = histories([(f"L{i}", lead) for i, lead in enumerate(drawn_leads)])
    asked = references([(i, as_of) for i in range(len(drawn_leads))])
    first = score(release, everyone, asked)
    again = score(load_release(folder), everyone, asked)
    assert bits(first) == bits(again)
    assert list(first.band) == list(again.band)


PROGRAM = """
import sys, made_up_release
from scoring.release.release import load_release
explained = load_release(sys.argv[1]).model.explain(made_up_release.table()[0])
print(explained.contributions.tobytes().hex()[:4000], explained.log_odds.tobytes().hex())
"""


def test_another_process_says_the_same(folder):
    root = Path(__file__).resolve().parents[2]
    paths = os.pathsep.join([str(root), str(root / "tests" / "support")])
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder)],
        env={**os.environ, "PYTHONPATH": paths, "PYTHONHASHSEED": "77"},
        capture_output=True,
        check=True,
        text=True,
    )
    explained = load_release(folder).model.explain(made_up_release.table()[0])
    here = (
        explained.contributions.tobytes().hex()[:4000],
        explained.log_odds.tobytes().hex(),
    )
    assert tuple(run.stdout.split()) == here
