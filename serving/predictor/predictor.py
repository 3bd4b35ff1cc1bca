"""From queries to predictions in words: the engine of every batch, on the leads of a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache

import msgspec
import numpy as np

from features.compute.array_types import Float64
from features.errors import DataError
from features.histories.arrays import Histories, References
from features.histories.from_records import PackedInteractions, histories_from_records
from features.language.catalogues import language_or_english
from features.language.language import Language
from features.vectors.compute import compute_vectors
from features.vectors.spec import Feature
from scoring.bands import label
from scoring.model.model import Explanation
from scoring.playbook import NextStep, Playbook, default_playbook
from scoring.reasons import Reason, ReasonFormatter
from scoring.release.release import Release
from scoring.scorecard.scorecard import CardScores, Scorecard
from serving.identifiers import ordered_id
from serving.messages.scores import (
    Interval,
    ModelOut,
    NextStepOut,
    ReasonOut,
    RuleReasonOut,
    RuleScore,
    ScoreAnswer,
    ScoreRequest,
)
from serving.parsing.fast_interactions import vocabulary
from serving.parsing.fast_json import TokenTable
from serving.predictor.evidence import InputSchema, evidence_notes, input_schema, range_note
from serving.predictor.query import QueryContext, ScoreQuery, build_query

PLAYBOOK_REASONS = 3
"""The next step looks at so many reasons, however many are asked for."""


@dataclass(frozen=True)
class Predictor:
    """A verified, warmed release and the version it is known by."""

    release: Release
    version: str
    playbook: Playbook = field(default_factory=default_playbook)

    @property
    def release_id(self) -> str:
        """The release's own name."""
        return self.release.release_id

    @cached_property
    def expected(self) -> InputSchema:
        """Attributes and kinds that the release was trained on."""
        return input_schema(self.release.spec, self.release.manifest["data"])

    @cached_property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of interactions it knows, sorted."""
        return tuple(sorted(self.expected.kinds))

    @cached_property
    def words(self) -> TokenTable:
        """The words that interactions are usually written with."""
        return vocabulary(self.kinds)

    @cached_property
    def _sentences(self) -> dict[str, ReasonFormatter]:
        return {}

    def sentences(self, language: str) -> ReasonFormatter:
        """Its features in the words of a language."""
        found = self._sentences.get(language)
        if found is None:
            chosen = language_or_english(language)
            found = self._sentences[language] = ReasonFormatter(self.release.spec, chosen)
        return found

    @cached_property
    def _features(self) -> dict[str, Feature]:
        return dict(zip(self.release.spec.names, self.release.spec.features, strict=True))

    def sentence(self, feature: str, value: float | None, language: str) -> str | None:
        """A feature's value in words; None if the release has no such feature."""
        found = self._features.get(feature)
        if found is None:
            return None
        known = float("nan") if value is None else value
        return found.sentence(known + 0.0, language_or_english(language))

    @cached_property
    def model(self) -> ModelOut:
        """How an answer names it."""
        return ModelOut(self.release.name, self.version, self.release_id)


class Prediction(msgspec.Struct, frozen=True):
    """An answer, and what it was made of: the vector and every feature's share."""

    answer: ScoreAnswer
    vector: Float64
    shares: Float64
    query: ScoreQuery


def query_of_request(
    predictor: Predictor,
    request: ScoreRequest,
    context: QueryContext,
    rows: PackedInteractions | None = None,
) -> ScoreQuery:
    """What a lead as sent asks of this release. Problems name fields, never values.

    ``rows``: its interactions, if they have been read already and the request has none.
    """
    predictor.expected.check(request)
    return build_query(request, context, predictor.release.has_time, rows)


def predict_one(predictor: Predictor, query: ScoreQuery) -> Prediction:
    """Score one lead's history."""
    return predict(predictor, [query])[0]


def predict(predictor: Predictor, queries: Sequence[ScoreQuery]) -> list[Prediction]:
    """Score leads together; each gets what it would get alone, bit for bit.

    ``base + sum(reasons) + other_reasons`` of an answer is its log-odds. Raises DataError for a
    history whose sums no number can hold.
    """
    ready = queries[0].histories if len(queries) == 1 else None
    histories = histories_from_records([one.lead for one in queries]) if ready is None else ready
    moments = np.array([one.as_of_us for one in queries], dtype=np.int64)
    references = References(np.arange(len(queries)), moments)
    release = predictor.release
    found = compute_vectors(release.spec, histories, references)
    explained = release.model.explain(found)
    is_held = release.model.learned_range is not None
    if not np.isfinite(explained.log_odds).all() or (np.isinf(found).any() and not is_held):
        raise DataError("a history sums to more than a number can hold")
    low, high = release.intervals.interval(explained.log_odds, explained.probability)
    k = max(PLAYBOOK_REASONS, *(one.n_reasons for one in queries))
    card = release.scorecard
    scored = _BatchPrediction(
        predictor, histories, found, explained,
        probability=explained.probability.tolist(), log_odds=explained.log_odds.tolist(),
        low=low.tolist(), high=high.tolist(),
        strongest=_strongest(predictor, queries, found, explained.contributions, k),
        card_scores=None if card is None else card.points(histories, references),
        beyond=_beyond(release, found),
    )  # fmt: skip
    return [scored.prediction(row, one) for row, one in enumerate(queries)]


