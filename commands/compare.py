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
    from commands.comparison_report import print_comparison, write_costs
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
    with timed("learn and compare"), progress_bar() as report_progress:
        result = compare_scores(data, card, config, progress=report_progress)
    return result.comparison, result.reweighted


def write(path: Path, text: str) -> None:
    """Write a text file; its folder is made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
