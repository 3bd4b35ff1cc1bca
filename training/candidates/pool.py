"""Who competes: the candidates for one feature specification, and the scorecard beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from features.compute.array_types import Float64
from features.vectors.spec import FeatureSpec
from scoring.model.scorecard import spec_with_rules
from scoring.scorecard.scorecard import Scorecard
from training.candidates.base import Candidate, ColumnSubset
from training.candidates.scorecard import SCORECARD, ScorecardCandidate


@dataclass(frozen=True, slots=True)
class CandidatePool:
    """``spec``: the columns of the matrix. The ``fitted`` candidates read the first ``width`` of
    them; those beyond are there for the ``scorecard`` alone."""

    spec: FeatureSpec
    width: int
    fitted: tuple[Candidate, ...] = ()
    scorecard: ScorecardCandidate | None = None

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        """All of them, each reading the whole of ``spec``."""
        narrow = self.width < len(self.spec)
        fitted = tuple(ColumnSubset(c, self.width) for c in self.fitted) if narrow else self.fitted
        return (*fitted, self.scorecard) if self.scorecard else fitted

    def without_scorecard(self) -> CandidatePool:
        """The same without the scorecard and the columns that are there for it."""
        spec = self.spec if self.width == len(self.spec) else self.fitted_spec
        return replace(self, spec=spec, scorecard=None)

    @property
    def fitted_spec(self) -> FeatureSpec:
        """The specification without the columns that are there for the scorecard."""
        return replace(self.spec, features=self.spec.features[: self.width])

    def drop_constant_scorecard(self, vectors: Float64) -> CandidatePool:
        """Without a scorecard that gives the same points to all of ``vectors`` (n, F)."""
        if self.scorecard is None or self.scorecard.varies(vectors):
            return self
        return self.without_scorecard()

    def restrict(self, names: Sequence[str]) -> CandidatePool:
        """What an ensemble of the candidates ``names`` needs."""
        return self if SCORECARD in names else self.without_scorecard()


def candidate_pool(spec: FeatureSpec, scorecard: Scorecard | None) -> CandidatePool:
    """The specification joined with the columns of the rules that can be computed; no fitted
    candidate yet."""
    joined = None if scorecard is None else spec_with_rules(spec, scorecard.card)
    if joined is None:
        return CandidatePool(spec, len(spec))
    return CandidatePool(joined[0], len(spec), scorecard=ScorecardCandidate(joined[1]))
