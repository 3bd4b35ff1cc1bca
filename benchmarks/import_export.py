"""How long an import takes: a made-up Salesforce export, from CSV files to a dataset folder.

    python benchmarks/import_export.py --leads 100000 --tasks 1000000

Prints processor time and memory, for the machine's other work does not count into them.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import duckdb

from integrations.run import import_export

LEADS = """
SELECT printf('00Q5f0000%06d', i) AS Id,
    TIMESTAMP '2026-01-01' + to_minutes(i % 80000) AS CreatedDate,
    ['New', 'Contacted', 'Closed - Converted', 'Closed - Not Converted'][1 + i % 4] AS Status,
    i % 4 = 2 AS IsConverted, CASE WHEN i % 4 = 2 THEN DATE '2026-04-01' END AS ConvertedDate,
    ['Web', 'Phone', 'Event'][1 + i % 3] AS LeadSource,
    ['Hot', 'Warm', 'Cold'][1 + i % 3] AS Rating, TIMESTAMP '2026-05-01' AS SystemModstamp
FROM range({leads}) AS t(i)
"""
HISTORY = """
SELECT printf('0175f%010d', i) AS Id, printf('00Q5f0000%06d', i // 3) AS LeadId,
    CASE WHEN i % 3 = 0 THEN 'Status' ELSE 'Rating' END AS Field, 'New' AS OldValue,
    ['New', 'Contacted', 'Closed - Converted', 'Closed - Not Converted'][1 + (i // 3) % 4]
        AS NewValue,
    TIMESTAMP '2026-03-15' + to_minutes(i % 9000) AS CreatedDate
FROM range(3 * {leads}) AS t(i)
"""
TASKS = """
SELECT printf('00T5f%010d', i) AS Id, printf('00Q5f0000%06d', (i * 7919) % {leads}) AS WhoId,
    'Completed' AS Status, true AS IsClosed,
    TIMESTAMP '2026-02-01' + to_minutes(i % 80000) AS CreatedDate,
    'Call' AS TaskSubtype, 'Inbound' AS CallType, i % 600 AS CallDurationInSeconds
FROM range({tasks}) AS t(i)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--tasks", type=int, default=1_000_000)
    sizes = vars(parser.parse_args())
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "export"
        folder.mkdir()
        for name, query in {"Lead": LEADS, "LeadHistory": HISTORY, "Task": TASKS}.items():
            made = query.format(**sizes)
            duckdb.execute(f"COPY ({made}) TO '{folder / name}.csv' (HEADER)")
        before, began = time.process_time(), time.perf_counter()
        report = import_export("salesforce", folder, Path(temporary) / "out")
        spent, waited = time.process_time() - before, time.perf_counter() - began
    rows = sum(table.read for table in report.tables)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{rows:,} rows read, {report.leads:,} leads, {report.interactions:,} interactions")
    print(f"{spent:.1f} s of processor time, {waited:.1f} s, peak {peak:,.0f} MB")


if __name__ == "__main__":
    main()
