"""The sentences of errors, and of what reading inferred or lost, read from the code itself.

Every ``raise DataError(f"…")`` of the product is a message for a person, and so is every sentence
of the modules that read data. What an f-string fills in becomes a numbered placeholder, ``{v1}``,
so that renaming a variable changes no message; what is put together from pieces (a conditional, a
``join``, a function of the code that returns the sentence, a name that is assigned in the same
function) gives each piece as a message of its own. Nothing is listed by hand, so that no error can
be forgotten.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

READING = ("features/reading", "integrations")
"""Where sentences are kept beside the data (what was inferred, lost, set aside) or printed."""
PACKAGES = ("features", "scoring", "training", "serving", "commands", "integrations")
ERRORS = frozenset(
    {"LeadscoreError", "UsageError", "DataError", "GateError", "StorageError", "ReleaseError",
     "RegistryError", "StorageFull", "StorageBusy", "BadParameter"}
)  # fmt: skip
SHOWN = frozenset({"composed", "timed", "report_progress", "progress", "Check"})
"""Functions that show a person the sentences that they are called with."""
SAYING = frozenset({"commands", "batch"})
"""Folders where they are called."""
PLURAL = "plural"
"""The function that makes a sentence that counts, of its singular and its plural."""
MARKED = frozenset({"_", "N_", "say", "say_n", "ngettext", "pgettext", "compile", PLURAL})
ALSO = (
    "features/accounts.py", "features/contract.py", "features/dataset.py",
    "training/registry/gate.py", "training/registry/gate_criteria.py",
    "training/registry/gate_suspects.py", "commands/registry.py", "commands/retrain.py",
)  # fmt: skip
"""Other files whose sentences are kept, or printed later: the gate's above all."""
MAX_DEPTH = 4
_TECHNICAL = re.compile(
    r"\|\^| eq true| > \{|^, try_|\\[sdw.[(-]|\$$|^\(\?|datetime64|_$|^\S+\.$| asc,|^--|"
    r"^#? ?\w+ = |^\[\S+\] |^\w+\(|[ (]chr\(|^(?:[A-Z]\w+ )+[A-Z]\w*$|\b(?:SELECT|SET|FROM|WHERE|"
    r"AND|IS|IN|AS|OR|ORDER|CASE|JOIN|VIEW|UNION|PRAGMA|INTERVAL|MAP|CREATE|DESCRIBE|BEGIN|FILTER|"
    r"CAST|NULL|DROP|INSERT|DESC)\b"
)
"""What a sentence does not hold: SQL, types, regular expressions, lines of TOML, field names."""
_QUOTED = re.compile(r"'([^']* [^']*)'")
"""A text as a literal of SQL, such as the reason for which a recipe sets rows aside."""
_NUMBER_SPEC = re.compile(r"[,\d.]*[dfge%]?")
Functions = dict[str, ast.FunctionDef]


def composed_sentences(root: Path) -> list[str | tuple[str, str]]:
    """Every sentence, or piece of one, of errors and of reading; sorted, each once.

    One that counts (:func:`features.language.plural.plural`) is its singular and its plural.
    """
    sentences: set[str] = set()
    pairs: set[tuple[str, str]] = set()
    for file in (root / "leadscore.py", *_files(root, PACKAGES)):
        sentences.update(_of_file(root, file))
        pairs.update(_that_count(file))
    for file in (*_files(root, READING), *(root / name for name in ALSO)):
        sentences.update(_in_functions(root, file))
    return [*sorted(sentences), *sorted(pairs)]


def _that_count(file: Path) -> Iterator[tuple[str, str]]:
    for node in ast.walk(_parsed(file)):
        if isinstance(node, ast.Call) and _name_of(node.func) == PLURAL:
            _, one, many = node.args[:3]
            yield ast.literal_eval(one), ast.literal_eval(many)


def _files(root: Path, folders: tuple[str, ...]) -> list[Path]:
    return [file for folder in folders for file in sorted((root / folder).rglob("*.py"))]


