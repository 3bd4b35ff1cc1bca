"""The report of ``leadscore check``, as data and as a page of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from features.language.composed import composed
from features.language.current import _, say, say_n
from features.schemas import QuarantinedRows, RowCount


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
        losses, inferred = map(composed, self.losses), map(composed, self.inferred)
        parts = [_listed(_("Takes no part"), list(losses)), _head(self)]
        parts += [_attribute_table(self), _kind_table(self)]
        parts.append(_listed(_("Inferred (say it in dataset.toml to change it)"), list(inferred)))
        parts.append(_listed(_("Rows"), [_row_line(r) for r in self.rows]))
        refused = [
            say_n("{file}: {n:,} row: {reason}. {example}",
                  "{file}: {n:,} rows: {reason}. {example}", q.rows, file=q.file,
                  reason=composed(q.reason), example=composed(q.example))
            for q in self.quarantined
        ]  # fmt: skip
        none = _("no row: every row keeps the contract")
        parts.append(_listed(_("Set aside"), refused or [none]))
        parts.append(_listed(_("Mind"), self.warnings))
        return "\n\n".join(part for part in parts if part)


def _row_line(rows: RowCount) -> str:
    counted = say_n(
        "{file}: {n:,} row counted, {kept:,} kept", "{file}: {n:,} rows counted, {kept:,} kept",
        rows.counted, file=rows.file, kept=rows.kept,
    )  # fmt: skip
    aside = say_n(", {n:,} set aside", ", {n:,} set aside", rows.aside)
    return counted + (aside if rows.aside else "")


def _horizon_line(report: CheckReport) -> str:
    if report.converted_in_horizon is None:
        return ""
    ages = ", ".join(f"{a:g}" for a in report.reference_ages_days)
    return say_n(
        "; {n:,} lead converts within {days:g} days of age {ages}",
        "; {n:,} leads convert within {days:g} days of age {ages}",
        report.converted_in_horizon, days=report.horizon_days, ages=ages,
    )  # fmt: skip


def _head(report: CheckReport) -> str:
    share = report.converted / report.leads if report.leads else 0.0
    lines = [
        say(
            "{name}: {leads}: {converted} ({share:.1%}), {lost}, {open}", name=report.name,
            leads=say_n("{n:,} lead", "{n:,} leads", report.leads), share=share,
            converted=say_n("{n:,} converted", "{n:,} converted", report.converted),
            lost=say_n("{n:,} lost", "{n:,} lost", report.lost),
            open=say_n("{n:,} open", "{n:,} open", report.open),
        ),
        say(
            "{interactions} of {kinds}, {answers}, {attributes}",
            interactions=say_n("{n:,} interaction", "{n:,} interactions", report.interactions),
            kinds=say_n("{n:,} kind", "{n:,} kinds", len(report.kinds)),
            answers=say_n("{n:,} answer", "{n:,} answers", report.answers),
            attributes=say_n("{n:,} attribute", "{n:,} attributes", len(report.attributes)),
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
