"""The command line's manners: exit codes, where it writes, what a person sees when it fails."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from commands import cli
from features.errors import (
    DataError,
    GateError,
    LeadscoreError,
    RegistryError,
    ReleaseError,
    StorageError,
    UsageError,
)


def call(*arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Run the command in a process of its own, as a person or a script does."""
    import os

    return subprocess.run(
        [sys.executable, "-m", "leadscore", *arguments],
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, **settings},
        check=False,
    )


def test_help_names_every_command() -> None:
    shown = call("--help")
    assert shown.returncode == 0
    for name in typer.main.get_command(cli.create_app()).commands:  # type: ignore[attr-defined]
        assert f" {name} " in shown.stdout


def test_help_imports_no_room_that_is_slow() -> None:
    code = (
        "import sys; from commands import cli; cli.run(['--help']); "
        "print([m for m in ('mlflow', 'pandas', 'numpy', 'numba', 'fastapi') if m in sys.modules])"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.splitlines()[-1] == "[]"


def test_no_arguments_show_the_help() -> None:
    assert call().stdout == call("--help").stdout


def test_version() -> None:
    assert call("--version").stdout.startswith("leadscore ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["chekc"], "No such command 'chekc'. Did you mean 'check'? See: leadscore --help"),
        (["check"], "Missing argument 'DATASET'. See: leadscore check --help"),
        (["check", "x", "--max-bad", "2"], "See: leadscore check --help"),
        (["check", "x", "--colour"], "No such option: --colour"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(arguments: list[str], words: str) -> None:
    shown = call(*arguments)
    assert shown.returncode == 2
    assert words in shown.stderr
    assert shown.stderr.count("\n") == 1
    assert shown.stdout == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (LeadscoreError("x"), 1),
        (UsageError("x"), 2),
        (DataError("x"), 3),
        (GateError("x"), 4),
        (StorageError("x"), 5),
        (ReleaseError("x"), 5),
        (RegistryError("x"), 5),
    ],
)
def test_every_error_of_the_tree_has_its_exit_code(
    error: LeadscoreError, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.report_error(error, as_json=False) == code
    assert capsys.readouterr().err == "leadscore: x\n"


def test_an_error_is_json_when_json_is_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    cli.report_error(DataError("no such folder: leads"), as_json=True)
    shown = json.loads(capsys.readouterr().err)
    assert shown == {"error": "DataError", "message": "no such folder: leads", "exit_code": 3}


def test_an_unexpected_error_shows_no_trace(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer(pretty_exceptions_enable=False, callback=cli.about)

    @app.command()
    def broken() -> None:
        raise ZeroDivisionError("division\nby zero")

    monkeypatch.setattr(cli, "create_app", lambda: app)
    monkeypatch.delenv("LEADSCORE_DEBUG", raising=False)
    assert cli.run(["broken"]) == 1
    shown = capsys.readouterr().err
    assert shown.count("\n") == 1
    assert "unexpected ZeroDivisionError: division by zero" in shown
    assert "LEADSCORE_DEBUG=1" in shown
    monkeypatch.setenv("LEADSCORE_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["broken"])


def test_a_missing_dataset_is_bad_data(tmp_path: Path) -> None:
    shown = call("check", str(tmp_path / "nowhere"))
    assert shown.returncode == 3
    assert "nowhere" in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_reader_that_goes_away_is_no_error() -> None:
    shown = subprocess.run(
        ["sh", "-c", f"{sys.executable} -m leadscore --help | head -1"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stderr == ""


def test_points_that_round_to_nothing_have_no_sign(capsys):
    from commands.demo import print_leads

    row = {"lead_id": "L1", "probability": 0.1, "low": 0.05, "high": 0.2, "band": "cold"}
    reasons = {f"reason_{i}": None for i in (1, 2, 3)}
    print_leads([{**row, **reasons, "rule_points": -0.3, "rule_band": "cold"}])
    shown = capsys.readouterr().out
    assert " 0 cold" in shown
    assert "-0" not in shown
