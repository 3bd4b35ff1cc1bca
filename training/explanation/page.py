"""The explanation of one lead's score change as one HTML file."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from typing import Any

from markupsafe import Markup

from features.compute.array_types import DAY_US
from features.dataset import Dataset
from features.errors import UsageError
from features.histories.build import histories_from_dataset
from features.language.current import _, current, number, say
from features.language.language import ENGLISH
from scoring.release.release import Release
from training.charts import svg
from training.charts.html import environment, percent
from training.explanation.counterfactuals import ScoreSnapshot
from training.explanation.explain import Part, ScoreChange, explain_change, one_lead
from training.explanation.timeline import Timeline, timeline, timeline_picture
from training.html_frame import embedded
from training.labels.references import observed_until_us

TEMPLATE = "page.html.j2"


WEEK_US = 7 * DAY_US


UP, DOWN = "#2f855a", "#c0503f"
DARK = {UP: "#63c594", DOWN: "#f08d7c"}
"""What these become on a dark screen, beside the inks of every picture."""


@dataclass(frozen=True)
class LeadExplanation:
    """Why one lead's score moved, with what the lead did; shows itself in a notebook.

    ``change`` has the parts, which sum to the change of the log-odds; ``timeline`` the history.
    """

    change: ScoreChange
    timeline: Timeline

    @property
    def before(self) -> ScoreSnapshot:
        """What was said at the earlier moment: probability, log_odds, band, points."""
        return self.change.before

    @property
    def after(self) -> ScoreSnapshot:
        """What was said at the later moment."""
        return self.change.after

    @property
    def parts(self) -> tuple[Part, ...]:
        """What each cause changed, in log-odds, and by which features."""
        return self.change.parts

    @property
    def happened(self) -> tuple[str, ...]:
        """What was new between the two moments, in words."""
        return self.change.happened

    @property
    def headline(self) -> str:
        """The change in one sentence."""
        return headline(self.change)

    def __repr__(self) -> str:
        return f"<explanation of {self.change.lead_id}: {self.headline}>"

    def to_dict(self) -> dict[str, Any]:
        """Plain data, as ``leadscore explain --json`` prints it."""
        return self.change.to_dict()

    def to_html(self) -> str:
        """The page that ``leadscore explain --out`` writes; nothing is loaded."""
        return explanation_html(self.change, self.timeline)

    def _repr_html_(self) -> str:
        return embedded(
            self.to_html(), say("Why the score of {lead} moved", lead=self.change.lead_id)
        )


def explain_lead(
    release: Release,
    dataset: Dataset,
    lead_id: str,
    from_us: int | None = None,
    to_us: int | None = None,
    from_release: Release | None = None,
) -> LeadExplanation:
    """Split the change of one lead's score between two moments (microseconds since 1970 UTC).

    ``to_us``: the end of the data where left out, or just after the lead's last interaction or
    answer where that is later; ``from_us``: a week before, or the lead's
    creation where that is later. Raises as :func:`explain_change`, and UsageError without time.
    """
    if not dataset.has_time:
        raise UsageError("the leads have no created_at: there are no moments to compare")
    histories = histories_from_dataset(dataset)
    if to_us is None:
        one = one_lead(histories, lead_id)
        events = (one.interactions.at_us, one.answers.at_us)
        last = [int(at.max()) + 1 for at in events if len(at)]  # what is at to_us is not seen
        to_us = max([observed_until_us(dataset), *last])
    if from_us is None:
        created_us = int(one_lead(histories, lead_id).created_at_us[0])
        from_us = min(max(to_us - WEEK_US, created_us), to_us)
    moved = explain_change(histories, lead_id, from_us, to_us, release, from_release)
    return LeadExplanation(moved, timeline(histories, lead_id, to_us, release))


def explanation_html(change: ScoreChange, series: Timeline) -> str:
    """The page as text; words from the data are escaped, nothing is loaded."""
    env = environment()
    env.filters["day"] = day
    text = resources.files("training.explanation").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return env.from_string(text).render(
        change=change,
        headline=headline(change),
        waterfall=waterfall(change),
        picture=timeline_picture(series, change.before.as_of_us),
        dark_svg=svg.dark_rules(DARK),
    )


def day(moment_us: int) -> str:
    """A moment as a person writes it, UTC.

    >>> day(86_400_000_000)
    '2 Jan 1970 00:00'
    """
    at = datetime.fromtimestamp(moment_us / 1e6, UTC)
    active = current()
    return f"{at.day} {at:%b %Y %H:%M}" if active is ENGLISH else active.format_moment(at)


def headline(change: ScoreChange) -> str:
    """The change in one sentence, with its largest cause."""
    difference = change.after.log_odds - change.before.log_odds
    if abs(difference) < 1e-9:
        return _("The score did not move.")
    largest = max(change.parts, key=lambda part: part.log_odds * (1 if difference > 0 else -1))
    text = (
        _("The probability rose from {before} to {after}, mostly by: {cause}.")
        if difference > 0
        else _("The probability fell from {before} to {after}, mostly by: {cause}.")
    )
    return text.format(
        before=percent(change.before.probability),
        after=percent(change.after.probability),
        cause=_(largest.title),
    )


def waterfall(change: ScoreChange) -> Markup:
    """Log-odds from before to after, one step a cause."""
    levels = [change.before.log_odds]
    for part in change.parts:
        levels.append(levels[-1] + part.log_odds)
    pad = (max(levels) - min(levels) or 0.1) * 0.12
    x = svg.Scale(min(levels) - pad, max(levels) + pad, 210, 800)
    height = 30 * len(change.parts) + 6
    parts = [svg.bottom_axis(x, height, 4, _("log-odds"))]
    for i, part in enumerate(change.parts):
        left, right = sorted((x(levels[i]), x(levels[i + 1])))
        y = 30 * i + 8
        colour = UP if part.log_odds >= 0 else DOWN
        parts.append(svg.text(200, y + 15, _(part.title), anchor="end"))
        parts.append(svg.box(left, y, max(right - left, 1.5), 22, colour, 2))
        parts.append(svg.text(812, y + 15, number(f"{part.log_odds:+.3f}"), size=11))
    parts.append(svg.line(x(levels[0]), 0, x(levels[0]), height, svg.INK, 1, "3 3"))
    return svg.drawing(900, height + 42, parts, _("What moved the score"))
