"""The scorecard: points that people wrote, counted by the same engine as the learned features.

A lead's points are the sum of one share per rule, after the caps of its groups; an exclusion has
a share too (it takes the points down to 0 at most), so the shares always sum to the points, and
the band follows from the points alone.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np

from features.cleaning import Cleaning
from features.compute.array_types import Bools, Float64, Object
from features.histories.arrays import Histories, References
from features.language.language import ENGLISH, Language
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from scoring.bands import Band
from scoring.scorecard.compile import CardPlan, MatchText, compile_card
from scoring.scorecard.kernel import add_points, bands_reached
from scoring.scorecard.rules import (
    RULE_CONTEXT,
    Condition,
    PointThresholds,
    RuleCondition,
    ScorecardDefinition,
)
from scoring.scorecard.toml import (
    card_from_data,
    card_to_data,
    card_to_toml,
    packaged_text,
    parse_card,
    read_card,
)

C = TypeVar("C", bound=Condition)
R = TypeVar("R", bound=RuleCondition)


DEFAULT_CARD = "default_scorecard.toml"


MAX_RESOLVED = 256
"""Cards with values written out that are kept; more are made again each time."""


@dataclass(frozen=True)
class CardScores:
    """What a scorecard gives n references.

    ``points`` = ``fit`` + ``engagement`` (n,). ``shares`` (n, rules + exclusions): each rule's
    points after caps; a row sums to its points. ``band`` (n,) of ``cold``, ``warm``, ``hot``.
    ``matched`` (same shape): whether the condition holds. ``excluded`` (n,): an exclusion's does.
    ``vectors`` (n, F): what was counted. ``card``: where it is not the card that was asked, the one
    with the values written out that hold the words it looks for.
    """

    points: Float64
    fit: Float64
    engagement: Float64
    band: Object
    excluded: Bools
    shares: Float64
    matched: Bools
    vectors: Float64
    card: Scorecard | None = None

    @cached_property
    def as_lists(self) -> tuple[list[list[float]], list[list[bool]], list[list[float]]]:
        """``shares``, ``matched`` and ``vectors`` as lists: many rows are read one by one."""
        return self.shares.tolist(), self.matched.tolist(), self.vectors.tolist()


class RuleReason(NamedTuple):
    """One rule's share of the points, with what was counted for it."""

    rule: str
    points: float
    evidence: str

    @property
    def text(self) -> str:
        """As a person reads it, points first: ``+50 Called us (1 inbound call …)``."""
        return f"{self.points:+.3g} {self.rule} ({self.evidence})"


