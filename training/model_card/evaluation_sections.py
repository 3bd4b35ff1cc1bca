"""The sections of a card about the backtest: figures, reliability, gains, bands, segments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from scoring.release.release import Release
from training.calibration.reliability import Reliability, Split
from training.charts.reliability import reliability_chart
from training.evaluation.gains import CONTACTED_SHARES
from training.model_card import charts
from training.model_card.blocks import (
    NOT_RECORDED,
    Block,
    Facts,
    Pictures,
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

METRICS = (
    ("log_loss", "Log loss (nats)"),
    ("brier", "Brier score"),
    ("auc", "AUC"),
    ("calibration_error", "Calibration error"),
    ("top_decile_lift", "Lift of the best tenth"),
)


TEST_FACTS = (
    ("from", "tested on references from"),
    ("references", "references tested"),
    ("leads", "leads tested"),
    ("positives", "references that converted"),
    ("rate", "rate of conversions"),
    ("recipe", "ensemble chosen then"),
    ("optimistic", "the figures are optimistic"),
    ("flatters", "the figures are optimistic"),
)
"""Facts of the backtest, in words; the last is the key of older releases."""


GAINS_AT = (0.05, 0.1, 0.2, 0.3, 0.5)


def figures_section(release: Release) -> Section:
    """How good it is, beside the base rate."""
    metrics = release.metrics
    test = metrics.get("test", {})
    facts = Facts(tuple((words, _fact(n, test[n])) for n, words in TEST_FACTS if n in test))
    rows = []
    for key, title in METRICS:
        if isinstance(metrics.get(key), Mapping):
            base_rate = metrics.get("base_rate", {}).get(key, {})
            record = metrics[key]
            rows.append(
                (
                    title,
                    figure(record.get("value")),
                    interval(record),
                    figure(base_rate.get("value")),
                )
            )
    gain = metrics.get("gain")
    if isinstance(gain, Mapping):
        rows.append(("Log loss minus base rate's", figure(gain["value"]), interval(gain), "0"))
    title = "How good it is"
    if not rows:
        return Section(title, (facts,) if test else (Words(NOT_RECORDED + "."),))
    columns = ("figure", "this model", "95 % interval", "base rate")
    table = Table(columns, tuple(rows), frozenset(columns[1:]), about="Figures of the backtest")
    return Section(title, (facts, table, *_random_split_words(metrics.get("random_split"))))


def _fact(name: str, value: Any) -> str:
    if name == "from":
        return str(value)[:10] if value else "no moment: folds, not time"
    return share(value) if name == "rate" else plain(value)


def _random_split_words(split: Any) -> tuple[Block, ...]:
    """What the usual random split would have shown."""
    if not isinstance(split, Mapping) or "auc" not in split:
        return ()
    return (
        Words(
            f"A random split, which this test is not, would have shown an AUC of "
            f"{split['auc']:.3f}."
        ),
    )


def reliability_section(calibration: Mapping[str, Any]) -> Section:
    """The reliability diagram with its consistency band, and the split of the log loss."""
    title = "Do the probabilities mean what they say"
    if not calibration:
        return Section(title, (Words(NOT_RECORDED + "."),))
    record = calibration["reliability"]
    split = record["log_loss"]
    parts = ("score", "miscalibration", "discrimination", "uncertainty")
    columns = ("log loss", *parts[1:])
    table = Table(
        columns,
        (tuple(f"{split[part]:.4f}" for part in parts),),
        frozenset(columns),
        about="The log loss: miscalibration - discrimination + uncertainty",
        folded=True,
    )
    chance = f"{record['p_value']:.3f}"
    outside = f"{record['outside']:.0%} of leads"
    facts = Facts(
        (
            ("chance of so much miscalibration if every probability were true", chance),
            (f"outside the {record['level']:.0%} consistency band", outside),
        )
    )
    caption = (
        "On the dashed line, of the leads given 30 %, 30 % convert. The stairs are what happened "
        "(isotonic regression, no bins); in the grey band they would lie nine times in ten if "
        "every probability were true."
    )
    picture = Pictures(((reliability_chart(reliability_of(record)), caption),))
    return Section(title, (picture, facts, table, _stairs(record)))


def reliability_of(record: Mapping[str, Any]) -> Reliability:
    """The diagram as it was recorded."""
    splits = {name: Split(**record[name]) for name in ("log_loss", "brier")}
    return Reliability(**{**record, **splits})


def _stairs(record: Mapping[str, Any]) -> Table:
    total = sum(record["weight"]) or 1.0
    rows = tuple(
        (share(p), share(rate), share(weight / total))
        for p, rate, weight in zip(
            record["predicted"], record["observed"], record["weight"], strict=True
        )
    )
    columns = ("predicted", "converted", "of the leads")
    about = "The stairs of the reliability diagram"
    return Table(columns, rows, frozenset(columns), about=about, folded=True)


def gains_section(record: Mapping[str, Any]) -> Section:
    """How many conversions calling the best first finds, and the lift of each tenth."""
    title = "Gains and lift"
    if "gains" not in record:
        return Section(title, (Words(NOT_RECORDED + "."),))
    gains, lift = record["gains"], record["lift"]
    at = dict(zip((round(c, 2) for c in CONTACTED_SHARES), gains, strict=True))
    columns = ("leads called, best first", "conversions found", "lift")
    rows = tuple(
        (f"{called:.0%}", share(at[called]), f"{at[called] / called:.2f}") for called in GAINS_AT
    )
    pictures = Pictures(
        (
            (
                charts.gains_picture(gains),
                "Conversions found when the best-scored are called first.",
            ),
            (charts.lift_picture(gains), "Conversion of each tenth against the average (1)."),
        )
    )
    tenths = Table(
        ("tenth of the leads, best first", "lift"),
        tuple((str(i + 1), f"{value:.2f}") for i, value in enumerate(lift)),
        frozenset(("lift",)),
        about="Lift by tenth",
        folded=True,
    )
    table = Table(columns, rows, frozenset(columns[1:]), about="Gains in the backtest")
    return Section(title, (pictures, table, tenths))


def bands_section(release: Release, record: Mapping[str, Any]) -> Section:
    """The cuts, and what became of the leads of each band in the test."""
    cuts = release.thresholds
    facts = Facts(
        (
            ("cold", f"below {figure(cuts.warm)}"),
            ("warm", f"from {figure(cuts.warm)}"),
            ("hot", f"from {figure(cuts.hot)}"),
        )
    )
    if "bands" not in record:
        return Section("Bands", (facts, Words(f"Observed rates: {NOT_RECORDED}.")))
    rows = tuple(
        (
            band["band"],
            count(band["leads"]),
            share(band["share"]),
            share(band["predicted"]),
            share(band["rate"]["value"]),
            rate_span(band["rate"]),
        )
        for band in record["bands"]
    )
    columns = ("band", "leads", "share", "predicted", "converted", "95 % interval")
    about = "What became of each band in the backtest; Wilson's intervals, leads as the unit"
    caption = "What became of the leads of each band in the test, with Wilson's 95 % intervals."
    return Section(
        "Bands",
        (
            facts,
            Pictures(((charts.bands_chart(record["bands"]), caption),), wide=True),
            Table(columns, rows, frozenset(columns[1:]), about=about),
        ),
    )


def rate_span(rate: Mapping[str, Any]) -> str:
    """The ends of an interval of a rate."""
    return "" if rate["low"] is None else f"{rate['low']:.1%} to {rate['high']:.1%}"


def segments_section(calibration: Mapping[str, Any]) -> Section:
    """Expected and observed rates by segment, with a warning where calibration fails."""
    title = "By segment"
    segments = calibration.get("segments")
    if segments is None:
        return Section(title, (Words(NOT_RECORDED + "."),))
    blocks: list[Block] = [Warn(warning) for warning in calibration["warnings"]]
    n_tests = sum(segment["p_value"] is not None for segment in segments)
    if not blocks:
        blocks.append(Words(f"No failure beyond what {n_tests} tests give by chance (Holm 1979)."))
    columns = ("segment", "leads", "expected", "observed", "95 % of calibrated models")
    rows = tuple(
        (
            f"{row['by']} = {row['name']}",
            count(row["leads"]),
            share(row["expected"]),
            share(row["observed"]),
            f"{row['low']:.1%} to {row['high']:.1%}",
        )
        for row in segments
    )
    table = Table(
        columns,
        rows,
        frozenset(columns[1:]),
        charts.segment_ranges(segments),
        "observed (dot) in the range of calibrated models (bar)",
        frozenset(i for i, row in enumerate(segments) if row["warning"]),
        "Calibration by segment",
    )
    return Section(title, (*blocks, table) if rows else tuple(blocks))
