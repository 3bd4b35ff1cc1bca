"""The command of the analyst: are the rules or the learned score better, by how much, for whom."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import (
    DatasetArgument,
    HotPerWeekOption,
    JsonOption,
    MaxBadOption,
    SampleOption,
    ScorecardOption,
    SeedOption,
)
from features.errors import UsageError
from features.language.composed import composed
from features.language.current import N_, _, current, number, say

if TYPE_CHECKING:
    from scoring.scorecard.scorecard import Scorecard
    from training.comparison.compare import Comparison, CostBenefit
    from training.comparison.run import ComparisonConfig


OutOption = Annotated[
    Path | None,
    typer.Option(
        "--out", metavar="FILE.html", help="Write the report here: one file, made to be printed."
    ),
]


RewrittenOption = Annotated[
    Path | None,
    typer.Option(
        "--reweighted",
        metavar="FILE.toml",
        help="Write the scorecard with refitted points here, to adopt or to edit.",
    ),
]


ValueOption = Annotated[
    float | None,
    typer.Option("--value-per-conversion", min=0.0, help="What a conversion is worth."),
]


ContactOption = Annotated[
    float | None,
    typer.Option("--cost-per-contact", min=0.0, help="What calling one lead costs."),
]


CostOption = Annotated[
    str | None,
    typer.Option(
        "--cost-attribute",
        metavar="NAME",
        help="The attribute that holds what a lead cost; found by its name otherwise. It is never "
        "learned from.",
    ),
]


SourceOption = Annotated[
    str | None,
    typer.Option(
        "--source-attribute",
        metavar="NAME",
        help="The attribute that says where leads come from; found by its name otherwise.",
    ),
]


CostsOption = Annotated[
    Path | None,
    typer.Option(
        "--costs",
        metavar="FILE.csv",
        help="Write here what leads cost, by source and band, with totals.",
    ),
]


ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="NAME",
        help="Do not use this attribute, or kind:KIND of interaction; may be repeated.",
    ),
]


GivenOption = Annotated[
    list[str] | None,
    typer.Option(
        "--given",
        metavar="NAME",
        help="An attribute that is a score somebody else made (a CRM's, a vendor's): judged like "
        "the others, never learned from; may be repeated.",
    ),
]


WorklistOption = Annotated[
    list[Path] | None,
    typer.Option(
        "--worklist",
        metavar="FILE",
        help="A list that leadscore worklist --explore wrote: tells what calling itself changes; "
        "may be repeated.",
    ),
]


AllowLeaksOption = Annotated[
    bool,
    typer.Option("--allow-leaks", help="Compare although a leak is sure (leadscore audit)."),
]


def add_to(app: typer.Typer) -> None:
    """Add ``compare``."""
    app.command()(compare)


def compare(
    dataset: DatasetArgument,
    out: OutOption = None,
    scorecard: ScorecardOption = None,
    hot_per_week: HotPerWeekOption = None,
    value_per_conversion: ValueOption = None,
    cost_per_contact: ContactOption = None,
    cost_attribute: CostOption = None,
    source_attribute: SourceOption = None,
    costs: CostsOption = None,
    exclude: ExcludeOption = None,
    reweighted: RewrittenOption = None,
    given: GivenOption = None,
    worklist: WorklistOption = None,
    allow_leaks: AllowLeaksOption = False,
    seed: SeedOption = 0,
    max_bad: MaxBadOption = None,
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Compare rules, learned score and baselines on the same leads, which none of them has seen.

    The verdict comes first and may be: keep the rules, or cannot tell. A sure leak stops it, as it
    stops training (exit code 4): a score that knows the outcome wins every comparison.

    Examples:

      leadscore compare my-leads --out report.html

      leadscore compare my-leads --scorecard our-rules.toml --hot-per-week 20

      leadscore compare my-leads --value-per-conversion 900 --cost-per-contact 15

      leadscore compare my-leads --given hubspot_score --given einstein_score

      leadscore compare my-leads --worklist week-1.csv --worklist week-2.csv
      leadscore compare my-leads --cost-attribute acquisition_cost --costs costs.csv
    """
    from commands.output import log, print_json
    from training.comparison.run import ComparisonConfig
    from training.config import TrainingConfig
    from training.exploration import read_assignments

    cost_benefit = worth_of(value_per_conversion, cost_per_contact)
    training = TrainingConfig(seed=seed, exclude=tuple(exclude or ()))
    assignments = read_assignments(worklist) if worklist else None
    config = ComparisonConfig(
        training,
        hot_per_week,
        cost_benefit,
        cost_attribute,
        tuple(given or ()),
        assignments,
        source_attribute,
    )
    found, refitted = run_comparison(
        dataset, scorecard, config, allow_leaks=allow_leaks, max_bad=max_bad, sample=sample
    )
    if out is not None:
        from training.comparison.report import report_html

        write(out, report_html(found))
        log(composed(f"report: {out}"))
    if costs is not None:
        write_costs(found, costs)
        log(composed(f"costs: {costs}"))
    if reweighted is not None:
        heading = "The same rules with points refitted to what leads did (leadscore compare)."
        write(reweighted, refitted.to_toml(heading))
        log(composed(f"re-weighted scorecard: {reweighted}"))
    print_json(found.to_dict()) if as_json else print_comparison(found)