@dataclass(frozen=True)
class Scorecard:
    """Rules that people wrote: points for answers and interactions, in groups, with thresholds.

    Equal cards give equal points, bit for bit. ``cleaning``: how raw values are read before they
    are matched; None: as they are. ``Scorecard.read("rules.toml")`` reads one; it
    raises DataError with line and key of every fault.

    >>> Scorecard.from_dict(default_scorecard().to_dict()) == default_scorecard()
    True
    """

    card: ScorecardDefinition
    cleaning: Cleaning | None = None

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Scorecard:
        """Read what :meth:`to_dict` wrote. Raises ``DataError`` with the key of each fault."""
        return cls(card_from_data(data))

    @classmethod
    def read(cls, path: Path | str) -> Scorecard:
        """Read a scorecard's TOML file.

        Raises ``DataError`` with line and key of every fault, or when there is no such file.
        """
        return load_scorecard(path)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: strings, numbers, lists."""
        return card_to_data(self.card)

    def to_toml(self, heading: str = "") -> str:
        """TOML text that reads back to an equal card; ``heading`` becomes comments."""
        return card_to_toml(self.card, heading)

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def thresholds(self) -> PointThresholds:
        """Points from which a lead is warm, and hot."""
        return self.card.bands

    @cached_property
    def rule_names(self) -> tuple[str, ...]:
        """Names of the rules, then of the exclusions: the columns of ``shares``."""
        return tuple(row.name for row in (*self.card.rules, *self.card.exclusions))

    @cached_property
    def plan(self) -> CardPlan:
        plan = compile_card(self.card)
        return replace(plan, spec=replace(plan.spec, cleaning=self.cleaning))

    @property
    def spec(self) -> FeatureSpec:
        """The declared features that the rules count."""
        return self.plan.spec

    def with_outbound(self, kinds: tuple[str, ...]) -> Scorecard:
        """The same card where ``outbound`` means a dataset's own kinds, unless the card says."""
        is_same = self.spec.outbound_kinds == tuple(kinds)
        if self.card.outbound_kinds or not kinds or is_same:
            return self
        return replace(self, card=self.card.model_copy(update={"outbound_kinds": tuple(kinds)}))

    def with_cleaning(self, cleaning: Cleaning | None) -> Scorecard:
        """The same card, matching values as a release reads them."""
        return replace(self, cleaning=cleaning)

    def points(self, histories: Histories, references: References) -> CardScores:
        """Points, bands and shares of every reference. Raises as
        :func:`features.vectors.compute.compute_vectors` does."""
        card = self.resolved(histories)
        scores = card.points_of(compute_vectors(card.spec, histories, references))
        return scores if card is self else replace(scores, card=card)

    @cached_property
    def _searched(self) -> dict[str, tuple[str, ...]]:
        """Attributes in which rules look for words, with these words, in small letters."""
        found: dict[str, tuple[str, ...]] = {}
        for row in (*self.card.rules, *self.card.exclusions):
            for condition in row.all_conditions:
                if condition.attribute and condition.contains:
                    words = tuple(word.casefold() for word in condition.contains)
                    found[condition.attribute] = (*found.get(condition.attribute, ()), *words)
        return found

    @cached_property
    def _resolved(self) -> dict[tuple[tuple[str, ...], ...], Scorecard]:
        """By the values that hold a word: the same card with these values written out."""
        return {}

    def resolved(self, histories: Histories) -> Scorecard:
        """The card in which ``contains`` is the list of the values here that hold its words."""
        if not self._searched:
            return self
        key = tuple(values_with(histories, name, words) for name, words in self._searched.items())
        card = self._resolved.get(key)
        if card is None:
            values = dict(zip(self._searched, key, strict=True))
            card = replace(self, card=with_values(self.card, values))
            if len(self._resolved) < MAX_RESOLVED:
                self._resolved[key] = card
        return card

    def cells(self, scores: CardScores) -> Object | None:
        """The cell of the matrix fit × engagement, (n,) such as ``A1``; None without a matrix."""
        matrix = self.card.matrix
        if matrix is None:
            return None
        pairs = zip(scores.fit.tolist(), scores.engagement.tolist(), strict=True)
        return np.array([matrix.cell(fit, engagement) for fit, engagement in pairs], dtype=object)

    def points_of(self, matrix: Float64) -> CardScores:
        """The same from vectors of :attr:`spec`, (n, F)."""
        plan, n = self.plan, len(matrix)
        size = (n, len(plan.conditions))
        shares, matched = np.empty(size), np.empty(size, np.bool_)
        sides, excluded = np.empty((n, 2)), np.empty(n, dtype=np.bool_)
        add_points(
            matrix, plan.kinds, plan.numbers, plan.columns, plan.lists, plan.codes,
            plan.code_offsets, plan.group, plan.caps, plan.is_fit, plan.terms, plan.negated, shares,
            matched, sides, excluded,
        )  # fmt: skip
        points, reached = np.empty(n), np.empty(n, dtype=np.int64)
        bands_reached(sides, excluded, self.thresholds.warm, self.thresholds.hot, points, reached)
        bands = self._bands[reached]
        return CardScores(
            points, sides[:, 0], sides[:, 1], bands, excluded, shares, matched, matrix
        )

    @cached_property
    def _bands(self) -> Object:
        """By how many of the thresholds are reached."""
        return np.array([b.value for b in Band], dtype=object)

    @cached_property
    def _in_languages(self) -> dict[str, tuple[tuple[str, ...], MatchText]]:
        """By code: the names of the rules, and the evidence in words."""
        return {}

    def _in_language(self, language: Language) -> tuple[tuple[str, ...], MatchText]:
        found = self._in_languages.get(language.code)
        if found is None:
            names = tuple(language.pgettext(RULE_CONTEXT, name) for name in self.rule_names)
            found = self._in_languages[language.code] = names, MatchText(self.plan, language)
        return found

    def active_rules(self, scores: CardScores, row: int) -> frozenset[str]:
        """Names of the rules with a share in one row's points, and of exclusions that match."""
        shares, matched, _ = scores.as_lists
        n_rules = len(self.card.rules)
        is_active = shares[row][:n_rules] + matched[row][n_rules:]  # a share of zero is false
        return frozenset(itertools.compress(self.rule_names, is_active))

    def reasons(
        self, scores: CardScores, row: int, language: Language = ENGLISH
    ) -> list[RuleReason]:
        """Every rule with a share in one row's points, the largest first."""
        return [RuleReason(*fields) for fields in self.reason_rows(scores, row, language)]

    def reason_rows(
        self, scores: CardScores, row: int, language: Language = ENGLISH
    ) -> list[tuple[str, float, str]]:
        """The fields of :meth:`reasons` as tuples: a response makes its own objects of them."""
        all_shares, _, vectors = scores.as_lists
        shares, vector = all_shares[row], vectors[row]
        sized = [(-abs(share), i) for i, share in enumerate(shares) if share != 0.0]
        sized.sort()
        order = [i for _, i in sized]
        names, evidence = (scores.card or self)._in_language(language)
        return [
            (names[i], shares[i], text)
            for i, text in zip(order, evidence.of_each(order, vector), strict=True)
        ]


