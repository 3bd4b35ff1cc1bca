"""``leadscore import`` from the command line, through ``check``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from drawn_export import write_export

from commands.cli import run

LEADS = """
    Id              | CreatedDate              | Status             | IsConverted | ConvertedDate | Rating | SystemModstamp
    00Q5f00000AbCdA | 2026-01-05T09:00:00.000Z | Closed - Converted | true        | 2026-02-10    | Hot    | 2026-03-01T08:00:00.000Z
    00Q5f00000AbCdB | 2026-01-06T09:00:00.000Z | New                | false       |               | Cold   | 2026-03-01T08:00:00.000Z
"""


@pytest.fixture
def export(tmp_path: Path) -> Path:
    return write_export(tmp_path / "export", {"Lead.csv": LEADS, "read me.doc": "a"})


def test_import_then_check(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    arguments = ["import", "auto", str(export), str(out), "--as-at-creation", "Rating"]
    assert run([*arguments, "--zone", "Europe/Paris"]) == 0
    printed = capsys.readouterr()
    assert printed.out.startswith("1 file not read:\n  read me.doc:")
    assert "2 rows read = 2 kept + 0 folded + 0 set aside" in printed.out
    assert "Rating: as it is now, taken as known at creation because you said so" in printed.out
    assert "Next: leadscore check" in printed.err
    assert run(["check", str(out), "--json"]) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["leads"] == 2


def test_json_has_the_whole_report(
    export: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["import", "salesforce", str(export), str(tmp_path / "out"), "--json"]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["unread"][0]["file"] == "read me.doc"
    assert {field["name"]: field["basis"] for field in report["fields"]}["Rating"] == "as now"
    assert report == json.loads((tmp_path / "out" / "import" / "report.json").read_text())


def test_detect_and_list(export: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["import", "--detect", str(export)]) == 0
    assert "salesforce: Salesforce\n  lead: Lead.csv" in capsys.readouterr().out
    assert run(["import", "--list"]) == 0
    assert "salesforce" in capsys.readouterr().out.split()


def test_a_second_import_keeps_what_a_person_wrote(export: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run(["import", "salesforce", str(export), str(out)]) == 0
    settings = out / "dataset.toml"
    written = settings.read_text("utf-8").replace("horizon_days = 30", "horizon_days = 60")
    settings.write_text(written, "utf-8")
    later = ["--exported-at", "2026-04-01T00:00:00Z"]
    assert run(["import", "salesforce", str(export), str(out), *later]) == 0
    again = settings.read_text("utf-8")
    assert "horizon_days = 60" in again
    assert "observed_until = 2026-04-01T00:00:00Z" in again


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["salesforce"], 2, "needs SYSTEM EXPORT OUT"),
        (["sugar", "EXPORT", "OUT"], 2, "no recipe for 'sugar'; expected one of"),
        (["salesforce", "nowhere", "OUT"], 2, "is no folder"),
        (["salesforce", "EXPORT", "EXPORT"], 2, "OUT is the folder of the export"),
        (["salesforce", "EXPORT", "OUT", "--goal", "x"], 2, "expected one of conversion, won"),
        (["salesforce", "EXPORT", "OUT", "--zone", "Paris"], 2, "such as Europe/Paris"),
        (["salesforce", "EXPORT", "OUT", "--tracked-since", "x"], 2, "is no moment"),
    ],
)
def test_what_is_wrong_is_reported(
    export: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    places = {"EXPORT": str(export), "OUT": str(tmp_path / "out")}
    assert run(["import", *(places.get(word, word) for word in arguments)]) == code
    assert words in capsys.readouterr().err
