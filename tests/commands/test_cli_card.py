"""The model card from the command line: two trainings and what changed."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from empty_registry import empty_registry
from few_kinds import simulate_few_kinds

from training.simulator import write_simulation


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory, new_quick_house: Callable[[Path], Any]) -> Any:
    """Version 1 is champion; version 2 learned without an attribute and is the challenger."""
    made = new_quick_house(tmp_path_factory.mktemp("cards"))
    empty_registry(made.folder / "var")
    write_simulation(simulate_few_kinds(400, seed=5), made.folder / "leads", truth=False)
    quick = ("--time-budget", "0", "--jobs", "1")
    made.run("train", "leads", "--out", "first", *quick)
    made.run("promote", "1", "--force")
    made.run("train", "leads", "--out", "second", "--exclude", "sector", *quick)
    return made


def test_the_card_of_the_champion_needs_no_words(home: Any) -> None:
    card = home.run("card")
    assert card.startswith("# Model card: default\n")
    assert "## Limits" in card
    assert "What changed" not in card  # nothing answered before
    assert home.run("card", "1") == card


def test_the_challenger_is_compared_with_what_answers(home: Any) -> None:
    card = home.run("card", "2")
    told = card.split("## What changed since champion, version 1\n")[1].split("\n## ")[0]
    assert "| excluded | none | sector |" in told
    # both honest tests asked about the same leads, so they are compared on them
    assert re.search(r"on the same [\d,]+ references \(references of both backtests\)", told)
    assert re.search(r"band changed for \d+\.\d% of them", told)


def test_what_the_run_holds_is_what_the_command_writes(home: Any) -> None:
    (kept,) = (
        path
        for path in (home.folder / "var" / "mlartifacts").rglob("model_card.md")
        if "What changed" in path.read_text(encoding="utf-8")
    )
    card = home.run("card", "2")
    one, two = (text.splitlines() for text in (kept.read_text(encoding="utf-8"), card))
    differ = [(a, b) for a, b in zip(one, two, strict=True) if a != b]
    assert len(differ) == 1  # how the champion is called
    page = kept.with_name("model_card.html").read_text(encoding="utf-8")
    assert "What changed since version 1" in page


def test_a_folder_has_a_card_and_is_compared_when_told(home: Any) -> None:
    alone = home.run("card", "second")
    assert "What changed" not in alone
    home.run("card", "second", "--against", "first", "--out", "cards/second.html")
    page = (home.folder / "cards" / "second.html").read_text(encoding="utf-8")
    assert "<h2>What changed since release " in page
    assert "not recorded" in page  # folders hold no test row by row
    assert len(page.encode()) < 300_000
    assert not re.search(r"(?:src|href)=(?!\"#)", page)


def test_the_formats_hold_the_same_facts(home: Any) -> None:
    page = home.run("card", "first", "--format", "html")
    data = json.loads(home.run("card", "first", "--json"))
    text = home.run("card", "first", "--format", "md")
    assert page.startswith("<!doctype html>")
    for title, blocks in data["sections"].items():
        assert f"<h2>{title}</h2>" in page
        assert f"## {title}\n" in text
        assert blocks
    assert data["about"]["release"] in text


def test_two_runs_write_the_same_bytes(home: Any) -> None:
    assert home.run("card", "2", "--format", "html") == home.run("card", "2", "--format", "html")


def test_an_altered_release_gets_no_card(home: Any) -> None:
    import shutil

    shutil.copytree(home.folder / "first", home.folder / "altered")
    record = home.folder / "altered" / "card.json"
    record.write_bytes(record.read_bytes().replace(b'"hot"', b'"HOT"'))
    _, said = home.both("card", "altered", code=5)
    assert "card.json is not the file the manifest lists" in said
    _, said = home.both("card", "nobody", code=2)
    assert "no release folder, version number or alias" in said
