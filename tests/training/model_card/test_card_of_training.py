"""The card of releases that were really trained: every section, what changed, where it is told."""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from few_kinds import simulate_few_kinds
from french import english_left, visible
from small_release import small_release

from features.dataset import Dataset
from features.language.catalogues import language
from features.language.current import use
from features.reading.read import read_dataset
from scoring.bands import BandThresholds
from scoring.release.release import Release, write_release
from scoring.release.store import StoredRelease
from training.config import TrainingConfig
from training.evaluation.metrics import Estimate
from training.leakage.audit import audit
from training.leakage.report import AuditReport, LeakVerdict, Suspect
from training.leakage.values import Evidence, LeakSignal
from training.model_card.card import card_of
from training.model_card.changes import PreviousRelease, SameReferences
from training.model_card.record import card_record
from training.model_card.render import card_html, card_markdown
from training.monitoring.psi import shifts_between
from training.registry.previous_release import (
    compared_with,
    from_gate_report,
    from_recorded_backtests,
)
from training.settings import TrackingSettings
from training.simulator import write_simulation
from training.train import train

SECTIONS = (
    "Data",
    "What was left out, and why",
    "How good it is",
    "Do the probabilities mean what they say",
    "Gains and lift",
    "Bands",
    "By segment",
    "What was tried",
    "What moves the score most",
    "Limits",
)
QUICK = TrainingConfig(time_budget_s=0.0, seed=1)


