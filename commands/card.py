"""The command that describes a release: its model card, and what changed since another."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import JsonOption
from features.language.composed import composed

if TYPE_CHECKING:
    from training.model_card.blocks import Card


class CardFormat(StrEnum):
    """How a card is written."""

    HTML = "html"
    MD = "md"


def add_to(app: typer.Typer) -> None:
    """Add ``card``."""
    app.command()(card)


def card(
    release: Annotated[
        str,
        typer.Argument(
            metavar="RELEASE",
            help="A release folder, 'champion', 'challenger', 'previous' or a version number.",
        ),
    ] = "champion",
    against: Annotated[
        str | None,
        typer.Option(
            "--against",
            metavar="RELEASE",
            help="Tell what changed since this one; the champion (of the champion: what answered "
            "before) otherwise, and nothing for a folder.",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        CardFormat | None,
        typer.Option(
            "--format",
            metavar="html|md",
            help="As --out is called, else md.",
            show_default=False,
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE", help="Write it here, not to stdout.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Write the model card of a release: what it is made of, how good it is, what changed.

    Markdown is one fact a line, so that cards kept side by side show a retrain by `diff`; HTML is
    one file with its pictures, made to be read and printed. Both come from the release alone.

    Examples:

      leadscore card

      leadscore card challenger --out card.html

      leadscore card my-release --against my-last-release --format md
    """
    from commands.output import log, print_json

    made = card_for(release, against)
    if as_json:
        print_json(made.to_dict())
    if out is None:
        if not as_json:
            print(written(made, format_ or CardFormat.MD), end="")
        return
    text = written(made, format_ or format_of(out))
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(text, encoding="utf-8")
    log(composed(f"card: {out}"))


def card_for(ref: str, against: str | None) -> Card:
    """Find both releases and gather the card."""
    from commands.output import log
    from scoring.release.release import load_release
    from training.model_card.card import card_of
    from training.registry.previous_release import compared_with, previous_release
    from training.registry.resolve import locate
    from training.settings import TrackingSettings

    settings = TrackingSettings()
    stored = locate(ref, settings, warn=log)
    release = load_release(stored.path)
    found = previous_release(stored, against, settings)
    earlier = compared_with(stored, release, *found, settings, log) if found else None
    return card_of(release, earlier)


def format_of(out: Path) -> CardFormat:
    """What a file is called tells how it is written.

    >>> format_of(Path("card.htm")).value, format_of(Path("card.md")).value
    ('html', 'md')
    """
    return CardFormat.HTML if out.suffix.lower() in (".html", ".htm") else CardFormat.MD


def written(made: Card, format_: CardFormat) -> str:
    """The card in either format."""
    if format_ is CardFormat.HTML:
        from training.model_card.render import card_html

        return card_html(made)
    from training.model_card.render import card_markdown

    return card_markdown(made)
