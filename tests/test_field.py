"""The page on cold, warm and hot: its commands run on less data, and its claims hold there too."""

from __future__ import annotations

import csv
import importlib.util
import re
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from training.candidates.linear import LinearCandidate
from training.config import TrainingConfig

ROOT = Path(__file__).resolve().parents[1]
pytestmark = pytest.mark.filterwarnings("ignore:.* are older than any learned from:UserWarning")

FIELD = (
    "Cold", "Warm", "Hot", "Over-contacting", "Fit", "Maturity", "Qualification", "Intent",
    "Funnel", "Cost of acquisition per band", "Next step", "Marketing and sales together",
)  # fmt: skip
SMALLER = {"--leads": "400"}
QUICK = {"train": ["--jobs", "1", "--time-budget", "0"]}


def writer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("write_field", ROOT / "docs" / "write_field.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["write_field"] = module
    spec.loader.exec_module(module)
    return module


field = writer()
TEXT = (ROOT / "docs" / "field.md").read_text(encoding="utf-8")


class Ran:
    """A folder in which every command of the page ran, and what each printed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.printed: dict[str, str] = {}
        for arguments in field.commands_of(TEXT):
            before = ["", *arguments[:-1]]
            smaller = [SMALLER.get(b, a) for b, a in zip(before, arguments, strict=True)]
            given = [*smaller, *QUICK.get(arguments[1], [])]
            self.printed[" ".join(arguments[1:])] = field.run(given, folder)

    def output(self, start: str) -> str:
        [text] = [text for command, text in self.printed.items() if command.startswith(start)]
        return text

    def scores(self, name: str) -> list[Any]:
        rows: list[Any] = field.score_rows(self.folder / name)
        return rows


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """One quick candidate instead of the default ensemble: what is claimed are signs."""
    folder = tmp_path_factory.mktemp("field")
    field.prepare(folder)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "training.model_selection.selection.default_candidates",
            lambda *_, **__: (LinearCandidate(),),
        )
        quick = partial(TrainingConfig, jobs=1, time_budget_s=0.0)
        patch.setattr("training.config.TrainingConfig", quick)  # compare has no options for these
        yield Ran(folder)


def tables_of_the_page() -> list[tuple[str, list[str], list[list[str]]]]:
    """(file, leads, cells of each row) of every table that the writer made."""
    found = []
    for table in field.TABLE.finditer(TEXT):
        rows = [line.strip("| ").split(" | ") for line in table["table"].splitlines()[2:]]
        found.append((table["file"], [x.strip() for x in table["leads"].split(",")], rows))
    return found


def test_every_line_of_the_field_has_its_part() -> None:
    headings = re.findall(r"^## (.+)$", TEXT, flags=re.MULTILINE)
    for heading, name in zip(headings, FIELD, strict=True):
        assert heading.startswith(name)
    for part in TEXT.split("\n## ")[1:]:
        assert "on the page" in " ".join(part.lower().split()), part[:40]


def test_points_and_bands_of_the_rules_are_as_the_page_says(ran: Ran) -> None:
    tables = tables_of_the_page()
    assert len(tables) == 9
    for file, leads, rows in tables:
        now = {(r.lead_id, r.as_of): r for r in ran.scores(file)}
        assert {row[0] for row in rows} == set(leads)
        for lead, day, points, band, _, _ in rows:
            assert now[lead, day].rule_points == pytest.approx(float(points), abs=0.5), lead
            assert now[lead, day].rule_band == band, lead


SMALL_STEPS = ("form", "paper", "trial", "webinar", "newsletter", "social")
SIGNALS = ("cart", "call", "chat", "offer")


def check_bands(rules: dict[str, str]) -> None:
    """What the page says of the leads as of April, by the rules."""
    assert {rules[lead] for lead in ("suspect", "reader", "called-often")} == {"cold"}
    assert {rules[lead] for lead in SMALL_STEPS} == {"warm"}
    assert {rules[lead] for lead in (*SIGNALS, "quote", "ready")} == {"hot"}


def check_broad_claims(p: dict[str, float]) -> None:
    """What a few hundred leads teach already."""
    assert p["ready"] == max(p.values())
    assert p["in-profile"] > p["reader"] > p["out-of-profile"]
    assert p["qualified"] > p["reader"] > p["unqualified"]
    assert p["regular"] > p["webinar"]


def test_the_claims_hold_on_less_data(ran: Ran) -> None:
    rows = ran.scores("scores.csv")
    check_bands({r.lead_id: r.rule_band for r in rows})
    check_broad_claims({r.lead_id: r.probability for r in rows})


def test_the_claims_hold_in_the_figures_of_the_page() -> None:
    rows = [row for file, _, rows in tables_of_the_page() for row in rows if file == "scores.csv"]
    learned = {row[0]: float(row[4].rstrip("%")) / 100 for row in rows}
    check_bands({row[0]: row[3] for row in rows})
    check_broad_claims(learned)
    for lead in (*SMALL_STEPS, *SIGNALS):
        assert learned[lead] > learned["reader"], lead
    assert learned["called-often"] < learned["webinar"]
    bands = {row[0]: row[5] for row in rows}
    assert bands["ready"] == "hot"
    assert {bands[lead] for lead in ("cart", "call", "chat", "offer")} <= {"cold", "warm"}


def test_waking_up_moves_and_silence_fades(ran: Ran) -> None:
    rows = ran.scores("moments-scored.csv")
    faded = [r for r in rows if r.lead_id == "faded"]
    assert [r.rule_band for r in faded] == ["warm", "warm", "cold"]
    assert faded[0].probability > faded[-1].probability
    before, after = (r for r in rows if r.lead_id == "woken")
    assert after.probability > before.probability
    assert (before.rule_band, after.rule_band) == ("cold", "hot")
    told = ran.output("explain")
    assert "mostly by: new interactions" in told
    assert "New: 3 × offer view" in told


def test_the_profile_of_the_firm_is_counted_as_printed(ran: Ran) -> None:
    [block] = [b for b in field.BLOCK.finditer(TEXT) if " rules check " in b["command"]]
    assert ran.output("rules check") == block["printed"]


def test_the_list_has_next_steps_in_both_languages(ran: Ran) -> None:
    listed = ran.output("worklist")
    step = {line.split()[1]: line for line in listed.splitlines() if re.match(r" *\d+ ", line)}
    assert next(iter(step)) == "ready"
    assert "phone: today" in step["ready"]
    assert "none: pause" in step["called-often"]
    assert "phone, then a written" in step["quote"]
    assert "unsubscribed" not in step
    assert "must not be contacted and is not listed" in listed
    french = ran.output("--lang fr worklist")
    assert "prochaine étape" in french
    assert "next step" not in french


def test_costs_are_by_source_and_band_with_totals(ran: Ran) -> None:
    with (ran.folder / "costs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = ",".join(rows[0])
    assert "cost" in names
    words = {word for row in rows for word in row.values()}
    assert {"organic_search", "hot", "warm", "cold"} <= words
