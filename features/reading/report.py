"""What ``leadscore check`` says of a dataset: counts, types, what was inferred and refused."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Outcome
from features.dataset import Dataset
from features.reading.headers import plain_name
from features.reading.parsing import mask_of
from features.reading.read import read_dataset
from features.schemas import QuarantinedRows, RowCount

MIN_CONVERSIONS = 10


@dataclass(frozen=True, slots=True)
class RepeatCount:
    """How many interactions count once only, and why."""

    reason: str
    rows: int


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
    losses: tuple[str, ...]
    rows: tuple[RowCount, ...]
    repeats: tuple[RepeatCount, ...]
    converted_in_horizon: int | None
    quarantined: tuple[QuarantinedRows, ...]
    warnings: tuple[str, ...]
    fingerprint: str

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON-ready data."""
        return asdict(self)

    def to_text(self) -> str:
        """The report as a page of text, without a newline at the end."""
        parts = [_listed("Takes no part", self.losses), _head(self)]
        parts += [_attribute_table(self), _kind_table(self)]
        parts.append(_listed("Inferred (say it in dataset.toml to change it)", self.inferred))
        parts.append(_listed("Rows", [_row_line(r) for r in self.rows]))
        refused = [f"{q.file}: {q.rows:,} rows: {q.reason}. {q.example}" for q in self.quarantined]
        parts.append(_listed("Set aside", refused or ["no row: every row keeps the contract"]))
        parts.append(_listed("Mind", self.warnings))
        return "\n\n".join(part for part in parts if part)


def check(
    source: str | Path,
    *,
    max_bad_fraction: float | None = None,
    quarantine_dir: Path | None = None,
) -> CheckReport:
    """Read a dataset and report on it; raises what ``read_dataset`` raises.

    A dataset without outcomes can be checked: it can be scored, though no model can learn of it.
    """
    dataset = read_dataset(
        source,
        max_bad_fraction=max_bad_fraction,
        quarantine_dir=quarantine_dir,
        outcomes_required=False,
    )
    return report_on(dataset)


def report_on(dataset: Dataset) -> CheckReport:
    """The report on a dataset already read."""
    counts = dataset.outcomes["outcome"].value_counts()
    converted = int(counts.get(Outcome.CONVERTED.value, 0))
    lost = int(counts.get(Outcome.LOST.value, 0))
    first, last = _range(dataset)
    until = dataset.settings.observed_until
    repeats = repeat_counts(dataset)
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
        losses=dataset.losses + tuple(_repeat_line(r) for r in repeats),
        rows=dataset.rows,
        repeats=repeats,
        converted_in_horizon=_in_horizon(dataset),
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


def _row_line(rows: RowCount) -> str:
    aside = f", {rows.aside:,} set aside" if rows.aside else ""
    return f"{rows.file}: {rows.counted:,} rows counted, {rows.kept:,} kept{aside}"


def _repeat_line(repeats: RepeatCount) -> str:
    return f"interactions: {repeats.rows:,} rows are folded: {repeats.reason}"


def repeat_counts(dataset: Dataset) -> tuple[RepeatCount, ...]:
    """How many interactions count once only: repeats of an event_id, and of all that a row says.

    Without an ``event_id`` the content of a row is its identity, as in the store of the service.
    """
    rows = dataset.interactions
    if rows.num_rows == 0:
        return ()
    words = pa.schema([("lead_id", pa.string()), ("kind", pa.string())])
    rows = rows.select(["lead_id", "kind"]).cast(words).append_column(
        "at", rows.column("occurred_at").cast(pa.int64())
    ).append_column("value", rows.column("value")).append_column(
        "duration_s", rows.column("duration_s")
    ).append_column("event_id", rows.column("event_id"))  # fmt: skip
    known = mask_of(rows.column("event_id").is_valid())
    found = []
    named, nameless = rows.filter(pa.array(known)), rows.filter(pa.array(~known))
    content = ["lead_id", "kind", "at", "value", "duration_s"]
    if named.num_rows:
        events = named.group_by(["lead_id", "event_id"]).aggregate([]).num_rows
        whole = named.group_by([*content, "event_id"]).aggregate([]).num_rows
        if whole < named.num_rows:
            found.append(RepeatCount("exact repeats of an event_id", named.num_rows - whole))
        if events < whole:
            reason = (
                "their event_id is that of another row of the lead that differs (only the earliest "
                'counts); if it is no id of events, say event_id = "" in [columns.interactions]'
            )
            found.append(RepeatCount(reason, whole - events))
    if nameless.num_rows:
        whole = nameless.group_by(content).aggregate([]).num_rows
        if whole < nameless.num_rows:
            reason = "all that they say is said by another row (an event_id keeps such rows apart)"
            found.append(RepeatCount(reason, nameless.num_rows - whole))
    return tuple(found)


