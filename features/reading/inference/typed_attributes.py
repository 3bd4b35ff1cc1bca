"""The attributes of leads and the values of answers, brought to their types."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import (
    FALSE_WORDS,
    PLAIN_SIGNS,
    TRUE_WORDS,
    NumberSigns,
    listed_words,
    part_name,
    written_number,
)
from features.contract import AttributeType, Available
from features.dataset_settings import AttributeSettings, DatasetSettings, signs_of
from features.errors import DataError
from features.language.plural import plural
from features.reading.inference.attribute_groups import group_of
from features.reading.inference.attribute_settings import blank_unanswered, resolve_attribute
from features.reading.inference.attribute_types import MAX_PARTS
from features.reading.inference.inference import Inference
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.values.numbers import to_floats
from features.reading.values.text import mask_of, to_text, trimmed_text
from features.schemas import ACCOUNT_COLUMN, LEAD_COLUMNS

BOOLEAN_EXPECTED = "yes or no, true or false, 1 or 0, or nothing where unknown"
NUMBER_EXPECTED = "a finite number, or nothing where unknown"


def typed_leads(
    chunk: Chunk, settings: DatasetSettings, quarantine: Quarantine, found: Inference
) -> pd.DataFrame:
    """The frame of leads, each attribute in its type.

    A row with a value that does not fit its column is set aside whole.
    """
    chunk, settings = split_multiple(chunk, settings, found)
    fixed = set(LEAD_COLUMNS) - set(settings.attributes)
    names = [c for c in chunk.table.column_names if c not in fixed]
    kinds: dict[str, AttributeType] = {}
    for name in names:
        column = _plain(chunk.table.column(name))
        column = blank_unanswered(name, column, settings, found)
        chunk = chunk.replace(name, column)
        if not name.strip():
            found.leave_out("(a column without a name)", "it has no name")
            continue
        kind = resolve_attribute(name, column, settings, found, "leads")
        if kind is not None:
            kinds[name] = kind
    _refuse_open_questions(chunk.file, found)
    columns: dict[str, npt.NDArray[np.float64] | npt.NDArray[np.object_]] = {}
    bad = np.zeros(len(chunk), dtype=bool)
    for name, kind in kinds.items():
        signs = signs_of(found.attributes[name], settings.of_table("leads"))
        columns[name], wrong, expected = typed(chunk.table.column(name), kind, signs)
        reason = RejectReason(f"{name} is not a {kind.value}", name, expected)
        fresh = wrong & ~bad
        quarantine.set_aside(chunk, fresh, reason)
        bad |= wrong
    return _frame(chunk, columns, ~bad)


def split_multiple(
    chunk: Chunk, settings: DatasetSettings, found: Inference
) -> tuple[Chunk, DatasetSettings]:
    """Each word of a column of several (``multiple``) as a column of yes and no of its own."""
    added: dict[str, AttributeSettings] = {}
    for name, own in settings.attributes.items():
        if own.multiple is None or own.part_of is not None or name not in chunk.table.column_names:
            continue
        values = blank_unanswered(name, trimmed_text(chunk.table.column(name)), settings, found)
        texts = values.to_pylist()
        given = [None if t is None else listed_words(t, own.multiple) for t in texts]
        counted = Counter(word for words in given if words for word in words)
        parts = sorted(word for word, _ in counted.most_common(MAX_PARTS))
        for word in parts:
            flags = [None if words is None else word in words for words in given]
            column = part_name(name, word)
            chunk = chunk.replace(column, pa.chunked_array([pa.array(flags, pa.bool_())]))
            given_part = settings.attributes.get(column, AttributeSettings())
            group = given_part.group or own.group or group_of(name)
            added[column] = given_part.model_copy(
                update={
                    "type": AttributeType.BOOLEAN, "group": group, "part_of": name,
                    "multiple": own.multiple, "available": given_part.available or own.available,
                }
            )  # fmt: skip
        chunk = Chunk(chunk.name, chunk.file, chunk.table.drop_columns([name]), chunk.rows)
        found.say(f"{name}: split into {len(parts)} attributes of yes and no, one a word")
        if len(counted) > len(parts):
            found.lose(
                plural(
                    len(counted) - len(parts),
                    "{name}: {n:,} seldom word of it is left out",
                    "{name}: {n:,} seldom words of it are left out",
                    name=name,
                )
            )
    if not added:
        return chunk, settings
    return chunk, settings.model_copy(update={"attributes": {**settings.attributes, **added}})


def _refuse_open_questions(file: str, found: Inference) -> None:
    if found.questions:
        raise DataError(f"{file}: {'; '.join(found.questions)}")


def _frame(chunk: Chunk, columns: dict[str, npt.NDArray], good: Mask) -> pd.DataFrame:  # type: ignore[type-arg]
    ids = chunk.table.column("lead_id").to_numpy(zero_copy_only=False)[good]
    data: dict[str, object] = {"lead_id": pd.Series(ids, dtype=object)}
    if "created_at" in chunk.table.column_names:
        created = chunk.table.column("created_at").to_pandas()[good].reset_index(drop=True)
        data["created_at"] = created.astype("datetime64[us, UTC]")
    if ACCOUNT_COLUMN in chunk.table.column_names and ACCOUNT_COLUMN not in columns:
        words = to_text(_plain(chunk.table.column(ACCOUNT_COLUMN)))
        accounts = words.to_numpy(zero_copy_only=False)[good].astype(object)
        data[ACCOUNT_COLUMN] = pd.Series(accounts, dtype=object)
    for name, values in columns.items():
        data[name] = pd.Series(values[good], dtype=values.dtype)
    return pd.DataFrame(data)


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Without dictionary encoding, large or view strings; NaN and blanks as null."""
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind) or pa.types.is_string(kind):
        return trimmed_text(column)
    return column.cast(kind) if pa.types.is_dictionary(column.type) else column


