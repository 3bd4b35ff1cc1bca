"""Commands about the service: start it, and look at what is there."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from commands.options import JsonOption
from features.language.composed import composed


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(serve)
    app.command()(doctor)


def serve(
    host: Annotated[
        str | None, typer.Option("--host", help="Address to listen on; 127.0.0.1 by default.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option("--port", min=0, max=65535, help="Port to listen on; 8000 by default."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="Processes that answer; 1 by default.")
    ] = None,
    release: Annotated[
        Path | None,
        typer.Option(
            "--release", metavar="DIR", help="Serve this release folder, not the champion."
        ),
    ] = None,
) -> None:
    """Answer the API with the champion, until Ctrl-C or SIGTERM.

    A promotion or a rollback is taken up while it runs. The page for people is at /,
    that of the API at /docs.

    Examples:

      leadscore serve

      leadscore serve --port 9000 --workers 2

      leadscore serve --release my-release
    """
    from features.errors import UsageError

    if os.name == "nt":
        raise UsageError(
            "serving needs Linux or macOS, for file locks and its journal; "
            "training, scoring and comparing work on Windows"
        )
    from commands.output import log
    from serving.server import serve as answer
    from serving.settings import Settings

    given = {"host": host, "port": port, "workers": workers, "release": release}
    settings = Settings.model_validate(
        {**Settings().model_dump(), **{k: v for k, v in given.items() if v is not None}}
    )
    log(composed(f"http://{settings.host}:{settings.port}/  (stop with Ctrl-C)"))
    answer(settings)


def doctor(
    url: Annotated[
        str, typer.Option("--url", help="Where the service is expected to answer.")
    ] = "http://127.0.0.1:8000",
    as_json: JsonOption = False,
) -> None:
    """Look at what is installed, reachable and loaded, and say what to do about the rest.

    Exits with 5 when something is broken; what is only absent is no fault.

    Examples:

      leadscore doctor

      leadscore doctor --url http://127.0.0.1:9000 --json
    """
    from commands.doctor import State, examine, print_findings, worst
    from commands.output import print_json, timed

    with timed("examine"):
        findings = examine(url)
    state = worst(findings)
    if as_json:
        print_json({"state": state, "findings": [finding.to_dict() for finding in findings]})
    else:
        print_findings(findings)
    if state is State.FAULT:
        raise typer.Exit(5)
