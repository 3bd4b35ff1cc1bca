"""Commands about models: train one."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import (
    AnyDirectionOption,
    CandidateOption,
    ChooseOnOption,
    CostPerContactOption,
    DatasetArgument,
    ExcludeOption,
    HotOption,
    HotPerWeekOption,
    JobsOption,
    JsonOption,
    MaxBadOption,
    SampleOption,
    ScorecardOption,
    SeedOption,
    SignWithOption,
    TimeBudgetOption,
    ValuePerConversionOption,
    WarmOption,
)
from commands.output import progress_bar, timed
from features.errors import UsageError
from features.language.current import say

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    from features.dataset import Dataset
    from scoring.release.release import Release
    from scoring.scorecard.scorecard import Scorecard
    from training.leakage.report import AuditReport
    from training.thresholds import ThresholdPolicy
    from training.train import TrainedModel


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(train)


def train(
    dataset: DatasetArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="RELEASE_DIR", help="Write the release folder here as well."),
    ] = None,
    seed: SeedOption = 0,
    hot_per_week: HotPerWeekOption = None,
    value_per_conversion: ValuePerConversionOption = None,
    cost_per_contact: CostPerContactOption = None,
    warm: WarmOption = None,
    hot: HotOption = None,
    scorecard: ScorecardOption = None,
    exclude: ExcludeOption = None,
    allow_leaks: Annotated[
        bool, typer.Option("--allow-leaks", help="Train although a leak is sure (leadscore audit).")
    ] = False,
    time_budget: TimeBudgetOption = None,
    any_direction: AnyDirectionOption = False,
    sign_with: SignWithOption = None,
    choose_on: ChooseOnOption = None,
    jobs: JobsOption = 2,
    candidate: CandidateOption = None,
    no_register: Annotated[
        bool, typer.Option("--no-register", help="Write --out only; leave the registry alone.")
    ] = False,
    max_bad: MaxBadOption = None,
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Train on a dataset: choose by later references, calibrate, log, register a version.

    The model is chosen by log loss on references later than those it learned from, with the base
    rate as the floor: a dataset without signal gets a release that says so. The cuts between cold,
    warm and hot come from one source: the average probability (default), a capacity, a value, or
    as given. A sure leak stops it (exit code 4): exclude it, or say in dataset.toml when it is
    known.

    Examples:

      leadscore train my-leads

      leadscore train my-leads --out my-release --hot-per-week 40

      leadscore train my-leads --out my-release --no-register --warm 0.1 --hot 0.3
    """
    from commands.output import print_json
    from commands.training_report import print_training
    from training.thresholds import ThresholdPolicy

    if no_register and out is None:
        raise UsageError("--no-register without --out keeps nothing; give --out RELEASE_DIR")
    cuts = ThresholdPolicy(hot_per_week, value_per_conversion, cost_per_contact, warm, hot)
    wanted = TrainOptions(
        dataset=dataset, out=out, register=not no_register, scorecard=scorecard, seed=seed,
        cuts=cuts, exclude=tuple(exclude or ()), jobs=jobs, allow_leaks=allow_leaks,
        time_budget_s=time_budget, enforce_monotone=not any_direction,
        sign_with=sign_with, candidates=tuple(candidate or ()), max_bad=max_bad,
        sample=sample, choose_on=choose_on,
    )  # fmt: skip
    made = train_release(wanted)
    print_json(made.to_dict()) if as_json else print_training(made)


MAKE_ONE = "make one with: openssl genpkey -algorithm ed25519 -out signing.pem"