@pytest.fixture(scope="module")
def leads(tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    folder = tmp_path_factory.mktemp("leads") / "simulated"
    write_simulation(simulate_few_kinds(600, seed=4), folder, truth=False)
    return read_dataset(folder)


def made(
    leads: Dataset, folder: Path, config: TrainingConfig, report: AuditReport | None = None
) -> Release:
    return write_release(folder, train(leads, config, audit=report).contents)


@pytest.fixture(scope="module")
def first(leads: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Release:
    found = audit(leads, costs=False)
    return made(leads, tmp_path_factory.mktemp("first") / "R", QUICK, found)


@pytest.fixture(scope="module")
def second(leads: Dataset, tmp_path_factory: pytest.TempPathFactory) -> Release:
    """Without an attribute that the first uses; the audit says why."""
    why = Suspect(
        "sector", "attribute", LeakVerdict.EXCLUDED, (Evidence(LeakSignal.UNKNOWN_KNOWS, "why"),)
    )
    report = replace(audit(leads, costs=False), suspects=(why,))
    config = replace(QUICK, exclude=("sector",))
    return made(leads, tmp_path_factory.mktemp("second") / "R", config, report)


def section(card: str, title: str) -> str:
    return card.split(f"## {title}\n")[1].split("\n## ")[0]


def test_every_section_is_there_and_nothing_is_missing(first: Release) -> None:
    card = card_of(first)
    text, page = card_markdown(card), card_html(card)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == list(SECTIONS)
    assert "not recorded" not in text
    assert "nan" not in text.lower()
    assert all(f"<h2>{title}</h2>" in page for title in SECTIONS)
    assert len(page) < 300_000


def test_the_card_of_a_training_is_in_french_for_a_french_reader(first: Release) -> None:
    with use(language("fr")):
        card = card_of(first)
        text, page = card_markdown(card), visible(card_html(card))
    names = ("at_creation", "first_action")
    assert not english_left(text, names)
    assert not english_left(page, names)
    assert "# Fiche du modèle" in text


def test_the_page_is_read_aloud(first: Release) -> None:
    page = card_html(card_of(first))
    pictures = re.findall(r"<svg [^>]*role=\"img\".*?</svg>", page, re.DOTALL)
    assert len(pictures) == 4  # reliability, gains, lift, bands
    assert all("<title>" in picture and "<desc>" in picture for picture in pictures)
    tables = re.findall(r"<table>.*?</table>", page, re.DOTALL)
    assert len(tables) > 6
    assert all("<caption>" in t and 'scope="col"' in t and 'scope="row"' in t for t in tables)
    assert all(
        'aria-hidden="true"' in svg for svg in re.findall(r'<svg class="stroke"[^>]*>', page)
    )


def test_the_same_training_gives_the_same_card_byte_for_byte(
    leads: Dataset, first: Release, tmp_path: Path
) -> None:
    found = audit(leads, costs=False)
    again = made(leads, tmp_path / "again", replace(QUICK, jobs=1), found)
    assert again.documents["card.json"] == first.documents["card.json"]
    assert card_html(card_of(again)) == card_html(card_of(first))


def test_only_what_differs_differs(leads: Dataset, tmp_path: Path) -> None:
    contents = train(leads, QUICK).contents
    one, two = (
        card_markdown(card_of(write_release(tmp_path / name, replace(contents, name=name))))
        for name in ("spring", "autumn")
    )
    lines = difflib.unified_diff(one.splitlines(), two.splitlines(), n=0, lineterm="")
    changed = [line for line in lines if not line.startswith(("---", "+++", "@@"))]
    assert len(changed) == 4
    assert {"-# Model card: spring", "+# Model card: autumn"} < set(changed)


def test_what_was_left_out_is_reported_with_its_evidence(first: Release, second: Release) -> None:
    told = section(card_markdown(card_of(second)), "What was left out, and why")
    assert "| sector | attribute | --exclude | why |" in told
    assert "looked at: no suspect" in section(
        card_markdown(card_of(first)), "What was left out, and why"
    )


def test_without_an_audit_the_card_warns(leads: Dataset, tmp_path: Path) -> None:
    text = card_markdown(card_of(made(leads, tmp_path / "R", QUICK)))
    assert "**warning:** The leakage audit was not part" in text


def test_a_suspect_that_is_used_is_named(leads: Dataset, tmp_path: Path) -> None:
    doubt = Suspect(
        "sector", "attribute", LeakVerdict.SUSPECT, (Evidence(LeakSignal.UNKNOWN_KNOWS, "odd"),)
    )
    report = replace(audit(leads, costs=False), suspects=(doubt,))
    release = made(leads, tmp_path / "R", QUICK, report)
    assert "- attribute sector is suspect, and used: odd" in card_markdown(card_of(release))


def test_what_changed_is_reported_first(first: Release, second: Release) -> None:
    gap = Estimate(-0.012, -0.02, -0.004)
    same = SameReferences(321, 0.238, 0.25, gap, 0.125, "compared by the gate")
    text = card_markdown(card_of(second, PreviousRelease("version 1", first, same)))
    told = section(text, "What changed since version 1")
    assert text.index("## What changed since version 1") < text.index("## Data")
    compared = f"- compared with release {first.release_id}, for the same horizon on the same kind"
    assert compared in told
    assert (
        "- on the same 321 references (compared by the gate): log loss 0.2380, 0.2500 before "
        "(-0.0120, 95 % interval -0.0200 to -0.0040); better"
    ) in told
    assert "- band changed for 12.5% of them" in told
    gone = set(first.spec.names) - set(second.spec.names)
    assert gone
    assert all(name in told for name in gone)
    assert "| excluded | none | sector |" in told
    assert f"| features | {len(first.spec)} | {len(second.spec)} |" in told
    assert "| leads |" not in told  # the same, so not listed
    assert "| score | " in told
    assert "<h2>What changed since version 1</h2>" in card_html(
        card_of(second, PreviousRelease("version 1", first, same))
    )


def test_the_same_release_has_not_changed(first: Release) -> None:
    told = section(
        card_markdown(card_of(first, PreviousRelease("A", first))), "What changed since A"
    )
    assert told.split("\n\n")[0].strip() == "Nothing: it is the same release."


def test_other_leads_do_not_compare(first: Release, tmp_path: Path) -> None:
    text = card_markdown(card_of(first, PreviousRelease("A", small_release(tmp_path / "R"))))
    assert "trained on small: other leads, so figures do not compare" in text
    assert "Drift of inputs and scores: not recorded." in text


def test_drift_between_releases_is_that_of_their_data(
    leads: Dataset, first: Release, second: Release, tmp_path: Path
) -> None:
    same = shifts_between(first, second, card_record(second))
    assert same is not None
    # the same leads; of each column fifty values are kept
    assert [s for s in same[1:] if s.psi > max(0.02, s.noise)] == []
    smaller = leads.leads.assign(employees=leads.leads["employees"] / 10)
    moved = replace(leads, leads=smaller)
    other = made(moved, tmp_path / "R", QUICK)
    found = shifts_between(first, other, card_record(other))
    assert found is not None
    assert found[1].name.startswith("employees")
    assert found[1].is_large


@pytest.mark.parametrize(("gap", "words"), [
    (Estimate(0.01, 0.002, 0.02), "; worse"),
    (Estimate(0.001, -0.02, 0.02), "no difference that chance would not make"),
])  # fmt: skip
def test_a_difference_is_judged_in_words(
    first: Release, second: Release, gap: Estimate, words: str
) -> None:
    same = SameReferences(100, 0.3, 0.3, gap, None, "by hand")
    text = card_markdown(card_of(second, PreviousRelease("A", first, same)))
    assert words in text
    assert "band changed" not in text


def recorded(n: int, probability: Callable[[np.ndarray], np.ndarray], start: int = 0) -> Any:
    at = np.arange(start, start + n)
    return pd.DataFrame(
        {
            "lead": [f"lead {i // 2}" for i in at],
            "as_of_us": at,
            "label": (at % 4 == 0).astype(np.int8),
            "weight": 0.5,
            "probability": probability(at),
        }
    )


def test_both_tests_are_compared_where_they_asked_the_same() -> None:
    now = recorded(300, lambda at: np.where(at % 4 == 0, 0.5, 0.1), start=100)
    then = recorded(300, lambda at: np.full(len(at), 0.25))
    cuts = BandThresholds(0.2, 0.4)
    found = from_recorded_backtests(now, cuts, then, cuts)
    assert found is not None
    assert found.references == 200
    assert found.log_loss == pytest.approx(-(0.25 * np.log(0.5) + 0.75 * np.log(0.9)))
    assert found.log_loss_then == pytest.approx(-(0.25 * np.log(0.25) + 0.75 * np.log(0.75)))
    assert found.difference.value == pytest.approx(found.log_loss - found.log_loss_then)
    assert found.difference.high < 0
    assert found.band_change == 1.0  # all were warm; now hot or cold


def test_too_few_shared_references_compare_nothing() -> None:
    now, then = (
        recorded(300, lambda at: at * 0 + 0.3, start=210),
        recorded(300, lambda at: at * 0.0),
    )
    assert (
        from_recorded_backtests(now, BandThresholds(0.2, 0.4), then, BandThresholds(0.2, 0.4))
        is None
    )
    assert (
        from_recorded_backtests(
            now, BandThresholds(0.2, 0.4), then.iloc[:0], BandThresholds(0.2, 0.4)
        )
        is None
    )


def test_what_the_gate_found_is_read_from_its_trail() -> None:
    gate = {
        "references": 500,
        "log_loss": 0.2,
        "champion_log_loss": 0.25,
        "difference": {"value": -0.05, "low": -0.06, "high": -0.04},
        "band_change": 0.1,
    }
    entries: list[dict[str, Any]] = [
        {"what": "promote", "to": {"release_id": "b"}, "from": {"release_id": "a"}, "gate": gate},
        {"what": "rollback", "to": {"release_id": "a"}, "from": {"release_id": "b"}},
        {"what": "promote", "to": {"release_id": "a"}, "from": None, "gate": gate},
    ]
    found = from_gate_report(entries, "b", "a")
    assert found is not None
    assert (found.references, found.band_change) == (500, 0.1)
    assert found.difference == Estimate(-0.05, -0.06, -0.04)
    assert from_gate_report(entries, "a", "b") is None
    assert from_gate_report(entries, "c", "a") is None


def test_the_excluded_get_the_evidence_of_a_whole_audit(leads: Dataset) -> None:
    report = audit(leads, costs=False)
    why = (Evidence(LeakSignal.HOLDS_THE_FUTURE, "it holds the future"),)
    whole = replace(
        report,
        suspects=(
            Suspect("won", "kind", LeakVerdict.SURE, why),
            Suspect("won", "attribute", LeakVerdict.SUSPECT, ()),
            Suspect("open", "attribute", LeakVerdict.SURE, why),
        ),
    )
    partly = replace(
        report,
        suspects=(
            Suspect("won", "kind", LeakVerdict.EXCLUDED, ()),
            Suspect("won", "attribute", LeakVerdict.EXCLUDED, ()),
            Suspect("open", "attribute", LeakVerdict.HARMLESS, ()),
        ),
    )
    told = partly.with_evidence_of(whole).suspects
    assert [suspect.evidence for suspect in told] == [why, (), ()]
    assert [suspect.verdict for suspect in told] == [s.verdict for s in partly.suspects]


def test_a_registry_that_is_down_costs_the_comparison_not_the_card(
    first: Release, second: Release, tmp_path: Path
) -> None:
    down = TrackingSettings(home=tmp_path, tracking_uri="http://127.0.0.1:9")
    folders = [tmp_path / release.release_id for release in (first, second)]
    small_release(folders[0], coefficient=0.4)
    then = StoredRelease(first.release_id, "1", str(folders[0]))
    now = StoredRelease(second.release_id, "2", str(folders[1]))
    told: list[str] = []
    found = compared_with(now, second, then, "version 1", down, told.append)
    assert found.same is None
    assert found.release.name == "small"
    assert len(told) == 1
    assert told[0].startswith("both releases are not compared on the same references, because")


def test_scores_that_say_one_thing_to_all_do_not_drift(first: Release, second: Release) -> None:
    silent = replace(second, metrics={**second.metrics, "signal": False})
    told = [
        section(
            card_markdown(card_of(release, PreviousRelease("A", first))), "What changed since A"
        )
        for release in (second, silent)
    ]
    assert ["| score | " in text for text in told] == [True, False]
