"""Who competes: the families made for one specification, and the scorecard's rules beside them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from features.histories import Float64
from features.spec import FeatureSpec
from scoring.scorecard import Scorecard
from scoring.scorecard_columns import spec_with_rules
from training.candidates.family import Family, Narrow
from training.candidates.rules import SCORECARD, Rules


@dataclass(frozen=True, slots=True)
class Entrants:
    """``spec``: the columns of the matrix, the first ``width`` of them chosen for learning; those
    beyond are there for the ``rules`` alone. ``learned``: the families that learn."""

    spec: FeatureSpec
    width: int
    learned: tuple[Family, ...] = ()
    rules: Rules | None = None

    @property
    def families(self) -> tuple[Family, ...]:
        """Every family, each reading the whole of ``spec``."""
        narrow = self.width < len(self.spec)
        mine = tuple(Narrow(f, self.width) for f in self.learned) if narrow else self.learned
        return (*mine, self.rules) if self.rules else mine

    def without_rules(self) -> Entrants:
        """The same without the rules and the columns that are there for them."""
        spec = self.spec if self.width == len(self.spec) else self.own_spec
        return replace(self, spec=spec, rules=None)

    @property
    def own_spec(self) -> FeatureSpec:
        """The specification without the columns that are there for the rules."""
        return replace(self.spec, features=self.spec.features[: self.width])

    def speaking_of(self, vectors: Float64) -> Entrants:
        """Without rules that give the same points to all of ``vectors`` (n, F)."""
        if self.rules is None or self.rules.tells(vectors):
            return self
        return self.without_rules()

    def used(self, names: Sequence[str]) -> Entrants:
        """What a recipe of these families needs."""
        return self if SCORECARD in names else self.without_rules()


def entrants_of(spec: FeatureSpec, scorecard: Scorecard | None) -> Entrants:
    """The specification with the columns of the rules that can be counted; no family yet."""
    joined = None if scorecard is None else spec_with_rules(spec, scorecard.card)
    if joined is None:
        return Entrants(spec, len(spec))
    return Entrants(joined[0], len(spec), rules=Rules(joined[1]))
