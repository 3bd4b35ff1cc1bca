"""Commands about the registry: what is there, what answers, and changing it."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from datetime import UTC, datetime
from math import isfinite
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import JsonOption
from features.language.composed import composed
from features.language.current import N_, _, day_of, number, say

if TYPE_CHECKING:
    from training.registry.promote import ChampionChange
    from training.registry.resolve import ModelRow


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    for command in (models, promote, rollback, fetch):
        app.command()(command)


def models(as_json: JsonOption = False) -> None:
    """List the registered versions, newest first, with their figures on later references.

    Examples:

      leadscore models

      leadscore models --json
    """
    from commands.output import print_json
    from training.registry.resolve import models as registered

    rows = registered()
    print_json([row.to_dict() for row in rows]) if as_json else print_models(rows)


def promote(
    version: Annotated[
        str,
        typer.Argument(metavar="VERSION", help="A number from leadscore models, or 'challenger'."),
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            "--dataset", metavar="DATASET", help="Compare on this; else on what they learned from."
        ),
    ] = None,
    max_age_days: Annotated[
        float,
        typer.Option(
            "--max-age-days",
            metavar="DAYS",
            min=0.0,
            help="From this age of what the champion knows on, a challenger that is no worse may "
            "follow it; a younger champion must be beaten.",
        ),
    ] = 90.0,
    force: Annotated[
        bool, typer.Option("--force", help="Promote although the gate refuses; it is written down.")
    ] = False,
    confirm_suspect: Annotated[
        list[str] | None,
        typer.Option(
            "--confirm-suspect",
            metavar="NAME",
            help="This suspect of the audit is known in time: you looked; it is written down. "
            "Repeatable.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Make a version the champion, if the gate lets it pass: the release that answers from now on.

    The gate compares it with the champion on references that neither has learned from, and exits
    with 4 when it refuses, with the evidence: not better, badly calibrated, learned from a leak.
    Being no better is forgiven when the champion has grown old (--max-age-days; 0 always) or
    learned from much less. A suspect of the audit that carries much of the gain is refused until
    a person confirms it (--confirm-suspect). A
    running server takes the champion up by itself; the one before stays at hand for leadscore
    rollback.

    Examples:

      leadscore promote 3

      leadscore promote challenger --dataset newer-leads

      leadscore promote 3 --max-age-days 30

      leadscore promote 3 --confirm-suspect budget
    """
    from commands.output import timed
    from training.registry.gate_criteria import GateLimits
    from training.registry.promote import promote as change

    limits = GateLimits(max_age_days=max_age_days)
    with timed("ask the gate"):
        made = change(
            version,
            who=who(),
            now=now(),
            dataset=dataset,
            force=force,
            limits=limits,
            confirm_suspects=confirm_suspect or (),
        )
    print_change(made, as_json=as_json)


def rollback(as_json: JsonOption = False) -> None:
    """Let the release answer again that answered before; works with the registry down.

    Examples:

      leadscore rollback
    """
    from training.registry.promote import rollback as change

    print_change(change(who=who(), now=now()), as_json=as_json)


def fetch(
    release: Annotated[
        str,
        typer.Argument(metavar="RELEASE", help="An alias or a version number."),
    ] = "champion",
    as_json: JsonOption = False,
) -> None:
    """Bring a release from the registry into the store on this disk, verified.

    The server runs this by itself; on another machine it is how the champion gets there.

    Examples:

      leadscore fetch

      leadscore fetch 3 --json
    """
    from commands.output import print_json
    from training.registry.resolve import fetch as bring

    found = bring(release, who=who(), now=now())
    fetched = {"version": found.version, "release_id": found.release_id, "path": found.path}
    if as_json:
        print_json(fetched)
    else:
        print(
            say(
                "version {version}, release {release_id}: {path}",
                version=found.version,
                release_id=found.release_id,
                path=found.path,
            )
        )


