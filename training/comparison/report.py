"""The comparison as one HTML file: pictures inside, no network, made to be printed."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import partial
from importlib import resources
from typing import Any

from features.language.current import use
from features.language.language import ENGLISH
from training.charts.gains import gains_chart, lift_chart
from training.charts.html import environment
from training.charts.svg import COLOURS, SOFT, dark_rules
from training.comparison import charts
from training.comparison.compare import LEARNED, RULES, Comparison
from training.comparison.given import raw_words_of
from training.comparison.verdict import Finding
from training.evaluation.metrics import Estimate
from training.html_frame import page_in_language

TEMPLATE = "report.html.j2"


TONES = {
    Finding.LEARNED: ("#17618f", "#eaf3f9", "#7cc4f0"),
    Finding.RULES: ("#a85a12", "#fcf3e8", "#f0ac6a"),
    Finding.CANNOT_TELL: ("#5a6672", "#f1f3f5", "#b4c0ca"),
}
"""The colour of the verdict, that of its background, and its colour on a dark screen."""


def report_html(comparison: Comparison) -> str:
    """The whole report as text; words from the data are escaped."""
    text = resources.files("training.comparison").joinpath(TEMPLATE).read_text(encoding="utf-8")
    pictures = _pictures(comparison)
    with use(ENGLISH):  # its sentences are told in the language in use as a whole
        page = _page(comparison, text, pictures)
    return page_in_language(page)


def _page(comparison: Comparison, text: str, pictures: dict[str, Any]) -> str:
    tone, wash, tone_dark = TONES[comparison.verdict.finding]
    return (
        environment()
        .from_string(text)
        .render(
            comparison=comparison,
            tone=tone,
            wash=wash,
            tone_dark=tone_dark,
            dark_svg=dark_rules(),
            about=_about_test(comparison),
            rules=comparison.score_of(RULES),
            learned=comparison.score_of(LEARNED),
            charts=pictures,
            swap_words=_swap_words(comparison),
            groups=_groups(comparison),
            costs=comparison.sections.get("costs", []),
            given=[
                {**one, "raw_words": raw_words_of(one)}
                for one in comparison.sections.get("given", [])
            ],
            calling=comparison.sections.get("calling", {}).get("words", ()),
            scorecard=comparison.sections.get("scorecard", "rules"),
            colour=lambda name: COLOURS.get(name, SOFT),
            side=side,
            few=few,
            min_leads=charts.MIN_LEADS,
        )
    )


def side(gap: Estimate) -> str:
    """The style of a difference in log loss: below zero is better, when beyond chance."""
    if gap.low > 0 or gap.high < 0:
        return "better" if gap.value < 0 else "worse"
    return "even"


def few(count: float) -> str:
    """The style of a figure that comes from few leads: grey."""
    return " few" if count < charts.MIN_LEADS else ""


def _pictures(comparison: Comparison) -> dict[str, Any]:
    forest = charts.forest
    return {
        "called": forest(
            charts.score_rows(comparison.scores, "converted_of_called"),
            "convert of the called",
            form="percent",
        ),
        "differences": forest(
            charts.difference_rows(comparison.scores),
            "log loss above the learned score's",
            form="signed",
            zero=True,
        ),
        "split": charts.split_chart(comparison),
        "gains": gains_chart(
            charts.gains_curves(comparison), "Share of conversions found by share of leads called"
        ),
        "lift": lift_chart(
            charts.gains_curves(comparison, (RULES, LEARNED)), "Lift by tenth of leads"
        ),
        "bands": charts.band_chart(comparison.bands),
        "migration": charts.migration_chart(comparison.bands),
        "swap": partial(forest, form="percent")(charts.swap_rows(comparison.bands), "convert"),
        "calibration_rules": charts.calibration_chart(comparison, RULES),
        "calibration_learned": charts.calibration_chart(comparison, LEARNED),
        "value": charts.value_chart(comparison),
    }


def _about_test(comparison: Comparison) -> dict[str, Any]:
    about = dict(comparison.sections.get("about", {}))
    about.setdefault("dataset", "scores")
    about.setdefault("horizon_days", 0)
    about.setdefault("optimistic", "")
    learned_at = about.get("learned_at_us")
    if learned_at is None:
        about["tested"] = "tested by grouped folds"
        about["how"] = (
            "Each lead was scored by a model and by baselines made from other leads (grouped "
            "folds; identical rows stay together). The future could not be held back."
        )
        return about
    day = datetime.fromtimestamp(learned_at / 1e6, UTC).date()
    about["tested"] = f"tested on references since {day}"
    about["how"] = (
        f"Model and baselines were fitted on what was known on {day}; every reference since, of "
        "leads they had not seen, was then scored by all of them."
    )
    return about


def _swap_words(comparison: Comparison) -> str:
    swap = comparison.bands.swap
    if swap.gap.value != swap.gap.value:
        return "One of the two sides is empty: there is nothing to swap."
    return (
        "At the same workload. Leads that only the learned score makes hot convert "
        f"{swap.gap.value * 100:+.1f} points "
        f"against those that only the rules do (95 %: {swap.gap.low * 100:+.1f} to "
        f"{swap.gap.high * 100:+.1f})."
    )


def _groups(comparison: Comparison) -> list[tuple[str, str, list[Any]]]:
    return [
        (
            "For whom",
            "Groups with ten conversions or more; below zero favours the learned score.",
            comparison.sections.get("segments", []),
        ),
        (
            "By age of the lead",
            "How long after its creation a lead was scored.",
            comparison.sections.get("ages", []),
        ),
    ]
