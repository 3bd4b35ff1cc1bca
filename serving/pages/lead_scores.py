"""What the engine says of one stored lead: over time, and for every possible answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from features.compute.array_types import DAY_US, Float64, Int64
from features.contract import BANT, AttributeType, Group, value_to_text
from features.histories.arrays import NO_TIME, Histories, References
from features.histories.from_records import LeadRecord, RecordColumns, Value, histories_from_records
from features.language.language import Language
from features.vectors.compute import compute_vectors, encode_value
from features.vectors.spec import AttributeSpec
from scoring.bands import Band
from scoring.model.model import Explanation
from scoring.release.release import Release

MAX_MOMENTS = 240
"""Moments at which the chart scores the lead; the screen has not many more points."""

MAX_CHANGES = 6
TIMES_OF_MEDIAN = (0.5, 1.0, 2.0)
"""Possible answers to a number: half, once and twice the median of the training leads."""


@dataclass(frozen=True)
class Course:
    """A lead's score over time.

    ``at_us``, ``probability``, ``low``, ``high`` (m); ``points`` (m) or None without a scorecard.
    """

    at_us: Int64
    probability: Float64
    low: Float64
    high: Float64
    points: Float64 | None


@dataclass(frozen=True)
class ScoreMove:
    """One feature whose share of the log-odds moved; sentences of then and now."""

    before: str
    now: str
    moved: float


@dataclass(frozen=True)
class Movement:
    """Why a score moved between two moments: all features' changes sum to that of the log-odds."""

    probability_before: float
    probability_now: float
    changes: list[ScoreMove]
    others: float


@dataclass(frozen=True)
class PossibleAnswer:
    """What the probability would be with this answer, everything else as it is."""

    value: str
    probability: float
    change: float
    band: Band


@dataclass(frozen=True)
class Question:
    """An attribute of the qualification: what is known of it, and what asking it would change."""

    attribute: str
    group: Group
    known: str
    answers: list[PossibleAnswer]

    @property
    def swing(self) -> float:
        """Between the best and the worst answer, in probability."""
        found = [answer.probability for answer in self.answers]
        return max(found) - min(found) if found else 0.0


def one_reference(as_of_us: int) -> References:
    """The only lead of its histories, at one moment."""
    return References(np.zeros(1, np.int64), np.array([as_of_us], dtype=np.int64))


def course(release: Release, histories: Histories, to_us: int) -> Course:
    """Score the only lead from its creation to ``to_us``, at most MAX_MOMENTS times.

    Every day, and just after each interaction and answer; thinned out evenly where that is more.
    """
    moments = moments_of(histories, to_us)
    references = References(np.zeros(len(moments), np.int64), moments)
    vectors = compute_vectors(release.spec, histories, references)
    explained = release.model.explain(vectors)
    low, high = release.intervals.interval(explained.log_odds, explained.probability)
    card = release.scorecard
    points = None if card is None else card.points(histories, references).points
    return Course(moments, explained.probability, low, high, points)


def moments_of(histories: Histories, to_us: int) -> Int64:
    """The moments of :func:`course`, ascending, the last one ``to_us``."""
    acts, answers = histories.interactions.at_us, histories.answers.at_us
    at = np.concatenate([acts, answers])
    created = int(histories.created_at_us[0])
    first = created if created != NO_TIME else int(at.min(initial=to_us))
    first = min(first, to_us)
    days = np.arange(first, to_us, DAY_US, dtype=np.int64)
    after = at[(at >= first) & (at < to_us)] + 1
    moments = np.unique(np.concatenate([days, after, [to_us]]))
    if len(moments) > MAX_MOMENTS:
        kept = np.linspace(0, len(moments) - 1, MAX_MOMENTS).round().astype(np.intp)
        moments = moments[kept]
    return moments.astype(np.int64)


def movement(
    release: Release, histories: Histories, from_us: int, to_us: int, words: Language
) -> Movement | None:
    """What moved the only lead's score; None when it was not there yet at ``from_us``."""
    created = int(histories.created_at_us[0])
    if created != NO_TIME and from_us < created:
        return None
    references = References(np.zeros(2, np.int64), np.array([from_us, to_us], dtype=np.int64))
    vectors = compute_vectors(release.spec, histories, references)
    explained = release.model.explain(vectors)
    moved = explained.contributions[1] - explained.contributions[0]
    strongest = np.argsort(-np.abs(moved), kind="stable")[:MAX_CHANGES]
    features = release.spec.features
    changes = [
        ScoreMove(
            features[i].sentence(float(vectors[0, i]), words),
            features[i].sentence(float(vectors[1, i]), words),
            float(moved[i]),
        )
        for i in strongest.tolist()
        if abs(moved[i]) >= 0.005
    ]  # fmt: skip
    total = float(explained.log_odds[1] - explained.log_odds[0])
    return Movement(
        float(explained.probability[0]), float(explained.probability[1]), changes,
        total - sum(change.moved for change in changes),
    )  # fmt: skip


