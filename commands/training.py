"""From a dataset to a release on disk and a version in the registry: what train and demo share."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.printing import progress_bar, step
from commands.signing import signing_key

if TYPE_CHECKING:
    from features.dataset import Dataset
    from scoring.release import Release
    from scoring.scorecard import Scorecard
    from training.audit.report import AuditReport
    from training.cuts import CutsChoice
    from training.fit import Trained


@dataclass(frozen=True)
class Wanted:
    """What a person asked for; ``out`` None keeps the release in the store alone."""

    dataset: str
    out: Path | None
    register: bool
    scorecard: Path | None
    seed: int
    cuts: CutsChoice
    exclude: tuple[str, ...] = ()
    jobs: int = 2
    allow_leaks: bool = False
    time_budget_s: float | None = None
    insist: bool = True
    sign_with: Path | None = None


@dataclass(frozen=True)
class Made:
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
            "cuts": self.release.cuts.to_dict(),
            "features": len(self.release.spec),
            "metrics": self.release.metrics,
        }


def train_release(wanted: Wanted) -> Made:
    """Read, train, write the release folder, log and register."""
    from commands.reading import tell_reading
    from features.reading import read_dataset
    from training.fit import Training, train

    card = chosen_scorecard(wanted.scorecard)
    if wanted.sign_with is not None:
        signing_key(wanted.sign_with)  # a bad key is told before the work, not after it
    with step(f"read {wanted.dataset}"):
        dataset = read_dataset(wanted.dataset)
    tell_reading(dataset)
    audited = None
    if not wanted.allow_leaks:
        audited = told_why(stop_on_leaks(dataset, wanted.exclude), dataset, wanted.exclude)
    asked = Training(
        seed=wanted.seed,
        cuts=wanted.cuts,
        scorecard=card,
        exclude=wanted.exclude,
        time_budget_s=wanted.time_budget_s,
        insist=wanted.insist,
        jobs=wanted.jobs,
        audited=audited,
    )
    with step("train"), progress_bar() as tell:
        trained = train(dataset, asked, progress=tell)
    with tempfile.TemporaryDirectory(prefix="leadscore-") as folder:
        return keep(wanted, trained, Path(folder))


def stop_on_leaks(dataset: Dataset, exclude: tuple[str, ...]) -> AuditReport:
    """Look for leaks in what is not excluded. Raises GateError with the evidence of sure ones."""
    from features.building import histories_of
    from training.audit.audit import audit, stop_on_sure_leaks
    from training.fit import without

    with step("look for leaks"):
        if exclude:
            settings = without(dataset.settings, histories_of(dataset), exclude)
            dataset = replace(dataset, settings=settings)
        report = audit(dataset, costs=False)
    stop_on_sure_leaks(report)
    return report


def told_why(report: AuditReport, dataset: Dataset, exclude: tuple[str, ...]) -> AuditReport:
    """The report with the evidence against what ``exclude`` leaves out, for the model card."""
    from training.audit.audit import audit

    if not exclude:
        return report
    with step("find the evidence against what is excluded"):
        return report.with_evidence_of(audit(dataset, costs=False))


def chosen_scorecard(file: Path | None) -> Scorecard:
    """The scorecard of ``file``, or the one that ships with the product."""
    from scoring.scorecard import default_scorecard, load_scorecard

    return default_scorecard() if file is None else load_scorecard(file)


def keep(wanted: Wanted, trained: Trained, scratch: Path) -> Made:
    """Write the release folder, load it back verified, and register it where that was asked."""
    from scoring.release import load_release, sign_release, write_release

    folder = wanted.out or scratch / "release"
    release = write_release(folder, trained.contents)
    if wanted.sign_with is not None:
        sign_release(folder, signing_key(wanted.sign_with))
        release = load_release(folder)
    version = ""
    if wanted.register:
        from training.tracking.log import log_training

        with step("log and register"):
            made = log_training(trained, folder, source=named_source(wanted.dataset))
        version = made.version
    return Made(release, wanted.out, version)


def named_source(dataset: str) -> str:
    """How the registry remembers where a dataset was read: absolute, and without a password.

    >>> named_source("postgresql://reader:secret@localhost/crm")
    'postgresql://reader:***@localhost/crm'
    """
    if "://" not in dataset:
        return str(Path(dataset).absolute())
    from sqlalchemy import make_url

    return make_url(dataset).render_as_string(hide_password=True)
