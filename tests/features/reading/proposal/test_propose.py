"""``init``: exports of any dialect get a dataset.toml, or a question about what is missing."""

from __future__ import annotations

import io
import tomllib
from pathlib import Path

import pandas as pd
import pytest

from commands.cli import run
from features.errors import DataError
from features.reading.proposal.dataset_toml import as_toml
from features.reading.proposal.propose import propose
from features.reading.read import read_dataset

CONTACTS = """Record ID;Create Date;Sector;Revenue;Topics
1;06/01/2025 10:04;Éditeur;134571,43;CRM;
"""
LEADS = "\n".join(
    ["Lead ID;Created Time;Sector;Revenue"]
    + [
        f"{i};{1 + i % 28:02d}/01/2025 10:04;Éditeur {i % 3};{i * 1000 + 134571},43"
        for i in range(1, 41)
    ]
)
DEALS = "\n".join(
    ["Lead ID;Stage;Close Date"]
    + [
        f"{i};{'Closed Won' if i % 3 else 'Closed Lost'};{1 + i % 28:02d}/03/2025 10:04"
        for i in range(1, 31)
    ]
)


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """Two files as Excel saves them on a French machine."""
    (tmp_path / "contacts.csv").write_text(LEADS, encoding="windows-1252")
    (tmp_path / "deals.csv").write_text(DEALS, encoding="windows-1252")
    return tmp_path


def test_an_export_is_read_once_the_zone_is_reported(export: Path) -> None:
    proposal = propose(export)
    text = as_toml(proposal)
    given = tomllib.loads(text)
    assert given["tables"] == {"leads": {"file": "contacts.csv"}, "outcomes": {"file": "deals.csv"}}
    assert given["columns"]["leads"] == {"lead_id": "Lead ID", "created_at": "Created Time"}
    assert given["columns"]["outcomes"]["outcome"] == "Stage"
    assert given["outcome_words"] == {"converted": ["Closed Won"], "lost": ["Closed Lost"]}
    assert given["decimal"] == ","
    assert "time_zone" not in given
    assert "# time_zone =" in text
    assert len(proposal.open) == 1
    (export / "dataset.toml").write_text(text)
    with pytest.raises(DataError, match="time_zone"):
        read_dataset(export)
    (export / "dataset.toml").write_text('time_zone = "Europe/Paris"\n' + text)
    found = read_dataset(export)
    assert len(found.leads) == 40
    assert found.leads["created_at"].iloc[0].isoformat() == "2025-01-02T09:04:00+00:00"
    assert found.leads["Revenue"].iloc[0] == 135571.43
    assert (found.outcomes["outcome"] == "converted").sum() == 20


def test_what_a_person_wrote_stays(export: Path) -> None:
    mine = '# mine\nname = "ours"\ntime_zone = "UTC"\n\n[columns.leads]\nlead_id = "Lead ID"\n'
    first = as_toml(propose(export, tomllib.loads(mine)), mine)
    assert first.index("# mine") < first.index("[columns.leads]")
    given = tomllib.loads(first)
    assert given["name"] == "ours"
    assert given["time_zone"] == "UTC"
    assert given["columns"]["leads"] == {"lead_id": "Lead ID", "created_at": "Created Time"}
    assert as_toml(propose(export, given), first) == first


def test_a_day_that_could_be_a_month_is_left_open(tmp_path: Path) -> None:
    rows = "".join(f"L{i},0{i}/02/2025 10:04,web\n" for i in range(1, 9))
    (tmp_path / "leads.csv").write_text("lead_id,created_at,source\n" + rows)
    proposal = propose(tmp_path, {"time_zone": "UTC"})
    assert any("1 February 2025 if the day" in q or "date_order" in q for q in proposal.open)
    assert "date_order" not in tomllib.loads(as_toml(proposal))


def test_a_folder_without_leads_says_what_each_file_is(tmp_path: Path) -> None:
    (tmp_path / "page.csv").write_text("<html><body></body></html>")
    with pytest.raises(DataError, match=r"no file that looks like leads \(page.csv: .*web page"):
        propose(tmp_path)


def plain_leads(first: int = 1, last: int = 41, more: str = "") -> str:
    """A clean table of leads; ``more``: cells of further columns, by the number of the lead."""
    head = "lead_id,created_at,sector" + (",status,closed_on" if more else "") + "\n"
    return head + "".join(
        f"L{i},2025-01-{1 + i % 28:02d}T10:00:00Z,s{i % 3}"
        + (more.format(("won", "lost", "open")[i % 3], "" if i % 3 == 2 else "2025-02-20") + "\n")
        for i in range(first, last)
    )


def proposed(folder: Path) -> tuple[dict[str, object], list[str]]:
    """What is proposed for a folder whose bare dates are days of UTC, and what is left open."""
    proposal = propose(folder, {"time_zone": "UTC"})
    text = as_toml(proposal, 'time_zone = "UTC"\n')
    (folder / "dataset.toml").write_text(text)
    return tomllib.loads(text), proposal.open


def test_files_with_the_same_columns_are_parts_of_one_table(tmp_path: Path) -> None:
    (tmp_path / "leads_2024.csv").write_text(plain_leads(1, 21))
    (tmp_path / "leads_2025.csv").write_text(plain_leads(21, 41))
    given, _ = proposed(tmp_path)
    assert given["tables"] == {"leads": {"file": "leads_202*.csv"}}
    assert len(read_dataset(tmp_path, outcomes_required=False).leads) == 40


