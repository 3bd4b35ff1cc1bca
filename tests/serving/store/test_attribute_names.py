"""The names of attributes: one spelling, a bounded number, no search through all of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.problems import Problem
from serving.store.attribute_names import StoredNames, check_names
from serving.store.database import connect
from serving.store.migrate import migrate
from serving.store.tables import attribute_name
from serving.store.views import MAX_COLUMNS


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[sa.Connection]:
    engine = connect(f"sqlite:///{tmp_path / 'store.db'}")
    migrate(engine)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def note(connection: sa.Connection, *names: str) -> None:
    connection.execute(sa.insert(attribute_name), [{"name": name} for name in names])


def test_another_spelling_is_refused_with_the_known_one(connection: sa.Connection) -> None:
    note(connection, "sector", "Größe")
    check_names(connection, ["sector", "Größe", "budget"])
    for name, known in (("Sector", "sector"), ("GRÖSSE", "Größe")):
        with pytest.raises(Problem) as refused:
            check_names(connection, [name])
        assert known in refused.value.errors[0].message
    with pytest.raises(Problem):
        check_names(connection, ["budget", "Budget"])


def test_names_have_a_bound_and_those_that_are_known_go_on(connection: sa.Connection) -> None:
    """133,000 names slowed every new lead."""
    note(connection, *(f"name {i}" for i in range(MAX_COLUMNS - 1)))
    check_names(connection, ["the last one"])
    with pytest.raises(Problem) as refused:
        check_names(connection, ["the last one", "one too many"])
    assert refused.value.kind == "too-many-attributes"
    check_names(connection, [f"name {i}" for i in range(1200)])


def test_ten_thousand_leads_with_names_of_their_own_cost_few_statements(
    connection: sa.Connection,
) -> None:
    """Each asked the store anew: a request held the one writer for a minute."""
    note(connection, *(f"name {i}" for i in range(MAX_COLUMNS - 2)))
    leads = [[f"name {i % 100}", f"own {i}"] for i in range(10_000)]
    sent: list[str] = []
    sa.event.listen(connection, "before_cursor_execute", lambda *given: sent.append(given[2]))
    names = StoredNames(connection, {name for lead in leads for name in lead})

    def refusal(lead: list[str]) -> str | None:
        try:
            names.accept(lead)
        except Problem as problem:
            return problem.kind
        return None

    assert [refusal(lead) for lead in leads] == [None] * 2 + ["too-many-attributes"] * 9998
    assert len(sent) == 1
