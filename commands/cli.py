"""The command ``leadscore``: parses, calls a package, maps errors to exit codes.

The commands themselves stand in ``commands/``, one module per family. Here, and only here, an
error becomes a line on stderr and an exit code: 0 done, 1 unexpected, 2 usage, 3 bad data, 4 a gate
refused, 5 storage or registry; 6 is retrain's alone (the tree is drawn in ``features/errors.py``).
"""

from __future__ import annotations

import codecs
import io
import json
import os
import sys
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from typing import Annotated

import typer
from typer.exceptions import TyperException
from typer.models import CommandInfo, TyperInfo

from commands import (
    backup,
    card,
    compare,
    data,
    demo,
    explain,
    forecast,
    import_,
    init,
    keys,
    lead,
    mcp,
    monitor,
    registry,
    retrain,
    rules,
    score,
    serve,
    store,
    sync,
    train,
    webhooks,
)
from commands.help_texts import translate_help
from features.errors import LeadscoreError
from features.language.catalogues import language
from features.language.composed import composed
from features.language.current import use
from features.language.language import ENGLISH, N_, Language
from features.language.negotiation import from_locale
from features.version import VERSION

REMEDY = "install the whole with `pip install leadscore` (leadscore-serve can only answer)"
PANELS = {
    "Data": ("init", "sync", "import", "check", "audit", "simulate", "lead"),
    "Models": (
        "train",
        "retrain",
        "card",
        "monitor",
        "compare",
        "models",
        "promote",
        "rollback",
        "fetch",
    ),
    "Scores": ("score", "worklist", "forecast", "explain", "rules", "push"),
    "Service": (
        "serve",
        "mcp",
        "keys",
        "webhooks",
        "replay",
        "store",
        "backup",
        "restore",
        "doctor",
    ),
}
OTHER_PANEL = "Start here"
INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells expect it."""


def show_version(wanted: bool) -> None:
    """Print the version and stop, when ``--version`` was given."""
    if wanted:
        print(f"leadscore {VERSION}")
        raise typer.Exit


def about(
    version: Annotated[
        bool,
        typer.Option("--version", callback=show_version, is_eager=True, help="Print the version."),
    ] = False,
    lang: Annotated[
        str | None,
        typer.Option(
            "--lang",
            metavar="CODE",
            help="Language of what people read: en, fr, or one with a catalogue; the system's "
            "locale otherwise, English with --json. May stand after the command too.",
        ),
    ] = None,
) -> None:
    """Calibrated, explained lead-conversion scores that cannot see the future.

    Start with [bold]leadscore demo[/bold], or with your files: [bold]leadscore init FOLDER[/bold].

    Results go to stdout, progress to stderr; every command takes --json.

    Exit codes: 0 done, 2 usage, 3 bad data, 4 a gate refused, 5 storage.
    """


def create_app() -> typer.Typer:
    """The whole command line, ready to be called or documented."""
    app = typer.Typer(
        callback=about,
        no_args_is_help=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for family in (
        demo,
        data,
        init,
        sync,
        import_,
        train,
        card,
        monitor,
        registry,
        retrain,
        score,
        lead,
        compare,
        explain,
        forecast,
        rules,
        serve,
        mcp,
        keys,
        webhooks,
        store,
        backup,
    ):
        family.add_to(app)
    listed: list[CommandInfo | TyperInfo] = [*app.registered_commands, *app.registered_groups]
    for command in listed:
        command.rich_help_panel = panel_of(name_of(command))
    return app


def name_of(command: CommandInfo | TyperInfo) -> str:
    """A command's name as one types it."""
    if isinstance(command, CommandInfo):
        assert command.callback is not None  # noqa: S101 (typer has none without)
        return command.name or command.callback.__name__
    return str(command.name)


def panel_of(name: str) -> str:
    """The heading of ``leadscore --help`` under which a command is listed."""
    return next((panel for panel, names in PANELS.items() if name in names), OTHER_PANEL)


def main() -> None:
    """Entry point of the console script."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper) and "utf" not in stream.encoding.lower():
            stream.reconfigure(errors=register_plain_signs())
    raise SystemExit(run(sys.argv[1:]))


PLAIN_SIGNS = {"\u202f": " ", "\u00a0": " ", "−": "-", "’": "'", "–": "-", "→": "->", "×": "x"}
"""What is written where a terminal's encoding lacks a sign, as Windows-1252 lacks narrow spaces."""


