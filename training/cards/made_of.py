"""The sections of a card about what was tried, what moves the score, and what it does not know."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.release import Release
from training.cards import charts
from training.cards.content import (
    NOT_RECORDED,
    Points,
    Section,
    Table,
    Words,
    count,
    figure,
    interval,
    share,
)
from training.cards.importance import Moving
from training.rule_share import in_words

TOP_FEATURES = 12
FEW_LEADS, FEW_CONVERSIONS = 1_000, 100
"""Below these, a card says that there was little to learn from."""


def candidates_section(release: Release, record: Mapping[str, Any]) -> Section:
    """Every candidate with its interval and its weight in what was chosen; rule and learned."""
    title = "What was tried"
    choice = release.metrics.get("choice", {})
    if not choice.get("candidates") and "candidates" not in record:
        return Section(title, (Words(NOT_RECORDED + "."),))
    told = f"; {in_words(choice['rule'])}" if choice.get("rule") else ""
    chosen = Words(f"Chosen: {choice.get('recipe')}{told}.")
    if "candidates" not in record:
        told_then = tuple((c["name"], figure(c["log_loss"])) for c in choice["candidates"])
        known = ("candidate", "log loss when choosing")
        return Section(title, (chosen, Table(known, told_then, frozenset(known[1:]))))
    tried = record["candidates"]
    columns = ("candidate", "weight", "log loss", "95 % interval", "minus base rate's", "95 %")
    rows = tuple(
        (
            row["name"],
            f"{row['weight']:.2f}" if row["weight"] else "",
            figure(row["log_loss"]["value"]),
            interval(row["log_loss"]),
            f"{row['gain']['value']:+.4f}" if row["gain"] else "",
            interval(row["gain"], signed=True),
        )
        for row in tried
    )
    table = Table(
        columns,
        rows,
        frozenset(columns[1:]),
        charts.gain_strokes([row["gain"] for row in tried]),
        "left of the line: better",
        about="Candidates out of time, when choosing; a weight is given to those in use",
    )
    return Section(title, (chosen, table))


def features_section(moving: list[Moving]) -> Section:
    """The features that move the score most: a value in words, what it does, and its share."""
    title = "What moves the score most"
    if not moving:
        return Section(title, (Words("No feature moves it, or none was recorded."),))
    top = moving[:TOP_FEATURES]
    columns = ("feature", "for example", "what that does to the score", "share")
    rows = tuple((m.name, m.sentence, m.direction, share(m.share)) for m in top)
    rest = len(moving) - len(top)
    words = (
        "Shares of all that features move between typical leads, each taking the values it had in "
        "training while the others stay at their medians."
    )
    if rest:
        words += f" {rest} more make up {sum(m.share for m in moving[TOP_FEATURES:]):.0%}."
    strokes = charts.share_strokes([m.share for m in top], [m.effect for m in top])
    table = Table(columns, rows, frozenset(("share",)), strokes, about="Top features")
    return Section(title, (Words(words), table))


def limits_section(release: Release) -> Section:
    """What the model does not know, in words."""
    return Section("Limits", (Points(tuple(_limits(release))),))


def _limits(release: Release) -> Iterator[str]:
    data, metrics = release.manifest.get("data", {}), release.metrics
    if metrics.get("test", {}).get("flatters"):
        yield "The future could not be held back in the test: the figures flatter."
    if metrics.get("signal") is False:
        yield "There is no signal: everybody gets the base rate, and bands tell nothing apart."
    yield from _reach(release, data)
    yield from _few(data)
    if metrics.get("calibration", {}).get("warnings"):
        yield "In some segments the probabilities are off (see By segment): do not compare those."
    yield "Learned from the leads above; it says nothing about leads of another kind."
    yield "Attributes, levels and kinds of interaction that are new since then are not seen by it."
    yield "A reason is a share of this score, not a cause: changing it need not change the lead."
    yield "The rate of conversions drifts; compare realised outcomes before trusting old scores."
    yield "Fairness between groups of people was not examined beyond the segments above."


def _reach(release: Release, data: Mapping[str, Any]) -> Iterator[str]:
    if release.has_time:
        days = f"{release.horizon_days:g} days"
        yield f"It asks for a conversion within {days}; what comes later counts as none."
    else:
        yield "The data know no time: it does not say when a lead converts, nor see rates drift."
    ages = data.get("reference_ages_days")
    if ages:
        yield (
            f"It was asked about leads {min(ages):g} to {max(ages):g} days after their creation; "
            "on older leads it extrapolates."
        )
    if data.get("observed_until"):
        yield f"It knows of nothing after {data['observed_until'][:10]}."


def _few(data: Mapping[str, Any]) -> Iterator[str]:
    leads, positives = data.get("leads"), data.get("positives")
    if isinstance(leads, int) and leads < FEW_LEADS:
        yield f"Only {count(leads)} leads: figures by band and segment are rough."
    if isinstance(positives, int) and positives < FEW_CONVERSIONS:
        yield f"Only {count(positives)} references converted: little could be learned from them."
