"""`leadscore score --buckets`: the same file as without, for sets that do not fit into memory."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import parquet
from small_release import small_release

import leadscore
from commands.scale import bucket_count
from features.errors import UsageError


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scale")
    assert leadscore.run(["simulate", str(place / "leads"), "--leads", "200", "--seed", "3"]) == 0
    small_release(place / "release")
    return place


def score(place: Path, out: str, *more: str) -> Path:
    path = place / out
    arguments = ["score", str(place / "leads"), "--release", str(place / "release")]
    assert leadscore.run([*arguments, "--out", str(path), *more]) == 0
    return path


def test_buckets_give_the_same_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = score(place, "plain.parquet")
    capsys.readouterr()
    parted = score(place, "parted.parquet", "--buckets", "3", "--workers", "1", "--json")
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert told["buckets"] == told["buckets_done_now"] == 3
    assert told["rows"] == parquet.read_metadata(parted).num_rows > 0
    assert parquet.read_table(parted).equals(parquet.read_table(plain))
    assert "run the same command again to go on after a stop" in shown.err


def test_bucket_counts() -> None:
    assert bucket_count("auto") is None
    assert bucket_count("65536") == 65_536
    for wrong in ("0", "many", "65537", "-1"):
        with pytest.raises(UsageError, match="expected auto or a number"):
            bucket_count(wrong)
