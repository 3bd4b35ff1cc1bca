"""``leadscore keys`` and ``replay``: API keys of the service, and past scores computed again."""

from __future__ import annotations

from typing import Annotated

import typer

from commands.options import JsonOption
from features.language.composed import composed

keys = typer.Typer(no_args_is_help=True, help="API keys of the service: create, list, revoke.")


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    keys.command("create")(create)
    keys.command("list")(list_all)
    keys.command("revoke")(revoke)
    app.add_typer(keys, name="keys")
    app.command()(replay)


def create(
    name: Annotated[str, typer.Argument(help="Whose key it is, such as crm or grafana.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope",
            help="score, ingest, read, erase or admin; may be repeated. Default: score and ingest.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make an API key. The secret is shown once and kept nowhere.

    From the first key on, every request needs one. To rotate: create the new key, hand it over,
    revoke the old one; both work meanwhile.

    Examples:

      leadscore keys create crm --scope score --scope ingest

      leadscore keys create grafana --scope read
    """
    from commands.output import log, print_json
    from serving.http.api_keys import create_key
    from serving.settings import Settings

    key, secret = create_key(Settings().home, name, scope or ["score", "ingest"])
    if as_json:
        print_json({"id": key.id, "name": key.name, "scopes": key.scopes, "secret": secret})
        return
    log(
        composed(
            f"key {key.id} for {key.name} ({', '.join(key.scopes)}); the secret is shown this once:"
        )
    )
    print(secret)


def list_all(as_json: JsonOption = False) -> None:
    """List every key with its scopes, and when it was revoked; secrets are not kept.

    Examples:

      leadscore keys list --json
    """
    from commands.output import print_json, print_table
    from serving.http.api_keys import list_keys
    from serving.settings import Settings

    found = list_keys(Settings().home)
    if as_json:
        print_json(found)
        return
    columns = ("id", "name", "scopes", "created_at", "revoked_at")
    rows = [[", ".join(k["scopes"]) if c == "scopes" else k[c] for c in columns] for k in found]
    print_table(columns, rows)


def revoke(
    key_id: Annotated[str, typer.Argument(metavar="ID", help="The id shown by keys list.")],
    as_json: JsonOption = False,
) -> None:
    """End a key; running servers follow within a second.

    Examples:

      leadscore keys revoke b17ee995
    """
    from commands.output import log, print_json
    from serving.http.api_keys import revoke_key
    from serving.settings import Settings

    key = revoke_key(Settings().home, key_id)
    if as_json:
        print_json({"id": key.id, "revoked_at": key.revoked_at})
    else:
        log(composed(f"key {key.id} of {key.name} is revoked"))


def replay(
    score_id: Annotated[str, typer.Argument(metavar="SCORE_ID", help="As the answer gave it.")],
    as_json: JsonOption = False,
) -> None:
    """Give a past score again, from its stored history, as_of and release, and compare the bits.

    Exit code 4 when it comes out differently.

    Examples:

      leadscore replay 0b9f5c0d6a8e4d0f9c3b2a1e7d6c5b4a
    """
    from commands.output import log, print_json
    from features.errors import GateError
    from serving.predictor.replay import replay as again
    from serving.settings import Settings

    found = again(Settings(), score_id)
    if as_json:
        print_json(
            {
                "score_id": found.score_id,
                "identical": found.identical,
                "differences": found.differences,
                "then": found.then,
                "now": found.now,
            }
        )
    elif found.identical:
        log(
            composed(
                "identical to the last bit: vector, probability, reasons, every field of the answer"
            )
        )
        print_json(found.now)
    if not found.identical:
        raise GateError(f"comes out differently now: {', '.join(found.differences)}")
