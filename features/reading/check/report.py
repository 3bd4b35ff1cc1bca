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
from features.language.current import _, say
from features.reading.files.headers import plain_name
from features.reading.read import read_dataset
from features.reading.values.text import mask_of
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
        parts = [_listed(_("Takes no part"), self.losses), _head(self)]
        parts += [_attribute_table(self), _kind_table(self)]
        parts.append(_listed(_("Inferred (say it in dataset.toml to change it)"), self.inferred))
        parts.append(_listed(_("Rows"), [_row_line(r) for r in self.rows]))
        refused = [
            say("{file}: {rows:,} rows: {reason}. {example}", file=q.file, rows=q.rows,
                reason=q.reason, example=q.example)
            for q in self.quarantined
        ]  # fmt: skip
        none = _("no row: every row keeps the contract")
        parts.append(_listed(_("Set aside"), refused or [none]))
        parts.append(_listed(_("Mind"), self.warnings))
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
    counted = say(
        "{file}: {counted:,} rows counted, {kept:,} kept",
        file=rows.file, counted=rows.counted, kept=rows.kept,
    )  # fmt: skip
    return counted + (say(", {aside:,} set aside", aside=rows.aside) if rows.aside else "")


def _repeat_line(repeats: RepeatCount) -> str:
    return say(
        "interactions: {rows:,} rows are folded: {reason}",
        rows=repeats.rows, reason=repeats.reason,
    )  # fmt: skip


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
            found.append(RepeatCount(_("exact repeats of an event_id"), named.num_rows - whole))
        if events < whole:
            reason = _(
                "their event_id is that of another row of the lead that differs (only the earliest "
                'counts); if it is no id of events, say event_id = "" in [columns.interactions]'
            )
            found.append(RepeatCount(reason, whole - events))
    if nameless.num_rows:
        whole = nameless.group_by(content).aggregate([]).num_rows
        if whole < nameless.num_rows:
            reason = _(
                "all that they say is said by another row (an event_id keeps such rows apart)"
            )
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
    found = [
        say("equal but for their spelling, and kept apart: {variants}", variants=v)
        for v in _variants(dataset)
    ]
    within = _in_horizon(dataset)
    if within is not None and converted and within < MIN_CONVERSIONS:
        found.append(
            say(
                "{within:,} of {converted:,} conversions fall within {days:g} days of a reference "
                "(horizon_days, reference_ages_days): too few for a model",
                within=within, converted=converted, days=dataset.settings.horizon_days,
            )
        )  # fmt: skip
    if not dataset.has_time:
        found.append(_("no created_at: nothing can be split by time, and figures are optimistic"))
    if not converted or not (lost or len(dataset.leads) > converted):
        found.append(_("only one class: a model needs leads that converted and leads that did not"))
    later = [n for n, a in dataset.settings.attributes.items() if a.available == "after_outcome"]
    if later:
        names = ", ".join(later)
        found.append(say("known only after the outcome, so never used: {names}", names=names))
    return tuple(found)


def _horizon_line(report: CheckReport) -> str:
    if report.converted_in_horizon is None:
        return ""
    ages = ", ".join(f"{a:g}" for a in report.reference_ages_days)
    return say(
        "; {converted:,} leads convert within {days:g} days of age {ages}",
        converted=report.converted_in_horizon, days=report.horizon_days, ages=ages,
    )  # fmt: skip


def _head(report: CheckReport) -> str:
    share = report.converted / report.leads if report.leads else 0.0
    lines = [
        say(
            "{name}: {leads:,} leads: {converted:,} converted ({share:.1%}), {lost:,} lost, "
            "{open:,} open",
            name=report.name, leads=report.leads, converted=report.converted, share=share,
            lost=report.lost, open=report.open,
        ),
        say(
            "{interactions:,} interactions of {kinds} kinds, {answers:,} answers, "
            "{attributes} attributes",
            interactions=report.interactions, kinds=len(report.kinds), answers=report.answers,
            attributes=len(report.attributes),
        ),
    ]  # fmt: skip
    if report.has_time:
        lines.append(
            say(
                "from {first} to {last}, observed until {until}; horizon {days:g} days",
                first=report.first_moment, last=report.last_moment,
                until=report.observed_until, days=report.horizon_days,
            )
            + _horizon_line(report)
        )  # fmt: skip
    lines.append(say("fingerprint {fingerprint}", fingerprint=report.fingerprint[:16]))
    return "\n".join(lines)


def _attribute_table(report: CheckReport) -> str:
    header = (
        _("attribute"), _("type"), _("group"), _("available"), _("known"), _("distinct"),
        _("answers"),
    )  # fmt: skip
    rows = [
        (a.name, a.type, a.group, a.available, f"{a.known_share:.1%}", f"{a.distinct:,}",
         f"{a.answers:,}")
        for a in report.attributes
    ]  # fmt: skip
    return text_table(header, rows, right=3) if rows else ""


def _kind_table(report: CheckReport) -> str:
    rows = [
        (k.kind, _("ours") if k.outbound else _("theirs"), f"{k.rows:,}", f"{k.leads:,}")
        for k in report.kinds
    ]
    header = (_("kind"), _("act"), _("rows"), _("leads"))
    return text_table(header, rows, right=2) if rows else ""


def _listed(title: str, lines: list[str] | tuple[str, ...]) -> str:
    heading = say("{title}:", title=title)
    return "\n".join([heading, *(f"- {line}" for line in lines)]) if lines else ""


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