def _in_functions(root: Path, file: Path) -> Iterator[str]:
    """Sentences among the literals inside functions, docstrings and marked texts aside."""
    for function in ast.walk(_parsed(file)):
        if not isinstance(function, ast.FunctionDef):
            continue
        reader = _ExpressionTexts(root, file, function)
        aside = {id(part) for node in ast.walk(function) for part in _no_sentences(node)}
        for node in ast.walk(function):
            if isinstance(node, ast.BinOp):
                yield from (text for text in reader.texts(node, MAX_DEPTH) if _is_sentence(text))
            if isinstance(node, ast.Constant | ast.JoinedStr) and id(node) not in aside:
                template, _ = _template(node)
                if quoted := _QUOTED.fullmatch(template):
                    template = quoted[1]
                if _is_sentence(template):
                    yield template


def _no_sentences(node: ast.AST) -> Iterator[ast.AST]:
    """Docstrings, the pieces of f-strings, and what gettext already translates."""
    if isinstance(node, ast.Expr):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield from node.values
    elif isinstance(node, ast.Call) and _name_of(node.func) in MARKED:
        yield from node.args
    elif isinstance(node, ast.Call) and _name_of(node.func) in {"Option", "Argument"}:
        yield from (keyword.value for keyword in node.keywords)


def _is_sentence(template: str) -> bool:
    """Whether a literal is for a person: words, but no SQL, no type, no pattern."""
    several = len(_words(template)) > 1 or template.count("{") > 2
    return several and not _TECHNICAL.search(template) and _is_prose(template)


def _of_file(root: Path, file: Path) -> Iterator[str]:
    tree = _parsed(file)
    for function, call in _shown(tree, ERRORS | SHOWN if file.parent.name in SAYING else ERRORS):
        reader = _ExpressionTexts(root, file, function)
        for argument in call.args[:1] if _name_of(call.func) in ERRORS else call.args:
            yield from reader.texts(argument)
            if isinstance(argument, ast.Constant) and _name_of(call.func) in {
                "timed",
                "tell",
                "progress",
            }:
                yield str(argument.value)  # even a single word


@cache
def _parsed(file: Path) -> ast.Module:
    return ast.parse(file.read_text(encoding="utf-8"))


def _shown(tree: ast.Module, names: frozenset[str]) -> Iterator[tuple[ast.AST, ast.Call]]:
    """(the innermost function, the call that makes an error or shows a sentence)."""
    waiting: list[tuple[ast.AST, ast.AST]] = [(tree, tree)]
    while waiting:
        function, node = waiting.pop()
        if isinstance(node, ast.Call) and _name_of(node.func) in names:
            yield function, node
        inner = node if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) else function
        waiting += [(inner, child) for child in ast.iter_child_nodes(node)]


