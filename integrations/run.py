"""Importing an export in one call: detect, read, run the recipe, write, report."""

from __future__ import annotations

from pathlib import Path

from integrations.coverage import ImportReport, report_on
from integrations.engine import run_recipe
from integrations.export import look_at
from integrations.recipe import Choices, recipes_of
from integrations.table_match import Matched, detect
from integrations.write import write_dataset


def detect_system(folder: Path, system: str = "auto") -> Matched:
    """Which recipe reads an export, and which file is which table.

    ``system``: a name of :func:`integrations.recipe.systems`, or ``auto``. Raises UsageError for an
    unknown name, DataError if no recipe fits or several do.
    """
    return detect(look_at(folder), recipes_of(system))


def import_export(
    system: str,
    folder: Path,
    out: Path,
    choices: Choices | None = None,
    *,
    exported_at: str | None = None,
) -> ImportReport:
    """Turn a system's export into the dataset folder ``out`` and say what became of every row.

    ``exported_at``: when the export was made (ISO 8601), where its own moments do not tell.
    """
    imported = run_recipe(detect_system(folder, system), choices or Choices(), exported_at)
    report = report_on(imported)
    write_dataset(imported, report, out)
    return report
