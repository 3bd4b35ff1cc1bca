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

OTHER_SPELLING = "an attribute is known as {other}, in these capital and small letters"


def check_names(connection: sa.Connection, names: Iterable[str]) -> None:
    """Raise a 422 for a name that is known in other letters, or is one too many."""
    StoredNames(connection, names).accept(names)


class StoredNames:
    """The names of a store, read once for all the leads of a request: which of ``names`` there are.

    Costs one look-up by key for names that are known; the others are read (no more than
    ``MAX_COLUMNS``) when a name is new.
    """

    def __init__(self, connection: sa.Connection, names: Iterable[str]) -> None:
        wanted = set(names)
        self._spelled: dict[str, str] = {}
        self._total = 0
        self._known = _known(connection, sorted(wanted)) if len(wanted) <= AT_ONCE else set()
        if len(self._known) < len(wanted):
            stored = list(connection.scalars(sa.select(attribute_name.c.name)))
            self._known, self._total = set(stored), len(stored)
            self._spelled = {name.casefold(): name for name in stored}

    def accept(self, names: Iterable[str]) -> None:
        """Count a lead's names among those that are known; a 422, and none is, if one is known in
        other letters, or one too many."""
        new = sorted(set(names) - self._known)
        if not new:
            return
        if self._total + len(new) > MAX_COLUMNS:
            raise Problem(
                422, "too-many-attributes",
                f"The store has {self._total} attributes of at most {MAX_COLUMNS}; send values "
                "under names that are the same for all leads.",
            )  # fmt: skip
        spelled: dict[str, str] = {}
        for name in new:
            other = self.spelling_of(name) or spelled.setdefault(name.casefold(), name)
            if other != name:
                raise validation_problem("$.attributes", OTHER_SPELLING.format(other=other))
        self._known.update(new)
        self._spelled |= spelled
        self._total += len(new)

    def spelling_of(self, name: str) -> str | None:
        """How a lead's attribute of this name is spelled here; None if there is none."""
        return name if name in self._known else self._spelled.get(name.casefold())


def _known(connection: sa.Connection, names: list[str]) -> set[str]:
    query = sa.select(attribute_name.c.name).where(attribute_name.c.name.in_(names))
    return set(connection.scalars(query))
