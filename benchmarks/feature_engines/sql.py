"""The sixty features as SQL, shared by DuckDB and Spark (both speak ``count ... filter``)."""

from __future__ import annotations

from feature_engines.asked import DAY_US, HALF_LIFE_DAYS, KINDS, WINDOWS_DAYS


def expressions() -> list[str]:
    """One expression a feature, over columns age (microseconds), day, kind, value, duration_s."""
    found = []
    for kind in KINDS:
        of = f"kind = '{kind}'"
        found += [f"count(*) filter (where {of} and age <= {w * DAY_US})" for w in WINDOWS_DAYS]
        found += [f"min(age) filter (where {of}) / {float(DAY_US)!r}"]
        found += [f"coalesce(sum(share) filter (where {of}), 0)"]
    found += [f"count(*) filter (where age <= {w * DAY_US})" for w in WINDOWS_DAYS]
    found += ["count(*)", f"min(age) / {float(DAY_US)!r}", f"max(age) / {float(DAY_US)!r}"]
    found += ["sum(share)"]
    found += [f"count(distinct case when age <= {30 * DAY_US} then day end)"]
    found += ["sum(duration_s) / 60", "sum(value)"]
    return found


def query(rows: str) -> str:
    """Aggregate ``rows`` (lead_id, as_of, moment, kind, value, duration_s) per reference."""
    columns = ", ".join(f"{e} as f{i}" for i, e in enumerate(expressions()))
    half_life = float(HALF_LIFE_DAYS * DAY_US)
    return (
        f"select lead_id, as_of, {columns} from (select lead_id, as_of, kind, value, duration_s,"
        f" as_of - moment as age, floor(moment / {DAY_US}) as day,"
        f" pow(2.0, -(as_of - moment) / {half_life!r}) as share"
        f" from {rows} where moment < as_of) as seen"
        " group by lead_id, as_of order by lead_id, as_of desc"
    )
