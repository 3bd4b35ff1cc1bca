"""The type that the values of a column suggest."""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import FALSE_WORDS, TRUE_WORDS, NumberSigns, listed_words
from features.contract import AttributeType
from features.language.plural import plural
from features.reading.files.headers import toml_key
from features.reading.inference.inference import Inference
from features.reading.quarantine import Mask
from features.reading.values.number_signs import NumberColumn, number_column
from features.reading.values.numbers import to_floats
from features.reading.values.text import mask_of, to_text

MIN_CHARACTERS_OF_TEXT = 80
MAX_LEVELS_ALWAYS_KEPT = 20
MAX_LEVELS_OF_RARE_WORDS = 200
MAX_LEVELS = 10_000
MIN_SHARE_OF_ONE_TYPE = 0.98
MAX_TRUTH_WORDS = 24
MAX_WORDS_EXAMINED = 20_000
MIN_SHARE_OF_SEVERAL = 0.2
MAX_PARTS = 100
_ID_NAME = re.compile(r"(^|[_ ])(id|uuid|guid|key|number|no|nr)$", re.IGNORECASE)


def type_of(
    name: str,
    column: pa.ChunkedArray,
    declared: NumberSigns | None = None,
    found: Inference | None = None,
    units: tuple[tuple[str, float], ...] = (),
) -> tuple[AttributeType | None, str]:
    """The type that the values suggest, and why; None for what is not scored.

    ``declared``: the signs of numbers. ``units``: words beside them. ``found`` takes the signs
    that were found, and what must be asked because numbers could mean two things.
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
        if (
            distinct == len(known) > MAX_LEVELS_ALWAYS_KEPT
            and _ID_NAME.search(name)
            and _whole(known)
        ):
            return None, "a different whole number for each lead: looks like an identifier"
        return AttributeType.NUMBER, "the values are numbers"
    return _word_type(name, known, distinct, declared, found, units)


def _check_points(
    name: str, known: pa.ChunkedArray, declared: NumberSigns | None, found: Inference
) -> None:
    """Ask where every point of a column could as well stand between thousands."""
    words = distinct_words(known)[0].filter(pc.match_substring(distinct_words(known)[0], "."))
    if len(words) and (declared is None or "." not in declared.decimal):
        plain = distinct_words(known)[0].slice(0, MAX_WORDS_EXAMINED).to_pylist()
        seen = number_column(name, dict.fromkeys(plain, 1), declared)
        if seen is not None and seen.question is not None:
            found.ask(_or_here(seen.question, name))


def _or_here(question: str, name: str) -> str:
    """The question, with where its key is written if it holds for one attribute alone."""
    return f"{question} (for this column alone in [attributes.{toml_key(name)}])"


def rows_of_words(known: pa.ChunkedArray) -> dict[str, int]:
    """In how many rows each different word stands."""
    words, rows = distinct_words(known)
    return dict(zip(words.to_pylist(), rows.tolist(), strict=True))


def _word_type(
    name: str,
    known: pa.ChunkedArray,
    distinct: int,
    declared: NumberSigns | None,
    found: Inference,
    units: tuple[tuple[str, float], ...],
) -> tuple[AttributeType | None, str]:
    words, rows = distinct_words(known)
    numbers = number_column(name, rows_of_words(known), declared, units)
    if numbers is not None and numbers.unit_question is not None:
        here = f'type = "category" in [attributes.{toml_key(name)}] if these are words'
        found.ask(f"{numbers.unit_question} ({here})")
    asked_at_once = declared is not None or (numbers is not None and numbers.unit_question)
    if numbers is not None and asked_at_once and numbers.question is not None:
        found.ask(_or_here(numbers.question, name))
    elif numbers is not None and _is_number_column(numbers, distinct):
        wrong = sum(n for _, n in numbers.spoilers)
        if numbers.question is not None:
            found.ask(_or_here(numbers.question, name))
        for note in numbers.notes:
            found.say(note)
        for doubt in numbers.doubts:
            found.lose(doubt)
        if declared is None and not numbers.signs.plain:
            found.signs[name] = numbers.signs
        return AttributeType.NUMBER, plural(
            wrong, "all but {n:,} value are numbers", "all but {n:,} values are numbers"
        ) if wrong else ("the values are numbers")
    length = pc.mean(pc.utf8_length(known)).as_py()
    share = distinct / len(known)
    if distinct > MAX_LEVELS_ALWAYS_KEPT and length > MIN_CHARACTERS_OF_TEXT:
        return None, f"looks like free text ({length:.0f} characters on average)"
    if (
        (distinct > MAX_LEVELS_ALWAYS_KEPT and share > 0.5)
        or (distinct > MAX_LEVELS_OF_RARE_WORDS and share > 0.2)
        or distinct > MAX_LEVELS
    ):
        return None, f"looks like free text or an identifier ({distinct:,} different values)"
    if rows[_looks_like_time(words)].sum() / len(known) > MIN_SHARE_OF_ONE_TYPE:
        return None, "a date or time; make it an interaction or an answer with its moment"
    _report_dates_of_ranges(name, words, found)
    _report_spoiled_letters(name, words, found)
    return AttributeType.CATEGORY, plural(distinct, "{n:,} different word", "{n:,} different words")


def _report_dates_of_ranges(name: str, words: pa.ChunkedArray, found: Inference) -> None:
    """Say where a spreadsheet made dates of some ranges: ``01-Oct`` of ``1-10``."""
    texts = words.to_pylist()
    dates = [w for w in texts if _DATE_OF_RANGE.fullmatch(w)]
    if dates and any(_RANGE.fullmatch(w) for w in texts):
        found.lose(
            f"{name}: {', '.join(map(repr, dates[:4]))} look like ranges that a spreadsheet turned "
            "into dates (1-10 into 01-Oct); they stay words of their own; export again, with the "
            "column as text"
        )


def _report_spoiled_letters(name: str, words: pa.ChunkedArray, found: Inference) -> None:
    """Say where letters were lost or spoiled by an earlier program: ``\ufffd``, ``Ã©``."""
    for pattern in (_LOST, _WRONG_ENCODING):
        met = mask_of(pc.match_substring_regex(words, pattern))
        if met.any():
            word = str(words.filter(pa.array(met))[0].as_py())
            why = (
                "a program replaced because it could not read them" if pattern is _LOST
                else "were read in the wrong encoding and written again (Ã© for é)"
            )  # fmt: skip
            found.lose(
                f"{name}: values such as {word[:40]!r} hold letters that {why}; they stay words of "
                "their own; export again as UTF-8"
            )


_LOST = "\ufffd"
_WRONG_ENCODING = (
    "[\u00c2\u00c3\u00c5][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192"
    "\u02c6\u02dc\u2013-\u2122]"
)
"""The bytes of one letter of UTF-8 as two letters of Windows-1252."""
_RANGE = re.compile(r"\d+\s*(?:-|–|to|à|bis)\s*\d+")
_DATE_OF_RANGE = re.compile(r"\d{1,2}-[^\W\d_]{3,4}\.?|[^\W\d_]{3,4}\.?-\d{2}")


def _is_number_column(numbers: NumberColumn, distinct: int) -> bool:
    if numbers.share == 1.0:
        return True
    return (
        numbers.share >= MIN_SHARE_OF_ONE_TYPE
        and distinct - len(numbers.spoilers) > MAX_LEVELS_ALWAYS_KEPT
    )


def several_words(known: pa.ChunkedArray) -> str | None:
    """The sign between words, where many values hold several out of few different ones; or None."""
    words, rows = distinct_words(known)
    texts = words.to_pylist()[:MAX_WORDS_EXAMINED]
    for sign in (";", "|", "\n", ","):
        share = sum(n for w, n in zip(texts, rows.tolist(), strict=False) if sign in w) / len(known)
        parts = {part for w in texts for part in listed_words(w, sign)}
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
    words = distinct_words(known)[0]
    if pc.any(pc.match_substring_regex(words, r"^(0\d|\+\d{7,})")).as_py():
        return False
    try:
        words.cast(pa.float64())
    except pa.ArrowInvalid:
        return False
    return True


def distinct_words(known: pa.ChunkedArray) -> tuple[pa.ChunkedArray, npt.NDArray[np.int64]]:
    """The different words, each looked at once from here on, and in how many rows each stands."""
    counted = pc.value_counts(known)
    return pa.chunked_array([counted.field("values")]), counted.field("counts").to_numpy()


def _whole(known: pa.ChunkedArray) -> bool:
    numbers, _, _ = to_floats(known)
    return bool(pc.all(pc.equal(pc.floor(numbers), numbers)).as_py())


def _looks_like_time(words: pa.ChunkedArray) -> Mask:
    return mask_of(pc.match_substring_regex(words, r"^\d{4}-\d\d-\d\d([T ]\d\d:\d\d.*)?$"))
