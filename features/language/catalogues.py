"""Catalogues of languages: found in a folder, read, and held.

A language is one compiled gettext file, ``fr.mo`` (made from ``fr.po``). The packaged ones stand in
``catalogues/`` beside this module; a folder named by ``LEADSCORE_LANGUAGES`` may hold more, and a
file there replaces a packaged one of the same name.
"""

from __future__ import annotations

import copyreg
import os
from collections.abc import Callable
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path
from struct import error as StructError

from features.errors import StorageError, UsageError
from features.language.language import ENGLISH, Language

PACKAGED = Path(__file__).parent / "catalogues"
FOLDER_VARIABLE = "LEADSCORE_LANGUAGES"


def languages() -> list[str]:
    """Codes of the languages that are there, English first.

    >>> languages()[:2]
    ['en', 'fr']
    """
    return list(_files(os.environ.get(FOLDER_VARIABLE, "")))


def language(code: str | Language) -> Language:
    """The language of a code such as ``fr`` or ``fr-CH``; UsageError lists those that are there."""
    if isinstance(code, Language):
        return code
    return language_from(code, os.environ.get(FOLDER_VARIABLE, ""))


def language_or_english(code: str) -> Language:
    """:func:`language`, or English where there is no such language."""
    try:
        return language(code)
    except UsageError:
        return ENGLISH


def translations(code: str) -> NullTranslations:
    """The catalogue of a language, as Jinja's ``install_gettext_translations`` takes it."""
    return language(code).translations


def language_from(code: str, folder: str) -> Language:
    """The language of a code, among the packaged ones and those of ``folder`` ("" for none)."""
    return _read(primary_subtag(code), folder)


@lru_cache(maxsize=64)
def _read(primary: str, folder: str) -> Language:
    files = _files(folder)
    if primary not in files:
        raise UsageError(f"there is no language {primary!r}; there are: {', '.join(files)}")
    file = files[primary]
    if file is None:
        return ENGLISH
    try:
        with file.open("rb") as stream:
            return Language(primary, GNUTranslations(stream), folder, file)
    except (OSError, UnicodeDecodeError, StructError, ValueError, LookupError) as error:
        raise StorageError(f"{file} is not a compiled catalogue: {error}") from error


def primary_subtag(code: str) -> str:
    """The language of a tag or of a locale's name, without its country.

    >>> [primary_subtag(code) for code in ("fr-CH", "fr_FR.UTF-8", "EN", "C")]
    ['fr', 'fr', 'en', 'c']
    """
    return code.replace("_", "-").split("-")[0].split(".")[0].split("@")[0].strip().lower()


@lru_cache(maxsize=8)
def _files(folder: str) -> dict[str, Path | None]:
    """Compiled catalogue by code; English, first, needs none."""
    found: dict[str, Path | None] = {ENGLISH.code: None}
    for place in (PACKAGED, *([Path(folder)] if folder else [])):
        for file in sorted(place.glob("??.mo")):
            found[file.stem.lower()] = file
    return found


def _reduce(language: Language) -> tuple[Callable[..., Language], tuple[str, str]]:
    return language_from, (language.code, language.folder)


copyreg.pickle(Language, _reduce)  # a worker process finds the catalogue itself
