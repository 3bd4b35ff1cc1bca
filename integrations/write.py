"""Writing an import as a dataset folder: Parquet tables and a commented dataset.toml."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from features.errors import UsageError
from integrations.coverage import ImportReport, zulu
from integrations.engine import Imported
from integrations.history import Basis
from integrations.recipe import Recipe

TABLES = {
    "leads": "SELECT * REPLACE (created_at AT TIME ZONE 'UTC' AS created_at) FROM made_lead",
    "outcomes": "SELECT lead_id, outcome, occurred_at AT TIME ZONE 'UTC' AS occurred_at "
    "FROM made_outcome AS outcome ORDER BY lead_id",
    "interactions": "SELECT * REPLACE (occurred_at AT TIME ZONE 'UTC' AS occurred_at) "
    "FROM made_interaction",
    "answers": "SELECT * REPLACE (answered_at AT TIME ZONE 'UTC' AS answered_at) FROM made_answer",
    "aliases": "SELECT alias_id, lead_id, since AT TIME ZONE 'UTC' AS since FROM made_alias "
    "ORDER BY alias_id",
}
OPTIONAL = ("interactions", "answers", "aliases")
"""Tables that are not written where they have no rows."""


def write_dataset(imported: Imported, report: ImportReport, out: Path) -> None:
    """Write the tables, dataset.toml and, under ``import/``, the report and the rows set aside.

    A dataset.toml that is there is kept but for ``observed_until``. Raises UsageError if the folder
    has tables in another format, or is the export itself.
    """
    if out.resolve() == imported.matched.folder.resolve():
        raise UsageError("OUT is the folder of the export; name another one")
    others = [p.name for t in TABLES for p in out.glob(f"{t}.*") if p.suffix != ".parquet"]
    if others:
        raise UsageError(f"{out} already has {', '.join(sorted(others))}; name an empty folder")
    (out / "import").mkdir(parents=True, exist_ok=True)
    for name, query in TABLES.items():
        path = out / f"{name}.parquet"
        table = imported.connection.sql(query).to_arrow_table()
        if table.num_rows == 0 and name in OPTIONAL:
            path.unlink(missing_ok=True)
        else:
            pq.write_table(table, path)
    settings = out / "dataset.toml"
    if settings.exists():
        settings.write_text(_with_new_moment(settings.read_text("utf-8"), report), "utf-8")
    else:
        settings.write_text(settings_text(imported.matched.recipe, report, out.name), "utf-8")
    rows = imported.connection.sql(
        'SELECT _table AS "table", _row AS "row", fate, reason FROM made_fate '
        "WHERE fate <> 'kept' ORDER BY ALL"
    ).to_arrow_table()
    pa_csv.write_csv(rows, out / "import" / "rows_not_kept.csv")
    text = json.dumps(report.to_dict(), indent=2, ensure_ascii=False)
    (out / "import" / "report.json").write_text(text + "\n", "utf-8")


def settings_text(recipe: Recipe, report: ImportReport, name: str) -> str:
    """dataset.toml: what was decided, and as comments what a person may want to change."""
    lines = [
        f"# Written by `leadscore import {recipe.name}`; keys: docs/reference/data-contract.md",
        f"name = {_text(name)}",
        f"about = {_text('Imported from ' + recipe.title)}",
        "",
        "# The latest moment that the system itself wrote: everything up to it is in the tables.",
        f"observed_until = {zulu(report.observed_until)}",
        "",
        "# A lead counts as converting if it does so within so many days; set yours.",
        "horizon_days = 30",
        "# Ages of a lead, in days, at which training asks; 0 is its creation.",
        "reference_ages_days = [0]",
    ]
    if recipe.outbound_kinds:
        kinds = ", ".join(map(_text, recipe.outbound_kinds))
        lines += [
            "",
            "# What your own people do, kept apart from what the lead does.",
            f"outbound_kinds = [{kinds}]",
        ]
    as_now = [each.name for each in report.fields if each.basis is Basis.AS_NOW]
    if as_now:
        lines += [
            "",
            "# Known only as they are now, so not in leads (import again with --as-at-creation",
            "# FIELD for one that nobody changes after a lead is created):",
            *(f"#   {_text(field)}" for field in as_now),
        ]
    written = {
        each.name for each in report.fields if each.basis not in (Basis.AS_NOW, Basis.LEFT_OUT)
    }
    for field, hint in recipe.attributes.items():
        if field in written:
            lines += ["", f"[attributes.{_text(field)}]"]
            lines += [f"{key} = {_text(value)}" for key, value in hint if value is not None]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    """A TOML string."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _with_new_moment(text: str, report: ImportReport) -> str:
    line = f"observed_until = {zulu(report.observed_until)}"
    changed, found = re.subn(r"(?m)^observed_until\s*=.*$", line, text, count=1)
    return changed if found else f"{line}\n{text}"
