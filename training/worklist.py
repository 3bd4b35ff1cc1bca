"""This week's leads to call: ranked, as many as the team can, and steady from week to week.

A lead that was on last week's list stays while it ranks within the capacity plus a margin; only
then are free places given to the best others. So a lead at the cut does not come and go. Last
week's list is not stored: it is made again from the history, week by week, which gives the same
list on every machine.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.compute.array_types import DAY_US, Int64, Object
from features.dataset import Dataset
from features.errors import UsageError
from features.histories.arrays import NO_TIME, Histories, References
from features.histories.subset import select_leads
from features.language.current import current
from scoring.bands import Band
from scoring.contact import not_to_contact
from scoring.playbook import NextStep, Playbook
from scoring.reasons import top_reasons
from scoring.release.release import Release
from scoring.scores import Scores, score
from training.exploration import Explored, assignment_table, explore
from training.labels.references import closings

WEEK_US = 7 * DAY_US


REPLAYED_WEEKS = 8


MARGIN = 0.25


@dataclass(frozen=True)
class WorkItem:
    """One lead to call. ``weeks``: how many weeks in a row it has been on the list; 1 is new.

    ``propensity``: the chance that it had of being called, None where none is called at random;
    ``drawn``: it is one of those.
    """

    rank: int
    lead_id: str
    probability: float
    low: float
    high: float
    band: str
    rule_points: float | None
    weeks: int
    reasons: tuple[str, ...]
    next_step: NextStep
    propensity: float | None = None
    drawn: bool = False


@dataclass(frozen=True)
class Exploration:
    """Give ``share`` of the calls to leads drawn at random; the same ``seed``, the same leads."""

    share: float
    seed: int = 0


@dataclass(frozen=True)
class Worklist:
    """The list of one week. ``left``: leads of last week's list that are off it, and why.

    ``open_leads``: those that are open at the moment; ``not_contacted``: how many of them must not
    be contacted (:mod:`scoring.contact`), who are on no list. ``assignments``: of every lead that
    could be called whether it was, and its propensity; None where none is called at random.
    """

    as_of_us: int
    open_leads: int
    items: tuple[WorkItem, ...]
    left: tuple[tuple[str, str], ...]
    assignments: pd.DataFrame | None = None
    not_contacted: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``; the assignments are written to a file only."""
        plain = {
            name: getattr(self, name)
            for name in ("as_of_us", "open_leads", "left", "not_contacted")
        }
        return {**plain, "items": [asdict(item) for item in self.items]}


def with_hysteresis(
    ranked: Sequence[int], before: frozenset[int], capacity: int, margin: float = MARGIN
) -> list[int]:
    """Who is on the list, best first: last week's leads keep their place within the margin.

    ``ranked``: leads, best first. A lead of ``before`` stays while its rank is within
    ``capacity * (1 + margin)``; the rest of the places go to the best of the others.

    >>> with_hysteresis([7, 8, 9, 5, 6], frozenset({5}), capacity=3, margin=0.34)
    [7, 8, 5]
    >>> with_hysteresis([7, 8, 9, 6, 5], frozenset({5}), capacity=3, margin=0.34)
    [7, 8, 9]
    """
    within = int(capacity * (1 + margin) + 1e-9)
    staying = [lead for lead in ranked[:within] if lead in before][:capacity]
    free = capacity - len(staying)
    joining = [lead for lead in ranked if lead not in set(staying)][:free]
    chosen = {*staying, *joining}
    return [lead for lead in ranked if lead in chosen]


