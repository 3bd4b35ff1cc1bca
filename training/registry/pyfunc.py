"""The model as MLflow serves it. MLflow runs this file ("models from code"); nothing imports it.

The release folder logged beside it is read and verified by `scoring.release.release`; nothing is
unpickled. The product's own code is the installed one or, where it is not installed, the copy
logged with the model; golden rows, recomputed at loading, make sure that either says the same.
"""

from __future__ import annotations

import atexit
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel

WARMING = {
    "lead_id": "nobody",
    "as_of": "2026-01-03T00:00:00Z",
    "created_at": "2026-01-01T00:00:00Z",
    "attributes": "{}",
    "interactions": '[{"kind": "page_view", "occurred_at": "2026-01-02T00:00:00Z"}]',
    "answers": "[]",
}
"""A row of no lead, scored once when loading, so that every kernel is compiled."""


class LeadscoreModel(PythonModel):  # type: ignore[misc]
    """A release behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Read and verify the release folder, and compile what an answer needs.

        As in the service, LEADSCORE_TRUSTED_KEYS says who may have signed it, and in production
        (LEADSCORE_PRODUCTION) somebody must have.

        Where nothing is compiled yet that takes longer than MLflow lets a first request wait.
        """
        find_code(Path(context.artifacts["code"]))
        from scoring.release.release import load_release
        from scoring.release.signature import trusted_keys

        production = os.environ.get("LEADSCORE_PRODUCTION", "").lower() in (
            "1",
            "true",
            "yes",
            "on",
        )
        words = os.environ.get("LEADSCORE_TRUSTED_KEYS", "")
        trusted = trusted_keys(words, required=production)
        self.release = load_release(Path(context.artifacts["release"]), trusted)
        self.predict(context, pd.DataFrame([WARMING]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One prediction a row, in their order (`scoring.batch.json_rows`)."""
        from scoring.batch.json_rows import answer_rows

        del context, params
        return answer_rows(self.release, model_input)


def find_code(copy: Path) -> None:
    """Make ``import scoring`` work: nothing to do where the product is installed.

    The copy is run from a private folder of this process: running it in place would leave
    compiled files in the registry, or fail where that may only be read.
    """
    try:
        import scoring.batch.json_rows  # noqa: F401
    except ImportError:
        for name in [name for name in sys.modules if name.split(".")[0] in ("features", "scoring")]:
            del sys.modules[name]
        folder = tempfile.mkdtemp(prefix="leadscore-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        sys.path.insert(0, str(shutil.copytree(copy, Path(folder) / "code")))


set_model(LeadscoreModel())
