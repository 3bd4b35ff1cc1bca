"""Refusals are in the language of who asked; none of them has been forgotten."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from serving.http.exchange import problem_response
from serving.http.request import readers_language
from serving.problem_texts import in_language
from serving.problems import TITLES, Problem, problem_from_validation, validation_problem

SERVING = Path(__file__).resolve().parents[2] / "serving"
TEXT_OF = {"Problem": 2, "validation_problem": 1, "FieldError": 1}


def raised_texts() -> Iterator[str]:
    """Every text that the code of the service refuses with, placeholders filled by a 7."""
    for path in sorted(SERVING.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                place = TEXT_OF.get(getattr(node.func, "id", ""), 99)
                text = node.args[place] if len(node.args) > place else None
                if isinstance(text, ast.Constant) and isinstance(text.value, str):
                    yield text.value
                elif isinstance(text, ast.JoinedStr):
                    yield "".join(
                        str(part.value) if isinstance(part, ast.Constant) else "7"
                        for part in text.values
                    )


def test_every_refusal_is_translated() -> None:
    texts = {text for text in raised_texts() if text}
    assert len(texts) > 70
    assert [text for text in sorted(texts) if in_language(text, "fr") == text] == []
    assert [title for title in TITLES.values() if in_language(title, "fr") == title] == []


def test_what_msgspec_refuses_is_translated() -> None:
    class Lead(msgspec.Struct, forbid_unknown_fields=True):
        lead_id: str
        age: int = 0

    for body in (b"[]", b"{}", b'{"lead_id": 7}', b'{"lead_id": "L", "sex": 1}'):
        with pytest.raises(msgspec.ValidationError) as error:
            msgspec.json.decode(body, type=Lead)
        message = problem_from_validation(error.value).errors[0].message
        assert in_language(message, "fr") != message


def test_a_problem_in_french_has_the_same_shape() -> None:
    problem = validation_problem("?limit", "expected a whole number from 1 to 200")
    english, french = (
        msgspec.json.decode(problem_response(problem, "r-1", language=code).body)
        for code in ("en", "fr")
    )
    assert french["title"] == "Requête non valable"
    assert french["errors"] == [
        {"at": "?limit", "message": "attendu\u00a0: un nombre entier de 1 à 200"}
    ]
    same = ("type", "status", "request_id")
    assert [french[key] for key in same] == [english[key] for key in same]
    assert english["errors"][0]["message"] == "expected a whole number from 1 to 200"


def test_an_unknown_text_or_language_stays_english() -> None:
    assert in_language("nobody wrote this", "fr") == "nobody wrote this"
    body = Problem(404, "not-found", "No such lead; PUT it first.").body("r", language="en")
    assert body.detail == "No such lead; PUT it first."
    assert readers_language({b"accept-language": b"tlh"}, b"lang=xx") == "en"