def worth_of(value: float | None, cost: float | None) -> CostBenefit | None:
    """Both or neither; UsageError otherwise."""
    from training.comparison.compare import CostBenefit

    if (value is None) != (cost is None):
        raise UsageError("--value-per-conversion and --cost-per-contact go together; give both")
    return None if value is None or cost is None else CostBenefit(value, cost)


def run_comparison(
    source: str,
    scorecard: Path | None,
    config: ComparisonConfig,
    *,
    allow_leaks: bool,
    max_bad: float | None = None,
    sample: float | None = None,
) -> tuple[Comparison, Scorecard]:
    """Read, fit at an earlier moment, compare."""
    from commands.output import progress_bar, report_reading, timed
    from commands.train import stop_on_leaks
    from features.reading.read import read_dataset
    from scoring.scorecard.scorecard import default_scorecard, load_scorecard
    from training.comparison.run import compare as compare_scores

    card = load_scorecard(scorecard) if scorecard else default_scorecard()
    with timed(f"read {source}"):
        data = read_dataset(source, max_bad_fraction=max_bad, sample=sample)
    report_reading(data)
    if not allow_leaks:
        stop_on_leaks(data, (*config.training.exclude, *config.given))
    with timed("learn and compare"), progress_bar() as tell:
        result = compare_scores(data, card, config, progress=tell)
    return result.comparison, result.reweighted


