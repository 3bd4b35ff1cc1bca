"""Simulated leads of a small B2B firm, with the exact probability that each one converts.

``simulate`` makes the tables, ``write_simulation`` a dataset folder of them; the worlds to choose
from are in :data:`WORLDS`. How it works is told in ``docs/simulator.md``.
"""

from __future__ import annotations

from training.simulator.files import write_simulation
from training.simulator.run import Simulation, simulate, true_probability
from training.simulator.world import DEFAULT, NOISY, RARE, WORLDS, World

__all__ = [
    "DEFAULT",
    "NOISY",
    "RARE",
    "WORLDS",
    "Simulation",
    "World",
    "simulate",
    "true_probability",
    "write_simulation",
]
