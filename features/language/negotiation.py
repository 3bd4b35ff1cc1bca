"""Which language a person wants: by a request's header, or by the system's locale."""

from __future__ import annotations

import locale
import os
import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from features.language.catalogues import languages, primary_subtag
from features.language.language import ENGLISH

_RANGE = re.compile(
    r"^\s*([a-z]{1,8}|\*)(?:-[a-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*$"
)
MAX_HEADER_CHARS = 200


def from_accept_language(header: str, there: Sequence[str] | None = None) -> str:
    """The code that an Accept-Language header likes best among those that are ``there``.

    English where it names none of them, and among equals. ``there``: :func:`languages` if None.

    >>> from_accept_language("fr-CH, fr;q=0.9, en;q=0.8"), from_accept_language("en, fr;q=0.5")
    ('fr', 'en')
    >>> from_accept_language("de, nl;q=0.5"), from_accept_language("de, nl;q=0.5", ("en", "nl"))
    ('en', 'nl')
    """
    return _accepted(header[:MAX_HEADER_CHARS], tuple(languages() if there is None else there))


@lru_cache(maxsize=256)
def _accepted(header: str, there: tuple[str, ...]) -> str:
    liking = dict.fromkeys(there, 0.0)
    for part in header.lower().split(","):
        found = _RANGE.match(part)
        if found and found[1] in liking:
            quality = 1.0 if found[2] is None else float(found[2])
            liking[found[1]] = max(liking[found[1]], quality)
    best = max(liking.values(), default=0.0)
    likes_english = liking.get(ENGLISH.code, 0.0) == best
    if not best or likes_english:
        return ENGLISH.code
    return next(code for code in there if liking[code] == best)


LOCALE_VARIABLES = ("LC_ALL", "LC_MESSAGES", "LANG")
"""The first that is set decides, as for any program that uses gettext."""


def from_locale(
    environment: Mapping[str, str] | None = None, there: Sequence[str] | None = None
) -> str:
    """The code of the system's locale; English where it is none of those that are ``there``.

    ``LANGUAGE`` may list several, as gettext has it; it does not count in the locale "C". Where no
    variable is set, as on Windows, the locale of the process decides.

    >>> [from_locale({"LANG": name}) for name in ("fr_FR.UTF-8", "C", "xx_XX")]
    ['fr', 'en', 'en']
    >>> from_locale({"LANG": "fr_BE.UTF-8", "LC_ALL": "en_GB.UTF-8"})
    'en'
    """
    environment = os.environ if environment is None else environment
    known = languages() if there is None else there
    name = next((environment[v] for v in LOCALE_VARIABLES if environment.get(v)), "")
    if not name:
        name = locale.normalize(locale.getlocale()[0] or "")
    wanted = [name]
    if primary_subtag(name) not in ("", "c", "posix"):
        wanted = [*environment.get("LANGUAGE", "").split(":"), name]
    codes = (primary_subtag(each) for each in wanted)
    return next((code for code in codes if code in known), ENGLISH.code)
