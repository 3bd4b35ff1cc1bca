"""Cells that a spreadsheet would run as formulas, and back."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.csv_cells import neutralised, restored


@given(st.text())
def test_every_text_comes_back_from_a_csv_file_and_none_begins_a_formula(text: str) -> None:
    file = io.StringIO(newline="")
    csv.writer(file).writerow([neutralised(text), "end"])
    cell = next(csv.reader(io.StringIO(file.getvalue(), newline="")))[0]
    assert not cell.startswith(("=", "+", "-", "@", "\t", "\r"))
    assert restored(cell) == text


@pytest.mark.parametrize("cell", [-1.5, 0, None, True])
def test_numbers_are_left_alone(cell: object) -> None:
    assert neutralised(cell) is cell
