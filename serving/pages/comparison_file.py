"""A comparison that ``leadscore compare --json`` wrote, as far as the page reads it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import LeadscoreError
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.toml import parse_card

LARGEST_FILE = 32 * 2**20


@dataclass(frozen=True)
class ComparedScore:
    """A score of the comparison. ``gains``: share of conversions found when calling the best 0, 1 …
    100 % of the leads. Figures are (value, low, high) or None."""

    name: str
    title: str
    log_loss: tuple[float, float, float] | None
    auc: tuple[float, float, float] | None
    gains: tuple[float, ...]

    def found_at(self, share: float) -> float:
        """Share of conversions found when calling this share of the leads, linear in between."""
        place = min(max(share, 0.0), 1.0) * (len(self.gains) - 1)
        low = int(place)
        high = min(low + 1, len(self.gains) - 1)
        return self.gains[low] + (place - low) * (self.gains[high] - self.gains[low])


@dataclass(frozen=True)
class ComparisonReport:
    """What was compared. ``value`` and ``cost``: of a conversion and a call, where given;
    ``suggested``: the rules with better points, where the file holds them."""

    headline: str
    because: tuple[str, ...]
    leads: int
    conversions: int
    scores: tuple[ComparedScore, ...]
    value: float | None
    cost: float | None
    suggested: Scorecard | None = None


class UnreadableComparison(Exception):
    """The file is not a comparison; the text says how."""


def read_comparison(path: Path) -> ComparisonReport:
    """Read the file; UnreadableComparison says what is wrong with it."""
    try:
        if path.stat().st_size > LARGEST_FILE:
            raise UnreadableComparison(f"{path.name} is larger than 32 MB")
        return report_of(json.loads(path.read_bytes()))
    except (OSError, ValueError) as error:
        raise UnreadableComparison(
            f"{path.name} cannot be read ({type(error).__name__})"
        ) from error


def report_of(data: Mapping[str, Any]) -> ComparisonReport:
    """The report in plain data; UnreadableComparison for anything else."""
    try:
        verdict, gains = data["verdict"], data["gains"]
        money = data.get("value") or {}
        scores = tuple(
            ComparedScore(
                str(row["name"]), str(row["title"]), _estimate(row.get("log_loss")),
                _estimate(row.get("auc")), tuple(float(share) for share in gains[row["name"]]),
            )
            for row in data["scores"]
            if row["name"] in gains
        )  # fmt: skip
        if not scores or any(len(score.gains) < 2 for score in scores):
            raise UnreadableComparison("it holds no gains")
        return ComparisonReport(
            str(verdict["headline"]), tuple(str(line) for line in verdict.get("because", ())),
            int(data["leads"]), int(data["conversions"]), scores,
            _number(money.get("value_per_conversion")), _number(money.get("cost_per_contact")),
            _suggested((data.get("sections") or {}).get("suggested_scorecard")),
        )  # fmt: skip
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise UnreadableComparison(
            f"not what leadscore compare --json writes: {error!r}"
        ) from error


def _suggested(text: Any) -> Scorecard | None:
    """The scorecard of a TOML text, checked as any other; UnreadableComparison with its faults."""
    if not isinstance(text, str):
        return None
    try:
        return Scorecard(parse_card(text, "suggested_scorecard"))
    except LeadscoreError as error:
        raise UnreadableComparison(str(error)) from error


def _estimate(data: Any) -> tuple[float, float, float] | None:
    if not isinstance(data, Mapping) or data.get("value") is None:
        return None
    value, low, high = (_number(data.get(key)) for key in ("value", "low", "high"))
    nan = float("nan")
    return (
        nan if value is None else value,
        nan if low is None else low,
        nan if high is None else high,
    )


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
