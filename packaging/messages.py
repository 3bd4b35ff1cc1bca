"""The catalogues of languages: extract messages, update the ``.po`` files, compile them.

    python packaging/messages.py update [CODE …]   # texts of the code into every .po, and compile
    python packaging/messages.py check             # exit 1, and say what, if a catalogue is stale

``update de`` starts a new language: its plural rule, months, days and signs of numbers come from
CLDR. The sentences are for a translator, in ``features/language/catalogues/de.po``. Texts that are
wrapped in ``_()`` or marked by ``N_()`` are found by Babel (``babel.cfg`` beside this file says
where); names of kinds and attributes, the texts of the packaged scorecard and playbook, and the
sentences of errors (``composed_sentences.py``) are added here. A catalogue holds no line numbers
and is sorted, so that it changes only with its texts. Needs Babel, which only this script does:
what runs reads the compiled files.
"""

from __future__ import annotations

import io
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from babel import Locale
from babel.dates import get_day_names, get_month_names
from babel.messages.catalog import Catalog
from babel.messages.catalog import Message as CatalogMessage
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.mofile import write_mo
from babel.messages.plurals import get_plural
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "packaging")]

from composed_sentences import composed_sentences  # noqa: E402

from commands.cli import create_app  # noqa: E402
from commands.help_texts import HELP_CONTEXT, help_messages  # noqa: E402
from commands.usage_texts import USAGE_TEXTS  # noqa: E402
from features.language.composed import COMPOSED_CONTEXT  # noqa: E402
from features.language.language import MONTHS, SOURCE, WEEKDAYS, WHOLE_PART  # noqa: E402
from features.language.sentence_translator import JOINT_CONTEXT, JOINTS  # noqa: E402
from features.vectors import nouns, sentences  # noqa: E402
from scoring.playbook import STEP_CONTEXT  # noqa: E402
from scoring.scorecard.rules import RULE_CONTEXT  # noqa: E402

CATALOGUES = ROOT / "features" / "language" / "catalogues"
MAPPING = ROOT / "packaging" / "babel.cfg"
SCORECARD = ROOT / "scoring" / "default_scorecard.toml"
PLAYBOOK = ROOT / "scoring" / "default_playbook.toml"
KEYWORDS: dict[str, Any] = {
    "_": None, "gettext": None, "N_": None, "say": None, "say_n": (1, 2), "ngettext": (1, 2),
    "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
}  # fmt: skip
Message = tuple[str | tuple[str, str], str | None]
"""A text, or its singular and plural, and its context."""


def template() -> Catalog:
    """Every message of the code, without translations."""
    catalog = Catalog(charset="utf-8")
    found = [*of_code(), *of_scorecard(), *of_playbook(), *of_features(), *of_help(), *of_errors()]
    for message, context in found:
        catalog.add(message, context=context)
    return catalog


def of_code() -> Iterator[Message]:
    """Texts in Python and in templates."""
    with MAPPING.open(encoding="utf-8") as file:
        methods, options = parse_mapping_cfg(file)
    found = extract_from_dir(
        ROOT, methods, options, keywords=KEYWORDS, directory_filter=_holds_code
    )
    for _, _, message, _, context in found:
        yield message, context


def _holds_code(folder: str | Path) -> bool:
    name = Path(folder).name
    return not name.startswith(".") and name not in {"tests", "build", "dist", "var", "__pycache__"}


def of_scorecard() -> Iterator[Message]:
    """Names of the packaged scorecard, its rules and its groups."""
    card = tomllib.loads(SCORECARD.read_text(encoding="utf-8"))
    texts = [card["about"], *(group["label"] for group in card.get("groups", {}).values())]
    texts += [row["name"] for row in (*card["rules"], *card.get("exclusions", ()))]
    yield from ((text, RULE_CONTEXT) for text in texts)


def of_playbook() -> Iterator[Message]:
    """What the packaged playbook advises."""
    plays = tomllib.loads(PLAYBOOK.read_text(encoding="utf-8"))
    for step in (*plays["bands"].values(), *plays.get("exceptions", ())):
        keys = ("name", "channel", "rhythm", "message")
        yield from ((step[key], STEP_CONTEXT) for key in keys if key in step)