def values_with(histories: Histories, name: str, words: tuple[str, ...]) -> tuple[str, ...]:
    """The values of an attribute, in leads and answers, that hold one of ``words``, sorted."""
    column = histories.attributes.get(name)
    values: set[str] = set()
    if column is not None and column.dtype == object:
        values |= {str(value) for value in column if value is not None}
    answers = histories.answers
    if name in answers.attributes:
        rows = answers.attribute == answers.attributes.index(name)
        values |= {answers.values[code] for code in np.unique(answers.value[rows])}
    return tuple(sorted(v for v in values if any(word in v.casefold() for word in words)))


def with_values(
    card: ScorecardDefinition, values: Mapping[str, tuple[str, ...]]
) -> ScorecardDefinition:
    """``card`` in which each ``contains`` is the list of those ``values`` that hold its words."""

    def written(condition: C) -> C:
        if not (condition.attribute and condition.contains):
            return condition
        words = [word.casefold() for word in condition.contains]
        of = values[condition.attribute]
        found = tuple(v for v in of if any(word in v.casefold() for word in words))
        return condition.model_copy(update={"contains": found or condition.contains})

    def row(one: R) -> R:
        terms = {"and_": tuple(map(written, one.and_)), "not_": tuple(map(written, one.not_))}
        return written(one).model_copy(update=terms)

    rules, exclusions = tuple(map(row, card.rules)), tuple(map(row, card.exclusions))
    return card.model_copy(update={"rules": rules, "exclusions": exclusions})


def load_scorecard(path: Path | str) -> Scorecard:
    """Read a scorecard. Raises ``DataError`` with line and key of every fault."""
    return Scorecard(read_card(Path(path)))


def default_scorecard() -> Scorecard:
    """The scorecard that ships with leadscore: usual definitions of the field."""
    return Scorecard(parse_card(packaged_text(DEFAULT_CARD), DEFAULT_CARD))
