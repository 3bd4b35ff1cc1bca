"""Webhooks of the service from a shell: they work on the store itself, with or without a server."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from commands.options import JsonOption
from features.language.composed import composed

if TYPE_CHECKING:
    import sqlalchemy as sa

T = TypeVar("T")

WebhookId = Annotated[str, typer.Argument(metavar="ID", help="The id shown by webhooks list.")]

webhooks = typer.Typer(
    no_args_is_help=True,
    help="Webhooks that receive changes of scores: add, list, test, rotate, remove; dead letters.",
)


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    webhooks.command("list")(list_all)
    webhooks.command("add")(add)
    webhooks.command("test")(send_test)
    webhooks.command("rotate")(rotate)
    webhooks.command("remove")(remove)
    webhooks.command("dead")(dead)
    webhooks.command("resend")(resend)
    app.add_typer(webhooks, name="webhooks")


def list_all(as_json: JsonOption = False) -> None:
    """List every webhook: what is on its way, dead letters, the last attempt. No secrets.

    Examples:

      leadscore webhooks list
    """
    import msgspec

    from commands.output import print_json, print_table
    from serving.outbox.webhooks import webhooks as every

    found = _in_store(every)
    if as_json:
        print_json(msgspec.to_builtins(found))
        return
    columns = ("id", "url", "on", "state", "pending", "dead", "delivered", "last_status")
    rows = [
        [", ".join(one.on) if name == "on" else getattr(one, name) for name in columns]
        for one in found
    ]
    print_table(columns, rows)


def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="https://…, where messages go.")],
    on: Annotated[
        list[str] | None,
        typer.Option(
            "--on",
            help="first, band, probability, reason or release; may be repeated. Default: all.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Tell a URL of every change from now on. The secret is shown once; messages are signed by it.

    Examples:

      leadscore webhooks add https://crm.example.com/hooks/leadscore

      leadscore webhooks add https://crm.example.com/hooks/leadscore --on first --on band
    """
    from commands.output import log, print_json
    from serving.outbox.secret_box import SecretBox
    from serving.outbox.webhooks import add_webhook
    from serving.settings import Settings

    settings, now_us = Settings(), _now_us()
    allowed, box = settings.webhook_private, SecretBox.of(settings)
    webhook_id, secret = _in_store(
        lambda c: add_webhook(c, url, on, now_us, allow_private=allowed, box=box), writes=True
    )
    _show_secret(webhook_id, secret, as_json, print_json, log)


def send_test(webhook_id: WebhookId, as_json: JsonOption = False) -> None:
    """Send a signed test message now, from here, and say what the receiver answered.

    Exit code 5 when it does not take it.

    Examples:

      leadscore webhooks test wh_5b3f0c7a9e42d811
    """
    from datetime import UTC, datetime

    import msgspec

    from commands.output import log, print_json
    from features.errors import StorageError
    from serving.identifiers import random_id
    from serving.outbox.changes import WebhookTest
    from serving.outbox.secret_box import SecretBox
    from serving.outbox.send import Sender
    from serving.outbox.webhooks import valid_secrets, webhook_row
    from serving.settings import Settings

    settings, now_us = Settings(), _now_us()
    row = _there(_in_store(lambda c: webhook_row(c, webhook_id)), webhook_id)
    now = datetime.now(UTC)
    body = msgspec.json.encode(WebhookTest(now, {"webhook": webhook_id})).decode()
    sender = Sender(settings.webhook_timeout_s, settings.webhook_private)
    secrets = valid_secrets(row, now_us, SecretBox.of(settings))
    outcome = sender.send(row.url, secrets, f"test_{random_id(1)}", body, now)
    if as_json:
        print_json({"taken": outcome.taken, "status": outcome.status, "error": outcome.error})
    if not outcome.taken:
        raise StorageError(f"the receiver did not take it: {outcome.error}")
    log(composed(f"taken: status {outcome.status}"))


def rotate(
    webhook_id: WebhookId,
    old_valid_hours: Annotated[
        float,
        typer.Option(
            "--old-valid-hours", min=0, max=8760,
            help="How long the old secret goes on signing beside the new one; 24 by default.",
        ),
    ] = 24.0,
    as_json: JsonOption = False,
) -> None:  # fmt: skip
    """Make a new secret, shown once. Messages carry both signatures until the old one ends.

    Examples:

      leadscore webhooks rotate wh_5b3f0c7a9e42d811

      leadscore webhooks rotate wh_5b3f0c7a9e42d811 --old-valid-hours 0
    """
    from commands.output import log, print_json
    from serving.outbox.secret_box import SecretBox
    from serving.outbox.webhooks import rotate_secret
    from serving.settings import Settings

    now_us, box = _now_us(), SecretBox.of(Settings())
    made = _in_store(
        lambda c: rotate_secret(c, webhook_id, now_us, old_valid_hours, box), writes=True
    )
    secret = _there(made, webhook_id)
    _show_secret(webhook_id, secret, as_json, print_json, log)


