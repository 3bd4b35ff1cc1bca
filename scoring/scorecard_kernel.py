"""The points of a scorecard in one pass, row by row: one lead and a million add up alike.

Conditions stand in order: the rules, then the exclusions. ``numbers`` holds one row a condition
(see the names below), ``columns`` the positions in the vector that it reads, in five lists a
condition, and ``codes`` the values that an attribute may have.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.histories import Float64, Int32, Int64
from features.jit import compiled

Bool = npt.NDArray[np.bool_]

# What a condition looks at.
COUNTS, KNOWN, VALUES, RANGE = range(4)
# Its numbers.
POINTS, AT_LEAST, BELOW, MINUTES, HALF_LIFE, MOST, WANTED, EACH = range(8)
PER_CONDITION = 8
# Its lists of columns: counts (or the one column of an attribute) come first.
OF_COUNTS, OF_MINUTES, OF_WITHOUT, OF_DECAYED, OF_SINCE_LAST = range(5)
LISTS = 5


@compiled
def _total(row: Float64, columns: Int32, low: int, high: int) -> float:
    total = 0.0
    for position in range(low, high):
        total += row[columns[position]]
    return total


@compiled
def _matches(
    row: Float64,
    kind: int,
    number: Float64,
    columns: Int32,
    lists: Int32,
    codes: Float64,
    first_code: int,
    last_code: int,
) -> bool:
    """Whether one condition holds of one vector. NaN (unknown) is in no range and no list."""
    if kind == COUNTS:
        count = _total(row, columns, lists[OF_COUNTS], lists[OF_COUNTS + 1])
        if not (number[AT_LEAST] <= count < number[BELOW]):
            return False
        minutes = _total(row, columns, lists[OF_MINUTES], lists[OF_MINUTES + 1])
        if minutes < number[MINUTES]:
            return False
        return _total(row, columns, lists[OF_WITHOUT], lists[OF_WITHOUT + 1]) == 0.0
    value = row[columns[lists[OF_COUNTS]]]
    if kind == KNOWN:
        return bool(value == number[WANTED])
    if kind == RANGE:
        return bool(number[AT_LEAST] <= value < number[BELOW])
    for position in range(first_code, last_code):  # noqa: SIM110
        if value == codes[position]:
            return True
    return False


@compiled
def _given(row: Float64, number: Float64, columns: Int32, lists: Int32) -> float:
    """The points of a rule that matches, before its group's cap."""
    amount = 1.0
    if number[EACH] > 0.0:
        low, high = lists[OF_DECAYED], lists[OF_DECAYED + 1]
        if low == high:
            low, high = lists[OF_COUNTS], lists[OF_COUNTS + 1]
        amount = _total(row, columns, low, high)
    elif number[HALF_LIFE] > 0.0:
        days = np.inf
        for position in range(lists[OF_SINCE_LAST], lists[OF_SINCE_LAST + 1]):
            since = row[columns[position]]
            days = since if since < days else days
        amount = np.exp2(-days / number[HALF_LIFE])
    given = number[POINTS] * amount
    return float(min(max(given, -number[MOST]), number[MOST]))


@compiled
def _cap(shares: Float64, group: Int32, of: int, highest: float, lowest: float) -> None:
    """Scale one group's gains (above ``highest``) or losses (below ``lowest``) in proportion."""
    gain = 0.0
    loss = 0.0
    for c in range(len(group)):
        if group[c] == of:
            gain += max(shares[c], 0.0)
            loss += min(shares[c], 0.0)
    if lowest <= gain + loss <= highest:
        return
    over = gain + loss > highest
    scale = (highest - loss) / gain if over else (lowest - gain) / loss
    for c in range(len(group)):
        if group[c] == of and (shares[c] > 0.0) == over:
            shares[c] *= scale


@compiled
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
    is_fit: Bool,
    shares: Float64,
    matched: Bool,
    sides: Float64,
    excluded: Bool,
) -> None:
    """Fill ``shares`` and ``matched`` (n, conditions), ``sides`` (n, 2: fit, engagement).

    ``group`` (rules,): position in ``caps`` (groups, 2: highest, lowest), -1 for none. The first
    exclusion that matches takes what is above 0 points.
    """
    n_rules = len(group)
    for r in range(len(matrix)):
        row = matrix[r]
        for c in range(len(kinds)):
            matched[r, c] = _matches(
                row, kinds[c], numbers[c], columns, lists[c], codes, code_offsets[c],
                code_offsets[c + 1],
            )  # fmt: skip
            shares[r, c] = 0.0
            if matched[r, c] and c < n_rules:
                shares[r, c] = _given(row, numbers[c], columns, lists[c])
        for g in range(len(caps)):
            _cap(shares[r], group, g, caps[g, 0], caps[g, 1])
        sides[r, 0] = 0.0
        sides[r, 1] = 0.0
        for c in range(n_rules):
            sides[r, 0 if is_fit[c] else 1] += shares[r, c]
        excluded[r] = False
        for c in range(n_rules, len(kinds)):
            if matched[r, c] and not excluded[r]:
                excluded[r] = True
                shares[r, c] = -max(sides[r, 0] + sides[r, 1], 0.0)
                sides[r, 0 if is_fit[c] else 1] += shares[r, c]


@compiled
def reached_cuts(
    sides: Float64, excluded: Bool, warm: float, hot: float, points: Float64, reached: Int64
) -> None:
    """Fill ``points`` (n,) and how many of the two cuts they reach; excluded leads at most at 0."""
    for r in range(len(sides)):
        points[r] = sides[r, 0] + sides[r, 1]
        counted = min(points[r], 0.0) if excluded[r] else points[r]
        reached[r] = int(counted >= warm) + int(counted >= hot)
