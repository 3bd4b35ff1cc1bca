"""Counterfactual scores of one lead: with only some of the causes of its change applied."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import permutations

import numpy as np

from features.histories.arrays import Answers, Histories, Interactions, References
from features.language.current import current
from scoring.release.release import Release
from scoring.scores import Scores, score


class Cause(StrEnum):
    """What can change a score."""

    TIME = "time"
    INTERACTIONS = "interactions"
    ANSWERS = "answers"
    RELEASE = "release"


@dataclass(frozen=True)
class ScoreSnapshot:
    """The score of the lead at one moment."""

    as_of_us: int
    probability: float
    log_odds: float
    band: str
    points: float | None
    point_band: str | None
    release_id: str


class Counterfactuals:
    """The score of the lead for every subset of the causes."""

    def __init__(
        self, lead: Histories, from_us: int, to_us: int, release: Release, from_release: Release
    ) -> None:
        self.lead, self.from_us, self.to_us = lead, from_us, to_us
        self.release, self.from_release = release, from_release
        self.causes = [c for c in Cause if c != Cause.RELEASE or release is not from_release]
        self._known: dict[frozenset[Cause], Scores] = {}

    def scores(self, applied: frozenset[Cause]) -> Scores:
        """One row: the score with exactly these causes applied."""
        if applied not in self._known:
            history = history_until(
                self.lead,
                self.to_us if Cause.INTERACTIONS in applied else self.from_us,
                self.to_us if Cause.ANSWERS in applied else self.from_us,
            )
            moment = self.to_us if Cause.TIME in applied else self.from_us
            references = References(np.zeros(1, np.int64), np.array([moment], dtype=np.int64))
            self._known[applied] = score(self._release(applied), history, references)
        return self._known[applied]

    def _release(self, applied: frozenset[Cause]) -> Release:
        return self.release if Cause.RELEASE in applied else self.from_release

    def value(self, applied: frozenset[Cause]) -> float:
        """Log-odds."""
        return float(self.scores(applied).log_odds[0])

    def points(self, applied: frozenset[Cause]) -> float | None:
        """Rule points; None when either release has no scorecard."""
        if self.release.scorecard is None or self.from_release.scorecard is None:
            return None
        points = self.scores(applied).rule_points
        return None if points is None else float(points[0])

    def shares(self, applied: frozenset[Cause]) -> dict[str, float]:
        """Each feature's share of the log-odds, and the base under the empty name."""
        scores = self.scores(applied)
        names = self._release(applied).spec.names
        return {**dict(zip(names, scores.contributions[0].tolist(), strict=True)), "": scores.base}

    def sentence(self, applied: frozenset[Cause], feature: str) -> str | None:
        """A feature's value in words; None where the release has no such feature."""
        spec = self._release(applied).spec
        if feature not in spec.names:
            return None
        place = spec.names.index(feature)
        value = float(self.scores(applied).vectors[0, place])
        return spec.features[place].sentence(value, current())

    def snapshot(self, applied: frozenset[Cause]) -> ScoreSnapshot:
        """The score with these causes applied, as a report shows it."""
        scores = self.scores(applied & frozenset(self.causes))
        return ScoreSnapshot(
            self.to_us if Cause.TIME in applied else self.from_us,
            float(scores.probability[0]),
            float(scores.log_odds[0]),
            str(scores.band[0]),
            None if scores.rule_points is None else float(scores.rule_points[0]),
            None if scores.rule_band is None else str(scores.rule_band[0]),
            self._release(applied).release_id,
        )

    def steps(self, cause: Cause) -> Iterator[tuple[frozenset[Cause], frozenset[Cause]]]:
        """Every (before, after) that adds ``cause``, one for each possible order."""
        for order in permutations(self.causes):
            place = {c: i for i, c in enumerate(order)}
            happens = min(place[Cause.INTERACTIONS], place[Cause.ANSWERS])
            if place[Cause.TIME] < happens:
                before = frozenset(order[: place[cause]])
                yield before, before | {cause}


def history_until(lead: Histories, interactions_us: int, answers_us: int) -> Histories:
    """The history of one lead with nothing at or after the two moments."""
    rows, answers = lead.interactions, lead.answers
    interactions_before, answers_before = rows.at_us < interactions_us, answers.at_us < answers_us
    ends = np.array([0, int(interactions_before.sum())]), np.array([0, int(answers_before.sum())])
    return replace(
        lead,
        interactions=Interactions(
            ends[0].astype(np.int64),
            rows.at_us[interactions_before],
            rows.kind[interactions_before],
            rows.value[interactions_before],
            rows.duration_s[interactions_before],
            rows.kinds,
        ),
        answers=Answers(
            ends[1].astype(np.int64),
            answers.attribute[answers_before],
            answers.at_us[answers_before],
            answers.value[answers_before],
            answers.attributes,
            answers.values,
        ),
    )
