"""Commands about a release in use: is it still true?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import (
    DatasetArgument,
    JsonOption,
    MaxBadOption,
    ReleaseOption,
    SampleOption,
    SeedOption,
)
from features.language.current import N_, _, current, say

if TYPE_CHECKING:
    from training.monitoring.monitor import MonitoringReport, ObservedPerformance


SHOWN = 10


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(monitor)


def monitor(
    dataset: DatasetArgument,
    release: ReleaseOption = "champion",
    seed: SeedOption = 0,
    every: Annotated[
        bool, typer.Option("--every", help="List every feature, not only those that moved most.")
    ] = False,
    max_bad: MaxBadOption = None,
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Ask a release about later data: drift, expected and realised figures, keep or not.

    Drift is the population stability index against what the release learned from (0.25 and more:
    another distribution). Expected figures take the probabilities for true; realised ones need
    leads whose horizon has passed. The verdict is keep, recalibrate (the ranking holds, the
    probabilities do not) or retrain; for both, `leadscore train` on newer data makes the release.

    Examples:

      leadscore monitor newer-leads

      leadscore monitor newer-leads --release 3 --json
    """
    from pathlib import Path

    from commands.output import log, print_json, report_reading, timed
    from features.reading.read import read_dataset
    from scoring.release.release import load_release
    from training.monitoring import monitor as monitoring
    from training.registry.resolve import locate

    loaded = load_release(Path(locate(release, warn=log).path))
    with timed(f"read {dataset}"):
        data = read_dataset(dataset, max_bad_fraction=max_bad, sample=sample)
    report_reading(data)
    with timed("compare with what was learned from"):
        found = monitoring.monitor(loaded, data, seed=seed)
    print_json(found.to_dict()) if as_json else print_monitoring(found, every)


def print_monitoring(found: MonitoringReport, every: bool) -> None:
    """The verdict first, then figures and the columns that moved."""
    from commands.output import print_pairs, print_table
    from training.report_texts import translated

    verdict = translated(str(found.verdict))
    print(say("{verdict}: {because}", verdict=verdict.upper(), because="; ".join(found.because)))
    asked = say(
        "{references:,} references of {leads:,} leads",
        references=found.references,
        leads=found.leads,
    )
    since = say(" from {since} on", since=current().format_date(found.since)) if found.since else ""
    print_pairs([(N_("release"), found.release_id), (N_("asked about"), asked + since)])
    realised = found.realised
    rows = [
        [
            name,
            then,
            found.expected.get(name),
            None if realised is None else _realised(realised, name),
        ]
        for name, then in found.promised.items()
    ]
    title = N_(
        "expected: if the probabilities are true; realised: of leads whose horizon has passed"
    )
    columns = [N_("figure"), N_("when tested"), N_("expected now"), N_("realised")]
    print_table(columns, rows, title=title, right=columns[1:])
    moved = [found.scores, *(found.features if every else found.features[:SHOWN])]
    rows = [
        [
            s.name,
            s.psi,
            _("much") if s.is_large else _("some") if s.is_noticeable else "",
            s.unknown_then,
            s.unknown_now,
        ]
        for s in moved
    ]
    columns = [
        N_("column"), N_("stability index"), N_("moved"), N_("unknown then"), N_("unknown now"),
    ]  # fmt: skip
    print_table(columns, rows, right=[columns[1], *columns[3:]])


def _realised(realised: ObservedPerformance, name: str) -> str:
    found = realised.rate if name == "rate" else realised.figures[name]
    return say(
        "{found:.4g} ({low:.4g} to {high:.4g})", found=found.value, low=found.low, high=found.high
    )
