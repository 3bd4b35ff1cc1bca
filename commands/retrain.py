"""The command for a scheduler: train again, and promote what passes the gate."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import (
    AnyDirectionOption,
    CandidateOption,
    CostPerContactOption,
    DatasetArgument,
    ExcludeOption,
    HotOption,
    HotPerWeekOption,
    JobsOption,
    JsonOption,
    ScorecardOption,
    SeedOption,
    SignWithOption,
    TimeBudgetOption,
    ValuePerConversionOption,
    WarmOption,
)
from features.errors import DataError, GateError
from features.language.composed import composed
from features.language.plural import plural

if TYPE_CHECKING:
    from commands.train import TrainOptions, TrainOutcome
    from features.dataset import Dataset
    from scoring.release.release import Release
    from scoring.release.store import StoredRelease
    from training.monitoring.monitor import MonitoringReport
    from training.registry.promote import ChampionChange

NO_NEW_OUTCOMES = 6
"""Exit code of a run that had nothing to learn; the others are those of every command."""


class RetrainStatus(StrEnum):
    """How a run ended that did not fail."""

    PROMOTED = "promoted"
    KEPT = "kept"
    REFUSED = "refused"
    NO_NEW_OUTCOMES = "no new outcomes"


EXIT_CODES = {
    RetrainStatus.PROMOTED: 0,
    RetrainStatus.KEPT: 0,
    RetrainStatus.REFUSED: GateError.exit_code,
    RetrainStatus.NO_NEW_OUTCOMES: NO_NEW_OUTCOMES,
}


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(retrain)


def retrain(
    dataset: DatasetArgument,
    when_needed: Annotated[
        bool,
        typer.Option("--when-needed", help="Train only if monitoring says recalibrate or retrain."),
    ] = False,
    least_outcomes: Annotated[
        int,
        typer.Option(
            "--least-outcomes",
            metavar="N",
            min=0,
            help="Train only if so many outcomes are new to the champion; 0: always.",
        ),
    ] = 1,
    max_age_days: Annotated[
        float,
        typer.Option(
            "--max-age-days",
            metavar="DAYS",
            min=0.0,
            help="From this age of what the champion knows on, a challenger that is no worse may "
            "follow it.",
        ),
    ] = 90.0,
    seed: SeedOption = 0,
    hot_per_week: HotPerWeekOption = None,
    value_per_conversion: ValuePerConversionOption = None,
    cost_per_contact: CostPerContactOption = None,
    warm: WarmOption = None,
    hot: HotOption = None,
    scorecard: ScorecardOption = None,
    exclude: ExcludeOption = None,
    time_budget: TimeBudgetOption = None,
    any_direction: AnyDirectionOption = False,
    sign_with: SignWithOption = None,
    jobs: JobsOption = 2,
    candidate: CandidateOption = None,
    as_json: JsonOption = False,
) -> None:
    """For a scheduler: monitor the champion, train, ask the gate, promote what passes.

    The champion is monitored first: afterwards nothing is left that it has not learned from.
    One line of outcome goes to stdout, in English; progress and errors to stderr. Leaks and
    suspects of the audit are confirmed by a person (leadscore train, leadscore promote), never
    here.

    Exit codes: 0 promoted, or kept because monitoring says keep (--when-needed); 4 refused by the
    gate, or a sure leak: the champion answers on; 6 no new outcomes: nothing was trained; 1, 2,
    3 and 5 failed, as with every command.

    Examples:

      leadscore retrain my-leads

      leadscore retrain postgresql://reader@db/crm --least-outcomes 200 --json

      leadscore retrain my-leads --when-needed --sign-with /etc/leadscore/signing.pem
    """
    from commands.output import print_json, report_reading, timed
    from commands.train import TrainOptions, check_options
    from features.language.current import use
    from features.language.language import ENGLISH
    from features.reading.read import read_dataset
    from training.thresholds import ThresholdPolicy

    wanted = TrainOptions(
        dataset=dataset, out=None, register=True, scorecard=scorecard, seed=seed,
        cuts=ThresholdPolicy(hot_per_week, value_per_conversion, cost_per_contact, warm, hot),
        exclude=tuple(exclude or ()), jobs=jobs, time_budget_s=time_budget,
        enforce_monotone=not any_direction, sign_with=sign_with,
        candidates=tuple(candidate or ()),
    )  # fmt: skip
    with use(ENGLISH):
        check_options(wanted)
        champion = current_champion()
        with timed(f"read {dataset}"):
            data = read_dataset(dataset)
        report_reading(data)
        done = retrained(
            wanted, data, champion, when_needed=when_needed, least_outcomes=least_outcomes,
            max_age_days=max_age_days,
        )  # fmt: skip
    print_json(done.to_dict()) if as_json else print(composed(done.line))
    if done.exit_code:
        raise typer.Exit(done.exit_code)


@dataclass(frozen=True)
class RetrainOutcome:
    """What a run did.

    ``champion``: the release that answered before the run, None if none did. ``new_outcomes``: how
    many it could not learn from, None without a champion. ``monitoring``: of that champion, None
    without one or without anything later than it knows. ``trained`` and ``change`` are None where
    nothing was trained or promoted. ``because``: why it was kept or refused.
    """

    outcome: RetrainStatus
    champion: StoredRelease | None = None
    new_outcomes: int | None = None
    monitoring: MonitoringReport | None = None
    trained: TrainOutcome | None = None
    change: ChampionChange | None = None
    because: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """What the process ends with."""
        return EXIT_CODES[self.outcome]

    @property
    def line(self) -> str:
        """The outcome in one line, for a scheduler's log."""
        before = self.champion.version if self.champion else None
        if self.change is not None:
            now = self.change.champion
            said = f"version {now.version} answers (release {now.release_id})"
            said += f", before it version {before}" if before else ", the first"
        else:
            said = f"version {before} answers on" if before else "no version answers"
            if self.trained is not None:
                said = f"version {self.trained.version} is not promoted, {said}"
        parts = [f"{self.outcome}: {said}", *self.because]
        if self.new_outcomes is not None:
            parts.append(plural(self.new_outcomes, "{n:,} new outcome", "{n:,} new outcomes"))
        if self.monitoring is not None:
            parts.append(f"monitoring of version {before} says {self.monitoring.verdict}")
        return " ".join("; ".join(parts).split())

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        answers = self.change.champion if self.change else self.champion
        return {
            "outcome": str(self.outcome),
            "exit_code": self.exit_code,
            "line": self.line,
            "champion": answers.version if answers else None,
            "champion_before": self.champion.version if self.champion else None,
            "new_outcomes": self.new_outcomes,
            "because": list(self.because),
            "monitoring": self.monitoring.to_dict() if self.monitoring else None,
            "training": self.trained.to_dict() if self.trained else None,
            "promotion": self.change.to_dict() if self.change else None,
        }


