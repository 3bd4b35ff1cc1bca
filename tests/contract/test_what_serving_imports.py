"""The request path is light: the service never loads what only training needs."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("pandas", "pyarrow", "sklearn", "mlflow", "lightgbm", "shap", "training", "duckdb")


def test_the_service_imports_nothing_heavy() -> None:
    code = (
        "import sys, serving.server; from serving.app import create_app; create_app();"
        f"print([name for name in {HEAVY!r} if name in sys.modules])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"


def test_the_mover_starts_light() -> None:
    heavy = (*HEAVY, "numba", "fastapi", "uvicorn", "alembic")
    code = "import sys, serving.store.score_loader_process; "
    code += f"print([name for name in {heavy!r} if name in sys.modules])"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
