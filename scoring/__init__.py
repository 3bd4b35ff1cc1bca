"""What we say of a lead: scorecard, model arithmetic, calibration, bands, reasons, releases.

What this module exports is loaded when it is first used, so that serving, which scores one lead
at a time, never loads pandas or pyarrow.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from scoring.bands import Band, BandThresholds
    from scoring.model.model import Model
    from scoring.playbook import Playbook
    from scoring.release.release import Release, load_release, write_release
    from scoring.scorecard.scorecard import Scorecard, load_scorecard
    from scoring.scores import score, scores_table

_HOMES = {
    "Band": "scoring.bands",
    "BandThresholds": "scoring.bands",
    "Model": "scoring.model.model",
    "Playbook": "scoring.playbook",
    "Release": "scoring.release.release",
    "Scorecard": "scoring.scorecard.scorecard",
    "load_release": "scoring.release.release",
    "load_scorecard": "scoring.scorecard.scorecard",
    "score": "scoring.scores",
    "scores_table": "scoring.scores",
    "write_release": "scoring.release.release",
}

__all__ = [
    "Band",
    "BandThresholds",
    "Model",
    "Playbook",
    "Release",
    "Scorecard",
    "load_release",
    "load_scorecard",
    "score",
    "scores_table",
    "write_release",
]


def __getattr__(name: str) -> object:
    """Load an exported name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
