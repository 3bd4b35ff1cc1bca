"""The points of a scorecard in one pass, row by row: one lead and a million add up alike.

Conditions come in order: the rules, then the exclusions, then the terms, which are further
conditions of a rule or exclusion (``and``, ``not``). ``numbers`` holds one row a condition
(see the names below), ``columns`` the positions in the vector that it reads, in five lists a
condition, and ``codes`` the values that an attribute may have.
"""

from __future__ import annotations

import numpy as np

from features.compute.array_types import Bools, Float64, Int32, Int64
from features.compute.jit import kernel

# What a condition looks at.
COUNTS, KNOWN, VALUES, RANGE, SILENT = range(5)


# Its numbers.
POINTS, AT_LEAST, BELOW, MINUTES, HALF_LIFE, MOST, WANTED, EACH = range(8)


PER_CONDITION = 8


# Its lists of columns: counts (or the one column of an attribute) come first.
OF_COUNTS, OF_MINUTES, OF_WITHOUT, OF_DECAYED, OF_SINCE_LAST = range(5)


LISTS = 5


SAME_POINTS = 1e-9


@kernel
def _total(matrix: Float64, row: int, columns: Int32, low: int, high: int) -> float:
    total = 0.0
    for position in range(low, high):
        total += matrix[row, columns[position]]
    return total


@kernel
def _least(matrix: Float64, row: int, columns: Int32, low: int, high: int) -> float:
    least = np.inf
    for position in range(low, high):
        value = matrix[row, columns[position]]
        least = value if value < least else least
    return least


@kernel
def _silent(matrix: Float64, row: int, columns: Int32, low: int, high: int, days: float) -> bool:
    """Whether every column (days without an interaction) is at least ``days``; NaN is not."""
    silent = True
    for position in range(low, high):
        silent &= matrix[row, columns[position]] >= days
    return silent


@kernel
def _cap(shares: Float64, row: int, group: Int32, of: int, highest: float, lowest: float) -> None:
    """Scale one group's gains (above ``highest``) or losses (below ``lowest``) in proportion."""
    gain = 0.0
    loss = 0.0
    for c in range(len(group)):
        if group[c] == of:
            gain += max(shares[row, c], 0.0)
            loss += min(shares[row, c], 0.0)
    if lowest <= gain + loss <= highest:
        return
    over = gain + loss > highest
    scale = (highest - loss) / gain if over else (lowest - gain) / loss
    for c in range(len(group)):
        if group[c] == of and (shares[row, c] > 0.0) == over:
            shares[row, c] *= scale


@kernel
def add_points(
    matrix: Float64,
    kinds: Int32,
    numbers: Float64,
    columns: Int32,
    lists: Int32,
    codes: Float64,
    code_offsets: Int32,
    group: Int32,
    caps: Float64,
    is_fit: Bools,
    terms: Int32,
    negated: Bools,
    shares: Float64,
    matched: Bools,
    sides: Float64,
    excluded: Bools,
) -> None:
    """Fill ``shares`` and ``matched`` (n, rules and exclusions), ``sides`` (n, 2: fit, engagement).

    ``group`` (rules,): position in ``caps`` (groups, 2: highest, lowest), -1 for none. ``terms``
    (rules and exclusions, 2): where the terms of each begin and end among the conditions;
    ``negated`` (conditions,): those that must not hold. The first exclusion that matches takes what
    is above 0 points. NaN (unknown) is in no range and no list.
    """
    n_rules = len(group)
    n_main = len(terms)
    held = np.empty(len(kinds), np.bool_)
    for r in range(len(matrix)):
        for c in range(len(kinds)):  # no function of its own: a call with all these arrays is slow
            kind, low, high = kinds[c], lists[c, OF_COUNTS], lists[c, OF_COUNTS + 1]
            holds = False
            if kind == COUNTS:
                count = _total(matrix, r, columns, low, high)
                if numbers[c, AT_LEAST] <= count < numbers[c, BELOW]:
                    first, last = lists[c, OF_MINUTES], lists[c, OF_MINUTES + 1]
                    minutes = _total(matrix, r, columns, first, last)
                    first, last = lists[c, OF_WITHOUT], lists[c, OF_WITHOUT + 1]
                    without = _total(matrix, r, columns, first, last)
                    holds = not minutes < numbers[c, MINUTES] and without == 0.0
            else:
                value = matrix[r, columns[low]]
                if kind == KNOWN:
                    holds = value == numbers[c, WANTED]
                elif kind == SILENT:
                    holds = _silent(matrix, r, columns, low, high, numbers[c, AT_LEAST])
                elif kind == RANGE:
                    holds = numbers[c, AT_LEAST] <= value < numbers[c, BELOW]
                else:
                    for position in range(code_offsets[c], code_offsets[c + 1]):
                        holds |= value == codes[position]
            held[c] = holds
        for c in range(n_main):
            holds, low, high = held[c], lists[c, OF_COUNTS], lists[c, OF_COUNTS + 1]
            for term in range(terms[c, 0], terms[c, 1]):
                holds &= held[term] != negated[term]
            matched[r, c] = holds
            shares[r, c] = 0.0
            if holds and c < n_rules:
                amount, most = 1.0, numbers[c, MOST]
                if numbers[c, EACH] > 0.0:
                    first, last = lists[c, OF_DECAYED], lists[c, OF_DECAYED + 1]
                    if first == last:
                        first, last = low, high
                    amount = _total(matrix, r, columns, first, last)
                elif numbers[c, HALF_LIFE] > 0.0:
                    first, last = lists[c, OF_SINCE_LAST], lists[c, OF_SINCE_LAST + 1]
                    days = _least(matrix, r, columns, first, last)
                    amount = np.exp2(-days / numbers[c, HALF_LIFE])
                shares[r, c] = min(max(numbers[c, POINTS] * amount, -most), most)
        for g in range(len(caps)):
            _cap(shares, r, group, g, caps[g, 0], caps[g, 1])
        sides[r, 0] = 0.0
        sides[r, 1] = 0.0
        for c in range(n_rules):
            sides[r, 0 if is_fit[c] else 1] += shares[r, c]
        excluded[r] = False
        for c in range(n_rules, n_main):
            if matched[r, c] and not excluded[r]:
                excluded[r] = True
                shares[r, c] = -max(sides[r, 0] + sides[r, 1], 0.0)
                sides[r, 0 if is_fit[c] else 1] += shares[r, c]


@kernel
def bands_reached(
    sides: Float64, excluded: Bools, warm: float, hot: float, points: Float64, reached: Int64
) -> None:
    """Fill ``points`` (n,) and how many of the two thresholds they reach; an excluded lead counts
    as having 0 points at most. Points within 1e-9 of a threshold reach it (6.6 + 6.7 + 6.7 is 20).
    """
    for r in range(len(sides)):
        points[r] = sides[r, 0] + sides[r, 1]
        counted = min(points[r], 0.0) if excluded[r] else points[r]
        reached[r] = int(counted >= warm - SAME_POINTS) + int(counted >= hot - SAME_POINTS)
