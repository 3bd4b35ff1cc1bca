"""A release as a notebook uses it: score, explain, describe, save."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.python_api.data import DatasetLike, as_dataset, asked_references
from features.errors import UsageError
from features.language.current import current

if TYPE_CHECKING:
    import pandas as pd

    from features.vectors.spec import FeatureSpec
    from scoring.bands import BandThresholds
    from scoring.release import release as stored
    from training.explanation.page import LeadExplanation
    from training.model_card.blocks import Card


@dataclass(frozen=True, eq=False)
class Release:
    """One trained model with everything needed to answer, every byte of it verified.

    Made by :func:`load_release`, or by :func:`train` as ``fitted.release``. It is data, not code:
    loading one executes nothing.

    >>> release.horizon_days, release.score(data).columns[2]
    (30.0, 'probability')
    """

    content: stored.Release = field(repr=False)
    files: Mapping[str, bytes] = field(repr=False)
    version: str

    @property
    def release_id(self) -> str:
        """Its identity: 12 hex digits of the manifest's digest."""
        return self.content.release_id

    @property
    def metrics(self) -> dict[str, Any]:
        """How good it was on references later than those it learned from."""
        return self.content.metrics

    @property
    def spec(self) -> FeatureSpec:
        """The features it reads; :func:`vectorize` takes it."""
        return self.content.spec

    @property
    def thresholds(self) -> BandThresholds:
        """The probabilities from which a lead is warm, and hot."""
        return self.content.thresholds

    @property
    def horizon_days(self) -> float:
        """A lead is asked to convert within so many days."""
        return self.content.horizon_days

    def score(self, data: DatasetLike, references: object = None) -> pd.DataFrame:
        """One row a reference, in the order asked.

        Args:
            data: a dataset, or a folder or URL to read one from; outcomes are not needed.
            references: a frame (or the path of a file) with ``lead_id`` and ``as_of``; None asks
                about every open lead at the end of what was observed.

        Returns:
            DataFrame with ``lead_id``, ``as_of`` (UTC), ``probability`` within ``low`` … ``high``,
            ``band`` (cold, warm, hot), ``rule_points``, ``rule_band``, ``model_version``,
            ``reason_1`` … ``reason_3`` and ``error``: a reference that cannot be scored keeps its
            row and says why. A lead older than any learned from raises a warning.

        Raises:
            DataError: the data break the contract.
        """
        from features.histories.build import histories_from_dataset
        from scoring.extrapolation import (
            count_extrapolating,
            extrapolation_note,
            oldest_learned_days,
        )
        from scoring.scores import scores_table

        dataset = as_dataset(data, outcomes_required=False)
        lead_ids, moments = asked_references(dataset, references)
        histories = histories_from_dataset(dataset)
        table = scores_table(
            self.content, histories, lead_ids, moments,
            model_version=self.version, language=current(),
        )  # fmt: skip
        oldest = oldest_learned_days(self.content.manifest["data"])
        beyond = count_extrapolating(oldest, dataset.leads, lead_ids, moments)
        if beyond and oldest is not None:
            note = extrapolation_note(beyond, len(lead_ids), oldest)
            warnings.warn(note, UserWarning, stacklevel=2)
        frame: pd.DataFrame = table.to_pandas()
        return frame

    def explain(
        self,
        data: DatasetLike,
        lead_id: str,
        *,
        start: str | datetime | None = None,
        end: str | datetime | None = None,
    ) -> LeadExplanation:
        """Why a lead's score moved between two moments; see :func:`explain`."""
        from training.explanation.page import explain_lead

        dataset = as_dataset(data, outcomes_required=False)
        return explain_lead(
            self.content, dataset, lead_id, moment_us(start, "start"), moment_us(end, "end")
        )

    def card(self, against: Release | str | Path | int | None = None) -> Card:
        """The model card: what it was made from, how good it is, its limits.

        It shows itself in a notebook; ``leadscore card`` writes the same page.

        Args:
            against: a release, or what :func:`load_release` takes; the card then begins with what
                changed since that one.
        """
        from scoring.release.audit_trail import AuditTrail
        from training.model_card.card import card_of
        from training.model_card.changes import PreviousRelease
        from training.registry.previous_release import from_gate_report
        from training.settings import TrackingSettings

        if against is None:
            return card_of(self.content)
        then = against if isinstance(against, Release) else load_release(against)
        entries = AuditTrail(TrackingSettings().home).entries()
        same = from_gate_report(entries, self.release_id, then.release_id)
        kind = "release" if then.version == then.release_id else "version"
        return card_of(self.content, PreviousRelease(f"{kind} {then.version}", then.content, same))

    def save(self, path: str | Path) -> Path:
        """Write the release folder, complete or not at all; the same bytes every time.

        A release that is at ``path`` is replaced. Raises StorageError for anything else there.
        """
        from scoring.release.files import write_folder

        write_folder(Path(path), self.files)
        return Path(path)

    def _repr_html_(self) -> str:
        return self.card()._repr_html_()


