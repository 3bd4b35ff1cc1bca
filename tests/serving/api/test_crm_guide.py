"""The integration guide followed to the letter: every command of docs/guide/crm.md is run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.http.api_keys import create_key
from serving.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
GUIDE = (ROOT / "docs" / "guide" / "crm.md").read_text(encoding="utf-8")
HERE = "http://127.0.0.1:8000"
FENCED = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHELL, PYTHON = (
    [block for language, block in FENCED.findall(GUIDE) if language == wanted]
    for wanted in ("", "python")
)

PROLOGUE = f"""
set -euo pipefail
leadscore() {{ "{sys.executable}" -m leadscore "$@"; }}
curl() {{ command curl -sS -o "$BODY" -w '%{{http_code}} ' "$@"; echo "$*" | head -c 100; echo; }}
"""


@pytest.fixture
def service(
    release_dir: Path, tmp_path: Path, running: Callable[[Settings], Any]
) -> Iterator[tuple[str, Path]]:
    with running(Settings(release=release_dir, home=tmp_path)) as client:
        yield str(client.base_url).rstrip("/"), tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed: apt install curl")
def test_every_command_of_the_guide_works(service: tuple[str, Path]) -> None:
    url, home = service
    runs = re.compile(r"^(curl|leadscore|export) |\$\(leadscore ", re.MULTILINE)
    blocks = [block for block in SHELL if runs.search(block)]
    script = PROLOGUE + "\n".join(blocks).replace(HERE, url) + '\necho "KEY $KEY"\n'
    environment = {**os.environ, "LEADSCORE_HOME": str(home), "BODY": str(home / "answer")}
    ran = subprocess.run(
        ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=120,
        cwd=ROOT, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    statuses = [line for line in ran.stdout.splitlines() if line[:3].isdigit()]
    assert len(statuses) == GUIDE.count("\ncurl "), "every curl of the page is run"
    assert not [line for line in statuses if not line.startswith("2")], ran.stdout


def test_the_python_of_the_guide_works(
    service: tuple[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, home = service
    _, secret = create_key(home, "crm", ["score", "ingest", "read"])
    monkeypatch.setenv("KEY", secret)
    (code,) = [block for block in PYTHON if "127.0.0.1" in block]
    exec(compile(code.replace(HERE, url), "crm.md", "exec"), {})
    answer = httpx.get(
        f"{url}/v1/leads/L-1042/score", headers={"authorization": f"Bearer {secret}"}
    )
    assert answer.status_code == 200
