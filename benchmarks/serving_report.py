"""What the serving benchmark says: a table, the ratios that were aimed at, and the files."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).resolve().parent / "results"
ONE, TWO = "leadscore, 1 worker, durable log", "leadscore, 2 workers, durable log"
EMPTY, EMPTY_TWO = "empty FastAPI route", "empty FastAPI route, 2 workers"
MLFLOW = "mlflow models serve (60 numbers)"
Measured = Mapping[str, Any]


def save(results: Sequence[Measured], seconds: int) -> str:
    """Write serving.json and serving.md; the latter's text."""
    text = "\n".join(
        [
            "# The service and its peers",
            "",
            f"`make bench-serving`: median of three times {seconds} s with wrk on the same machine "
            f"({os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}); "
            f"load average before each: {_loads(results)}.",
            "Requests a second (p50 / p99 in ms) at 1, 16 and 64 connections. leadscore and "
            "FastAPI + pandas get 64 leads with 50 interactions in turn, the others what is said. "
            "CPU: of all processes of the service, and in brackets of wrk, which shares the cores, "
            "at the best number of connections.",
            "",
            table(results),
            "",
            *aims(results),
            "",
        ]
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "serving.json").write_text(json.dumps(list(results), indent=1) + "\n")
    (RESULTS / "serving.md").write_text(text)
    return text


def table(results: Sequence[Measured]) -> str:
    """One row a service."""
    connections = next((tuple(r["connections"]) for r in results if "connections" in r), ())
    lines = [
        "| service | "
        + " | ".join(f"{c} conn." for c in connections)
        + " | CPU an answer | memory | start to first answer |",
        "|---|" + "---:|" * (len(connections) + 3),
    ]
    for result in results:
        if "skipped" in result:
            lines.append(
                f"| {result['name']} | {result['skipped']} |" + " |" * (len(connections) + 2)
            )
            continue
        cells = [
            f"{row['per_second']:,.0f}/s ({row['p50_ms']:.2g} / {row['p99_ms']:.3g})"
            + (f" {row['failed']} failed" if row["failed"] else "")
            for row in result["connections"].values()
        ]
        best = _best(result)
        cpu = f"{best['service_us']:,.0f} µs ({best['client_us']:.0f})"
        tail = f"{cpu} | {result['memory_mb']} MB | {result['first_answer_s']} s"
        lines.append(f"| {result['name']} | {' | '.join(cells)} | {tail} |")
    return "\n".join(lines)


def aims(results: Sequence[Measured]) -> list[str]:
    """What was aimed at and what came out, for a full answer with a durable log."""
    by_name = {r["name"]: r for r in results if "connections" in r}
    if ONE not in by_name:
        return []
    one = by_name[ONE]
    most = _most(one)
    lines = ["| at its best number of connections | aim | seen |", "|---|---:|---:|"]
    if EMPTY in by_name:
        lines.append(
            f"| share of an empty FastAPI route | ≥ 35 % | {most / _most(by_name[EMPTY]):.0%} |"
        )
    if MLFLOW in by_name:
        lines.append(
            f"| times `mlflow models serve` | ≥ 20 | {most / _most(by_name[MLFLOW]):.1f} |"
        )
    if MLFLOW in by_name and EMPTY in by_name:
        ratio = _most(by_name[EMPTY]) / _most(by_name[MLFLOW])
        lines.append(f"| … of the empty route | | {ratio:.1f} |")
    if TWO in by_name:
        lines.append(f"| two workers, times one | ≥ 1.7 | {_most(by_name[TWO]) / most:.2f} |")
        lines.append(f"| cores that one worker and wrk keep busy | | {_cores(one):.2f} |")
    if EMPTY in by_name and EMPTY_TWO in by_name:
        ratio = _most(by_name[EMPTY_TWO]) / _most(by_name[EMPTY])
        lines.append(f"| … of the empty route, beside the same wrk | | {ratio:.2f} |")
    if 16 in one["connections"]:
        p99 = one["connections"][16]["p99_ms"]
        lines.append(f"| p99 at 16 connections | < 20 ms | {p99:.3g} ms |")
    lines.append(f"| start to first answer | < 2 s | {one['first_answer_s']} s |")
    return lines


def _loads(results: Sequence[Measured]) -> str:
    return ", ".join(f"{r['load_before']:g}" for r in results if "load_before" in r)


def _cores(result: Measured) -> float:
    """How much of the machine answers and questions take at the best number of connections."""
    best = _best(result)
    taken_us: float = best["per_second"] * (best["service_us"] + best["client_us"])
    return taken_us / 1e6


def _best(result: Measured) -> Mapping[str, Any]:
    rows: Sequence[Mapping[str, Any]] = list(result["connections"].values())
    return max(rows, key=lambda row: float(row["per_second"]))


def _most(result: Measured) -> float:
    return float(_best(result)["per_second"])