def _strongest(
    predictor: Predictor, queries: Sequence[ScoreQuery], found: Float64, shares: Float64, k: int
) -> list[list[Reason]]:
    """The k strongest reasons of each lead, in the language that it is asked for in."""
    languages = {one.language for one in queries}
    if len(languages) == 1:
        return predictor.sentences(languages.pop()).many(found, shares, k)
    return [
        predictor.sentences(one.language).many(found[row : row + 1], shares[row : row + 1], k)[0]
        for row, one in enumerate(queries)
    ]


@dataclass(frozen=True, slots=True)
class _BatchPrediction:
    """What the engine says of some leads, as plain lists, a row each."""

    predictor: Predictor
    histories: Histories
    found: Float64
    explained: Explanation
    probability: list[float]
    low: list[float]
    high: list[float]
    log_odds: list[float]
    strongest: list[list[Reason]]
    card_scores: CardScores | None
    beyond: list[list[str]] | None

    def prediction(self, row: int, query: ScoreQuery) -> Prediction:
        """One lead's answer."""
        predictor, explained = self.predictor, self.explained
        release, strongest = predictor.release, self.strongest[row]
        probability, log_odds, base = self.probability[row], self.log_odds[row], explained.base
        reasons = [
            ReasonOut(feature, text, None if value != value else value, share)
            for feature, text, value, share in strongest[: query.n_reasons]
        ]
        band = release.thresholds.band_of(probability)
        language = predictor.sentences(query.language).language
        rules, active = _rules(release.scorecard, self.card_scores, row, language)
        notes = evidence_notes(predictor.expected, self.histories, row, query.as_of_us, language)
        if self.beyond is not None and self.beyond[row]:
            notes.append(range_note(self.beyond[row], language))
        step = predictor.playbook.next_step(band, strongest[:PLAYBOOK_REASONS], active)
        answer = ScoreAnswer(
            score_id=query.score_id or ordered_id(),
            lead_id=query.lead.lead_id,
            as_of=query.as_of,
            probability=probability,
            interval=Interval(self.low[row], self.high[row]),
            horizon_days=release.horizon_days,
            band=band.value,
            label=label(band, language),
            base=base,
            log_odds=log_odds,
            reasons=reasons,
            other_reasons=log_odds - base - sum([r.contribution for r in reasons]),
            rules=rules,
            next_step=_next_step_out(step, language),
            low_evidence=bool(notes),
            notes=notes,
            model=predictor.model,
        )
        return Prediction(answer, self.found[row], explained.contributions[row], query)


def _beyond(release: Release, found: Float64) -> list[list[str]] | None:
    """Each lead's features beyond the learned range; None if none is, or none is known."""
    learned = release.model.learned_range
    if learned is None:
        return None
    rows, columns = learned.outside(found).nonzero()
    if not len(rows):
        return None
    names = release.spec.names
    beyond: list[list[str]] = [[] for _ in range(len(found))]
    for row, column in zip(rows.tolist(), columns.tolist(), strict=True):
        beyond[row].append(names[column])
    return beyond


def _rules(
    card: Scorecard | None, scores: CardScores | None, row: int, language: Language
) -> tuple[RuleScore | None, frozenset[str]]:
    """What the scorecard says, and the names of the rules that speak of this lead."""
    if card is None or scores is None:
        return None, frozenset()
    reasons = [RuleReasonOut(*fields) for fields in card.reason_rows(scores, row, language)]
    points, fit, engagement = scores.points[row], scores.fit[row], scores.engagement[row]
    rule_score = RuleScore(float(points), scores.band[row], float(fit), float(engagement), reasons)
    return rule_score, card.active_rules(scores, row)


@lru_cache(maxsize=1000)
def _next_step_out(step: NextStep, language: Language) -> NextStepOut:
    step = step.translated(language)
    return NextStepOut(step.channel, step.rhythm, step.message, step.because)
