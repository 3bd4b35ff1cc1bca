"""A dataset's summary as a person reads it on a terminal."""

from __future__ import annotations

from typing import Any

from commands.printing import print_pairs, print_table

KINDS_SHOWN = 12
ATTRIBUTES_SHOWN = 30


def print_summary(summary: dict[str, Any]) -> None:
    """Counts first, then kinds and attributes, then what was inferred and set aside."""
    print(f"{summary['name']}  {summary['about']}".rstrip())
    print()
    print_pairs(count_rows(summary))
    print()
    print_kinds(summary["kinds"])
    print_attributes(summary["attributes"])
    if summary["inferred"]:
        print("What was inferred (say otherwise in dataset.toml):")
        for sentence in summary["inferred"]:
            print(f"  {sentence}")
    for bad in summary["quarantined"]:
        print(f"Set aside: {bad['rows']:,} rows of {bad['file']}: {bad['reason']}")
    print("\nThe data keep the contract. Next: leadscore audit, then leadscore train.")


def count_rows(summary: dict[str, Any]) -> list[tuple[str, object]]:
    """The counts, each with its name."""
    ended = summary["converted"] + summary["lost"]
    rate = f"{summary['converted'] / ended:.1%} of those that ended" if ended else "none ended"
    window = " to ".join(moment[:10] for moment in summary["created"] or [])
    rows: list[tuple[str, object]] = [
        ("leads", f"{summary['leads']:,}" + (f", created {window}" if window else "")),
        ("converted", f"{summary['converted']:,} ({rate})"),
        ("lost", f"{summary['lost']:,}"),
        ("open", f"{summary['open']:,}"),
        ("interactions", f"{summary['interactions']:,} of {len(summary['kinds'])} kinds"),
        ("answers", f"{summary['answers']:,}"),
    ]
    if summary["has_time"]:
        rows.append(("observed until", summary["observed_until"]))
        rows.append(("horizon", f"{summary['horizon_days']:g} days"))
        ages = ", ".join(f"{age:g}" for age in summary["reference_ages_days"])
        rows.append(("asked at ages", f"{ages} days"))
    else:
        rows.append(("time", "none: folds are random, and every figure flatters"))
    return rows


def print_kinds(kinds: dict[str, int]) -> None:
    """The most frequent kinds of interaction."""
    if not kinds:
        return
    shown = list(kinds.items())[:KINDS_SHOWN]
    print_table(["kind", "interactions"], shown, right=["interactions"])
    if len(kinds) > len(shown):
        print(f"… and {len(kinds) - len(shown)} more kinds\n")


def print_attributes(attributes: list[dict[str, Any]]) -> None:
    """The attributes as they are read."""
    rows = [
        [
            row["attribute"],
            row["type"],
            row["group"],
            row["available"],
            f"{row['known_share']:.0%}",
            row["distinct"],
        ]
        for row in attributes[:ATTRIBUTES_SHOWN]
    ]
    columns = ["attribute", "type", "group", "available", "known", "distinct"]
    if rows:
        print_table(columns, rows, right=["known", "distinct"])
    if len(attributes) > len(rows):
        print(f"… and {len(attributes) - len(rows)} more attributes (--json lists all)\n")
