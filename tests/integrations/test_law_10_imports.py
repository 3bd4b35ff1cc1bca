"""Law 10 for imports: whatever rows an export has, each one is kept, folded or set aside."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from integrations.run import import_export

IDS = st.sampled_from(
    ["", " 00Q5f00000AbCdA ", "00Q5f00000AbCdAEAV", "00Q5f00000AbCdB", "x", "é|,"]
)
TIMES = st.sampled_from(
    ["", "2026-01-05T09:00:00.000Z", "2026-02-05", "2026-03-01T09:00:00+0000", "soon", "0"]
)
STATUSES = st.sampled_from(
    ["", "New", "new ", "Closed - Converted", "Closed - Not Converted", "Recycled", "a\nb", '"']
)
FLAGS = st.sampled_from(["", "true", "false", "?"])
VALUES = st.sampled_from(["", "Hot", "Cold", "0055f000000Zoe1AAA"])

LEADS = st.lists(st.tuples(IDS, TIMES, STATUSES, FLAGS, TIMES, IDS, VALUES, TIMES), max_size=6)
CHANGES = st.lists(
    st.tuples(
        IDS, IDS, st.sampled_from(["", "Status", "Rating", "leadConverted"]), VALUES, VALUES, TIMES
    ),
    max_size=6,
)
TASKS = st.lists(st.tuples(IDS, IDS, TIMES, STATUSES, FLAGS), max_size=6)


def write(path: Path, header: str, rows: list[tuple[str, ...]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([header.split(), *rows])


@settings(max_examples=6, deadline=None)
@given(LEADS, CHANGES, TASKS)
def test_no_row_vanishes(
    leads: list[tuple[str, ...]], changes: list[tuple[str, ...]], tasks: list[tuple[str, ...]]
) -> None:
    with tempfile.TemporaryDirectory() as temporary:
        folder, out = Path(temporary) / "export", Path(temporary) / "out"
        folder.mkdir()
        write(
            folder / "Lead.csv",
            "Id CreatedDate Status IsConverted ConvertedDate MasterRecordId Rating SystemModstamp",
            leads,
        )
        write(folder / "LeadHistory.csv", "Id LeadId Field OldValue NewValue CreatedDate", changes)
        write(folder / "Task.csv", "Id WhoId CreatedDate Status IsClosed", tasks)
        report = import_export("salesforce", folder, out, exported_at="2026-04-01T00:00:00Z")
        read = {table.table: table.read for table in report.tables}
        assert read == {"lead": len(leads), "lead_history": len(changes), "task": len(tasks)}
        for table in report.tables:
            assert table.kept + table.folded + table.set_aside == table.read
            told = sum(each.rows for each in report.reasons if each.table == table.table)
            assert told == table.folded + table.set_aside
        assert not any("no rule of the recipe" in each.reason for each in report.reasons)
        kept = set(pq.read_table(out / "leads.parquet")["lead_id"].to_pylist())
        closed = set(pq.read_table(out / "outcomes.parquet")["lead_id"].to_pylist())
        assert closed <= kept
        # whoever is lost now, and not merged away, is lost in the dataset or in no table of it
        for row in leads:
            if row[2].startswith("Closed - Not") and row[3] != "true" and not row[5].strip():
                assert row[0].strip() not in kept - closed
