"""How much the model knows of this lead, in words: computed from the same arrays it scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from features.cleaning import Cleaning
from features.contract import ACCOUNT_ATTRIBUTES, AttributeType
from features.histories.arrays import NO_TIME, Histories
from features.histories.from_records import Value
from features.language.language import ENGLISH, Language
from features.vectors.compile import FIXED_STREAMS
from features.vectors.compute import encode_value
from features.vectors.sentences import humanize_name
from features.vectors.spec import AttributeSpec, FeatureSpec
from scoring.extrapolation import extrapolation_limit_us, oldest_learned_days
from serving.messages.scores import ScoreRequest
from serving.problems import FieldError, Problem

LITTLE_KNOWN = 0.5
"""Below this share of the model's attributes known, a score rests on little evidence."""


@dataclass(frozen=True)
class InputSchema:
    """Attributes and kinds that a release knows, computed once from its specification."""

    attributes: Mapping[str, AttributeSpec]
    codes: Mapping[str, dict[str, float]]
    kinds: frozenset[str]
    counts_interactions: bool
    oldest_days: float | None

    @cached_property
    def spellings(self) -> dict[str, str]:
        """The attributes' names by themselves without case."""
        return {name.casefold(): name for name in self.attributes}

    def check(self, request: ScoreRequest) -> None:
        """A 422 for each value that cannot be read as the type the model knows.

        The path names the attribute as the release spells it, never its value.
        """
        wrong = self._other_spellings(request)
        wrong += [
            FieldError(f"$.attributes.{name}", f"expected a {spec.type.value} or null")
            for name, spec in self.attributes.items()
            if not _readable(spec, request.attributes.get(name))
        ]
        for i, prediction in enumerate(request.answers):
            spec = self.attributes.get(prediction.attribute)
            if spec is not None and not _readable(spec, prediction.value):
                wrong.append(FieldError(f"$.answers[{i}].value", f"expected a {spec.type.value}"))
        if wrong:
            raise Problem(
                422, "invalid-request",
                "An attribute is not as this release was trained on it.", errors=wrong[:20],
            )  # fmt: skip

    def _other_spellings(self, request: ScoreRequest) -> list[FieldError]:
        """Names that differ from the release's in capital letters alone: passing over them would
        lose what they say without a word."""
        known = self.attributes
        wrong = []
        for name in request.attributes:
            spelled = None if name in known else self.spellings.get(name.casefold())
            if spelled is not None:
                wrong.append(FieldError("$.attributes", _OTHER_SPELLING.format(name=spelled)))
        for i, answer in enumerate(request.answers):
            spelled = None
            if answer.attribute not in known:
                spelled = self.spellings.get(answer.attribute.casefold())
            if spelled is not None:
                at = f"$.answers[{i}].attribute"
                wrong.append(FieldError(at, _OTHER_SPELLING.format(name=spelled)))
        return wrong


_OTHER_SPELLING = "this attribute is written {name}, in these capital and small letters"


def input_schema(spec: FeatureSpec, data: Mapping[str, Any]) -> InputSchema:
    """What a specification expects; ``data``: the release's record of what it learned from.

    A kind without a column of its own is known if it was learned from among all interactions.
    """
    counted = [f.topic for f in spec.features if f.source == "interactions"]
    return InputSchema(
        attributes={a.name: a for a in spec.attributes},
        codes={
            a.name: {level: float(i) for i, level in enumerate(a.levels)} for a in spec.attributes
        },
        kinds=frozenset(counted) - set(FIXED_STREAMS)
        | {*spec.outbound_kinds, *spec.excluded_kinds, *data.get("kinds", ())},
        counts_interactions=bool(counted),
        oldest_days=oldest_learned_days(data),
    )


def _readable(spec: AttributeSpec, value: Value) -> bool:
    """Whether a value is unknown or what the release takes it for; ``N/A`` is unknown, as in files.

    Of a release without rules of its own, blanks alone are.
    """
    if value is None or value == "" or spec.type == AttributeType.CATEGORY:
        return True
    if isinstance(value, str):
        rules = Cleaning(unknown=()) if spec.cleaning is None else spec.cleaning
        if rules.word(value) is None:
            return True
    if spec.type == AttributeType.NUMBER and isinstance(value, bool):
        return False
    number = encode_value(spec, {}, value)
    return number == number and (spec.type == AttributeType.NUMBER or number in (0.0, 1.0))


