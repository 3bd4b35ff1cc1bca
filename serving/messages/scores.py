"""Scores: what is sent to be scored, and what is answered."""

from __future__ import annotations

from datetime import datetime

import msgspec

from serving.messages.fields import Amount, Duration, EventId, In, Known, LeadId, Moment, Name, Text


class Interaction(In, frozen=True):
    """Something that happened with the lead. Unknown kinds are welcome."""

    kind: Name
    occurred_at: Moment
    value: Amount | None = None
    duration_s: Duration | None = None
    channel: Text | None = None
    event_id: EventId | None = None


class Answer(In, frozen=True):
    """An attribute learned after creation; null means that it became unknown."""

    attribute: Name
    answered_at: Moment
    value: Known = None


class ScoreRequest(In, frozen=True):
    """One lead with its history, and the moment asked about (now, if left out).

    ``record``: false for a what-if: scored like any other, written down nowhere.
    """

    lead_id: LeadId
    created_at: Moment | None = None
    as_of: Moment | None = None
    attributes: dict[Name, Known] = msgspec.field(default_factory=dict)
    answers: list[Answer] = msgspec.field(default_factory=list)
    interactions: list[Interaction] = msgspec.field(default_factory=list)
    record: bool = True


class BatchRequest(In, frozen=True):
    """Many leads; each is decoded on its own so that one bad lead spoils no other."""

    leads: list[msgspec.Raw]
    as_of: Moment | None = None
    record: bool = True


class Interval(msgspec.Struct, frozen=True, gc=False):
    """How sure the probability itself is: Venn-Abers bounds from out-of-time leads."""

    low: float
    high: float


class ReasonOut(msgspec.Struct, frozen=True, gc=False):
    """One feature's share of the log-odds, and the sentence for a sales person."""

    feature: str
    text: str
    value: float | None
    contribution: float


class RuleReasonOut(msgspec.Struct, frozen=True, gc=False):
    """One rule's share of the points, and what was counted for it."""

    rule: str
    points: float
    text: str


class NextStepOut(msgspec.Struct, frozen=True, gc=False):
    """What the playbook says to do. ``because``: the band, or the exception that holds."""

    channel: str
    rhythm: str
    message: str
    because: str


class RuleScore(msgspec.Struct, frozen=True, gc=False):
    """What the sales team's scorecard says of the same history.

    ``points`` = ``fit`` + ``engagement``, and the points of all ``reasons`` sum to them.
    """

    points: float
    band: str
    fit: float
    engagement: float
    reasons: list[RuleReasonOut]


class ModelOut(msgspec.Struct, frozen=True, gc=False):
    """Which model answered."""

    name: str
    version: str
    release_id: str


class ScoreAnswer(msgspec.Struct, frozen=True, gc=False):
    """A score. ``base + sum(reasons) + other_reasons == log_odds`` to 1e-9.

    ``band``: cold, warm or hot; ``label``: the same in the language asked for.
    ``low_evidence``: the model knows little of this lead; ``notes`` say why.
    """

    score_id: str
    lead_id: str
    as_of: datetime
    probability: float
    interval: Interval
    horizon_days: float
    band: str
    label: str
    base: float
    log_odds: float
    reasons: list[ReasonOut]
    other_reasons: float
    rules: RuleScore | None
    next_step: NextStepOut
    low_evidence: bool
    notes: list[str]
    model: ModelOut


class ItemError(msgspec.Struct, frozen=True):
    """Why one item of a batch was not answered or not taken."""

    status: int
    type: str
    detail: str
    errors: list[dict[str, str]] = []


class BatchItem(msgspec.Struct, frozen=True):
    """The answer to the item at ``index``: a score or an error, never both."""

    index: int
    score: ScoreAnswer | None = None
    error: ItemError | None = None


class BatchAnswer(msgspec.Struct, frozen=True):
    """One item per lead, in the order sent."""

    items: list[BatchItem]
    scored: int
    failed: int
    model: ModelOut
