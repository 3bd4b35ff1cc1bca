"""A miniature of Snowplow's atomic.events.

https://docs.snowplow.io/docs/fundamentals/canonical-event/
"""

from __future__ import annotations

from pathlib import Path

from drawn_export import assert_contract, assert_table, reasons, write_export

from integrations.history import Basis
from integrations.run import import_export

# d1 came by an ad and was known two days later; e4 was delivered twice; a robot; d9 is nobody known
EVENTS = """
    event_id | event     | event_name  | user_id | domain_userid | collector_tstamp        | derived_tstamp          | se_category | se_action | se_value | mkt_source | geo_country | br_type     | tr_total
    e1       | page_view | page_view   |         | d1            | 2026-01-03 09:00:01.000 | 2026-01-03 09:00:00.000 |             |           |          | google     | FR          | Browser     |
    e2       | struct    | event       | u1      | d1            | 2026-01-05 09:00:01.000 | 2026-01-05 09:00:00.000 | form        | Sign_Up   | 1.5      |            | DE          | Browser     |
    e3       | unstruct  | link_click  | u1      | d1            | 2026-01-06 09:00:01.000 | 2026-01-06 09:00:00.000 |             |           |          | bing       | DE          | Browser     |
    e4       | unstruct  | transaction | u1      | d1            | 2026-02-06 09:00:01.000 | 2026-02-06 09:00:00.000 |             |           |          |            | DE          | Browser     | 99.5
    e4       | unstruct  | transaction | u1      | d1            | 2026-02-06 09:05:01.000 | 2026-02-06 09:00:00.000 |             |           |          |            | DE          | Browser     | 99.5
    e5       | page_view | page_view   | u2      | d2            | 2026-01-07 09:00:01.000 |                         |             |           |          |            | FR          | Browser     |
    e6       | page_view | page_view   | u2      | d2            | 2026-01-08 09:00:01.000 |                         |             |           |          |            | FR          | Robot       |
    e7       | page_view | page_view   |         | d9            | 2026-01-08 09:00:01.000 |                         |             |           |          |            | FR          | Browser     |
"""


def test_the_dataset_that_comes_out(tmp_path: Path) -> None:
    out = tmp_path / "out"
    report = import_export("auto", write_export(tmp_path / "export", {"events.csv": EVENTS}), out)
    assert_contract(out)
    assert report.recipe == "snowplow"
    assert_table(
        out,
        "leads",
        """
        lead_id | created_at           | first_mkt_source | first_geo_country
        u1      | 2026-01-05T09:00:00Z | google           | FR
        u2      | 2026-01-07T09:00:01Z |                  | FR
        """,
    )
    assert_table(
        out,
        "interactions",
        """
        lead_id | occurred_at          | kind        | value | event_id
        u1      | 2026-01-03T09:00:00Z | page_view   |       | e1
        u1      | 2026-01-05T09:00:00Z | sign_up     | 1.5   | e2
        u1      | 2026-01-06T09:00:00Z | link_click  |       | e3
        u1      | 2026-02-06T09:00:00Z | transaction | 99.5  | e4
        u2      | 2026-01-07T09:00:01Z | page_view   |       | e5
        """,
    )
    assert_table(
        out,
        "outcomes",
        """
        lead_id | outcome   | occurred_at
        u1      | converted | 2026-02-06T09:00:00Z
        """,
    )
    assert reasons(report) == [
        "events folded 1: the same event_id again",
        "events set aside 1: of a robot (br_type)",
        "events set aside 1: of a visitor who was never identified",
    ]
    assert {f.basis for f in report.fields if f.at_creation} == {Basis.WRITTEN_ONCE}
