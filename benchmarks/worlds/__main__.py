"""Write one world: ``python -m worlds NAME --seed 3 --out FOLDER``."""

from __future__ import annotations

import argparse
from pathlib import Path

from worlds.catalogue import CATALOGUE
from worlds.files import make_world


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m worlds", description=__doc__)
    parser.add_argument("name", nargs="?", choices=list(CATALOGUE))
    parser.add_argument("--list", action="store_true", help="name every world and say what it is")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--leads", type=int, help="another number of leads to learn from")
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    if options.list or not options.name:
        for name, world in CATALOGUE.items():
            print(f"{name:24} {world.about}")
        return
    make_world(
        CATALOGUE[options.name], options.seed, options.out or Path(options.name), options.leads
    )


if __name__ == "__main__":
    main()
