"""Run the commands of docs/field.md and write what they print into it.

    python docs/write_field.py FOLDER

FOLDER is where they run; what stands there already (``history``, ``release``, ``costs.csv``) is not
made again. A block that begins with ``$ leadscore`` holds a command and what it prints; a comment
``<!-- FILE: lead, lead -->`` stands before a table of these leads of a scores file. The tests run
the same commands on less data and check what the page claims.
"""

from __future__ import annotations

import contextlib
import csv
import io
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "field.md"
EXAMPLES = ROOT / "docs" / "field"
MADE_ONCE = {"simulate": "history", "train": "release", "compare": "costs.csv"}

BLOCK = re.compile(r"```console\n\$ (?P<command>[^\n]+)\n(?P<printed>.*?)```\n", re.DOTALL)
TABLE = re.compile(r"<!-- (?P<file>[\w-]+\.csv): (?P<leads>[^>]*) -->\n\n(?P<table>(\|[^\n]*\n)*)")


@dataclass(frozen=True)
class ScoresFileRow:
    """A row of a scores file."""

    lead_id: str
    as_of: str
    probability: float
    band: str
    rule_points: float
    rule_band: str


def commands_of(text: str) -> Iterator[list[str]]:
    """The commands of the page, in order, as arguments."""
    for found in BLOCK.finditer(text):
        yield shlex.split(found["command"])


def prepare(folder: Path) -> None:
    """Put the example files of the page into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(EXAMPLES, folder, dirs_exist_ok=True)


def run(arguments: list[str], folder: Path) -> str:
    """What a command prints on stdout, without blanks at the ends of lines; it must succeed."""
    if arguments[0] == "python":
        code = compile((folder / arguments[1]).read_text(encoding="utf-8"), arguments[1], "exec")
        with contextlib.chdir(folder):
            names: dict[str, object] = {"__name__": "run"}
            exec(code, names)  # noqa: S102 - the example of this page
            names["main"](Path(arguments[2]))  # type: ignore[operator]
        return ""
    sys.path.insert(0, str(ROOT))
    from commands.cli import run as leadscore

    out = io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out):
        code = leadscore(arguments[1:])
    if code:
        raise SystemExit(f"{' '.join(arguments)}: exit code {code}")
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join(lines).strip("\n") + "\n"


def score_rows(file: Path) -> list[ScoresFileRow]:
    """The rows of a scores file."""
    with file.open(encoding="utf-8", newline="") as opened:
        return [
            ScoresFileRow(
                row["lead_id"], row["as_of"][:10], float(row["probability"]), row["band"],
                float(row["rule_points"]), row["rule_band"],
            )
            for row in csv.DictReader(opened)
        ]  # fmt: skip


def table_of(rows: list[ScoresFileRow], leads: str) -> str:
    """The named leads as a table of the page, in the order of the names."""
    wanted = [name.strip() for name in leads.split(",")]
    lines = [
        "| lead | as of | points | by the rules | learned | band learned |",
        "|---|---|---:|---|---:|---|",
    ]
    for name in wanted:
        lines += [
            f"| {r.lead_id} | {r.as_of} | {r.rule_points:.0f} | {r.rule_band} | "
            f"{r.probability:.1%} | {r.band} |"
            for r in rows
            if r.lead_id == name
        ]
    return "\n".join(lines) + "\n"


def page(text: str, folder: Path) -> str:
    """The page with what the commands print and with the tables of their files."""

    def block(found: re.Match[str]) -> str:
        arguments = shlex.split(found["command"])
        made = MADE_ONCE.get(arguments[1]) if arguments[0] == "leadscore" else None
        if made is not None and (folder / made).exists():
            return found[0]
        return f"```console\n$ {found['command']}\n{run(arguments, folder)}```\n"

    text = BLOCK.sub(block, text)

    def table(found: re.Match[str]) -> str:
        rows = score_rows(folder / found["file"])
        after = "" if found["table"] else "\n"
        made = table_of(rows, found["leads"])
        return f"<!-- {found['file']}: {found['leads']} -->\n\n{made}{after}"

    return TABLE.sub(table, text)


if __name__ == "__main__":
    prepare(Path(sys.argv[1]))
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8"), Path(sys.argv[1])), encoding="utf-8")
