"""Scores of references by a release, as arrays and as the table people read."""

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
from features.language.language import ENGLISH, Language
from features.language.plural import plural
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
    """A release's scores of n references; F features.

    ``probability`` within ``low`` … ``high``, ``log_odds``, ``band`` (str), ``known_share`` (the
    share of features that are not unknown): all (n,). ``contributions`` and ``vectors`` (n, F);
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

    Raises DataError when a reference is before the creation of its lead.
    """
    vectors = compute_vectors(release.spec, histories, references)
    explained = release.model.explain(vectors)
    low, high = release.intervals.interval(explained.log_odds, explained.probability)
    card = release.scorecard
    by_rules = None if card is None else card.points(histories, references)
    return Scores(
        probability=explained.probability,
        low=low,
        high=high,
        band=release.thresholds.bands_of(explained.probability),
        base=explained.base,
        log_odds=explained.log_odds,
        contributions=explained.contributions,
        vectors=vectors,
        known_share=_known_share(vectors),
        rule_points=None if by_rules is None else by_rules.points,
        rule_band=None if by_rules is None else by_rules.band,
    )


def _known_share(vectors: Float64) -> Float64:
    if not vectors.shape[1]:
        return np.ones(len(vectors))
    return np.asarray(1.0 - np.isnan(vectors).mean(axis=1))


def scores_table(
    release: Release,
    histories: Histories,
    lead_ids: Object,
    as_of_us: Int64,
    *,
    model_version: str | None = None,
    language: Language = ENGLISH,
    progress: Callable[[int, int], None] | None = None,
) -> pa.Table:
    """One row per (lead_id, as_of), in the order given; columns as SCORE_COLUMNS.

    ``as_of_us``: microseconds since 1970 UTC; NO_TIME is shown as null. A reference that cannot
    be scored keeps its row, with the reason in ``error``. ``model_version`` defaults to the
    release_id. ``language``: of the reasons. ``progress(done, total)`` is called after every part.
    Memory beyond the table stays flat, whatever the number of references.
    """
    lead, moment, errors = _checked_references(release, histories, lead_ids, as_of_us)
    sentences = ReasonFormatter(release.spec, language)
    version = release.release_id if model_version is None else model_version

    def part(rows: slice) -> pa.Table:
        good = np.flatnonzero(errors[rows] == None)  # noqa: E711  (elementwise)
        references = References(lead[rows][good], moment[rows][good])
        scores = score(release, *select_leads(histories, references))
        columns = _columns(scores, sentences, version)
        return _with_unscored(columns, good, lead_ids[rows], as_of_us[rows], errors[rows])

    parts: list[pa.Table] = []
    done = 0
    for table in ordered_map(part, _parts(release, len(lead))):
        parts.append(table)
        done += table.num_rows
        if progress is not None:
            progress(done, len(lead))
    return pa.concat_tables(parts) if parts else SCORE_COLUMNS.empty_table()


def _parts(release: Release, n: int) -> Iterator[slice]:
    """Neighbouring rows that cover 0..n, few enough that their vectors stay in the cache."""
    rules = 0 if release.scorecard is None else len(release.scorecard.spec)
    step = max(1, CHUNK_NUMBERS // max(1, len(release.spec), rules))
    return (slice(start, min(start + step, n)) for start in range(0, n, step))


def _checked_references(
    release: Release, histories: Histories, lead_ids: Object, as_of_us: Int64
) -> tuple[Int64, Int64, Object]:
    """(lead rows, moments, None or the reason why it cannot be scored), each (n,)."""
    if len(lead_ids) != len(as_of_us):
        raise DataError(
            f"{plural(len(lead_ids), '{n:,} lead_id', '{n:,} lead_ids')} but "
            f"{plural(len(as_of_us), '{n:,} moment', '{n:,} moments')}"
        )
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
    return {
        "probability": pa.array(scores.probability),
        "low": pa.array(scores.low),
        "high": pa.array(scores.high),
        "band": pa.array(scores.band, pa.string()),
        "rule_points": _or_nulls(scores.rule_points, pa.float64(), n),
        "rule_band": _or_nulls(scores.rule_band, pa.string(), n),
        "model_version": pa.repeat(version, n),
        **{f"reason_{i + 1}": reason for i, reason in enumerate(reasons)},
    }


def _or_nulls(values: Float64 | Object | None, dtype: pa.DataType, n: int) -> pa.Array:
    return pa.nulls(n, dtype) if values is None else pa.array(values, dtype)


def _with_unscored(
    scored: dict[str, pa.Array], rows: Int64, lead_ids: Object, as_of_us: Int64, errors: Object
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
        scored = {name: values.take(back) for name, values in scored.items()}
    return pa.table({**columns, **scored}).select(SCORE_COLUMNS.names).cast(SCORE_COLUMNS)
