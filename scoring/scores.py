"""Scores: what a release says of references, as arrays and as the table people read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from features.compute.array_types import Float64, Int64, Object
from features.compute.parallel import ordered_map
from features.errors import DataError
from features.histories.arrays import NO_TIME, Histories, References
from features.histories.subset import select_leads
from features.vectors.compute import compute_vectors
from scoring.reasons import ReasonFormatter, top_k_contributions
from scoring.release.release import Release

CHUNK_NUMBERS = 2_000_000
"""References are scored in parts of at most this many vector entries (16 MB)."""


N_REASONS = 3


SCORE_COLUMNS = pa.schema(
    [
        ("lead_id", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("probability", pa.float64()),
        ("low", pa.float64()),
        ("high", pa.float64()),
        ("band", pa.string()),
        ("rule_points", pa.float64()),
        ("rule_band", pa.string()),
        ("model_version", pa.string()),
        *((f"reason_{i + 1}", pa.string()) for i in range(N_REASONS)),
        ("error", pa.string()),
    ]
)
"""Columns of :func:`scores_table`. A row with an ``error`` has nothing between as_of and it."""


@dataclass(frozen=True, slots=True)
class Scores:
    """What a release says of n references; F features.

    ``probability`` within ``low`` … ``high``, ``log_odds``, ``band`` (str), ``known_share`` (the
    share of features that are not unknown): all (n,). ``contributions`` and ``compute_vectors``
    (n, F);
    ``base`` + the contributions of a row summed in order is its log-odds exactly.
    ``rule_points`` and ``rule_band`` (n,) are None when the release has no scorecard.
    """

    probability: Float64
    low: Float64
    high: Float64
    band: Object
    base: float
    log_odds: Float64
    contributions: Float64
    vectors: Float64
    known_share: Float64
    rule_points: Float64 | None
    rule_band: Object | None


def score(release: Release, histories: Histories, references: References) -> Scores:
    """Score every reference. The bits of a row depend on its own history and as_of alone.

    Raises DataError when a reference lies before the creation of its lead.
    """
    found = compute_vectors(release.spec, histories, references)
    explained = release.model.explain(found)
    low, high = release.intervals.interval(explained.log_odds, explained.probability)
    card = release.scorecard
    ruled = None if card is None else card.points(histories, references)
    return Scores(
        probability=explained.probability,
        low=low,
        high=high,
        band=release.cuts.bands_of(explained.probability),
        base=explained.base,
        log_odds=explained.log_odds,
        contributions=explained.contributions,
        vectors=found,
        known_share=1.0 - np.isnan(found).mean(axis=1) if found.shape[1] else np.ones(len(found)),
        rule_points=None if ruled is None else ruled.points,
        rule_band=None if ruled is None else ruled.band,
    )


def scores_table(
    release: Release,
    histories: Histories,
    lead_ids: Object,
    as_of_us: Int64,
    *,
    model_version: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> pa.Table:
    """One row per (lead_id, as_of) asked, in the order asked; columns as SCORE_COLUMNS.

    ``as_of_us``: microseconds since 1970 UTC; NO_TIME is shown as null. A reference that cannot
    be scored keeps its row, with ``error`` saying why. ``model_version`` defaults to the
    release_id. ``progress(done, total)`` is called after every part. Memory beyond the table
    stays flat, whatever the number of references.
    """
    lead, moment, errors = _questions(release, histories, lead_ids, as_of_us)
    sentences = ReasonFormatter(release.spec)
    version = release.release_id if model_version is None else model_version

    def part(rows: slice) -> pa.Table:
        good = np.flatnonzero(errors[rows] == None)  # noqa: E711  (elementwise)
        asked = References(lead[rows][good], moment[rows][good])
        scores = score(release, *select_leads(histories, asked))
        told = _columns(scores, sentences, version)
        return _spread(told, good, lead_ids[rows], as_of_us[rows], errors[rows])

    parts: list[pa.Table] = []
    done = 0
    for table in ordered_map(part, _parts(release, len(lead))):
        parts.append(table)
        done += table.num_rows
        if progress is not None:
            progress(done, len(lead))
    return pa.concat_tables(parts) if parts else SCORE_COLUMNS.empty_table()


def _parts(release: Release, n: int) -> Iterator[slice]:
    """Neighbouring rows that cover 0..n, few enough that their vectors stay near the processor."""
    rules = 0 if release.scorecard is None else len(release.scorecard.spec)
    step = max(1, CHUNK_NUMBERS // max(1, len(release.spec), rules))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _questions(
    release: Release, histories: Histories, lead_ids: Object, as_of_us: Int64
) -> tuple[Int64, Int64, Object]:
    """(lead rows, moments, None or why it cannot be scored), each (n,)."""
    if len(lead_ids) != len(as_of_us):
        raise DataError(f"{len(lead_ids)} lead_ids but {len(as_of_us)} moments")
    lead = pd.Index(histories.lead_ids).get_indexer(pd.Index(lead_ids)).astype(np.int64)
    known = lead >= 0
    created = np.full(len(lead), NO_TIME, dtype=np.int64)
    created[known] = histories.created_at_us[lead[known]]
    timeless = known & (created == NO_TIME)
    moment = np.where(timeless, 0, as_of_us).astype(np.int64)
    errors = np.full(len(lead), None, dtype=object)
    errors[~known] = "unknown lead: no row in leads has this lead_id"
    errors[known & (moment < created)] = "as_of is before the lead's created_at"
    if release.has_time:
        errors[timeless] = "the lead has no created_at, which this release needs"
    return lead, moment, errors


def _columns(scores: Scores, sentences: ReasonFormatter, version: str) -> dict[str, pa.Array]:
    n = len(scores.probability)
    strongest = top_k_contributions(scores.contributions, N_REASONS)
    reasons = sentences.reasons(scores.vectors, scores.contributions, strongest)
    ruled = scores.rule_points is not None
    return {
        "probability": pa.array(scores.probability),
        "low": pa.array(scores.low),
        "high": pa.array(scores.high),
        "band": pa.array(scores.band, pa.string()),
        "rule_points": pa.array(scores.rule_points) if ruled else pa.nulls(n, pa.float64()),
        "rule_band": pa.array(scores.rule_band, pa.string()) if ruled else pa.nulls(n, pa.string()),
        "model_version": pa.repeat(version, n),
        **{f"reason_{i + 1}": reason for i, reason in enumerate(reasons)},
    }


def _spread(
    told: dict[str, pa.Array], rows: Int64, lead_ids: Object, as_of_us: Int64, errors: Object
) -> pa.Table:
    """Scored rows back among those that could not be scored, as a table."""
    columns = {
        "lead_id": pa.array(lead_ids, pa.string()),
        "as_of": pa.array(as_of_us, mask=as_of_us == NO_TIME).cast(SCORE_COLUMNS.field(1).type),
        "error": pa.array(errors, pa.string()),
    }
    if len(rows) < len(lead_ids):
        place = np.full(len(lead_ids), -1, dtype=np.int64)
        place[rows] = np.arange(len(rows))
        back = pa.array(place, mask=place < 0)
        told = {name: values.take(back) for name, values in told.items()}
    return pa.table({**columns, **told}).select(SCORE_COLUMNS.names).cast(SCORE_COLUMNS)
