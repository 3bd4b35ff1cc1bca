"""Declared features: what SQL says of them, unknown included, and what is refused."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.dataset import Dataset
from features.errors import DataError
from features.expressions import parse_expression
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from training.feature_selection.choose import choose_spec
from training.labels.references import labelled_references

numbers = st.sampled_from([0.0, 1.0, 2.0, -3.5, 0.1, 100.0])
cells = st.one_of(st.none(), numbers)
rows = st.lists(st.tuples(cells, cells, cells), min_size=1, max_size=6)


def values(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    conditions = st.one_of(
        st.builds("{} {} {}".format, inner, st.sampled_from(["<", "<=", "=", "<>", ">"]), inner),
        st.builds("{} is null".format, inner),
        st.builds("{} is not null".format, inner),
        st.builds("{} between {} and {}".format, inner, inner, inner),
    )
    logic = st.one_of(
        conditions,
        st.builds("({}) and ({})".format, conditions, conditions),
        st.builds("({}) or not ({})".format, conditions, conditions),
    )
    return st.one_of(
        st.builds("({} {} {})".format, inner, st.sampled_from("+-*"), inner),
        st.builds("({} / nullif({}, 0))".format, inner, inner),
        st.builds("(-{})".format, inner),
        st.builds("nullif({}, {})".format, inner, inner),
        st.builds("coalesce({}, {}, {})".format, inner, inner, inner),
        st.builds("case when {} then {} when {} then {} end".format, logic, inner, logic, inner),
        st.builds("(case when {} then {} else {} end)".format, logic, inner, inner),
    )


expressions = st.recursive(
    st.sampled_from(["a", "b", '"c d"', "2", "0.5", "1e1"]), values, max_leaves=8
).map("({}) + 0 * coalesce(a, 0)".format)


@settings(max_examples=80)
@given(expressions, rows)
def test_every_expression_means_what_sql_means(
    text: str, table: list[tuple[float | None, ...]]
) -> None:
    columns = {
        name: np.array([np.nan if row[i] is None else row[i] for row in table])
        for i, name in enumerate(("a", "b", "c d"))
    }
    found = parse_expression(text).evaluate(columns, len(table))
    said = _sql(text, table)
    expected = [np.nan if value is None else value for value in said]
    assert found.tolist() == pytest.approx(expected, rel=1e-12, nan_ok=True)


@cache
def _database() -> duckdb.DuckDBPyConnection:
    return duckdb.connect()


def _sql(text: str, table: list[tuple[float | None, ...]]) -> list[float | None]:
    cells = ", ".join(
        "(" + ", ".join("NULL" if v is None else f"{v!r}" for v in (i, *row)) + ")"
        for i, row in enumerate(table)
    )
    written = text.replace("1e1", "10::DOUBLE").replace("0.5", "0.5::DOUBLE")
    query = f"""
        SELECT ({written})::DOUBLE FROM (
            SELECT i, a::DOUBLE AS a, b::DOUBLE AS b, c::DOUBLE AS "c d"
            FROM (VALUES {cells}) AS given(i, a, b, c)
        ) ORDER BY i
    """
    return [value for (value,) in _database().execute(query).fetchall()]


def test_what_has_no_finite_value_is_unknown() -> None:
    columns = {"a": np.array([1.0, 0.0, 1e300, -0.0])}
    assert np.isnan(parse_expression("1 / a").evaluate(columns, 4)).tolist() == [
        False,
        True,
        False,
        True,
    ]
    assert np.isnan(parse_expression("a * a").evaluate(columns, 4)).tolist() == [
        False,
        False,
        True,
        False,
    ]
    assert np.signbit(parse_expression("a * 1").evaluate(columns, 4)).tolist() == [False] * 4


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a +", "ends too early; expected a name, a number or \\("),
        ("1 + 1", "names no attribute"),
        ("a ; drop", r"cannot read '; drop' \(position 3\)"),
        ("nullif(a)", "nullif takes two values, not 1"),
        ("case a end", "found 'a' at position 6; expected when"),
        ("a b", "found 'b' at position 3; expected nothing more"),
        ("__import__('os')", "cannot read"),
        ("(" * 60 + "a" + ")" * 60, "nested more than 40 deep"),
        ("a" + "+a" * 500, "more than 400 parts"),
        ("a" + " " * 3000 + "+ 1", "longer than 2000"),
    ],
)
def test_what_is_no_expression_is_refused(text: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        parse_expression(text)


TOML = """name = "small"
observed_until = 2026-02-01T00:00:00Z
horizon_days = 5
[features.share]
sql = "{}"
"""


@pytest.fixture
def declared(dataset_folder: Callable[..., Path]) -> Callable[[str], Dataset]:
    return lambda sql: read_dataset(dataset_folder(dataset_toml=TOML.format(sql), answers=None))


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        ("budgt / 2", r"features.share.sql: no attribute 'budgt'; did you mean 'budget'\?"),
        ("industry / 2", "features.share.sql: 'industry' is a category, not a number or boolean"),
        ("budget / ", "features.share.sql .*ends too early"),
    ],
)
def test_a_wrong_key_is_named(declared: Callable[[str], Dataset], sql: str, why: str) -> None:
    with pytest.raises(DataError, match=why):
        declared(sql)


def test_a_declared_feature_takes_no_name_of_an_attribute(
    dataset_folder: Callable[..., Path],
) -> None:
    text = 'name = "small"\n[features.budget]\nsql = "newsletter + 1"\n'
    with pytest.raises(DataError, match="'budget' is an attribute already"):
        read_dataset(dataset_folder(dataset_toml=text))


def test_it_is_a_column_of_the_specification_as_of_each_reference(
    declared: Callable[[str], Dataset],
) -> None:
    """L2's budget is unknown, and so is what is made of it."""
    data = declared("case when newsletter then budget / 2 else budget end")
    histories = histories_from_dataset(data)
    labelled = labelled_references(data, histories)
    spec = choose_spec(data.settings, histories, labelled.references)
    assert "share" in spec.names
    again = FeatureSpec.from_dict(spec.to_dict())
    assert again.digest == spec.digest
    only = spec.keep([spec.names.index("share")])
    assert {a.name for a in only.attributes} == {"budget", "newsletter"}
    column = compute_vectors(only, histories, labelled.references)[:, 0]
    lead = histories.lead_ids[labelled.references.lead]
    assert dict(zip(lead, column.tolist(), strict=True)) == pytest.approx(
        {"L1": 500.0, "L2": np.nan, "L3": 125.25}, nan_ok=True
    )
    assert only.features[0].sentence(500.0) == "share: 500"


def test_without_its_attributes_it_is_not_there(declared: Callable[[str], Dataset]) -> None:
    from training.labels.training_data import load_training_data

    data = load_training_data(declared("budget * 2"), ["budget"])
    spec = choose_spec(data.settings, data.histories, data.labelled.references)
    assert "share" not in spec.names
