"""The notebooks run from top to bottom on small data, and what is kept of them is clean."""

from __future__ import annotations

import ast
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import nbformat
import pytest
from few_kinds import simulate_few_kinds

import leadscore as ls
from training.simulator import write_simulation

ROOT = Path(__file__).resolve().parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PACKAGES = ("features", "scoring", "training", "serving", "integrations", "commands")
LARGEST_BYTES = 400_000
SMALLER = {
    "02": {
        "hot_per_week=20)": "hot_per_week=20, jobs=1, time_budget_s=0)",
        "RandomForestClassifier(100,": "RandomForestClassifier(5,",
        "time_budget_s=5)": "jobs=1, time_budget_s=0)",
    },
    "04": {
        "ls.simulate(1500,": "ls.simulate(250,",
        "time_budget_s=5)": "jobs=1, time_budget_s=0)",
    },
}
"""What a notebook is run with instead: fewer leads, the quickest candidates, small forests."""


def runner() -> ModuleType:
    spec = importlib.util.spec_from_file_location("run_notebooks", ROOT / "notebooks" / "run.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def code_of(path: Path) -> list[str]:
    cells = nbformat.read(path, as_version=4).cells
    return [cell.source for cell in cells if cell.cell_type == "code"]


@pytest.fixture(scope="module")
def small_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Simulated leads where the notebooks look for a real set."""
    folder = tmp_path_factory.mktemp("data")
    write_simulation(simulate_few_kinds(300, 2), folder / "bpi2012", truth=False)
    return folder


def smaller(path: Path, folder: Path) -> Path:
    """A copy of the notebook in ``folder`` that does less of the same."""
    notebook = nbformat.read(path, as_version=4)
    for code, instead in SMALLER.get(path.name[:2], {}).items():
        cells = [cell for cell in notebook.cells if code in cell.source]
        assert cells, code
        for cell in cells:
            cell.source = cell.source.replace(code, instead)
    nbformat.write(notebook, folder / path.name)
    return folder / path.name


def test_there_are_four_notebooks() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04"]


@pytest.mark.slow
@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_on_small_data(
    path: Path, small_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEADSCORE_DATA", str(small_data))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MPLBACKEND", "module://matplotlib_inline.backend_inline")
    notebook = runner().run(smaller(path, tmp_path))
    outputs = [out for cell in notebook.cells for out in cell.get("outputs", [])]
    assert not [out for out in outputs if out.output_type == "error"]
    pictures = [out for out in outputs if {"image/png", "image/svg+xml"} & set(out.get("data", {}))]
    assert pictures, "plots rather than prints"
    assert "<progress" not in str(outputs), "a bar goes when its work is done"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_what_is_kept_was_run_and_names_no_machine(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert len(text) < LARGEST_BYTES
    assert not re.search(r"(?<![\w.])/(work|root|home|Users|tmp)/\w", text)
    cells = [cell for cell in nbformat.reads(text, as_version=4).cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1))
    assert any(cell.outputs for cell in cells)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_the_public_api_alone_is_used(path: Path) -> None:
    sources = code_of(path)
    assert any("import leadscore as ls" in source for source in sources)
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ImportFrom):
                assert str(node.module).split(".")[0] not in PACKAGES, source
            if isinstance(node, ast.Import):
                assert not {name.name.split(".")[0] for name in node.names} & set(PACKAGES), source
            if isinstance(node, ast.Attribute):
                assert not node.attr.startswith("_"), source
                if isinstance(node.value, ast.Name) and node.value.id == "ls":
                    assert node.attr in ls.__all__, node.attr
