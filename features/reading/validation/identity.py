"""Which ids are the same lead, and why ids of two tables do not meet."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc

from features.contract import IdRule
from features.language.plural import plural

_SUFFIX = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_SALESFORCE_15 = re.compile(r"[A-Za-z0-9]{15}")
_SALESFORCE_18 = re.compile(r"[A-Za-z0-9]{15}[A-Z0-5]{3}")
_ROUNDED = re.compile(r"[+-]?\d([.,]\d+)?E\+?(\d{2,3})", re.IGNORECASE)
_WHOLE_AS_FLOAT = re.compile(r"([+-]?\d+)[.,]0+")
SAMPLE = 200_000
"""Ids that are compared, at most, to find out why they do not meet."""


def salesforce_suffix(first_15: str) -> str:
    """The three characters that Salesforce adds, which tell capital letters from small ones.

    >>> salesforce_suffix("00Q5e00000xYABA")
    'EA4'
    """
    return "".join(
        _SUFFIX[sum(1 << i for i, c in enumerate(first_15[start : start + 5]) if c.isupper())]
        for start in (0, 5, 10)
    )


def is_salesforce_18(text: str) -> bool:
    """Whether an id has 18 characters of which the last three fit the others."""
    return bool(_SALESFORCE_18.fullmatch(text)) and text[15:] == salesforce_suffix(text[:15])


def canonical_id(text: str, rule: IdRule) -> str:
    """What ids that are the same lead have in common.

    >>> canonical_id("00Q5e00000xYABAEA4", IdRule.SALESFORCE)
    '00Q5e00000xYABA'
    >>> canonical_id("12.0", IdRule.WHOLE_NUMBERS)
    '12'
    """
    if rule is IdRule.SALESFORCE:
        return text[:15] if is_salesforce_18(text) else text
    if rule is IdRule.WHOLE_NUMBERS:
        found = _WHOLE_AS_FLOAT.fullmatch(text)
        return found[1] if found else text
    if rule is IdRule.IGNORE_CASE:
        return unicodedata.normalize("NFC", text).casefold()
    if rule is IdRule.WITHOUT_LEADING_ZEROS:
        return text.lstrip("0") or "0"
    return text


def rounded(text: str) -> bool:
    """Whether an id was ruined by a spreadsheet: ``5.54023E+17`` stands for many ids.

    >>> rounded("5.54023E+17"), rounded("12"), rounded("1E5-A")
    (True, False, False)
    """
    found = _ROUNDED.fullmatch(text)
    return found is not None and int(found[2]) >= 5


_DATE_AS_ID = r"^(\d{4}-\d\d-\d\d( 00:00:00)?|\d{1,2}-[A-Za-z]{3}(-\d{2,4})?|[A-Z][a-z]{2}-\d{2})$"


def dates_among(ids: pa.ChunkedArray) -> tuple[int, str]:
    """How many ids are dates where others are not, as a spreadsheet makes them; and one of them."""
    dates = ids.filter(pc.match_substring_regex(ids, _DATE_AS_ID))
    if not len(dates) or len(dates) > 0.2 * len(ids):
        return 0, ""
    return len(dates), str(dates[0].as_py())


def rounded_sentence(file: str, example: str, rows: int) -> str:
    """Why such ids are refused, and what to do."""
    return (
        f"{file}: {rows:,} lead_ids such as {example!r} were rounded by a spreadsheet or a data "
        "frame: many leads share one, and the digits are lost; export again and open the file "
        "with the id column as text"
    )


@dataclass(frozen=True, slots=True)
class Mismatch:
    """Why ids do not meet those of leads: how many would under ``rule``, with an example."""

    rule: IdRule | None
    ids: int
    sentence: str


_CAUSES: tuple[tuple[IdRule | None, str, Callable[[str], str]], ...] = (
    (
        IdRule.SALESFORCE,
        "one has the 15, the other the 18 characters of Salesforce",
        lambda t: canonical_id(t, IdRule.SALESFORCE),
    ),
    (
        IdRule.WHOLE_NUMBERS,
        "whole numbers were written with a decimal point",
        lambda t: canonical_id(t, IdRule.WHOLE_NUMBERS),
    ),
    (
        IdRule.IGNORE_CASE,
        "they differ in capital letters or in the form of accents",
        lambda t: canonical_id(t, IdRule.IGNORE_CASE),
    ),
    (
        IdRule.WITHOUT_LEADING_ZEROS,
        "leading zeros were lost",
        lambda t: canonical_id(t, IdRule.WITHOUT_LEADING_ZEROS),
    ),
    (None, "one side holds extra signs or blanks", lambda t: _letters_and_digits(t)),
)  # fmt: skip


def _letters_and_digits(text: str) -> str:
    """Letters and digits alone, in small and usual forms: ``{A1-B2}`` and ``a1b2`` are alike."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c for c in plain if c.isalnum())


def _affix(missing: Sequence[str], known: Sequence[str]) -> Mismatch | None:
    """What one side's ids begin or end with and the other's do not, where it explains most."""
    for longer, shorter, where in ((known, missing, "leads"), (missing, known, "this table")):
        whole = set(longer)
        found: Counter[tuple[str, str]] = Counter()
        for short in shorter[:AFFIX_SHORT]:
            for long in longer[:AFFIX_LONG]:
                if len(short) >= MIN_AFFIXED and len(long) > len(short):
                    if long.endswith(short):
                        found[long[: -len(short)], ""] += 1
                    elif long.startswith(short):
                        found["", long[len(short) :]] += 1
        for (before, after), _ in found.most_common(1):
            met = [s for s in shorter if before + s + after in whole]
            if len(met) < max(2, 0.5 * min(len(missing), len(known))):
                continue
            way = f"begin with {before!r}" if before else f"end with {after!r}"
            return Mismatch(
                None, len(met), f"the ids of {where} {way}, and the others do not ({met[0]!r}); "
                "correct one side, or say it in a query (leads.sql)",
            )  # fmt: skip
    return None