def range_note(names: Sequence[str], language: Language = ENGLISH) -> str:
    """That these features are beyond what the model learned from.

    >>> range_note(["any.count_all", "a", "b", "c", "d"])
    'beyond what was learned from, and held to it: any.count_all, a, b and 2 more'
    """
    shown, more = ", ".join(names[:3]), len(names) - 3
    if more <= 0:
        text = language.gettext("beyond what was learned from, and held to it: {features}")
        return text.format(features=shown)
    text = language.ngettext(
        "beyond what was learned from, and held to it: {features} and {n} more",
        "beyond what was learned from, and held to it: {features} and {n} more",
        more,
    )
    return text.format(features=shown, n=more)


def evidence_notes(
    expected: InputSchema,
    histories: Histories,
    row: int,
    as_of_us: int,
    language: Language = ENGLISH,
) -> list[str]:
    """Why the evidence on one of the leads is thin, a sentence each; empty when it is not."""
    notes = []
    if expected.counts_interactions:
        notes += _on_interactions(expected.kinds, histories, row, as_of_us, language)
    if _account_is_silent(expected, histories, row):
        notes.append(
            language.gettext(
                "the account's other leads are not given, though the model uses them: send "
                "account_leads and so on as answers"
            )
        )
    unseen, unknown = _attribute_problems(expected, histories, row)
    if unseen:
        text = language.gettext("a value that the model has seldom or never seen: {attributes}")
        names = ", ".join(humanize_name(name, language) for name in unseen)
        notes.append(text.format(attributes=names))
    created_us = int(histories.created_at_us[row])
    oldest = expected.oldest_days
    if (
        oldest is not None
        and created_us != NO_TIME
        and as_of_us >= created_us + extrapolation_limit_us(oldest)
    ):
        text = language.ngettext(
            "older than any lead learned from ({n} day)",
            "older than any lead learned from ({n} days)",
            oldest,
        )
        notes.append(text.format(n=language.localized(f"{oldest:g}")))
    total = len(expected.attributes)
    if total and 1 - unknown / total < LITTLE_KNOWN:
        text = language.ngettext(
            "{n} of {total} attributes that the model uses is unknown",
            "{n} of {total} attributes that the model uses are unknown",
            unknown,
        )
        notes.append(text.format(n=unknown, total=total))
    return notes


def _on_interactions(
    known: frozenset[str], histories: Histories, row: int, as_of_us: int, language: Language
) -> list[str]:
    rows = histories.interactions
    first, last = rows.offsets[row : row + 2].tolist()
    seen = int(rows.at_us[first:last].searchsorted(as_of_us))
    if seen == 0:
        return [language.gettext("no interaction before as_of")]
    if known.issuperset(rows.kinds):
        return []
    foreign = [code for code, kind in enumerate(rows.kinds) if kind not in known]
    count = int(np.isin(rows.kind[first : first + seen], foreign).sum())
    if not count:
        return []
    text = language.ngettext(
        "{n} of {total} interactions is of a kind unknown to the model",
        "{n} of {total} interactions are of kinds unknown to the model",
        count,
    )
    return [text.format(n=count, total=seen)]


def _account_is_silent(expected: InputSchema, histories: Histories, row: int) -> bool:
    """Whether the model learned from the account's other leads, and the lead tells nothing of them.

    A request and the store know the lead alone; what its account did has to be sent.
    """
    names = set(ACCOUNT_ATTRIBUTES) & set(expected.attributes)
    if not names:
        return False
    answers = histories.answers
    first, last = answers.offsets[row : row + 2].tolist()
    told = {answers.attributes[code] for code in answers.attribute[first:last].tolist()}
    for name in names - told:
        column = histories.attributes.get(name)
        value = None if column is None else column[row]
        if value is not None and value == value:
            told.add(name)
    return not names & told


def _attribute_problems(
    expected: InputSchema, histories: Histories, row: int
) -> tuple[list[str], int]:
    """Names with a level the model has no column for, and how many attributes are unknown."""
    unseen, unknown = [], 0
    answers = histories.answers
    first, last = answers.offsets[row : row + 2].tolist()
    answered = {answers.attributes[code] for code in answers.attribute[first:last].tolist()}
    for name, spec in expected.attributes.items():
        column = histories.attributes.get(name)
        value = None if column is None else column[row]
        if value is None or value == "" or value != value:
            unknown += name not in answered
        elif spec.type == AttributeType.CATEGORY and spec.levels:
            code = encode_value(spec, expected.codes[name], value)
            unseen += [name] if code >= len(spec.levels) else []
    return unseen, unknown
