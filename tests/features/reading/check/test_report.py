"""What check says of a dataset."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from features.language.current import language
from features.reading.check.check import check

Folder = Callable[..., Path]


def test_a_small_set_is_counted(dataset_folder: Folder) -> None:
    report = check(dataset_folder())
    assert (report.leads, report.converted, report.lost, report.open) == (3, 1, 1, 1)
    assert (report.interactions, report.answers) == (3, 2)
    assert report.first_moment == "2026-01-01T00:00:00Z"
    assert report.last_moment == report.observed_until == "2026-01-20T00:00:00Z"
    budget = next(a for a in report.attributes if a.name == "budget")
    assert (budget.type, budget.group, budget.available) == ("number", "budget", "answered")
    assert (round(budget.known_share, 3), budget.distinct, budget.answers) == (0.667, 2, 1)
    timeline = next(a for a in report.attributes if a.name == "timeline")
    assert (round(timeline.known_share, 3), timeline.answers) == (0.333, 1)
    assert [(k.kind, k.rows, k.leads, k.outbound) for k in report.kinds] == [
        ("page_view", 2, 2, False),
        ("meeting", 1, 1, False),
    ]


def test_text_and_json_hold_the_same(dataset_folder: Folder) -> None:
    report = check(dataset_folder())
    text = report.to_text()
    assert "small: 3 leads: 1 converted (33.3%), 1 lost, 1 open" in text
    assert "no row: every row keeps the contract" in text
    assert all(sentence in text for sentence in report.inferred)
    assert json.loads(json.dumps(report.to_dict()))["leads"] == 3


def test_the_text_is_in_the_language_in_use(dataset_folder: Folder) -> None:
    with language("fr"):
        text = check(dataset_folder()).to_text()
    assert "small\u00a0: 3 leads\u00a0: 1 converti (33,3" in text
    assert "aucune ligne\u00a0: toutes respectent le contrat" in text
    for english in ("rows counted", "Set aside", "converted", "interactions of", "fingerprint"):
        assert english not in text


def test_no_lead_is_shown(dataset_folder: Folder) -> None:
    report = check(dataset_folder())
    shown = report.to_text() + json.dumps(report.to_dict())
    assert not any(value in shown for value in ("L1", "software", "250.5", "this quarter"))


def test_refused_rows_and_one_class_are_reported(dataset_folder: Folder) -> None:
    outcomes = (
        "lead_id,outcome,occurred_at\nL1,lost,2026-01-20T00:00:00Z\nL2,win,2026-01-20T00:00:00Z\n"
    )
    report = check(dataset_folder(outcomes=outcomes), max_bad_fraction=0.5)
    text = report.to_text()
    assert "outcomes.csv: 1 row: unknown outcome. outcomes.csv row 3" in text
    assert any(warning.startswith("only one class") for warning in report.warnings)


def test_what_comes_after_the_outcome_is_named(dataset_folder: Folder) -> None:
    toml = '[attributes.industry]\navailable = "after_outcome"\n'
    report = check(dataset_folder(dataset_toml=toml))
    assert "known only after the outcome, so never used: industry" in report.warnings
