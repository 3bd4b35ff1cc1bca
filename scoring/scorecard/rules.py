"""The vocabulary of a scorecard: rules, exclusions, groups with caps, thresholds.

A scorecard is written by people in TOML (:mod:`scoring.scorecard.toml`) and embedded in a release
as plain data; nothing in it can be executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from scoring.scorecard.checks import card_faults

UNANSWERED = "unanswered"
"""The ``interaction`` that counts the seller's attempts since the lead's last own act."""


RULE_CONTEXT = "scorecard"
"""The context of the names of rules and groups in a catalogue."""


Part = Literal["fit", "engagement"]


Value = str | bool | int | float


def one_or_many(value: Any) -> Any:
    """One word or a list of them, as a tuple: ``is = "x"`` reads like ``is = ["x"]``."""
    if isinstance(value, list):
        return tuple(value)
    return value if isinstance(value, tuple) or value is None else (value,)


Words = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(one_or_many)]


Values = Annotated[tuple[Value, ...], BeforeValidator(one_or_many)]


Positive = Annotated[float, Field(gt=0, le=36500)]


def schema_error(key: str, message: str) -> PydanticCustomError:
    """A fault of one key, for a validator to raise."""
    return PydanticCustomError("scorecard", "{message}", {"message": message, "key": key})


def schema_errors(faults: Sequence[tuple[str, str]]) -> PydanticCustomError:
    """Several faults (key, message) of one table, for a validator to raise."""
    key, message = faults[0]
    return PydanticCustomError(
        "scorecard", "{message}", {"message": message, "key": key, "faults": list(faults)}
    )


class Strict(BaseModel):
    """Frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


class Condition(Strict):
    """What is looked at: one attribute, or interactions of some kinds.

    ``attribute`` with ``is`` (any of these values), ``contains`` (any of these words in it,
    whatever its case), ``at_least``/``below`` (a half-open range of numbers) or ``known`` (answered
    at all). An unknown attribute matches only ``known = false``.

    ``interaction`` (kinds, or ``any``, ``inbound``, ``outbound``; ``unanswered`` counts the
    seller's attempts since the lead's last act) matches when their number in the window
    ``[as_of - within_days, as_of)`` is ``at_least`` (1 if left out) and under ``below``, their
    total length at least ``minutes_at_least``, and no kind of ``without`` is in the window. With
    ``inactive_days`` it matches when there was none for so many days, neither since the last one
    nor, where there was none at all, since the lead's creation.
    """

    attribute: str | None = Field(default=None, min_length=1)
    is_: Values = Field(default=(), alias="is")
    contains: Words = ()
    known: bool | None = None
    interaction: Words = ()
    at_least: float | None = None
    below: float | None = None
    within_days: Positive | None = None
    inactive_days: Positive | None = None
    minutes_at_least: Positive | None = None
    without: Words = ()

    @model_validator(mode="after")
    def _looks_at_one_thing(self) -> Condition:
        faults = list(self._faults())
        if faults:
            raise schema_errors(faults)
        return self

    def _faults(self) -> Iterator[tuple[str, str]]:
        """Every fault of the condition: its key, and what is wrong."""
        if bool(self.attribute) == bool(self.interaction):
            yield "name", "needs either attribute = … or interaction = …, not both or none"
        elif self.attribute:
            yield from self._attribute_faults()
        else:
            yield from self._interaction_faults()
        if self.at_least is not None and self.below is not None and self.below <= self.at_least:
            yield "below", f"must be above at_least ({self.at_least:g}); the range is empty"

    def _attribute_faults(self) -> Iterator[tuple[str, str]]:
        for key in ("within_days", "inactive_days", "minutes_at_least", "without"):
            if getattr(self, key):
                yield key, f"{key} belongs to interactions, not to an attribute"
        ranged = self.at_least is not None or self.below is not None
        ways = bool(self.is_) + bool(self.contains) + ranged + (self.known is not None)
        if ways != 1:
            yield (
                "attribute",
                "an attribute needs one of: is = …, contains = …, at_least/below = …, known = true",
            )

    def _interaction_faults(self) -> Iterator[tuple[str, str]]:
        for key in ("is", "contains", "known"):
            if getattr(self, "is_" if key == "is" else key) not in ((), None):
                yield key, "belongs to an attribute, not interactions"
        if UNANSWERED in self.interaction:
            yield from self._unanswered_faults()
        if self.at_least is not None and self.at_least < 1:
            yield "at_least", "must be 1 or more; leave it out for at least one"
        if self.inactive_days is not None:
            for key in ("at_least", "below", "within_days", "minutes_at_least", "without"):
                if getattr(self, key):
                    yield key, f"inactive_days says that there was none; leave {key} out"

    def _unanswered_faults(self) -> Iterator[tuple[str, str]]:
        if len(self.interaction) > 1:
            yield "interaction", f'"{UNANSWERED}" stands alone'
        for key in ("within_days", "inactive_days", "minutes_at_least", "half_life_days"):
            if getattr(self, key, None):
                yield key, f'"{UNANSWERED}" counts since the last reply; leave {key} out'

    @property
    def side(self) -> Part:
        """Fit (who they are) or engagement (what they do)."""
        return "fit" if self.attribute else "engagement"


Conditions = Annotated[tuple[Condition, ...], BeforeValidator(one_or_many)]


