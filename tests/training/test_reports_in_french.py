"""Reports and cards in French: nothing is left in English, and the code made every message."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from french import english_left, visible
from small_release import small_release
from small_training import DATA, METRICS

from features.language.catalogues import language
from features.language.current import use
from features.language.language import ENGLISH
from features.language.sentence_translator import SentenceTranslator
from scoring.release.release import Release
from scoring.release.texts import KEPT, translated_text
from training.leakage.report import AuditReport, LeakVerdict, Suspect
from training.leakage.values import Evidence, LeakSignal
from training.model_card.card import card_of
from training.model_card.render import card_html, card_markdown
from training.report_texts import REPORT_TEXTS, translated

FRENCH = language("fr")
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    ("english", "french"),
    [
        (
            "linear, rules: better than the base rate by 4.2 standard errors",
            "linear, rules\u00a0: meilleur que le taux de base de 4,2 erreurs types",
        ),
        (
            "capacity: about 40 hot of 81.5 leads a week, and 3 times as many warm or hot",
            "capacité\u00a0: environ 40 chauds sur 81,5 leads par semaine, et 3 fois autant de "
            "tièdes ou chauds",
        ),
        ("a sentence of an older version", "a sentence of an older version"),
    ],
)
def test_a_kept_sentence_is_in_the_language_of_its_reader(english: str, french: str) -> None:
    assert translated_text(english, FRENCH) == french
    assert translated_text(english, ENGLISH) == english


def test_numbers_days_and_lists_of_sentences_are_retold() -> None:
    texts = SentenceTranslator((*KEPT, *REPORT_TEXTS))
    in_french = lambda text: texts.of(text, FRENCH).replace("\u202f", " ").replace("\u00a0", " ")  # noqa: E731
    assert in_french("12,345.6") == "12 345,6"
    assert in_french("35.1%") == "35,1 %"
    assert in_french("2026-03-01") == "1er mars 2026"
    assert in_french("matches no lead here; no score at all") == (
        "ne correspond à aucun lead ici ; aucun score"
    )


def test_what_is_counted_takes_its_plural_and_the_parts_of_a_summary_are_retold() -> None:
    summary = "1 attribute and 12 kinds of 1,204 leads looked at: no suspect"
    with use(FRENCH):
        retold_summary = translated(summary).replace("\u202f", " ").replace("\u00a0", " ")
    assert retold_summary == "examinés : 1 attribut et 12 types de 1 204 leads : aucun suspect"


def audit_report() -> AuditReport:
    texts = (
        "alone it explains 83% of what is to be known (AUC 0.98)",
        "it follows the number of meeting after creation (rank correlation 0.99)",
        "filled in only after closing: 0 leads still open have 'yes', where 120 closed ones of the "
        "same time would",
        "97% of its 1,204 rows lie at or after the outcome, where no reference sees them",
    )
    suspects = [
        Suspect(
            f"signed_{verdict.value}", what, verdict,
            tuple(Evidence(LeakSignal.HOLDS_THE_FUTURE, text) for text in texts),
            auc=0.98, gain=0.83, log_loss=0.1, cost=0.0123,
        )
        for verdict, what in zip(
            LeakVerdict, ("attribute", "answer", "kind", "kind", "attribute"), strict=True
        )
    ]  # fmt: skip
    notes = ("no created_at: the order of time could not be used",)
    return AuditReport("my-leads", 1204, 1, 12, tuple(suspects), notes)


def test_the_audit_is_in_french() -> None:
    with use(FRENCH):
        report = audit_report()
        page = visible(report.to_html())
        summary = report.summary()
    assert not english_left(page, ("meeting", "signed_"))
    assert "à lui seul, il explique 83\u00a0% de ce qu’il y a à savoir (AUC 0,98)" in page
    assert summary.startswith("examinés\u00a0: 1 attribut et 12 types de 1\u202f204 leads")
    assert "looked at" in audit_report().summary()


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> Release:
    metrics: dict[str, Any] = METRICS | {
        "verdict": "linear: better than the base rate by 4.2 standard errors"
    }
    folder = tmp_path_factory.mktemp("release") / "R"
    return small_release(folder, metrics=metrics, data=DATA, settings={"seed": 7})


def test_the_card_is_in_french_as_page_and_as_text(release: Release) -> None:
    with use(FRENCH):
        card = card_of(release)
        page, text = visible(card_html(card)), card_markdown(card)
    assert not english_left(page)
    assert not english_left(text)
    assert "Il n’a rien vu après le 1er juin 2026." in text.replace("\u00a0", " ")
    assert "It has seen nothing after 2026-06-01." in card_markdown(card_of(release))


# ------------------------------------------------------------------ no sentence without a message

REPORT_CODE = ("model_card", "leakage", "comparison")
SINGLE_FILES = ("thresholds.py", "release_record.py", "exploration.py")
NOT_SHOWN = re.compile(
    r"[<>]\w|svg|#[0-9a-f]{3}|^\s|utf-8|[=#]\"|^\{\w*:?[^}]*\}$|--exclude|^[-#] "
)
SENTENCE = re.compile(r"[A-Za-z}]{2,}[,:;(.]? [A-Za-z{(]")


def shape(message: str) -> str:
    """A message with its placeholders unnamed, as an f-string of the code would give it."""
    return re.sub(
        r"{\w*(![rs])?(:[^}]*)?}", lambda m: "{" + (m[1] or "") + (m[2] or "") + "}", message
    )


def texts_of(source: str, *, messages: bool = False) -> Iterator[str]:
    """The texts and f-strings of a module, but for docstrings and errors.

    ``messages``: also those that are translated where they stand.
    """
    tree = ast.parse(source)
    left_out: set[int] = set()
    for node in ast.walk(tree):
        called = node.func if isinstance(node, ast.Call) else None
        name = called.id if isinstance(called, ast.Name) else ""
        is_message = name in ("_", "N_", "say", "say_n") and not messages
        if isinstance(node, ast.Raise) or is_message:
            left_out |= {id(inner) for inner in ast.walk(node)}
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        if isinstance(node, ast.JoinedStr):
            left_out |= {id(inner) for inner in ast.walk(node) if inner is not node}
    for node in ast.walk(tree):
        if id(node) in left_out:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.JoinedStr):
            yield "".join(_part(part) for part in node.values)


def _part(part: ast.expr) -> str:
    if isinstance(part, ast.Constant):
        return str(part.value)
    assert isinstance(part, ast.FormattedValue)
    spec = "".join(_part(each) for each in getattr(part.format_spec, "values", ()))
    conversion = {114: "!r", 115: "!s"}.get(part.conversion, "")
    return "{" + conversion + (f":{spec}" if spec else "") + "}"


def code_texts(*, messages: bool = False) -> dict[str, set[str]]:
    files = [file for part in REPORT_CODE for file in (ROOT / "training" / part).glob("*.py")]
    files += (ROOT / "training/forecast").glob("*.py")
    files += [ROOT / "training" / name for name in SINGLE_FILES]
    return {
        str(file.relative_to(ROOT)): set(texts_of(file.read_text("utf-8"), messages=messages))
        for file in files
    }


def template_texts(file: Path) -> set[str]:
    """What stands between the tags of a template that is translated as a whole."""
    source = file.read_text("utf-8")
    body = re.sub(r"<(style|script)\b.*?</\1>", " ", source, flags=re.DOTALL)
    nodes = (" ".join(unescape(node).split()) for node in re.split(r"<[^>]*>|{%[^%]*%}", body))
    shapes = {re.sub(r"{{.*?}}", "{}", node) for node in nodes}
    return {each for each in shapes if re.search(r"[A-Za-z]{2}", each)}


COMPARISON_PAGE = ROOT / "training/comparison/report.html.j2"


def test_every_sentence_of_the_reports_has_a_message() -> None:
    known = {shape(message) for message in (*KEPT, *REPORT_TEXTS)}
    without = [
        f"{name}: {text!r}"
        for name, texts in code_texts().items()
        for text in sorted(texts)
        if SENTENCE.search(text) and not NOT_SHOWN.search(text) and text not in known
    ]
    texts = {shape(re.sub(r":[^}]*", "", text)) for text in known}
    without += sorted(template_texts(COMPARISON_PAGE) - texts - known)
    assert not without, "add them to training/report_texts/:\n" + "\n".join(without)


def test_every_kept_message_is_still_made_by_the_code() -> None:
    texts = code_texts(messages=True).values()
    made = {shape(text) for each in texts for text in each}
    made |= set(texts_of((ROOT / "commands/forecast.py").read_text("utf-8")))
    for folder in ("calibration", "charts"):
        for file in (ROOT / "training" / folder).glob("*.py"):
            made |= set(texts_of(file.read_text(encoding="utf-8")))
    sentences = [message for message in REPORT_TEXTS if " " in message]  # KEPT has old ones too
    drawn = template_texts(COMPARISON_PAGE)  # filters format the numbers there
    made |= drawn | {
        "{}, as a user gets them",  # a template chooses between two endings
        "{} = unknown",  # a column and its value
    }
    stale = [
        message
        for message in sentences
        if shape(message) not in made and re.sub(r":[^}]*", "", shape(message)) not in drawn
    ]
    assert not stale, "not made any more:\n" + "\n".join(stale)


def test_a_word_of_a_table_is_translated_and_a_name_of_the_data_is_not() -> None:
    with use(FRENCH):
        assert translated("converted within the horizon") == "convertis dans l’horizon"
        assert translated("page_view.count_7d") == "page_view.count_7d"