def _in_horizon(dataset: Dataset) -> int | None:
    """Leads that converted within the horizon of one of the reference ages; None without time."""
    if not dataset.has_time:
        return None
    won = dataset.outcomes[dataset.outcomes["outcome"] == Outcome.CONVERTED.value]
    created = dataset.leads.set_index("lead_id")["created_at"]
    days = (won["occurred_at"] - won["lead_id"].map(created)).dt.total_seconds() / 86_400
    horizon = dataset.settings.horizon_days
    hits = [(days > age) & (days <= age + horizon) for age in dataset.settings.reference_ages_days]
    return int(np.logical_or.reduce(hits).sum()) if len(won) else 0


def spelling_variants(words: Iterable[str]) -> list[list[str]]:
    """Words that are equal but for capital letters, accents, blanks and normal form.

    >>> spelling_variants(["Web", "web", "wéb ", "event"])
    [['Web', 'web', 'wéb ']]
    """
    groups: dict[str, list[str]] = {}
    for word in words:
        groups.setdefault(plain_name(word) or word, []).append(word)
    return [sorted(group) for group in groups.values() if len(group) > 1]


def _variants(dataset: Dataset) -> list[str]:
    found = []
    for name, settings in dataset.settings.attributes.items():
        if settings.type == "category" and name in dataset.leads:
            words = dataset.leads[name].dropna().unique().tolist()
            found += [f"{name}: {_quoted(group)}" for group in spelling_variants(words)]
    found += [f"attributes: {_quoted(g)}" for g in spelling_variants(dataset.settings.attributes)]
    kinds = pc.unique(dataset.interactions.column("kind")).cast(pa.string()).to_pylist()
    return found + [f"kinds: {_quoted(group)}" for group in spelling_variants(kinds)]


def _quoted(words: list[str]) -> str:
    return ", ".join(repr(word) for word in words[:6])


def _warnings(dataset: Dataset, converted: int, lost: int) -> tuple[str, ...]:
    found = [f"equal but for their spelling, and kept apart: {v}" for v in _variants(dataset)]
    within = _in_horizon(dataset)
    if within is not None and converted and within < MIN_CONVERSIONS:
        found.append(
            f"{within:,} of {converted:,} conversions fall within "
            f"{dataset.settings.horizon_days:g} "
            "days of a reference (horizon_days, reference_ages_days): too few for a model"
        )
    if not dataset.has_time:
        found.append("no created_at: nothing can be split by time, and figures are optimistic")
    if not converted or not (lost or len(dataset.leads) > converted):
        found.append("only one class: a model needs leads that converted and leads that did not")
    later = [n for n, a in dataset.settings.attributes.items() if a.available == "after_outcome"]
    if later:
        found.append(f"known only after the outcome, so never used: {', '.join(later)}")
    return tuple(found)


def _horizon_line(report: CheckReport) -> str:
    if report.converted_in_horizon is None:
        return ""
    ages = ", ".join(f"{a:g}" for a in report.reference_ages_days)
    return (
        f"; {report.converted_in_horizon:,} leads convert within {report.horizon_days:g} days of "
        f"age {ages}"
    )


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
            f"{report.observed_until}; horizon {report.horizon_days:g} days{_horizon_line(report)}"
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