def test_which_of_two_copies_counts_is_asked(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(plain_leads())
    (tmp_path / "leads (1).csv").write_text(plain_leads())
    given, left_open = proposed(tmp_path)
    assert "tables" not in given
    assert any("have the same columns: say which one is leads" in q for q in left_open)


def test_a_status_within_leads_is_the_outcome_and_no_attribute(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(plain_leads(more=",{},{}"))
    given, left_open = proposed(tmp_path)
    assert left_open == []
    assert given["outcome_words"] == {"converted": ["won"]}
    found = read_dataset(tmp_path)
    assert found.outcomes["outcome"].value_counts().to_dict() == {"lost": 14, "converted": 13}
    own = {"available": "after_outcome"}
    assert given["attributes"] == {"status": own, "closed_on": own}


def test_a_sheet_is_found_by_its_columns(tmp_path: Path) -> None:
    with pd.ExcelWriter(tmp_path / "leads.xlsx", engine="xlsxwriter") as book:
        pd.DataFrame({"Total": [40]}).to_excel(book, sheet_name="Summary", index=False)
        table = pd.read_csv(io.StringIO(plain_leads()))
        table.to_excel(book, sheet_name="Data", index=False)
    given, _ = proposed(tmp_path)
    assert given["tables"] == {"leads": {"sheet": "Data"}}
    assert len(read_dataset(tmp_path, outcomes_required=False).leads) == 40


def test_tables_one_folder_further_in_are_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "export").mkdir()
    (tmp_path / "export" / "leads.csv").write_text(plain_leads())
    with pytest.raises(DataError, match=r"export/: it holds tables of its own: leadscore init"):
        propose(tmp_path)


def test_what_check_would_stop_at_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "leads.csv").write_text(plain_leads())
    outcomes = "".join(f"{i},lost,2025-02-20T10:00:00Z\n" for i in range(1, 41))
    (tmp_path / "outcomes.csv").write_text("lead_id,outcome,occurred_at\n" + outcomes)
    assert run(["init", str(tmp_path)]) == 0
    assert "the ids of leads begin with 'L'" in capsys.readouterr().out
    (tmp_path / "dataset.toml").write_bytes("about = 'données'".encode("windows-1252"))
    assert run(["init", str(tmp_path)]) == 3
    assert "dataset.toml line 1 is not UTF-8" in capsys.readouterr().err


HEADERS = {
    "German": (
        "Lead-Nr.;Erstellt am;Branche;Umsatz", "Lead-Nr.;Ergebnis;Abgeschlossen am",
        "Gewonnen Verloren", "Interessenten.csv Abschlüsse.csv",
    ),
    "Spanish": (
        "ID del cliente;Fecha de creación;Sector;Facturación",
        "ID del cliente;Estado;Fecha de cierre", "Ganado Perdido",
        "Contactos.csv Oportunidades.csv",
    ),
    "Italian": (
        "ID contatto;Data creazione;Settore;Fatturato", "ID contatto;Esito;Data chiusura",
        "Vinto Perso", "contatti.csv esiti.csv",
    ),
    "French": (
        "Référence client;Créé le;Secteur;CA", "Référence client;Issue;Clôturé le",
        "Gagné Perdu", "Prospects.csv Résultats.csv",
    ),
}  # fmt: skip
"""Headers of leads and outcomes, the words of outcomes, and the names of the files."""


@pytest.mark.parametrize("language", HEADERS)
def test_headers_of_other_languages_are_known(language: str, tmp_path: Path) -> None:
    leads, outcomes, words, names = HEADERS[language]
    texts = [LEADS.split("\n", 1)[1], DEALS.split("\n", 1)[1]]
    texts[1] = texts[1].replace("Closed Won", words.split()[0])
    texts[1] = texts[1].replace("Closed Lost", words.split()[1])
    for name, header, rows in zip(names.split(), (leads, outcomes), texts, strict=True):
        (tmp_path / name).write_text(f"{header}\n{rows}", encoding="utf-8")
    given, left_open = proposed(tmp_path)
    assert left_open == []
    assert given["columns"]["leads"] == dict(
        zip(("lead_id", "created_at"), leads.split(";"), strict=False)
    )
    found = read_dataset(tmp_path)
    assert found.outcomes["outcome"].value_counts().to_dict() == {"converted": 20, "lost": 10}


def test_a_sign_is_proposed_for_one_column_where_others_differ(tmp_path: Path) -> None:
    rows = "".join(
        f'L{i},2025-01-{1 + i % 28:02d}T10:00:00Z,{i}.25,"{i}.{i:03d},50",{i}k\n'
        for i in range(1, 41)
    )
    (tmp_path / "leads.csv").write_text("lead_id,created_at,budget,revenue,size\n" + rows)
    given, left_open = proposed(tmp_path)
    assert "decimal" not in given
    assert given["attributes"]["revenue"] == {"decimal": ",", "thousands": "."}
    assert ["say units = { k = 1000 }" in q for q in left_open if "size" in q] == [True]
    assert not any("decimal" in question for question in left_open)
    text = (tmp_path / "dataset.toml").read_text()
    (tmp_path / "dataset.toml").write_text(text.replace("# units = ", "units = "))
    first = read_dataset(tmp_path, outcomes_required=False).leads.iloc[0]
    assert (first["budget"], first["revenue"], first["size"]) == (1.25, 1001.5, 1000.0)


def test_a_folder_that_holds_no_leads_names_the_columns_and_the_keys(tmp_path: Path) -> None:
    (tmp_path / "Tabelle1.csv").write_text("Wer;Wann\n1;2025-01-01\n")
    (tmp_path / "export.zip").write_bytes(b"PK")
    with pytest.raises(DataError) as refused:
        propose(tmp_path)
    for words in (
        "lead_id among Wer, Wann",
        'file = "Tabelle1.csv"',
        "export.zip: an archive: unpack",
    ):
        assert words in str(refused.value)
