"""What several rooms' tests share."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys
import warnings
from collections.abc import Callable
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, settings

os.environ["LC_ALL"] = "C.UTF-8"
"""Commands speak English here, whatever the locale of the person who runs the tests."""

RANDOM = os.environ.get("HYPOTHESIS_PROFILE") == "random"
"""``make test-random``: fresh seeds and ten times the examples; else every run is the same."""
TIMES_MORE_EXAMPLES = 10

SLOW = [HealthCheck.too_slow]
"""A loaded machine, or kernels that are compiled meanwhile, are no fault of a property."""
settings.register_profile("fixed", derandomize=True, deadline=None, suppress_health_check=SLOW)
settings.register_profile(
    "random", derandomize=False, deadline=None, print_blob=True, suppress_health_check=SLOW
)
settings.load_profile("random" if RANDOM else "fixed")


LONGEST = (
    "test_the_loop_closes.py", "test_notebooks.py", "test_end_to_end.py", "test_cold_start.py",
    "test_comparison_data.py", "test_gate.py", "test_tracking_server.py", "test_pages.py",
    "test_a_day.py", "test_signal_directions.py", "test_pyfunc_alone.py", "test_cli_card.py",
    "test_card_of_training.py", "test_mover.py", "test_webhooks.py", "test_starved.py",
    "test_distributions.py", "test_api.py", "test_workers.py", "test_flooded.py",
    "test_own_candidates.py", "test_law_9_same_seed_same_release.py", "test_promotion.py",
    "test_excluded_kinds.py", "test_estimator.py", "test_worker_pool.py",
)  # fmt: skip
"""Files that take longest. They come first, so that no worker is left with one at the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the longest files first; multiply the examples of every property test when asked to."""
    place = {name: i for i, name in enumerate(LONGEST)}
    items.sort(key=lambda item: place.get(item.path.name, len(LONGEST)))
    for item in items if RANDOM else ():
        function = getattr(item, "function", None)
        stated = getattr(function, "_hypothesis_internal_use_settings", None)
        if function is not None and stated is not None:
            more = settings(stated, max_examples=stated.max_examples * TIMES_MORE_EXAMPLES)
            function._hypothesis_internal_use_settings = more


class House:
    """A folder in which commands run as a person's would, in processes with a home of their own."""

    def __init__(self, folder: Path, home: Path | None = None) -> None:
        self.folder = folder
        own = {"LEADSCORE_HOME": str(home or folder / "var"), "OMP_NUM_THREADS": "1"}
        self.settings = {**os.environ, **own}

    def run(self, *arguments: str, code: int = 0) -> str:
        """What one command told; it must end with ``code``."""
        return self.both(*arguments, code=code)[0]

    def both(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """(stdout, stderr) of one command."""
        done = subprocess.run(
            [sys.executable, "-m", "leadscore", *arguments],
            cwd=self.folder,
            env=self.settings,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return self._checked(done.returncode, code, done.stdout, done.stderr)

    @staticmethod
    def _checked(ended: int, code: int, out: str, err: str) -> tuple[str, str]:
        assert ended == code, err
        assert "Traceback" not in err
        return out, err

    def scores(self, name: str) -> list[dict[str, str]]:
        """The rows of a CSV file that a command wrote."""
        with (self.folder / name).open(encoding="utf-8") as file:
            return list(csv.DictReader(file))


class QuickHouse(House):
    """A house whose commands run in this process: the same answers without seconds of imports."""

    def both(self, *arguments: str, code: int = 0) -> tuple[str, str]:
        """(stdout, stderr) of one command."""
        from commands.cli import run

        out, err = io.StringIO(), io.StringIO()
        with (
            chdir(self.folder), mock.patch.dict(os.environ, self.settings),
            redirect_stdout(out), redirect_stderr(err), warnings.catch_warnings(),
        ):  # fmt: skip
            warnings.simplefilter("ignore")  # as the command does in a process of its own
            ended = run(arguments)
        return self._checked(ended, code, out.getvalue(), err.getvalue())


@pytest.fixture(scope="session")
def new_house() -> Callable[..., House]:
    """Makes a house of a folder, and of a home that lies elsewhere."""
    return House


@pytest.fixture(scope="session")
def new_quick_house() -> Callable[..., QuickHouse]:
    """Makes a house of a folder, with commands in this process."""
    return QuickHouse


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, or a skip with the reason."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("LEADSCORE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set LEADSCORE_DATA)")
    return folder


LEADS = """lead_id,created_at,budget,industry,newsletter
L1,2026-01-01T00:00:00Z,1000,software,yes
L2,2026-01-02T00:00:00Z,,retail,no
L3,2026-01-03T00:00:00+02:00,250.5,,yes
"""
OUTCOMES = """lead_id,outcome,occurred_at
L1,converted,2026-01-20T00:00:00Z
L2,lost,2026-01-05T00:00:00Z
"""
INTERACTIONS = """lead_id,occurred_at,kind,value,duration_s,channel,event_id
L1,2026-01-02T10:00:00Z,page_view,,30,web,e1
L1,2026-01-03T10:00:00Z,meeting,2,1800,,e2
L2,2026-01-02T10:00:00.5Z,page_view,1.5,,web,
"""
ANSWERS = """lead_id,answered_at,attribute,value
L1,2026-01-04T00:00:00Z,timeline,this quarter
L2,2026-01-04T00:00:00Z,budget,2000
"""


@pytest.fixture
def dataset_folder(tmp_path: Path) -> Callable[..., Path]:
    """Write a small dataset folder; each table can be replaced by other text, bytes or None."""

    def write(**replaced: str | bytes | None) -> Path:
        folder = tmp_path / "small"
        folder.mkdir(exist_ok=True)
        tables: dict[str, str | bytes | None] = {
            "leads.csv": LEADS,
            "outcomes.csv": OUTCOMES,
            "interactions.csv": INTERACTIONS,
            "answers.csv": ANSWERS,
        }
        tables |= {_file_name(key): text for key, text in replaced.items()}
        for name, text in tables.items():
            if text is not None:
                content = text.encode() if isinstance(text, str) else text
                (folder / name).write_bytes(content)
        return folder

    return write


def _file_name(key: str) -> str:
    """``leads`` is leads.csv, ``dataset_toml`` dataset.toml, ``leads_csv_gz`` leads.csv.gz."""
    return key.replace("_", ".") if "_" in key else f"{key}.csv"