def register_plain_signs() -> str:
    """The name of the error handler that writes ``PLAIN_SIGNS``, and "?" for any other sign.

    >>> "12\\u202f345 ☎".encode("cp1252", errors=register_plain_signs())
    b'12 345 ?'
    """

    def plain(error: UnicodeError) -> tuple[str, int]:
        if not isinstance(error, UnicodeEncodeError):
            raise error
        signs = error.object[error.start : error.end]
        return "".join(PLAIN_SIGNS.get(sign, "?") for sign in signs), error.end

    codecs.register_error("leadscore.plain_signs", plain)
    return "leadscore.plain_signs"


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code; no exception leaves this function."""
    if not sys.warnoptions and not debugging():
        warnings.simplefilter("ignore")
        os.environ.setdefault("PYTHONWARNINGS", "ignore")  # and in the processes we start
    command = typer.main.get_command(create_app())
    words = ENGLISH
    try:
        code, rest = without_language(arguments)
        words = chosen_language(code, as_json="--json" in arguments)
        with use(words):
            if words is not ENGLISH or not rest or {"-h", "--help"} & set(rest):
                translate_help(command, words)
            done = command(args=rest or ["--help"], prog_name="leadscore", standalone_mode=False)
    except Exception as error:
        if debugging():
            raise
        return report_error(error, words, as_json="--json" in arguments)
    except KeyboardInterrupt:
        print(composed("stopped", words), file=sys.stderr)
        return INTERRUPTED
    return done if isinstance(done, int) else 0


def without_language(arguments: Sequence[str]) -> tuple[str | None, list[str]]:
    """The value of ``--lang``, wherever it stands, and the other arguments.

    >>> without_language(["score", "my-leads", "--lang", "fr"])
    ('fr', ['score', 'my-leads'])
    >>> without_language(["--lang=fr", "models"])
    ('fr', ['models'])
    """
    code, rest = None, list(arguments)
    end = rest.index("--") if "--" in rest else len(rest)
    for at in reversed(range(end)):
        if rest[at].startswith("--lang="):
            code = code or rest.pop(at).partition("=")[2]
        elif rest[at] == "--lang" and at + 1 < end:
            code = rest[at + 1]
            del rest[at : at + 2]
    return code, rest


def chosen_language(code: str | None, *, as_json: bool) -> Language:
    """The language asked for; else that of the locale, but English for a program (``--json``)."""
    if code is not None:
        return language(code)
    return ENGLISH if as_json else language(from_locale())


def debugging() -> bool:
    """Whether the person asked for stack traces."""
    return os.environ.get("LEADSCORE_DEBUG", "") not in ("", "0")


def report_error(error: Exception, words: Language = ENGLISH, *, as_json: bool) -> int:
    """Say on stderr what went wrong and what to do next; return the exit code it stands for.

    In the language ``words`` for a person, in English for a program.
    """
    if isinstance(error, BrokenPipeError):
        # The reader went away (`| head`): point stdout at nothing, or closing it complains again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    if isinstance(error, typer.Abort):
        return INTERRUPTED
    code, message = code_and_message(error, ENGLISH if as_json else words)
    if as_json:
        kind = type(error).__name__
        print(json.dumps({"error": kind, "message": message, "exit_code": code}), file=sys.stderr)
    elif message:
        print(f"leadscore: {message}", file=sys.stderr)
    return code


def installed_here(module: str) -> bool:
    """Whether a module that failed to import is a part of the product that is there."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def code_and_message(error: Exception, words: Language) -> tuple[int, str]:
    """The exit code and the line for a person, for any exception a command may raise."""
    if isinstance(error, LeadscoreError):
        return error.exit_code, composed(str(error), words)
    if isinstance(error, TyperException):
        context = getattr(error, "ctx", None)
        where = context.command_path if context else "leadscore"
        problem = error.format_message()
        if not problem:  # the help was printed instead
            return error.exit_code, ""
        text = words.gettext(N_("{problem} See: {command} --help"))
        return error.exit_code, text.format(problem=composed(problem, words), command=where)
    if isinstance(error, ModuleNotFoundError) and error.name and not installed_here(error.name):
        message = f"this installation lacks {error.name}, which the command needs: {REMEDY}"
        return 5, composed(message, words)
    if isinstance(error, OSError) and error.filename is not None:
        return 5, composed(f"{error.strerror}: {error.filename}", words)
    hint = "this is a fault of leadscore; set LEADSCORE_DEBUG=1 to see where it happened"
    message = f"unexpected {type(error).__name__}: {error} ({hint})"
    return 1, composed(message, words).replace("\n", " ")


if __name__ == "__main__":
    main()
