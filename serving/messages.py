"""What goes in and out, as strict msgspec structs: unknown fields are refused, types not bent."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from serving.problems import FieldError

LONGEST_NAME, LONGEST_TEXT = 200, 1000


LeadId = Annotated[
    str, Meta(min_length=1, max_length=LONGEST_NAME, description="the CRM's own id of the lead")
]


Name = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]


Text = Annotated[str, Meta(max_length=LONGEST_TEXT)]


Moment = Annotated[datetime, Meta(tz=True, description="RFC 3339 with an offset")]


EventId = Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME)]


LARGEST_AMOUNT = 1e15
"""Of a number in a request: sums and squares of any history stay far from what a double holds."""


Amount = Annotated[float, Meta(ge=-LARGEST_AMOUNT, le=LARGEST_AMOUNT)]


Duration = Annotated[float, Meta(ge=0, le=LARGEST_AMOUNT)]


Known = bool | Amount | Text | None


class In(msgspec.Struct, frozen=True, forbid_unknown_fields=True, gc=False):
    """Base of every message that comes in."""


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
    attributes: dict[Name, Known] = {}
    answers: list[Answer] = []
    interactions: list[Interaction] = []
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


ROWS = Meta(min_length=1, max_length=10_000)


class LeadIn(In, frozen=True):
    """A lead. The first PUT fixes its creation; what later ones change is learned then."""

    created_at: Moment
    attributes: dict[Name, Known] = msgspec.field(default_factory=dict)


class InteractionIn(In, frozen=True):
    """An interaction of a known lead; unique by ``source`` and ``event_id``.

    Without an ``event_id`` the content itself is the identity: an exact repeat counts once.
    """

    lead_id: LeadId
    kind: Name
    occurred_at: Moment
    event_id: EventId | None = None
    source: Name = "crm"
    value: Amount | None = None
    duration_s: Duration | None = None
    channel: Text | None = None


class AnswerIn(In, frozen=True):
    """An attribute learned after creation; null means that it became unknown."""

    lead_id: LeadId
    attribute: Name
    answered_at: Moment
    value: Known = None


class OutcomeIn(In, frozen=True):
    """How a lead ended; said once."""

    lead_id: LeadId
    outcome: Literal["converted", "lost"]
    occurred_at: Moment


class InteractionsIn(In, frozen=True):
    """Interactions of any leads."""

    interactions: Annotated[list[InteractionIn], ROWS]


class AnswersIn(In, frozen=True):
    """Answers of any leads."""

    answers: Annotated[list[AnswerIn], ROWS]


class OutcomesIn(In, frozen=True):
    """Outcomes of any leads."""

    outcomes: Annotated[list[OutcomeIn], ROWS]


class LeadTaken(msgspec.Struct, frozen=True):
    """``became``: created, changed (attributes became answers of now) or unchanged."""

    lead_id: str
    became: str
    attributes_changed: int


class LeadRow(In, frozen=True):
    """A lead of many, as :class:`LeadIn` with its id."""

    lead_id: LeadId
    created_at: Moment
    attributes: dict[Name, Known] = msgspec.field(default_factory=dict)


class LeadsIn(In, frozen=True):
    """Many leads to create or change."""

    leads: Annotated[list[LeadRow], ROWS]


class Refused(msgspec.Struct, frozen=True, omit_defaults=True):
    """A row that was not taken: ``unknown_lead``, ``erased``, ``conflict`` (the same key with other
    content), ``before_creation``, ``withdrawn``, ``unknown_event`` or ``invalid``; ``errors`` name
    the fields of an invalid one."""

    index: int
    why: str
    errors: list[FieldError] = []


class LeadPatch(In, frozen=True):
    """What changes of a lead; what is left out stays.

    ``attributes``: learned now, as by PUT; null: became unknown. ``at_creation``: was wrong from
    the start. ``created_at``: was wrong. Scores of the past keep what they saw.
    """

    attributes: dict[Name, Known] = msgspec.field(default_factory=dict)
    at_creation: dict[Name, Known] = msgspec.field(default_factory=dict)
    created_at: Moment | None = None


class OutcomePut(In, frozen=True):
    """How a lead ended, in place of what was said before."""

    outcome: Literal["converted", "lost"]
    occurred_at: Moment


class OutcomeSet(msgspec.Struct, frozen=True):
    """``became``: changed or unchanged. ``outcome``: null for an open lead."""

    lead_id: str
    became: str
    outcome: str | None


class MergeIn(In, frozen=True):
    """``lead_id`` is the same lead as ``into``, which stays."""

    lead_id: LeadId
    into: LeadId


class Merged(msgspec.Struct, frozen=True):
    """``lead_id``: the lead that both are now; ``became``: merged or unchanged."""

    lead_id: str
    became: str
    interactions_moved: int


class EventKey(In, frozen=True):
    """What an interaction is known by."""

    event_id: EventId
    source: Name = "crm"


class AnswerKey(In, frozen=True):
    """What an answer is known by."""

    lead_id: LeadId
    attribute: Name
    answered_at: Moment


class WithdrawInteractions(In, frozen=True):
    """Interactions that did not happen, or not so."""

    interactions: Annotated[list[EventKey], ROWS]


class WithdrawAnswers(In, frozen=True):
    """Answers that were not given, or not so."""

    answers: Annotated[list[AnswerKey], ROWS]


class Withdrawn(msgspec.Struct, frozen=True):
    """What became of rows to be withdrawn; ``repeated`` were withdrawn before."""

    withdrawn: int
    repeated: int
    refused: list[Refused]


class StoredLead(msgspec.Struct, frozen=True):
    """All that is stored of a person, under every id it had; a page at a time (``next``).

    ``attributes``: the last known values. ``tables``: every row of every other table, moments in
    RFC 3339; ``aliases``: the ids that were merged into it.
    """

    lead_id: str
    created_at: datetime | None
    attributes: dict[str, Any]
    at_creation: dict[str, Any]
    aliases: list[str]
    tables: dict[str, list[dict[str, Any]]]
    next: str | None


class RowsTaken(msgspec.Struct, frozen=True):
    """What became of a batch. Rows taken and repeated are on disk when this is answered."""

    taken: int
    repeated: int
    refused: list[Refused]


class LeadsTaken(msgspec.Struct, frozen=True):
    """What became of many leads; on disk when this is answered."""

    created: int
    changed: int
    unchanged: int
    refused: list[Refused]


class Change(msgspec.Struct, frozen=True):
    """A feature whose share of the log-odds moved since the score before."""

    feature: str
    contribution: float
    before: float


class PastScore(msgspec.Struct, frozen=True):
    """A score given once, and what moved since the one before (strongest first)."""

    score_id: str
    as_of: datetime
    asked_at: datetime
    probability: float
    band: str
    label: str
    role: str
    release_id: str
    version: str
    changes: list[Change]


class PastScores(msgspec.Struct, frozen=True):
    """Newest first; ``next`` is the cursor of the next page."""

    lead_id: str
    scores: list[PastScore]
    next: str | None


class Ranked(msgspec.Struct, frozen=True):
    """A lead's newest score and how to show the lead.

    ``updated_at``: when the score was given; ``reasons``: sentences, the strongest first;
    ``outcome``: null while the lead is open.
    """

    lead_id: str
    probability: float
    band: str
    label: str
    as_of: datetime
    score_id: str
    release_id: str
    version: str
    updated_at: datetime
    reasons: list[str]
    name: str | None
    owner: str | None
    source: str | None
    account: str | None
    outcome: str | None


class RankedLeads(msgspec.Struct, frozen=True):
    """``next``: cursor of the next page. ``total`` and ``bands`` count the leads of all pages.

    ``release_id``: whose scores these are; null when any release's were asked for.
    """

    leads: list[Ranked]
    next: str | None
    total: int
    bands: dict[str, int]
    release_id: str | None


class Erased(msgspec.Struct, frozen=True):
    """What was deleted, and the releases that may have been trained on this lead.

    ``complete``: no byte of it is left in the store; else ``left`` says what is, and it is
    finished without being asked again. ``backups``: when copies of the store were made that may
    hold the lead; restoring one erases it again.
    """

    erased: bool
    complete: bool
    rows: dict[str, int]
    trained_releases: list[str]
    left: list[str]
    backups: list[datetime]


class EraseIn(In, frozen=True):
    """Leads to erase."""

    lead_ids: Annotated[list[LeadId], Meta(min_length=1, max_length=1000)]


class ErasedMany(msgspec.Struct, frozen=True):
    """What was deleted of many leads; as :class:`Erased`."""

    erased: int
    complete: bool
    rows: dict[str, int]
    trained_releases: list[str]
    left: list[str]
    backups: list[datetime]
