"""The audit's report: one row per suspect, and the rule by which a leak is sure."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from importlib import resources
from shlex import quote

from features.errors import GateError
from features.language.current import _, say, say_n
from training.html_frame import embedded, page_environment
from training.leakage.values import EVIDENCE_STRENGTH, Evidence
from training.report_texts import translated

MIN_STRENGTH_SURE = 4


TEMPLATE = "page.html.j2"


class LeakVerdict(StrEnum):
    """What is to be done about a suspect, worst first."""

    SURE = "sure"
    SUSPECT = "suspect"
    CONFIRMED = "confirmed"
    HARMLESS = "harmless"
    EXCLUDED = "excluded"


VERDICT_MEANING = {
    LeakVerdict.SURE: "a leak: training stops",
    LeakVerdict.SUSPECT: "find out when it is filled in, then say so in dataset.toml",
    LeakVerdict.CONFIRMED: "there is evidence, but dataset.toml says it is known at creation",
    LeakVerdict.HARMLESS: "comes with the outcome; no reference sees it",
    LeakVerdict.EXCLUDED: "left out, by dataset.toml or --exclude; never used",
}


@dataclass(frozen=True)
class Suspect:
    """One suspect attribute, answer or kind.

    ``what``: "attribute", "answer" or "kind". ``auc``, ``gain`` (share of the log loss
    removed), ``log_loss``: of it alone, out of time; None if it cannot be evaluated.
    ``cost``: by how much the log loss of a quick model of everything not suspected
    falls with it, in nats; None if not computed.
    """

    name: str
    what: str
    verdict: LeakVerdict
    evidence: tuple[Evidence, ...]
    auc: float | None = None
    gain: float | None = None
    log_loss: float | None = None
    cost: float | None = None

    @property
    def reasons(self) -> str:
        """All evidence in one line."""
        return "; ".join(evidence.text for evidence in self.evidence)

    @property
    def way_out(self) -> str:
        """The option that leaves it out of a training; empty where nothing need be done.

        >>> Suspect("signed", "kind", LeakVerdict.SUSPECT, ()).way_out
        '--exclude kind:signed'
        """
        if self.verdict not in (LeakVerdict.SURE, LeakVerdict.SUSPECT):
            return ""
        return f"--exclude {quote(f'kind:{self.name}' if self.what == 'kind' else self.name)}"


@dataclass(frozen=True)
class AuditReport:
    """Suspects, worst first, of the attributes and kinds examined."""

    dataset: str
    leads: int
    attributes: int
    kinds: int
    suspects: tuple[Suspect, ...]
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """Plain data for ``--json``."""
        return asdict(self)

    def rows(self) -> list[dict[str, str]]:
        """The table that ``leadscore audit`` prints: one row per suspect, all cells in words."""
        return [
            {
                "suspect": suspect.name,
                "what": translated(suspect.what),
                "verdict": suspect.verdict.value,
                "evidence": "; ".join(translated(each.text) for each in suspect.evidence),
                "alone": translated(_univariate_text(suspect)),
                "cost of excluding": ""
                if suspect.cost is None
                else translated(f"{suspect.cost:+.4f} log loss"),
                "way out": suspect.way_out,
            }
            for suspect in self.suspects
        ]

    def to_html(self) -> str:
        """The table as one HTML page; words from the data are escaped, nothing is loaded."""
        verdicts = dict.fromkeys(suspect.verdict for suspect in self.suspects)
        meanings = [(verdict.value, VERDICT_MEANING[verdict]) for verdict in verdicts]
        text = resources.files("training.leakage").joinpath(TEMPLATE).read_text(encoding="utf-8")
        made = page_environment()
        return made.from_string(text).render(report=self, rows=self.rows(), meanings=meanings)

    def _repr_html_(self) -> str:
        return embedded(
            self.to_html(), translated("Leakage audit"), 120 + 90 * min(len(self.suspects), 6)
        )

    def with_evidence_of(self, whole: AuditReport) -> AuditReport:
        """The same, in which what is excluded has the evidence that ``whole`` found against it.

        ``whole``: an audit of the same data with nothing excluded.
        """
        known = {(s.what == "kind", s.name): s.evidence for s in whole.suspects}
        suspects = tuple(
            replace(s, evidence=known.get((s.what == "kind", s.name), ()))
            if s.verdict is LeakVerdict.EXCLUDED
            else s
            for s in self.suspects
        )
        return replace(self, suspects=suspects)

    def summary(self) -> str:
        """One sentence with the counts.

        >>> AuditReport("d", 10, 3, 2, ()).summary()
        '3 attributes and 2 kinds of 10 leads looked at: no suspect'
        """
        counts = {v: sum(s.verdict is v for s in self.suspects) for v in LeakVerdict}
        listed = ", ".join(f"{n} {translated(v.value)}" for v, n in counts.items() if n)
        return say(
            "{attributes} and {kinds} of {leads} looked at: {listed}",
            attributes=say_n("{n:,} attribute", "{n:,} attributes", self.attributes),
            kinds=say_n("{n:,} kind", "{n:,} kinds", self.kinds),
            leads=say_n("{n:,} lead", "{n:,} leads", self.leads),
            listed=listed or _("no suspect"),
        )


def _univariate_text(suspect: Suspect) -> str:
    if suspect.auc is None or suspect.gain is None:
        return ""
    return f"AUC {suspect.auc:.2f}, {max(suspect.gain, 0.0):.0%} of log loss"


def verdict_of(evidence: tuple[Evidence, ...], *, confirmed: bool) -> LeakVerdict:
    """Sure from a weight of four on; harmless if all of it weighs nothing.

    >>> from training.leakage.values import LeakSignal
    >>> verdict_of((Evidence(LeakSignal.HOLDS_THE_FUTURE, ""),), confirmed=False).value
    'sure'
    >>> verdict_of((Evidence(LeakSignal.OUT_OF_PROPORTION, ""),), confirmed=False).value
    'suspect'
    """
    weight = sum(EVIDENCE_STRENGTH[sign] for sign in {each.sign for each in evidence})
    if weight == 0:
        return LeakVerdict.HARMLESS
    if confirmed:
        return LeakVerdict.CONFIRMED
    return LeakVerdict.SURE if weight >= MIN_STRENGTH_SURE else LeakVerdict.SUSPECT


def sure_leaks(report: AuditReport) -> tuple[Suspect, ...]:
    """The suspects that stop training."""
    return tuple(suspect for suspect in report.suspects if suspect.verdict is LeakVerdict.SURE)


def stop_on_sure_leaks(report: AuditReport) -> None:
    """Raise GateError with the evidence and the way out if there is a sure leak."""
    sure = sure_leaks(report)
    if not sure:
        return
    lines = [f"  {suspect.what} {suspect.name!r}: {suspect.reasons}" for suspect in sure]
    raise GateError(
        f"{len(sure)} sure {'leak' if len(sure) == 1 else 'leaks'} in {report.dataset}: known only "
        "with or after the outcome, so the model would look good and fail in use\n"
        + "\n".join(lines)
        + f"\nleave out what leaks: {' '.join(suspect.way_out for suspect in sure)}; or say so "
        'for good in dataset.toml: available = "after_outcome" of an attribute or answer '
        '("at_creation" if it truly is known then), excluded_kinds = [...] of kinds; '
        '"leadscore audit" shows more'
    )
