"""A recipe: how the files or tables of a known system become a dataset, as data.

A recipe is a folder of ``integrations/recipes/``: ``recipe.toml`` names the system's tables, their
columns and words; the SQL files beside it say what each row means. Nothing in it is code that runs
outside DuckDB, and DuckDB may read nothing but the export (:mod:`integrations.export`).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from features.errors import UsageError

Meaning = Literal["converted", "lost", "open", "created"]
"""What a word of the system says of a lead; ``created``: an event that makes somebody a lead."""

QUERIES = ("leads", "changes", "interactions", "outcomes", "aliases")
"""The SQL files a recipe may have; :mod:`integrations.engine` says what each must return."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SourceTable(_Part):
    """One table of the system, with the names that its documentation gives.

    A file is this table if it has all ``required`` columns; ``files`` (patterns of names without
    ending) decides where that fits several tables. ``moments`` and ``days`` are turned into UTC;
    ``written_at`` are moments that the system itself wrote, so the latest of them is when the
    export was made. Rows with the same ``key`` are one row: the one written last counts.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    files: tuple[str, ...] = ("*",)
    moments: tuple[str, ...] = ()
    days: tuple[str, ...] = ()
    written_at: tuple[str, ...] = ()
    key: tuple[str, ...] = ()
    needed: bool = False
    goal: str | None = Field(default=None, description="the only goal for which it is used")
    lookup: bool = Field(default=False, description="names for ids: its rows need no place")
    headers: Mapping[str, tuple[str, ...]] = Field(
        default={}, description="a column's other headers: labels, older versions"
    )

    @property
    def columns(self) -> tuple[str, ...]:
        """Every column that the recipe's SQL may use."""
        return tuple(dict.fromkeys((*self.required, *self.optional)))


class AttributeHint(_Part):
    """What is known of an attribute from the system's documentation."""

    group: str | None = None
    type: str | None = None


class Recipe(_Part):
    """A whole recipe, as ``recipe.toml`` has it; ``name`` and ``queries`` come from the folder."""

    name: str
    system: str
    title: str
    pages: tuple[str, ...] = Field(min_length=1, description="where the column names come from")
    zone: str | None = Field(default=None, description="of times without one; None: must be given")
    formats: tuple[str, ...] = Field(default=(), description="of times, as strptime has them")
    creation_seconds: float = Field(
        default=0.0, ge=0, description="values written so soon after creation belong to it"
    )
    tables: Mapping[str, SourceTable]
    words: Mapping[Meaning, tuple[str, ...]] = {}
    goals: Mapping[str, str] = Field(
        default={}, description="what counts as a conversion: a name and its outcomes query"
    )
    left_out: Mapping[str, tuple[str, ...]] = Field(
        default={}, description="patterns of columns that are no attributes, by reason"
    )
    written_once: tuple[str, ...] = Field(
        default=(), description="columns the system never changes: as now is as at creation"
    )
    queries_of: str | None = Field(default=None, description="the recipe whose SQL is used")
    outbound_kinds: tuple[str, ...] = ()
    attributes: Mapping[str, AttributeHint] = {}
    queries: Mapping[str, str]

    def outcomes_query(self, goal: str | None) -> str:
        """The SQL of the outcomes for a goal; the first one where none is named."""
        if not self.goals:
            if goal is not None:
                raise UsageError(f"{self.name} knows one kind of conversion only; leave --goal out")
            return "outcomes"
        if goal is not None and goal not in self.goals:
            known = ", ".join(self.goals)
            raise UsageError(f"{self.name} has no goal {goal!r}; expected one of {known}")
        return self.goals[goal or next(iter(self.goals))]


@dataclass(frozen=True)
class Choices:
    """What a person decides beside the recipe.

    ``words``: meanings of the system's words, before the recipe's own. ``as_at_creation``: fields
    without a history whose value of today is to be taken as known at creation (``*``: all).
    ``tracked_since``: when the system began to keep histories, if earlier than its first change.
    """

    zone: str | None = None
    goal: str | None = None
    words: Mapping[str, Meaning] | None = None
    as_at_creation: tuple[str, ...] = ()
    tracked_since: str | None = None


@cache
def recipe_names() -> tuple[str, ...]:
    """The recipes shipped, in alphabetical order."""
    root = resources.files("integrations") / "recipes"
    return tuple(sorted(f.name for f in root.iterdir() if (f / "recipe.toml").is_file()))


@cache
def load_recipe(name: str) -> Recipe:
    """A recipe by its folder's name. UsageError if there is none, or it is not well formed."""
    if name not in recipe_names():
        raise UsageError(f"no recipe {name!r}; expected one of {', '.join(systems())} or auto")
    folder = resources.files("integrations") / "recipes" / name
    raw = tomllib.loads((folder / "recipe.toml").read_text(encoding="utf-8"))
    sources = resources.files("integrations") / "recipes" / raw.get("queries_of", name)
    queries = {
        file.name.removesuffix(".sql"): file.read_text(encoding="utf-8")
        for file in sources.iterdir()
        if file.name.endswith(".sql")
    }
    try:
        return Recipe(name=name, queries=queries, **raw)
    except ValidationError as error:
        raise UsageError(f"recipes/{name}/recipe.toml: {error}") from error


def systems() -> tuple[str, ...]:
    """The names that ``leadscore import`` takes: systems, and recipes of one shape of export."""
    names = recipe_names()
    return tuple(sorted({*names, *(load_recipe(name).system for name in names)}))


def recipes_of(system: str) -> tuple[Recipe, ...]:
    """The recipes that a name stands for: one, those of a system, or all for ``auto``."""
    every = [load_recipe(name) for name in recipe_names()]
    found = tuple(r for r in every if system in ("auto", r.name, r.system))
    if not found:
        raise UsageError(f"no recipe for {system!r}; expected one of {', '.join(systems())}, auto")
    return found


def meanings(recipe: Recipe, choices: Choices) -> dict[str, Meaning]:
    """Each word in lower case with its meaning; what a person says replaces the recipe's."""
    shipped = {_folded(word): meaning for meaning, words in recipe.words.items() for word in words}
    declared = {_folded(word): meaning for word, meaning in (choices.words or {}).items()}
    return shipped | declared


def _folded(word: str) -> str:
    return " ".join(word.lower().split())


def comparable(name: str) -> str:
    """A column's name for comparison: case, blanks and signs do not matter.

    >>> comparable("Record ID"), comparable("record_id"), comparable("PROPERTY_EMAIL")
    ('recordid', 'recordid', 'propertyemail')
    """
    return "".join(sign for sign in name.lower() if sign.isalnum())


def first_of(names: Iterable[str], present: Mapping[str, str]) -> str | None:
    """The first of ``names`` that a file has, as the file writes it."""
    return next((present[key] for key in map(comparable, names) if key in present), None)
