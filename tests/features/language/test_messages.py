"""The catalogues: whole, up to date, compiled, and written as a French reader expects."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path
from types import ModuleType

import pytest
from babel.messages.catalog import Catalog, Message

ROOT = Path(__file__).resolve().parents[3]


def script() -> ModuleType:
    """packaging/messages.py, which is no package."""
    spec = importlib.util.spec_from_file_location("messages_script", ROOT / "packaging/messages.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


messages = script()
FRENCH = messages.read_catalog(messages.CATALOGUES / "fr.po")


@pytest.fixture(scope="module")
def template() -> Catalog:
    return messages.template()


def texts() -> list[tuple[Message, str]]:
    return [
        (message, text)
        for message in FRENCH
        if message.id
        for text in (message.string if isinstance(message.string, tuple) else (message.string,))
    ]


def test_every_text_is_translated_and_the_compiled_file_is_up_to_date(template: Catalog) -> None:
    faults = messages.faults_of(messages.CATALOGUES / "fr.po", template)
    assert not faults, "run `make messages` and translate:\n" + "\n".join(faults[:20])


def test_a_stale_catalogue_is_reported(template: Catalog, tmp_path: Path) -> None:
    po = tmp_path / "fr.po"
    text = (messages.CATALOGUES / "fr.po").read_text(encoding="utf-8")
    po.write_text(text.replace('msgid "creation unknown"', 'msgid "no such text"'), "utf-8")
    faults = messages.faults_of(po, template)
    assert "fr.po: not in the code any more: ('', 'no such text')" in faults
    assert "fr.po: not in the catalogue: ('', 'creation unknown')" in faults
    assert "fr.mo is not what fr.po gives" in faults


def test_the_file_is_written_as_make_messages_writes_it() -> None:
    po = messages.CATALOGUES / "fr.po"
    assert messages.written(FRENCH) == po.read_bytes()


PLACEHOLDER = re.compile(r"(?:{|%\()(\w*)")


def test_a_translation_takes_no_other_placeholders_than_its_message() -> None:
    extra = {
        "a",
        "none",
        "of_many",
        "many",
        "one",
        "first",
        "last",
    }  # forms of a noun: always there
    for message, text in texts():
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        named = {name for each in ids for name in PLACEHOLDER.findall(each)}
        used = set(PLACEHOLDER.findall(text))
        formats = message.context in ("date", "short date", "month of a year")
        assert formats or used <= named | (extra if named & extra else set()), (message.id, text)


NOT_PROSE = r"`[^`]*`|https?://\S+|--?\w[\w-]*|\d\d:\d\d|%\(\w+\)s|{[^}]*}|<[^>]*>"


def test_french_typography() -> None:
    """A space that does not break before : ; ? ! % », and after «; the apostrophe is curly."""
    for message, text in texts():
        prose = re.sub(NOT_PROSE, "x", text.replace("%%", "%"))
        assert not re.search(r"[^\u00a0\u202f\s][;?!%»](\s|$)", prose), (message.id, text)
        assert not re.search(r"[^\u00a0]:(\s|$)", prose), (message.id, text)
        assert not re.search(r" [:;?!%»]|« ", prose), (message.id, text)
        assert "'" not in prose, (message.id, text)
        assert "..." not in prose, (message.id, text)


ENGLISH_WORDS = re.compile(
    r"\b(the|of|and|with|without|is|are|was|were|not|than|from|which|that|this|these|its|their|they|"
    r"has|have|been|by|for|in|to|at|lead's|leads'|each|every|see|least|worse|better|over|under)\b"
)


def test_no_english_word_is_left_in_french() -> None:
    for message, text in texts():
        prose = re.sub(r"`[^`]*`|https?://\S+|--\w[\w-]*|{[^}]*}|<[^>]*>|« [^»]*»", " ", text)
        assert not ENGLISH_WORDS.search(prose), (message.id, text)
