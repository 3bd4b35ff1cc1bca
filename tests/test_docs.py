"""Documents that cannot go stale: the command line's page, links, and what the README promises."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import re
from pathlib import Path
from types import ModuleType

import pytest
import sklearn

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = sorted(
    path
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    if not any(part.startswith(".") for part in path.relative_to(ROOT).parts)
)


def writer(name: str = "write_cli") -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "docs" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for room in ("features", "scoring", "training", "serving", "integrations", "commands")
    for path in ROOT.glob(f"{room}/**/*.py")
    if ">>> " in path.read_text(encoding="utf-8") and path.parent.name != "python_api"
)


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_in_docstrings_hold(name: str) -> None:
    module = importlib.import_module(name)
    ran = doctest.testmod(module)
    assert ran.failed == 0
    assert ran.attempted > 0 or "+SKIP" in (module.__doc__ or "")


def test_the_page_of_the_command_line_is_fresh() -> None:
    written = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    assert written == writer().page(), "the page is stale: make docs"


def test_the_page_of_the_features_is_fresh() -> None:
    written = (ROOT / "docs" / "reference" / "features.md").read_text(encoding="utf-8")
    assert written == writer("write_features").page(), "the page is stale: make docs"


def test_the_page_of_the_python_api_is_fresh() -> None:
    if tuple(map(int, sklearn.__version__.split(".")[:2])) < (1, 9):
        pytest.skip("the page quotes scikit-learn, whose older versions say it in other words")
    written = (ROOT / "docs" / "reference" / "python.md").read_text(encoding="utf-8")
    assert written == writer("write_api").page(), "docs/reference/python.md is stale: make docs"


def test_every_command_and_option_has_a_meaning() -> None:
    import typer

    from commands.cli import create_app

    group = typer.main.get_command(create_app())
    for name, command in writer().commands_of(group):
        assert command.help, name
        assert "Examples:" in command.help, f"{name} shows no example"
        for parameter in command.params:
            assert parameter.help, f"{name} {parameter.name} has no meaning"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    text = re.sub(r"```.*?```", "", document.read_text(encoding="utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", text):
        if not target.startswith(("http://", "https://", "mailto:")):
            assert (document.parent / target).exists(), f"{document.name} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_document_names_a_folder_of_one_machine(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert not re.search(r"(?<![\w.])/(work|root|home|Users)/\w", text)


def test_decisions_carry_a_number_each() -> None:
    pages = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
    numbers = [page.name[:4] for page in pages]
    assert len(set(numbers)) == len(numbers)
    for page in pages:
        assert page.read_text(encoding="utf-8").startswith(f"# {page.name[:4]}: "), page.name


def test_every_page_is_on_the_map() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    folders = ("", "guide/", "reference/", "explanation/")
    for page in (page for folder in folders for page in ROOT.glob(f"docs/{folder}*.md")):
        if page.name != "index.md":
            assert f"({page.relative_to(ROOT / 'docs')})" in index, (
                f"docs/index.md misses {page.name}"
            )


@pytest.mark.parametrize("folder", ["decisions", "integrations"])
def test_every_page_of_a_series_is_in_its_index(folder: str) -> None:
    index = (ROOT / "docs" / folder / "index.md").read_text(encoding="utf-8")
    for page in (ROOT / "docs" / folder).glob("*.md"):
        if page.name not in ("index.md", "template.md"):
            assert f"({page.name})" in index, f"docs/{folder}/index.md misses {page.name}"


def test_make_targets_named_in_documents_exist() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    for document in DOCUMENTS:
        for target in re.findall(r"`make ([a-z-]+)", document.read_text(encoding="utf-8")):
            assert target in targets, f"{document.name} names `make {target}`"


@pytest.mark.parametrize(
    "lock", sorted((ROOT / "requirements").glob("*.txt")), ids=lambda p: p.name
)
def test_every_lock_holds_what_builds_the_project(lock: Path) -> None:
    """The project is installed without an index, so its build tool must come with the lock."""
    assert "\nsetuptools==" in lock.read_text(encoding="utf-8")
