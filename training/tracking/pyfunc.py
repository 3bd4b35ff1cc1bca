"""The model as MLflow serves it. MLflow runs this file ("models from code"); nothing imports it.

The release folder logged beside it is read and verified by `scoring.release`; nothing is
unpickled. The product's own code is the installed one or, where it is not installed, the copy
logged with the model; golden rows, recomputed at loading, make sure that either says the same.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
from mlflow.models import set_model
from mlflow.pyfunc import PythonModel


class LeadscoreModel(PythonModel):  # type: ignore[misc]
    """A release behind MLflow's interface."""

    def load_context(self, context: Any) -> None:
        """Read and verify the release folder."""
        find_code(Path(context.artifacts["code"]))
        from scoring.release import load_release

        self.release = load_release(Path(context.artifacts["release"]))

    def predict(
        self, context: Any, model_input: pd.DataFrame, params: dict[str, Any] | None = None
    ) -> pd.DataFrame:
        """One answer a row, in the order asked (`scoring.json_rows`)."""
        from scoring.json_rows import answer_rows

        del context, params
        return answer_rows(self.release, model_input)


def find_code(copy: Path) -> None:
    """Make ``import scoring`` work: nothing to do where the product is installed."""
    try:
        import scoring.json_rows  # noqa: F401
    except ImportError:
        for name in [name for name in sys.modules if name.split(".")[0] in ("features", "scoring")]:
            del sys.modules[name]
        sys.path.insert(0, str(copy))


set_model(LeadscoreModel())