def remove(webhook_id: WebhookId, as_json: JsonOption = False) -> None:
    """Remove a webhook and what is on its way to it.

    Examples:

      leadscore webhooks remove wh_5b3f0c7a9e42d811
    """
    from commands.output import log, print_json
    from serving.outbox.webhooks import remove_webhook

    removed = _in_store(lambda c: remove_webhook(c, webhook_id), writes=True)
    _there(True if removed else None, webhook_id)
    if as_json:
        print_json({"id": webhook_id, "removed": True})
    else:
        log(composed(f"webhook {webhook_id} is removed"))


def dead(
    webhook_id: WebhookId,
    limit: Annotated[
        int, typer.Option("--limit", min=1, max=10_000, help="How many; 50 by default.")
    ] = 50,
    as_json: JsonOption = False,
) -> None:
    """Show messages that were given up, the oldest first.

    Examples:

      leadscore webhooks dead wh_5b3f0c7a9e42d811 --json
    """
    import msgspec

    from commands.output import print_json, print_table
    from serving.outbox.deliveries import dead_letters

    found, _ = _in_store(lambda c: dead_letters(c, webhook_id, 0, limit))
    if as_json:
        bodies = [msgspec.json.decode(one.body) for one in found]
        plain = [msgspec.to_builtins(msgspec.structs.replace(one, body=None)) for one in found]
        print_json([{**one, "body": body} for one, body in zip(plain, bodies, strict=True)])
        return
    columns = ("id", "lead_id", "at", "attempts", "last_status", "last_error")
    print_table(columns, [[getattr(one, name) for name in columns] for one in found])


def resend(
    webhook_id: WebhookId,
    messages: Annotated[
        list[str] | None,
        typer.Argument(metavar="MESSAGE", help="Ids as webhooks dead shows them; all if none."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Send dead letters again, these or all; begins again with a webhook that answered 410.

    Examples:

      leadscore webhooks resend wh_5b3f0c7a9e42d811

      leadscore webhooks resend wh_5b3f0c7a9e42d811 chg_1201 chg_1202
    """
    from commands.output import log, print_json
    from features.errors import UsageError
    from serving.outbox.deliveries import resend as again
    from serving.outbox.webhooks import seq_of, webhook_row

    seqs = None
    if messages:
        seqs = [seq for seq in map(seq_of, messages) if seq is not None]
        if len(seqs) != len(messages):
            raise UsageError("expected ids of messages, such as chg_1201")
    now_us = _now_us()
    _there(_in_store(lambda c: webhook_row(c, webhook_id)), webhook_id)
    count = _in_store(lambda c: again(c, webhook_id, seqs, now_us), writes=True)
    if as_json:
        print_json({"id": webhook_id, "resent": count})
    else:
        log(composed(f"{count} on their way again"))


def _show_secret(
    webhook_id: str,
    secret: str,
    as_json: bool,
    print_json: Callable[[Any], None],
    log: Callable[[str], None],
) -> None:
    if as_json:
        print_json({"id": webhook_id, "secret": secret})
        return
    log(composed(f"webhook {webhook_id}; its secret is shown this once:"))
    print(secret)


def _now_us() -> int:
    from datetime import UTC, datetime

    from serving.timestamps import microseconds

    return microseconds(datetime.now(UTC))


def _there(found: T | None, webhook_id: str) -> T:
    from features.errors import UsageError

    if found is None:
        raise UsageError(f"no webhook has the id {webhook_id}; see leadscore webhooks list")
    return found


def _in_store(work: Callable[[sa.Connection], T], *, writes: bool = False) -> T:
    """Run ``work`` in a transaction of the store, which is made if it is not there yet."""
    from sqlalchemy.exc import SQLAlchemyError

    from serving.settings import Settings
    from serving.store.database import connect, failure, store_url
    from serving.store.migrate import migrate

    settings = Settings()
    engine = connect(store_url(settings), settings.database_wait_s)
    try:
        migrate(engine)
        with engine.execution_options(writes=writes).begin() as connection:
            return work(connection)
    except SQLAlchemyError as error:
        raise failure(error) from error
    finally:
        engine.dispose()