def questions(
    release: Release, lead: LeadRecord, histories: Histories, vector: Float64, as_of_us: int
) -> list[Question]:
    """The attributes of budget, authority, need and timeline, those that would change most first.

    Each possible answer is given just before ``as_of_us`` and scored by the release; columns that
    count interactions do not depend on answers, so they are taken from ``vector`` as they are.
    """
    bant = [(a, possible_answers(a)) for a in release.spec.attributes if a.group in BANT]
    pairs = [(a, value) for a, values in bant for value in values]
    if not pairs:
        return []
    probability = probabilities_with(release, lead, vector, pairs, as_of_us)
    now = float(release.model.explain(vector.reshape(1, -1)).probability[0])
    found, at = [], 0
    for attribute, values in bant:
        answers = [
            PossibleAnswer(value, p, p - now, release.thresholds.band_of(p))
            for value, p in zip(values, probability[at : at + len(values)], strict=True)
        ]
        at += len(values)
        known = known_value(attribute, histories, as_of_us)
        found.append(Question(attribute.name, attribute.group, known, answers))
    return sorted(found, key=lambda q: (bool(q.known), -q.swing, q.attribute))


def probabilities_with(
    release: Release, lead: LeadRecord, vector: Float64,
    pairs: Sequence[tuple[AttributeSpec, str]], as_of_us: int,
) -> list[float]:  # fmt: skip
    """The probability after each of these answers, one at a time."""
    records = [_answered(lead, attribute.name, value, as_of_us - 1) for attribute, value in pairs]
    without_acts = histories_from_records(records)
    n = len(pairs)
    moments = np.full(n, as_of_us, dtype=np.int64)
    references = References(np.arange(n), moments)
    rows = compute_vectors(release.spec, without_acts, references)
    counted = [i for i, f in enumerate(release.spec.features) if f.source == "interactions"]
    rows[:, counted] = vector[counted]
    return [float(p) for p in release.model.explain(rows).probability]


def _answered(lead: LeadRecord, name: str, value: str, at_us: int) -> LeadRecord:
    """The lead with one more answer and without its interactions."""
    lists = lead.lists
    more = RecordColumns(
        attributes=[*lists.attributes, name],
        answered_us=[*lists.answered_us, at_us],
        answers=[*lists.answers, value],
    )
    return LeadRecord(lead.lead_id, lead.created_at_us, lead.attributes, more)


def possible_answers(attribute: AttributeSpec) -> tuple[str, ...]:
    """The answers that the release can tell apart: its levels, yes and no, or around the median."""
    if attribute.type == AttributeType.BOOLEAN:
        return ("yes", "no")
    if attribute.type == AttributeType.CATEGORY:
        return attribute.levels
    if attribute.median is None:
        return ()
    return tuple(f"{attribute.median * times:g}" for times in TIMES_OF_MEDIAN)


def known_value(attribute: AttributeSpec, histories: Histories, as_of_us: int) -> str:
    """The last answer before ``as_of_us``, else the value at creation; "" is unknown."""
    answers = histories.answers
    for i in range(len(answers.attribute) - 1, -1, -1):
        is_it = answers.attributes[answers.attribute[i]] == attribute.name
        if is_it and answers.at_us[i] < as_of_us:
            return str(answers.values[answers.value[i]])
    column = histories.attributes.get(attribute.name)
    value = None if column is None or attribute.from_answers else column[0]
    code = encode_value(
        attribute, {level: float(i) for i, level in enumerate(attribute.levels)}, value
    )
    if value is None or code != code:
        return ""
    if attribute.type == AttributeType.BOOLEAN:
        return "yes" if code == 1.0 else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def explained_at(
    release: Release, histories: Histories, as_of_us: int
) -> tuple[Float64, Explanation]:
    """(vector, explanation) of the only lead at one moment."""
    vectors = compute_vectors(release.spec, histories, one_reference(as_of_us))
    return vectors[0], release.model.explain(vectors)


def attributes_now(
    attributes: Mapping[str, Value], histories: Histories, as_of_us: int
) -> dict[str, str]:
    """Every attribute as it is known at a moment, as text; the answers' last word counts."""
    known = {name: value_to_text(value) for name, value in attributes.items()}
    answers = histories.answers
    for i in range(len(answers.attribute)):
        if answers.at_us[i] < as_of_us:
            known[answers.attributes[answers.attribute[i]]] = answers.values[answers.value[i]]
    return known
