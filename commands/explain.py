"""Commands about single leads over time: why a score moved, and whom to call this week."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import DatasetArgument, JsonOption, MaxBadOption, ReleaseOption, SeedOption
from features.errors import UsageError
from features.language.composed import composed
from features.language.current import N_, _, current, number, say, say_n

if TYPE_CHECKING:
    from features.dataset import Dataset
    from scoring.release.release import Release
    from training.explanation.explain import ScoreChange
    from training.worklist import WorkItem, Worklist


CSV_COLUMNS = (
    "rank", "lead_id", "probability", "band", "rule_points", "weeks_on_list",
    "reason_1", "reason_2", "reason_3", "channel", "rhythm", "message",
)  # fmt: skip


MomentHelp = "A moment, like 2024-05-01 or 2024-05-01T09:00:00Z (UTC)."


def add_to(app: typer.Typer) -> None:
    """Add ``explain`` and ``worklist``."""
    app.command()(explain)
    app.command()(worklist)


def explain(
    dataset: DatasetArgument,
    lead: Annotated[str, typer.Option("--lead", metavar="LEAD_ID", help="The lead's id.")],
    from_: Annotated[
        str | None,
        typer.Option(
            "--from",
            metavar="T1",
            help=f"{MomentHelp} A week before --to (not before creation) otherwise.",
        ),
    ] = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="T2", help="The later moment; the end of the data otherwise."),
    ] = None,
    release: ReleaseOption = "champion",
    from_release: Annotated[
        str | None,
        typer.Option(
            "--from-release", metavar="RELEASE", help="What answered at T1, if not --release."
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE.html", help="Write a page with the lead's timeline."),
    ] = None,
    max_bad: MaxBadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Say why a lead's score moved: time, new interactions, new answers, another release.

    The parts sum to the change of the log-odds.

    Examples:

      leadscore explain my-leads --lead L000042 --from 2024-05-01 --to 2024-05-08

      leadscore explain my-leads --lead L000042 --out L000042.html
    """
    from commands.output import log, print_json
    from training.explanation.page import explain_lead

    data = read_with_time(dataset, max_bad)
    to_us = None if to is None else moment(to, "--to", 0)
    from_us = None if from_ is None else moment(from_, "--from", 0)
    now = loaded(release)[0]
    then = loaded(from_release)[0] if from_release else None
    found = explain_lead(now, data, lead, from_us, to_us, then)
    if out is not None:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(found.to_html(), encoding="utf-8")
        log(composed(f"page: {out}"))
    print_json(found.to_dict()) if as_json else print_movement(found.change)


def worklist(
    dataset: DatasetArgument,
    hot_per_week: Annotated[
        float,
        typer.Option(
            "--hot-per-week",
            metavar="N",
            min=1,
            help="Of the leads that are open in a week, how many the team can call.",
        ),
    ],
    release: ReleaseOption = "champion",
    as_of: Annotated[
        str | None,
        typer.Option(
            "--as-of", metavar="T", help="The week's beginning; the end of the data else."
        ),
    ] = None,
    playbook: Annotated[
        Path | None,
        typer.Option(
            "--playbook", metavar="FILE", help="Next steps as TOML; the default playbook otherwise."
        ),
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", metavar="FILE.csv", help="Write the list here as well.")
    ] = None,
    explore: Annotated[
        str | None,
        typer.Option(
            "--explore",
            metavar="SHARE",
            help="Give this share of the calls to leads drawn at random, such as 5%, to learn what "
            "calling itself changes (compare --worklist); as many of the best are held back.",
        ),
    ] = None,
    seed: SeedOption = 0,
    max_bad: MaxBadOption = None,
    as_json: JsonOption = False,
) -> None:
    """List this week's leads to call, ranked, each with its reasons and next step.

    A lead that was on last week's list stays until it falls clearly below the cut. Nobody is listed
    who unsubscribed, asked not to be contacted, or is excluded by a rule.

    Examples:

      leadscore worklist my-leads --hot-per-week 20

      leadscore worklist my-leads --hot-per-week 20 --as-of 2024-05-06 --out week.csv

      leadscore worklist my-leads --hot-per-week 40 --explore 5% --out week.csv
    """
    from commands.output import log, print_json
    from features.histories.build import histories_from_dataset
    from scoring.playbook import default_playbook, load_playbook
    from training.exploration import assignments_beside, share_of
    from training.worklist import Exploration, make_worklist

    exploration = None if explore is None else Exploration(share_of(explore), seed)
    if exploration is not None and out is None:
        raise UsageError("--explore needs --out FILE.csv: who had which chance must be kept")
    plays = load_playbook(playbook) if playbook else default_playbook()
    data = read_with_time(dataset, max_bad)
    as_of_us = moment(as_of, "--as-of", observed_until(data))
    answering, _ = loaded(release)
    found = make_worklist(
        data,
        histories_from_dataset(data),
        answering,
        plays,
        hot_per_week,
        as_of_us,
        exploration=exploration,
    )
    if out is not None:
        write_csv(found, out)
        log(composed(f"list: {out}"))
    if out is not None and found.assignments is not None:
        kept = assignments_beside(out)
        found.assignments.to_csv(kept, index=False, lineterminator="\n")
        what = f"who could be called, and with which chance: {kept}"
        log(composed(f"{what} (keep it for compare --worklist)"))
    print_json(found.to_dict()) if as_json else print_worklist(found)


