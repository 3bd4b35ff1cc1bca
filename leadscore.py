"""Calibrated, explained lead-conversion scores: the public Python API, and the command's entry.

>>> import leadscore as ls
>>> data = ls.simulate(300, seed=1).to_dataset()       # or ls.read_dataset("my-leads")
>>> fitted = ls.train(data, jobs=1, time_budget_s=0)
>>> scores = fitted.release.score(data)                # a DataFrame, one row per open lead

What ``__all__`` names is public; every other module may change without notice. Nothing is loaded
before it is used, so ``import leadscore`` costs milliseconds.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from commands.cli import main
    from commands.python_api.analysis import audit, compare, monitor
    from commands.python_api.data import label_references, simulate, vectorize
    from commands.python_api.forecast import forecast
    from commands.python_api.release import Release, explain, load_release, score
    from commands.python_api.train import TrainingResult, train
    from features import errors
    from features.dataset import Dataset
    from features.language.current import language
    from features.reading.read import read_dataset
    from scoring.scorecard.scorecard import Scorecard
    from training.config import TrainingConfig
    from training.estimator import HistoryVectorizer, LeadClassifier

__all__ = [
    "Dataset",
    "HistoryVectorizer",
    "LeadClassifier",
    "Release",
    "Scorecard",
    "TrainingConfig",
    "TrainingResult",
    "audit",
    "compare",
    "errors",
    "explain",
    "forecast",
    "label_references",
    "language",
    "load_release",
    "main",
    "monitor",
    "read_dataset",
    "score",
    "simulate",
    "train",
    "vectorize",
]

_MODULES = {
    "commands.cli": ("main",),
    "commands.python_api.analysis": ("audit", "compare", "monitor"),
    "commands.python_api.data": ("label_references", "simulate", "vectorize"),
    "commands.python_api.forecast": ("forecast",),
    "commands.python_api.release": ("Release", "explain", "load_release", "score"),
    "commands.python_api.train": ("TrainingResult", "train"),
    "features.dataset": ("Dataset",),
    "features.language.current": ("language",),
    "features.reading.read": ("read_dataset",),
    "scoring.scorecard.scorecard": ("Scorecard",),
    "training.estimator": ("HistoryVectorizer", "LeadClassifier"),
    "training.config": ("TrainingConfig",),
}

_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A public name, loaded when it is first used (PEP 562)."""
    if name == "errors":
        value: Any = import_module("features.errors")
    elif name in _MODULE_OF:
        value = getattr(import_module(_MODULE_OF[name]), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


if __name__ == "__main__":
    from commands.cli import main

    main()
