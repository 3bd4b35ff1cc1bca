"""What several rooms' tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data sets, or a skip with the reason."""
    beside = Path(__file__).resolve().parents[1].parent / "shared" / "data"
    folder = Path(os.environ.get("LEADSCORE_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder} (set LEADSCORE_DATA)")
    return folder