def who() -> str:
    """The person whom the audit trail names."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


def now() -> str:
    """The moment that the audit trail gets."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def print_change(change: ChampionChange, *, as_json: bool) -> None:
    """Which release answers now, and which a rollback returns to."""
    from commands.output import log, print_json

    if as_json:
        print_json(change.to_dict())
        return
    print(
        say(
            "version {version} answers (release {release_id})",
            version=change.champion.version,
            release_id=change.champion.release_id,
        )
    )
    for line in evidence_lines(change.evidence):
        print(composed(line))
    if change.previous:
        print(
            say("leadscore rollback returns to version {version}", version=change.previous.version)
        )
    if not change.synced:
        log(composed("the registry is not updated yet; the next command that reaches it does so"))


def evidence_lines(evidence: Mapping[str, Any]) -> list[str]:
    """What the gate saw, for a person; empty after a rollback, which asks no gate.

    >>> evidence_lines({"passed": False, "refusals": ["it ranks worse"]})[0]
    'promoted by force; the gate had said: it ranks worse'
    """
    lines = [
        f"promoted by force; the gate had said: {refusal}"
        for refusal in evidence.get("refusals", ())
    ]
    gap = evidence.get("difference")
    if gap and "champion_log_loss" in evidence:
        lines.append(
            f"on {evidence['references']:,} references of {evidence['leads']:,} leads "
            f"({evidence['positives']:,} converted) that neither was fitted on: log loss "
            f"{evidence['log_loss']:.4f} against {evidence['champion_log_loss']:.4f} "
            f"({gap['value']:+.4f}, 95 %: {gap['low']:+.4f} to {gap['high']:+.4f}; below 0 is "
            "better)"
        )
    area = evidence.get("auc_gap")
    if area and isfinite(area["value"]):
        lines.append(f"AUC {area['value']:+.4f} (95 %: {area['low']:+.4f} to {area['high']:+.4f})")
    if evidence.get("band_change") is not None:
        lines.append(f"{evidence['band_change']:.0%} of the references change their band")
    return lines


def same_test_letters(rows: list[ModelRow]) -> list[str | None]:
    """A letter for each row: rows of one letter were tested on the same references.

    None where no figure was recorded. Letters follow the order of the rows.
    """
    letters: dict[tuple[object, ...], str] = {}
    out: list[str | None] = []
    for row in rows:
        if row.log_loss is None:
            out.append(None)
            continue
        test = (row.dataset, row.references, row.trained_until)
        out.append(letters.setdefault(test, chr(ord("A") + len(letters) % 26)))
    return out


def print_models(rows: list[ModelRow]) -> None:
    """Versions as a table."""
    from commands.output import print_table

    if not rows:
        print(_("No version is registered yet. Next: leadscore train DATASET"))
        return
    print_table(
        [
            N_("version"), N_("is"), N_("release"), N_("dataset"), N_("log loss"), N_("AUC"),
            N_("same test"), N_("references"), N_("trained until"),
        ],
        [
            [row.version, ", ".join(row.aliases), row.release_id, row.dataset, loss_of(row),
             row.auc, letter, row.references, day_of(row.trained_until)]
            for row, letter in zip(rows, same_test_letters(rows), strict=True)
        ],
        right=["version", "log loss", "AUC", "references"],
    )  # fmt: skip
    note = composed(
        "Only versions with the same letter were tested on the same references; compare no others."
    )
    print(note)


def loss_of(row: ModelRow) -> str | None:
    """The log loss with its interval."""
    if row.log_loss is None:
        return None
    if row.log_loss_low is None or row.log_loss_high is None:
        return number(f"{row.log_loss:.3f}")
    return say(
        "{log_loss:.3f} ({log_loss_low:.3f} to {log_loss_high:.3f})",
        log_loss=row.log_loss,
        log_loss_low=row.log_loss_low,
        log_loss_high=row.log_loss_high,
    )