def typed(
    column: pa.ChunkedArray, kind: AttributeType, signs: NumberSigns = PLAIN_SIGNS
) -> tuple[npt.NDArray[np.float64] | npt.NDArray[np.object_], Mask, str]:
    """Values of one type, a mask of those that do not fit, and what was expected."""
    if kind is AttributeType.CATEGORY:
        words = to_text(column).to_numpy(zero_copy_only=False)
        return words.astype(object), np.zeros(len(column), dtype=bool), "a word"
    if kind is AttributeType.BOOLEAN:
        truth, wrong = booleans_of(column)
        return truth, wrong, BOOLEAN_EXPECTED
    numbers, wrong, infinite = to_floats(column, signs)
    values = pc.fill_null(numbers, float("nan")).to_numpy()
    return values.astype(np.float64), wrong | infinite, NUMBER_EXPECTED


def booleans_of(column: pa.ChunkedArray) -> tuple[npt.NDArray[np.float64], Mask]:
    """1.0, 0.0 or NaN a row, and a mask of the values that are neither."""
    if pa.types.is_boolean(column.type):
        column = column.cast(pa.int8())
    words = pc.utf8_lower(to_text(column))
    true = mask_of(pc.is_in(words, value_set=pa.array(sorted(TRUE_WORDS))))
    false = mask_of(pc.is_in(words, value_set=pa.array(sorted(FALSE_WORDS))))
    values = np.where(true, 1.0, np.where(false, 0.0, np.nan))
    return values, mask_of(column.is_valid()) & ~true & ~false


def typed_answers(
    chunk: Chunk, settings: DatasetSettings, quarantine: Quarantine, found: Inference
) -> pa.Table:
    """Answers whose values fit their attribute; without a value, it is unknown from then on."""
    value = _plain(chunk.table.column("value"))
    value = blank_unanswered("answers", value, settings, found)
    chunk = chunk.replace("value", value)
    names = chunk.table.column("attribute")
    for name in sorted(pc.unique(names).to_pylist()):
        mine = mask_of(pc.equal(chunk.table.column("attribute"), name))
        chunk = _typed_answer(name, mine, chunk, settings, quarantine, found)
    _refuse_open_questions(chunk.file, found)
    return chunk.table


def _plain_numbers(
    column: pa.ChunkedArray, mine: Mask, numbers: npt.NDArray[Any]
) -> pa.ChunkedArray:
    """The answers of one attribute as programs write numbers, where they are not already."""
    try:
        column.filter(pa.array(mine)).cast(pa.float64())
    except pa.ArrowInvalid:
        words = np.asarray(column.to_numpy(zero_copy_only=False), dtype=object)
        words[mine] = [None if np.isnan(n) else written_number(float(n)) for n in numbers]
        return pa.chunked_array([pa.array(words, pa.string())])
    return column


def _typed_answer(
    name: str,
    mine: Mask,
    chunk: Chunk,
    settings: DatasetSettings,
    quarantine: Quarantine,
    found: Inference,
) -> Chunk:
    values = chunk.table.column("value").filter(pa.array(mine))
    if name in found.attributes:
        kind = found.attributes[name].type
        update = {"available": Available.ANSWERED}
        if settings.attributes.get(name) is None or settings.attributes[name].available is None:
            found.attributes[name] = found.attributes[name].model_copy(update=update)
            found.say(f"{name}: also in {chunk.file}, so available answered")
    else:
        kind = resolve_attribute(name, values, settings, found, "answers")
    if kind is None or kind is AttributeType.CATEGORY:
        return chunk
    signs = signs_of(found.attributes[name], settings.of_table("answers"))
    numbers, wrong, expected = typed(values, kind, signs)
    if kind is AttributeType.BOOLEAN:
        words = np.asarray(chunk.table.column("value").to_numpy(zero_copy_only=False), dtype=object)
        written = np.where(numbers == 1.0, "1", "0").astype(object)
        words[mine] = np.where(np.isnan(numbers), words[mine], written)
        typed_values = pa.chunked_array([pa.array(words, pa.string())])
    else:
        typed_values = _plain_numbers(chunk.table.column("value"), mine, numbers)
    bad = np.zeros(len(chunk), dtype=bool)
    bad[np.flatnonzero(mine)] = wrong
    reason = RejectReason(f"the answer to {name} is not a {kind.value}", "value", expected)
    return quarantine.set_aside(chunk, bad, reason).replace(
        "value", typed_values.filter(pa.array(~bad))
    )
