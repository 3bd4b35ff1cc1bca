"""Simulated leads with two kinds of interaction: a third of the columns, a third of the work.

For tests in which something has to be trained, and it does not matter on how many columns.
"""

from __future__ import annotations

from dataclasses import replace

from training.simulator import Simulation, simulate

KINDS = ("page_view", "email_open")


def simulate_few_kinds(n_leads: int, seed: int) -> Simulation:
    """``simulate`` without the interactions of any other kind."""
    made = simulate(n_leads, seed)
    kept = made.interactions["kind"].isin(KINDS)
    return replace(made, interactions=made.interactions[kept].reset_index(drop=True))
