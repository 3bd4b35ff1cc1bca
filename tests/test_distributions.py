"""The wheels: what is in each, and that a folder of the user's cannot stand in for a package."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
NOT_FOR_SERVING = ("pandas", "pyarrow", "sklearn", "mlflow", "lightgbm", "duckdb")
ANSWER = f"""
import sys
from starlette.testclient import TestClient
from serving.app import create_app
from serving.settings import Settings
settings = Settings(release=sys.argv[1], home=sys.argv[2], score_log="off")
with TestClient(create_app(settings), base_url="http://127.0.0.1") as client:
    answer = client.post("/v1/scores", json=dict(
        lead_id="L-1", created_at="2026-03-02T09:12:00Z", as_of="2026-03-09T09:12:00Z",
    ))
assert answer.status_code == 200, answer.text
import serving
print(serving.__file__)
print([name for name in {NOT_FOR_SERVING!r} if name in sys.modules])
"""


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    out = tmp_path_factory.mktemp("wheels")
    subprocess.run(
        [sys.executable, ROOT / "packaging" / "build.py", out], check=True, capture_output=True
    )
    return {wheel.name.split("-")[0]: wheel for wheel in out.glob("*.whl")}


def names_in(wheel: Path) -> list[str]:
    with zipfile.ZipFile(wheel) as archive:
        return archive.namelist()


@pytest.mark.slow
def test_each_wheel_holds_its_packages_and_their_data(wheels: dict[str, Path]) -> None:
    assert set(wheels) == {"leadscore", "leadscore_serve", "leadscore_client"}
    whole = names_in(wheels["leadscore"])
    for name in (
        "leadscore.py", "scoring/default_scorecard.toml", "scoring/default_playbook.toml",
        "training/model_card/card.html.j2", "leadscore_client/mappings/hubspot.toml",
        "integrations/recipes/salesforce/leads.sql", "integrations/recipes/salesforce/recipe.toml",
        "features/py.typed",
    ):  # fmt: skip
        assert name in whole
    assert not [name for name in whole if name.startswith(("tests/", "benchmarks/"))]
    served = names_in(wheels["leadscore_serve"])
    assert not [name for name in served if name.startswith(("training/", "leadscore_client/"))]
    client = [name for name in names_in(wheels["leadscore_client"]) if ".dist-info" not in name]
    assert all(name.startswith("leadscore_client/") for name in client)
    assert wheels["leadscore_client"].stat().st_size < 100_000


@pytest.mark.slow
def test_the_serving_wheel_answers_beside_a_folder_called_serving(
    wheels: dict[str, Path], tmp_path: Path
) -> None:
    from small_release import small_release

    small_release(tmp_path / "R")
    packages = tmp_path / "packages"
    with zipfile.ZipFile(wheels["leadscore_serve"]) as archive:
        archive.extractall(packages)
    (tmp_path / "here" / "serving").mkdir(parents=True)
    (tmp_path / "here" / "serving" / "__init__.py").write_text("raise SystemExit('shadowed')")
    done = subprocess.run(
        [sys.executable, "-P", "-c", ANSWER, tmp_path / "R", tmp_path / "home"],
        cwd=tmp_path / "here", capture_output=True, text=True, check=False,
        env={"PYTHONPATH": str(packages), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    where, heavy = done.stdout.splitlines()[-2:]
    assert where.startswith(str(packages))
    assert heavy == "[]"
