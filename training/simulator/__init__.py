"""Simulated leads with the exact probability that each one converts."""

from __future__ import annotations

from training.simulator.files import write_simulation
from training.simulator.scenario import DEFAULT, NOISY, RARE, SCENARIOS, Scenario
from training.simulator.simulation import Simulation, simulate, true_probability

__all__ = [
    "DEFAULT",
    "NOISY",
    "RARE",
    "SCENARIOS",
    "Scenario",
    "Simulation",
    "simulate",
    "true_probability",
    "write_simulation",
]