def make_worklist(
    dataset: Dataset,
    histories: Histories,
    release: Release,
    playbook: Playbook,
    hot_per_week: float,
    as_of_us: int,
    margin: float = MARGIN,
    exploration: Exploration | None = None,
) -> Worklist:
    """The list of the week that begins at ``as_of_us``, steady over the weeks before.

    Of the leads open at the moment, as many as ``hot_per_week``; nobody is listed who must not be
    contacted. With ``exploration`` some places go to leads drawn at random, instead of as many of
    the list that are held back, at random too (:mod:`training.exploration`).

    Raises:
        UsageError: no capacity, a dataset without time, or too few leads to draw from.
    """
    capacity = round(hot_per_week)
    if capacity < 1:
        raise UsageError(f"--hot-per-week is {hot_per_week:g}; expected 1 or more")
    if (histories.created_at_us == NO_TIME).any():
        raise UsageError("a worklist needs created_at; this dataset has no time")
    closed_us, _ = closings(dataset, histories)
    streak: dict[int, int] = {}
    before: frozenset[int] = frozenset()
    for week in range(REPLAYED_WEEKS, -1, -1):
        moment = as_of_us - week * WEEK_US
        there = np.flatnonzero((histories.created_at_us <= moment) & (closed_us > moment))
        why = _forbidden(dataset, histories, release, there, moment)
        leads = there[why == ""]
        scores = _scored(histories, release, leads, moment)
        ranked = leads[np.lexsort((leads, -scores.log_odds))].tolist() if len(leads) else []
        last, chosen = before, with_hysteresis(ranked, before, capacity, margin)
        streak = {lead: streak.get(lead, 0) + 1 for lead in chosen}
        before = frozenset(chosen)
    made, table = None, None
    if exploration is not None:
        others = [lead for lead in ranked if lead not in before]
        rng = np.random.default_rng([exploration.seed, as_of_us])
        made = explore(chosen, others, exploration.share, rng)
        table = assignment_table(chosen, others, made, histories.lead_ids, as_of_us)
        chosen = made.called
    place = {int(lead): i for i, lead in enumerate(leads)}
    places = np.array([place[lead] for lead in chosen], dtype=np.intp)
    items = _items(chosen, places, streak, histories, release, scores, playbook, as_of_us, made)
    forbidden = dict(zip(there.tolist(), why.tolist(), strict=True))
    left = tuple(
        (str(histories.lead_ids[lead]), forbidden.get(lead, "closed") or "others rank higher")
        for lead in sorted(last - before)
    )
    return Worklist(as_of_us, len(there), items, left, table, int((why != "").sum()))


def _forbidden(
    dataset: Dataset, histories: Histories, release: Release, leads: Int64, moment: int
) -> Object:
    """Why each of these leads must not be contacted at a moment; empty where it may be."""
    references = References(leads.astype(np.int64), np.full(len(leads), moment, np.int64))
    settings = dataset.settings
    attributes = {name: declared.type for name, declared in settings.attributes.items()}
    part, selected = select_leads(histories, references)
    return not_to_contact(part, selected, attributes, settings.opt_out_kinds, release.scorecard)


def _scored(histories: Histories, release: Release, leads: Int64, moment: int) -> Scores:
    references = References(leads.astype(np.int64), np.full(len(leads), moment, np.int64))
    return score(release, *select_leads(histories, references))


def _items(
    chosen: list[int],
    places: npt.NDArray[np.intp],
    streak: dict[int, int],
    histories: Histories,
    release: Release,
    scores: Scores,
    playbook: Playbook,
    as_of_us: int,
    made: Explored | None,
) -> tuple[WorkItem, ...]:
    active_rules = _active_rules(chosen, histories, release, as_of_us)
    items = []
    for rank, (lead, row) in enumerate(zip(chosen, places, strict=True), start=1):
        reasons = top_reasons(
            release.spec, scores.vectors[row], scores.contributions[row], language=current()
        )
        band = Band(str(scores.band[row]))
        points = scores.rule_points
        items.append(
            WorkItem(
                rank,
                str(histories.lead_ids[lead]),
                float(scores.probability[row]),
                float(scores.low[row]),
                float(scores.high[row]),
                band.value,
                None if points is None else float(points[row]),
                streak.get(lead, 1),
                tuple(reason.text for reason in reasons),
                playbook.next_step(band, reasons, active_rules[rank - 1]).translated(current()),
                None if made is None else made.propensity_of(lead),
                made is not None and lead in made.drawn,
            )
        )
    return tuple(items)


def _active_rules(
    chosen: list[int], histories: Histories, release: Release, as_of_us: int
) -> list[frozenset[str]]:
    """Which rules of the release's scorecard match each lead; none without a scorecard."""
    card = release.scorecard
    if card is None or not chosen:
        return [frozenset()] * len(chosen)
    leads = np.array(chosen, dtype=np.int64)
    points = card.points(histories, References(leads, np.full(len(leads), as_of_us, np.int64)))
    return [card.active_rules(points, row) for row in range(len(chosen))]
