"""``leadscore forecast``: conversions and value to expect from the open leads."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import DatasetArgument, JsonOption, MaxBadOption, ReleaseOption, SeedOption
from features.errors import UsageError
from features.language.composed import composed
from features.language.current import N_, say

if TYPE_CHECKING:
    from scoring.forecast import PeriodCheck
    from training.forecast.run import Forecast


class OutputFormat(StrEnum):
    """How the rows are printed."""

    TABLE = "table"
    CSV = "csv"


def add_to(app: typer.Typer) -> None:
    """Add ``forecast``."""
    app.command()(forecast)


def forecast(
    dataset: DatasetArgument,
    release: ReleaseOption = "champion",
    value: Annotated[
        str | None,
        typer.Option(
            "--value",
            metavar="ATTRIBUTE|NUMBER",
            help="What a conversion is worth: a numeric attribute of the lead, or one number.",
        ),
    ] = None,
    horizons: Annotated[
        str | None,
        typer.Option(
            "--horizons",
            metavar="DAYS,…",
            help="Days ahead; by default 30,60,90 (those that are known) and the release's own.",
        ),
    ] = None,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="NAME,…", help="Split by band, source, owner or any other category."
        ),
    ] = "band",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", help="Write the rows here as well: .csv or .parquet."
        ),
    ] = None,
    output: Annotated[
        OutputFormat, typer.Option("--format", help="How to print the rows.")
    ] = OutputFormat.TABLE,
    seed: SeedOption = 0,
    max_bad: MaxBadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Forecast conversions, and their value, from the leads that are open now.

    Each figure is a sum of probabilities with an interval that is to hold in 90 of 100 forecasts:
    it covers chance and how much periods differ. Then the last period: what was forecast for it,
    and what came. Leads that have yet to arrive are not in it.

    Examples:

      leadscore forecast my-leads

      leadscore forecast my-leads --horizons 30,60,90 --value deal_size --by band,source,owner

      leadscore forecast my-leads --value 900 --format csv
    """
    from commands.explain import loaded
    from commands.output import log, print_json, report_reading, timed
    from features.reading.read import read_dataset
    from training.forecast.run import forecast as run

    days = horizons_of(horizons)
    if out is not None and out.suffix not in (".csv", ".parquet"):
        raise UsageError(f"--out {out}: expected a file that ends in .csv or .parquet")
    made, _ = loaded(release)
    with timed(f"read {dataset}"):
        data = read_dataset(dataset, max_bad_fraction=max_bad, outcomes_required=False)
    report_reading(data)
    names = [name.strip() for name in by.split(",") if name.strip()]
    with timed("score open leads and sum"):
        found = run(data, made, horizons=days, value=value_of(value), by=names, seed=seed)
    if out is not None:
        write_rows(found, out)
        log(composed(f"rows: {out}"))
    if as_json:
        print_json(found.to_dict())
    elif output is OutputFormat.CSV:
        print(found.frame().to_csv(index=False, lineterminator="\n"), end="")
    else:
        print_forecast(found)


def horizons_of(text: str | None) -> list[float] | None:
    """``--horizons`` as days, ascending. Raises UsageError.

    >>> horizons_of("90,30"), horizons_of(None)
    ([30.0, 90.0], None)
    """
    if text is None:
        return None
    try:
        days = sorted({float(part) for part in text.split(",")})
    except ValueError:
        days = []
    if not days or not all(0 < one <= 3650 for one in days):
        raise UsageError(f"--horizons {text}: expected days between 0 and 3650, such as 30,60,90")
    return days


def value_of(text: str | None) -> str | float | None:
    """``--value``: a number, or the name of an attribute.

    >>> value_of("900"), value_of("deal_size")
    (900.0, 'deal_size')
    """
    try:
        return None if text is None else float(text)
    except ValueError:
        return text


def write_rows(found: Forecast, out: Path) -> None:
    """The rows as CSV or Parquet; the folder is made."""
    out.parent.mkdir(parents=True, exist_ok=True)
    if out.suffix == ".csv":
        found.frame().to_csv(out, index=False, lineterminator="\n")
    else:
        found.frame().to_parquet(out, index=False)


def print_forecast(found: Forecast) -> None:
    """What to expect, by group, then the last period and what a reader must know."""
    from commands.output import print_table
    from training.forecast.run import moment_words
    from training.report_texts import translated

    first = found.rows[0]
    heading = (
        f"{first.leads:,} leads are open on {moment_words(found.as_of_us)[:10]}. "
        f"Intervals hold in {found.coverage:.0%} of forecasts."
    )
    print(translated(heading))
    has_value = first.value is not None
    rows = [
        [
            translated(row.group if row.by == "all" else f"{row.by}: {row.group}"),
            translated(f"{row.horizon_days:g}"),
            row.leads,
            translated(f"{row.expected:,.1f}"),
            translated(f"{row.low:,.0f} to {row.high:,.0f}"),
            *([translated(f"{row.value:,.0f}"),
               translated(f"{row.value_low:,.0f} to {row.value_high:,.0f}")]
              if has_value else []),
        ]
        for row in found.rows
    ]  # fmt: skip
    columns = [N_("leads"), N_("days"), N_("open"), N_("conversions"), N_("interval")]
    columns += [N_("value"), N_("interval ")] if has_value else []
    print_table(columns, rows, right=columns[1:])
    for period in found.last_periods:
        print(translated(period_words(period)))
    if not found.last_periods:
        print(translated("Last period: too little was known at its start to forecast it."))
    for note in found.notes:
        print(say("Note: {note}.", note=translated(note)))


def period_words(period: PeriodCheck) -> str:
    """One sentence: what was forecast, what came, and whether it was within the interval."""
    from training.forecast.run import moment_words

    side = "within" if period.held else "outside"
    return (
        f"Last {period.horizon_days:g} days (from {moment_words(period.start_us)[:10]}, "
        f"{period.leads:,} leads open): {period.expected:,.1f} conversions forecast "
        f"({period.low:,.0f} to {period.high:,.0f}) by {period.by}; "
        f"{period.converted:,} came, {side} the interval."
    )
