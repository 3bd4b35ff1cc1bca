"""The code that the guide gives to a CRM's developer accepts our messages and refuses others."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from serving.outbox.send import signed
from serving.outbox.webhooks import new_secret

GUIDE = Path(__file__).resolve().parents[3] / "docs" / "guide" / "changes-and-webhooks.md"
BODY = '{"type":"webhook.test","data":{"name":"Zoë"}}'

Verify = Callable[[str, dict[str, str], str], str | None]


def code(language: str) -> str:
    found = re.search(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    return found[1]


def in_python(secret: str, headers: dict[str, str], body: str) -> str | None:
    namespace: dict[str, Any] = {}
    exec(code("python"), namespace)
    try:
        return str(namespace["verify"](secret, headers, body.encode()))
    except ValueError:
        return None


def in_node(secret: str, headers: dict[str, str], body: str) -> str | None:
    said = json.dumps([secret, headers, body])
    script = f"""{code("javascript")}
    const [secret, headers, body] = {said};
    try {{ console.log(verify(secret, headers, Buffer.from(body))); }} catch {{ process.exit(3); }}
    """
    done = subprocess.run(
        ["node", "--input-type=module"], input=script, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 3), done.stderr
    return done.stdout.strip() if done.returncode == 0 else None


@pytest.fixture(params=["python", "node"])
def verify(request: pytest.FixtureRequest) -> Verify:
    if request.param == "node" and shutil.which("node") is None:
        pytest.skip("no node on this machine: install Node.js to run the guide's JavaScript")
    return in_python if request.param == "python" else in_node


def test_the_guides_code_verifies(verify: Verify) -> None:
    now, old, new = datetime.now(UTC), new_secret(), new_secret()
    headers = signed([new, old], "chg_7", BODY, now)
    headers = {name.lower(): value for name, value in headers.items()}
    assert verify(new, headers, BODY) == "chg_7"
    assert verify(old, headers, BODY) == "chg_7"
    assert verify(new_secret(), headers, BODY) is None
    assert verify(new, headers, BODY + " ") is None
    assert verify(new, {**headers, "webhook-id": "chg_8"}, BODY) is None
    late = {
        name.lower(): value
        for name, value in signed([new], "chg_7", BODY, now - timedelta(minutes=6)).items()
    }
    assert verify(new, late, BODY) is None
