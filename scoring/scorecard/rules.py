"""The vocabulary of a scorecard: rules, exclusions, groups with caps, thresholds.

A scorecard is written by people in TOML (:mod:`scoring.scorecard.toml`) and embedded in a release
as plain data; nothing in it can be executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

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


class Strict(BaseModel):
    """Frozen, no unknown keys, no silent conversions."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, allow_inf_nan=False, populate_by_name=True
    )


class RuleCondition(Strict):
    """What a rule looks at: one attribute, or interactions of some kinds.

    ``attribute`` with ``is`` (any of these values), ``at_least``/``below`` (a half-open range of
    numbers) or ``known`` (answered at all). An unknown attribute matches only ``known = false``.

    ``interaction`` (kinds, or ``any``, ``inbound``, ``outbound``; ``unanswered`` counts the
    seller's attempts since the lead's last act) matches when their number in the window
    ``[as_of - within_days, as_of)`` is ``at_least`` (1 if left out) and under ``below``, their
    total length at least ``minutes_at_least``, and no kind of ``without`` is in the window.
    """

    name: str = Field(min_length=1, max_length=120)
    attribute: str | None = Field(default=None, min_length=1)
    is_: Values = Field(default=(), alias="is")
    known: bool | None = None
    interaction: Words = ()
    at_least: float | None = None
    below: float | None = None
    within_days: Positive | None = None
    minutes_at_least: Positive | None = None
    without: Words = ()

    @model_validator(mode="after")
    def _looks_at_one_thing(self) -> RuleCondition:
        if bool(self.attribute) == bool(self.interaction):
            raise schema_error(
                "name", "needs either attribute = … or interaction = …, not both or none"
            )
        if self.attribute:
            self._check_attribute()
        else:
            self._check_interaction()
        return self

    def _check_attribute(self) -> None:
        for key in ("within_days", "minutes_at_least", "without"):
            if getattr(self, key):
                raise schema_error(key, f"{key} belongs to interactions, not to an attribute")
        ranged = self.at_least is not None or self.below is not None
        if (bool(self.is_) + ranged + (self.known is not None)) != 1:
            raise schema_error(
                "attribute", "an attribute needs one of: is = …, at_least/below = …, known = true"
            )
        self._check_range()

    def _check_interaction(self) -> None:
        if self.is_ or self.known is not None:
            raise schema_error(
                "is" if self.is_ else "known", "belongs to an attribute, not interactions"
            )
        if UNANSWERED in self.interaction:
            self._check_unanswered()
        if self.at_least is not None and self.at_least < 1:
            raise schema_error("at_least", "must be 1 or more; leave it out for at least one")
        self._check_range()

    def _check_unanswered(self) -> None:
        if len(self.interaction) > 1:
            raise schema_error("interaction", f'"{UNANSWERED}" stands alone')
        for key in ("within_days", "minutes_at_least", "half_life_days"):
            if getattr(self, key, None):
                raise schema_error(
                    key, f'"{UNANSWERED}" counts since the last reply; leave {key} out'
                )

    def _check_range(self) -> None:
        if self.at_least is not None and self.below is not None and self.below <= self.at_least:
            raise schema_error(
                "below", f"must be above at_least ({self.at_least:g}); the range is empty"
            )

    @property
    def side(self) -> Part:
        """Fit (who they are) or engagement (what they do)."""
        return "fit" if self.attribute else "engagement"


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

    @model_validator(mode="after")
    def _counts_something(self) -> Rule:
        if self.attribute:
            for key in ("half_life_days", "max_points"):
                if getattr(self, key) is not None:
                    raise schema_error(key, f"{key} belongs to interactions, not to an attribute")
            if self.count == "each":
                raise schema_error("count", 'count = "each" belongs to interactions')
        elif self.count == "each" and self.half_life_days and self.within_days:
            raise schema_error(
                "within_days", 'count = "each" takes half_life_days or within_days, not both'
            )
        elif self.max_points is not None and self.count != "each":
            raise schema_error(
                "max_points", 'only limits count = "each"; points are given once here'
            )
        return self

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

    @model_validator(mode="after")
    def _names_agree(self) -> ScorecardDefinition:
        seen: set[str] = set()
        for list_name, rows in (("rules", self.rules), ("exclusions", self.exclusions)):
            for position, row in enumerate(rows):
                if row.name in seen:
                    raise _schema_error_in(
                        list_name, position, "name", f"{row.name!r} is used twice"
                    )
                seen.add(row.name)
        self._types_agree()
        for position, rule in enumerate(self.rules):
            if rule.group is not None and rule.group not in self.groups:
                known = ", ".join(sorted(self.groups)) or "none"
                message = f"unknown group {rule.group!r}; [groups.…] has: {known}"
                raise _schema_error_in("rules", position, "group", message)
        return self

    def _types_agree(self) -> None:
        """A category has words, a number ranges: an attribute cannot be read as both."""
        for list_name, rows in (("rules", self.rules), ("exclusions", self.exclusions)):
            for position, row in enumerate(rows):
                about = [c for c in (*self.rules, *self.exclusions) if c.attribute == row.attribute]
                ranged = "at_least" if row.at_least is not None else "below"
                if row.attribute and getattr(row, ranged) is not None and is_category(about):
                    message = (
                        f"{row.attribute!r} is compared with words elsewhere, with a number here"
                    )
                    raise _schema_error_in(list_name, position, ranged, message)


def is_category(conditions: Sequence[RuleCondition]) -> bool:
    """Whether these conditions on one attribute compare words (or only whether it is known)."""
    values = [value for c in conditions for value in c.is_]
    ranged = any(c.at_least is not None or c.below is not None for c in conditions)
    return any(isinstance(value, str) for value in values) or not (values or ranged)


def _schema_error_in(list_name: str, position: int, key: str, message: str) -> PydanticCustomError:
    where = {"message": message, "key": key, "list": list_name, "position": position}
    return PydanticCustomError("scorecard", "{message}", where)
