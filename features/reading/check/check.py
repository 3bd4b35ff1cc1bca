"""Read a dataset and report on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import Outcome
from features.dataset import Dataset
from features.language.current import _, say, say_n
from features.language.plural import plural
from features.reading.check.repeats import repeat_counts
from features.reading.check.report import AttributeProfile, CheckReport, KindProfile, RepeatCount
from features.reading.check.spelling import spellings_in
from features.reading.read import read_dataset

MIN_CONVERSIONS = 10


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


def _repeat_line(repeats: RepeatCount) -> str:
    return plural(
        repeats.rows,
        "interactions: {n:,} row is folded: {reason}",
        "interactions: {n:,} rows are folded: {reason}",
        reason=repeats.reason,
    )


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


def _warnings(dataset: Dataset, converted: int, lost: int) -> tuple[str, ...]:
    found = [
        say("equal but for their spelling, and kept apart: {variants}", variants=v)
        for v in spellings_in(dataset)
    ]
    within = _in_horizon(dataset)
    if within is not None and converted and within < MIN_CONVERSIONS:
        found.append(
            say_n(
                "{n:,} of {converted:,} conversions falls within {days:g} days of a reference "
                "(horizon_days, reference_ages_days): too few for a model",
                "{n:,} of {converted:,} conversions fall within {days:g} days of a reference "
                "(horizon_days, reference_ages_days): too few for a model",
                within, converted=converted, days=dataset.settings.horizon_days,
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