def write(path: Path, text: str) -> None:
    """Write a text file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def print_comparison(found: Comparison) -> None:
    """The verdict in words, the main table, and what would change."""
    from training.report_texts import translated

    print(translated(found.verdict.headline))
    for sentence in found.verdict.because:
        print(f"  {translated(sentence)}")
    optimistic = found.sections.get("about", {}).get("flatters")
    if optimistic:
        print(say("  Note: {note}.", note=translated(optimistic)))
    print_scores(found)
    print_given(found)
    print_bands(found)
    print_costs(found)
    if calling := found.sections.get("calling"):
        print(_("What calling changes:"))
        for sentence in calling["words"]:
            print(f"  {translated(sentence)}")


def print_scores(found: Comparison) -> None:
    """One row a score: its own probabilities, recalibrated ones beside them, and the calls."""
    from commands.output import print_table
    from training.report_texts import translated

    rows = [
        [
            translated(s.title),
            number(f"{s.log_loss.value:.4f}") if s.gives_probabilities else None,
            number(f"{s.recalibrated_log_loss.value:.4f}"),
            number(f"{s.auc.value:.3f}"),
            number(f"{s.called:,.0f}"),
            current().format_percent(s.converted_of_called.value, 1),
            current().format_percent(s.captured, 1),
            gap(s.recalibrated_difference),
        ]
        for s in found.scores
    ]
    columns = [
        N_("score"),
        N_("log loss"),
        N_("recalibrated"),
        N_("AUC"),
        N_("called"),
        N_("convert"),
        N_("found"),
        N_("above learned (95 %)"),
    ]
    print_table(columns, rows, right=columns[1:])
    print(
        say(
            "log loss: of the probabilities that a user gets (none: the score gives no "
            "probability); recalibrated: refitted on other leads of this test, alike for all; the "
            "last column too"
        )
    )
    print(
        say(
            "called: leads on the list of any week ({capacity}), each once; convert: of them; "
            "found: of all {conversions:,} conversions",
            capacity=translated(found.capacity),
            conversions=found.conversions,
        )
        + "\n"
    )


def print_given(found: Comparison) -> None:
    """Every given score in sentences: would it have called better, and is it true at its word?"""
    from training.comparison.given import raw_words_of
    from training.report_texts import translated

    for one in found.sections.get("given", []):
        print(translated(one["answer"]))
        print(f"  {translated(raw_words_of(one))}")
        if one["money"]:
            print(f"  {translated(one['money'])}")
        for note in one["notes"]:
            print(say("  Note: {note}.", note=translated(note)))
    if found.sections.get("given"):
        print()


def share(value: float) -> str | None:
    """A share with one decimal; None when it is not known."""
    return current().format_percent(value, 1) if value == value else None


def gap(difference: object) -> str | None:
    """A paired difference with its interval; None where there is none."""
    from training.evaluation.metrics import Estimate

    if not isinstance(difference, Estimate):
        return None
    return say(
        "{difference:+.4f} ({low:+.4f} to {high:+.4f})",
        difference=difference.value,
        low=difference.low,
        high=difference.high,
    )


def print_bands(found: Comparison) -> None:
    """Observed conversion by band, rules beside learned, and the swap set."""
    from commands.output import print_table
    from scoring.bands import label
    from training.report_texts import translated

    view = found.bands
    rows = [
        [label(a.band, current()), a.leads, share(a.rate.value), b.leads, share(b.rate.value)]
        for a, b in zip(view.rules, view.learned, strict=True)
    ]
    columns = [
        N_("band"), N_("leads by rules"), N_("convert"), N_("leads learned"), N_("convert "),
    ]  # fmt: skip
    print_table(columns, rows, right=columns[1:])
    swap = view.swap
    print(
        say(
            "Same workload: {cuts}. Each lead once, in the highest band it reached.",
            cuts=translated(view.cuts),
        )
    )
    if swap.gap.value == swap.gap.value:
        print(
            say(
                "Swap set: hot by the learned score only {leads:,} leads, {rate:.1%} convert; by "
                "the rules only {leads_2:,} leads, {rate_2:.1%}.",
                leads=swap.only_learned.leads,
                rate=swap.only_learned.rate.value,
                leads_2=swap.only_rules.leads,
                rate_2=swap.only_rules.rate.value,
            )
        )


COST_COLUMNS = (
    "source", "band", "leads", "unknown", "cost", "cost_per_lead", "conversions",
    "cost_per_conversion", "is_total",
)  # fmt: skip


def print_costs(found: Comparison) -> None:
    """What leads cost by source and band, with totals; nothing where no cost is known."""
    from commands.output import print_table

    costs = found.sections.get("costs", [])
    if not costs:
        return
    rows = [
        [c.source, c.band, c.leads, f"{c.cost:,.2f}", money(c.cost_per_lead), c.conversions,
         money(c.cost_per_conversion)]
        for c in costs
    ]  # fmt: skip
    columns = ["source", "band", "leads", "cost", "per lead", "conversions", "per conversion"]
    title = "What leads cost, by source and band of the learned score (each lead once):"
    print("\n" + composed(title))
    print_table(columns, rows, right=columns[2:])
    unknown = costs[-1].unknown
    if unknown:
        print(composed(f"{unknown:,} leads have no known cost and are not in this table."))


def money(value: float | None) -> str | None:
    """An amount with two decimals; None where there is none."""
    return None if value is None else f"{value:,.2f}"


def write_costs(found: Comparison, out: Path) -> None:
    """The table of costs as CSV. Raises UsageError where no cost is known."""
    import csv

    from features.csv_cells import neutralised

    costs = found.sections.get("costs", [])
    if not costs:
        raise UsageError(
            "no attribute says what a lead cost, so --costs has nothing to write; name it with "
            "--cost-attribute"
        )
    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COST_COLUMNS)
        for cost in costs:
            row = cost.to_dict()
            rows.writerow([neutralised(row[column]) for column in COST_COLUMNS])
