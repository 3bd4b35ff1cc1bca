"""A dataset to look at: a real folder where there is one, else simulated leads."""

from __future__ import annotations

import os
from pathlib import Path

import leadscore as ls

REAL_DATA = Path("../../shared/data")
"""Where real dataset folders lie beside a checkout, seen from ``notebooks/``."""


def example_folder(name: str, otherwise: Path, *, n_leads: int = 1000, seed: int = 0) -> Path:
    """The dataset folder ``name`` under ``$LEADSCORE_DATA`` (or beside the checkout).

    Where there is none, ``n_leads`` leads are simulated into ``otherwise``, unless they are
    there already.
    """
    real = Path(os.environ.get("LEADSCORE_DATA", REAL_DATA)) / name
    if real.is_dir():
        return real
    if not otherwise.is_dir():
        ls.simulate(n_leads, seed=seed).save(otherwise)
    return otherwise
