"""A forecast from a notebook: conversions, and value, to expect from the open leads."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from commands.python_api.data import DatasetLike, as_dataset
from commands.python_api.release import Release, release_like

if TYPE_CHECKING:
    from training.forecast.run import Forecast


def forecast(
    data: DatasetLike,
    release: Release | str | Path | int = "champion",
    *,
    horizons: Sequence[float] | None = None,
    value: str | float | None = None,
    by: Sequence[str] = ("band",),
    seed: int = 0,
) -> Forecast:
    """Conversions, and their value, to expect from the leads that are open at the end of the data.

    Args:
        data: a dataset, or a folder or URL to read one from.
        release: a release, or a name that :func:`load_release` takes.
        horizons: days ahead; None takes those of 30, 60 and 90 that are known, and the release's
            own. For every lead a longer horizon has no lower a probability, and that of the
            release's own horizon is its score.
        value: what a conversion is worth: a numeric attribute, as of now, or one number.
        by: ``band``, or attributes that are no numbers; ``source`` is also the one of that group.
        seed: of the intervals.

    Returns:
        A forecast with ``rows`` (and ``frame()``: by, group, horizon_days, leads, expected, low,
        high, value …), ``leads`` (the probabilities of each open lead, as a DataFrame),
        ``last_periods`` (what was forecast for a period that has passed, and what came) and
        ``notes``. Intervals hold in 90 % of forecasts.

    Raises:
        DataError: the data or the release have no time, or a horizon is not known.
        UsageError: no such release, no such attribute, or a value that is no number.

    >>> expected = ls.forecast(data, release, horizons=[10, 30])
    >>> one, two = expected.rows[:2]
    >>> one.horizon_days, one.expected <= two.expected, two.low <= two.expected <= two.high
    (10.0, True, True)
    """
    from training.forecast.run import forecast as run

    return run(
        as_dataset(data, outcomes_required=False),
        release_like(release).content,
        horizons=horizons,
        value=value,
        by=by,
        seed=seed,
    )
