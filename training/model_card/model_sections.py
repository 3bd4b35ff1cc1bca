"""The sections of a card about data, candidates, features and limits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from scoring.release.release import Release
from training.model_card import charts
from training.model_card.blocks import (
    NOT_RECORDED,
    Block,
    Facts,
    Points,
    Section,
    Table,
    Warn,
    Words,
    count,
    figure,
    interval,
    plain,
    share,
)
from training.model_card.importance import FeatureEffect
from training.release_record import in_words

TOP_FEATURES = 12


MIN_LEADS, MIN_CONVERSIONS = 1_000, 100
"""Below these, a card says that the data are few."""


def candidates_section(release: Release, record: Mapping[str, Any]) -> Section:
    """Every candidate with its interval and weight, and the share of the rules in the scores."""
    title = "What was tried"
    choice = release.metrics.get("choice", {})
    if not choice.get("candidates") and "candidates" not in record:
        return Section(title, (Words(NOT_RECORDED + "."),))
    by_rule = f"; {in_words(choice['rule'])}" if choice.get("rule") else ""
    chosen = Words(f"Chosen: {choice.get('recipe')}{by_rule}.")
    if "candidates" not in record:
        losses = tuple((c["name"], figure(c["log_loss"])) for c in choice["candidates"])
        known = ("candidate", "log loss when choosing")
        return Section(title, (chosen, Table(known, losses, frozenset(known[1:]))))
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
        charts.gain_whiskers([row["gain"] for row in tried]),
        "left of the line: better",
        about="Candidates out of time, when choosing; a weight is given to those in use",
    )
    return Section(title, (chosen, table))


def features_section(effects: list[FeatureEffect]) -> Section:
    """The features that move the score most: a value in words, what it does, and its share."""
    title = "What moves the score most"
    if not effects:
        return Section(title, (Words("No feature moves it, or none was recorded."),))
    top = effects[:TOP_FEATURES]
    columns = ("feature", "for example", "what that does to the score", "share")
    rows = tuple((m.name, m.sentence, m.direction, share(m.share)) for m in top)
    rest = len(effects) - len(top)
    words = (
        "Shares of all that features move between typical leads, each taking the values it had in "
        "training while the others stay at their medians."
    )
    if rest:
        words += f" {rest} more make up {sum(m.share for m in effects[TOP_FEATURES:]):.0%}."
    row_charts = charts.share_bars([m.share for m in top], [m.effect for m in top])
    table = Table(columns, rows, frozenset(("share",)), row_charts, about="Top features")
    return Section(title, (Words(words), table))


def limits_section(release: Release) -> Section:
    """What the model does not know, in words."""
    return Section("Limits", (Points(tuple(_limits(release))),))


def _limits(release: Release) -> Iterator[str]:
    data, metrics = release.manifest.get("data", {}), release.metrics
    test = metrics.get("test", {})
    if test.get("optimistic", test.get("flatters")):  # the key of older releases
        yield "The future could not be held back in the test: the figures are optimistic."
    if metrics.get("signal") is False:
        yield "There is no signal: everybody gets the base rate, and bands do not separate leads."
    yield from _scope(release, data)
    yield from _few(data)
    if metrics.get("calibration", {}).get("warnings"):
        yield "In some segments the probabilities are off (see By segment): do not compare those."
    yield "Learned from the leads above; it says nothing about leads of another kind."
    yield "Attributes, levels and kinds of interaction that are new since then are not seen by it."
    yield "A reason is a share of this score, not a cause: changing it need not change the lead."
    yield "The rate of conversions drifts; compare realised outcomes before trusting old scores."
    yield "Fairness between groups of people was not examined beyond the segments above."


def _scope(release: Release, data: Mapping[str, Any]) -> Iterator[str]:
    if release.has_time:
        days = f"{release.horizon_days:g} days"
        yield f"It predicts a conversion within {days}; a later one counts as none."
    else:
        yield "The data know no time: it does not say when a lead converts, nor see rates drift."
    ages = data.get("reference_ages_days")
    if ages:
        yield (
            f"It was trained on leads {min(ages):g} to {max(ages):g} days after their creation; "
            "on older leads it extrapolates."
        )
    if data.get("observed_until"):
        yield f"It has seen nothing after {data['observed_until'][:10]}."


def _few(data: Mapping[str, Any]) -> Iterator[str]:
    leads, positives = data.get("leads"), data.get("positives")
    if isinstance(leads, int) and leads < MIN_LEADS:
        yield f"Only {count(leads)} leads: figures by band and segment are rough."
    if isinstance(positives, int) and positives < MIN_CONVERSIONS:
        yield f"Only {count(positives)} references converted: too few for a reliable model."


TREATMENTS = {
    "mature_only": "left out until their horizon has passed",
    "expected_labels": "those closed teach their outcome; one still open teaches by its chance of "
    "converting in the rest of its horizon",
    "censoring_weights": "those closed already teach, weighted for the ones still open "
    "(inverse probability of censoring)",
    "adaptive": "expected labels where there are enough of them, else left out",
    "closed_only": "open leads left out, whatever their age (optimistic)",
    "open_is_negative": "called negative (wrong: kept for comparison)",
}
"""Each treatment of immature references (``training.labels.censoring``), in words."""


WINDOW = (
    ("first_created_at", "first lead created"),
    ("last_created_at", "last lead created"),
    ("observed_until", "observed until"),
)


COUNTS = ("leads", "interactions", "answers", "references", "positives", "negatives", "immature")


def head_facts(release: Release) -> tuple[tuple[str, str], ...]:
    """Identity and settings, one a line."""
    pairs = [
        ("release", release.release_id),
        ("predicts", f"{question_of(release)}, as a probability"),
        ("features", f"{len(release.spec)} (set {release.spec.digest[:12]})"),
    ]
    pairs += [
        (name, plain(value)) for name, value in sorted(release.manifest.get("settings", {}).items())
    ]
    return tuple(pairs)


def question_of(release: Release) -> str:
    """What a probability of this release is about."""
    if not release.has_time:
        return "converts, whenever that is (the data know no time)"
    return f"converts within {release.horizon_days:g} days"


def data_section(release: Release, record: Mapping[str, Any]) -> Section:
    """Window, counts, and how immature leads were treated."""
    data = release.manifest.get("data", {})
    pairs = [(words, _day(data[name])) for name, words in WINDOW if data.get(name)]
    if data.get("reference_ages_days"):
        ages = ", ".join(f"{age:g}" for age in data["reference_ages_days"])
        pairs.append(("reference ages (days)", ages))
    pairs += [(name, count(data[name])) for name in COUNTS if name in data]
    if isinstance(data.get("immature"), int) and data.get("references"):
        pairs.append(("immature share", share(data["immature"] / data["references"])))
    words: tuple[Block, ...] = ()
    treatment = record.get("immature", {}).get("treatment")
    treatment = treatment or release.manifest.get("settings", {}).get("treatment")
    if treatment and data.get("immature"):
        treatment_words = TREATMENTS.get(str(treatment), str(treatment))
        words = (Words(f"Immature references are no negatives: {treatment_words}."),)
    if record.get("immature"):
        pairs.append(("references trained on", count(record["immature"]["taught_by"])))
    if sample := release.metrics.get("choice", {}).get("sample"):
        pairs.append(("recipe chosen on", sample["words"]))
    if "fingerprint" in data:
        pairs.append(("fingerprint", str(data["fingerprint"])[:16]))
    return Section("Data", (Facts(tuple(pairs)), *words) if pairs else (Words(NOT_RECORDED + "."),))


def _day(moment: str) -> str:
    """The day of a moment in ISO 8601.

    >>> _day("2026-01-02T00:00:00Z")
    '2026-01-02'
    """
    return moment[:10]


def left_out_section(record: Mapping[str, Any]) -> Section:
    """What was not used and why, and what is used although the audit doubts it."""
    title = "What was left out, and why"
    if "left_out" not in record:
        return Section(title, (Words(NOT_RECORDED + "."),))
    blocks: list[Block] = []
    rows = tuple(
        (row["name"], row["what"], row["by"], row["evidence"] or "no evidence, or not audited")
        for row in record["left_out"]
    )
    if rows:
        columns = ("left out", "what", "by", "evidence of the audit")
        blocks.append(Table(columns, rows, about="Attributes and kinds that were not used"))
    else:
        blocks.append(Words("Nothing: every attribute and kind of the data was there to be used."))
    return Section(title, (*blocks, *_audit(record["audit"])))


def _audit(audit: Mapping[str, Any] | None) -> list[Block]:
    if audit is None:
        return [Warn("The leakage audit was not part of this training (--allow-leaks, or none)")]
    blocks: list[Block] = [Words(f"Audit: {audit['summary']}.")]
    if audit["suspects"]:
        blocks.append(
            Points(
                tuple(
                    f"{s['what']} {s['name']} is {s['verdict']}, and used: {s['evidence']}"
                    for s in audit["suspects"]
                )
            )
        )
    return blocks
