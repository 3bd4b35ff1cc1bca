"""Law 2 on Spark: two executor processes, one of them killed, give the bits of one machine."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from many_leads import asked, made_up_folder
from pyarrow import parquet
from small_release import ATTRIBUTES, FEATURES, small_release

from features.errors import DataError
from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.schemas import UTC_MICROSECONDS
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from scoring.batch.spark import SparkRun, score_with_spark, spark_session
from scoring.batch.spark_vectors import SparkVectors, vectors_with_spark
from scoring.release.release import load_release
from scoring.scores import scores_table

if importlib.util.find_spec("pyspark") is None:
    pytest.skip("no PySpark here (pip install 'leadscore[spark]')", allow_module_level=True)
if shutil.which("java") is None:
    pytest.skip("no Java here: Spark needs version 17 or newer", allow_module_level=True)
if not Path("/proc").is_dir():
    pytest.skip("executors are found through /proc, which is not here", allow_module_level=True)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]
BUCKETS = 16


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    session = spark_session(
        "local-cluster[2,1,1024]",
        **{
            "spark.ui.enabled": "false",
            "spark.executor.memory": "1g",
            "spark.driver.memory": "1g",
            "spark.task.maxFailures": "8",
        },
    )
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    folder = made_up_folder(place / "data")
    small_release(place / "release")
    lead_ids, as_of = asked(read_dataset(folder))
    moments = pa.array(as_of, UTC_MICROSECONDS)
    table = pa.table({"lead_id": pa.array(lead_ids, pa.string()), "as_of": moments})
    parquet.write_table(table, place / "asked.parquet")
    return place


def executors(session: Any) -> set[int]:
    """The process ids of this application's own executors."""
    ours = session.sparkContext.applicationId.encode()
    found = set()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"CoarseGrainedExecutorBackend" in command and ours in command:
                found.add(int(entry.name))
    return found


def kill_one_in_the_middle(session: Any, told: dict[str, Any]) -> None:
    """Wait until some buckets are scored and others are not; then kill -9 an executor."""
    tracker = session.sparkContext.statusTracker()
    until = time.monotonic() + 300
    while time.monotonic() < until and "stop" not in told:
        for stage in tracker.getActiveStageIds():
            info = tracker.getStageInfo(stage)
            if info and info.numTasks == BUCKETS and 0 < info.numCompletedTasks < BUCKETS:
                told["before"] = executors(session)
                told["completed"] = info.numCompletedTasks
                os.kill(min(told["before"]), signal.SIGKILL)
                return
        time.sleep(0.01)


def test_an_executor_killed_in_the_middle_changes_no_bit(
    cluster: Any, place: Path, tmp_path: Path
) -> None:
    run = SparkRun(
        source=str(place / "data"),
        release=place / "release",
        out=str(tmp_path / "scores"),
        references=str(place / "asked.parquet"),
        model_version="3",
        buckets=BUCKETS,
    )
    told: dict[str, Any] = {}
    killer = threading.Thread(target=kill_one_in_the_middle, args=(cluster, told))
    killer.start()
    result = score_with_spark(cluster, run)
    told["stop"] = True
    killer.join()
    assert len(told["before"]) == 2
    assert 0 < told["completed"] < BUCKETS
    assert executors(cluster) != told["before"]
    files = sorted(Path(run.out).glob("part-*.parquet"))
    table = pa.concat_tables([parquet.read_table(file) for file in files])
    dataset = read_dataset(place / "data")
    release = load_release(place / "release")
    expected = scores_table(
        release, histories_from_dataset(dataset), *asked(dataset), model_version="3"
    )
    assert table.cast(expected.schema).equals(expected)
    assert result.rows == expected.num_rows


def test_vectors_for_training_are_the_same(cluster: Any, place: Path, tmp_path: Path) -> None:
    dataset = read_dataset(place / "data")
    histories = histories_from_dataset(dataset)
    rng = np.random.default_rng(5)
    lead = rng.integers(0, len(histories), 500)
    as_of = histories.created_at_us[lead] + rng.integers(0, 10**12, 500)
    spec = FeatureSpec(FEATURES, ATTRIBUTES)
    run = SparkVectors(str(place / "data"), spec, str(tmp_path / "work"), buckets=3)
    found = vectors_with_spark(cluster, run, histories.lead_ids[lead], as_of)
    assert found.tobytes() == compute_vectors(spec, histories, References(lead, as_of)).tobytes()
    assert not (tmp_path / "work").exists()
    with pytest.raises(DataError, match="1 reference cannot be computed: unknown lead"):
        vectors_with_spark(cluster, run, np.array(["nobody"], dtype=object), as_of[:1])
