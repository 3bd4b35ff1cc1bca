"""Which file of an export is which table of a recipe, and of which system an export is."""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from features.errors import DataError
from integrations.export import Export, ExportFile
from integrations.recipe import Recipe, SourceTable, comparable


@dataclass(frozen=True)
class Matched:
    """Which files are which table of a recipe; ``unread`` has those that are none of them."""

    recipe: Recipe
    folder: Path
    tables: Mapping[str, tuple[ExportFile, ...]]
    unread: tuple[tuple[str, str], ...]

    @property
    def missing(self) -> tuple[str, ...]:
        """Tables without which the recipe cannot work, and that no file is."""
        needed = (name for name, table in self.recipe.tables.items() if table.needed)
        return tuple(name for name in needed if name not in self.tables)


def match(export: Export, recipe: Recipe) -> Matched:
    """Which file is which table. DataError if a file could be two of them."""
    tables: dict[str, tuple[ExportFile, ...]] = {}
    unread = list(export.unread)
    for file in export.files:
        name = _table_of(file, recipe)
        if name is None:
            unread.append((file.name, f"no table of {recipe.name} has its columns"))
        else:
            tables[name] = (*tables.get(name, ()), file)
    return Matched(recipe, export.folder, tables, tuple(sorted(unread)))


def _table_of(file: ExportFile, recipe: Recipe) -> str | None:
    """The table with most of its required columns in the file; the file's name decides ties."""
    present = {comparable(column) for column in file.columns}
    stem = file.stem
    fitting = {
        name: table
        for name, table in recipe.tables.items()
        if all(present & _spellings(table, column) for column in table.required)
    }
    named = [n for n, t in fitting.items() if any(fnmatch.fnmatch(stem, p) for p in t.files)]
    by_folder = [
        n
        for n, t in fitting.items()
        if any(
            fnmatch.fnmatch(part.lower(), p)
            for part in file.name.split("/")[:-1]
            for p in t.files
            if p != "*"
        )
    ]
    chosen = by_folder or named or list(fitting)
    most = max((len(recipe.tables[name].required) for name in chosen), default=0)
    best = [name for name in chosen if len(recipe.tables[name].required) == most]
    if len(best) > 1:
        raise DataError(
            f"{file.name} could be {' or '.join(best)} of {recipe.name}; "
            f"name it {' or '.join(recipe.tables[name].files[0] for name in best)}"
        )
    return best[0] if best else None


def _spellings(table: SourceTable, column: str) -> set[str]:
    return {comparable(name) for name in (column, *table.headers.get(column, ()))}


def detect(export: Export, recipes: Sequence[Recipe]) -> Matched:
    """The one recipe whose needed tables are all there; DataError if none or several are."""
    found, wanted = [], []
    for recipe in recipes:
        try:
            matched = match(export, recipe)
        except DataError:
            if len(recipes) == 1:
                raise
            continue
        if matched.tables and not matched.missing:
            found.append(matched)
        else:
            wanted.append(f"{recipe.name} ({', '.join(matched.missing)})")
    most = max(map(_fit, found), default=(0, 0))
    best = [matched for matched in found if _fit(matched) == most]
    if len(best) == 1:
        return best[0]
    if best:
        names = ", ".join(m.recipe.name for m in best)
        raise DataError(f"{export.folder} could be an export of {names}; name the system")
    not_read = "".join(f"; not read: {name} ({why})" for name, why in export.unread[:5])
    raise DataError(
        f"{export.folder} is no export known here; missing tables: {'; '.join(wanted)}. "
        f"Files there: {', '.join(file.name for file in export.files) or 'none that can be read'}"
        f"{not_read}. leadscore init {export.folder} reads exports of any other system"
    )


def _fit(matched: Matched) -> tuple[int, int]:
    """How well a recipe fits: files that are its tables, and columns that it requires of them."""
    files = sum(map(len, matched.tables.values()))
    columns = sum(len(matched.recipe.tables[name].required) for name in matched.tables)
    return files, columns