def of_features() -> Iterator[Message]:
    """Forms of the kinds, and names of attributes."""
    yield from ((message, context) for context, message in nouns.messages())
    yield from ((name, sentences.ATTRIBUTE_CONTEXT) for name in sentences.KNOWN_ATTRIBUTES)
    yield from ((joint, JOINT_CONTEXT) for joint in JOINTS)
    yield from ((month, "month") for month in MONTHS)
    yield from ((day, "weekday") for day in WEEKDAYS)


def of_help() -> Iterator[Message]:
    """What ``--help`` says of every command and option."""
    group = typer.main.get_command(create_app())
    yield from ((text, HELP_CONTEXT) for text in dict.fromkeys(help_messages(group)))


def of_errors() -> Iterator[Message]:
    """What errors say, and what reading infers or loses."""
    texts = dict.fromkeys((*composed_sentences(ROOT), *USAGE_TEXTS))
    yield from ((text, COMPOSED_CONTEXT) for text in texts)


# ---------------------------------------------------------------- what CLDR knows


def from_cldr(locale: Locale) -> dict[tuple[str, str], str]:
    """(context, message) of the formats and names that are not a translator's to choose."""
    symbols = locale.number_symbols["latn"]
    percent = locale.percent_formats[None].pattern.replace("#,##0", "{number}")
    money = (
        locale.currency_formats["standard"].pattern.split(";")[0].replace("#,##0.00", "{number}")
    )
    months = get_month_names(locale=locale)
    days = get_day_names(locale=locale)
    return {
        ("decimal separator", "."): symbols["decimal"],
        ("thousands separator", ","): symbols["group"],
        ("percent", "{number}%"): percent,
        ("money by sign", "{currency}{number}"): money.replace("¤", "{currency}"),
        ("month of a year", "{year}-{mm}"): _fields(locale.datetime_skeletons["yMMMM"].pattern),
        ("date", "{year}-{mm}-{dd}"): _fields(locale.date_formats["long"].pattern),
        ("short date", "{year}-{mm}-{dd}"): _fields(locale.datetime_skeletons["yMd"].pattern),
        **{("month", english): months[i + 1] for i, english in enumerate(MONTHS)},
        **{("weekday", english): days[i] for i, english in enumerate(WEEKDAYS)},
        ("which plural form 1.5 takes", "plural"): _fractions(locale),
    }


def _fields(pattern: str) -> str:
    """A pattern of CLDR as a message: ``d MMMM y`` → ``{day} {month} {year}``."""
    for field, name in (
        ("MMMM", "{0}"), ("MM", "{1}"), ("dd", "{2}"), ("d", "{3}"), ("M", "{1}"), ("y", "{4}"),
    ):  # fmt: skip
        pattern = pattern.replace(field, name, 1) if name not in pattern else pattern
    return pattern.format("{month}", "{mm}", "{dd}", "{day}", "{year}")


def _fractions(locale: Locale) -> str:
    return WHOLE_PART if locale.plural_form(1.5) == locale.plural_form(1) else "plural"


# ---------------------------------------------------------------- the files


def updated(po: Path, messages: Catalog) -> Catalog:
    """The catalogue of a file with the texts of today; what is new has no translation yet."""
    locale = Locale.parse(po.stem)
    catalog = read_catalog(po) if po.exists() else Catalog(locale=locale, charset="utf-8")
    catalog._num_plurals, catalog._plural_expr = plural_rule(po.stem)
    catalog.update(messages, no_fuzzy_matching=True)
    catalog.obsolete.clear()
    for (context, text), translation in from_cldr(locale).items():
        message = catalog.get(text, context)
        if message is not None and not message.string:
            message.string = translation
    return catalog


def read_catalog(po: Path) -> Catalog:
    """A ``.po`` file; a line that is not one raises PoFileError."""
    with po.open("rb") as file:
        return read_po(file, locale=po.stem, abort_invalid=True)