def current_champion() -> StoredRelease | None:
    """The champion as the registry knows it; None before the first promotion.

    Raises RegistryError when the registry is down: without it, what is trained would be lost.
    """
    from commands.output import log
    from training.registry.mlflow_registry import CHAMPION
    from training.registry.resolve import locate, models

    if not any(CHAMPION in row.aliases for row in models()):
        return None
    return locate(CHAMPION, warn=log)


def retrained(
    wanted: TrainOptions,
    data: Dataset,
    champion: StoredRelease | None,
    *,
    when_needed: bool = False,
    least_outcomes: int = 1,
    max_age_days: float = 90.0,
) -> RetrainOutcome:
    """Monitor ``champion`` on ``data``, train, ask the gate and promote; see `retrain`.

    Whatever else fails raises the error of the step that failed, and the champion stays.
    """
    from pathlib import Path

    from commands.train import train_on
    from scoring.release.release import load_release
    from training.monitoring.new_outcomes import new_outcomes

    count, monitored = None, None
    if champion is not None:
        release = load_release(Path(champion.path))
        count, monitored = new_outcomes(release, data), monitoring_of(release, data, wanted.seed)
        if count < least_outcomes:
            few = () if least_outcomes == 1 else (f"{least_outcomes:,} were asked for",)
            return RetrainOutcome(
                RetrainStatus.NO_NEW_OUTCOMES, champion, count, monitored, because=few
            )
        if when_needed and monitored is not None and monitored.verdict == "keep":
            return RetrainOutcome(
                RetrainStatus.KEPT, champion, count, monitored, because=monitored.because
            )
    trained = None
    try:
        trained = train_on(data, wanted)
        change = promoted(trained.version, wanted.dataset, max_age_days)
    except GateError as error:
        return RetrainOutcome(
            RetrainStatus.REFUSED, champion, count, monitored, trained, because=(str(error),)
        )
    return RetrainOutcome(RetrainStatus.PROMOTED, champion, count, monitored, trained, change)


def monitoring_of(release: Release, data: Dataset, seed: int) -> MonitoringReport | None:
    """What monitoring says of ``release``; None, with the reason on stderr, where it cannot tell.

    Nothing later than the release is no reason to stop: old leads may have outcomes that are new.
    """
    from commands.output import log, timed
    from training.monitoring.monitor import monitor

    try:
        with timed("compare with what was learned from"):
            return monitor(release, data, seed=seed)
    except DataError as error:
        log(composed(f"not monitored: {error}"))
        return None


def promoted(version: str, dataset: str, max_age_days: float) -> ChampionChange:
    """Promote by the gate, on ``dataset``. Raises GateError when it refuses."""
    from commands.output import timed
    from commands.registry import now, who
    from training.registry.gate_criteria import GateLimits
    from training.registry.promote import promote

    limits = GateLimits(max_age_days=max_age_days)
    with timed("ask the gate"):
        return promote(version, who=who(), now=now(), dataset=dataset, limits=limits)
