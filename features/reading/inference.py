"""What the settings leave open, guessed from names and values; every guess is a sentence."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import (
    DEFAULT_UNANSWERED,
    FALSE_WORDS,
    TRUE_WORDS,
    AttributeSettings,
    AttributeType,
    Available,
    DatasetSettings,
    Group,
)
from features.reading.parsing import mask_of, to_floats, to_text
from features.reading.quarantine import Mask

TEXT_LENGTH = 80


FEW_LEVELS = 20


MANY_LEVELS = 200


TOO_MANY_LEVELS = 10_000


MOSTLY = 0.98


_GROUP_WORDS: tuple[tuple[Group, str], ...] = (
    (Group.BUDGET, r"budget|budgt|funding|funds|willingness|spending_limit"),
    (Group.AUTHORITY, r"authority|decision|decider|seniority|stakeholder|job_?title|role"),
    (Group.NEED, r"needs?|pains?|problem|requirements?|use_?case|challenge"),
    (Group.TIMELINE, r"timeline|timing|time_?frame|deadline|urgency|purchase_?date|horizon"),
    (Group.SOURCE, r"source|origin|medium|utm|referr?er|campaign|channel|hear"),
    (
        Group.FIT,
        r"industry|sector|company|comp|firm|employees?|size|revenue|country|region|city|"
        r"occupation|job|age|education",
    ),
)


_ID_NAME = re.compile(r"(^|[_ ])(id|uuid|guid|key|number|no|nr)$", re.IGNORECASE)


@dataclass
class Inference:
    """Collects the sentences, the settings found and the columns left out."""

    sentences: list[str] = field(default_factory=list)
    attributes: dict[str, AttributeSettings] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)

    def say(self, sentence: str) -> None:
        """Add a sentence once."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def leave_out(self, name: str, why: str) -> None:
        """Leave a column out, and say why."""
        self.left_out[name] = why
        self.say(f"{name}: left out: {why}")