def signing_key(file: Path) -> Ed25519PrivateKey:
    """The private key in ``file``. Raises UsageError if it is not an unencrypted Ed25519 PEM."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(file.read_bytes(), password=None)
    except OSError as error:
        raise UsageError(f"cannot read {file}: {error.strerror}; {MAKE_ONE}") from error
    except (ValueError, TypeError) as error:
        raise UsageError(f"{file} holds no unencrypted private key as PEM; {MAKE_ONE}") from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError(f"{file} holds another kind of key than Ed25519; {MAKE_ONE}")
    return key


@dataclass(frozen=True)
class TrainOptions:
    """What a person asked for; ``out`` None keeps the release in the store alone."""

    dataset: str
    out: Path | None
    register: bool
    scorecard: Path | None
    seed: int
    cuts: ThresholdPolicy
    exclude: tuple[str, ...] = ()
    jobs: int = 2
    allow_leaks: bool = False
    time_budget_s: float | None = None
    enforce_monotone: bool = True
    sign_with: Path | None = None
    candidates: tuple[str, ...] = ()
    max_bad: float | None = None
    sample: float | None = None
    choose_on: int | None = None


@dataclass(frozen=True)
class TrainOutcome:
    """What came out: the release as verified on disk, and its version (empty: not registered)."""

    release: Release
    out: Path | None
    version: str

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        manifest = self.release.manifest
        return {
            "release_id": self.release.release_id,
            "version": self.version or None,
            "signed_by": self.release.signed_by,
            "out": str(self.out) if self.out else None,
            "dataset": manifest["data"],
            "settings": manifest["settings"],
            "cuts": self.release.thresholds.to_dict(),
            "features": len(self.release.spec),
            "metrics": self.release.metrics,
        }


def train_release(wanted: TrainOptions) -> TrainOutcome:
    """Read, train, write the release folder, log and register."""
    from commands.output import report_reading
    from features.reading.read import read_dataset

    check_options(wanted)  # a bad key is refused before the work, not after it
    with timed(f"read {wanted.dataset}"):
        dataset = read_dataset(
            wanted.dataset, max_bad_fraction=wanted.max_bad, sample=wanted.sample
        )
    report_reading(dataset)
    return train_on(dataset, wanted)


def check_options(wanted: TrainOptions) -> None:
    """Load what the options name. Raises UsageError where a file or a module is not usable."""
    chosen_scorecard(wanted.scorecard)
    if wanted.sign_with is not None:
        signing_key(wanted.sign_with)
    loaded_candidates(wanted.candidates)


def train_on(dataset: Dataset, wanted: TrainOptions) -> TrainOutcome:
    """`train_release` on a dataset that is read already. Raises GateError at a sure leak."""
    from training.config import TrainingConfig
    from training.train import train

    card = chosen_scorecard(wanted.scorecard)
    candidates = loaded_candidates(wanted.candidates)
    audit = None
    if not wanted.allow_leaks:
        audit = explained_leaks(stop_on_leaks(dataset, wanted.exclude), dataset, wanted.exclude)
    config = TrainingConfig(
        seed=wanted.seed,
        thresholds=wanted.cuts,
        scorecard=card,
        exclude=wanted.exclude,
        time_budget_s=wanted.time_budget_s,
        enforce_monotone=wanted.enforce_monotone,
        jobs=wanted.jobs,
        choose_on=wanted.choose_on,
        candidates=candidates,
    )
    with timed("train"), progress_bar() as report_progress:
        trained = train(dataset, config, audit=audit, progress=report_progress)
    warn_of_small_sample(trained)
    with tempfile.TemporaryDirectory(prefix="leadscore-") as folder:
        return save_and_register(wanted, trained, Path(folder))


def warn_of_small_sample(trained: TrainedModel) -> None:
    """Warn on stderr where the recipe was chosen on too few leads to tell recipes apart."""
    from commands.output import log
    from training.model_selection.choice_sample import leads_to_choose_on

    sample = trained.fitted.sample
    needed = (
        0 if sample is None else min(leads_to_choose_on(trained.data.labelled), sample.of_leads)
    )
    if sample is not None and sample.leads < needed:
        log(
            say(
                "the recipe was chosen on {leads:,} leads; it takes {needed:,} to tell recipes "
                "apart: leave out --choose-on, or give a larger number",
                leads=sample.leads,
                needed=needed,
            )
        )


def loaded_candidates(references: tuple[str, ...]) -> tuple[object, ...]:
    """The estimators that ``--candidate`` names; modules of the current folder come last."""
    import sys

    from training.candidates.own import load_candidates

    if not references:
        return ()
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.append(here)
    return tuple(one for reference in references for one in load_candidates(reference))


def stop_on_leaks(dataset: Dataset, exclude: tuple[str, ...]) -> AuditReport:
    """Look for leaks in what is not excluded. Raises GateError with the evidence of sure ones."""
    from training.leakage.gate import audit_without
    from training.leakage.report import stop_on_sure_leaks

    with timed("look for leaks"):
        report = audit_without(dataset, exclude)
    stop_on_sure_leaks(report)
    return report


def explained_leaks(report: AuditReport, dataset: Dataset, exclude: tuple[str, ...]) -> AuditReport:
    """The report with the evidence against what ``exclude`` leaves out, for the model card."""
    from training.leakage.gate import with_evidence_against_excluded

    if not exclude:
        return report
    with timed("find the evidence against what is excluded"):
        return with_evidence_against_excluded(report, dataset, exclude)


def chosen_scorecard(file: Path | None) -> Scorecard:
    """The scorecard of ``file``, or the one that ships with the product."""
    from scoring.scorecard.scorecard import default_scorecard, load_scorecard

    return default_scorecard() if file is None else load_scorecard(file)


def save_and_register(wanted: TrainOptions, trained: TrainedModel, scratch: Path) -> TrainOutcome:
    """Write the release folder, load it back verified, and register it where that was asked."""
    from scoring.release.release import load_release, sign_release, write_release

    folder = wanted.out or scratch / "release"
    release = write_release(folder, trained.contents)
    if wanted.sign_with is not None:
        sign_release(folder, signing_key(wanted.sign_with))
        release = load_release(folder)
    version = ""
    if wanted.register:
        from training.registry.log_run import log_training

        with timed("log and register"):
            made = log_training(trained, folder, source=named_source(wanted.dataset))
        version = made.version
    return TrainOutcome(release, wanted.out, version)


def named_source(dataset: str) -> str:
    """How the registry remembers where a dataset was read: absolute, and without a password.

    >>> named_source("postgresql://reader:secret@localhost/crm")
    'postgresql://reader:***@localhost/crm'
    """
    if "://" not in dataset:
        return str(Path(dataset).absolute())
    from features.reading.sources.database_url import without_password

    return without_password(dataset)
