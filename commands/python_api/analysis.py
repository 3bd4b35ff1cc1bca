"""Questions about data and releases: leaks, rules against model, and whether a release holds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from commands.python_api.data import DatasetLike, as_dataset
from commands.python_api.release import Release, release_like

if TYPE_CHECKING:
    from scoring.scorecard.scorecard import Scorecard
    from training.comparison.run import ComparisonResult
    from training.leakage.report import AuditReport
    from training.monitoring.monitor import MonitoringReport


def audit(data: DatasetLike, *, costs: bool = True) -> AuditReport:
    """Look for leaks: attributes, answers and kinds that know the outcome before they can.

    Args:
        data: a dataset, or a folder or URL to read one from.
        costs: also work out what leaving out each suspect costs, in log loss (slower).

    Returns:
        A report with ``suspects`` (name, verdict, evidence), ``rows()`` and ``summary()``; it shows
        itself in a notebook. Nothing is raised for a leak: :func:`train` stops on a sure one.

    Raises:
        DataError: the data break the contract.

    >>> [suspect.name for suspect in ls.audit(data, costs=False).suspects]
    []
    """
    from training.leakage.audit import audit as examine

    return examine(as_dataset(data), costs=costs)


def compare(
    data: DatasetLike,
    scorecard: Scorecard | None = None,
    *,
    hot_per_week: float | None = None,
    value_per_conversion: float | None = None,
    cost_per_contact: float | None = None,
    cost_attribute: str | None = None,
    source_attribute: str | None = None,
    exclude: Sequence[str] = (),
    given: Sequence[str] = (),
    worklists: Sequence[str | Path] = (),
    allow_leaks: bool = False,
    seed: int = 0,
    jobs: int = 2,
) -> ComparisonResult:
    """Compare rules, learned score and baselines on leads that none of them has seen.

    Args:
        data: a dataset, or a folder or URL to read one from.
        scorecard: the rules; None takes the default scorecard.
        hot_per_week: how many of the leads open in a week the team can call.
        value_per_conversion, cost_per_contact: both or neither; adds the profit of each score.
        cost_attribute: the attribute that holds what a lead cost; found by its name otherwise. It
            is never learned from.
        source_attribute: the one that says where leads come from; found by its name otherwise.
        given: attributes that are scores which somebody else made (a CRM's, a vendor's, an old
            model's): judged as of their own past on the same leads, never learned from.
        worklists: lists that ``leadscore worklist --explore`` wrote; they tell what calling itself
            changes (``comparison.sections["calling"]``).
        exclude, allow_leaks, seed, jobs: as for :func:`train`.

    Returns:
        A result with ``verdict`` (headline, because), ``comparison`` (every table) and
        ``reweighted`` (the scorecard with points refitted); it shows itself in a notebook, as the
        report that ``leadscore compare --out`` writes.

    Raises:
        DataError: the data break the contract, or cannot tell anything apart.
        GateError: a leak is sure.
        UsageError: weeks are asked for and the data have no time.

    >>> found = ls.compare(data, ls.Scorecard.read("rules.toml"))
    >>> found.score_of("learned").title, len(found.verdict.because) > 0
    ('Learned', True)
    """
    from commands.compare import worth_of
    from commands.output import progress_bar
    from scoring.scorecard.scorecard import default_scorecard
    from training.comparison.run import ComparisonConfig
    from training.comparison.run import compare as run
    from training.config import TrainingConfig
    from training.exploration import read_assignments
    from training.leakage.gate import stop_on_leaks

    worth = worth_of(value_per_conversion, cost_per_contact)
    training = TrainingConfig(seed=seed, exclude=tuple(exclude), jobs=jobs)
    called = read_assignments([Path(file) for file in worklists]) if worklists else None
    config = ComparisonConfig(
        training, hot_per_week, worth, cost_attribute, tuple(given), called, source_attribute
    )
    dataset = as_dataset(data)
    if not allow_leaks:
        stop_on_leaks(dataset, (*training.exclude, *given))
    with progress_bar(quiet=True) as report_progress:
        return run(dataset, scorecard or default_scorecard(), config, progress=report_progress)


def monitor(
    release: Release | str | Path | int, data: DatasetLike, *, seed: int = 0
) -> MonitoringReport:
    """Ask a release about later data: has it drifted, are its probabilities still true?

    Args:
        release: a release, or a name that :func:`load_release` takes.
        data: a dataset, or a folder or URL to read one from, later than what was learned from.
        seed: of the intervals.

    Returns:
        A report with ``verdict`` (keep, recalibrate, retrain), ``because``, ``features`` (those
        that moved most first), ``expected``, ``promised`` and ``realised`` figures.

    Raises:
        DataError: nothing here is later than what was learned from.

    >>> try:
    ...     ls.monitor(release, data)
    ... except ls.errors.DataError as error:
    ...     print(str(error)[:26])  # what it learned from itself
    nothing here is later than
    """
    from training.monitoring.monitor import monitor as watch

    return watch(release_like(release).content, as_dataset(data), seed=seed)