def load_release(ref: str | Path | int = "champion") -> Release:
    """The verified release that ``ref`` names.

    Args:
        ref: a release folder, ``champion``, ``challenger``, ``previous`` or a version number (the
            registry of ``LEADSCORE_HOME`` or ``LEADSCORE_TRACKING_URI``).

    Raises:
        UsageError: no such folder, version or alias.
        ReleaseError: the folder is altered, truncated or foreign.
        RegistryError: the registry is down and nothing is on disk.

    >>> folder = release.save("my-release")
    >>> ls.load_release(folder).release_id == release.release_id
    True
    """
    from scoring.release.release import folder_files, load_release
    from training.registry.resolve import locate

    found = locate(str(ref), warn=lambda text: warnings.warn(text, UserWarning, stacklevel=4))
    path = Path(found.path)
    content = load_release(path)
    return Release(content, folder_files(path), found.version or content.release_id)


def release_like(release: Release | str | Path | int) -> Release:
    """``release`` itself, or what :func:`load_release` finds under that name."""
    return release if isinstance(release, Release) else load_release(release)


def score(
    data: DatasetLike,
    release: Release | str | Path | int = "champion",
    references: object = None,
) -> pd.DataFrame:
    """Score references: one row each, in the order asked. See :meth:`Release.score`.

    Raises:
        DataError: the data break the contract.
        UsageError: no such release.

    >>> asked = {"lead_id": ["L000000"], "as_of": ["2024-12-30T00:00:00Z"]}
    >>> ls.score(data, release, asked)["lead_id"].tolist()
    ['L000000']
    """
    return release_like(release).score(data, references)


def explain(
    release: Release | str | Path | int,
    data: DatasetLike,
    lead_id: str,
    *,
    start: str | datetime | None = None,
    end: str | datetime | None = None,
) -> LeadExplanation:
    """Why a lead's score moved: time, new interactions, new answers; the parts sum to the change.

    Args:
        release: a release, or a name that :func:`load_release` takes.
        data: a dataset, or a folder or URL to read one from.
        lead_id: the lead.
        start, end: the two moments, as datetime or ISO 8601 (UTC where no zone is given). ``end``
            is the end of the data where left out, ``start`` a week before, not before creation.

    Returns:
        An explanation with ``before``, ``after`` (probability, log_odds, band), ``parts`` (title,
        log_odds, details) and ``happened``; it shows itself in a notebook, as the page that
        ``leadscore explain --out`` writes.

    Raises:
        DataError: no such lead, or a moment before its creation.
        UsageError: the data have no time, or ``start`` is after ``end``.

    >>> moved = ls.explain(release, data, "L000001", end="2024-12-30")
    >>> change = sum(part.log_odds for part in moved.parts)
    >>> abs(change - (moved.after.log_odds - moved.before.log_odds)) < 1e-9
    True
    """
    return release_like(release).explain(data, lead_id, start=start, end=end)


def moment_us(moment: str | datetime | None, name: str) -> int | None:
    """A moment in microseconds since 1970 UTC; a naive one is UTC. Raises UsageError."""
    import pandas as pd

    if moment is None:
        return None
    try:
        at = pd.Timestamp(moment)
    except ValueError:
        message = f"{name} is {moment!r}; expected a moment like 2024-05-01T09:00:00Z"
        raise UsageError(message) from None
    at = at.tz_localize("UTC") if at.tzinfo is None else at
    return int((at - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(1, "us"))
