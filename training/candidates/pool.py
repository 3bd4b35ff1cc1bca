"""Who competes: the families made for one specification, and the scorecard's rules beside them."""

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
    """``spec``: the columns of the matrix, the first ``width`` of them chosen for learning; those
    beyond are there for the ``rules`` alone. ``learned``: the families that learn."""

    spec: FeatureSpec
    width: int
    learned: tuple[Candidate, ...] = ()
    rules: ScorecardCandidate | None = None

    @property
    def families(self) -> tuple[Candidate, ...]:
        """Every family, each reading the whole of ``spec``."""
        narrow = self.width < len(self.spec)
        mine = tuple(ColumnSubset(f, self.width) for f in self.learned) if narrow else self.learned
        return (*mine, self.rules) if self.rules else mine

    def without_rules(self) -> CandidatePool:
        """The same without the rules and the columns that are there for them."""
        spec = self.spec if self.width == len(self.spec) else self.own_spec
        return replace(self, spec=spec, rules=None)

    @property
    def own_spec(self) -> FeatureSpec:
        """The specification without the columns that are there for the rules."""
        return replace(self.spec, features=self.spec.features[: self.width])

    def drop_constant_rules(self, vectors: Float64) -> CandidatePool:
        """Without rules that give the same points to all of ``vectors`` (n, F)."""
        if self.rules is None or self.rules.tells(vectors):
            return self
        return self.without_rules()

    def used(self, names: Sequence[str]) -> CandidatePool:
        """What a recipe of these families needs."""
        return self if SCORECARD in names else self.without_rules()


def entrants_of(spec: FeatureSpec, scorecard: Scorecard | None) -> CandidatePool:
    """The specification with the columns of the rules that can be counted; no family yet."""
    joined = None if scorecard is None else spec_with_rules(spec, scorecard.card)
    if joined is None:
        return CandidatePool(spec, len(spec))
    return CandidatePool(joined[0], len(spec), rules=ScorecardCandidate(joined[1]))
