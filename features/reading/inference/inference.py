"""What the settings leave open, guessed from names and values; every guess is a sentence."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import DEFAULT_UNANSWERED, FALSE_WORDS, TRUE_WORDS, NumberSigns, words_of
from features.contract import (
    AttributeSettings,
    AttributeType,
    Available,
    DatasetSettings,
    Group,
    signs_of,
)
from features.reading.files.headers import toml_key
from features.reading.quarantine import Mask
from features.reading.values.number_signs import NumberColumn, number_column
from features.reading.values.numbers import to_floats
from features.reading.values.text import mask_of, to_text

TEXT_LENGTH = 80
FEW_LEVELS = 20
MANY_LEVELS = 200
TOO_MANY_LEVELS = 10_000
MOSTLY = 0.98
MAX_TRUTH_WORDS = 24
MAX_WORDS_LOOKED_AT = 20_000
MIN_SHARE_OF_SEVERAL = 0.2
MAX_PARTS = 100
MOST_WORDS_SHOWN = 6
_GROUP_WORDS: tuple[tuple[Group, str], ...] = (
    (
        Group.BUDGET,
        r"budget|budgt|funding|funds|willingness|spending_limit|"
        r"financement|enveloppe|moyens_financiers",
    ),
    (
        Group.AUTHORITY,
        r"authority|decision|decider|seniority|stakeholder|job_?title|role|"
        r"autorite|decideur|decisionnaire|fonction|poste|niveau_hierarchique|interlocuteur",
    ),
    (
        Group.NEED,
        r"needs?|pains?|problem|requirements?|use_?case|challenge|"
        r"besoins?|problemes?|exigences?|cas_d_usage|enjeux?",
    ),
    (
        Group.TIMELINE,
        r"timeline|timing|time_?frame|deadline|urgency|purchase_?date|horizon|"
        r"echeances?|delais?|calendrier|urgence|date_d_achat",
    ),
    (
        Group.SOURCE,
        r"source|origin|medium|utm|referr?er|campaign|channel|hear|"
        r"origine|provenance|campagne|canal|apporteur",
    ),
    (
        Group.FIT,
        r"industry|sector|company|comp|firm|employees?|size|revenue|country|region|city|"
        r"occupation|job|age|education|"
        r"secteur|entreprise|societe|effectifs?|taille|chiffre_d_affaires|pays|ville|"
        r"departement|code_postal|metier|profession|formation|salaries",
    ),
)
"""Words in the names of columns, without accents: English, then French."""


_ID_NAME = re.compile(r"(^|[_ ])(id|uuid|guid|key|number|no|nr)$", re.IGNORECASE)


@dataclass
class Inference:
    """Collects the sentences, the settings found and the columns left out."""

    sentences: list[str] = field(default_factory=list)
    attributes: dict[str, AttributeSettings] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    losses: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    signs: dict[str, NumberSigns] = field(default_factory=dict)

    def say(self, sentence: str) -> None:
        """Add a sentence once."""
        if sentence not in self.sentences:
            self.sentences.append(sentence)

    def lose(self, sentence: str) -> None:
        """Add a loss once: it is told before anything else."""
        if sentence not in self.losses:
            self.losses.append(sentence)

    def ask(self, question: str) -> None:
        """Add what must be declared before the data can be read."""
        if question not in self.questions:
            self.questions.append(question)

    def leave_out(self, name: str, why: str) -> None:
        """Leave a column out, and say why."""
        self.left_out[name] = why
        self.say(f"{name}: left out: {why}")


def group_of(name: str) -> Group:
    """The group that a name speaks of.

    >>> group_of("Budgt_alloc").value, group_of("Lead Source").value, group_of("foo").value
    ('budget', 'source', 'other')
    >>> [group_of(name).value for name in ("Pays", "Secteur d'activité", "Effectif", "Échéance")]
    ['fit', 'fit', 'fit', 'timeline']
    """
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()
    letters = unicodedata.normalize("NFKD", words)
    words = "".join(letter for letter in letters if not unicodedata.combining(letter))
    words = re.sub(r"[^a-z0-9]+", "_", words)
    for group, pattern in _GROUP_WORDS:
        if re.search(rf"(^|_)({pattern})(_|$)", words):
            return group
    return Group.OTHER


COST_NAME = re.compile(
    r"((acquisition|lead|click|campaign|marketing|media|ads?)_(costs?|spend)"
    r"|costs?(_(per|of|by)_(lead|click|acquisition))?|cac|cpl|cpa|cpc"
    r"|couts?(_(d_acquisition|acquisition|du_lead|par_lead))?)(_(eur|euros?|usd|gbp|chf))?"
)
"""Names of numbers that say what it cost to get a lead."""


def is_cost(name: str) -> bool:
    """Whether a number of this name is what it cost to get the lead.

    >>> [is_cost(n) for n in ("acquisition_cost", "Cost per lead", "cost_of_living")]
    [True, True, False]
    """
    return COST_NAME.fullmatch(_plain_words(name)) is not None


def _plain_words(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().replace("û", "u")
    return re.sub(r"[^a-z0-9]+", "_", words).strip("_")


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
    declared = _declared_signs(given, settings)
    if kind is None:
        kind, why = type_of(name, column, declared, found)
        if kind is None:
            found.leave_out(name, why)
            found.lose(f"{name}: left out: {why}{_way_in(name, column, declared)}")
            return None
        if given.levels:
            kind, why = AttributeType.CATEGORY, "it has levels"
        guesses.append(f"type {kind.value} ({why})")
    group = given.group
    if group is None:
        group = group_of(name)
        if kind is AttributeType.NUMBER and is_cost(name):
            group = Group.COST
        note = " (never learned from)" if group is Group.COST else ""
        guesses.append(f"group {group.value}{note}")
    available = given.available
    if available is None:
        available = Available.ANSWERED if source == "answers" else Available.AT_CREATION
        guesses.append(f"available {available.value}")
    if guesses:
        found.say(f"{name}: inferred {', '.join(guesses)}")
    signs = found.signs.get(name)
    found.attributes[name] = AttributeSettings(
        type=kind,
        group=group,
        available=available,
        levels=given.levels,
        part_of=given.part_of,
        multiple=given.multiple,
        decimal=given.decimal if signs is None else signs.decimal,
        thousands=given.thousands if signs is None else signs.thousands,
    )
    return kind


def _declared_signs(given: AttributeSettings, settings: DatasetSettings) -> NumberSigns | None:
    """The signs of numbers that somebody declared for the attribute, or for all."""
    table = settings.of_table("leads")
    if given.decimal is None and given.thousands is None and not (table.decimal or table.thousands):
        return None
    return signs_of(given, table)


def type_of(
    name: str,
    column: pa.ChunkedArray,
    declared: NumberSigns | None = None,
    found: Inference | None = None,
) -> tuple[AttributeType | None, str]:
    """The type that the values suggest, and why; None for what is not scored.

    ``declared``: the signs of numbers. ``found`` is told the signs that were found, and what must
    be asked because numbers could mean two things.
    """
    found = found if found is not None else Inference()
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
    if distinct <= MAX_TRUTH_WORDS and _all_truths(known, distinct):
        return AttributeType.BOOLEAN, f"the values are {' and '.join(sorted(set(_words(known))))}"
    if not numeric and _reads_as_number(known):
        _check_points(name, known, declared, found)
    if numeric or _reads_as_number(known):
        if distinct == len(known) > FEW_LEVELS and _ID_NAME.search(name) and _whole(known):
            return None, "a different whole number for each lead: looks like an identifier"
        return AttributeType.NUMBER, "the values are numbers"
    return _word_type(name, known, distinct, declared, found)


def _check_points(
    name: str, known: pa.ChunkedArray, declared: NumberSigns | None, found: Inference
) -> None:
    """Ask where every point of a column could as well stand between thousands."""
    words = _different(known)[0].filter(pc.match_substring(_different(known)[0], "."))
    if len(words) and declared is None:
        plain = _different(known)[0].slice(0, MAX_WORDS_LOOKED_AT).to_pylist()
        seen = number_column(name, dict.fromkeys(plain, 1), None)
        if seen is not None and seen.question is not None:
            found.ask(seen.question)


def _rows_of(known: pa.ChunkedArray) -> dict[str, int]:
    words, rows = _different(known)
    return dict(zip(words.to_pylist(), rows.tolist(), strict=True))


def _word_type(
    name: str,
    known: pa.ChunkedArray,
    distinct: int,
    declared: NumberSigns | None,
    found: Inference,
) -> tuple[AttributeType | None, str]:
    words, rows = _different(known)
    numbers = number_column(name, _rows_of(known), declared)
    if numbers is not None and _is_number_column(numbers, distinct):
        wrong = sum(n for _, n in numbers.spoilers)
        if numbers.question is not None:
            found.ask(numbers.question)
        for note in numbers.notes:
            found.say(note)
        for doubt in numbers.doubts:
            found.lose(doubt)
        if declared is None and not numbers.signs.plain:
            found.signs[name] = numbers.signs
        return AttributeType.NUMBER, f"all but {wrong:,} values are numbers" if wrong else (
            "the values are numbers"
        )
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
    _tell_dates_of_ranges(name, words, found)
    return AttributeType.CATEGORY, f"{distinct} different words"


def _tell_dates_of_ranges(name: str, words: pa.ChunkedArray, found: Inference) -> None:
    """Say where a spreadsheet made dates of some ranges: ``01-Oct`` of ``1-10``."""
    texts = words.to_pylist()
    dates = [w for w in texts if _DATE_OF_RANGE.fullmatch(w)]
    if dates and any(_RANGE.fullmatch(w) for w in texts):
        found.lose(
            f"{name}: {', '.join(map(repr, dates[:4]))} look like ranges that a spreadsheet turned "
            "into dates (1-10 into 01-Oct); they stay words of their own; export again, with the "
            "column as text"
        )


_RANGE = re.compile(r"\d+\s*(?:-|–|to|à|bis)\s*\d+")
_DATE_OF_RANGE = re.compile(r"\d{1,2}-[^\W\d_]{3,4}\.?|[^\W\d_]{3,4}\.?-\d{2}")


def _is_number_column(numbers: NumberColumn, distinct: int) -> bool:
    if numbers.share == 1.0:
        return True
    return numbers.share >= MOSTLY and distinct - len(numbers.spoilers) > FEW_LEVELS


def _way_in(name: str, column: pa.ChunkedArray, declared: NumberSigns | None) -> str:
    """How a column that is left out could be used: the words that spoil it, or how to split it."""
    if not pa.types.is_string(column.type):
        return ""
    known = column.drop_null()
    key = toml_key(name)
    numbers = number_column(name, _rows_of(known), declared)
    if numbers is not None and numbers.spoilers:
        shown = ", ".join(f"{w!r} ({n:,} rows)" for w, n in numbers.spoilers[:MOST_WORDS_SHOWN])
        words = ", ".join(f'"{w}"' for w, _ in numbers.spoilers[:MOST_WORDS_SHOWN])
        return (
            f". {numbers.share:.0%} of its values are numbers; these words are not: "
            f"{shown}. If they "
            f"mean unknown, say unanswered = [{words}] in dataset.toml"
        )
    sign = several_words(known)
    if sign is not None:
        example = next(v for v in known.to_pylist() if sign in v)
        return (
            f'. Values such as {example[:60]!r} hold several words; say multiple = "{sign}" in '
            f"[attributes.{key}] of dataset.toml to split them into yes and no"
        )
    return f'. type = "category" in [attributes.{key}] of dataset.toml keeps it'


def several_words(known: pa.ChunkedArray) -> str | None:
    """The sign between words, where many values hold several out of few different ones; or None."""
    words, rows = _different(known)
    texts = words.to_pylist()[:MAX_WORDS_LOOKED_AT]
    for sign in (";", "|", ","):
        share = sum(n for w, n in zip(texts, rows.tolist(), strict=False) if sign in w) / len(known)
        parts = {part for w in texts for part in words_of(w, sign)}
        if (
            share >= MIN_SHARE_OF_SEVERAL
            and 1 < len(parts) <= MAX_PARTS
            and len(parts) < len(texts)
        ):
            return sign
    return None


def _all_truths(known: pa.ChunkedArray, distinct: int) -> bool:
    """Whether the values are words of yes and of no; two numbers alone are 0 and 1."""
    words = set(_words(known))
    if not words <= {*TRUE_WORDS, *FALSE_WORDS}:
        return False
    both = bool(words & TRUE_WORDS) and bool(words & FALSE_WORDS)
    return distinct == 2 or (both and distinct > 2) or not _reads_as_number(known)


def _words(known: pa.ChunkedArray) -> list[str]:
    return [str(word).lower() for word in to_text(pc.unique(known).cast(known.type)).to_pylist()]


def _reads_as_number(known: pa.ChunkedArray) -> bool:
    """Whether all values are numbers as programs write them, and none is a code such as 01000.

    Neither are telephone numbers, ``+33612345678``.
    """
    if not pa.types.is_string(known.type):
        return True
    words = _different(known)[0]
    if pc.any(pc.match_substring_regex(words, r"^(0\d|\+\d{7,})")).as_py():
        return False
    try:
        words.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def _different(known: pa.ChunkedArray) -> tuple[pa.ChunkedArray, npt.NDArray[np.int64]]:
    """The different words, each looked at once from here on, and in how many rows each stands."""
    counted = pc.value_counts(known)
    return pa.chunked_array([counted.field("values")]), counted.field("counts").to_numpy()


def _whole(known: pa.ChunkedArray) -> bool:
    numbers, _, _ = to_floats(known)
    return bool(pc.all(pc.equal(pc.floor(numbers), numbers)).as_py())


def _looks_like_time(words: pa.ChunkedArray) -> Mask:
    return mask_of(pc.match_substring_regex(words, r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$"))
