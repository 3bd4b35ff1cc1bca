"""Times written in ways that the usual patterns do not know, put into a way that they do."""

from __future__ import annotations

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

_CLOCK = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?"
_WAYS: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.IGNORECASE), becomes)
    for pattern, becomes in (
        (r"[\u00a0\u202f\u2009]", " "),  # before AM and PM, as browsers and Excel write it
        (r"(\d)年(\d{1,2})月(\d{1,2})日", r"\1-\2-\3 "),
        (r"(\d)\s*년\s*(\d{1,2})\s*월\s*(\d{1,2})\s*일", r"\1-\2-\3 "),
        (r"\s+(?:uhr|hrs|г\.)(?=\s|$)", ""),
        (r"(?<=\d)\s+del?\s+|\s+del?\s+(?=\d)", " "),
        (r"(?<=\s)(\d{1,2})\.(\d\d)\.(\d\d)(?:\.(\d{1,6})\d*)?(?=\s|$)", r"\1:\2:\3.\g<4>0"),
        (r"(?<=\s)(\d{1,2})\.(\d\d)$", r"\1:\2"),
        (rf"^({_CLOCK}(?:\s*[ap]m)?),?\s+(\S*\d\S*)$", r"\2 \1"),
        (rf"^(?:\w{{3}} )?(\w{{3}})\s+(\d{{1,2}}) ({_CLOCK}) (?:(\w{{3,4}}) )?(\d{{4}})$",
         r"\1 \2, \5 \3 \g<4>"),
    )
)  # fmt: skip
_DOTNET = re.compile(r"\\?/Date\((-?\d{1,15})(?:[+-]\d{4})?\)\\?/")
US_PER_MS = 1_000


def in_common_words(text: str) -> str:
    r"""A time in words or signs of a language or a program, as most write it.

    >>> in_common_words("6 de enero de 2025 10:04"), in_common_words("2025年1月6日 09:04")
    ('6 enero 2025 10:04', '2025-1-6 09:04')
    >>> in_common_words("1/6/2025, 4:04\u202fAM"), in_common_words("06-JAN-25 09.04.29.000000 AM")
    ('1/6/2025, 4:04 AM', '06-JAN-25 09:04:29.0000000 AM')
    >>> in_common_words("Mon Jan  6 09:04:29 UTC 2025"), in_common_words("10:04 06/01/2025")
    ('Jan 6, 2025 09:04:29 UTC', '06/01/2025 10:04')
    """
    plain = "".join(
        str(unicodedata.digit(c)) if c.isdigit() and not c.isascii() else c for c in text
    )
    for pattern, becomes in _WAYS:
        plain = pattern.sub(becomes, plain)
    return " ".join(plain.split())


def dotnet_moment(text: str) -> int | None:
    """Microseconds since 1970 of ``/Date(1736154269000)/``, as .NET writes it in JSON; or None.

    >>> dotnet_moment("/Date(1736154269000)/")
    1736154269000000
    """
    found = _DOTNET.fullmatch(text.strip())
    return None if found is None else int(found[1]) * US_PER_MS


def put_plainly(texts: pa.ChunkedArray) -> pa.ChunkedArray | None:
    """The texts in common words; None if nothing changes. Each different text is looked at once."""
    coded = texts.combine_chunks().dictionary_encode()
    words = coded.dictionary.to_pylist()
    plain = [None if w is None else in_common_words(w) for w in words]
    if plain == words:
        return None
    made = pa.DictionaryArray.from_arrays(coded.indices, pa.array(plain, pa.string()))
    return pa.chunked_array([pc.cast(made, pa.string())])