class RuleCondition(Condition):
    """A named condition. It matches when it holds, every one of ``and`` does, and none of ``not``.

    All are taken at the same moment; each of them may look at another attribute or kind.
    """

    name: str = Field(min_length=1, max_length=120)
    and_: Conditions = Field(default=(), alias="and")
    not_: Conditions = Field(default=(), alias="not")

    @property
    def terms(self) -> tuple[Condition, ...]:
        """Those of ``and``, then those of ``not``."""
        return (*self.and_, *self.not_)

    @property
    def all_conditions(self) -> tuple[Condition, ...]:
        """The condition itself, then its terms."""
        return (self, *self.terms)


class Rule(RuleCondition):
    """A condition and its points.

    ``count = "first"`` gives the points once; ``"each"`` gives them for every interaction, up to
    ``max_points`` in size. With ``half_life_days`` the points halve for every such span since each
    interaction (``each``) or since the last one (``first``).
    """

    points: float
    part: Part | None = None
    group: str | None = Field(default=None, min_length=1)
    count: Literal["first", "each"] = "first"
    half_life_days: Positive | None = None
    max_points: Positive | None = None

    def _faults(self) -> Iterator[tuple[str, str]]:
        yield from super()._faults()
        if self.attribute:
            for key in ("half_life_days", "max_points"):
                if getattr(self, key) is not None:
                    yield key, f"{key} belongs to interactions, not to an attribute"
            if self.count == "each":
                yield "count", 'count = "each" belongs to interactions'
            return
        if self.inactive_days is not None:
            for key in ("half_life_days", "max_points"):
                if getattr(self, key) is not None:
                    yield key, f"inactive_days says that there was none; leave {key} out"
            if self.count == "each":
                yield "count", "inactive_days says that there was none to count"
        if self.count == "each" and self.half_life_days and self.within_days:
            yield "within_days", 'count = "each" takes half_life_days or within_days, not both'
        if self.max_points is not None and self.count != "each":
            yield "max_points", 'only limits count = "each"; points are given once here'

    @property
    def side(self) -> Part:
        """Fit or engagement: as written in ``part``, else by what the rule looks at."""
        return self.part or super().side


class Exclusion(RuleCondition):
    """A condition that makes a lead cold whatever its points, e.g. unsubscribed."""


class GroupCap(Strict):
    """The most and the least that the rules of one group can give together."""

    label: str = ""
    max: float | None = Field(default=None, ge=0)
    min: float | None = Field(default=None, le=0)


class PointThresholds(Strict):
    """Points from which a lead is warm, and hot. Both above 0, so that an excluded lead is cold."""

    warm: float = Field(gt=0)
    hot: float

    @model_validator(mode="after")
    def _rising(self) -> PointThresholds:
        if self.hot <= self.warm:
            raise schema_error("hot", f"must be above warm ({self.warm:g})")
        return self


class ScorecardDefinition(Strict):
    """A whole scorecard as data. :class:`scoring.scorecard.scorecard.Scorecard` does the
    arithmetic.

    ``outbound_kinds``: the kinds that the seller does; empty means the usual ones.
    """

    name: str = Field(min_length=1)
    about: str = ""
    bands: PointThresholds
    outbound_kinds: Words = ()
    groups: dict[str, GroupCap] = {}
    rules: Annotated[tuple[Rule, ...], BeforeValidator(one_or_many), Field(min_length=1)]
    exclusions: Annotated[tuple[Exclusion, ...], BeforeValidator(one_or_many)] = ()

    matrix: Matrix | None = None

    @model_validator(mode="after")
    def _names_agree(self) -> ScorecardDefinition:
        faults = list(card_faults(self.model_dump(by_alias=True, exclude_none=True)))
        if faults:
            raise PydanticCustomError("scorecard", "{message}", {
                "message": faults[0].message, "card_faults": faults,
            })  # fmt: skip
        return self


class Matrix(Strict):
    """Fit in letters and engagement in numbers: ``fit`` and ``engagement`` hold the points from
    which a lead is A, B … and 1, 2 …, highest first; below the last is one more.

    As HubSpot (A to C, 1 to 3) and Eloqua (A to D, 1 to 4) show a score.
    """

    fit: Annotated[tuple[float, ...], BeforeValidator(one_or_many), Field(min_length=1)]
    engagement: Annotated[tuple[float, ...], BeforeValidator(one_or_many), Field(min_length=1)]

    @model_validator(mode="after")
    def _falling(self) -> Matrix:
        faults = [
            (key, "must fall: the points for A (or 1) first")
            for key, steps in (("fit", self.fit), ("engagement", self.engagement))
            if any(later >= earlier for earlier, later in pairwise(steps))
        ]
        if faults:
            raise schema_errors(faults)
        return self

    def cell(self, fit: float, engagement: float) -> str:
        """The cell of one lead.

        >>> Matrix(fit=[50, 25], engagement=[40, 20]).cell(60, 19)
        'A3'
        """
        row = sum(fit < step for step in self.fit)
        column = sum(engagement < step for step in self.engagement)
        return f"{chr(ord('A') + row)}{column + 1}"


def is_category(conditions: Sequence[Condition]) -> bool:
    """Whether these conditions on one attribute compare words (or only whether it is known)."""
    values = [value for c in conditions for value in (*c.is_, *c.contains)]
    ranged = any(c.at_least is not None or c.below is not None for c in conditions)
    return any(isinstance(value, str) for value in values) or not (values or ranged)


ScorecardDefinition.model_rebuild()
