"""Declared features: small expressions of attributes, as ``[features.NAME] sql = "…"`` writes them.

A safe part of SQL: names, numbers, ``+ - * /``, comparisons, ``and``, ``or``, ``not``, ``is null``,
``between``, ``nullif``, ``coalesce``, ``case when … then … else … end``. An expression is data: it
is parsed to a tree of these nodes and nothing else is run.

Unknown (NaN) is SQL's NULL: arithmetic and comparisons with it are unknown, ``and`` and ``or``
follow three-valued logic, a ``case`` whose condition is unknown goes on. What has no finite value
(a division by zero, an overflow) is unknown. True is 1 and false is 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from features.errors import DataError

Column = npt.NDArray[np.float64]
Evaluator = Callable[[Mapping[str, Column], int], Column]

MAX_LENGTH = 2_000
MAX_DEPTH = 40
MAX_NODES = 400
WORDS = frozenset(
    {
        "and", "or", "not", "is", "null", "between", "nullif", "coalesce", "case", "when", "then",
        "else", "end", "true", "false",
    }
)  # fmt: skip
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[^\W\d]\w*)"
    r'|"(?P<quoted>(?:[^"]|"")+)"|(?P<sign><=|>=|<>|!=|[-+*/(),<>=]))'
)


@dataclass(frozen=True)
class Expression:
    """A parsed expression. ``text``: as it was written. ``names``: the attributes it reads."""

    text: str
    names: tuple[str, ...]
    _run: Evaluator

    def evaluate(self, columns: Mapping[str, Column], n: int) -> Column:
        """The value for each of ``n`` rows; ``columns`` (n,) each, NaN is unknown.

        A row's bits do not depend on the other rows.

        >>> share = parse_expression("revenue / nullif(employees, 0)")
        >>> columns = {"revenue": np.array([6.0, 6.0, np.nan]), "employees": np.array([4.0, 0, 1])}
        >>> share.evaluate(columns, 3).tolist()
        [1.5, nan, nan]
        """
        with np.errstate(all="ignore"):
            value = np.array(np.broadcast_to(self._run(columns, n), n), dtype=np.float64)
        value[~np.isfinite(value)] = np.nan
        return value + 0.0  # no negative zero


@lru_cache(maxsize=512)
def parse_expression(text: str) -> Expression:
    """Parse an expression. Raises DataError that says what is wrong, and where.

    >>> parse_expression("case when seats >= 50 then 1 else 0 end").names
    ('seats',)
    """
    if len(text) > MAX_LENGTH:
        raise DataError(f"longer than {MAX_LENGTH} characters")
    parser = _Parser(_tokens(text))
    run = parser.either()
    parser.expect_end()
    if not parser.names:
        raise DataError("names no attribute")
    return Expression(text, tuple(sorted(parser.names)), run)


@dataclass(frozen=True)
class _Token:
    kind: str
    text: str
    at: int


def _tokens(text: str) -> list[_Token]:
    tokens, at = [], 0
    while at < len(text.rstrip()):
        found = _TOKEN.match(text, at)
        if found is None:
            at += len(text[at:]) - len(text[at:].lstrip())
            raise DataError(f"cannot read {text[at:].rstrip()[:20]!r} (position {at + 1})")
        kind = found.lastgroup or ""
        word = found[kind]
        start = found.start(kind) + 1
        if kind == "quoted":
            tokens.append(_Token("name", word.replace('""', '"'), start))
        elif kind == "name" and word.lower() in WORDS:
            tokens.append(_Token("word", word.lower(), start))
        else:
            tokens.append(_Token(kind, word, start))
        at = found.end()
    return tokens


class _Parser:
    """Recursive descent; every method returns the evaluator of what it read."""

    def __init__(self, tokens: list[_Token]) -> None:
        self.tokens = tokens
        self.place = self.depth = self.nodes = 0
        self.names: set[str] = set()

    def either(self) -> Evaluator:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise DataError(f"nested more than {MAX_DEPTH} deep")
        left = self._both()
        while self._takes("or"):
            left = self._two(_or, left, self._both())
        self.depth -= 1
        return left

    def expect_end(self) -> None:
        if self.place < len(self.tokens):
            raise self._unexpected("nothing more")

    def _both(self) -> Evaluator:
        left = self._negated()
        while self._takes("and"):
            left = self._two(_and, left, self._negated())
        return left

    def _negated(self) -> Evaluator:
        turned = False
        while self._takes("not"):
            turned = not turned
        inner = self._compared()
        return self._one(_not, inner) if turned else inner

    def _compared(self) -> Evaluator:
        left = self._sum()
        if self._takes("is"):
            known = self._takes("not")
            self._expect("null")
            return self._one(_is_known if known else _is_unknown, left)
        if self._takes("between"):
            low = self._sum()
            self._expect("and")
            high = self._sum()
            return self._two(
                _and,
                self._two(_COMPARE[">="], left, low),
                self._two(_COMPARE["<="], left, high),
            )
        sign = self._sign(*_COMPARE)
        return left if sign is None else self._two(_COMPARE[sign], left, self._sum())

    def _sum(self) -> Evaluator:
        left = self._product()
        while (sign := self._sign("+", "-")) is not None:
            left = self._two(np.add if sign == "+" else np.subtract, left, self._product())
        return left

    def _product(self) -> Evaluator:
        left = self._signed()
        while (sign := self._sign("*", "/")) is not None:
            left = self._two(np.multiply if sign == "*" else np.divide, left, self._signed())
        return left

    def _signed(self) -> Evaluator:
        turned = False
        while (sign := self._sign("-", "+")) is not None:
            turned ^= sign == "-"
        inner = self._atom()
        return self._one(np.negative, inner) if turned else inner

    def _atom(self) -> Evaluator:
        token = self._next()
        if token is None:
            raise DataError("ends too early; expected a name, a number or (")
        if token.kind == "number":
            return self._constant(float(token.text))
        if token.kind == "name":
            return self._name(token.text)
        if token.text in ("true", "false", "null"):
            return self._constant({"true": 1.0, "false": 0.0, "null": np.nan}[token.text])
        if token.text in ("nullif", "coalesce"):
            return self._call(token.text)
        if token.text == "case":
            return self._case()
        if token.text == "(":
            inner = self.either()
            self._expect(")")
            return inner
        self.place -= 1
        raise self._unexpected("a name, a number or (")

    def _call(self, function: str) -> Evaluator:
        self._expect("(")
        given = [self.either()]
        while self._takes(","):
            given.append(self.either())
        self._expect(")")
        if function == "nullif":
            if len(given) != 2:
                raise DataError(f"nullif takes two values, not {len(given)}")
            return self._two(_nullif, given[0], given[1])
        value = given[-1]
        for earlier in reversed(given[:-1]):
            value = self._two(_coalesce, earlier, value)
        return value

    def _case(self) -> Evaluator:
        branches = []
        while self._takes("when"):
            condition = self.either()
            self._expect("then")
            branches.append((condition, self.either()))
        if not branches:
            raise self._unexpected("when")
        value = self.either() if self._takes("else") else self._constant(np.nan)
        self._expect("end")
        for condition, then in reversed(branches):
            value = self._three(_choose, condition, then, value)
        return value

    def _name(self, name: str) -> Evaluator:
        self.names.add(name)
        self._counted()
        return lambda columns, _: columns[name]

    def _constant(self, value: float) -> Evaluator:
        self._counted()
        return lambda _, n: np.full(n, value)

    def _one(self, operation: Callable[[Column], Column], inner: Evaluator) -> Evaluator:
        self._counted()
        return lambda columns, n: operation(inner(columns, n))

    def _two(
        self, operation: Callable[[Column, Column], Column], left: Evaluator, right: Evaluator
    ) -> Evaluator:
        self._counted()
        return lambda columns, n: _finite(operation(left(columns, n), right(columns, n)))

    def _three(
        self,
        operation: Callable[[Column, Column, Column], Column],
        first: Evaluator,
        second: Evaluator,
        third: Evaluator,
    ) -> Evaluator:
        self._counted()
        return lambda columns, n: operation(
            first(columns, n), second(columns, n), third(columns, n)
        )

    def _counted(self) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise DataError(f"holds more than {MAX_NODES} parts")

    def _next(self) -> _Token | None:
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        self.place += token is not None
        return token

    def _sign(self, *signs: str) -> str | None:
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        if token is None or token.kind != "sign" or token.text not in signs:
            return None
        self.place += 1
        return token.text

    def _takes(self, text: str) -> bool:
        token = self.tokens[self.place] if self.place < len(self.tokens) else None
        if token is None or token.kind == "name" or token.text != text:
            return False
        self.place += 1
        return True

    def _expect(self, text: str) -> None:
        if not self._takes(text):
            raise self._unexpected(text)

    def _unexpected(self, wanted: str) -> DataError:
        if self.place >= len(self.tokens):
            return DataError(f"ends too early; expected {wanted}")
        token = self.tokens[self.place]
        return DataError(f"found {token.text!r} at position {token.at}; expected {wanted}")


def _finite(value: Column) -> Column:
    """Infinity, which no attribute has, becomes unknown where it arises."""
    return np.where(np.isinf(value), np.nan, value)


def _compare(
    operation: Callable[[Column, Column], npt.NDArray[np.bool_]],
) -> Callable[[Column, Column], Column]:
    def compared(left: Column, right: Column) -> Column:
        unknown = np.isnan(left) | np.isnan(right)
        return np.where(unknown, np.nan, operation(left, right).astype(np.float64))

    return compared


_COMPARE: dict[str, Callable[[Column, Column], Column]] = {
    "=": _compare(np.equal),
    "<>": _compare(np.not_equal),
    "!=": _compare(np.not_equal),
    "<": _compare(np.less),
    "<=": _compare(np.less_equal),
    ">": _compare(np.greater),
    ">=": _compare(np.greater_equal),
}


def _truth(value: Column) -> Column:
    return np.where(np.isnan(value), np.nan, (value != 0).astype(np.float64))


def _and(left: Column, right: Column) -> Column:
    """False where either is, else unknown where either is (Kleene)."""
    one, two = _truth(left), _truth(right)
    false = (one == 0) | (two == 0)
    return np.where(false, 0.0, np.where(np.isnan(one) | np.isnan(two), np.nan, 1.0))


def _or(left: Column, right: Column) -> Column:
    one, two = _truth(left), _truth(right)
    true = (one == 1) | (two == 1)
    return np.where(true, 1.0, np.where(np.isnan(one) | np.isnan(two), np.nan, 0.0))


def _not(value: Column) -> Column:
    return 1.0 - _truth(value)


def _is_unknown(value: Column) -> Column:
    return np.isnan(value).astype(np.float64)


def _is_known(value: Column) -> Column:
    return (~np.isnan(value)).astype(np.float64)


def _nullif(value: Column, other: Column) -> Column:
    return np.where(value == other, np.nan, value)


def _coalesce(value: Column, otherwise: Column) -> Column:
    return np.where(np.isnan(value), otherwise, value)


def _choose(condition: Column, then: Column, otherwise: Column) -> Column:
    return np.where(_truth(condition) == 1, then, otherwise)
