"""Why a score changed: the change of log-odds, split exactly by cause.

Four causes: time passed, new interactions, new answers, another release. Counterfactual scores with
only some of them are computed by the code that scores, and a cause's part is the mean of what it
adds over every order in which the causes can be applied (Shapley 1953); time comes before what
happens in it (Faigle and Kern 1992). So the parts sum to the difference.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.errors import DataError, UsageError
from features.histories.arrays import Histories, References
from features.histories.subset import select_leads
from features.language.current import N_, _, current, say
from features.vectors.nouns import noun
from features.vectors.sentences import humanize_name
from scoring.release.release import Release
from training.explanation.counterfactuals import Cause, Counterfactuals, ScoreSnapshot

MAX_DETAILS = 5


MIN_LOG_ODDS = 1e-12


TITLES = {
    Cause.TIME: N_("time passed"),
    Cause.INTERACTIONS: N_("new interactions"),
    Cause.ANSWERS: N_("answers learned or changed"),
    Cause.RELEASE: N_("another release answers"),
}


@dataclass(frozen=True)
class Detail:
    """One feature's share of a part, with its value in words at the end."""

    feature: str
    text: str
    log_odds: float


@dataclass(frozen=True)
class Part:
    """What one cause changed: log-odds, rule points (None without a scorecard), and by what."""

    cause: Cause
    title: str
    log_odds: float
    points: float | None
    details: tuple[Detail, ...]


@dataclass(frozen=True)
class ScoreChange:
    """A lead's score at two moments and why it differs.

    The parts' ``log_odds`` sum to ``after.log_odds - before.log_odds``, their ``points`` to the
    difference in rule points. ``happened``: what was new, in words.
    """

    lead_id: str
    before: ScoreSnapshot
    after: ScoreSnapshot
    parts: tuple[Part, ...]
    happened: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return asdict(self)


def explain_change(
    histories: Histories,
    lead_id: str,
    from_us: int,
    to_us: int,
    release: Release,
    from_release: Release | None = None,
) -> ScoreChange:
    """Split the change of one lead's score between two moments (``from_us`` <= ``to_us``).

    ``from_release`` answered at the first moment; None: the same as now.

    Raises:
        DataError: no such lead, or a moment before its creation.
        UsageError: the moments are not in order.
    """
    if to_us < from_us:
        raise UsageError("--from is after --to; give the earlier moment first")
    alone = one_lead(histories, lead_id)
    if from_us < int(alone.created_at_us[0]):
        raise DataError(f"--from is before the creation of lead {lead_id!r}; give a later moment")
    counterfactuals = Counterfactuals(alone, from_us, to_us, release, from_release or release)
    parts = tuple(_parts(counterfactuals))
    before, after = (
        counterfactuals.snapshot(frozenset()),
        counterfactuals.snapshot(frozenset(Cause)),
    )
    return ScoreChange(lead_id, before, after, parts, tuple(_happened(alone, from_us, to_us)))


def one_lead(histories: Histories, lead_id: str) -> Histories:
    """The history of one lead alone. Raises ``DataError`` when there is no such lead."""
    rows = np.flatnonzero(histories.lead_ids == lead_id)
    if not len(rows):
        raise DataError(f"no lead {lead_id!r} in this dataset; check the id")
    references = References(rows[:1].astype(np.int64), np.zeros(1, np.int64))
    return select_leads(histories, references)[0]


def _parts(counterfactuals: Counterfactuals) -> Iterator[Part]:
    for cause in counterfactuals.causes:
        steps = list(counterfactuals.steps(cause))
        differences = [
            counterfactuals.value(after) - counterfactuals.value(before) for before, after in steps
        ]
        yield Part(
            cause,
            TITLES[cause],
            float(np.mean(differences)),
            _mean_points(counterfactuals, steps),
            tuple(_details(counterfactuals, cause, steps)),
        )


def _mean_points(
    counterfactuals: Counterfactuals, steps: list[tuple[frozenset[Cause], frozenset[Cause]]]
) -> float | None:
    differences = [
        (counterfactuals.points(before), counterfactuals.points(after)) for before, after in steps
    ]
    known = [b - a for a, b in differences if a is not None and b is not None]
    return float(np.mean(known)) if len(known) == len(differences) else None


def _details(
    counterfactuals: Counterfactuals,
    cause: Cause,
    steps: list[tuple[frozenset[Cause], frozenset[Cause]]],
) -> Iterator[Detail]:
    """The features through which a cause worked most, in words."""
    total: Counter[str] = Counter()
    for before, after in steps:
        old, new = counterfactuals.shares(before), counterfactuals.shares(after)
        for name in {**old, **new}:
            total[name] += (new.get(name, 0.0) - old.get(name, 0.0)) / len(steps)  # type: ignore[assignment]
    ranked = sorted(total.items(), key=lambda pair: (-abs(pair[1]), pair[0]))
    shown = (frozenset({Cause.TIME, cause}), frozenset(counterfactuals.causes))
    for name, difference in ranked[:MAX_DETAILS]:
        if abs(difference) > MIN_LOG_ODDS:
            yield Detail(name, _words(counterfactuals, name, shown), float(difference))


def _words(
    counterfactuals: Counterfactuals, feature: str, shown: tuple[frozenset[Cause], ...]
) -> str:
    """The feature's value in words once this cause is applied, else once all are."""
    for applied in shown:
        sentence = counterfactuals.sentence(applied & frozenset(counterfactuals.causes), feature)
        if sentence is not None:
            return sentence
    if feature == "":
        return _("the base rate")
    return say("{feature} (no longer used)", feature=feature)


def _happened(lead: Histories, from_us: int, to_us: int) -> Iterator[str]:
    """New interactions by kind, most first, then answers, in words."""
    rows, answers = lead.interactions, lead.answers
    new = (rows.at_us >= from_us) & (rows.at_us < to_us)
    counts = Counter(rows.kinds[kind] for kind in rows.kind[new])
    for kind, count in sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])):
        yield f"{count} × {noun(kind, current()).one}"
    last: dict[str, str] = {}  # of several answers to one question the last holds
    for i in np.flatnonzero((answers.at_us >= from_us) & (answers.at_us < to_us)):
        last[answers.attributes[answers.attribute[i]]] = answers.values[answers.value[i]]
    for name, value in last.items():
        yield say(
            "{attribute}: {value}",
            attribute=humanize_name(name, current()),
            value=value or _("unknown"),
        )
