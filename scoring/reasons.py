"""Reasons: the features that moved a score most, in words a sales person understands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from features.compute.array_types import Float64, Int64
from features.compute.jit import kernel
from features.language.language import ENGLISH, Language
from features.vectors.spec import FeatureSpec

if TYPE_CHECKING:
    import pyarrow as pa  # the service formats reasons one by one, without it


MAX_CACHED_SENTENCES = 100_000


class Reason(NamedTuple):
    """One feature's share of the log-odds of one score.

    ``value`` is the feature's (NaN unknown) and ``text`` a sentence about it; ``contribution`` > 0
    is for the conversion, < 0 against it.
    """

    feature: str
    text: str
    value: float
    contribution: float


@kernel
def top_k_contributions(contributions: Float64, k: int) -> Int64:
    """(n, k) columns of each row's k largest shares by size, the first of equals first.

    Shares of zero are no reasons; −1 fills the row up.

    >>> top_k_contributions(np.array([[0.1, -0.7, 0.0, 0.7]]), 5).tolist()
    [[1, 3, 0, -1, -1]]
    """
    n, width = contributions.shape
    out = np.full((n, k), -1, dtype=np.int64)
    for row in range(n):
        for column in range(width):
            size = abs(contributions[row, column])
            place = k
            while place > 0 and (
                out[row, place - 1] < 0 or abs(contributions[row, out[row, place - 1]]) < size
            ):
                place -= 1
            if size > 0.0 and place < k:
                for later in range(k - 1, place, -1):
                    out[row, later] = out[row, later - 1]
                out[row, place] = column
    return out


def top_reasons(
    spec: FeatureSpec,
    vector: Float64,
    contributions: Float64,
    k: int = 3,
    language: Language = ENGLISH,
) -> list[Reason]:
    """The k features with the largest shares of one score, (F,) vectors and shares.

    Fewer when fewer features have a share. The others are not lost: base + all shares is the
    score, see :class:`scoring.model.model.Explanation`.
    """
    return ReasonFormatter(spec, language).one(vector, contributions, k)


class ReasonFormatter:
    """Reasons of many rows in one language; sentences about whole numbers are cached."""

    def __init__(self, spec: FeatureSpec, language: Language = ENGLISH) -> None:
        self._spec, self._names, self.language = spec, spec.names, language
        self._cache: dict[tuple[int, float | None], str] = {}

    def one(self, vector: Float64, contributions: Float64, k: int = 3) -> list[Reason]:
        """:func:`top_reasons` of one row."""
        rows = [np.ascontiguousarray(row).reshape(1, -1) for row in (vector, contributions)]
        return self.many(rows[0], rows[1], k)[0]

    def many(self, vectors: Float64, contributions: Float64, k: int = 3) -> list[list[Reason]]:
        """:func:`top_reasons` of every row, (n, F) vectors and shares."""
        columns = top_k_contributions(contributions, max(k, 0))
        rows = np.arange(len(columns))[:, None]
        values, shares = vectors[rows, columns].tolist(), contributions[rows, columns].tolist()
        return [
            [
                Reason(self._names[column], self._sentence(column, value), value, share)
                for column, value, share in zip(*row, strict=True)
                if column >= 0
            ]
            for row in zip(columns.tolist(), values, shares, strict=True)
        ]

    def reasons(self, vectors: Float64, contributions: Float64, columns: Int64) -> list[pa.Array]:
        """Of many rows: for every place a text a row, ``12 page views in the last 7 days (+0.85)``.

        ``columns`` (n, k) as of :func:`top_k_contributions`; −1 gives null. A list of k string
        arrays (n,). A feature's value, and a share, is put into words once.
        """
        import pyarrow as pa
        import pyarrow.compute as pc

        n, k = columns.shape
        filled = np.flatnonzero(columns.T.ravel() >= 0)  # all first reasons, then the second, …
        row, column = filled % max(n, 1), columns.T.ravel()[filled]
        sentences, sentence = self._sentences(column, vectors[row, column])
        sizes, size = share_texts(contributions[row, column], self.language)
        texts = pc.binary_join_element_wise(sentences.take(sentence), sizes.take(size), "")
        place = np.full(n * k, -1, dtype=np.int64)
        place[filled] = np.arange(len(filled))
        with_gaps = texts.take(pa.array(place, mask=place < 0))
        return [with_gaps.slice(i * n, n) for i in range(k)]

    def _sentences(self, column: Int64, value: Float64) -> tuple[pa.Array, Int64]:
        """The sentences about different values, and which of them each value gets."""
        import pyarrow as pa

        order = np.lexsort((value, column))
        columns, values = column[order], value[order]
        unknown = np.isnan(values)
        first = np.ones(len(order), dtype=np.bool_)
        same = (values[1:] == values[:-1]) | (unknown[1:] & unknown[:-1])
        first[1:] = (columns[1:] != columns[:-1]) | ~same
        which = np.empty(len(order), dtype=np.int64)
        which[order] = np.cumsum(first) - 1
        pairs = zip(columns[first].tolist(), values[first].tolist(), strict=True)
        return pa.array([self._sentence(*pair) for pair in pairs], pa.string()), which

    def _sentence(self, column: int, value: float) -> str:
        key = (column, None if value != value else value)
        text = self._cache.get(key)
        if text is None:
            text = self._spec.features[column].sentence(
                value + 0.0,  # so that -0 reads as 0
                self.language,
            )
            if (value != value or value.is_integer()) and len(self._cache) < MAX_CACHED_SENTENCES:
                self._cache[key] = text
        return text


def share_texts(shares: Float64, language: Language = ENGLISH) -> tuple[pa.Array, Int64]:
    """Shares as people read them: the different texts, and which of them each share (n,) gets.

    Each text is formatted once. Where the product with 100 comes too near to a half to tell which
    way the formatting of the number itself would round, that number is formatted.

    >>> texts, which = share_texts(np.array([0.851, -0.5, 0.849]))
    >>> texts.take(which).to_pylist()
    [' (+0.85)', ' (-0.50)', ' (+0.85)']
    """
    import pyarrow as pa

    hundredths = shares * 100.0
    doubtful = np.abs(np.abs(hundredths - np.floor(hundredths)) - 0.5) < 1e-6
    rounded = np.where(doubtful, shares, np.copysign(np.rint(hundredths) / 100.0, shares))
    different, which = np.unique(rounded.view(np.int64), return_inverse=True)
    texts = [
        f" ({language.localized(f'{share:+.2f}')})" for share in different.view(np.float64).tolist()
    ]
    return pa.array(texts, pa.string()), which
