"""What typer, pydantic and the system say of a wrong command line, for the catalogue.

They write it in English; :func:`features.language.composed.composed` finds the message again.
"""

from __future__ import annotations

USAGE_TEXTS: tuple[str, ...] = (
    "No such command {name!r}.",
    "Did you mean {names}?",
    "No such option: {name}",
    "No such option: {name} (Possible options: {names})",
    "Missing command.",
    "Missing argument {name!r}.",
    "Missing option {name!r}.",
    "Missing parameter: {name}",
    "Invalid value: {problem}",
    "Invalid value for {name!r}: {problem}",
    "Got unexpected extra argument(s) ({arguments})",
    "Argument {name!r} takes {n} values.",
    "Option {name!r} requires an argument.",
    "Option {name!r} requires {n} arguments.",
    "Option {name!r} does not take a value.",
    "Value {value!r} is not a valid {kind}.",
    "File {name!r} does not exist.",
    "Directory {name!r} does not exist.",
    "Path {name!r} does not exist.",
    "Input should be a valid integer, unable to parse string as an integer",
    "Input should be a valid number, unable to parse string as a number",
    "Input should be a valid boolean, unable to interpret input",
    "Input should be a finite number",
    "Input should be greater than {limit}",
    "Input should be greater than or equal to {limit}",
    "Input should be less than {limit}",
    "Input should be less than or equal to {limit}",
    "Input should be {choices}",
    "{problem}: {path}",
    "No such file or directory",
    "Permission denied",
    "Is a directory",
    "Not a directory",
    "File exists",
    "No space left on device",
    "Read-only file system",
    "Connection refused",
    "Address already in use",
    "install the whole with `pip install leadscore` (leadscore-serve can only answer)",
    "stopped",
)
"""Messages; placeholders as in ``str.format``, with ``!r`` for what stays as it was typed."""
