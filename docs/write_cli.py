"""Write docs/reference/cli.md from the commands themselves; a test fails while the page is stale.

Run it with ``make docs``.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from commands.cli import create_app

PAGE = Path(__file__).parent / "reference" / "cli.md"

OPENING = """# The command line

Results go to stdout, progress and messages to stderr, and every command that answers
takes `--json`. No command prompts. This page is written by `make docs` from the commands' own help.

| exit code | meaning | what to do |
|---|---|---|
| 0 | done | |
| 1 | something unexpected | set `LEADSCORE_DEBUG=1` to see where |
| 2 | the question is wrong: an option, a name | read the line, or `--help` |
| 3 | the data break the contract, or cannot answer | the line names file, row and value |
| 4 | a gate refused: no better than the champion, a sure leak | the message carries the evidence |
| 5 | a disk, a database, a release or the registry failed | `leadscore doctor` says which |
| 6 | `leadscore retrain` alone: no new outcomes, so nothing was trained | nothing |

With `--json` an error is one JSON line on stderr:
`{"error": "DataError", "message": "…", "exit_code": 3}`.

`leadscore --lang fr COMMAND` (or `--lang fr` after the command) speaks French in tables, reports
and reasons; without it the system's locale decides, and `--json` is English
([languages](../guide/languages.md)).
"""


def commands_of(group: Any, prefix: str = "leadscore") -> Iterator[tuple[str, Any]]:
    """Every command with its full name, in the order of the help."""
    for name, command in group.commands.items():
        full_name = f"{prefix} {name}"
        if hasattr(command, "commands"):
            yield from commands_of(command, full_name)
        else:
            yield full_name, command


def section(full_name: str, command: Any) -> str:
    """One command: what it does, its examples, its arguments and options."""
    words, _, examples = (command.help or "").partition("Examples:")
    lines = [f"## `{full_name}`", "", words.strip(), ""]
    if examples.strip():
        shown = [line.strip() for line in examples.splitlines() if line.strip()]
        lines += ["```", *shown, "```", ""]
    lines += ["| argument or option | meaning | default |", "|---|---|---|"]
    lines += [option_row(parameter) for parameter in command.params]
    return "\n".join(lines) + "\n"


def option_row(parameter: Any) -> str:
    """One row of a command's table."""
    if parameter.param_type_name == "argument":
        name = f"`{parameter.metavar or parameter.name.upper()}`"
    else:
        flags = " / ".join(parameter.opts + parameter.secondary_opts)
        name = f"`{flags}`" if parameter.is_flag else f"`{flags} {value_word(parameter)}`"
    if parameter.required:
        default = "required"
    elif parameter.default in (None, False, "", ()) or not isinstance(
        parameter.default, int | float | str
    ):
        default = ""
    else:
        default = f"`{parameter.default}`"
    meaning = " ".join((parameter.help or "").split()).replace("|", "\\|")
    return f"| {name} | {meaning} | {default} |"


def value_word(parameter: Any) -> str:
    """What stands for an option's value: its metavar, or the name of its type."""
    if parameter.metavar:
        return str(parameter.metavar)
    kind = parameter.type_descriptor.annotation
    return {int: "N", float: "NUMBER", Path: "PATH"}.get(kind, "TEXT")


def page() -> str:
    """The whole page."""
    group = typer.main.get_command(create_app())
    sections = [section(name, command) for name, command in commands_of(group)]
    return OPENING + "\n" + "\n".join(sections)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
