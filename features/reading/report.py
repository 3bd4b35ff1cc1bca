"""What ``leadscore check`` says of a dataset: counts, types, what was inferred and refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Outcome
from features.dataset import Dataset
from features.reading.read import read_dataset
from features.schemas import QuarantinedRows


@dataclass(frozen=True, slots=True)
class AttributeProfile:
    """One attribute; ``known_share`` (0 to 1) of leads, or of leads with an answer."""

    name: str
    type: str
    group: str
    available: str
    known_share: float
    distinct: int
    answers: int


@dataclass(frozen=True, slots=True)
class KindProfile:
    """One kind of interaction: rows, leads that have it, and whose act it is."""

    kind: str
    rows: int
    leads: int
    outbound: bool


@dataclass(frozen=True, slots=True)
class CheckReport:
    """Plain data about a dataset; holds no value of any lead but those quoted by errors."""

    name: str
    has_time: bool
    leads: int
    converted: int
    lost: int
    open: int
    interactions: int
    answers: int
    first_moment: str | None
    last_moment: str | None
    observed_until: str | None
    horizon_days: float
    reference_ages_days: tuple[float, ...]
    attributes: tuple[AttributeProfile, ...]
    kinds: tuple[KindProfile, ...]
    inferred: tuple[str, ...]
    quarantined: tuple[QuarantinedRows, ...]
    warnings: tuple[str, ...]
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        return asdict(self)

    def to_text(self) -> str:
        """The report as a page of text, without a newline at the end."""
        parts = [_head(self), _attribute_table(self), _kind_table(self)]
        parts.append(_listed("Inferred (say it in dataset.toml to change it)", self.inferred))
        refused = [f"{q.file}: {q.rows:,} rows: {q.reason}. {q.example}" for q in self.quarantined]
        parts.append(_listed("Set aside", refused or ["no row: every row keeps the contract"]))
        parts.append(_listed("Mind", self.warnings))
        return "\n\n".join(part for part in parts if part)


def check(
    source: str | Path, *, max_bad_fraction: float = 0.01, quarantine_dir: Path | None = None
) -> CheckReport:
    """Read a dataset and report on it; raises what ``read_dataset`` raises."""
    dataset = read_dataset(source, max_bad_fraction=max_bad_fraction, quarantine_dir=quarantine_dir)
    return report_on(dataset)


def report_on(dataset: Dataset) -> CheckReport:
    """The report on a dataset already read."""
    counts = dataset.outcomes["outcome"].value_counts()
    converted = int(counts.get(Outcome.CONVERTED.value, 0))
    lost = int(counts.get(Outcome.LOST.value, 0))
    first, last = _range(dataset)
    until = dataset.settings.observed_until
    return CheckReport(
        name=dataset.settings.name,
        has_time=dataset.has_time,
        leads=len(dataset.leads),
        converted=converted,
        lost=lost,
        open=len(dataset.leads) - converted - lost,
        interactions=int(dataset.interactions.num_rows),
        answers=int(dataset.answers.num_rows),
        first_moment=first,
        last_moment=last,
        observed_until=_iso(pd.Timestamp(until)) if until else None,
        horizon_days=dataset.settings.horizon_days,
        reference_ages_days=dataset.settings.reference_ages_days,
        attributes=_attributes(dataset),
        kinds=_kinds(dataset),
        inferred=dataset.inferred,
        quarantined=dataset.quarantined,
        warnings=_warnings(dataset, converted, lost),
        fingerprint=dataset.fingerprint,
    )


def _attributes(dataset: Dataset) -> tuple[AttributeProfile, ...]:
    answered = dataset.answers.group_by("attribute").aggregate(
        [("lead_id", "count"), ("lead_id", "count_distinct"), ("value", "count_distinct")]
    )
    by_name = {row["attribute"]: row for row in answered.to_pylist()}
    lines = []
    for name, settings in dataset.settings.attributes.items():
        answers = by_name.get(name, {})
        if name in dataset.leads:
            column = dataset.leads[name]
            share, distinct = float(column.notna().mean()), int(column.nunique())
        else:
            share = answers.get("lead_id_count_distinct", 0) / len(dataset.leads)
            distinct = answers.get("value_count_distinct", 0)
        lines.append(
            AttributeProfile(
                name,
                type=str(settings.type or ""),
                group=str(settings.group or ""),
                available=str(settings.available or ""),
                known_share=round(share, 6),
                distinct=distinct,
                answers=int(answers.get("lead_id_count", 0)),
            )
        )
    return tuple(lines)


def _kinds(dataset: Dataset) -> tuple[KindProfile, ...]:
    words = pa.schema([("kind", pa.string()), ("lead_id", pa.string())])
    rows = dataset.interactions.select(words.names).cast(words)
    counts = rows.group_by("kind").aggregate([("lead_id", "count"), ("lead_id", "count_distinct")])
    outbound = set(dataset.settings.outbound_kinds)
    lines = [
        KindProfile(
            row["kind"],
            row["lead_id_count"],
            row["lead_id_count_distinct"],
            row["kind"] in outbound,
        )
        for row in counts.to_pylist()
    ]
    return tuple(sorted(lines, key=lambda line: (-line.rows, line.kind)))


def _range(dataset: Dataset) -> tuple[str | None, str | None]:
    if not dataset.has_time:
        return None, None
    moments = [dataset.leads["created_at"].min(), dataset.leads["created_at"].max()]
    moments += list(dataset.outcomes["occurred_at"].dropna().agg(["min", "max"]))
    moments += _ends(dataset.interactions.column("occurred_at"))
    moments += _ends(dataset.answers.column("answered_at"))
    known = [pd.Timestamp(m) for m in moments if not pd.isna(m)]
    return _iso(min(known)), _iso(max(known))


def _ends(column: pa.ChunkedArray) -> list[pd.Timestamp]:
    ends = pc.min_max(column).as_py()
    return [pd.Timestamp(v) for v in ends.values() if v is not None]


def _iso(moment: pd.Timestamp) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


def _warnings(dataset: Dataset, converted: int, lost: int) -> tuple[str, ...]:
    found = []
    if not dataset.has_time:
        found.append("no created_at: nothing can be split by time, and figures are optimistic")
    if not converted or not (lost or len(dataset.leads) > converted):
        found.append("only one class: a model needs leads that converted and leads that did not")
    later = [n for n, a in dataset.settings.attributes.items() if a.available == "after_outcome"]
    if later:
        found.append(f"known only after the outcome, so never used: {', '.join(later)}")
    return tuple(found)


def _head(report: CheckReport) -> str:
    share = report.converted / report.leads if report.leads else 0.0
    lines = [
        f"{report.name}: {report.leads:,} leads: {report.converted:,} converted ({share:.1%}), "
        f"{report.lost:,} lost, {report.open:,} open",
        f"{report.interactions:,} interactions of {len(report.kinds)} kinds, "
        f"{report.answers:,} answers, {len(report.attributes)} attributes",
    ]
    if report.has_time:
        lines.append(
            f"from {report.first_moment} to {report.last_moment}, observed until "
            f"{report.observed_until}; horizon {report.horizon_days:g} days"
        )
    lines.append(f"fingerprint {report.fingerprint[:16]}")
    return "\n".join(lines)


def _attribute_table(report: CheckReport) -> str:
    header = ("attribute", "type", "group", "available", "known", "distinct", "answers")
    rows = [
        (a.name, a.type, a.group, a.available, f"{a.known_share:.1%}", f"{a.distinct:,}",
         f"{a.answers:,}")
        for a in report.attributes
    ]  # fmt: skip
    return text_table(header, rows, right=3) if rows else ""


def _kind_table(report: CheckReport) -> str:
    rows = [
        (k.kind, "ours" if k.outbound else "theirs", f"{k.rows:,}", f"{k.leads:,}")
        for k in report.kinds
    ]
    return text_table(("kind", "act", "rows", "leads"), rows, right=2) if rows else ""


def _listed(title: str, lines: list[str] | tuple[str, ...]) -> str:
    return "\n".join([f"{title}:", *(f"- {line}" for line in lines)]) if lines else ""


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0) -> str:
    """Columns padded to one width, two spaces apart; the last ``right`` ones aligned right.

    >>> print(text_table(("kind", "rows"), [("page_view", "12"), ("call", "3")], right=1))
    kind       rows
    page_view    12
    call          3
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    first_right = len(header) - right
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i >= first_right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
