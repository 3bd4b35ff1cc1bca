"""The first sections of a card: what the release is, what it was made from, what was left out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring.release import Release
from training.cards.content import (
    NOT_RECORDED,
    Block,
    Facts,
    Points,
    Section,
    Table,
    Warn,
    Words,
    count,
    plain,
    share,
)

TREATMENTS = {
    "mature_only": "left out until their horizon has passed",
    "censoring_weights": "those closed already teach, weighted for the ones still open "
    "(inverse probability of censoring)",
    "adaptive": "weighted where there are enough of them, else left out",
    "closed_only": "open leads left out, whatever their age (flatters)",
    "open_is_negative": "called negative (wrong: kept for comparison)",
}
"""Each treatment of immature references (``training.delay``), in words."""
WINDOW = (
    ("first_created_at", "first lead created"),
    ("last_created_at", "last lead created"),
    ("observed_until", "observed until"),
)
COUNTS = ("leads", "interactions", "answers", "references", "positives", "negatives", "immature")


def head_facts(release: Release) -> tuple[tuple[str, str], ...]:
    """Identity and settings, one a line."""
    pairs = [
        ("release", release.release_id),
        ("answers", f"{question_of(release)}, as a probability"),
        ("features", f"{len(release.spec)} (set {release.spec.digest[:12]})"),
    ]
    pairs += [
        (name, plain(value)) for name, value in sorted(release.manifest.get("settings", {}).items())
    ]
    return tuple(pairs)


def question_of(release: Release) -> str:
    """What a probability of this release is about."""
    if not release.has_time:
        return "converts, whenever that is (the data know no time)"
    return f"converts within {release.horizon_days:g} days"


def data_section(release: Release, record: Mapping[str, Any]) -> Section:
    """Window, counts, and how immature leads were treated."""
    data = release.manifest.get("data", {})
    pairs = [(words, _day(data[name])) for name, words in WINDOW if data.get(name)]
    if data.get("reference_ages_days"):
        ages = ", ".join(f"{age:g}" for age in data["reference_ages_days"])
        pairs.append(("asked at ages (days)", ages))
    pairs += [(name, count(data[name])) for name in COUNTS if name in data]
    if isinstance(data.get("immature"), int) and data.get("references"):
        pairs.append(("immature share", share(data["immature"] / data["references"])))
    words: tuple[Block, ...] = ()
    treatment = record.get("immature", {}).get("treatment")
    treatment = treatment or release.manifest.get("settings", {}).get("treatment")
    if treatment and data.get("immature"):
        told = TREATMENTS.get(str(treatment), str(treatment))
        words = (Words(f"Immature references are no negatives: {told}."),)
    if record.get("immature"):
        pairs.append(("references learned from", count(record["immature"]["taught_by"])))
    if "fingerprint" in data:
        pairs.append(("fingerprint", str(data["fingerprint"])[:16]))
    return Section("Data", (Facts(tuple(pairs)), *words) if pairs else (Words(NOT_RECORDED + "."),))


def _day(moment: str) -> str:
    """The day of a moment in ISO 8601.

    >>> _day("2026-01-02T00:00:00Z")
    '2026-01-02'
    """
    return moment[:10]


def left_out_section(record: Mapping[str, Any]) -> Section:
    """What was not used and why, and what is used although the audit doubts it."""
    title = "What was left out, and why"
    if "left_out" not in record:
        return Section(title, (Words(NOT_RECORDED + "."),))
    blocks: list[Block] = []
    rows = tuple(
        (row["name"], row["what"], row["by"], row["evidence"] or "no evidence asked for or found")
        for row in record["left_out"]
    )
    if rows:
        columns = ("left out", "what", "by", "evidence of the audit")
        blocks.append(Table(columns, rows, about="Attributes and kinds that were not used"))
    else:
        blocks.append(Words("Nothing: every attribute and kind of the data was there to be used."))
    return Section(title, (*blocks, *_audit(record["audit"])))


def _audit(audit: Mapping[str, Any] | None) -> list[Block]:
    if audit is None:
        return [Warn("The leakage audit was not part of this training (--allow-leaks, or none)")]
    blocks: list[Block] = [Words(f"Audit: {audit['summary']}.")]
    if audit["suspects"]:
        blocks.append(
            Points(
                tuple(
                    f"{s['what']} {s['name']} is {s['verdict']}, and used: {s['evidence']}"
                    for s in audit["suspects"]
                )
            )
        )
    return blocks