def written(catalog: Catalog) -> bytes:
    """The text of a ``.po`` file: sorted, without line numbers and dates."""
    out = io.BytesIO()
    plain = Catalog(locale=catalog.locale, charset="utf-8")
    plain._num_plurals, plain._plural_expr = catalog.num_plurals, catalog.plural_expr
    for message in catalog:
        if message.id:
            plain[message.id] = message
    write_po(out, plain, no_location=True, omit_header=True, sort_output=True, width=100)
    lines = "".join(f'"{line}\\n"\n' for line in head_of(catalog.locale).splitlines())
    about = f"# leadscore in {catalog.locale.english_name}; see docs/guide/languages.md"
    head = f'{about}\nmsgid ""\nmsgstr ""\n{lines}\n'
    return (head.encode() + out.getvalue()).rstrip(b"\n") + b"\n"


def plural_rule(code: str) -> tuple[int, str]:
    """How many plural forms a language has, and which a number takes.

    French has a third form in CLDR, for whole millions ("1 million de leads"); no text here writes
    numbers so, and gettext's usual two are what translators expect.
    """
    if code == "fr":
        return 2, "(n > 1)"
    found = get_plural(code)
    return found.num_plurals, found.plural_expr


def compiled(po: Path) -> bytes:
    """The bytes of the ``.mo`` file that a ``.po`` file gives, always the same."""
    out = io.BytesIO()
    catalog = read_catalog(po)
    head = CatalogMessage("", head_of(catalog.locale))  # Babel's own names its version and the day
    write_mo(out, _Messages([head, *(message for message in catalog if message.id)]))
    return out.getvalue()


class _Messages(list[CatalogMessage]):
    """Messages as ``write_mo`` takes them."""

    charset = "utf-8"


def head_of(locale: Locale | str | None) -> str:
    """The head of a catalogue: its encoding, its language, its plural forms."""
    number, expression = plural_rule(str(locale))
    return (
        "Content-Type: text/plain; charset=utf-8\n"
        f"Language: {locale}\n"
        f"Plural-Forms: nplurals={number}; plural={expression};\n"
    )


def faults_of(po: Path, messages: Catalog) -> list[str]:
    """What is wrong with a catalogue: stale, untranslated, fuzzy or with other placeholders."""
    catalog = read_catalog(po)
    wanted, there = _keys(messages), _keys(catalog)
    faults = [f"{po.name}: not in the code any more: {key}" for key in sorted(there - wanted)]
    faults += [f"{po.name}: not in the catalogue: {key}" for key in sorted(wanted - there)]
    for message in catalog:
        texts = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and not all(texts):
            faults.append(f"{po.name}: not translated: {message.id!r}")
        if message.fuzzy:
            faults.append(f"{po.name}: fuzzy: {message.id!r}")
        if "%(" in str(message.id):  # Babel takes the "% i" of "95 % intervals" for a format
            faults += [f"{po.name}: {message.id!r}: {error}" for error in message.check(catalog)]
    mo = po.with_suffix(".mo")
    if not mo.exists() or mo.read_bytes() != compiled(po):
        faults.append(f"{mo.name} is not what {po.name} gives")
    return faults


def _keys(catalog: Catalog) -> set[tuple[str, str]]:
    return {(m.context or "", str(m.id)) for m in catalog if m.id}


def update(codes: list[str]) -> None:
    """Update and compile every catalogue, and those of new languages ``codes``."""
    messages = template()
    new = [CATALOGUES / f"{code}.po" for code in codes]
    for po in sorted({*CATALOGUES.glob("*.po"), *new}):
        catalog = updated(po, messages)
        po.write_bytes(written(catalog))
        po.with_suffix(".mo").write_bytes(compiled(po))
        missing = sum(1 for m in catalog if m.id and not (m.string and all(m.string)))
        print(f"{po.name}: {len(catalog)} messages, {missing} without a translation")


def check() -> int:
    """Print every fault; 1 if there is one."""
    messages = template()
    faults = [fault for po in sorted(CATALOGUES.glob("*.po")) for fault in faults_of(po, messages)]
    for fault in faults:
        print(fault)
    return 1 if faults else 0


def main(arguments: list[str]) -> int:
    """Run ``update`` or ``check``."""
    if arguments[:1] == ["check"]:
        return check()
    if arguments[:1] == ["update"] and SOURCE not in arguments:
        update(arguments[1:])
        return 0
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