def group_of(name: str) -> Group:
    """The group that a name speaks of.

    >>> group_of("Budgt_alloc").value, group_of("Lead Source").value, group_of("foo").value
    ('budget', 'source', 'other')
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    words = re.sub(r"[^a-z0-9]+", "_", words)
    for group, pattern in _GROUP_WORDS:
        if re.search(rf"(^|_)({pattern})(_|$)", words):
            return group
    return Group.OTHER


def blank_unanswered(
    name: str, column: pa.ChunkedArray, settings: DatasetSettings, found: Inference
) -> pa.ChunkedArray:
    """Turn the words of an unanswered form field into unknown; says so when it was a guess."""
    if not pa.types.is_string(column.type):
        return column
    guessed = settings.unanswered is None
    words = DEFAULT_UNANSWERED if settings.unanswered is None else settings.unanswered
    blank = pc.is_in(column, value_set=pa.array(words, pa.string()))
    if not pc.any(blank).as_py():
        return column
    if guessed:
        counts = pc.value_counts(column.filter(blank)).to_pylist()
        for each in sorted(counts, key=lambda c: str(c["values"])):
            word, rows = each["values"], each["counts"]
            found.say(f"{name}: {word!r} is read as unanswered ({rows:,} rows)")
    return pc.if_else(blank, pa.scalar(None, pa.string()), column)


def resolve_attribute(
    name: str, column: pa.ChunkedArray, settings: DatasetSettings, found: Inference, source: str
) -> AttributeType | None:
    """Find type, group and availability of one attribute; None if it is left out."""
    given = settings.attributes.get(name, AttributeSettings())
    if pa.types.is_nested(column.type) or pa.types.is_binary(column.type):
        found.leave_out(name, f"stored as {column.type}; expected numbers, words or yes and no")
        return None
    kind = given.type
    guesses = []
    if kind is None:
        kind, why = type_of(name, column)
        if kind is None:
            found.leave_out(name, why)
            return None
        if given.levels:
            kind, why = AttributeType.CATEGORY, "it has levels"
        guesses.append(f"type {kind.value} ({why})")
    group = given.group
    if group is None:
        group = group_of(name)
        guesses.append(f"group {group.value}")
    available = given.available
    if available is None:
        available = Available.ANSWERED if source == "answers" else Available.AT_CREATION
        guesses.append(f"available {available.value}")
    if guesses:
        found.say(f"{name}: inferred {', '.join(guesses)}")
    found.attributes[name] = AttributeSettings(
        type=kind, group=group, available=available, levels=given.levels
    )
    return kind


def type_of(name: str, column: pa.ChunkedArray) -> tuple[AttributeType | None, str]:
    """The type that the values suggest, and why; None for what is not scored."""
    kind = column.type
    if pa.types.is_boolean(kind):
        return AttributeType.BOOLEAN, "stored as true and false"
    if pa.types.is_temporal(kind):
        return None, "a date or time; make it an interaction or an answer with its moment"
    known = column.drop_null()
    if len(known) == 0:
        return AttributeType.NUMBER, "never known"
    numeric = not pa.types.is_string(kind)
    distinct = pc.count_distinct(known).as_py()
    if (
        distinct <= 2
        and set(_words(known)) <= {*TRUE_WORDS, *FALSE_WORDS}
        and (distinct == 2 or not _reads_as_number(known))
    ):
        return AttributeType.BOOLEAN, f"the values are {' and '.join(sorted(_words(known)))}"
    if numeric or _reads_as_number(known):
        if distinct == len(known) > FEW_LEVELS and _ID_NAME.search(name) and _whole(known):
            return None, "a different whole number for each lead: looks like an identifier"
        return AttributeType.NUMBER, "the values are numbers"
    return _word_type(known, distinct)


def _word_type(known: pa.ChunkedArray, distinct: int) -> tuple[AttributeType | None, str]:
    words, rows = _different(known)
    numbers, bad, infinite = to_floats(words)
    wrong = int(rows[bad | infinite].sum())
    if 1 - wrong / len(known) >= MOSTLY and pc.count_distinct(numbers).as_py() > FEW_LEVELS:
        return AttributeType.NUMBER, f"all but {wrong:,} values are numbers"
    length = pc.mean(pc.utf8_length(known)).as_py()
    share = distinct / len(known)
    if distinct > FEW_LEVELS and length > TEXT_LENGTH:
        return None, f"looks like free text ({length:.0f} characters on average)"
    if (
        (distinct > FEW_LEVELS and share > 0.5)
        or (distinct > MANY_LEVELS and share > 0.2)
        or distinct > TOO_MANY_LEVELS
    ):
        return None, f"looks like free text or an identifier ({distinct:,} different values)"
    if rows[_looks_like_time(words)].sum() / len(known) > MOSTLY:
        return None, "a date or time; make it an interaction or an answer with its moment"
    return AttributeType.CATEGORY, f"{distinct} different words"


def _words(known: pa.ChunkedArray) -> list[str]:
    return [str(word).lower() for word in to_text(pc.unique(known).cast(known.type)).to_pylist()]


def _reads_as_number(known: pa.ChunkedArray) -> bool:
    if not pa.types.is_string(known.type):
        return True
    _, bad, _ = to_floats(_different(known)[0])
    return not bool(bad.any())


def _different(known: pa.ChunkedArray) -> tuple[pa.ChunkedArray, npt.NDArray[np.int64]]:
    """The different words, each looked at once from here on, and in how many rows each stands."""
    counted = pc.value_counts(known)
    return pa.chunked_array([counted.field("values")]), counted.field("counts").to_numpy()


def _whole(known: pa.ChunkedArray) -> bool:
    numbers, _, _ = to_floats(known)
    return bool(pc.all(pc.equal(pc.floor(numbers), numbers)).as_py())


def _looks_like_time(words: pa.ChunkedArray) -> Mask:
    return mask_of(pc.match_substring_regex(words, r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$"))
