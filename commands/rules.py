"""Commands about the scorecard: show the default, check one against the contract and on data."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import JsonOption, MaxBadOption
from features.language.current import N_, current, pgettext, say

if TYPE_CHECKING:
    from scoring.scorecard.scorecard import Scorecard
    from training.comparison.rule_coverage import RulesCheck
    from training.evaluation.metrics import Estimate


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    rules = typer.Typer(help="The rule-based score: show the default scorecard, check your own.")
    rules.command()(show)
    rules.command()(check)
    app.add_typer(rules, name="rules")


def show(as_json: JsonOption = False) -> None:
    """Print the default scorecard as TOML, to start your own from.

    Examples:

      leadscore rules show > our-rules.toml
    """
    from commands.output import print_json
    from scoring.scorecard.scorecard import DEFAULT_CARD, default_scorecard
    from scoring.scorecard.toml import packaged_text

    if as_json:
        print_json(default_scorecard().to_dict())
    else:
        print(packaged_text(DEFAULT_CARD), end="")


def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A scorecard as TOML.", show_default=False)
    ],
    on: Annotated[
        str | None,
        typer.Option("--on", metavar="DATASET", help="Count what each rule matches on this data."),
    ] = None,
    max_bad: MaxBadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a scorecard: every fault with its line and key; on data, what each rule matches.

    Examples:

      leadscore rules check our-rules.toml

      leadscore rules check our-rules.toml --on my-leads
    """
    from commands.output import print_json
    from scoring.scorecard.scorecard import load_scorecard

    card = load_scorecard(file)
    if on is None:
        print_json(card.to_dict()) if as_json else print_card(card)
        return
    found = check_on(card, on, max_bad)
    print_json(found.to_dict()) if as_json else print_matches(found)


def check_on(card: Scorecard, source: str, max_bad: float | None = None) -> RulesCheck:
    """What a scorecard matches on the dataset ``source``."""
    from commands.output import report_reading, timed
    from features.histories.build import histories_from_dataset
    from features.reading.read import read_dataset
    from training.comparison.rule_coverage import check_rules

    with timed(f"read {source}"):
        dataset = read_dataset(source, max_bad_fraction=max_bad)
    report_reading(dataset)
    with timed("match the rules"):
        return check_rules(card, dataset, histories_from_dataset(dataset))


def print_card(card: Scorecard) -> None:
    """A scorecard's size and cuts, for a person."""
    print(
        say(
            "{name}: nothing is wrong with it. Rules: {n_rules}, exclusions: "
            "{n_exclusions}; warm from {warm:g} points, hot from {hot:g}.",
            name=card.name,
            n_rules=len(card.card.rules),
            n_exclusions=len(card.card.exclusions),
            warm=card.thresholds.warm,
            hot=card.thresholds.hot,
        )
    )


def print_matches(found: RulesCheck) -> None:
    """Rules and bands with the leads they match, for a person."""
    from commands.output import print_table
    from scoring.bands import label
    from scoring.scorecard.rules import RULE_CONTEXT
    from training.report_texts import translated

    print(
        say(
            "{scorecard} on {dataset}: {leads:,} leads asked about {references:,} "
            "times; {rate} convert within the horizon",
            scorecard=found.scorecard,
            dataset=found.dataset,
            leads=found.leads,
            references=found.references,
            rate=percent(found.rate),
        )
    )
    print_table(
        [
            N_("rule"), N_("points"), N_("leads"), N_("share"), N_("given"), N_("convert"),
            N_("note"),
        ],
        [
            [pgettext(RULE_CONTEXT, rule.name), rule.points, rule.leads,
             current().format_percent(rule.share, 1), rule.mean_points,
             percent(rule.rate), "; ".join(translated(note) for note in rule.notes)]
            for rule in found.rules
        ],
        right=["points", "leads", "share", "given", "convert"],
    )  # fmt: skip
    print_table(
        [N_("band"), N_("leads"), N_("share"), N_("convert")],
        [
            [
                label(row.band, current()),
                row.leads,
                current().format_percent(row.share, 1),
                percent(row.rate),
            ]
            for row in found.bands
        ],
        right=["leads", "share", "convert"],
    )
    if found.cells:
        print_table(
            ["fit × engagement", "leads", "share", "convert"],
            [[row.band, row.leads, f"{row.share:.1%}", percent(row.rate)] for row in found.cells],
            right=["leads", "share", "convert"],
        )


def percent(rate: Estimate) -> str:
    """A rate with its interval; a dash where it is not known."""
    if rate.value != rate.value:
        return "–"
    return say(
        "{rate:.1%} ({low:.1%} to {high:.1%})", rate=rate.value, low=rate.low, high=rate.high
    )
