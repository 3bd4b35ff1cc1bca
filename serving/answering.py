"""From a question to a score in words: the same engine as every batch, one lead at a time."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from features.histories import Float64
from features.vectors import vectors
from scoring.bands import Band, label
from scoring.playbook import Playbook, default_playbook
from scoring.reasons import Reason, Sentences
from scoring.release import Release
from serving.evidence import Expected, expected_of, notes_on
from serving.messages import (
    Interval,
    ModelOut,
    NextStepOut,
    ReasonOut,
    RuleReasonOut,
    RuleScore,
    ScoreAnswer,
    ScoreRequest,
)
from serving.questions import Clock, Question, question

PLAYBOOK_REASONS = 3
"""The next step looks at so many reasons, however many are asked for."""


@dataclass(frozen=True)
class Answering:
    """A verified, warmed release and the version it is known by."""

    release: Release
    version: str
    playbook: Playbook = field(default_factory=default_playbook)

    @property
    def release_id(self) -> str:
        """The release's own name."""
        return self.release.release_id

    @cached_property
    def expected(self) -> Expected:
        """What the release wants to be told of a lead."""
        return expected_of(self.release.spec, self.release.manifest["data"])

    @cached_property
    def sentences(self) -> Sentences:
        """Its features in words."""
        return Sentences(self.release.spec)

    @cached_property
    def model(self) -> ModelOut:
        """How an answer names it."""
        return ModelOut(self.release.name, self.version, self.release_id)


@dataclass(frozen=True, slots=True)
class Told:
    """An answer, and what it was made of: the vector and every feature's share."""

    answer: ScoreAnswer
    vector: Float64
    shares: Float64
    asked: Question


def answer_request(
    answering: Answering,
    request: ScoreRequest,
    clock: Clock,
    language: str,
    n_reasons: int,
    default_as_of: datetime | None = None,
) -> Told:
    """Score one lead as sent. Problems name fields, never values."""
    answering.expected.check(request)
    asked = question(request, clock, answering.release.has_time, default_as_of)
    return answer(answering, asked, request.lead_id, language, n_reasons)


def answer(
    answering: Answering, asked: Question, lead_id: str, language: str, n_reasons: int
) -> Told:
    """Score one lead's history. ``base + sum(reasons) + other_reasons`` is the log-odds."""
    release = answering.release
    found = vectors(release.spec, asked.histories, asked.references)
    explained = release.model.explain(found)
    probability, log_odds = float(explained.probability[0]), float(explained.log_odds[0])
    low, high = release.intervals.interval(explained.log_odds, explained.probability)
    k = max(n_reasons, PLAYBOOK_REASONS)
    strongest = answering.sentences.top(found[0], explained.contributions[0], k)
    told = [
        ReasonOut(feature, text, None if value != value else value, share)
        for feature, text, value, share in strongest[:n_reasons]
    ]
    band = release.cuts.band_of(probability)
    rules, spoken = _rules(release, asked)
    notes = notes_on(answering.expected, asked.histories, asked.references)
    said = ScoreAnswer(
        score_id=secrets.token_hex(16),
        lead_id=lead_id,
        as_of=asked.as_of,
        probability=probability,
        interval=Interval(float(low[0]), float(high[0])),
        horizon_days=release.horizon_days,
        band=band.value,
        label=label(band, language),
        base=explained.base,
        log_odds=log_odds,
        reasons=told,
        other_reasons=log_odds - explained.base - sum(r.contribution for r in told),
        rules=rules,
        next_step=_next_step(answering.playbook, band, strongest[:PLAYBOOK_REASONS], spoken),
        low_evidence=bool(notes),
        notes=notes,
        model=answering.model,
    )
    return Told(said, found[0], explained.contributions[0], asked)


def _rules(release: Release, asked: Question) -> tuple[RuleScore | None, frozenset[str]]:
    """What the scorecard says, and the names of the rules that speak of this lead."""
    card = release.scorecard
    if card is None:
        return None, frozenset()
    scores = card.points(asked.histories, asked.references)
    reasons = [RuleReasonOut(*reason) for reason in card.reasons(scores, 0)]
    points, fit, engagement = (
        float(of[0]) for of in (scores.points, scores.fit, scores.engagement)
    )
    said = RuleScore(points, str(scores.band[0]), fit, engagement, reasons)
    return said, card.speaking(scores, 0)


def _next_step(
    playbook: Playbook, band: Band, reasons: list[Reason], rules: frozenset[str]
) -> NextStepOut:
    step = playbook.next_step(band, reasons, rules)
    return NextStepOut(step.channel, step.rhythm, step.message, step.because)
