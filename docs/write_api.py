"""Write docs/reference/python.md from the docstrings of the public Python API."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from types import ModuleType
from typing import Any

import leadscore

PAGE = Path(__file__).with_name("reference") / "python.md"

INTRODUCTION = """# The Python API

Written from the docstrings by `make docs`; do not edit. What this page names is public; everything
else is internal and may change without notice. Frames go in (pandas, Polars, Arrow) and pandas
DataFrames come out; results show themselves in a notebook. Figures are those of the commands, to
the last bit. In the examples `data` is a dataset, `fitted` a training and `release` its release:

```python
import leadscore as ls

data = ls.simulate(300, seed=4).to_dataset()
fitted = ls.train(data)
release = fitted.release
```

[In a notebook](../guide/python.md) is the guide.

"""

HIDDEN = {"main"}
"""Public, and described elsewhere: the command line has a page of its own."""


def page() -> str:
    """The whole page."""
    names = [name for name in leadscore.__all__ if name not in HIDDEN]
    listed = "\n".join(f"- [`{name}`](#{name.lower()}): {first_line(name)}" for name in names)
    return INTRODUCTION + listed + "\n" + "".join(section(name) for name in names)


def first_line(name: str) -> str:
    """The first sentence about a name."""
    return markdown(documented(getattr(leadscore, name)).split("\n\n")[0].replace("\n", " "))


def section(name: str) -> str:
    """A heading, the signature, the docstring; of a class its public methods too."""
    value = getattr(leadscore, name)
    if isinstance(value, ModuleType):
        return f"\n## {name}\n\n{errors_text(value)}\n"
    text = f"\n## {name}\n\n"
    if not inspect.isclass(value):
        text += f"```python\n{signature(name, value)}\n```\n\n"
    text += markdown(documented(value)) + "\n"
    if inspect.isclass(value):
        members = [m for m in inspect.classify_class_attrs(value) if is_shown(m, value)]
        text += "".join(member_text(name, member) for member in members)
    return text


def is_shown(member: inspect.Attribute, owner: type) -> bool:
    """Whether a method or property is the class's own, and has a docstring."""
    if member.name.startswith("_") or member.defining_class is not owner:
        return False
    return bool(inspect.getdoc(getattr(owner, member.name, None))) and member.kind != "data"


def member_text(owner: str, member: inspect.Attribute) -> str:
    """One method or property of a class."""
    value = getattr(getattr(leadscore, owner), member.name)
    head = f"{owner}.{member.name}" if not callable(value) else signature(
        f"{owner}.{member.name}", value
    )  # fmt: skip
    told = markdown(documented(value))
    return f"\n### `{owner}.{member.name}`\n\n```python\n{head}\n```\n\n{told}\n"


def documented(value: Any) -> str:
    """The docstring, cleaned. A name without one is an error."""
    text = inspect.getdoc(value)
    if not text:
        raise ValueError(f"{value!r} has no docstring")
    return text


def signature(name: str, value: Any) -> str:
    """A call with its types, one argument a line when it is long."""
    found = inspect.signature(value)
    told: list[str] = []
    for one in found.parameters.values():
        if one.name in ("self", "cls"):
            continue
        starred = any(text.startswith("*") for text in told)
        if one.kind is one.KEYWORD_ONLY and not starred:
            told.append("*")
        told.append(argument(one))
    back = "" if found.return_annotation is found.empty else f" -> {found.return_annotation}"
    line = f"{name}({', '.join(told)}){back}"
    if len(line) <= 90:
        return line
    return f"{name}(\n" + "".join(f"    {text},\n" for text in told) + f"){back}"


def argument(one: inspect.Parameter) -> str:
    """One argument with its type and default."""
    stars = {one.VAR_KEYWORD: "**", one.VAR_POSITIONAL: "*"}.get(one.kind, "")
    typed = "" if one.annotation is one.empty else f": {one.annotation}"
    default = "" if one.default is one.empty else f" = {one.default!r}"
    return f"{stars}{one.name}{typed}{default}"


def markdown(text: str) -> str:
    """A docstring as Markdown: code in backticks, Args and Raises as lists, examples fenced."""
    text = re.sub(r":(?:func|class|meth|attr):`~?([^`]+)`", r"`\1`", text).replace("``", "`")
    blocks = [block_text(block) for block in text.split("\n\n")]
    return "\n\n".join(blocks)


def block_text(block: str) -> str:
    """One paragraph: an example, a titled list, or words."""
    if block.startswith(">>> "):
        return f"```pycon\n{block}\n```"
    title, _, rest = block.partition("\n")
    if title in ("Args:", "Returns:", "Raises:") and rest:
        return f"**{title.rstrip(':')}**\n\n{listed_text(rest, title)}"
    return block


def listed_text(block: str, title: str) -> str:
    """Indented entries as a list; what a function returns as words."""
    lines = inspect.cleandoc(block).split("\n")
    entries: list[str] = []
    for line in lines:
        if line.startswith(" ") and entries:
            entries[-1] += " " + line.strip()
        elif title == "Returns:" and entries:
            entries[0] += " " + line
        else:
            entries.append(line)
    if title == "Returns:":
        return entries[0]
    return "\n".join(re.sub(r"^([\w, ]+): ", r"- `\1`: ", entry) for entry in entries)


def errors_text(module: ModuleType) -> str:
    """The tree of errors as it is drawn where it is defined."""
    before, _, tree = documented(module).partition("::\n")
    return f"{before.strip()}\n\n```text\n{inspect.cleandoc(tree)}\n```"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