AFFIX_SHORT, AFFIX_LONG, MIN_AFFIXED = 20, 5_000, 2
"""Ids that are looked at for what one side's begin with, and the shortest that are."""


def alike_ids(ids: pa.ChunkedArray) -> list[str]:
    """Sentences on ids of leads that differ in capital letters or in the form of letters alone.

    They are different leads; whoever sees two of them on a screen sees one. None where most ids
    differ so, as those of Salesforce with 15 characters do.
    """
    plain = pc.utf8_normalize(pc.utf8_lower(ids), "NFKC")
    counted = pc.value_counts(plain)
    twice = counted.field("values").filter(pc.greater(counted.field("counts"), 1))
    if not len(twice) or len(twice) > 0.2 * len(ids):
        return []
    rows = pc.is_in(plain, value_set=twice)
    pairs: dict[str, list[str]] = {}
    for own, same in zip(
        ids.filter(rows).to_pylist(), plain.filter(rows).to_pylist(), strict=True
    ):  # fmt: skip
        if own not in pairs.setdefault(same, []):
            pairs[same].append(own)
    differ = [each for each in pairs.values() if len(each) > 1]
    if not differ:
        return []
    forms = [e for e in differ if len({unicodedata.normalize("NFKC", i) for i in e}) < len(e)]
    shown = (forms or differ)[0]
    what = "the form of letters or accents" if forms else "capital letters"
    return [
        plural(
            len(differ),
            "{n:,} id is there twice, differing in {what} alone ({one} and {other}): they are read "
            "as different leads; if they are one, name the second in a table aliases (alias_id, "
            "lead_id)",
            "{n:,} ids are there twice, differing in {what} alone ({one} and {other}): they are "
            "read as different leads; if they are one, name the second in a table aliases "
            "(alias_id, lead_id)",
            what=what,
            one=ascii(shown[0]),
            other=ascii(shown[1]),
        )
    ]


def mismatch_of(unknown: Iterable[str], leads: Iterable[str]) -> Mismatch | None:
    """The likeliest reason why ids are not among those of leads; None if none is seen.

    >>> mismatch_of(["1.0", "4.0"], ["1", "4"]).rule.value
    'whole-numbers'
    """
    missing = sorted(set(unknown))[:SAMPLE]
    known = sorted(set(leads))[:SAMPLE]
    if not missing:
        return None
    best: Mismatch | None = None
    for rule, why, canonical in _CAUSES:
        index: dict[str, str] = {}
        for text in known:
            index.setdefault(canonical(text), text)
        met = [(text, index[canonical(text)]) for text in missing if canonical(text) in index]
        if met and (best is None or len(met) > best.ids):
            here, there = met[0]
            says = f'; say lead_ids = "{rule}" in dataset.toml' if rule else "; correct one side"
            sentence = plural(
                len(met),
                "{n:,} of {ids:,} unknown ids would meet a lead ({here!r} here, {there!r} in "
                "leads): {why}{says}",
                "{n:,} of {ids:,} unknown ids would meet leads ({here!r} here, {there!r} in "
                "leads): {why}{says}",
                ids=len(missing),
                here=here,
                there=there,
                why=why,
                says=says,
            )
            best = Mismatch(rule, len(met), sentence)
    return best or _rounded(missing, known) or _affix(missing, known) or _within(missing, known)


def _rounded(missing: Sequence[str], known: Sequence[str]) -> Mismatch | None:
    """Whether the unknown ids are what a spreadsheet made of long numbers."""
    met = [text for text in missing if rounded(text)]
    if len(met) <= len(missing) / 2 or any(rounded(text) for text in known):
        return None
    sentence = (
        f"unknown ids such as {met[0]!r} were rounded by a spreadsheet ({known[0]!r} in leads): "
        "the digits are lost; export again, and open the file with the id column as text"
    )
    return Mismatch(None, len(met), sentence)


def _within(missing: Sequence[str], known: Sequence[str]) -> Mismatch | None:
    """Whether the unknown ids are longer texts, such as addresses, that hold an id of leads."""
    ids = frozenset(known)
    met = [
        (text, part)
        for text in missing
        for part in re.split(r"[/?&=#:,;|\s]+", text)
        if part in ids and part != text
    ]
    if len(met) <= len(missing) / 2:
        return None
    text, part = met[0]
    sentence = (
        f"unknown ids hold one of leads within a longer text ({part!r} in {text!r}); export the id "
        "alone, or take it out with a query (.sql)"
    )
    return Mismatch(None, len(met), sentence)


def renamed_ids(unknown: Iterable[str], leads: Iterable[str], rule: IdRule) -> Mapping[str, str]:
    """Ids that under a rule are a lead's, to the id that the lead has in leads.

    An id that could be two leads is not among them.
    """
    index: dict[str, str | None] = {}
    for text in leads:
        key = canonical_id(text, rule)
        index[key] = None if index.get(key, text) != text else text
    found = {text: index.get(canonical_id(text, rule)) for text in set(unknown)}
    return {text: lead for text, lead in found.items() if lead is not None}
