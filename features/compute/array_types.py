"""Aliases of array types, and microseconds of a day: used in every folder."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]


Int8 = npt.NDArray[np.int8]


Int32 = npt.NDArray[np.int32]


Float64 = npt.NDArray[np.float64]


Object = npt.NDArray[np.object_]


Bools = npt.NDArray[np.bool_]


Rows = npt.NDArray[np.intp]
"""Positions of rows in a table."""


UInt64 = npt.NDArray[np.uint64]


DAY_US = 86_400_000_000
"""Microseconds of a day."""


Column = TypeVar("Column", bound=npt.NDArray[np.generic])


def read_only(column: Column) -> Column:
    """The same memory; one type for the compiler, whether the column is Arrow's or numpy's."""
    seen = column.view()
    seen.flags.writeable = False
    return seen
