"""The names that attributes have in the store: one spelling each, and a bounded number of them.

Names are columns of the view ``leads``, and databases fold the case of those: beside ``sector`` a
column ``Sector`` would take its place in training. So the first spelling counts, and another one is
refused with it, never folded or guessed.
"""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from serving.problems import Problem, validation_problem
from serving.store.tables import attribute_name
from serving.store.views import MAX_COLUMNS

AT_ONCE = 500


def check_names(connection: sa.Connection, names: Iterable[str]) -> None:
    """Raise a 422 for a name that is known in other letters, or is one too many.

    Costs one look-up by key for names that are known; the others are read (no more than
    ``MAX_COLUMNS``) when a name is new.
    """
    new = sorted(set(names) - _known(connection, sorted(set(names))))
    if not new:
        return
    total = connection.scalar(sa.select(sa.func.count()).select_from(attribute_name)) or 0
    if total + len(new) > MAX_COLUMNS:
        raise Problem(
            422, "too-many-attributes",
            f"The store has {total} attributes of at most {MAX_COLUMNS}; send values under names "
            "that are the same for all leads.",
        )  # fmt: skip
    spelled = {
        name.casefold(): name for name in connection.scalars(sa.select(attribute_name.c.name))
    }
    for name in new:
        other = spelled.setdefault(name.casefold(), name)
        if other != name:
            raise validation_problem(
                "$.attributes",
                f"an attribute is known as {other}, in these capital and small letters",
            )


def _known(connection: sa.Connection, names: list[str]) -> set[str]:
    found: set[str] = set()
    for start in range(0, len(names), AT_ONCE):
        part = names[start : start + AT_ONCE]
        query = sa.select(attribute_name.c.name).where(attribute_name.c.name.in_(part))
        found.update(connection.scalars(query))
    return found
