"""The model card: what a release is, what it was made from and how good it is, for a person.

Made from the release alone, without clock or machine, so that two trainings of the same data give
the same card and a retrain shows as a readable diff: one fact a line, fixed order and digits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from features.histories import Float64
from scoring.release import Release
from training.calibration.card import calibration_lines
from training.honest_test import Tested
from training.rule_share import in_words
from training.tracking.model_card_tested import tested_lines

TOP_FEATURES = 12
METRICS = (
    ("log_loss", "Log loss (nats)"),
    ("brier", "Brier score"),
    ("auc", "AUC"),
    ("calibration_error", "Calibration error"),
    ("top_decile_lift", "Lift of the best tenth"),
)


def model_card(release: Release, tested: Tested | None = None) -> str:
    """The card in Markdown; ``tested`` adds what became of the leads in the honest test.

    Figures that were not recorded are left out, never made up.
    """
    sections = (
        _head(release),
        _data(release),
        _quality(release),
        calibration_lines(release.metrics.get("calibration", {})),
        _choice(release.metrics.get("choice", {})),
        _bands(release),
        tested_lines(release.cuts, tested) if tested is not None else (),
        _features(release),
        _limits(release),
    )
    return "\n".join(line for section in sections for line in section)


def feature_shares(release: Release) -> Float64:
    """(F,) how far each feature moves the log-odds between typical leads.

    Each feature in turn takes the deciles it had in training (and unknown, as often as it was)
    while the others stay at their medians; the mean absolute distance of its contribution from
    its mean. 0 for one that never changes the score. A hint at importance, not a causal effect.
    """
    known = release.statistics.get("features", {})
    columns = [known.get(name, {}) for name in release.spec.names]
    values = np.array([_deciles(column) for column in columns]).reshape(len(columns), -1)
    middle = np.array([_middle(column) for column in columns])
    n_features, n_values = values.shape
    rows = np.repeat(middle[None, :], n_features * n_values, axis=0)
    at = np.repeat(np.arange(n_features), n_values)
    rows[np.arange(len(rows)), at] = values.reshape(-1)
    moved = release.model.explain(rows).contributions[np.arange(len(rows)), at]
    weight = np.array([_weights(column) for column in columns]).reshape(values.shape)
    moved = moved.reshape(values.shape)
    mean = (moved * weight).sum(axis=1, keepdims=True)
    return np.asarray((np.abs(moved - mean) * weight).sum(axis=1), dtype=np.float64)


def _deciles(column: Mapping[str, Any]) -> list[float]:
    """Eleven quantiles and unknown."""
    deciles = column.get("deciles") or [math.nan] * 11
    return [*deciles, math.nan]


def _weights(column: Mapping[str, Any]) -> list[float]:
    """How often each of `_deciles` stands for a lead; sums to 1."""
    unknown = float(column.get("unknown", 1.0))
    inner = (1 - unknown) / 10
    return [inner / 2, *[inner] * 9, inner / 2, unknown]


def _middle(column: Mapping[str, Any]) -> float:
    unknown = float(column.get("unknown", 1.0)) > 0.5 or not column.get("deciles")
    return math.nan if unknown else float(column["deciles"][5])


def _head(release: Release) -> Iterable[str]:
    yield f"# Model card: {release.name}"
    yield ""
    verdict = release.metrics.get("verdict")
    if verdict:
        yield f"{verdict}."
        yield ""
    yield f"- release: `{release.release_id}`"
    yield f"- answers: converts within {release.horizon_days:g} days, as a probability"
    yield f"- features: {len(release.spec)} (set `{release.spec.digest[:12]}`)"
    for name, value in sorted(release.manifest.get("settings", {}).items()):
        yield f"- {name}: {_plain(value)}"
    yield ""


def _data(release: Release) -> Iterable[str]:
    data = release.manifest.get("data", {})
    yield "## Data"
    yield ""
    for name, value in data.items():
        yield f"- {name.replace('_', ' ')}: {_plain(value)}"
    if isinstance(data.get("immature"), int) and data.get("references"):
        share = data["immature"] / data["references"]
        yield f"- immature share: {share:.1%} (open, horizon not passed: no negatives)"
    yield ""


def _quality(release: Release) -> Iterable[str]:
    metrics = release.metrics
    yield "## How good it is"
    yield ""
    test = metrics.get("test", {})
    for name, value in sorted(test.items()):
        yield f"- tested: {name} = {_plain(value)}"
    yield ""
    yield "| figure | this model | 95 % interval | base rate |"
    yield "|---|---|---|---|"
    for key, title in METRICS:
        if isinstance(metrics.get(key), Mapping):
            floor = metrics.get("base_rate", {}).get(key, {})
            yield f"| {title} | {_interval(metrics[key])} | {_figure(floor.get('value'))} |"
    gain = metrics.get("gain")
    if isinstance(gain, Mapping):
        yield f"| Log loss minus base rate's | {_interval(gain)} | 0 |"
    yield ""


def _choice(choice: Mapping[str, Any]) -> Iterable[str]:
    if not choice.get("candidates"):
        return
    yield "## What was tried"
    yield ""
    told = f"; {in_words(choice['rule'])}" if choice.get("rule") else ""
    yield f"Chosen: {choice.get('recipe')}{told}."
    yield ""
    yield "| candidate | log loss when choosing |"
    yield "|---|---|"
    for candidate in choice["candidates"]:
        yield f"| {candidate['name']} | {_figure(candidate['log_loss'])} |"
    yield ""


def _bands(release: Release) -> Iterable[str]:
    yield "## Bands"
    yield ""
    yield f"- cold: below {_figure(release.cuts.warm)}"
    yield f"- warm: from {_figure(release.cuts.warm)}"
    yield f"- hot: from {_figure(release.cuts.hot)}"
    yield ""


def _features(release: Release) -> Iterable[str]:
    shares = feature_shares(release)
    order = np.argsort(-shares, kind="stable")[:TOP_FEATURES]
    told = [column for column in order if shares[column] > 0]
    if not told:
        return
    yield "## What moves the score most"
    yield ""
    yield "| feature | its ninth decile in words | log-odds it moves between typical leads |"
    yield "|---|---|---|"
    for column in told:
        feature = release.spec.features[int(column)]
        deciles = release.statistics["features"][feature.name]["deciles"] or [math.nan]
        told_as = feature.sentence(float(deciles[-2] if len(deciles) > 1 else deciles[0]))
        yield f"| {feature.name} | {told_as} | {_figure(shares[column])} |"
    yield ""


def _limits(release: Release) -> Iterable[str]:
    yield "## Limits"
    yield ""
    if release.metrics.get("test", {}).get("flatters"):
        yield "- The future could not be held back in the test: the figures flatter."
    yield "- Learned from the leads above; it says nothing about leads of another kind."
    yield "- A reason is a share of this score, not a cause: changing it need not change the lead."
    yield "- The rate of conversions drifts; compare realised outcomes before trusting old scores."
    yield ""


def _interval(figure: Mapping[str, Any]) -> str:
    low, high = figure.get("low"), figure.get("high")
    span = "" if low is None or high is None else f"{_figure(low)} to {_figure(high)}"
    return f"{_figure(figure.get('value'))} | {span}"


def _figure(value: Any) -> str:
    """Four significant digits; empty for unknown.

    >>> _figure(0.123456), _figure(None)
    ('0.1235', '')
    """
    return "" if value is None else f"{float(value):.4g}"


def _plain(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return _figure(value)
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_plain(inner)}" for key, inner in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(_plain(inner) for inner in value) or "none"
    return str(value)
