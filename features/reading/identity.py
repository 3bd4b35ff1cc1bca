"""Which ids are the same lead, and why ids of two tables do not meet."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from features.contract import IdRule

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
    (None, "one side holds extra signs or blanks", lambda t: re.sub(r"[^A-Za-z0-9]", "", t)),
)  # fmt: skip


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
            sentence = (
                f"{len(met):,} of {len(missing):,} unknown ids would meet a lead ({here!r} here, "
                f"{there!r} in leads): {why}{says}"
            )
            best = Mismatch(rule, len(met), sentence)
    return best


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
