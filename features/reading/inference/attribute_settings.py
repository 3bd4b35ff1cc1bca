"""The type, group and availability of one attribute: as declared, else inferred."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import DEFAULT_UNANSWERED, NumberSigns
from features.contract import AttributeType, Available, Group
from features.dataset_settings import AttributeSettings, DatasetSettings, signs_of
from features.language.plural import plural
from features.reading.files.headers import toml_key
from features.reading.inference.attribute_groups import group_of, is_cost
from features.reading.inference.attribute_types import rows_of_words, several_words, type_of
from features.reading.inference.inference import Inference
from features.reading.values.number_signs import number_column, words_beside_numbers

MAX_WORDS_SHOWN = 6


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
            found.say(
                f"{name}: {word!r} is read as unanswered "
                f"({plural(rows, '{n:,} row', '{n:,} rows')})"
            )
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
        kind, why = type_of(name, column, declared, found, _declared_units(given, settings))
        if kind is None:
            found.leave_out(name, why)
            units = _declared_units(given, settings)
            found.lose(f"{name}: left out: {why}{_how_to_keep(name, column, declared, units)}")
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
        units=given.units if signs is None or not signs.units else signs.units,
    )
    return kind


def _declared_signs(given: AttributeSettings, settings: DatasetSettings) -> NumberSigns | None:
    """The signs of numbers that somebody declared for the attribute, or for all."""
    table = settings.of_table("leads")
    if given.decimal is None and given.thousands is None and not (table.decimal or table.thousands):
        return None
    return signs_of(given, table)


def _declared_units(
    given: AttributeSettings, settings: DatasetSettings
) -> tuple[tuple[str, float], ...]:
    """The words beside numbers that somebody declared for the attribute, or for all."""
    own = given.units if given.units is not None else settings.of_table("leads").units
    return own or ()


def _how_to_keep(
    name: str,
    column: pa.ChunkedArray,
    declared: NumberSigns | None,
    units: tuple[tuple[str, float], ...],
) -> str:
    """How a column that is left out could be used: the words that spoil it, or how to split it."""
    if not pa.types.is_string(column.type):
        return ""
    known = column.drop_null()
    key = toml_key(name)
    rows_of = rows_of_words(known)
    beside = words_beside_numbers(rows_of)
    if beside:
        example = next(w for w in rows_of if beside[0] in w)
        pairs = ", ".join(f'"{word}" = 1' for word in beside)
        return (
            f". Values such as {example[:40]!r} hold a number with a word beside it; say "
            f"units = {{ {pairs} }} in [attributes.{key}] of dataset.toml to read the number (and "
            "by what each word multiplies it)"
        )
    numbers = number_column(name, rows_of, declared, units)
    if numbers is not None and numbers.spoilers:
        shown = ", ".join(
            f"{w!r} ({plural(n, '{n:,} row', '{n:,} rows')})"
            for w, n in numbers.spoilers[:MAX_WORDS_SHOWN]
        )
        words = ", ".join(f'"{w}"' for w, _ in numbers.spoilers[:MAX_WORDS_SHOWN])
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
