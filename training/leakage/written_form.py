"""Evidence in how values are written: digits, precision and characters that know the outcome.

A number that is rounded for most leads and exact for those that signed tells the outcome by its
decimals; a code may carry it in one digit. Nothing of this is in the size of the number, so the
written form is compared with the value itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from features.compute.array_types import Float64, Int64
from training.leakage.binned_columns import AuditFrame, Column
from training.leakage.univariate import UnivariateResult, univariate
from training.leakage.values import LARGE_GAIN, Evidence, LeakSignal

MIN_FORM_GAIN = 0.08
"""Share of the log loss (lower end) that the written form must explain, …"""


MIN_RATIO_TO_VALUE = 2.0
"""… and so many times what the value explains."""


MAX_DECIMALS, MAX_ZEROS = 6, 5


DIGITS = 7
"""Places looked at, from the last digit of the whole part."""


MODULI = (3, 7, 9, 11)


CHARACTERS = 3
"""Characters looked at from either end of a word."""


MAX_CHARACTERS_LEVELS, MIN_DISTINCT_WORDS, MIN_DISTINCT_NUMBERS = 40, 20, 20


def written_form(
    frame: AuditFrame, words: dict[str, pd.Series], results: dict[str, UnivariateResult]
) -> dict[str, list[Evidence]]:
    """Attributes whose written form explains much more than their value.

    ``words``: the values (n) of each category as they are, None unknown.
    """
    found: dict[str, list[Evidence]] = {}
    for column in frame.columns:
        if column.number is not None:
            forms = forms_of_numbers(column.number)
        else:
            forms = forms_of_words(words[column.name]) if column.name in words else iter(())
        evidence = _best(frame, column, forms, results[column.name])
        if evidence:
            found[column.name] = evidence
    return found


def forms_of_numbers(number: Float64) -> Iterator[tuple[str, Int64]]:
    """(name, code (n); 0 unknown): precision, digits and remainders of numbers of many values."""
    known = np.isfinite(number) & (np.abs(number) < 1e15)
    values = np.abs(number[known])
    if len(np.unique(values)) < MIN_DISTINCT_NUMBERS:
        return

    def spread(code: Int64) -> Int64:
        whole = np.zeros(len(number), np.int64)
        whole[known] = code + 1
        return whole

    yield "number of decimals or final zeros", spread(precision(values))
    whole = np.floor(values).astype(np.int64)
    for place in range(DIGITS):
        if (whole < 10**place).all():
            break
        yield f"digit {place + 1} from the end", spread(whole // 10**place % 10)
    for modulus in MODULI:
        yield f"remainder by {modulus}", spread(whole % modulus)


def precision(values: Float64) -> Int64:
    """Decimals as 1 … 6 (0: more), a whole number as 7 and its final zeros (up to 5), zero as 13.

    >>> precision(np.array([0.25, 12.5, 7.0, 1200.0, 0.0, np.pi])).tolist()
    [2, 1, 7, 9, 13, 0]
    """
    code = np.zeros(len(values), np.int64)
    for decimals in range(MAX_DECIMALS, -1, -1):  # the fewest that write the number come last
        scaled = values * 10.0**decimals
        code[np.abs(scaled - np.round(scaled)) <= 1e-12 * np.maximum(scaled, 1.0)] = (
            decimals or MAX_DECIMALS + 1
        )
    whole = code == MAX_DECIMALS + 1
    for zeros in range(1, MAX_ZEROS + 1):
        code[whole & (np.round(values) % 10**zeros == 0)] = MAX_DECIMALS + 1 + zeros
    code[values == 0] = MAX_DECIMALS + MAX_ZEROS + 2
    return code


def forms_of_words(words: pd.Series) -> Iterator[tuple[str, Int64]]:
    """(name, code (n); 0 unknown): characters at either end and the length of many words."""
    text = words.astype(object)
    known = text.notna().to_numpy()
    texts = text[known].astype(str)
    if texts.nunique() < MIN_DISTINCT_WORDS:
        return
    forms: dict[str, pd.Series] = {"length": texts.str.len()}
    for place in range(1, CHARACTERS + 1):
        forms[f"character {place} from the end"] = texts.str[-place]
        forms[f"character {place}"] = texts.str[place - 1]
    for name, form in forms.items():
        codes, levels = pd.factorize(form)
        if 1 < len(levels) <= MAX_CHARACTERS_LEVELS:
            whole = np.zeros(len(text), np.int64)
            whole[known] = codes + 1
            yield name, whole


def _best(
    frame: AuditFrame,
    column: Column,
    forms: Iterator[tuple[str, Int64]],
    own: UnivariateResult,
) -> list[Evidence]:
    best_name, best = "", own
    for name, code in forms:
        bins = tuple(str(i) for i in range(int(code.max(initial=0)) + 1))
        found = univariate(frame, Column(column.name, code, bins))
        if best is own or found.low > best.low:
            best_name, best = name, found
    if best is own or best.low < MIN_FORM_GAIN or best.gain < MIN_RATIO_TO_VALUE * own.gain:
        return []
    text = (
        f"its {best_name} explains {best.gain:.0%} of what is to be known (AUC {best.auc:.2f}), "
        f"its value {max(own.gain, 0.0):.0%}: how it is written knows the outcome"
    )
    evidence = [Evidence(LeakSignal.WRITTEN_FORM_KNOWS, text)]
    if best.low >= LARGE_GAIN:
        text = f"alone its {best_name} explains {best.gain:.0%} of what is to be known"
        evidence.append(Evidence(LeakSignal.OUT_OF_PROPORTION, text))
    return evidence
