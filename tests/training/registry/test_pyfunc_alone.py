"""A registered model where the product is not installed: served by the code it carries."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy
import pandas as pd
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from empty_registry import empty_registry
from small_release import small_release
from small_training import registered

from features.errors import ReleaseError
from scoring.batch.json_rows import answer_rows
from scoring.release.release import load_release, sign_release

ALONE = """
import sys
sys.path.append(sys.argv[1])  # the packages, without the files that point to this repository
import importlib.util, json, warnings
ours = ("features", "scoring", "training", "serving", "leadscore")
assert not [name for name in ours if importlib.util.find_spec(name)], "not alone"
warnings.simplefilter("ignore")
import mlflow
from mlflow.pyfunc.scoring_server import init
from starlette.testclient import TestClient
mlflow.set_tracking_uri(sys.argv[2])
model = mlflow.pyfunc.load_model(f"models:/leadscore/{sys.argv[3]}")
with TestClient(init(model)) as client:
    answer = client.post("/invocations", json={"dataframe_records": json.loads(sys.argv[4])})
import features, scoring
not_required = {"duckdb", "lightgbm", "typer"} & set(sys.modules)
print(json.dumps([answer.json(), scoring.__file__, features.__file__, sorted(not_required)]))
"""
KNOWN = {"lead_id": "A", "as_of": "2026-03-20T08:00:00Z", "created_at": "2026-03-01T00:00:00Z"}
VIEWS = [
    {"kind": "page_view", "occurred_at": f"2026-03-18T1{hour}:00:00+01:00"} for hour in range(3)
]
ROWS = [KNOWN, KNOWN | {"interactions": json.dumps(VIEWS), "attributes": '{"employees": 12}'}]


@pytest.mark.slow
def test_mlflow_serves_it_by_the_code_it_carries(tmp_path: Path) -> None:
    settings = empty_registry(tmp_path / "home")
    made = registered(settings, tmp_path / "R", 0.5)
    (code, *_) = settings.artifact_folder.rglob("artifacts/code")
    files = sorted(code.rglob("*"))
    packages = str(Path(numpy.__file__).parents[1])
    done = subprocess.run(
        # -I and -S: no current folder, no variables, no .pth file of an editable install
        [sys.executable, "-I", "-S", "-c", ALONE, packages, settings.uri, made.version,
         json.dumps(ROWS)],
        env={**os.environ, "NUMBA_DISABLE_JIT": "1"},  # its copy of the code is in no cache yet
        capture_output=True, text=True, cwd=tmp_path, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said, *sources, not_required = json.loads(done.stdout.splitlines()[-1])
    assert said["predictions"] == expected(tmp_path / "R")
    assert not_required == []
    repository = str(Path(__file__).parents[3])
    assert not [path for path in sources if path.startswith(repository)]
    assert not [path for path in sources if Path(path).exists()]  # its own copy is gone with it
    assert sorted(code.rglob("*")) == files  # and left nothing behind


def expected(release: Path) -> list[dict[str, object]]:
    """What the same rows are answered here, with the product installed."""
    answers = answer_rows(load_release(release), pd.DataFrame(ROWS))
    return [{str(name): value for name, value in row.items()} for row in answers.to_dict("records")]


def test_a_registered_model_has_to_be_signed_as_in_the_service(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from training.registry.pyfunc import LeadscoreModel

    small_release(tmp_path / "R")
    ours = Ed25519PrivateKey.generate()
    context = SimpleNamespace(artifacts={"release": str(tmp_path / "R"), "code": str(tmp_path)})
    monkeypatch.setenv("LEADSCORE_PRODUCTION", "true")
    for trusted in ("", ours.public_key().public_bytes_raw().hex()):
        monkeypatch.setenv("LEADSCORE_TRUSTED_KEYS", trusted)
        with pytest.raises(ReleaseError, match="signature"):
            LeadscoreModel().load_context(context)
    sign_release(tmp_path / "R", ours)
    LeadscoreModel().load_context(context)
