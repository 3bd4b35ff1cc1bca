"""Calling a few leads at random, and what it tells: does calling itself change who converts?

A team calls the best of a list, so those who were called and those who were not differ in
everything, and a score that decides who is called can make its own truth. :func:`explore` gives a
few places of a list to random leads, instead of random ones of the best: then everybody had a known
chance of being called (the propensity), strictly between 0 and 1, and :func:`effect_of_calling`
compares like with like. Inverse-propensity weights, normalised (Hájek 1971, in "Foundations of
Statistical Inference", 236; Hirano, Imbens and Ridder 2003, Econometrica 71:1161-1189). What is
compared is being on the list (intention to treat), whether or not the call was made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.compute.array_types import DAY_US, Bools, Float64, Int64, Object
from features.contract import Outcome
from features.dataset import Dataset
from features.errors import DataError, UsageError
from features.language.plural import plural
from training.evaluation.metrics import Estimate
from training.labels.references import EPOCH, observed_until_us

MIN_PER_SIDE = 20
"""With fewer leads held back, or called at random, nothing is estimated."""
MIN_CONVERSIONS = 5
RESAMPLES = 1_000
COLUMNS = ("lead_id", "as_of", "best", "called", "propensity")
SUFFIX = ".assignments.csv"


@dataclass(frozen=True)
class Explored:
    """Who is called when a few are called at random; positions of leads.

    ``called``: the best that are left, then those drawn from the others. ``held_back``: of the
    best, not called. ``drawn``: of the others, called. ``propensity_best`` and
    ``propensity_other``: the chance of being called that each lead had.
    """

    called: list[int]
    held_back: frozenset[int]
    drawn: frozenset[int]
    propensity_best: float
    propensity_other: float

    def propensity_of(self, lead: int) -> float:
        """The chance of being called of one that is called."""
        return self.propensity_other if lead in self.drawn else self.propensity_best


def share_of(text: str) -> float:
    """``--explore``: ``5%`` or ``0.05``. Raises UsageError outside of 0 to 50 %.

    >>> share_of("5%"), share_of("0.05")
    (0.05, 0.05)
    """
    try:
        share = float(text.removesuffix("%")) / (100 if text.endswith("%") else 1)
    except ValueError:
        share = float("nan")
    if not 0 < share <= 0.5:
        raise UsageError(f"--explore {text}: expected a share of the calls up to 50%, such as 5%")
    return share


def explore(
    best: Sequence[int], others: Sequence[int], share: float, rng: np.random.Generator
) -> Explored:
    """Give ``share`` of the places of ``best`` to ``others``, at least one, drawn evenly.

    Raises UsageError where there are fewer than two best, or no others, to draw from.

    >>> made = explore(range(10), range(10, 50), 0.2, np.random.default_rng(0))
    >>> len(made.called), len(made.held_back), len(made.drawn)
    (10, 2, 2)
    >>> made.propensity_best, made.propensity_other
    (0.8, 0.05)
    """
    places = min(max(1, round(share * len(best))), len(best) - 1, len(others) - 1)
    if places < 1:
        raise UsageError(
            f"--explore needs two leads on the list and two beside it; there are {len(best)} and "
            f"{len(others)}"
        )
    held = frozenset(int(one) for one in rng.choice(np.array(best), places, replace=False))
    drawn = rng.choice(np.array(others), places, replace=False).tolist()
    called = [*(lead for lead in best if lead not in held), *sorted(drawn)]
    return Explored(called, held, frozenset(drawn), 1 - places / len(best), places / len(others))


def assignment_table(
    best: Sequence[int], others: Sequence[int], made: Explored, lead_ids: Object, as_of_us: int
) -> pd.DataFrame:
    """Every lead that could be called: whether it was, and its propensity; columns ``COLUMNS``."""
    leads = [*best, *others]
    is_best = np.arange(len(leads)) < len(best)
    called = np.isin(leads, made.called)
    moment = pd.Timestamp(as_of_us, unit="us", tz="UTC").isoformat()
    return pd.DataFrame(
        {
            "lead_id": lead_ids[np.array(leads, dtype=np.intp)],
            "as_of": moment,
            "best": is_best.astype(int),
            "called": called.astype(int),
            "propensity": np.where(is_best, made.propensity_best, made.propensity_other),
        }
    )


def assignments_beside(out: Path) -> Path:
    """Where the assignments of a worklist written to ``out`` are kept.

    >>> assignments_beside(Path("lists/week.csv")).name
    'week.assignments.csv'
    """
    return out.with_name(out.stem + SUFFIX)


def read_assignments(files: Sequence[Path]) -> pd.DataFrame:
    """The assignments of worklists; each file is a worklist or the assignments beside it.

    Raises DataError for a file without the columns, or with a propensity outside of 0 to 1, and
    UsageError for a worklist that was made without ``--explore``.
    """
    frames = []
    for file in files:
        path = file if file.name.endswith(SUFFIX) else assignments_beside(file)
        if not path.is_file():
            raise UsageError(
                f"{path} is not there: worklists made with --explore and --out write it; without "
                "calls at random nothing can be told of calling"
            )
        frame = pd.read_csv(path, dtype={"lead_id": str})
        if missing := [name for name in COLUMNS if name not in frame.columns]:
            raise DataError(f"{path}: the column {missing[0]} is missing")
        if not ((frame["propensity"] > 0) & (frame["propensity"] < 1)).all():
            raise DataError(f"{path}: a propensity is not strictly between 0 and 1")
        if not frame[["best", "called"]].isin([0, 1]).all(axis=None):
            raise DataError(f"{path}: best and called must be 0 or 1")
        frames.append(frame.assign(as_of=pd.to_datetime(frame["as_of"], utc=True)))
    return pd.concat(frames).drop_duplicates(["lead_id", "as_of"]).reset_index(drop=True)


@dataclass(frozen=True)
class CallingEffect:
    """What being on the list changes: differences in the share that converts, with 95 % intervals.

    ``effect``: over all leads that could be called. ``effect_best`` and ``effect_other``: of those
    that the score puts on the list, and of the others. ``best_alone`` and ``other_alone``: what
    converts without being called; ``ranks_alone``: their difference, what the score finds by
    itself. ``share_of_calls``: how much of the gap between called best and uncalled others the
    calls make. ``words``: the sentences, the first one the answer.
    """

    leads: int
    held_back: int
    drawn: int
    conversions: int
    immature: int
    effect: Estimate
    effect_best: Estimate
    effect_other: Estimate
    best_alone: Estimate
    other_alone: Estimate
    ranks_alone: Estimate
    share_of_calls: Estimate
    words: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def calling_section(assignments: pd.DataFrame, dataset: Dataset, seed: int) -> dict[str, Any]:
    """:func:`effect_of_calling` for a report; where it is refused ``words`` says why."""
    try:
        return effect_of_calling(assignments, dataset, seed=seed).to_dict()
    except DataError as problem:
        return {"effect": None, "words": (str(problem),)}


def effect_of_calling(
    assignments: pd.DataFrame, dataset: Dataset, *, seed: int = 0
) -> CallingEffect:
    """What calling changed in the horizon after each list; only lists old enough count.

    Raises DataError where too few leads were held back or called at random, or too few converted.
    """
    until = observed_until_us(dataset)
    since_us = (assignments["as_of"] - EPOCH) // pd.Timedelta(1, "us")
    as_of: Int64 = since_us.to_numpy().astype(np.int64)
    horizon = round(dataset.settings.horizon_days * DAY_US)
    mature = as_of + horizon <= until
    rows = assignments[mature]
    label = _converted(rows["lead_id"].to_numpy(object), as_of[mature], horizon, dataset)
    best, called = (rows[name].to_numpy(np.int64) == 1 for name in ("best", "called"))
    lead = pd.factorize(rows["lead_id"])[0].astype(np.int64)
    immature = int((~mature).sum())
    return estimate(label, best, called, rows["propensity"].to_numpy(float), lead, immature, seed)


def _converted(lead_ids: Object, as_of: Int64, horizon: int, dataset: Dataset) -> Bools:
    won = dataset.outcomes[dataset.outcomes["outcome"].astype(str) == Outcome.CONVERTED.value]
    at = pd.Series(
        ((won["occurred_at"] - EPOCH) // pd.Timedelta(1, "us")).to_numpy(np.int64),
        index=won["lead_id"].to_numpy(object),
    )
    moment = at.reindex(lead_ids).to_numpy(float)
    return np.asarray((moment > as_of) & (moment <= as_of + horizon))


def estimate(
    label: Bools,
    best: Bools,
    called: Bools,
    propensity: Float64,
    lead: Int64,
    immature: int = 0,
    seed: int = 0,
) -> CallingEffect:
    """The same on arrays (n): leads drawn again together, percentile intervals.

    Raises DataError where too few leads were held back or called at random, or too few converted.
    """
    held, drawn = int((best & ~called).sum()), int((~best & called).sum())
    conversions = int(label.sum())
    if min(held, drawn) < MIN_PER_SIDE or conversions < MIN_CONVERSIONS:
        raise DataError(
            f"too few to tell what calling changes: {held} held back and {drawn} called at random "
            f"whose horizon has passed ({MIN_PER_SIDE} each are needed), "
            f"{plural(conversions, '{n:,} conversion', '{n:,} conversions')} "
            f"({MIN_CONVERSIONS} are needed); "
            + plural(immature, "{n:,} row is still too young", "{n:,} rows are still too young")
        )
    cells = _cells(label, best, called, propensity, lead)
    once = _figures(cells, np.ones(len(cells)))
    rng = np.random.default_rng(seed)
    n = len(cells)

    def drawn_again() -> dict[str, float]:
        times = np.bincount(rng.integers(0, n, n), minlength=n)
        return _figures(cells, times.astype(np.float64))

    resampled = [drawn_again() for _ in range(RESAMPLES)]
    found = {name: _interval(once[name], [one[name] for one in resampled]) for name in once}
    return CallingEffect(
        len(np.unique(lead)),
        held,
        drawn,
        conversions,
        immature,
        **found,
        words=_words(found, len(np.unique(lead)), held, drawn),
    )


def _cells(label: Bools, best: Bools, called: Bools, propensity: Float64, lead: Int64) -> Float64:
    """(leads, 10) sums per lead: weight and weighted conversions of each of the four groups by its
    own propensity, and rows of best and of others."""
    weight = 1 / np.where(called, propensity, 1 - propensity)
    number = np.unique(lead, return_inverse=True)[1]
    columns = []
    for is_best in (True, False):
        for is_called in (True, False):
            mass = weight * ((best == is_best) & (called == is_called))
            columns += [np.bincount(number, mass), np.bincount(number, mass * label)]
        columns.append(np.bincount(number, best == is_best))
    return np.stack(columns, axis=1)


def _figures(cells: Float64, times: Float64) -> dict[str, float]:
    sums = times @ cells
    with np.errstate(divide="ignore", invalid="ignore"):
        best_called, best_alone, other_called, other_alone = (
            sums[i + 1] / sums[i] for i in (0, 2, 5, 7)
        )
        share_best = sums[4] / (sums[4] + sums[9])
        effect_best, effect_other = best_called - best_alone, other_called - other_alone
        return {
            "effect": share_best * effect_best + (1 - share_best) * effect_other,
            "effect_best": effect_best,
            "effect_other": effect_other,
            "best_alone": best_alone,
            "other_alone": other_alone,
            "ranks_alone": best_alone - other_alone,
            "share_of_calls": effect_best / (best_called - other_alone),
        }


def _interval(value: float, values: Sequence[float]) -> Estimate:
    usable = np.array(values)[np.isfinite(values)]
    low, high = np.quantile(usable, (0.025, 0.975)) if len(usable) else (np.nan, np.nan)
    return Estimate(float(value), float(low), float(high))


def _words(found: dict[str, Estimate], leads: int, held: int, drawn: int) -> tuple[str, ...]:
    effect, ranks = found["effect_best"], found["ranks_alone"]
    best, other = found["best_alone"], found["other_alone"]
    if ranks.low > 0:
        truth = "the score finds leads that convert more even if nobody calls them"
    elif effect.low > 0:
        truth = (
            "left alone, the leads at the top convert no more than the others beyond chance: the "
            "score may have made its own truth"
        )
    else:
        truth = "whether the score ranks leads that nobody calls cannot be told yet"
    return (
        f"Being on the list changes the conversion of the leads at the top by {_points(effect)}, "
        f"of the others by {_points(found['effect_other'])}: {_side(effect)}.",
        f"Left alone, {best.value:.1%} of the leads at the top convert and {other.value:.1%} of "
        f"the others (difference {_points(ranks)}): {truth}.",
        f"From {leads:,} leads, of whom {held:,} of the best were held back and {drawn:,} others "
        "called, both at random.",
    )


def _side(effect: Estimate) -> str:
    if effect.low > 0:
        return "calling makes more of them convert"
    return "calling makes fewer of them convert" if effect.high < 0 else "within chance"


def _points(one: Estimate) -> str:
    return f"{100 * one.value:+.1f} points (95 %: {100 * one.low:+.1f} to {100 * one.high:+.1f})"
