"""Each piece of evidence on a few drawn columns: when it speaks and when it is silent."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.leakage.binned_columns import column_of, frame_of, number_bins
from training.leakage.history import rank_correlation
from training.leakage.missingness import (
    differences,
    filled_in_batches,
    open_leads_lack,
    overwritten,
)
from training.leakage.univariate import multivariate, univariate
from training.leakage.values import (
    LeakSignal,
    near_deterministic_values,
    out_of_proportion,
    value_evidence,
)

N = 4_000


@pytest.fixture
def rng():
    return np.random.default_rng(12)


def frame(label, *, timed=True, **columns):
    return frame_of(
        np.asarray(label, np.int8),
        [column_of(name, pd.Series(values)) for name, values in columns.items()],
        timed=timed,
    )


def signs(frame, name):
    column = next(c for c in frame.columns if c.name == name)
    return {e.sign for e in value_evidence(frame, column, univariate(frame, column))}


def words(rng, won, if_won, if_lost, names):
    drawn = rng.choice(len(names), size=len(won), p=if_lost)
    drawn[won] = rng.choice(len(names), size=int(won.sum()), p=if_won)
    return np.array(names, dtype=object)[drawn]


def test_frequent_values_have_their_own_bin_and_unknown_is_bin_zero():
    number = np.array([0.0] * 50 + list(range(1, 51)) + [np.nan])
    code, bins = number_bins(number)
    assert bins[0] == "unknown"
    assert code[-1] == 0
    assert bins[code[0]] == "0"
    assert (code[:50] == code[0]).all()
    assert (code[50:-1] != code[0]).all()
    assert (np.diff(code[50:-1]) >= 0).all()


def test_rare_words_share_a_bin():
    column = column_of("c", pd.Series(["a"] * 20 + ["b"] * 3 + ["c"] + [None], dtype=object))
    assert column.bins == ("unknown", "a", "a rare value")
    assert column.code.tolist()[-5:] == [2, 2, 2, 2, 0]


def test_what_merely_follows_the_calendar_knows_nothing(rng):
    time = np.linspace(0, 1, N)
    label = rng.random(N) < 0.05 + 0.5 * time
    asked = frame(label, calendar=time)
    assert univariate(asked, asked.columns[0]).gain < 0.01


def test_a_gain_grows_with_what_is_known(rng):
    label = rng.random(N) < 0.2
    asked = frame(label, weak=label + rng.normal(0, 3, N), strong=label + rng.normal(0, 0.5, N))
    weak, strong = (univariate(asked, column) for column in asked.columns)
    assert 0 < weak.gain < 0.1 < strong.gain
    assert weak.low < weak.gain
    assert 0.5 < weak.auc < strong.auc
    assert multivariate(asked, asked.columns).gain > strong.gain - 0.05


def test_nearly_the_outcome(rng):
    label = rng.random(N) < 0.2
    copy = np.where(rng.random(N) < 0.02, ~label, label).astype(float)
    assert LeakSignal.IS_THE_OUTCOME in signs(frame(label, copy=copy), "copy")


def test_never_without(rng):
    label = rng.random(N) < 0.1
    visited = label | (rng.random(N) < 0.3)
    honest = np.where(label, rng.random(N) < 0.5, rng.random(N) < 0.2)
    asked = frame(label, visited=visited.astype(float), honest=honest.astype(float))
    assert near_deterministic_values(asked, asked.columns[0]) is not None
    assert near_deterministic_values(asked, asked.columns[1]) is None


def test_a_verdict_reads_both_ways(rng):
    label = rng.random(N) < 0.3
    names = ["yes!", "perhaps", "never"]
    verdict = words(rng, label, [0.3, 0.69, 0.01], [0.005, 0.595, 0.4], names)
    honest = words(rng, label, [0.5, 0.3, 0.2], [0.25, 0.35, 0.4], names)
    asked = frame(label, verdict=verdict, honest=honest)
    assert LeakSignal.DECIDES_BOTH_WAYS in signs(asked, "verdict")
    assert signs(asked, "honest") == set()


def test_being_unknown_knows(rng):
    label = rng.random(N) < 0.2
    tells = np.where(rng.random(N) < np.where(label, 0.9, 0.1), rng.normal(size=N), np.nan)
    honest = np.where(rng.random(N) < np.where(label, 0.8, 0.6), rng.normal(size=N), np.nan)
    asked = frame(label, tells=tells, honest=honest)
    assert LeakSignal.UNKNOWN_KNOWS in signs(asked, "tells")
    assert signs(asked, "honest") == set()


def test_open_leads_lack_what_is_filled_in_at_closing(rng):
    label = np.where(rng.random(N) < 0.2, 1, 0)
    label[rng.random(N) < 0.2] = -1
    reason = rng.choice(np.array(["a", "b"], object), size=N)
    at_closing = np.where(label >= 0, reason, None)
    asked = frame(label, at_closing=at_closing, always=reason)
    assert open_leads_lack(asked, asked.columns[0]) is not None
    assert open_leads_lack(asked, asked.columns[1]) is None


def test_an_attribute_introduced_late_is_not_lacking(rng):
    label = np.where(rng.random(N) < 0.2, 1, 0)
    label[-800:][rng.random(800) < 0.6] = -1
    late = np.where(np.arange(N) > N / 2, rng.normal(size=N), np.nan)
    early = np.where(np.arange(N) < N / 2, rng.normal(size=N), np.nan)
    asked = frame(label, late=late, early=early)
    assert [open_leads_lack(asked, column) for column in asked.columns] == [None, None]


def test_batches_come_and_go(rng):
    label = rng.random(N) < 0.3
    score = label + rng.normal(0, 1, N)
    place = np.arange(N) / N
    batch = np.where((place > 0.3) & (place < 0.7), np.nan, score)
    late = np.where(place > 0.5, score, np.nan)
    asked = frame(label, batch=batch, same=np.where(np.isnan(batch), np.nan, 1.0), late=late)
    results = {column.name: univariate(asked, column) for column in asked.columns}
    assert set(filled_in_batches(asked, results)) == {"batch", "same"}


def test_an_overwritten_copy(rng):
    label = rng.random(N) < 0.3
    names = ["call", "mail", "visit", "form"]
    original = rng.choice(np.array(names, object), size=N)
    replaced = rng.random(N) < np.where(label, 0.2, 0.5)
    copy = np.where(replaced, "edited", original)
    asked = frame(label, original=original, copy=copy)
    assert set(overwritten(asked)) == {"copy"}


def test_two_moments_whose_gap_knows(rng):
    label = rng.random(N) < 0.2
    start = 1.7e9 + np.cumsum(rng.exponential(1000, N))
    end = start + np.exp(rng.normal(np.where(label, 6.5, 5), 0.6))
    other = start + rng.exponential(300, N)
    asked = frame(label, start=start, end=end, other=other)
    results = {column.name: univariate(asked, column) for column in asked.columns}
    found = differences(asked, results, None)
    assert {"start", "end"} <= set(found)
    assert "start" in found["end"].text


def test_out_of_proportion_beside_all_others(rng):
    label = rng.random(N) < 0.2
    weak = {f"w{i}": label * 0.3 + rng.normal(0, 1, N) for i in range(5)}
    asked = frame(label, leak=label + rng.normal(0, 0.75, N), **weak)
    results = {column.name: univariate(asked, column) for column in asked.columns}
    assert set(out_of_proportion(asked, results, set())) == {"leak"}


def test_the_best_of_many_good_ones_is_no_leak(rng):
    label = rng.random(N) < 0.4
    good = {f"g{i}": label * (0.5 + 0.1 * i) + rng.normal(0, 1, N) for i in range(6)}
    asked = frame(label, **good)
    results = {column.name: univariate(asked, column) for column in asked.columns}
    assert out_of_proportion(asked, results, set()) == {}


def test_without_both_outcomes_nothing_is_claimed(rng):
    asked = frame(np.zeros(N), a=rng.normal(size=N))
    assert univariate(asked, asked.columns[0]).gain == 0


def test_rank_correlation_ignores_unknown_and_refuses_too_few():
    one = np.arange(100.0)
    two = np.where(np.arange(100) % 2 == 0, one * 3, np.nan)
    assert rank_correlation(one, two) == pytest.approx(1)
    assert rank_correlation(one[:20], one[:20]) == 0.0
