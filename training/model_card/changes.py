"""What changed since an earlier release: the section of a card that a retrain is read by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from scoring.drift import MIN_PSI_LARGE
from scoring.release.release import Release
from training.evaluation.metrics import Estimate
from training.model_card import charts
from training.model_card.blocks import (
    NOT_RECORDED,
    Block,
    Points,
    Section,
    Table,
    Words,
    count,
    figure,
    interval,
    plain,
    share,
)
from training.model_card.evaluation_sections import METRICS, rate_span
from training.model_card.importance import feature_effects
from training.model_card.model_sections import COUNTS, TOP_FEATURES, WINDOW
from training.model_card.record import card_record
from training.monitoring.psi import shifts_between

MAX_SHIFTED_FEATURES = 8
"""So many of the features that moved most are listed."""


Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class SameReferences:
    """Both releases on references that neither was fitted on.

    ``difference``: log loss now minus then, below zero is better. ``band_change``: share of them
    (leads count once) whose band is another now. ``by``: who compared them.
    """

    references: int
    log_loss: float
    log_loss_then: float
    difference: Estimate
    band_change: float | None
    by: str


@dataclass(frozen=True, slots=True)
class PreviousRelease:
    """The release to compare with, how it is called, and both on the same references if known."""

    called: str
    release: Release
    same: SameReferences | None = None


def change_section(now: Release, earlier: PreviousRelease) -> Section:
    """Everything that differs, in tables of before and now; what does not is left out."""
    then = earlier.release
    title = f"What changed since {earlier.called}"
    if then.release_id == now.release_id:
        return Section(title, (Words("Nothing: it is the same release."),))
    blocks: list[Block] = [Points(tuple(_sentences(then, now, earlier)))]
    rows = tuple(row for row in _rows(then, now) if row[1] != row[2])
    if rows:
        columns = ("changed", "before", "now")
        blocks.append(Table(columns, rows, frozenset(columns[1:]), about="What differs"))
    return Section(title, (*blocks, *_drift(then, now)))


def _sentences(then: Release, now: Release, earlier: PreviousRelease) -> Iterator[str]:
    yield f"compared with release {then.release_id}, {_comparability(then, now)}"
    yield from _same_reference_sentences(earlier.same)
    yield from _added_and_removed("features", now.spec.names, then.spec.names)
    top, before = (
        [m.name for m in feature_effects(release)[:TOP_FEATURES]] for release in (now, then)
    )
    yield from _added_and_removed(f"among the {TOP_FEATURES} that move the score most", top, before)


def _comparability(then: Release, now: Release) -> str:
    if then.name != now.name:
        return f"which was trained on {then.name}: other leads, so figures do not compare"
    if then.horizon_days != now.horizon_days:
        return f"which answers for {then.horizon_days:g} days: figures do not compare"
    return "for the same horizon on the same kind of leads"


def _same_reference_sentences(same: SameReferences | None) -> Iterator[str]:
    if same is None:
        yield f"both on the same references, and share of leads whose band changes: {NOT_RECORDED}"
        return
    gap = same.difference
    yield (
        f"on the same {count(same.references)} references ({same.by}): log loss "
        f"{same.log_loss:.4f}, {same.log_loss_then:.4f} before ({gap.value:+.4f}, 95 % interval "
        f"{gap.low:+.4f} to {gap.high:+.4f}); {_judged(gap)}"
    )
    if same.band_change is not None:
        yield f"band changed for {same.band_change:.1%} of them"


def _judged(gap: Estimate) -> str:
    """What a difference in log loss says.

    >>> _judged(Estimate(-0.01, -0.02, -0.001)), _judged(Estimate(0.0, -0.1, 0.1))
    ('better', 'no difference that chance would not make')
    """
    if gap.high < 0:
        return "better"
    return "worse" if gap.low > 0 else "no difference that chance would not make"


def _added_and_removed(what: str, now: list[str] | tuple[str, ...], then: Any) -> Iterator[str]:
    added, removed = [n for n in now if n not in then], [n for n in then if n not in now]
    if not added and not removed:
        yield f"{what}: the same"
    if added:
        yield f"{what}, new: {', '.join(added)}"
    if removed:
        yield f"{what}, gone: {', '.join(removed)}"


def _rows(then: Release, now: Release) -> Iterator[Row]:
    yield from _data_rows(then, now)
    yield from _setting_rows(then, now)
    yield from _model_rows(then, now)
    for key, title in METRICS:
        before, after = (_with_interval(r.metrics.get(key)) for r in (then, now))
        yield (f"{title}, each on its own test", before, after)
    yield ("warm from", figure(then.thresholds.warm), figure(now.thresholds.warm))
    yield ("hot from", figure(then.thresholds.hot), figure(now.thresholds.hot))
    yield from _band_rows(card_record(then), card_record(now))


def _data_rows(then: Release, now: Release) -> Iterator[Row]:
    before, after = (release.manifest.get("data", {}) for release in (then, now))
    for name, words in WINDOW:
        yield (words, str(before.get(name) or "")[:10], str(after.get(name) or "")[:10])
    for name in COUNTS:
        yield (name, count(before.get(name)), count(after.get(name)))
    ages = [plain(data.get("reference_ages_days", [])) for data in (before, after)]
    yield ("reference ages (days)", *ages)  # type: ignore[misc]
    yield ("answers for (days)", f"{then.horizon_days:g}", f"{now.horizon_days:g}")


def _setting_rows(then: Release, now: Release) -> Iterator[Row]:
    before, after = (release.manifest.get("settings", {}) for release in (then, now))
    for name in sorted({*before, *after}):
        values = [plain(s[name]) if name in s else NOT_RECORDED for s in (before, after)]
        yield (name, values[0], values[1])


def _model_rows(then: Release, now: Release) -> Iterator[Row]:
    yield ("features", count(len(then.spec)), count(len(now.spec)))
    recipes = [str(r.metrics.get("choice", {}).get("recipe", "")) for r in (then, now)]
    yield ("chosen", recipes[0], recipes[1])
    before, after = (_weights(card_record(release)) for release in (then, now))
    for name in [*after, *(name for name in before if name not in after)]:
        yield (f"weight of {name}", before.get(name, ""), after.get(name, ""))


def _weights(record: Mapping[str, Any]) -> dict[str, str]:
    return {c["name"]: f"{c['weight']:.2f}" for c in record.get("candidates", []) if c["weight"]}


def _with_interval(estimate: Any) -> str:
    if not isinstance(estimate, Mapping):
        return ""
    span = interval(estimate)
    return f"{figure(estimate['value'])} ({span})" if span else figure(estimate["value"])


def _band_rows(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Row]:
    then = {band["band"]: band for band in before.get("bands", [])}
    now = {band["band"]: band for band in after.get("bands", [])}
    for name in now or then:
        old, new = then.get(name), now.get(name)
        yield (f"{name}: share of the test", _of(old, "share"), _of(new, "share"))
        yield (f"{name}: converted in the test", _rate(old), _rate(new))


def _of(band: Mapping[str, Any] | None, name: str) -> str:
    return NOT_RECORDED if band is None else share(band[name])


def _rate(band: Mapping[str, Any] | None) -> str:
    if band is None:
        return NOT_RECORDED
    span = rate_span(band["rate"])
    return f"{share(band['rate']['value'])} ({span})" if span else "none"


def _drift(then: Release, now: Release) -> list[Block]:
    """Scores and the features that moved most, by the population stability index."""
    shifts = shifts_between(then, now, card_record(now))
    if shifts is None:
        return [Words(f"Drift of inputs and scores: {NOT_RECORDED}.")]
    scores, *features = shifts
    have_signal = all(release.metrics.get("signal", True) for release in (then, now))
    shifted = sum(shift.is_large for shift in features)
    words = (
        f"Drift (population stability index; above {MIN_PSI_LARGE:g} another distribution): "
        f"{shifted} of {len(features)} features moved that far."
    )
    shown = [*([scores] if have_signal else []), *features[:MAX_SHIFTED_FEATURES]]
    columns = ("moved", "index", "by chance up to", "unknown before", "unknown now")
    rows = tuple(
        (s.name, f"{s.psi:.3f}", f"{s.noise:.3f}", share(s.unknown_then), share(s.unknown_now))
        for s in shown
    )
    row_charts = charts.psi_bars([s.psi for s in shown], MIN_PSI_LARGE)
    title = f"line: {MIN_PSI_LARGE:g}"
    marked = frozenset(i for i, s in enumerate(shown) if s.is_large)
    return [
        Words(words),
        Table(columns, rows, frozenset(columns[1:]), row_charts, title, marked, "Drift"),
    ]
