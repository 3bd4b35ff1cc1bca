"""How much of what a model can know rests on one input: the gain that is lost without it.

The figures come from the quick model of the audit
(:func:`training.leakage.univariate.multivariate`), fitted with and without the input: what another
input can stand in for is not counted.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from features.dataset import Dataset
from features.histories.build import histories_from_dataset
from training.leakage.binned_columns import AuditFrame, Column, frame_at_creation
from training.leakage.kinds import frame_at_references
from training.leakage.univariate import NO_RESULT, UnivariateResult, multivariate


@dataclass(frozen=True, slots=True)
class Reliance:
    """``share``: of the gain of all ``inputs`` together, the part that is gone without ``names``,
    0 none, 1 all of it. ``gain``: share of the log loss that all inputs remove."""

    names: tuple[str, ...]
    share: float
    gain: float


class ReliancePlan:
    """The quick models of one dataset, of the inputs ``used`` (attributes and kinds) alone.

    Attributes are measured at creation; kinds and answers at the middle reference age, beside
    the attributes' figures there is none for a lead without history.
    """

    def __init__(self, dataset: Dataset, used: Collection[str]) -> None:
        at_creation, _ = frame_at_creation(dataset)
        frames = [at_creation]
        if dataset.has_time:
            at_references = frame_at_references(dataset, histories_from_dataset(dataset))
            frames += [at_references] if at_references is not None else []
        self._frames = [
            frame.with_columns([c for c in frame.columns if c.name in used]) for frame in frames
        ]
        self._whole = [_gain(frame, frame.columns) for frame in self._frames]

    def without(self, names: Iterable[str]) -> Reliance:
        """What is lost without ``names``: the larger share of either frame that has them."""
        left_out = tuple(sorted(set(names)))
        worst = Reliance(left_out, 0.0, 0.0)
        for frame, whole in zip(self._frames, self._whole, strict=True):
            kept = tuple(c for c in frame.columns if c.name not in left_out)
            if len(kept) == len(frame.columns) or whole.gain <= 0 or whole.low <= 0:
                continue
            share = 1.0 - max(_gain(frame, kept).gain, 0.0) / whole.gain
            if share > worst.share:
                worst = Reliance(left_out, float(min(max(share, 0.0), 1.0)), float(whole.gain))
        return worst


def _gain(frame: AuditFrame, columns: tuple[Column, ...]) -> UnivariateResult:
    return multivariate(frame, columns) if columns else NO_RESULT
