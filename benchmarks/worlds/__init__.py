"""Worlds whose truth is known exactly, made apart from the product's own simulator.

Leads pass days. Each day an open lead may do something (independent chances per kind), may convert
and may be lost, with chances that depend on its attributes, on what it did before and on the
calendar. Everything that decides is observable, so the probability of converting within a horizon
follows by recursion over days, without sampling: :func:`worlds.days.probability_within`.

    from worlds import CATALOGUE, make_world, read_truth
    make_world(CATALOGUE["late_city"], seed=3, folder=Path("out"))

writes ``out/train`` (a dataset folder), ``out/test`` (other leads of the time after it, with
``references.csv``) and ``out/truth.csv`` (``lead_id, as_of, probability, converted``). From a
shell in benchmarks/: ``python -m worlds late_city --seed 3 --out out``; ``--list`` names all. The
catalogue (:mod:`worlds.catalogue`) has histories of 1.2 to 6 horizons with columns that tell the
calendar and sources or cities that open late, steps, trends and seasons of the rate, small sets,
survivors, combinations, many levels, rare kinds, and calls that follow the score.
"""

from worlds.catalogue import CATALOGUE
from worlds.definition import Attribute, InteractionKind, Level, Number, World
from worlds.files import make_world, read_truth

__all__ = [
    "CATALOGUE",
    "Attribute",
    "InteractionKind",
    "Level",
    "Number",
    "World",
    "make_world",
    "read_truth",
]
