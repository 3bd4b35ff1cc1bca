"""What each treatment of immature leads costs: means with intervals, and the table."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.compute.array_types import Float64, Int64
from training.labels.censoring import CensoringTreatment

RESAMPLES = 1000


@dataclass(frozen=True)
class TreatedRows:
    """Test rows of one seed or one real set: each treatment's loss over the truth (or log loss),
    its probability, and what it should have been (the truth, or the label)."""

    unit: Int64
    weight: Float64
    loss: dict[CensoringTreatment, Float64]
    probability: dict[CensoringTreatment, Float64]
    target: Float64
    rows: dict[CensoringTreatment, int]
    immature: float


def of_group(name: str, parts: list[TreatedRows], *, real: bool) -> dict[str, object]:
    """Means over all seeds, with intervals over seeds and the leads within each."""
    draws = _drawn(parts, np.random.default_rng(0))
    shown = {}
    for how in CensoringTreatment:
        own = _means(parts, draws, [part.loss[how] for part in parts])
        gap = [part.loss[how] - part.loss[CensoringTreatment.MATURE] for part in parts]
        off = [part.probability[how] - part.target for part in parts]
        shown[str(how)] = {
            "rows": round(np.mean([part.rows[how] for part in parts])),
            "loss": own,
            "minus_mature": _means(parts, draws, gap),
            "bias": _means(parts, draws, off),
        }
    mass = np.concatenate([part.weight for part in parts])
    target = np.concatenate([part.target for part in parts])
    return {
        "set": name,
        "over_truth": not real,
        "seeds": len(parts),
        "rate": float(np.average(target, weights=mass)),
        "immature": float(np.mean([part.immature for part in parts])),
        "treatments": shown,
    }


def _drawn(parts: list[TreatedRows], rng: np.random.Generator) -> list[list[tuple[int, Float64]]]:
    """Per resample: (seed, how often each of its leads was drawn), seeds drawn as well."""
    sizes = [len(np.unique(part.unit)) for part in parts]
    return [
        [
            (int(k), np.bincount(rng.integers(0, sizes[k], sizes[k]), minlength=sizes[k]) * 1.0)
            for k in rng.integers(0, len(parts), len(parts))
        ]
        for _ in range(RESAMPLES)
    ]


def _means(parts: list[TreatedRows], draws, values: list[Float64]) -> dict[str, float]:
    sums, masses = [], []
    for part, value in zip(parts, values, strict=True):
        _, member = np.unique(part.unit, return_inverse=True)
        sums.append(np.bincount(member, weights=part.weight * value))
        masses.append(np.bincount(member, weights=part.weight))
    drawn = [
        sum(t @ sums[k] for k, t in draw) / sum(t @ masses[k] for k, t in draw) for draw in draws
    ]
    low, high = np.quantile(drawn, (0.025, 0.975))
    value = sum(s.sum() for s in sums) / sum(m.sum() for m in masses)
    return {"value": float(value), "low": float(low), "high": float(high)}


def markdown(found: list[dict], seeds: int) -> str:
    lines = [
        f"Simulated: {seeds} seeds each, excess log loss over the exact truth (nats). Real: log "
        "loss over rolling origins (bpi2012: the newest fifth). Intervals: 95 %, seeds and leads "
        "drawn again.",
        "",
        "| set | rate | immature | treatment | rows learned | loss | minus mature only | "
        "bias of the mean |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for group in found:
        for how, row in group["treatments"].items():
            gap = row["minus_mature"]
            word = "better" if gap["high"] < 0 else "WORSE" if gap["low"] > 0 else "even"
            paired = f"{gap['value']:+.5f} [{gap['low']:+.5f}, {gap['high']:+.5f}] {word}"
            lines.append(
                f"| {group['set']} | {group['rate']:.3f} | {group['immature']:.0%} | {how} | "
                f"{row['rows']:,} | {row['loss']['value']:.5f} | "
                f"{'' if how == CensoringTreatment.MATURE else paired} | {_off(row['bias'])} |"
            )
    return "\n".join(lines) + "\n"


def _off(bias: dict[str, float]) -> str:
    return f"{bias['value']:+.4f} [{bias['low']:+.4f}, {bias['high']:+.4f}]"
