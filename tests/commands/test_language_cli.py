"""A command speaks the language that --lang or the locale names; programs get English."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from commands.cli import register_plain_signs, run, without_language
from commands.output import print_table, shown
from features.language.catalogues import language
from features.language.current import current, use
from features.language.language import ENGLISH
from scoring.scorecard.scorecard import default_scorecard

FRENCH = "aucune erreur. Règles"


@pytest.fixture
def card(tmp_path: Path) -> str:
    file = tmp_path / "rules.toml"
    file.write_text(default_scorecard().to_toml(), encoding="utf-8")
    return str(file)


@pytest.mark.parametrize("place", [0, 1, 3])
def test_lang_may_stand_anywhere(card: str, place: int, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["rules", "check", card]
    assert run([*arguments[:place], "--lang", "fr", *arguments[place:]]) == 0
    assert FRENCH in capsys.readouterr().out
    assert current() is ENGLISH


def test_help_is_in_the_language_and_in_english_again(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--lang", "fr", "forecast", "--help"]) == 0
    french = " ".join(capsys.readouterr().out.replace("│", " ").split())
    assert "Prévoir les conversions" in french
    assert "leadscore forecast my-leads --value 900" in french
    for text in ("[obligatoire]", "Exemples :", "Afficher ce message et sortir.", "<texte>"):
        assert text in french
    assert run(["forecast", "--help"]) == 0
    english = " ".join(capsys.readouterr().out.replace("│", " ").split())
    for text in (
        "Forecast conversions", "[required]", "Examples:", "Show this message and exit.", "<str>",
    ):  # fmt: skip
        assert text in english
        assert text not in french


def test_the_locale_decides_otherwise_but_not_for_a_program(
    card: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    assert run(["rules", "check", card]) == 0
    assert FRENCH in capsys.readouterr().out
    assert run(["rules", "check", card, "--lang=en"]) == 0
    assert "nothing is wrong with it" in capsys.readouterr().out
    assert run(["rules", "check", card, "--json"]) == 0
    rules = json.loads(capsys.readouterr().out)["rules"]
    assert rules[0]["name"] == "Read at least three pages, two minutes or more"


def test_a_language_that_is_not_there_is_a_usage_error(
    card: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["rules", "check", card, "--lang", "tlh"]) == 2
    assert "there is no language 'tlh'; there are: en, fr" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["chek"],
            "'chek' n’existe pas. Vouliez-vous dire 'check'\u00a0? Voir\u00a0: leadscore --help",
        ),
        (["check"], "L’argument 'DATASET' manque. Voir\u00a0: leadscore check --help"),
        (["check", "x", "--frob"], "L’option --frob n’existe pas. Voir"),
        (["simulate", "x", "--leads", "abc"], "'--leads'\u00a0: attendu un nombre entier. Voir"),
        (["check", "/no/such"], "/no/such n’existe pas\u00a0; attendu un dossier de données avec"),
        (["rules", "check", "/no.toml"], "la grille /no.toml\u00a0: Fichier ou dossier inexistant"),
        (["check", "x", "--lang", "tlh"], "there is no language 'tlh'"),
    ],
)
def test_a_wrong_command_line_is_told_in_french(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run([*arguments, *([] if "--lang" in arguments else ["--lang", "fr"])]) in (2, 3)
    assert said in capsys.readouterr().err


def test_an_error_is_english_for_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "/no/such", "--json", "--lang", "fr"]) == 3
    error = json.loads(capsys.readouterr().err)
    assert error["message"].startswith("/no/such does not exist; expected a dataset folder")


def test_what_init_writes_for_a_person_is_french(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "leads.csv").write_text(
        "lead_id,created_at,size\nA,2024-01-05 09:00,5\nB,2024-02-06 10:00,7\n", "utf-8"
    )
    assert run(["init", str(tmp_path), "--lang", "fr"]) == 0
    shown = capsys.readouterr()
    assert "écrit\u00a0: " in shown.err
    assert "- aucun fichier ne ressemble à outcomes" in shown.out
    written = (tmp_path / "dataset.toml").read_text("utf-8")
    assert "# Comment ces fichiers sont lus." in written
    assert "une heure sans fuseau" in written
    assert run(["init", str(tmp_path), "--lang", "fr"]) == 0
    assert (tmp_path / "dataset.toml").read_text("utf-8") == written


def test_a_terminal_without_narrow_spaces_gets_plain_ones() -> None:
    with use(language("fr")):
        figure = current().format_number(-12345.5, 1)
    assert figure.encode("cp1252", errors=register_plain_signs()) == b"-12 345,5"
    assert "l’issue ☎".encode("ascii", errors=register_plain_signs()) == b"l'issue ?"


def test_what_stands_after_two_dashes_is_no_option() -> None:
    assert without_language(["check", "--", "--lang", "fr"]) == (
        None, ["check", "--", "--lang", "fr"]
    )  # fmt: skip


def test_a_table_is_translated_and_keeps_its_alignment(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with use(language("fr")):
        print_table(["band", "leads"], [["chaud", 12345]], right=["leads"])
        assert shown(0.5) == "0,5"
        assert shown(True) == "oui"
    heading, _, row = (line for line in capsys.readouterr().out.splitlines() if line.strip())
    assert heading.split() == ["niveau", "leads"]
    assert row.split()[0] == "chaud"
    assert row.rstrip().endswith("12\u202f345")
