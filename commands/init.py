"""``leadscore init``: look at any exports, and write the dataset.toml that reads them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import JsonOption
from features.language.composed import composed
from features.language.current import _, say

if TYPE_CHECKING:
    from features.reading.proposal.proposal import Proposal


MAX_TRIAL_BYTES = 64 << 20


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command("init")(init)


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="The folder with exports.", show_default=False)
    ],
    time_zone: Annotated[
        str | None,
        typer.Option(
            "--time-zone", metavar="ZONE", help="Of times without one, such as Europe/Paris."
        ),
    ] = None,
    date_order: Annotated[
        str | None,
        typer.Option("--date-order", metavar="ORDER", help="day-first or month-first."),
    ] = None,
    decimal: Annotated[
        str | None, typer.Option("--decimal", metavar="SIGN", help="Before fractions: , or .")
    ] = None,
    thousands: Annotated[
        str | None,
        typer.Option("--thousands", metavar="SIGN", help="Between groups of three digits."),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the dataset.toml; write nothing.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Look at the exports in a folder, say what they are, write the dataset.toml that reads them.

    What the values settle is written; what could mean two things stands there as a comment, with
    what each reading makes of a value of yours. What you wrote before stays as it is.

    Examples:

      leadscore init my-export

      leadscore init my-export --time-zone Europe/Paris
    """
    from commands.output import log, print_json
    from features.reading.proposal.dataset_toml import as_toml
    from features.reading.proposal.propose import propose
    from features.settings_file import toml_text

    file = folder / "dataset.toml"
    before = toml_text(file) if file.is_file() else ""
    said = {
        "time_zone": time_zone, "date_order": date_order, "decimal": decimal,
        "thousands": thousands,
    }  # fmt: skip
    text = with_options(before, {key: value for key, value in said.items() if value is not None})
    proposal = propose(folder, parsed(text))
    text = as_toml(proposal, text)
    if not dry_run:
        write(file, text)
        log(composed(f"written: {file}"))
    if as_json:
        print_json(summary(proposal, text))
        return
    print_proposal(proposal, None if dry_run else still_refused(folder))
    print(text if dry_run else say("Next: leadscore check {folder}", folder=folder))


def parsed(text: str) -> dict[str, Any]:
    """The keys of a dataset.toml. Raises DataError where it is no TOML."""
    from features.settings_file import toml_values

    return toml_values(text)


def with_options(before: str, said: dict[str, str]) -> str:
    """The text with the keys that were typed as options in front, where it lacks them.

    Raises UsageError where the file already says otherwise.
    """
    from features.errors import UsageError

    given = parsed(before)
    lines = []
    for key, value in said.items():
        if key not in given:
            lines.append(f'{key} = "{value}"')
        elif given[key] not in (value, [value]):
            raise UsageError(f"dataset.toml already says {key} = {given[key]!r}; change it there")
    return "\n".join([*lines, before]) if lines else before


def write(file: Path, text: str) -> None:
    """Write the file whole, or StorageError."""
    from features.errors import StorageError

    beside = file.with_name(file.name + ".new")
    try:
        beside.write_text(text, encoding="utf-8")
        beside.replace(file)
    except OSError as error:
        raise StorageError(f"cannot write {file}: {error}") from error


def summary(proposal: Proposal, text: str) -> dict[str, Any]:
    """What was found, as JSON-ready data."""
    files = [
        {"file": s.name, "table": s.table, "why": s.why, "problem": s.problem, "notes": s.notes}
        for s in proposal.files
    ]
    return {"files": files, "to_be_said": proposal.open, "dataset_toml": text}


def still_refused(folder: Path) -> str | None:
    """Why ``check`` would stop on a folder with these settings, None if it would not.

    Folders above ``MAX_TRIAL_BYTES`` are not read twice: None as well.
    """
    from features.errors import LeadscoreError
    from features.reading.read import read_dataset

    if sum(p.stat().st_size for p in folder.rglob("*") if p.is_file()) > MAX_TRIAL_BYTES:
        return None
    try:
        read_dataset(folder, outcomes_required=False)
    except LeadscoreError as error:
        return str(error)
    return None


def print_proposal(proposal: Proposal, refused: str | None) -> None:
    """What each file is taken for, and what is still to be said, for a person."""
    from features.reading.proposal.proposal import describe

    for line in describe(proposal):
        print(composed(line))
    if proposal.open:
        print("\n" + _("To be said in dataset.toml, where each stands as a comment:"))
        for question in proposal.open:
            print(f"- {composed(question)}")
    elif refused is not None:
        print("\n" + _("The settings are complete, and the rows are not: leadscore check stops at"))
        print(f"- {composed(refused)}")
    else:
        print("\n" + _("Nothing is left open."))