def _name_of(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


class _ExpressionTexts:
    """The texts of expressions inside one function of one file."""

    def __init__(self, root: Path, file: Path, function: ast.AST) -> None:
        self.root, self.file, self.function = root, file, function

    def texts(self, node: ast.expr, depth: int = 0) -> Iterator[str]:
        """Messages that the expression may give, pieces of it included."""
        if depth > MAX_DEPTH:
            return
        if isinstance(node, ast.Constant | ast.JoinedStr):
            template, fillings = _template(node)
            if _is_prose(template):
                yield template
            for filling in fillings:
                yield from self.texts(filling, depth + 1)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            yield from self._sum(node, depth)
        elif isinstance(node, ast.IfExp):
            yield from self.texts(node.body, depth)
            yield from self.texts(node.orelse, depth)
        elif isinstance(node, ast.BoolOp):
            for value in node.values:
                yield from self.texts(value, depth)
        elif isinstance(node, ast.GeneratorExp | ast.ListComp):
            yield from self.texts(node.elt, depth)
        elif isinstance(node, ast.List | ast.Tuple):
            for element in node.elts:
                yield from self.texts(getattr(element, "value", element), depth)
        elif isinstance(node, ast.Name):
            for value in _assigned(self.function, node.id):
                yield from self.texts(value, depth + 1)
        elif isinstance(node, ast.Call):
            yield from self._call(node, depth)

    def _sum(self, node: ast.BinOp, depth: int) -> Iterator[str]:
        """``f"…" + (… if … else …)``: the first part with a placeholder, and what fills it."""
        parts = list(_terms(node))
        joined: list[ast.expr] = []
        for part in parts:
            if isinstance(part, ast.JoinedStr):
                joined += part.values
            elif isinstance(part, ast.Constant):
                joined.append(part)
            else:
                joined.append(ast.FormattedValue(value=part, conversion=-1, format_spec=None))
        yield from self.texts(ast.JoinedStr(values=joined), depth)

    def _call(self, node: ast.Call, depth: int) -> Iterator[str]:
        name = _name_of(node.func)
        if name == "join":
            yield from (text for each in node.args for text in self.texts(each, depth + 1))
        elif name == PLURAL:  # the sentence is taken as a pair; what fills it, here
            for keyword in node.keywords:
                yield from self.texts(keyword.value, depth + 1)
        elif name not in ERRORS and (found := _function(self.root, self.file, name)) is not None:
            file, function = found
            reader = _ExpressionTexts(self.root, file, function)
            for inner in ast.walk(function):
                if isinstance(inner, ast.Return | ast.Yield) and inner.value is not None:
                    yield from reader.texts(inner.value, depth + 1)


def _terms(node: ast.expr) -> Iterator[ast.expr]:
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        yield from _terms(node.left)
        yield from _terms(node.right)
    else:
        yield node


def _assigned(function: ast.AST, name: str) -> Iterator[ast.expr]:
    """What the function assigns or appends to a name."""
    for node in ast.walk(function):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets, value = node.targets, node.value
        elif isinstance(node, ast.NamedExpr | ast.AugAssign | ast.AnnAssign):
            targets, value = [node.target], node.value or ast.Constant("")
        elif isinstance(node, ast.Call) and _name_of(node.func) == "append" and node.args:
            targets, value = [getattr(node.func, "value", node.func)], node.args[0]
        if any(_name_of(target) == name for target in targets):
            yield value


def _function(root: Path, file: Path, name: str) -> tuple[Path, ast.FunctionDef] | None:
    """The function of this name: of the file itself, or of the module it imports it from."""
    for node in ast.walk(_parsed(file)):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return file, node
        if isinstance(node, ast.ImportFrom) and any(alias.name == name for alias in node.names):
            other = root / ((node.module or "").replace(".", "/") + ".py")
            if other.is_file() and other != file:
                return _function(root, other, name)
    return None


def _template(node: ast.Constant | ast.JoinedStr) -> tuple[str, list[ast.expr]]:
    """A literal as ``str.format`` takes it, and the expressions that fill it."""
    if isinstance(node, ast.Constant):
        return (_escaped(node.value), []) if isinstance(node.value, str) else ("", [])
    text, fillings = "", list[ast.expr]()
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += _escaped(str(part.value))
        elif isinstance(part, ast.FormattedValue):
            fillings.append(part.value)
            conversion = "!r" if part.conversion == ord("r") else ""
            text += f"{{v{len(fillings)}{conversion}{_spec(part)}}}"
    return text, fillings


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


def _spec(part: ast.FormattedValue) -> str:
    """The format of a number; none for what is not one, such as a date."""
    spec = ast.unparse(part.format_spec)[2:-1] if part.format_spec is not None else ""
    return f":{spec}" if spec and _NUMBER_SPEC.fullmatch(spec) else ""


def _is_prose(template: str) -> bool:
    """Whether a person reads words in it: two words, or one with a sign between placeholders."""
    return " " in template.strip() and (bool(_words(template)) or ": {" in template)


def _words(template: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", re.sub(r"{[^{}]*}", " ", template))
