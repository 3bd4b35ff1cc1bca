"""What is wrong with a scorecard as a whole, on plain data, so that all of it is said at once.

Two kinds of faults: a card that means nothing (names used twice, unknown groups, an attribute read
as words and as a number), and rules that no lead can ever match.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from math import ceil
from typing import Any, NamedTuple

Row = Mapping[str, Any]

LISTS = ("rules", "exclusions")

ANY = "any"


class CardFault(NamedTuple):
    """What is wrong, and where: a list of the card, a position in it, and a key."""

    table: str
    position: int
    key: str
    message: str


def card_faults(data: Row) -> Iterator[CardFault]:
    """Faults between the rules of a card; whatever is no table or list is passed over."""
    yield from _name_faults(data)
    yield from _type_faults(data)
    yield from _group_faults(data)


def never_matching(data: Row) -> Iterator[CardFault]:
    """Rules and exclusions that cannot match any lead, each with the key that makes it so."""
    for table, position, row in _rows(data):
        for key, message in _never(row):
            yield CardFault(table, position, key, f"can never match: {message}")


def _rows(data: Row) -> Iterator[tuple[str, int, Row]]:
    for table in LISTS:
        rows = data.get(table, ())
        if isinstance(rows, Sequence) and not isinstance(rows, str):
            for position, row in enumerate(rows):
                if isinstance(row, Mapping):
                    yield table, position, row


def _terms(row: Row, key: str) -> list[Row]:
    """The further conditions of ``and`` or ``not``; one alone or a list of them."""
    given = row.get(key, ())
    given = [given] if isinstance(given, Mapping) else given
    return [term for term in given if isinstance(term, Mapping)] if _is_list(given) else []


def _is_list(value: object) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _words(row: Row, key: str) -> tuple[Any, ...]:
    value = row.get(key, ())
    return tuple(value) if _is_list(value) else (value,)


def _conditions(row: Row) -> list[Row]:
    return [row, *_terms(row, "and"), *_terms(row, "not")]


def _name_faults(data: Row) -> Iterator[CardFault]:
    seen: set[object] = set()
    for table, position, row in _rows(data):
        name = row.get("name")
        if isinstance(name, str):
            if name in seen:
                yield CardFault(table, position, "name", f"{name!r} is used twice")
            seen.add(name)


def _group_faults(data: Row) -> Iterator[CardFault]:
    groups = data.get("groups", {})
    known = ", ".join(sorted(map(str, groups))) if isinstance(groups, Mapping) else ""
    for table, position, row in _rows(data):
        group = row.get("group")
        if table == "rules" and isinstance(group, str) and group not in groups:
            message = f"unknown group {group!r}; [groups.…] has: {known or 'none'}"
            yield CardFault(table, position, "group", message)


def _type_faults(data: Row) -> Iterator[CardFault]:
    """A category has words, a number ranges: an attribute cannot be read as both."""
    every = [c for _, _, row in _rows(data) for c in _conditions(row)]
    as_words = {
        str(c.get("attribute"))
        for c in every
        if any(isinstance(v, str) for v in (*_words(c, "is"), *_words(c, "contains")))
    }
    for table, position, row in _rows(data):
        for condition in _conditions(row):
            key = next((k for k in ("at_least", "below") if condition.get(k) is not None), None)
            if key and condition.get("attribute") in as_words:
                name = condition["attribute"]
                message = f"{name!r} is compared with words elsewhere, with a number here"
                yield CardFault(table, position, key, message)


def _never(row: Row) -> Iterator[tuple[str, str]]:
    held, barred = [row, *_terms(row, "and")], _terms(row, "not")
    for condition in held:
        key = "and" if condition is not row else None
        for own, message in _never_alone(condition):
            yield key or own, message
    for one, other in combinations(held, 2):
        message = _apart(one, other) or _apart(other, one)
        if message:
            yield "and", message
    for term in barred:
        if any(_bare(term) == _bare(condition) for condition in held):
            yield "not", "the same condition must hold and must not"


def _bare(row: Row) -> dict[str, Any]:
    """A condition without what does not belong to it (name, points, group, terms)."""
    own = ("attribute", "is", "contains", "known", "interaction", "at_least", "below",
           "within_days", "inactive_days", "minutes_at_least", "without")  # fmt: skip
    one_or_more = ("is", "contains", "interaction", "without")
    found = {key: row[key] for key in own if row.get(key) is not None}
    return {k: tuple(_words(found, k)) if k in one_or_more else v for k, v in found.items()}


def _number(row: Row, key: str) -> float | None:
    value = row.get(key)
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number else None  # type: ignore[arg-type]


def _never_alone(row: Row) -> Iterator[tuple[str, str]]:
    if not row.get("interaction"):
        return
    least, below = max(_number(row, "at_least") or 1.0, 1.0), _number(row, "below")
    if below is not None and ceil(least) >= below and below > (_number(row, "at_least") or 0.0):
        yield (
            "below",
            (
                f"no whole number is at least {least:g} and below {below:g}; "
                'for "none at all" write inactive_days, or not = {interaction = …}'
            ),
        )
    both = set(map(str, _words(row, "interaction"))) & set(map(str, _words(row, "without")))
    if both and len(_words(row, "interaction")) == len(both):
        yield "without", f"{sorted(both)[0]!r} must be there and must not"


def _apart(one: Row, other: Row) -> str:
    """Why two conditions cannot hold together; empty where they can."""
    if one.get("attribute") and one.get("attribute") == other.get("attribute"):
        return _values_apart(one, other)
    days, window = _number(other, "inactive_days"), _number(one, "within_days")
    if one.get("interaction") and days is not None and window is not None and window <= days:
        silent, active = set(_words(other, "interaction")), set(_words(one, "interaction"))
        if ANY in silent or active <= silent:
            return f"something within {window:g} days, and nothing for {days:g} days"
    return ""


def _values_apart(one: Row, other: Row) -> str:
    name = one["attribute"]
    if False in (one.get("known"), other.get("known")) and one.get("known") != other.get("known"):
        return f"{name!r} is unknown and known at once"
    values, others = set(_words(one, "is")), set(_words(other, "is"))
    if values and others and not values & others:
        return f"{name!r} has one value at a time"
    low = max(_number(c, "at_least") or float("-inf") for c in (one, other))
    high = min(
        float("inf") if (below := _number(c, "below")) is None else below for c in (one, other)
    )
    return f"no {name!r} is in both ranges" if high <= low else ""