def read_with_time(source: str, max_bad: float | None = None) -> Dataset:
    """The dataset; UsageError when it has no time."""
    from commands.output import timed
    from features.reading.read import read_dataset

    with timed(f"read {source}"):
        data = read_dataset(source, max_bad_fraction=max_bad, outcomes_required=False)
    if not data.has_time:
        raise UsageError(f"{source} has no created_at: there are no moments to compare")
    return data


def observed_until(data: Dataset) -> int:
    """The end of the data, microseconds since 1970 UTC."""
    from training.labels.references import observed_until_us

    return observed_until_us(data)


def moment(text: str | None, option: str, otherwise: int) -> int:
    """A moment in microseconds since 1970; a bare date or time is UTC."""
    if text is None:
        return otherwise
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        message = f"{option} is {text!r}; expected a moment like 2024-05-01T09:00:00Z"
        raise UsageError(message) from None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return round(at.timestamp() * 1_000_000)


def loaded(release: str) -> tuple[Release, str]:
    """A verified release, and the version it is known by."""
    from commands.output import log
    from scoring.release.release import load_release
    from training.registry.resolve import locate

    found = locate(release, warn=log)
    made = load_release(Path(found.path))
    return made, found.version or made.release_id


def print_movement(moved: ScoreChange) -> None:
    """The change in one sentence, then its parts."""
    from commands.output import print_table
    from scoring.bands import label
    from training.explanation.page import headline

    print(f"{moved.lead_id}: {headline(moved)}")
    print(f"  {label(moved.before.band, current())} → {label(moved.after.band, current())}", end="")
    if moved.before.points is not None and moved.after.points is not None:
        print(
            say(
                "; rule points {points:z.1f} → {points_2:z.1f}",
                points=moved.before.points,
                points_2=moved.after.points,
            ),
            end="",
        )
    print()
    rows = []
    for part in moved.parts:
        through = "; ".join(d.text for d in part.details[:3])
        points = None if part.points is None else number(f"{part.points:+z.1f}")
        rows.append([_(part.title), number(f"{part.log_odds:+.3f}"), points, through or None])
    change = moved.after.log_odds - moved.before.log_odds
    points = None
    if moved.before.points is not None and moved.after.points is not None:
        points = number(f"{moved.after.points - moved.before.points:+z.1f}")
    rows.append([_("in all"), number(f"{change:+.3f}"), points, None])
    columns = [N_("cause"), N_("log-odds"), N_("rule points"), N_("through")]
    print_table(columns, rows, right=["log-odds", "rule points"])
    if moved.happened:
        print(say("New: {happened}", happened=", ".join(moved.happened)))


def print_worklist(found: Worklist) -> None:
    """The list as a table, then who left it."""
    from commands.output import print_table
    from scoring.bands import label

    rows = [
        [
            item.rank,
            item.lead_id,
            current().format_percent(item.probability, 1),
            label(item.band, current()),
            _on_the_list(item),
            item.reasons[0] if item.reasons else None,
            f"{item.next_step.channel}: {item.next_step.rhythm}",
        ]
        for item in found.items
    ]
    columns = [
        "", N_("lead"), N_("probability"), N_("band"), N_("on the list"), N_("first reason"),
        N_("next step"),
    ]  # fmt: skip
    print_table(columns, rows, right=["", "probability"])
    counted = say_n(
        "{listed:,} of {n:,} open lead",
        "{listed:,} of {n:,} open leads",
        found.open_leads,
        listed=len(found.items),
    )
    print(counted, end="")
    if found.left:
        closed = sum(why == "closed" for _, why in found.left)
        left = say_n(
            "; {n} left since last week ({closed} closed)",
            "; {n} left since last week ({closed} closed)",
            len(found.left),
            closed=closed,
        )
        print(left, end="")
    print()
    if drawn := [item for item in found.items if item.drawn]:
        text = (
            f"{len(drawn)} of them are drawn at random, instead of as many of the best that are "
            f"held back: each other lead had a chance of {drawn[0].propensity:.2%}."
        )
        print(composed(text))
    if found.not_contacted:
        print(
            say_n(
                "{n:,} open lead must not be contacted and is not listed.",
                "{n:,} open leads must not be contacted and are not listed.",
                found.not_contacted,
            )
        )


def _on_the_list(item: WorkItem) -> str:
    if item.drawn:
        return "drawn"
    return _("new") if item.weeks == 1 else say_n("{n} week", "{n} weeks", item.weeks)


def write_csv(found: Worklist, out: Path) -> None:
    """One row a lead, in the order to call."""
    import csv

    from features.csv_cells import neutralised

    out.parent.mkdir(parents=True, exist_ok=True)
    with out.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        explored = found.assignments is not None
        rows.writerow([*CSV_COLUMNS, *(("propensity", "drawn") if explored else ())])
        for item in found.items:
            reasons = [*item.reasons, "", "", ""][:3]
            step = item.next_step
            figures = [item.rank, item.lead_id, item.probability, item.band, item.rule_points]
            chance = [item.propensity, "yes" if item.drawn else "no"] if explored else []
            words = [*reasons, step.channel, step.rhythm, step.message]
            row = [*figures, item.weeks, *words, *chance]
            rows.writerow([neutralised(cell) for cell in row])
